"""Random tables: correlated columns of many kinds, on raw scales, some cells missing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, ndtr

#: Mean share of each kind of column; one-hot blocks count once for a whole block.
_KIND_SHARES = {
    "normal": 0.26,
    "lognormal": 0.10,
    "power": 0.07,
    "sinh": 0.05,
    "uniform": 0.06,
    "heavy_tailed": 0.06,
    "zero_inflated": 0.05,
    "discrete": 0.10,
    "binary": 0.10,
    "count": 0.07,
    "one_hot": 0.04,
    "irrelevant": 0.02,
    "constant": 0.01,
    "duplicate": 0.01,
}
#: Every kind a column may have.
COLUMN_KINDS = tuple(_KIND_SHARES)
# Kinds whose values are codes or counts and are mostly left as they are.
_INTEGER_KINDS = ("discrete", "binary", "count", "one_hot")


@dataclass(frozen=True)
class RandomTable:
    """A table and what its columns are.

    Attributes
    ----------
    values : ndarray of shape (n_rows, n_columns)
        NaN where missing.
    kinds : tuple of str of length n_columns
        Out of `COLUMN_KINDS`.
    """

    values: np.ndarray
    kinds: tuple[str, ...]


def sample_table(
    rng: np.random.Generator, *, n_rows: int, n_columns: int, scores: np.ndarray | None = None
) -> RandomTable:
    """Draw a table.

    A latent-factor mixture with clusters gives correlated scores; each column is a map of its
    scores (monotone warp, cut, indicator, count).  Tables differ in the kinds they favour.
    About a fifth of them have missing cells.

    Parameters
    ----------
    rng : numpy.random.Generator
    n_rows, n_columns : int
    scores : ndarray of shape (n_rows, n_columns), default=None
        Standardised scores to start from.

    Returns
    -------
    table : RandomTable
    """
    if scores is None:
        scores = _latent_scores(rng, n_rows, n_columns)
    blocks = _sample_blocks(rng, n_columns)
    values = np.empty((n_rows, n_columns))
    start = 0
    for kind, width in blocks:
        stop = start + width
        if kind == "one_hot":
            values[:, start:stop] = _one_hot(rng, scores[:, start:stop])
        elif kind == "duplicate":
            values[:, start] = _duplicate(rng, values[:, rng.integers(start)])
        else:
            values[:, start] = _column(rng, kind, scores[:, start])
        start = stop
    kinds = tuple(kind for kind, width in blocks for _ in range(width))
    if rng.random() < 0.2:
        values = _remove_cells(rng, values)
    return RandomTable(values, kinds)


def _latent_scores(rng: np.random.Generator, n_rows: int, n_columns: int) -> np.ndarray:
    n_factors = max(1, int(n_columns * rng.uniform(0.2, 1.0)))
    loadings = rng.normal(size=(n_columns, n_factors))
    loadings *= rng.random((n_columns, n_factors)) < rng.uniform(0.2, 1.0)
    centres = rng.normal(size=(rng.integers(1, 7), n_factors)) * rng.uniform(0, 2.5)
    spreads = np.exp(rng.normal(size=len(centres)) * 0.4)
    cluster = rng.choice(len(centres), size=n_rows, p=rng.dirichlet(np.full(len(centres), 2.0)))
    factors = rng.normal(size=(n_rows, n_factors)) * spreads[cluster, None] + centres[cluster]
    if rng.random() < 0.15:
        # One common scale a row: heavy tails that columns share (a multivariate Student t).
        freedom = rng.uniform(2.5, 8)
        factors *= np.sqrt(freedom / rng.chisquare(freedom, size=(n_rows, 1)))
    noise = rng.normal(size=(n_rows, n_columns)) * rng.uniform(0.02, 1.2, size=n_columns)
    scores = factors @ loadings.T + noise
    return (scores - scores.mean(0)) / (scores.std(0) + 1e-12)


def _sample_blocks(rng: np.random.Generator, n_columns: int) -> list[tuple[str, int]]:
    """Kinds of neighbouring columns with their widths; one-hot blocks are wider than one."""
    shares = np.array(list(_KIND_SHARES.values()))
    shares = shares * rng.gamma(0.7, size=len(shares)) + 1e-4
    shares /= shares.sum()
    blocks: list[tuple[str, int]] = []
    left = n_columns
    while left:
        kind = COLUMN_KINDS[rng.choice(len(shares), p=shares)]
        width = 1
        if kind == "one_hot" and left > 1:
            width = int(rng.integers(2, min(left, 8) + 1))
        elif (not blocks and kind in ("constant", "duplicate")) or kind == "one_hot":
            # The first column varies and copies nothing; a block of one is a binary column.
            kind = "binary" if kind == "one_hot" else "normal"
        blocks.append((kind, width))
        left -= width
    return blocks


def _column(rng: np.random.Generator, kind: str, score: np.ndarray) -> np.ndarray:
    if kind == "constant":
        return np.full(len(score), round(float(rng.normal() * 10), 2))
    column = _warp(rng, kind, score)
    if kind in _INTEGER_KINDS and rng.random() < 0.8:
        return column
    if rng.random() < 0.25:
        # Measured to few digits, so that values repeat.
        column = np.round(column, int(rng.integers(0, 3)) if np.ptp(column) > 3 else 1)
    scale = 10 ** rng.uniform(-2, 3)
    offset = rng.normal() * scale * rng.choice([0.0, 1.0, 10.0])
    return column * scale + offset


def _warp(rng: np.random.Generator, kind: str, score: np.ndarray) -> np.ndarray:
    n_rows = len(score)
    if kind == "lognormal":
        return np.exp(rng.uniform(0.4, 1.4) * score)
    if kind == "power":
        return np.sign(score) * np.abs(score) ** rng.uniform(1.3, 3.0)
    if kind == "sinh":
        return np.sinh(rng.uniform(0.6, 1.4) * score)
    if kind == "uniform":
        return ndtr(score)
    if kind == "heavy_tailed":
        freedom = rng.uniform(1.5, 6)
        return score * np.sqrt(freedom / rng.chisquare(freedom, size=n_rows))
    if kind == "zero_inflated":
        return np.maximum(np.exp(score) - np.exp(np.quantile(score, rng.uniform(0.2, 0.9))), 0.0)
    if kind == "discrete":
        n_levels = int(rng.integers(3, 13))
        cuts = np.quantile(score, np.sort(rng.random(n_levels - 1)))
        levels = np.arange(n_levels, dtype=float)
        if rng.random() < 0.3:
            levels = np.cumsum(np.exp(rng.normal(size=n_levels)))
        if rng.random() < 0.3:
            # Codes of a nominal category: no order.
            levels = rng.permutation(levels)
        return levels[np.searchsorted(cuts, score)]
    if kind == "binary":
        return (score > np.quantile(score, rng.uniform(0.03, 0.97))).astype(float)
    if kind == "count":
        return rng.poisson(np.exp(rng.uniform(-0.5, 2.5) + rng.uniform(0.2, 1.0) * score)) * 1.0
    if kind == "irrelevant":
        return rng.normal(size=n_rows)
    return score


def _one_hot(rng: np.random.Generator, scores: np.ndarray) -> np.ndarray:
    width = scores.shape[1]
    utilities = scores * rng.uniform(0.5, 3.0) + rng.gumbel(size=scores.shape)
    chosen = (utilities + rng.normal(size=width) * rng.uniform(0, 1.5)).argmax(1)
    indicators = np.eye(width)[chosen]
    if rng.random() < 0.2:
        # A dropped or unknown level: a row of zeros.
        indicators[chosen == rng.integers(width)] = 0.0
    return indicators


def _duplicate(rng: np.random.Generator, column: np.ndarray) -> np.ndarray:
    if rng.random() < 0.4:
        return column.copy()
    spread = column.std()
    noise = rng.normal(size=len(column)) * spread * rng.choice([0.0, 0.02, 0.1])
    return (column + noise) * rng.choice([-1.0, 1.0]) * 10 ** rng.uniform(-1, 1)


def _remove_cells(rng: np.random.Generator, values: np.ndarray) -> np.ndarray:
    """Make cells missing in some columns, at random or depending on another column's value."""
    n_rows, n_columns = values.shape
    values, complete = values.copy(), values
    chosen = rng.random((n_columns,)) < rng.uniform(0.1, 0.9)
    chosen[rng.integers(n_columns)] = True
    for j in np.flatnonzero(chosen).tolist():
        rate = rng.uniform(0.02, 0.5)
        cause = complete[:, rng.integers(n_columns)]
        chance = np.full(n_rows, rate)
        if rng.random() < 0.5 and np.ptp(cause) > 0:
            ranks = cause.argsort(kind="stable").argsort() / n_rows - 0.5
            chance = expit(rng.choice([-1, 1]) * rng.uniform(2, 15) * ranks)
            chance = np.minimum(chance * rate / chance.mean(), 0.95)
        missing: np.ndarray = np.less(rng.random(n_rows), chance)
        # A column stays observed somewhere.
        missing[rng.choice(n_rows, size=max(2, n_rows // 10), replace=False)] = False
        values[missing, j] = np.nan
    return values
