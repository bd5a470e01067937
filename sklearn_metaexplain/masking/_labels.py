"""Classifiers whose classes are not those of their largest outputs."""

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import FixedThresholdClassifier, TunedThresholdClassifierCV
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC, NuSVC

__all__ = ["predicts_apart"]

# By a threshold that was set or tuned, or by votes of pairs of classes.
_APART = (FixedThresholdClassifier, TunedThresholdClassifierCV, SVC, NuSVC)
# Outputs that differ by less are rounded.
_TIE = 1e-9


def predicts_apart(
    estimator: Any, outputs: np.ndarray, classes: np.ndarray, predict: Callable[[], np.ndarray]
) -> bool:
    """Whether a classifier may predict another class than that of its largest output.

    Parameters
    ----------
    estimator : fitted classifier
        The model.
    outputs : ndarray of shape (n_rows, n_classes)
        What it says of some rows.
    classes : ndarray of shape (n_classes,)
        The classes.
    predict : callable
        Returns the classes that it predicts for these rows; called where it is not known. If it
        fails or returns something else, largest outputs are all there is to go by.
    """
    known = _is_known_to(estimator)
    if known is not None:
        return known
    try:
        labels = predict()
    except Exception:  # whatever it is, the model explains by its outputs alone
        return False
    if labels.shape != (len(outputs),) or not np.isin(labels, classes).all():
        return False
    # Between equal outputs any class will do.
    clear = np.ptp(np.sort(outputs, axis=1)[:, -2:], axis=1) > _TIE
    return bool((labels != classes[outputs.argmax(axis=1)])[clear].any())


def _is_known_to(estimator: Any) -> bool | None:
    """None of what is none of scikit-learn's own, or around others."""
    inner = estimator
    while True:
        if isinstance(inner, _APART):
            return True
        if isinstance(inner, Pipeline):
            inner = inner.steps[-1][1]
        elif isinstance(inner, FrozenEstimator):
            inner = inner.estimator
        elif hasattr(inner, "best_estimator_"):
            inner = inner.best_estimator_
        else:
            break
    if type(inner).__module__.partition(".")[0] != "sklearn":
        return None
    is_around = not {"estimator", "estimators"}.isdisjoint(inner.get_params(deep=False))
    return None if is_around else False
