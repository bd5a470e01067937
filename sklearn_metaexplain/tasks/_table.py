"""What a task is: a table with labels, targets, or a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.utils import check_consistent_length, column_or_1d

from sklearn_metaexplain._rows import take_rows
from sklearn_metaexplain._validation import check_table, keep_missing
from sklearn_metaexplain.masking._outputs import (
    SEVERAL_TARGETS,
    copy_of_numbers,
    lists_classes_by_target,
    method_of,
    must_be_classifier_or_regressor,
    resolve_output,
)

__all__ = ["LEAST_ROWS", "TaskTable", "check_task", "name_tasks"]

#: Two to read and two to judge.
LEAST_ROWS = 4
# More different whole numbers than these are quantities rather than classes.
_MOST_CLASSES = 30


@dataclass(frozen=True)
class TaskTable:
    """A checked table and where its outputs come from.

    Attributes
    ----------
    X : DataFrame, CSR or ndarray of shape (n_rows, n_columns)
        The table.
    kind : {"labels", "targets", "model"}
        What the outputs are.
    known : ndarray of shape (n_rows, n_outputs) or None
        The outputs: a column of zeros and ones for each class, or the targets. None for a model,
        which is asked.
    model : estimator or None
        The model.
    """

    X: Any
    kind: str
    known: np.ndarray | None
    model: Any

    def __len__(self) -> int:
        return int(self.X.shape[0])

    def outputs(self, rows: np.ndarray) -> np.ndarray:
        """Outputs of rows by position, in their units: (n, n_outputs), of classes one each.

        Raises
        ------
        ValueError
            If the model returns something else than finite numbers.
        """
        if self.known is not None:
            return self.known[rows]
        classifier = must_be_classifier_or_regressor(self.model)
        if classifier and lists_classes_by_target(self.model):
            raise ValueError(SEVERAL_TARGETS)
        method = method_of(resolve_output(self.model, "auto", classifier), classifier)
        name = f"{type(self.model).__name__}.{method}"
        answers = getattr(self.model, method)(take_rows(self.X, rows))
        answers = copy_of_numbers(answers, len(rows), name)
        if answers.ndim == 2 and answers.shape[1] > 1:
            return answers
        answers = answers.reshape(-1, 1)
        # A decision between two classes has a sign only because one of them is called the second.
        return np.hstack([-answers, answers]) if classifier else answers


def name_tasks(tasks: Any) -> list[tuple[str, Any]]:
    """Tasks with their names: those of a mapping, or "task0", "task1", ...

    Raises
    ------
    TypeError
        If it is no list or mapping.
    ValueError
        If it is empty.
    """
    if isinstance(tasks, Mapping):
        named = [(str(name), task) for name, task in tasks.items()]
    elif isinstance(tasks, Sequence) and not isinstance(tasks, (str, bytes)):
        if len(tasks) == 2 and not any(_is_pair(task) for task in tasks):
            raise TypeError("tasks is a single pair, not a list of them; pass [(X, y)].")
        named = [(f"task{i}", task) for i, task in enumerate(tasks)]
    else:
        raise TypeError(
            "tasks must be a list of pairs (X, y) or (X, fitted model), or a mapping of names to "
            f"such pairs; got {type(tasks).__name__}."
        )
    if not named:
        raise ValueError("tasks is empty; pass at least one pair (X, y) or (X, fitted model).")
    return named


def _pair(task: Any) -> tuple[Any, Any]:
    if not _is_pair(task):
        raise TypeError(
            f"a task is a pair (X, y) or (X, fitted model); got {type(task).__name__}"
            f"{f' of length {len(task)}' if isinstance(task, (tuple, list)) else ''}."
        )
    return task[0], task[1]


def _is_pair(task: Any) -> bool:
    return isinstance(task, (tuple, list)) and len(task) == 2


def check_task(estimator: Any, task: Any, target_type: str) -> TaskTable:
    """Check a pair of a table and what belongs to it.

    Parameters
    ----------
    estimator : estimator
        Named in messages; it is not changed.
    task : pair
        ``(X, y)`` or ``(X, fitted model)``.
    target_type : {"auto", "labels", "targets"}
        What `y` holds.

    Raises
    ------
    TypeError
        If the task is no pair.
    ValueError
        If the table or the target cannot be read, or there are fewer than four rows.
    """
    X, target = _pair(task)
    # A copy keeps the columns of one task from being compared with those of another.
    X = check_table(clone(estimator), X, reset=True)
    if X.shape[0] < LEAST_ROWS:
        raise ValueError(f"a task has at least {LEAST_ROWS} rows; this one has {X.shape[0]}.")
    if hasattr(target, "fit") or hasattr(target, "predict"):
        return TaskTable(X, "model", None, target)
    return TaskTable(X, *_outputs_of(X, target, target_type), None)


def _outputs_of(X: Any, y: Any, target_type: str) -> tuple[str, np.ndarray]:
    """Kind of a target, and its outputs: (n_rows, n_outputs).

    Raises
    ------
    ValueError
        If the target does not fit the table, or has missing or infinite values.
    """
    if y is None:
        raise ValueError(
            "y is None; pass a label or a number for each row of X, or a fitted model in its place."
        )
    check_consistent_length(X, y)
    y, are_categories = _read_target(y)
    if target_type == "auto":
        are_labels = y.ndim == 1 and (are_categories or _are_labels(y))
        target_type = "labels" if are_labels else "targets"
    if target_type == "labels":
        y = column_or_1d(y)
        if pd.isna(y).any():
            raise ValueError("y has missing labels; drop their rows.")
        codes, classes = pd.factorize(y, sort=True)
        return "labels", np.eye(len(classes))[codes]
    try:
        numbers = np.where(pd.isna(y), np.nan, y.astype(np.float64))
    except (TypeError, ValueError):
        raise ValueError(
            'y is no array of numbers; pass target_type="labels" if it holds classes.'
        ) from None
    if numbers.ndim not in (1, 2):
        raise ValueError(
            f"y must be numbers of shape (n,) or (n, n_targets); it has shape {numbers.shape}."
        )
    if not np.isfinite(numbers).all():
        raise ValueError("y must be finite numbers; it has NaN or infinity; drop such rows.")
    return "targets", numbers[:, None] if numbers.ndim == 1 else numbers


def _read_target(y: Any) -> tuple[np.ndarray, bool]:
    """A target as an array, one column as one dimension, and whether it is categorical."""
    if getattr(y, "ndim", 1) == 2 and y.shape[1] == 1:
        y = y.iloc[:, 0] if isinstance(y, pd.DataFrame) else np.asarray(y)[:, 0]
    are_categories = isinstance(getattr(y, "dtype", None), pd.CategoricalDtype)
    y = np.asarray(keep_missing(y))
    if y.ndim == 1 and y.dtype == object:
        # Numbers and dates may be kept as objects; their kind must not depend on it.
        inferred = pd.Series(y).infer_objects()
        if isinstance(inferred.dtype, pd.DatetimeTZDtype):
            inferred = inferred.dt.tz_convert(None)
        y = inferred.to_numpy()
    return y, are_categories


def _are_labels(y: np.ndarray) -> bool:
    if y.dtype.kind in "mM":
        return False
    if y.dtype.kind not in "iuf":
        return True
    different = np.unique(y)
    return len(different) <= _MOST_CLASSES and bool((different == np.round(different)).all())
