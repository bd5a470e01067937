"""Tables with columns of categories, and how a model reads these."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from sklearn_metaexplain.prior._fitted import FittedModel
from sklearn_metaexplain.prior._hyperparameters import log_integer
from sklearn_metaexplain.prior._links import LinkedModel

#: Of the tables on which errors are calibrated, as many have columns of categories.
CALIBRATED_SHARE = 1 / 3
#: How a model may read categories, each as some numbers, and how many tables are read so.
_READINGS = {"indicators": 0.5, "latent": 0.3, "places": 0.2}
# Some columns are read otherwise than the others of their table.
_OWN_READING = 0.15
_BINARY_SHARE = 0.2
_MOST_CATEGORIES = 30
# Rows of a table for each category that a column may have.
_ROWS_A_CATEGORY = 8
_NOMINAL_SHARE = 0.6
# Tables of which few cells are missing, and how few.
_GAPS_SHARE = 0.4
_LEAST_GAPS, _MOST_GAPS = 0.003, 0.05


@dataclass(frozen=True)
class ReadModel:
    """A model of numbers behind the encoding of a table's categories.

    Attributes
    ----------
    numbers : tuple of ndarray of shape (n_categories, n_numbers), or None
        What each category of a column is read as. None: a column of numbers.
    model : callable, (n, n_read) -> (n,)
        What reads these.
    """

    numbers: tuple[np.ndarray | None, ...]
    model: LinkedModel | FittedModel

    @property
    def gives_probabilities(self) -> bool:
        """Whether outputs are probabilities."""
        return self.model.gives_probabilities

    def __call__(self, table: Any) -> np.ndarray:
        return self.model(read_numbers(self.numbers, table))


def read_numbers(numbers: tuple[np.ndarray | None, ...], table: pd.DataFrame) -> np.ndarray:
    """The numbers that a model reads of a table: (n_rows, n_read)."""
    parts = [
        column.to_numpy(dtype=float)[:, None]
        if of_category is None
        else of_category[column.cat.codes]
        for of_category, (_, column) in zip(numbers, table.items(), strict=True)
    ]
    return np.hstack(parts)


def sample_categories(
    rng: np.random.Generator, values: np.ndarray
) -> tuple[pd.DataFrame, tuple[np.ndarray | None, ...]]:
    """Cut some columns of a table, one at least, into categories.

    Parameters
    ----------
    rng : numpy.random.Generator
    values : ndarray of shape (n_rows, n_columns)
        NaN where missing.

    Returns
    -------
    table : DataFrame of shape (n_rows, n_columns)
        Columns of floats and of categories, whose labels are in the order of their codes.
    numbers : tuple of ndarray or None
        As `ReadModel` takes them: an indicator for each category (now and then all but the
        first), its place in the order of the labels, or one to three random numbers, as target
        encodings, embeddings and splits of subsets tell categories apart.
    """
    n_columns = values.shape[1]
    chosen = rng.random((n_columns,)) < rng.uniform(0.15, 1.0)
    chosen[rng.integers(n_columns)] = True
    reading = _sample_reading(rng)
    has_gaps = rng.random() < _GAPS_SHARE
    columns: dict[str, Any] = {}
    numbers: list[np.ndarray | None] = []
    for j, is_category in enumerate(chosen):
        name = f"x{j}"
        if not is_category:
            columns[name] = _with_gaps(rng, values[:, j]) if has_gaps else values[:, j]
            numbers.append(None)
            continue
        codes, n_categories = _cut(rng, values[:, j])
        labels = [f"{name}_{code:02d}" for code in range(n_categories)]
        columns[name] = pd.Categorical.from_codes(codes, pd.Index(labels))
        own = _sample_reading(rng) if rng.random() < _OWN_READING else reading
        numbers.append(_sample_numbers(rng, own, n_categories))
    return pd.DataFrame(columns), tuple(numbers)


def _with_gaps(rng: np.random.Generator, column: np.ndarray) -> np.ndarray:
    """Leave out a few cells of a column, now and then none."""
    rate = np.exp(rng.uniform(np.log(_LEAST_GAPS), np.log(_MOST_GAPS)))
    return np.where(rng.random(len(column)) < rate, np.nan, column)


def _sample_reading(rng: np.random.Generator) -> str:
    return str(rng.choice(list(_READINGS), p=list(_READINGS.values())))


def _cut(rng: np.random.Generator, column: np.ndarray) -> tuple[np.ndarray, int]:
    """Codes of a column, and how many categories there are; what is missing is among the last."""
    n_rows = len(column)
    n_categories = 2
    if rng.random() >= _BINARY_SHARE:
        n_categories = log_integer(
            rng, 3, max(3, min(_MOST_CATEGORIES, n_rows // _ROWS_A_CATEGORY))
        )
    shares = rng.dirichlet(np.full(n_categories, np.exp(rng.uniform(-0.7, 2.0))))
    # Ties are broken at random, as rows come in random order.
    rank = column.argsort(kind="stable").argsort() / n_rows
    codes = np.searchsorted(np.cumsum(shares)[:-1], rank, side="right")
    if rng.random() < _NOMINAL_SHARE:
        codes = rng.permutation(n_categories)[codes]
    return codes, n_categories


def _sample_numbers(rng: np.random.Generator, reading: str, n_categories: int) -> np.ndarray:
    if reading == "places":
        return np.arange(float(n_categories))[:, None]
    if reading == "latent":
        return rng.normal(size=(n_categories, rng.integers(1, 4)))
    indicators = np.eye(n_categories)
    return indicators[:, 1:] if rng.random() < 0.3 else indicators
