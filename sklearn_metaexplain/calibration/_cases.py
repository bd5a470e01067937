"""One task of the prior, explained, and how wrong that was."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from os import PathLike
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.frozen import FrozenEstimator

from sklearn_metaexplain._explanation import Explanation
from sklearn_metaexplain.exceptions import ExplanationWarning
from sklearn_metaexplain.posthoc import MetaExplainer
from sklearn_metaexplain.prior import sample_task
from sklearn_metaexplain.prior._mixed import CALIBRATED_SHARE
from sklearn_metaexplain.shapley._deviation import LEAST_ASKED
from sklearn_metaexplain.shapley._enumeration import enumerate_shapley
from sklearn_metaexplain.shapley._error import raw_error

_SEED = 10**6 + 7
_N_QUERY = 16
_N_REACHES = 16
_LEAST_SIZE = 1e-12
_LEAST_SUPPORT, _MOST_SUPPORT = 128, 8192
_LEAST_BACKGROUND, _MOST_BACKGROUND = 8, 128
_LEAST_ROWS, _MOST_ROWS = 24, 1024
_MOST_COLUMNS = 11
#: Evaluations of a row, from `LEAST_ASKED` on.
MOST_ASKED = 256


@dataclass(frozen=True)
class Case:
    """What an explainer expected of its error on one task, and what it was.

    Parameters
    ----------
    family : str
        The model's family.
    evidence : dict
        For `estimate_error`.
    error : float
        Squared error of the values of some rows over their squared size, nothing asked.
    reach, reach_asked : list of float
        Errors of up to 16 random values in multiples of their `std`, without and with evaluations
        of the rows; values without a deviation are left out.
    row_raw, row_error : float
        Expected and true relative squared error of one random row, with evaluations; 0 where they
        were all that there are.
    categories : bool, default=False
        Whether the table has columns of categories.
    """

    family: str
    evidence: dict[str, float]
    error: float
    reach: list[float]
    reach_asked: list[float]
    row_raw: float
    row_error: float
    categories: bool = False


class FittedTask(NamedTuple):
    """A task of the prior, explained rows and the truth about them."""

    family: str
    explainer: MetaExplainer
    rows: np.ndarray | pd.DataFrame  # (n_rows, n_columns)
    truth: np.ndarray  # (n_rows, n_players, 1)
    rng: np.random.Generator  # of what is drawn next


class _PriorModel(BaseEstimator):
    """A function in the clothes of a fitted estimator."""

    def __init__(self, function: Callable[[Any], np.ndarray]) -> None:
        self.function = function

    def fit(self, X: Any, y: Any = None) -> _PriorModel:
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


class _PriorRegressor(RegressorMixin, _PriorModel):
    def predict(self, X: Any) -> np.ndarray:
        return self.function(X)


class _PriorClassifier(ClassifierMixin, _PriorModel):
    """The function is the probability of the second class."""

    classes_ = np.arange(2)

    def predict_proba(self, X: Any) -> np.ndarray:
        second = self.function(X)
        return np.column_stack([1 - second, second])

    def predict(self, X: Any) -> np.ndarray:
        return (self.function(X) > 0.5).astype(int)


def measure_case(number: int, pretrained: str | PathLike[str] | None = "default") -> Case | None:
    """Explain a task of the prior that nothing was trained on.

    Parameters
    ----------
    number : int
        Which task; the same number gives the same one.
    pretrained : str, path or None, default="default"
        As in `MetaExplainer`.

    Returns
    -------
    case : Case or None
        None where there is nothing to explain.

    Examples
    --------
    >>> from sklearn_metaexplain.calibration import measure_case
    >>> case = measure_case(1)
    >>> case.family, case.error < 0.01
    ('fitted:GradientBoostingClassifier', True)
    """
    with quietly():
        task = draw_fitted(_SEED, number, pretrained)
        return None if task is None else _judge(task)


@contextmanager
def quietly() -> Iterator[None]:
    """Models of the prior may overflow on the way to finite outputs, and be unlike any other."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)
        warnings.simplefilter("ignore", ExplanationWarning)
        yield


def draw_fitted(
    seed: int, number: int, pretrained: str | PathLike[str] | None = "default"
) -> FittedTask | None:
    """Draw a task of the prior and fit an explainer; None where there is nothing to explain.

    What users explain are estimators that were fitted to tables, of which many have categories. So
    are the models here, and not the random functions that networks are trained on as well.

    Parameters
    ----------
    seed : int
        Of the purpose: tasks of training, validation, evaluation and calibration never share one.
    number : int
        Which task; the same number gives the same one.
    pretrained : str, path or None, default="default"
        As in `MetaExplainer`.
    """
    rng = np.random.default_rng([seed, number])
    n_rows = log_uniform(rng, _LEAST_ROWS, _MOST_ROWS)
    task = sample_task(
        rng,
        n_columns=int(rng.integers(2, _MOST_COLUMNS + 1)),
        n_rows=n_rows + _N_QUERY,
        families=["fitted"],
        categories=bool(rng.random() < CALIBRATED_SHARE),
    )
    n_background = log_uniform(rng, _LEAST_BACKGROUND, min(_MOST_BACKGROUND, n_rows))
    dressed = _PriorClassifier if task.probabilities else _PriorRegressor
    explainer = MetaExplainer(
        FrozenEstimator(dressed(task.model)),
        background=n_background,
        n_support=log_uniform(rng, max(_LEAST_SUPPORT, 2 * n_background), _MOST_SUPPORT),
        pretrained=pretrained,
        random_state=int(rng.integers(2**31)),
    )
    explainer.fit(task.table[:-_N_QUERY])
    rows = task.table[-_N_QUERY:]
    model = explainer._masked_model_
    predictions = model.predict(rows)
    truth, _ = enumerate_shapley(model, rows, predictions)
    # Rounding is nothing to explain.
    if np.square(truth).mean() <= _LEAST_SIZE * max(np.square(predictions).mean(), _LEAST_SIZE):
        return None
    return FittedTask(task.family, explainer, rows, truth, rng)


def _judge(task: FittedTask) -> Case:
    family, explainer, rows, truth, rng = task
    free = explainer.explain(rows, budget=0)
    asked = explainer.explain(rows, budget=log_uniform(rng, LEAST_ASKED, MOST_ASKED))
    row = int(rng.integers(len(rows)))
    drawn = rng.permutation(truth.size)[:_N_REACHES]

    def reach(explanation: Explanation) -> list[float]:
        assert explanation.std is not None
        # The last output is what was computed, also of a classifier.
        std = explanation.std[..., -1].ravel()[drawn]
        off = np.abs(explanation.values[..., -1] - truth[..., 0]).ravel()[drawn]
        return (off[std > 0] / std[std > 0]).tolist()

    def error(values: np.ndarray, true: np.ndarray) -> float:
        size = float(np.square(true).sum())
        return float(np.square(values - true).sum()) / size if size > 0 else 0.0

    one = slice(row, row + 1)
    return Case(
        family,
        explainer._evidence_,
        error(free.values[..., -1:], truth),
        reach(free),
        reach(asked),
        raw_error(asked.values[one, :, -1:], np.asarray(asked.std)[one, :, -1:]),
        error(asked.values[one, :, -1:], truth[one]),
        explainer._encoder_.has_categories,
    )


def log_uniform(rng: np.random.Generator, least: int, most: int) -> int:
    """Draw a whole number whose logarithm is about uniform."""
    return int(np.exp(rng.uniform(np.log(least), np.log(most + 1))))
