"""Which output of an estimator is explained, and by which of its methods it is reached."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import is_classifier, is_outlier_detector, is_regressor

from sklearn_metaexplain._validation import name_of

__all__ = [
    "NO_CLASS",
    "ONE_VS_ONE",
    "SEVERAL_TARGETS",
    "NotFiniteError",
    "column_labels",
    "copy_of_numbers",
    "expand_outputs",
    "expand_values",
    "has_several_targets",
    "lists_classes_by_target",
    "log_odds",
    "method_of",
    "must_be_classifier_or_regressor",
    "name_targets",
    "resolve_output",
    "sum_to_zero_over_classes",
]

PROBABILITY_CLIP = 1e-6
_REMEDY = "wrap it in sklearn.calibration.CalibratedClassifierCV"

SEVERAL_TARGETS = (
    "Multilabel and multi-output classification are not supported; explain one classifier a target."
)

NO_CLASS = (
    "returned a probability of 0 for every class in some rows; let it say a class of each, as "
    'RadiusNeighborsClassifier does with outlier_label="most_frequent".'
)

ONE_VS_ONE = (
    " (One-vs-one decision functions have a column a pair of classes: set "
    'decision_function_shape="ovr" or explain output="probability".)'
)


_NO_ROWS = np.empty(0, dtype=np.intp)


class NotFiniteError(ValueError):
    """A model has answered what is no number, to the rows at `rows`."""

    # With a default, for pickle, which knows the message alone when it makes one.
    def __init__(self, message: str, rows: np.ndarray = _NO_ROWS) -> None:
        super().__init__(message)
        self.rows = rows


def lists_classes_by_target(estimator: Any) -> bool:
    """Whether `classes_` has an array for each of several targets."""
    classes = getattr(estimator, "classes_", None)
    # A list of labels is that of one target.
    return isinstance(classes, list) and any(isinstance(c, (list, np.ndarray)) for c in classes)


def has_several_targets(estimator: Any, row: Any) -> bool:
    """Whether a classifier with a decision function labels a row more than once."""
    # Multilabel classifiers list their labels in `classes_` as if these were classes.
    if not hasattr(estimator, "predict"):
        return False
    shape: tuple[int, ...] = getattr(estimator.predict(row), "shape", ())
    return len(shape) == 2 and shape[1] > 1


def copy_of_numbers(answers: Any, n: int, name: str) -> np.ndarray:
    """Copy what a method returned for n rows to float64; ValueError if it is no such array."""
    try:
        numbers = np.array(answers, dtype=np.float64)
    except (TypeError, ValueError):
        # What cannot be converted is left out: it would be looked for in the table.
        raise ValueError(f"{name} returned something else than an array of numbers.") from None
    if numbers.ndim not in (1, 2) or numbers.shape[0] != n:
        raise ValueError(f"{name} returned an array of shape {numbers.shape} for {n} rows.")
    finite = np.isfinite(numbers)
    if not finite.all():
        rows = np.flatnonzero(~finite.reshape(n, -1).all(axis=1))
        raise NotFiniteError(f"{name} returned NaN or infinite values.", rows)
    return numbers


def column_labels(y: Any) -> np.ndarray | None:
    """Labels of the columns of targets or outputs, where they come as a DataFrame."""
    return y.columns.to_numpy() if isinstance(y, pd.DataFrame) else None


def name_targets(labels: np.ndarray | None, n_targets: int) -> np.ndarray:
    """Names of a regressor's targets: the labels if there is one each, else y or y0, y1, ..."""
    if labels is not None and len(labels) == n_targets:
        return labels
    names = ["y"] if n_targets == 1 else [f"y{k}" for k in range(n_targets)]
    return np.asarray(names, dtype=object)


def log_odds(probabilities: np.ndarray) -> np.ndarray:
    """log(p / (1 - p)), with p clipped to [1e-6, 1 - 1e-6]."""
    clipped = np.clip(probabilities, PROBABILITY_CLIP, 1.0 - PROBABILITY_CLIP)
    return np.log(clipped) - np.log1p(-clipped)


