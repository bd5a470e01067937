"""Tables of few columns, most of them so few that the true Shapley values can be enumerated.

Columns and rows are chosen by position or by a fixed seed, before any model or explainer is fitted.
Those defined here were looked at while explainers were developed; `more_tables` has the others.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import more_tables
import numpy as np
from sklearn import datasets

SEED = 0
_GENERATED_ROWS = 600


class Table(NamedTuple):
    """A table that fits in memory many times over."""

    name: str
    X: np.ndarray  # (n_rows, n_columns)
    y: np.ndarray  # (n_rows,)
    is_classification: bool
    columns: str  # how they were chosen


def _first_columns(load: Callable[..., tuple[np.ndarray, np.ndarray]]) -> tuple:
    X, y = load(return_X_y=True)
    n_columns = min(10, X.shape[1])
    return X[:, :n_columns], y, f"the first {n_columns} of {X.shape[1]}"


def _digits() -> tuple:
    X, y = datasets.load_digits(return_X_y=True)
    # Two rows in the middle of the picture, five pixels each: 8 x 8 pixels, numbered row by row.
    pixels = [8 * line + place for line in (3, 4) for place in range(1, 6)]
    digits = np.isin(y, (3, 5, 8))
    return X[digits][:, pixels], y[digits], "pixels 1-5 of lines 3 and 4; digits 3, 5, 8"


def _moons() -> tuple:
    X, y = datasets.make_moons(_GENERATED_ROWS, noise=0.25, random_state=SEED)
    noise = np.random.RandomState(SEED).standard_normal((_GENERATED_ROWS, 4))
    return np.hstack([X, noise]), y, "2 of the moons, 4 of noise"


def _hastie() -> tuple:
    X, y = datasets.make_hastie_10_2(_GENERATED_ROWS, random_state=SEED)
    return X, y, "all 10"


def _classification() -> tuple:
    X, y = datasets.make_classification(
        _GENERATED_ROWS, 8, n_informative=4, n_redundant=2, flip_y=0.05, random_state=SEED
    )
    return X, y, "all 8: 4 informative, 2 redundant, 2 of noise"


def _friedman1() -> tuple:
    X, y = datasets.make_friedman1(_GENERATED_ROWS, n_features=8, noise=1.0, random_state=SEED)
    return X, y, "all 8: 5 that matter, 3 of noise"


def _friedman2() -> tuple:
    X, y = datasets.make_friedman2(_GENERATED_ROWS, noise=100.0, random_state=SEED)
    return X, y, "all 4"


_CLASSIFICATION: dict[str, Callable[[], tuple]] = {
    "iris": lambda: _first_columns(datasets.load_iris),
    "wine": lambda: _first_columns(datasets.load_wine),
    "breast_cancer": lambda: _first_columns(datasets.load_breast_cancer),
    "digits": _digits,
    "moons": _moons,
    "hastie": _hastie,
    "classification": _classification,
}
_REGRESSION: dict[str, Callable[[], tuple]] = {
    "diabetes": lambda: _first_columns(datasets.load_diabetes),
    "friedman1": _friedman1,
    "friedman2": _friedman2,
}
OLD_NAMES = (*_CLASSIFICATION, *_REGRESSION)
_CLASSIFICATION |= more_tables.CLASSIFICATION
_REGRESSION |= more_tables.REGRESSION
TABLE_NAMES = (*OLD_NAMES, *more_tables.CLASSIFICATION, *more_tables.REGRESSION)


def load_table(name: str) -> Table:
    """Load, fetch or generate one of `TABLE_NAMES`.

    Parameters
    ----------
    name : str

    Raises
    ------
    wheels.Unavailable
        If it cannot be fetched.
    """
    is_classification = name in _CLASSIFICATION
    X, y, columns = (_CLASSIFICATION if is_classification else _REGRESSION)[name]()
    return Table(name, np.asarray(X, dtype=float), y, is_classification, columns)
