"""Mixed tables and a model that takes them, for the tests of the baselines."""

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler


def mixed_table(n=80, seed=0):
    """Two numeric and two string columns, an index that is not 0, 1, ..., string labels."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(
        {
            "age": rng.integers(18, 80, n),
            "fare": rng.exponential(20, n),
            "port": rng.choice(["C", "Q", "S"], n),
            "sex": rng.choice(["female", "male"], n),
        },
        index=[f"row {i}" for i in range(n)],
    )
    y = np.where((X["sex"] == "female") & (X["age"] < 50) | (X["port"] == "C"), "yes", "no")
    return X, y


def mixed_pipeline(model=None):
    encode = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["port", "sex"]),
        (StandardScaler(), ["age", "fare"]),
    )
    return make_pipeline(encode, LogisticRegression() if model is None else model)


class Recording(ClassifierMixin, BaseEstimator):
    """A model of numbers, some missing, that keeps the sizes of what it is asked and the rows."""

    def __init__(self, n_classes=2):
        self.n_classes = n_classes

    def fit(self, X, y=None):
        self.classes_ = np.arange(self.n_classes)
        self.asked_ = []
        return self

    def predict_proba(self, X):
        self.asked_.append(X)
        table = np.nan_to_num(np.asarray(X, dtype=float))
        scores = np.tanh(
            table
            @ np.cos(np.arange(table.shape[1] * self.n_classes)).reshape(
                table.shape[1], self.n_classes
            )
        ) * np.exp(table[:, :1].clip(-1, 1))
        odds = np.exp(scores)
        return odds / odds.sum(axis=1, keepdims=True)

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    @property
    def n_asked(self):
        return sum(len(table) for table in self.asked_)
