"""Estimators that are a known function, whatever they are fitted on."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from sklearn_metaexplain._validation import check_table
from sklearn_metaexplain.datasets._functions import AdditiveFunction

__all__ = ["KnownClassifier", "KnownModel", "KnownRegressor"]


class KnownModel(BaseEstimator):
    """What a regressor and a classifier of known function share."""

    function: Any

    def fit(self, X: Any, y: Any = None) -> KnownModel:
        """Learn the names of the columns; the function stays what it is.

        Parameters
        ----------
        X : {array-like, DataFrame} of shape (n_samples, n_features)
            Rows.
        y : object, default=None
            Not used.

        Returns
        -------
        self : object
            Fitted estimator.
        """
        self._check(X, reset=True)
        return self

    def attributions(self, X: Any, background: Any) -> np.ndarray:
        """Exact interventional Shapley values of the model's outputs.

        Parameters
        ----------
        X : {array-like, DataFrame} of shape (n_samples, n_features)
            Rows to explain.
        background : {array-like, DataFrame} of shape (n_background, n_features)
            Rows whose values stand for columns that are left out.

        Returns
        -------
        values : ndarray of shape (n_samples, n_features, n_outputs)
            As `Explanation.values` has them: of a regressor's predictions, or of the probabilities
            of a classifier.
        """
        check_is_fitted(self)
        rows, others = (self._check(table, reset=False) for table in (X, background))
        return self._spread(self.function.attributions(rows, others))

    @abstractmethod
    def _spread(self, values: np.ndarray) -> np.ndarray:
        """Attributions of all outputs from those of the function."""

    def _outputs(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        return self.function(self._check(X, reset=False))

    def _check(self, X: Any, *, reset: bool) -> Any:
        allow_nan = isinstance(self.function, AdditiveFunction)
        return check_table(self, X, reset=reset, accept_sparse=False, accept_missing=allow_nan)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "n_features_in_")

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = isinstance(self.function, AdditiveFunction)
        tags.target_tags.required = False
        return tags


class KnownRegressor(RegressorMixin, KnownModel):
    """Regressor that predicts a known function, whatever it is fitted on.

    Parameters
    ----------
    function : PairwiseFunction or AdditiveFunction
        The function.
    """

    def __init__(self, function: Any) -> None:
        self.function = function

    def predict(self, X: Any) -> np.ndarray:
        """Value of the function.

        Parameters
        ----------
        X : {array-like, DataFrame} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            Without noise.
        """
        return self._outputs(X)

    def _spread(self, values: np.ndarray) -> np.ndarray:
        return values[:, :, None]


class KnownClassifier(ClassifierMixin, KnownModel):
    """Classifier of 0 and 1 whose probabilities are a known function.

    Parameters
    ----------
    function : PairwiseFunction
        Function with values 0 and 1.
    noise : float, default=0.0
        Probability of the class that the function does not say.
    """

    def __init__(self, function: Any, *, noise: float = 0.0) -> None:
        self.function = function
        self.noise = noise

    @property
    def classes_(self) -> np.ndarray:
        """ndarray of shape (2,), the classes 0 and 1."""
        return np.array([0, 1])

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities of the classes.

        Parameters
        ----------
        X : {array-like, DataFrame} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, 2)
            `noise` and ``1 - noise``.
        """
        positive = self.noise + (1 - 2 * self.noise) * self._outputs(X)
        return np.column_stack([1 - positive, positive])

    def predict(self, X: Any) -> np.ndarray:
        """Class that the function says.

        Parameters
        ----------
        X : {array-like, DataFrame} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        y : ndarray of int of shape (n_samples,)
            0 or 1.
        """
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    def _spread(self, values: np.ndarray) -> np.ndarray:
        return (1 - 2 * self.noise) * np.stack([-values, values], axis=2)
