"""Explanations with given attributions, for the tests of the metrics."""

from dataclasses import replace

import numpy as np
import pandas as pd
from sklearn.linear_model import LinearRegression

from sklearn_metaexplain import Explanation


def attributed(values, X, predictions, output="raw", kind="regressor", **changes):
    """An Explanation with given values."""
    values, predictions = np.asarray(values, float), np.asarray(predictions, float)
    if predictions.ndim == 1:
        predictions = predictions[:, None]
    names = list(X) if isinstance(X, pd.DataFrame) else [f"f{j}" for j in range(values.shape[1])]
    settings = {
        "data": X,
        "feature_names": names,
        "output_names": np.arange(values.shape[2]),
        "n_evaluations": 0,
        "additive": False,
        **changes,
    }
    base = np.zeros(values.shape[2])
    return Explanation(values, base, predictions, output=output, estimator_type=kind, **settings)


def linear_example(d=12, n=15, seed=1):
    random = np.random.RandomState(seed)
    X, weights = random.normal(size=(n, d)), random.normal(size=d)
    model = LinearRegression().fit(X, X @ weights)
    background = random.normal(size=(7, d))
    values = ((X - background.mean(axis=0)) * weights)[:, :, None]
    return attributed(values, X, model.predict(X)), model, background


def of_a_sum(rows, **changes):
    """Exact attributions of the sum of a row's columns on a background of zeros."""
    X = np.asarray(rows, dtype=float)
    return attributed(X[:, :, None], X, X.sum(axis=1), **changes)


def add_up(table):
    """The model that `of_a_sum` explains."""
    return np.asarray(table, dtype=float).sum(axis=1)


def nothing_but_rounding(unit=1.0):
    """Of a model that says the same of all rows, attributions as rounding leaves them."""
    values = np.tile([2.8e-17, 0.0, -5.6e-17], (4, 1))[:, :, None] * unit
    explanation = attributed(values, np.arange(12.0).reshape(4, 3), np.full(4, 0.4 * unit))
    return replace(explanation, base_values=np.full((4, 1), 0.4 * unit))
