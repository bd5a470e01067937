"""A classifier that is known by its logged outputs alone."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

__all__ = ["LoggedClassifier"]


class LoggedClassifier(ClassifierMixin, BaseEstimator):
    """Classifier with the outputs that an explainer without a model has learned.

    Parameters
    ----------
    explainer : LoggedExplainer
        A fitted one whose outputs belong to classes.
    classes : ndarray of shape (n_classes,)
        The classes.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes.
    """

    def __init__(self, explainer: Any, classes: np.ndarray) -> None:
        self.explainer = explainer
        self.classes = classes

    @property
    def classes_(self) -> np.ndarray:
        return self.classes

    def fit(self, X: Any, y: Any = None) -> LoggedClassifier:
        """Return itself; there is nothing to fit.

        Parameters
        ----------
        X, y : object
            Not used.

        Returns
        -------
        self : LoggedClassifier
            The same classifier.
        """
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """Logged probabilities of classes, (n_samples, n_classes), as the explainer has them."""
        return self.explainer._outputs_of(X)

    def decision_function(self, X: Any) -> np.ndarray:
        """Logged outputs of classes; (n_samples,), that of the second, where there are two."""
        outputs = self.explainer._outputs_of(X)
        return outputs[:, 1] if len(self.classes) == 2 else outputs

    def __sklearn_is_fitted__(self) -> bool:
        return True
