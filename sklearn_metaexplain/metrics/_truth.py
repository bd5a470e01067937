"""Attributions against true ones."""

from typing import Any

import numpy as np
from sklearn.utils import check_array

from sklearn_metaexplain._explanation import Explanation

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
        features, outputs or units.

    See Also
    --------
    faithfulness_score : Needs no true attributions.

    Examples
    --------
    >>> from sklearn_metaexplain.metrics import shapley_error
    >>> shapley_error([[[3.0], [4.0]]], [[[3.0], [3.0]]])
    0.04
    """
    if isinstance(true_values, Explanation) and isinstance(values, Explanation):
        _check_comparable(true_values, values)
    truth = _attributions(true_values, "true_values")
    judged = _attributions(values, "values")
    if truth.shape != judged.shape:
        raise ValueError(
            f"true_values have shape {truth.shape} and values {judged.shape}; they must be equal."
        )
    missed = float(np.square(judged - truth).sum())
    size = float(np.square(truth).sum())
    if size == 0:
        return 0.0 if missed == 0 else float("inf")
    return missed / size


def _attributions(values: Any, name: str) -> np.ndarray:
    if isinstance(values, Explanation):
        values = values.values
    return check_array(values, dtype=np.float64, ensure_2d=False, allow_nd=True, input_name=name)


def _check_comparable(truth: Explanation, judged: Explanation) -> None:
    if truth.output != judged.output:
        raise ValueError(
            f"true_values are of the output {truth.output!r} and values of {judged.output!r}; "
            "explain the same output in both."
        )
    for what in ("feature_names", "output_names"):
        ours, theirs = getattr(truth, what).tolist(), getattr(judged, what).tolist()
        if ours != theirs:
            raise ValueError(f"true_values have {what} {ours} and values {theirs}.")
