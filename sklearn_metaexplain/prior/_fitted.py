"""Models that scikit-learn fitted to synthetic labelled tables."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from sklearn.base import BaseEstimator

from sklearn_metaexplain.prior._estimators import (
    CLASSIFIERS,
    REGRESSORS,
    sample_estimator,
)
from sklearn_metaexplain.prior._functions import FUNCTION_FAMILIES, sample_function
from sklearn_metaexplain.prior._hyperparameters import Problem, log_integer

#: Names of the estimators that may be fitted.
ESTIMATORS = (*CLASSIFIERS, *REGRESSORS)
#: Least and most rows on which an estimator is fitted.
TRAINING_ROWS = (100, 1000)
# Estimators whose time to fit or to ask grows faster than their rows.
_MOST_ROWS = {
    "SVC": 400,
    "SVR": 500,
    "GaussianProcessRegressor": 250,
    "KNeighborsClassifier": 600,
    "KNeighborsRegressor": 600,
}
_LEAST_IN_CLASS = 10
_PROBABILITY_MARGIN = 1e-6


@dataclass(frozen=True)
class FittedModel:
    """One output of a fitted estimator: (n, n_columns) -> (n,).

    Attributes
    ----------
    estimator : fitted estimator
    method : str
        "predict_proba", "decision_function" or "predict".
    column : int
        The class whose output is taken.
    log_odds : bool
        Whether a probability p, clipped to [1e-6, 1 - 1e-6], is shown as log(p / (1 - p)).
    scale, offset : float
        Linear map of the output: the unit of a regressor's target.
    """

    estimator: BaseEstimator
    method: str
    column: int
    log_odds: bool
    scale: float
    offset: float

    @property
    def gives_probabilities(self) -> bool:
        """Whether outputs are probabilities."""
        return self.method == "predict_proba" and not self.log_odds

    def __call__(self, X: np.ndarray) -> np.ndarray:
        # Densities underflow and overflow far from the table, which does not matter here.
        with np.errstate(all="ignore"):
            outputs = np.asarray(getattr(self.estimator, self.method)(X), dtype=np.float64)
        if outputs.ndim == 2:
            outputs = outputs[:, self.column]
        outputs = np.nan_to_num(outputs, nan=0.0, posinf=1e12, neginf=-1e12)
        if self.log_odds:
            outputs = np.clip(outputs, _PROBABILITY_MARGIN, 1 - _PROBABILITY_MARGIN)
            outputs = np.log(outputs / (1 - outputs))
        return outputs * self.scale + self.offset


def sample_training_rows(rng: np.random.Generator, name: str) -> int:
    """Draw how many rows an estimator is fitted on."""
    least, most = TRAINING_ROWS
    most = _MOST_ROWS.get(name, most)
    return log_integer(rng, least, most)


def fit_model(
    rng: np.random.Generator, table: np.ndarray, name: str, told_by: np.ndarray | None = None
) -> FittedModel:
    """Label a table by a random function and noise, and fit an estimator to it.

    Parameters
    ----------
    rng : numpy.random.Generator
    table : ndarray of shape (n_rows, n_columns)
        The training rows; NaN where missing.
    name : str
        Out of `ESTIMATORS`.
    told_by : ndarray of shape (n_rows, n_causes), default=None
        What labels depend on. None: `table`.

    Returns
    -------
    model : FittedModel
        Of a classifier the probability of one class, now and then its log-odds or the raw
        decision function; of a regressor its prediction.
    """
    causes = table if told_by is None else told_by
    if name in REGRESSORS:
        labels, n_classes = _numbers(rng, causes), 1
    else:
        labels = _classes(rng, causes)
        n_classes = int(labels.max()) + 1
    problem = Problem(len(table), table.shape[1], n_classes)
    estimator = sample_estimator(rng, name, problem)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        estimator.fit(table, labels)
    if name in REGRESSORS:
        scale = 10 ** rng.uniform(-2, 3)
        return FittedModel(estimator, "predict", 0, False, scale, rng.normal() * scale)
    column = 1 if n_classes == 2 else int(rng.integers(n_classes))
    use = rng.random()
    if use < 0.08 and hasattr(estimator, "decision_function"):
        return FittedModel(estimator, "decision_function", column, False, 1.0, 0.0)
    return FittedModel(estimator, "predict_proba", column, bool(use > 0.92), 1.0, 0.0)


def _standardised_scores(rng: np.random.Generator, table: np.ndarray, n_outputs: int) -> np.ndarray:
    family = FUNCTION_FAMILIES[rng.integers(len(FUNCTION_FAMILIES))]
    scores = sample_function(rng, table, family, n_outputs)(table)
    scores = (scores - scores.mean(0)) / (scores.std(0) + 1e-9)
    # A lone extreme score would leave nothing to learn on the other rows.
    return np.clip(scores, -4, 4)


def _numbers(rng: np.random.Generator, table: np.ndarray) -> np.ndarray:
    signal = _standardised_scores(rng, table, 1)[:, 0]
    if rng.random() < 0.15:
        signal = np.exp(rng.uniform(0.3, 1.2) * signal)
    noise = rng.normal(size=len(signal))
    if rng.random() < 0.2:
        noise = rng.standard_t(3, size=len(signal))
    return signal + noise * rng.choice([0.0, 0.1, 0.3, 0.7])


def _classes(rng: np.random.Generator, table: np.ndarray) -> np.ndarray:
    n_classes = int(rng.choice([2, 3, 4], p=[0.7, 0.18, 0.12]))
    scores = _standardised_scores(rng, table, n_classes if n_classes > 2 else 1)
    scores = scores * rng.uniform(0.7, 6.0) + rng.gumbel(size=scores.shape)
    if n_classes > 2:
        labels = (scores + rng.normal(size=n_classes)).argmax(1)
        if np.bincount(labels, minlength=n_classes).min() >= _LEAST_IN_CLASS:
            return labels
    # Two classes, or several of which one is too rare: cut the first score.
    shares = rng.dirichlet(np.full(n_classes, 3.0)) * 0.6 + 0.4 / n_classes
    order = np.argsort(np.argsort(scores[:, 0], kind="stable"), kind="stable")
    return np.searchsorted(np.cumsum(shares)[:-1] * len(order), order, side="right")
