"""Classifiers whose classes are not those of their largest outputs."""

from collections.abc import Iterator
from typing import Any

from sklearn.ensemble import GradientBoostingClassifier, StackingClassifier
from sklearn.feature_selection import RFE
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import FixedThresholdClassifier, TunedThresholdClassifierCV
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier, OutputCodeClassifier
from sklearn.neighbors import NearestCentroid
from sklearn.pipeline import Pipeline
from sklearn.semi_supervised import SelfTrainingClassifier
from sklearn.svm import SVC, NuSVC

__all__ = ["decides_by_pairs", "predicts_apart"]

# By a threshold that was set or tuned, by votes of pairs of classes, by decisions of theirs, or by
# distances that the outputs scale.
_APART = (
    FixedThresholdClassifier,
    TunedThresholdClassifierCV,
    SVC,
    NuSVC,
    OneVsOneClassifier,
    OneVsRestClassifier,
    OutputCodeClassifier,
    NearestCentroid,
)


def predicts_apart(estimator: Any) -> bool:
    """Whether a classifier may predict another class than that of its largest output.

    Parameters
    ----------
    estimator : fitted classifier
        The model. Of those of other libraries it is not known, and they are not asked.
    """
    return any(
        isinstance(part, _APART) or _clips(part) or _decides_evens(part)
        for part in _chain(estimator)
    )


def decides_by_pairs(estimator: Any) -> bool:
    """Whether a decision function has a column for each pair of classes, of which three have three.

    Parameters
    ----------
    estimator : fitted classifier
        The model. Of those of other libraries it is not known.
    """
    return any(
        isinstance(part, (SVC, NuSVC)) and part.decision_function_shape == "ovo"
        for part in _chain(estimator)
    )


def _chain(estimator: Any) -> Iterator[Any]:
    """Yield an estimator, and one after the other what leaves its prediction to the next."""
    while estimator is not None:
        yield estimator
        estimator = _last_inside(estimator)


def _clips(estimator: Any) -> bool:
    """Whether classes whose decisions differ may have the same probability."""
    if not isinstance(estimator, SGDClassifier):
        return False
    # Each of several classes has a logistic function of its own, which is 1 of all large decisions.
    saturates = estimator.loss == "log_loss" and len(estimator.classes_) > 2
    return saturates or estimator.loss == "modified_huber"


def _decides_evens(estimator: Any) -> bool:
    """Whether of two classes that are as likely the second is predicted, not the first."""
    # Boosting that begins at even odds leaves them where its trees find nothing.
    return isinstance(estimator, GradientBoostingClassifier) and len(estimator.classes_) == 2


def _last_inside(estimator: Any) -> Any:
    """What an estimator leaves its prediction to; None if it makes it itself."""
    if isinstance(estimator, Pipeline):
        return estimator.steps[-1][1]
    if isinstance(estimator, FrozenEstimator):
        return estimator.estimator
    if isinstance(estimator, StackingClassifier):
        return estimator.final_estimator_
    if isinstance(estimator, (SelfTrainingClassifier, RFE)):
        return estimator.estimator_
    return getattr(estimator, "best_estimator_", None)
