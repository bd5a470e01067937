"""Which output of each row an explanation is judged by."""

from __future__ import annotations

import numpy as np

from sklearn_metaexplain._explanation import Explanation
from sklearn_metaexplain.base import sizes_of

__all__ = [
    "ROUNDING",
    "attributed_shares",
    "chosen_outputs",
    "explains_classifier",
    "mean_over_chosen",
    "of_outputs",
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
        together are no more than rounding of the outputs.
    """
    values = of_outputs(explanation.values, chosen)
    if not len(values):
        return values
    outputs = sizes_of(explanation, share_classes=explains_classifier(explanation))
    total = np.abs(values).sum(axis=1)
    is_some = total > _ROUNDED_VALUES * of_outputs(outputs, chosen)
    return np.where(is_some[:, None], values, 0.0) / np.where(is_some, total, 1.0)[:, None]


def mean_over_chosen(row_scores: np.ndarray) -> float:
    """Mean of the scores of rows and chosen outputs that are defined; NaN if none is."""
    defined = row_scores[~np.isnan(row_scores)]
    return float(defined.mean()) if defined.size else float("nan")