def must_be_classifier_or_regressor(estimator: Any) -> bool:
    """Whether the estimator is a classifier; TypeError if it is no regressor either.

    ValueError if it is a search that keeps no estimator to predict with.
    """
    if getattr(estimator, "refit", True) is False and not hasattr(estimator, "predict"):
        raise ValueError(f"{name_of(estimator)} has refit=False and cannot predict; set refit.")
    what = "neither a classifier nor a regressor"
    remedy = (
        "a class of your own inherits from sklearn.base.ClassifierMixin or RegressorMixin, and "
        "from BaseEstimator."
    )
    try:
        if is_classifier(estimator):
            return True
        if is_regressor(estimator):
            return False
        if is_outlier_detector(estimator):
            what = "an outlier detector"
            remedy = "explain a regressor whose predict is its score_samples."
    except AttributeError:  # no scikit-learn tags at all
        pass
    raise TypeError(f"{name_of(estimator)} is {what}, so there is no output to explain; {remedy}")


def method_of(output: str, classifier: bool) -> str:
    """Name of the method that gives a resolved output."""
    if output == "raw":
        return "decision_function" if classifier else "predict"
    return "predict_proba"


def resolve_output(estimator: Any, output: str, classifier: bool) -> str:
    """Resolve "auto" and check that the estimator has the method that the output needs."""
    choices = ("auto", "probability", "log_odds", "raw")
    if output not in choices:
        raise ValueError(f"output must be one of {choices}; got {output!r}.")
    name = name_of(estimator)
    if not classifier and output in ("probability", "log_odds"):
        raise ValueError(f'{name} is a regressor; output={output!r} needs a classifier, use "raw".')
    if output == "auto":
        has_probabilities = classifier and hasattr(estimator, "predict_proba")
        output = "probability" if has_probabilities else "raw"
        remedy = _REMEDY
        missing = "predict_proba and decision_function"
    else:
        missing = method_of(output, classifier)
        remedy = 'choose output="auto"'
        if missing == "predict_proba":
            remedy += f" or {_REMEDY}"
    if not hasattr(estimator, method_of(output, classifier)):
        if not classifier:
            raise TypeError(f"{name} has no predict.")
        if "predict_proba" in missing and getattr(estimator, "voting", None) == "hard":
            remedy = 'set voting="soft"'
        raise TypeError(f"{name} has no {missing}; {remedy}.")
    return output


def sum_to_zero_over_classes(
    values: np.ndarray,
    predictions: np.ndarray,
    base: np.ndarray,
    moving: np.ndarray | None = None,
) -> np.ndarray:
    """Project attributions of class probabilities: what one class gains, others lose.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_players, n_classes)
        Attributions.
    predictions, base : ndarray of shape (n_rows, n_classes)
        Probabilities, whose differences the attributions sum to.
    moving : ndarray of bool of shape (n_classes,), default=None
        Classes that take part. None: in each row, those that have attributions there.
    """
    # Rows whose probabilities do not sum to one keep their values: they would miss the gap.
    gap = np.abs((predictions - base).sum(axis=1)) < 1e-9
    if moving is None:
        # A class whose probability never changes takes no part in it, but for rounding.
        size = np.abs(values).max(axis=1, keepdims=True, initial=0.0)
        moving = size > 1e-12 * size.max(axis=2, keepdims=True)
    moves = moving & gap[:, None, None]
    mean = values.sum(axis=2, keepdims=True) / moves.sum(axis=2, keepdims=True).clip(1)
    return np.where(moves, values - mean, values)


def expand_values(values: np.ndarray, is_binary: bool) -> np.ndarray:
    """Attributions of both classes, (..., 2), from those of the second where there are two."""
    return np.concatenate([0.0 - values, values], axis=-1) if is_binary else values


def expand_outputs(outputs: np.ndarray, output: str, is_binary: bool) -> np.ndarray:
    """Outputs of both classes, (..., 2), from those of the second where there are two."""
    if not is_binary:
        return outputs
    other = 1.0 - outputs if output == "probability" else -outputs
    return np.concatenate([other, outputs], axis=-1)
