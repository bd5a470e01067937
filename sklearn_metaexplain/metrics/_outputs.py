"""Which output of each row an explanation is judged by."""

from __future__ import annotations

import numpy as np

from sklearn_metaexplain._explanation import Explanation
from sklearn_metaexplain.base import sizes_of

__all__ = [
    "ROUNDING",
    "attributed_shares",
    "attributions_of",
    "chosen_outputs",
    "explains_classifier",
    "mean_over_chosen",
    "of_outputs",
    "without_rounding",
]

# Outputs are rounded: less than this part of them is no change.
ROUNDING = 1e-10
# Attributions are sums of few of them: an output may be large beside all that changes it.
_ROUNDED_VALUES = 1e-13


def explains_classifier(explanation: Explanation) -> bool:
    """Whether outputs are classes, of which one is predicted, rather than targets."""
    return explanation.estimator_type == "classifier" or explanation.output != "raw"


def chosen_outputs(explanation: Explanation) -> np.ndarray:
    """Positions of the outputs that matter in each row.

    Parameters
    ----------
    explanation : Explanation
        What is judged.

    Returns
    -------
    chosen : ndarray of int of shape (n_samples, n_chosen)
        The predicted class (``n_chosen = 1``), or all targets of a regressor.
    """
    if explains_classifier(explanation):
        return explanation._predicted_positions()[:, None]
    n_outputs = len(explanation.output_names)
    return np.broadcast_to(np.arange(n_outputs), (len(explanation), n_outputs))


def of_outputs(array: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Of an array (n_samples, ..., n_outputs) the entries of one output a row, (n_samples, ...)."""
    return array[np.arange(len(chosen)), ..., chosen]


def attributions_of(explanation: Explanation, name: str = "The explanation") -> np.ndarray:
    """Attributions (n_samples, n_features, n_outputs), zero where they are but rounding.

    ValueError, about `name`, if one is NaN or infinite.
    """
    if not np.isfinite(explanation.values).all():
        raise ValueError(f"{name} has NaN or infinite values.")
    if len(explanation) == 0:
        return explanation.values
    sizes = sizes_of(explanation, share_classes=explains_classifier(explanation))
    return without_rounding(explanation.values, sizes)


def without_rounding(values: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Make attributions zero that are no more than rounding.

    A column that does nothing gets 0 of one explainer and 1e-17 of another: neither a sign nor a
    rank is to be read off that, nor how alike they are.

    Parameters
    ----------
    values : ndarray of shape (n_samples, n_features, n_outputs)
        Attributions.
    sizes : ndarray of shape (n_samples, n_outputs)
        What they are sums of is as large, see `sizes_of`.

    Returns
    -------
    values : ndarray of shape (n_samples, n_features, n_outputs)
        A copy.
    """
    return np.where(np.abs(values) <= _ROUNDED_VALUES * sizes[:, None], 0.0, values)


def attributed_shares(explanation: Explanation, chosen: np.ndarray) -> np.ndarray:
    """Attributions of one output a row as parts of the sum of their sizes.

    Parameters
    ----------
    explanation : Explanation
        What is judged.
    chosen : ndarray of int of shape (n_samples,)
        Positions of the outputs.

    Returns
    -------
    shares : ndarray of shape (n_samples, n_features)
        With their signs; the sizes of a row sum to 1. Zeros where all attributions of a row
        are no more than rounding of the outputs.
    """
    values = of_outputs(attributions_of(explanation), chosen)
    total = np.abs(values).sum(axis=1, keepdims=True)
    return values / np.where(total > 0, total, 1.0)


def mean_over_chosen(row_scores: np.ndarray) -> float:
    """Mean of the scores of rows and chosen outputs that are defined; NaN if none is."""
    defined = row_scores[~np.isnan(row_scores)]
    return float(defined.mean()) if defined.size else float("nan")
