"""An order of categories by which neighbours are alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sklearn_metaexplain.inspection._column_view import (
    ColumnView,
    column_view,
    format_cell,
    level_in_full,
    table_column,
)

__all__ = ["level_order"]


def level_order(X: Any, j: int, view: ColumnView, order: Sequence[Any] | None) -> np.ndarray:
    """Order the levels of a column.

    Parameters
    ----------
    X : {ndarray, sparse matrix, DataFrame} of shape (n_samples, n_columns)
        The table.
    j : int
        Position of the column.
    view : ColumnView
        The column, which has levels.
    order : sequence or None
        All levels in the order wanted. None: the column's own if it has one, and otherwise by
        their likeness in the other columns.

    Returns
    -------
    levels : ndarray of int of shape (n_levels,)
        Positions in ``view.levels``.
    """
    assert view.levels is not None
    n_levels = len(view.levels)
    if order is not None:
        return _as_wanted(view, list(order))
    if view.ordered or n_levels < 3:
        return np.arange(n_levels)
    return _by_likeness(_differences(X, j, view))


def _as_wanted(view: ColumnView, order: list[Any]) -> np.ndarray:
    """Positions of the levels in an order, which may have others too."""
    assert view.levels is not None
    assert view.cells is not None
    wanted = [level_in_full(level) for level in order]
    own = [level_in_full(cell) for cell in view.cells]
    found = {text: k for k, text in enumerate(own) if text in wanted}
    # Text is also taken as it is drawn, and numbers of another precision.
    drawn = {text: k for k, text in enumerate(view.levels) if own[k] not in found}
    places = [
        found.get(text, drawn.get(format_cell(level)))
        for text, level in zip(wanted, order, strict=True)
    ]
    levels = [place for place in places if place is not None]
    absent = [level for k, level in enumerate(view.levels) if levels.count(k) != 1]
    if absent or len(set(wanted)) < len(wanted):
        raise ValueError(
            f"The order of the levels of {view.name!r} must name each once; it lacks {absent}."
        )
    return np.array(levels)


def _differences(X: Any, j: int, view: ColumnView) -> np.ndarray:
    """Sums over the other columns of distances between the distributions at two levels.

    Of numbers the largest distance between the distribution functions (Kolmogorov and Smirnov), of
    categories half the sum of the differences of shares. Missing values are a category, or beyond
    all numbers.
    """
    assert view.levels is not None
    codes = np.where(view.missing, -1, view.numbers).astype(int)
    n_levels = len(view.levels)
    total = np.zeros((n_levels, n_levels))
    for other in range(X.shape[1]):
        if other == j:
            continue
        column = column_view(table_column(X, other), "")
        values = np.where(column.missing, np.inf, column.numbers)
        places, at = np.unique(values, return_inverse=True)
        shares = np.zeros((n_levels, len(places)))
        np.add.at(shares, (codes[codes >= 0], at[codes >= 0]), 1.0)
        shares /= shares.sum(axis=1, keepdims=True)
        if column.levels is None:
            shares = shares.cumsum(axis=1)
        for level in range(n_levels):
            apart = np.abs(shares - shares[level])
            total[level] += apart.max(axis=1) if column.levels is None else apart.sum(axis=1) / 2
    return total


def _by_likeness(differences: np.ndarray) -> np.ndarray:
    """Order by the first axis of classical multidimensional scaling."""
    squared = np.square(differences)
    centred = squared - squared.mean(axis=0) - squared.mean(axis=1)[:, None] + squared.mean()
    axis = np.linalg.eigh(-centred / 2)[1][:, -1]
    # An axis has two directions: the one in which the first level comes before the last is taken.
    axis = (axis if axis[0] <= axis[-1] else -axis).round(9)
    return np.argsort(axis, kind="stable")
