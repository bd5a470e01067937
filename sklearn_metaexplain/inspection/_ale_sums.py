"""Sums of local effects, centred."""

from __future__ import annotations

import numpy as np
from scipy.spatial import KDTree

__all__ = ["accumulate", "accumulate_levels", "accumulate_pair"]


def accumulate(
    changes: np.ndarray, codes: np.ndarray, numbers: np.ndarray, grid: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Add up the mean changes over intervals.

    Parameters
    ----------
    changes : ndarray of shape (n, n_outputs)
        Of each row, over its interval.
    codes : ndarray of int of shape (n,)
        Intervals of the rows.
    numbers : ndarray of shape (n,)
        Values of the rows.
    grid : ndarray of shape (n_intervals + 1,)
        Ends of the intervals.

    Returns
    -------
    effects : ndarray of shape (n_intervals + 1, n_outputs)
        At the ends of the intervals; their mean over the rows is zero.
    counts : ndarray of int of shape (n_intervals,)
        Rows in each.
    """
    means, counts = _means(changes, codes, len(grid) - 1)
    effects = _cumulated(means)
    at_rows = np.stack([np.interp(numbers, grid, column) for column in effects.T], axis=1)
    return effects - at_rows.mean(axis=0), counts


def accumulate_levels(
    changes: np.ndarray, codes: np.ndarray, counts: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Add up the mean changes between neighbouring levels.

    Parameters
    ----------
    changes : ndarray of shape (n_changes, n_outputs)
        From a level to the next.
    codes : ndarray of int of shape (n_changes,)
        The lower of the two levels.
    counts : ndarray of int of shape (n_levels,)
        Rows of each level.

    Returns
    -------
    effects : ndarray of shape (n_levels, n_outputs)
        Their mean over the rows is zero.
    counts : ndarray of int of shape (n_levels,)
        As given.
    """
    effects = _cumulated(_means(changes, codes, len(counts) - 1)[0])
    return effects - np.average(effects, axis=0, weights=counts), counts


def accumulate_pair(
    changes: np.ndarray, first: np.ndarray, second: np.ndarray, shape: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Add up the mean second differences over cells, and take off both main effects.

    Parameters
    ----------
    changes : ndarray of shape (n, n_outputs)
        Second differences of each row, over its cell.
    first, second : ndarray of int of shape (n,)
        Intervals of the rows in both columns.
    shape : tuple of int
        Numbers of intervals of both columns.

    Returns
    -------
    effects : ndarray of shape (shape[0] + 1, shape[1] + 1, n_outputs)
        At the corners of the cells.
    counts : ndarray of int of the shape given
        Rows in each cell.
    """
    n_outputs = changes.shape[1]
    means, counts = _means(changes, first * shape[1] + second, shape[0] * shape[1])
    means, counts = means.reshape(*shape, n_outputs), counts.reshape(shape)
    _fill(means, counts)
    effects = np.zeros((shape[0] + 1, shape[1] + 1, n_outputs))
    effects[1:, 1:] = means.cumsum(axis=0).cumsum(axis=1)
    rows = _main_effect(effects, counts)
    columns = _main_effect(effects.transpose(1, 0, 2), counts.T)
    effects = effects - rows[:, None] - columns[None, :]
    of_cells = (effects[1:, 1:] + effects[:-1, 1:] + effects[1:, :-1] + effects[:-1, :-1]) / 4
    weights = counts / counts.sum()
    return effects - np.einsum("ij,ijk->k", weights, of_cells), counts


def _fill(means: np.ndarray, counts: np.ndarray) -> None:
    """Give cells without rows the mean of the nearest, or of all that are equally near."""
    held, empty = np.argwhere(counts > 0), np.argwhere(counts == 0)
    if len(empty) == 0:
        return
    tree = KDTree(held)
    distances, _ = tree.query(empty)
    # One of several would depend on the order of the columns, and on their direction.
    nearest = tree.query_ball_point(empty, distances * (1 + 1e-9))
    means[tuple(empty.T)] = [means[tuple(held[some].T)].mean(axis=0) for some in nearest]


def _main_effect(effects: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Accumulated local effect (n + 1, n_outputs) along the first axis of a surface of effects."""
    changes = np.diff(effects, axis=0)
    in_cells = (changes[:, 1:] + changes[:, :-1]) / 2
    # Every interval ends at a value of the column, so some row is in it.
    weights = counts / counts.sum(axis=1, keepdims=True)
    return _cumulated(np.einsum("ij,ijk->ik", weights, in_cells))


def _means(changes: np.ndarray, codes: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    counts = np.bincount(codes, minlength=n)
    sums = np.zeros((n, changes.shape[1]))
    np.add.at(sums, codes, changes)
    return sums / np.maximum(counts, 1)[:, None], counts


def _cumulated(means: np.ndarray) -> np.ndarray:
    return np.concatenate([np.zeros((1, means.shape[1])), means.cumsum(axis=0)])
