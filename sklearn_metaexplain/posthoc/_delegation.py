"""What an explainer around a model does as the model does."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from sklearn import get_config
from sklearn.utils.metadata_routing import process_routing
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from sklearn_metaexplain._containers import match_container

__all__ = ["DelegationMixin"]


def _estimator_has(method: str) -> Callable[[Any], bool]:
    def check(self: Any) -> bool:
        getattr(getattr(self, "estimator_", self.estimator), method)  # raises AttributeError
        return True

    return check


class DelegationMixin:
    """Predict and score by ``estimator_``, with the methods that the model has.

    Columns of a DataFrame get the types of `fit` as in `explain`, so that its `predictions` are
    those of these methods; nothing else of the rows is checked or changed.
    """

    estimator: Any
    estimator_: Any
    background_: Any

    @available_if(_estimator_has("predict"))
    def predict(self, X: Any) -> np.ndarray:
        """Predict with the model.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_targets)
            Predictions.
        """
        check_is_fitted(self)
        return self.estimator_.predict(self._typed(X))

    @available_if(_estimator_has("predict_proba"))
    def predict_proba(self, X: Any) -> np.ndarray:
        """Class probabilities of the model.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            In the order of `classes_`.
        """
        check_is_fitted(self)
        return self.estimator_.predict_proba(self._typed(X))

    @available_if(_estimator_has("predict_log_proba"))
    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Logarithms of the model's class probabilities.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        log_probabilities : ndarray of shape (n_samples, n_classes)
            In the order of `classes_`.
        """
        check_is_fitted(self)
        return self.estimator_.predict_log_proba(self._typed(X))

    @available_if(_estimator_has("decision_function"))
    def decision_function(self, X: Any) -> np.ndarray:
        """Decision function of the model.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        decision : ndarray of shape (n_samples,) or (n_samples, n_classes)
            As the model returns it.
        """
        check_is_fitted(self)
        return self.estimator_.decision_function(self._typed(X))

    @available_if(_estimator_has("score"))
    def score(self, X: Any, y: Any = None, **score_params: Any) -> float:
        """Score of the model's predictions; explanations have scores of their own.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Rows.
        y : array-like of shape (n_samples,) or (n_samples, n_targets), default=None
            True targets.
        **score_params : dict
            Passed to the `score` of the model, or routed to it if metadata routing is enabled.

        Returns
        -------
        score : float
            What the model's `score` returns.
        """
        check_is_fitted(self)
        if get_config()["enable_metadata_routing"]:
            score_params = process_routing(self, "score", **score_params).estimator.score
        return self.estimator_.score(self._typed(X), y, **score_params)

    @property
    def classes_(self) -> np.ndarray:
        """The model's classes, ndarray of shape (n_classes,)."""
        return self.estimator_.classes_

    def _typed(self, X: Any) -> Any:
        like = self.background_
        # Rows without the columns of fit, or that are no DataFrame, are for the model to take or
        # refuse.
        both = isinstance(X, pd.DataFrame) and isinstance(like, pd.DataFrame)
        return match_container(X, like) if both and X.columns.equals(like.columns) else X
