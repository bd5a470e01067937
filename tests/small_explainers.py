"""Small real explainers: independent truth for the tests, and examples for third parties."""

from itertools import product
from math import factorial

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, check_X_y, validate_data

from sklearn_metaexplain import ExplainerMixin, Explanation
from sklearn_metaexplain.posthoc import PosthocExplainer


def exact_shapley(outputs, coalitions):
    """Shapley values by their definition: ``outputs`` (2**d, k) of all ``coalitions`` (2**d, d)."""
    d = coalitions.shape[1]
    number = {tuple(coalition): i for i, coalition in enumerate(coalitions.tolist())}
    values = np.zeros((d, outputs.shape[1]))
    for coalition, i in number.items():
        size = sum(coalition)
        for j in range(d):
            if not coalition[j]:
                weight = factorial(size) * factorial(d - size - 1) / factorial(d)
                joined = number[(*coalition[:j], True, *coalition[j + 1 :])]
                values[j] += weight * (outputs[joined] - outputs[i])
    return values


class ExactExplainer(PosthocExplainer):
    """Interventional Shapley values by enumeration; for a few columns."""

    def _explain(self, X):
        model = self._masked_model_
        d, n_background = model.n_players, model.n_background
        coalitions = np.array(list(product([False, True], repeat=d)))
        n_hybrids = len(coalitions) * n_background
        predictions = model.predict(X)
        matters = model.differing(X).any(axis=1)
        values = np.empty((X.shape[0], d, model.n_computed))
        for i in range(X.shape[0]):
            outputs = model.evaluate(
                X,
                np.full(n_hybrids, i),
                np.tile(np.arange(n_background), len(coalitions)),
                np.repeat(coalitions, n_background, axis=0),
            )
            outputs = outputs.reshape(len(coalitions), n_background, -1).mean(axis=1)
            values[i] = exact_shapley(outputs, coalitions) * matters[i][:, None]
        base = model.predict(self.background_).mean(axis=0)
        return self._assemble(X, values, predictions, base, n_evaluations=n_hybrids)


class OcclusionExplainer(PosthocExplainer):
    """What the prediction loses when one column is taken from the background: not additive."""

    def explain(self, X, *, n_background=None):
        return super().explain(X, n_background=n_background)

    def _explain(self, X, *, n_background=None):
        model = self._masked_model_
        used = n_background or model.n_background
        predictions = model.predict(X)
        values = np.empty((X.shape[0], model.n_players, model.n_computed))
        for i in range(X.shape[0]):
            without = np.repeat(~np.eye(model.n_players, dtype=bool), used, axis=0)
            outputs = model.evaluate(
                X,
                np.full(len(without), i),
                np.tile(np.arange(used), model.n_players),
                without,
            )
            values[i] = predictions[i] - outputs.reshape(model.n_players, used, -1).mean(axis=1)
        values *= model.differing(X).any(axis=1)[:, :, None]
        base = model.predict(self.background_).mean(axis=0)
        return self._assemble(X, values, predictions, base, n_evaluations=used * model.n_players)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.explainer_tags.additive = False
        return tags


class ExplainedLeastSquares(ExplainerMixin, RegressorMixin, BaseEstimator):
    """A regressor that explains itself: weights times distances from the mean."""

    def fit(self, X, y):
        X, y = check_X_y(self._check_table(X, reset=True), y, y_numeric=True, estimator=self)
        self.mean_ = X.mean(axis=0)
        self.intercept_ = y.mean()
        self.coef_ = np.linalg.lstsq(X - self.mean_, y - self.intercept_)[0]
        return self

    def predict(self, X):
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=np.float64)
        return self.intercept_ + (X - self.mean_) @ self.coef_

    def _explain(self, X):
        values = (np.asarray(X, dtype=float) - self.mean_) * self.coef_
        return Explanation(
            values[:, :, None],
            [self.intercept_],
            self.intercept_ + values.sum(axis=1, keepdims=True),
            data=X,
            feature_names=self._attributed_names(),
            output_names=["y"],
            output="raw",
            n_evaluations=0,
        )


class ExplainedCentroids(ExplainerMixin, ClassifierMixin, BaseEstimator):
    """A classifier that explains itself: negative squared distances to class means, by column."""

    def fit(self, X, y):
        X, y = check_X_y(self._check_table(X, reset=True), y, estimator=self)
        check_classification_targets(y)
        self.classes_ = np.unique(y)
        self.centroids_ = np.array([X[y == label].mean(axis=0) for label in self.classes_])
        # Distances are counted from the mean row, where the column adds nothing.
        self.mean_ = X.mean(axis=0)
        self.offset_ = np.square(self.centroids_ - self.mean_)
        return self

    def predict(self, X):
        return self.explain(X).predicted_labels

    def _explain(self, X):
        X = np.asarray(X, dtype=float)
        distances = np.square(X[:, :, None] - self.centroids_.T)
        values = self.offset_.T - distances + np.square(X - self.mean_)[:, :, None]
        base = -self.offset_.sum(axis=1)
        return Explanation(
            values,
            base,
            base + values.sum(axis=1),
            data=X,
            feature_names=self._attributed_names(),
            output_names=self.classes_,
            output="raw",
            n_evaluations=0,
        )


N_SAMPLES, N_FEATURES = 6, 3  # of made_up_explanation


def made_up_explanation(n_outputs=3, labels=None, **changes):
    """An Explanation of random numbers that sum up."""
    random = np.random.RandomState(0)
    values = random.normal(size=(N_SAMPLES, N_FEATURES, n_outputs))
    base = random.normal(size=n_outputs)
    settings = {
        "std": np.abs(random.normal(size=values.shape)),
        "feature_names": ["a", "b", "c"],
        "output_names": list("xyzuvw"[:n_outputs]) if labels is None else labels,
        "output": "raw",
        "n_evaluations": np.arange(N_SAMPLES),
        "estimator_type": "classifier",
        **changes,
    }
    return Explanation(values, base, base + values.sum(axis=1), **settings)


def labelled_frame():
    """Rows with labels, for an explanation's data."""
    return pd.DataFrame(
        {"a": np.arange(N_SAMPLES, dtype=float), "b": list("stuvwx"), "c": 1},
        index=[f"row {i}" for i in range(N_SAMPLES)],
    )
