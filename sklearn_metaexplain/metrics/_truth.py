"""Attributions against true ones."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklearn_metaexplain._arrays import unit_of
from sklearn_metaexplain.metrics._pairs import comparable_attributions

__all__ = ["shapley_error"]


def shapley_error(true_values: Any, values: Any) -> float:
    """Relative squared error of attributions.

    The squared differences of all rows, columns and outputs together, over the sum of the squares
    of the true attributions: 0 is perfect, and 1 is what attributions of zero get.

    Parameters
    ----------
    true_values : Explanation or array-like of shape (n_samples, n_features, n_outputs)
        True attributions.
    values : Explanation or array-like of shape (n_samples, n_features, n_outputs)
        Attributions to judge, in the same units.

    Returns
    -------
    error : float
        Not negative, lower is better. Where all true attributions are zero: 0.0 if the others are
        zero as well, else infinity.

    Raises
    ------
    ValueError
        If the shapes differ, a value is NaN or infinite, or two Explanations are of different
        rows, features, outputs or units.

    See Also
    --------
    rank_agreement : Compares the order of columns alone.
    faithfulness_score : Needs no true attributions.

    Examples
    --------
    >>> from sklearn_metaexplain.metrics import shapley_error
    >>> shapley_error([[[3.0], [4.0]]], [[[3.0], [3.0]]])
    0.04
    """
    truth, judged = comparable_attributions(true_values, values)
    unit = unit_of(truth, judged)
    missed = float(np.square(judged / unit - truth / unit).sum())
    size = float(np.square(truth / unit).sum())
    if size == 0:
        return 0.0 if missed == 0 else float("inf")
    return missed / size
