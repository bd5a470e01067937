"""Models that are explained: scikit-learn's defaults, scaled where they need it."""

from __future__ import annotations

from collections.abc import Callable
from time import process_time
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import BayesianRidge
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import SplineTransformer, StandardScaler
from sklearn.svm import SVC, SVR
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if

SEED = 0


def _scaled(estimator: Any) -> Any:
    return make_pipeline(StandardScaler(), estimator)


def _scaled_both_ways(estimator: Any) -> Any:
    return TransformedTargetRegressor(_scaled(estimator), transformer=StandardScaler())


CLASSIFIERS: dict[str, Callable[[], Any]] = {
    "forest": lambda: RandomForestClassifier(random_state=SEED),
    "boosting": lambda: GradientBoostingClassifier(random_state=SEED),
    "svm": lambda: _scaled(CalibratedClassifierCV(SVC(), ensemble=False)),
    "mlp": lambda: _scaled(MLPClassifier(max_iter=500, random_state=SEED)),
    "neighbours": lambda: _scaled(KNeighborsClassifier()),
    "bayes": lambda: GaussianNB(),
}
# Naive Bayes is additive in its log-odds; its counterpart is additive in its output.
REGRESSORS: dict[str, Callable[[], Any]] = {
    "forest": lambda: RandomForestRegressor(random_state=SEED),
    "boosting": lambda: GradientBoostingRegressor(random_state=SEED),
    "svm": lambda: _scaled_both_ways(SVR()),
    "mlp": lambda: _scaled_both_ways(MLPRegressor(max_iter=500, random_state=SEED)),
    "neighbours": lambda: _scaled(KNeighborsRegressor()),
    "bayes": lambda: make_pipeline(StandardScaler(), SplineTransformer(), BayesianRidge()),
}
MODEL_NAMES = tuple(CLASSIFIERS)


def _has_probabilities(metered: MeteredModel) -> bool:
    return hasattr(metered.estimator, "predict_proba")


class MeteredModel(BaseEstimator):
    """A fitted model that counts the rows it is asked for and the time it takes.

    It keeps the rows themselves while `asked` is a list.

    Parameters
    ----------
    estimator : fitted classifier or regressor
        The model.

    Attributes
    ----------
    rows, seconds : int, float
        Rows it was asked for so far, and CPU seconds this took.
    asked : list of tables or None
        Rows it was asked for.
    """

    def __init__(self, estimator: Any) -> None:
        self.estimator = estimator
        self.rows = 0
        self.seconds = 0.0
        self.asked: list[Any] | None = None

    @property
    def classes_(self) -> np.ndarray:
        return self.estimator.classes_

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __sklearn_tags__(self) -> Any:
        return get_tags(self.estimator)

    def fit(self, X: Any, y: Any = None) -> MeteredModel:
        """Do nothing: the model is fitted."""
        return self

    def predict(self, X: Any) -> np.ndarray:
        return self._ask(self.estimator.predict, X)

    @available_if(_has_probabilities)
    def predict_proba(self, X: Any) -> np.ndarray:
        return self._ask(self.estimator.predict_proba, X)

    def _ask(self, method: Callable[[Any], np.ndarray], X: Any) -> np.ndarray:
        start = process_time()
        outputs = method(X)
        self.seconds += process_time() - start
        self.rows += len(X)
        if self.asked is not None:
            self.asked.append(X.copy())
        return outputs
