"""Which output of each row an explanation is judged by."""

from __future__ import annotations

import numpy as np

from sklearn_metaexplain._explanation import Explanation

__all__ = ["chosen_outputs", "explains_classifier", "mean_over_chosen", "of_outputs"]


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


def mean_over_chosen(row_scores: np.ndarray) -> float:
    """Mean of the scores of rows and chosen outputs that are defined; NaN if none is."""
    defined = row_scores[~np.isnan(row_scores)]
    return float(defined.mean()) if defined.size else float("nan")
