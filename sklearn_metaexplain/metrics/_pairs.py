"""Two sets of attributions of the same rows, made comparable."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.utils import check_array

from sklearn_metaexplain._explanation import Explanation
from sklearn_metaexplain.metrics._outputs import (
    attributions_of,
    chosen_outputs,
    of_outputs,
    without_rounding,
)

__all__ = ["chosen_pairs", "comparable_attributions"]


def comparable_attributions(true_values: Any, values: Any) -> tuple[np.ndarray, np.ndarray]:
    """Check two sets of attributions.

    Parameters
    ----------
    true_values, values : Explanation or array-like of shape (n_samples, n_features, n_outputs)
        Of the same rows, features and outputs.

    Returns
    -------
    truth, judged : ndarray of shape (n_samples, n_features, n_outputs)
        As arrays, zero where they are no more than rounding.

    Raises
    ------
    ValueError
        If shapes, rows, features, outputs or units differ, or a value is NaN or infinite.
    """
    if isinstance(true_values, Explanation) and isinstance(values, Explanation):
        _check_comparable(true_values, values)
    truth = _attributions(true_values, "true_values")
    judged = _attributions(values, "values")
    if truth.shape != judged.shape:
        raise ValueError(
            f"true_values have shape {truth.shape} and values {judged.shape}; they must be equal."
        )
    return truth, judged


def chosen_pairs(true_values: Any, values: Any) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pairs (n_samples, n_features) of attributions of the same outputs.

    Of Explanations of a classifier these are the predicted classes, in one pair; else there is a
    pair for each output.
    """
    truth, judged = comparable_attributions(true_values, values)
    if truth.ndim != 3:
        raise ValueError(
            "true_values must have three dimensions (n_samples, n_features, n_outputs); got shape "
            f"{truth.shape}."
        )
    for explanation in (true_values, values):
        if isinstance(explanation, Explanation):
            chosen = chosen_outputs(explanation)
            break
    else:
        chosen = np.broadcast_to(np.arange(truth.shape[2]), (len(truth), truth.shape[2]))
    for outputs in chosen.T:
        yield of_outputs(truth, outputs), of_outputs(judged, outputs)


def _attributions(values: Any, name: str) -> np.ndarray:
    is_explanation = isinstance(values, Explanation)
    array = check_array(
        values.values if is_explanation else values,
        dtype=np.float64,
        ensure_2d=False,
        allow_nd=True,
        input_name=name,
        ensure_all_finite=not is_explanation,
    )
    if is_explanation:
        return attributions_of(values, name)
    if array.ndim != 3:
        return array
    # The outputs are not known, but are about as large as their attributions together.
    total = np.abs(array).sum(axis=1)
    return without_rounding(array, np.maximum(total, np.median(total, axis=0)))


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
    if truth.index is None or judged.index is None or len(truth) != len(judged):
        return
    if not truth.index.equals(judged.index):
        raise ValueError(
            "true_values and values are of rows with different labels (index); pass explanations "
            "of the same rows in the same order, or, if they are, their arrays of values."
        )
