"""Outputs that a model has logged: what they are, and whether they can be that."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils import check_array

from sklearn_metaexplain._rows import listed_rows
from sklearn_metaexplain.masking._outputs import (
    column_labels,
    expand_outputs,
    expand_values,
    name_targets,
)

__all__ = ["LoggedOutputs"]

# Logs are rounded, to two decimals perhaps: what each column may be off by.
_ROUNDING = 5.001e-3
# By so much may sums and means of probabilities in single precision be beyond 0 and 1.
_OUTSIDE = 1e-6


class LoggedOutputs:
    """Kind and names of logged outputs, learned from those of `fit`.

    Parameters
    ----------
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        The outputs.
    output : {"probability", "log_odds", "raw"}
        What they are.

    Attributes
    ----------
    computed : ndarray of float64 of shape (n_samples, n_computed)
        The outputs of `y` that surrogates are fitted to: of two classes the second's alone.
    is_binary : bool
        Whether there are two classes, the outputs of one following from the other's.
    is_classes : bool
        Whether each output belongs to a class.
    names : ndarray of shape (n_outputs,)
        Names of all outputs.

    Raises
    ------
    ValueError
        If these are no such outputs.
    """

    def __init__(self, y: Any, output: str) -> None:
        if y is None:
            raise ValueError(
                "LoggedExplainer requires y to be passed, but the target y is None; pass the "
                "outputs that the model logged."
            )
        self.output = output
        self._labels = column_labels(y)
        array = _numbers(y, "y")
        self._shape = array.shape[1:]
        self.is_classes = output != "raw"
        complementary = output == "probability" and self._shape == (2,)
        self.is_binary = self.is_classes and (array.ndim == 1 or complementary)
        self.computed = self._compute(array, "y")
        self.names = self._name(y, 2 if self.is_binary else self.computed.shape[1])

    def read(self, outputs: Any, n_rows: int) -> np.ndarray:
        """Check outputs of further rows.

        Parameters
        ----------
        outputs : array-like of shape (n_rows,) or (n_rows, n_outputs)
            As in `fit`.
        n_rows : int
            Rows that they belong to.

        Returns
        -------
        computed : ndarray of float64 of shape (n_rows, n_computed)
            Those that surrogates are fitted to.
        """
        labels = column_labels(outputs)
        if labels is not None and self._labels is not None and len(labels) == len(self._labels):
            if set(labels) != set(self._labels):
                raise ValueError(
                    f"outputs have the columns {list(labels)}, and y had {list(self._labels)} in "
                    "fit; name them alike."
                )
            # By position: labels that are True and False would be taken for a mask of rows.
            order = [list(labels).index(label) for label in self._labels]
            outputs = outputs.iloc[:, order]
        array = _numbers(outputs, "outputs")
        if array.shape != (n_rows, *self._shape):
            raise ValueError(
                f"outputs must have the shape {(n_rows, *self._shape)}, one for each row of X and "
                f"as y had in fit; got {array.shape}."
            )
        return self._compute(array, "outputs")

    def expand_values(self, values: np.ndarray) -> np.ndarray:
        """Attributions of all outputs, (..., n_outputs), from those computed."""
        return expand_values(values, self.is_binary)

    def expand(self, computed: np.ndarray) -> np.ndarray:
        """All outputs, (..., n_outputs), from those computed."""
        return expand_outputs(computed, self.output, self.is_binary)

    def shape_as_logged(self, computed: np.ndarray) -> np.ndarray:
        """Outputs in the shape of `y`, from those computed."""
        return computed[:, 0] if not self._shape else self.expand(computed)

    def _compute(self, array: np.ndarray, name: str) -> np.ndarray:
        if self.output == "probability":
            array = _probabilities(array, name)
        array = array.reshape(len(array), -1)
        return array[:, -1:] if self.is_binary else array

    def _name(self, y: Any, n_outputs: int) -> np.ndarray:
        labels = column_labels(y)
        if self.is_classes and (labels is None or len(labels) != n_outputs):
            return np.arange(n_outputs)
        return name_targets(labels, n_outputs)


def _numbers(outputs: Any, name: str) -> np.ndarray:
    labels = column_labels(outputs)
    repeated = [] if labels is None else labels[pd.Index(labels).duplicated()].tolist()
    if repeated:
        raise ValueError(
            f"{name} has more than one column named {repeated[0]!r}; each is an output, and they "
            "are told apart by their names: rename them."
        )
    try:
        # A copy that may be written into, which those that pandas makes of its types may not be.
        return np.array(check_array(outputs, ensure_2d=False, dtype=np.float64, input_name=name))
    except (TypeError, ValueError) as error:
        if "contains NaN" in str(error) or "contains infinity" in str(error):
            raise _not_finite(outputs, name) from None
        if "could not convert" not in str(error):
            raise
        # What cannot be converted is left out: it would be looked for in the table.
        raise ValueError(
            f"{name} must be numbers that the model logged, probabilities or scores; of labels "
            "nothing can be learned about how sure it was."
        ) from None


def _not_finite(outputs: Any, name: str) -> ValueError:
    # Of the numbers, as text may be "nan".
    numbers = check_array(outputs, ensure_2d=False, dtype=np.float64, ensure_all_finite=False)
    numbers = numbers.reshape(len(numbers), -1)
    missing = np.flatnonzero(np.isnan(numbers).any(axis=1))
    if len(missing):
        return ValueError(
            f"{name} is missing in {listed_rows(missing)}; leave rows without an output out of "
            f"X and {name}."
        )
    infinite = np.flatnonzero(np.isinf(numbers).any(axis=1))
    return ValueError(
        f"{name} is infinite in {listed_rows(infinite)}, as are log odds of 0 and 1; cut them off, "
        'or pass the probabilities, with output="probability".'
    )


def _probabilities(array: np.ndarray, name: str) -> np.ndarray:
    outside = np.argwhere((array < -_OUTSIDE) | (array > 1 + _OUTSIDE))
    if len(outside):
        raise ValueError(
            f"{name} holds {array[tuple(outside[0])]:g} in row {outside[0][0]}, which is no "
            'probability; set output="log_odds" or output="raw" if the model logged scores.'
        )
    array = array.clip(0, 1)
    if array.ndim == 1:
        return array
    if array.shape[1] == 1:
        raise ValueError(
            f"{name} has a single column; pass a 1-D array of the second class's probabilities, "
            "or a column for each class."
        )
    sums = array.sum(axis=1, keepdims=True)
    off = np.flatnonzero(np.abs(sums[:, 0] - 1) > _ROUNDING * array.shape[1])
    if len(off):
        raise ValueError(
            f"The columns of {name} must sum to 1 and sum to {sums[off[0], 0]:g} in row {off[0]}; "
            "pass a column for each class, or, where labels do not exclude each other, explain "
            "them one by one from 1-D arrays."
        )
    return array / sums
