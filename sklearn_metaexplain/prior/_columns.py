"""How a random function reads the columns of a table: scaled, ranked or cut into intervals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

#: A random function before its link: (n, n_columns) -> (n, n_outputs).
RawFunction = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class StandardScaler:
    """Standardise columns, clip far values, and give every missing cell its column's stand-in."""

    centre: np.ndarray
    scale: np.ndarray
    limit: float
    stand_in: np.ndarray

    def __call__(self, X: np.ndarray) -> np.ndarray:
        Z = (X - self.centre) / self.scale
        np.clip(Z, -self.limit, self.limit, out=Z)
        return np.where(np.isnan(Z), self.stand_in, Z)


@dataclass(frozen=True)
class RankScaler:
    """Map every column to normal scores through its empirical quantiles, linear in between."""

    quantiles: tuple[np.ndarray, ...]
    scores: tuple[np.ndarray, ...]
    stand_in: np.ndarray

    def __call__(self, X: np.ndarray) -> np.ndarray:
        Z = np.empty(X.shape)
        for j, (quantiles, scores) in enumerate(zip(self.quantiles, self.scores, strict=True)):
            Z[:, j] = np.interp(X[:, j], quantiles, scores)
        return np.where(np.isnan(X), self.stand_in, Z)


@dataclass(frozen=True)
class ColumnCodes:
    """Cut columns at thresholds: the code of a cell is the number of thresholds below it.

    A missing cell has a code of its own, one more than the number of thresholds.
    """

    thresholds: tuple[np.ndarray, ...]

    def __call__(self, X: np.ndarray) -> np.ndarray:
        codes = np.empty((X.shape[1], X.shape[0]), dtype=np.intp)
        for j, thresholds in enumerate(self.thresholds):
            column = np.ascontiguousarray(X[:, j])
            codes[j] = np.searchsorted(thresholds, column, side="left")
            codes[j][np.isnan(column)] = len(thresholds) + 1
        return codes

    @property
    def n_codes(self) -> list[int]:
        return [len(thresholds) + 2 for thresholds in self.thresholds]


def observed(column: np.ndarray) -> np.ndarray:
    """The cells of a column that are not missing; a lone zero if there are none."""
    present = column[~np.isnan(column)]
    return present if len(present) else np.zeros(1)


def _stand_in(rng: np.random.Generator, n_columns: int) -> np.ndarray:
    # Zero is imputation by the mean; anything else gives missingness an effect of its own.
    own_effect = rng.random(n_columns) < rng.choice([0.0, 0.5, 1.0])
    return np.where(own_effect, rng.normal(size=n_columns) * 1.5, 0.0)


def sample_scaler(
    rng: np.random.Generator, table: np.ndarray
) -> Callable[[np.ndarray], np.ndarray]:
    """Draw a map from a table's raw columns to comparable scales without missing cells.

    Parameters
    ----------
    rng : numpy.random.Generator
    table : ndarray of shape (n_rows, n_columns)
        NaN where missing.

    Returns
    -------
    scaler : callable, (n, n_columns) -> (n, n_columns)
    """
    n_columns = table.shape[1]
    stand_in = _stand_in(rng, n_columns)
    columns = [observed(table[:, j]) for j in range(n_columns)]
    if rng.random() < 0.15:
        quantiles, scores = [], []
        for column in columns:
            # Mid-ranks, so that ties share one score.
            values, counts = np.unique(column, return_counts=True)
            ranks = (np.cumsum(counts) - counts / 2) / len(column)
            keep = np.unique(np.linspace(0, len(values) - 1, 33).round().astype(int))
            quantiles.append(values[keep])
            scores.append(ndtri(ranks[keep]))
        return RankScaler(tuple(quantiles), tuple(scores), stand_in)
    centre = np.array([column.mean() for column in columns])
    spread = np.array([column.std() for column in columns])
    limit = float(rng.choice([3.0, 5.0, np.inf], p=[0.3, 0.4, 0.3]))
    # A constant column has rounding noise for a spread.
    scale = np.where(spread > 1e-9 * (np.abs(centre) + 1e-9), spread, 1.0)
    return StandardScaler(centre, scale, limit, stand_in)


def code_splits(
    columns: np.ndarray, thresholds: np.ndarray, n_columns: int
) -> tuple[ColumnCodes, np.ndarray]:
    """Collect splits into codes: each split becomes a position among its column's thresholds."""
    per_column = tuple(np.unique(thresholds[columns == j]) for j in range(n_columns))
    positions = np.empty(len(columns), dtype=np.intp)
    for j, ordered in enumerate(per_column):
        positions[columns == j] = np.searchsorted(ordered, thresholds[columns == j])
    return ColumnCodes(per_column), positions


def sample_relevance(rng: np.random.Generator, table: np.ndarray) -> np.ndarray:
    """Draw how much each column matters to a function, some not at all.

    Returns
    -------
    relevance : ndarray of shape (n_columns,)
        Non-negative, root mean square 1; at least one column that varies is relevant.
    """
    n_columns = table.shape[1]
    relevance = np.exp(rng.normal(size=n_columns) * rng.uniform(0, 1.3))
    if rng.random() < 0.5:
        relevance[rng.random(n_columns) < rng.uniform(0, 0.8)] = 0.0
    varying = [j for j in range(n_columns) if np.ptp(observed(table[:, j])) > 0]
    if varying and not relevance[varying].any():
        relevance[rng.choice(varying)] = 1.0
    return relevance / max(np.sqrt((relevance**2).mean()), 1e-12)


def sample_column(
    rng: np.random.Generator, relevance: np.ndarray, size: int | Sequence[int]
) -> np.ndarray:
    """Draw columns in proportion to the square of their relevance."""
    weights = relevance**2
    return rng.choice(len(relevance), size=size, p=weights / weights.sum())
