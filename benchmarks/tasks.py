"""One table, one model, the rows to explain and their true Shapley values."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from models import CLASSIFIERS, REGRESSORS, MeteredModel
from sklearn.exceptions import ConvergenceWarning
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import train_test_split
from sklearn.utils import _safe_indexing
from tables import Table
from truth import true_values

from sklearn_metaexplain.masking import MaskedModel

SEED = 0
N_BACKGROUND = 25


@dataclass
class Task:
    """What every method is given, and what it is compared with.

    Attributes
    ----------
    name : str
        "table/model".
    model : MeteredModel
        Fitted on `X_train`; a binary classifier is explained for ``classes_[1]``, others for
        every output.
    X_train : table of shape (n_train, n_columns)
    background : table of shape (25, n_columns)
        Training rows, the same for every method.
    rows : table of shape (n_rows, n_columns)
        Explained rows, held out.
    masked : MaskedModel
        Model and background.
    predictions : ndarray of shape (n_rows, n_outputs)
    truth : ndarray of shape (n_rows, n_columns, n_outputs)
        Enumerated or sampled once.
    truth_error : float
        Expected relative error of a sampled truth itself; 0 if enumerated.
    """

    name: str
    model: MeteredModel
    X_train: Any
    background: Any
    rows: Any
    masked: MaskedModel
    predictions: np.ndarray
    truth: np.ndarray
    truth_error: float = 0.0

    @property
    def frozen(self) -> FrozenEstimator:
        return FrozenEstimator(self.model)

    @property
    def base(self) -> np.ndarray:
        return self.masked.background_outputs.mean(0)

    def computed(self, values: np.ndarray) -> np.ndarray:
        """Of an Explanation's outputs, those that were computed: one of a binary classifier."""
        return values[..., -self.masked.n_computed :]


def make_task(table: Table, model_name: str, n_rows: int) -> Task:
    """Fit a model, choose rows, and find the truth.

    Parameters
    ----------
    table : Table
    model_name : str
        One of `models.MODEL_NAMES`.
    n_rows : int
        Rows to explain.
    """
    estimator = (CLASSIFIERS if table.is_classification else REGRESSORS)[model_name]()
    return make_task_of(table, model_name, estimator, n_rows)


def make_task_of(table: Any, model_name: str, estimator: Any, n_rows: int) -> Task:
    """Fit a given model to an array or a frame, choose rows, and find the truth.

    Parameters
    ----------
    table : Table or MixedTable
    model_name : str
        What the model is called in the task's name.
    estimator : estimator
        The model, not fitted.
    n_rows : int
        Rows to explain.
    """
    X_train, X_test, y_train, _ = train_test_split(
        table.X,
        table.y,
        test_size=0.25,
        random_state=SEED,
        stratify=table.y if table.is_classification else None,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = MeteredModel(estimator.fit(X_train, y_train))
    chosen = np.random.RandomState(SEED).permutation(len(X_train))[:N_BACKGROUND]
    background = _safe_indexing(X_train, chosen)
    rows = X_test[:n_rows]
    masked = MaskedModel(model, background)
    predictions = masked.predict(rows)
    truth = true_values(masked, X_train, rows, predictions)
    name = f"{table.name}/{model_name}"
    return Task(name, model, X_train, background, rows, masked, predictions, *truth)
