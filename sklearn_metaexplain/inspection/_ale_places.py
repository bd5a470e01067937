"""Values of a column at which a model is asked for its local effects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from sklearn_metaexplain.inspection._ale_order import level_order
from sklearn_metaexplain.inspection._column_view import ColumnView

__all__ = ["Places", "grid_index", "grid_values", "places_of"]


class Places(NamedTuple):
    """Values of a column at which the model is asked."""

    column: int
    view: ColumnView
    # Rows of X that hold the values: their cells keep the column's own type.
    holders: np.ndarray
    # Of each row of X the interval, or the level, that its value is in; -1 where it is missing.
    codes: np.ndarray


def places_of(
    X: Any, j: int, view: ColumnView, used: np.ndarray, n_bins: int, order: Sequence[Any] | None
) -> Places:
    """Choose the values of a column: ends of intervals, or levels in order.

    Parameters
    ----------
    X : {ndarray, sparse matrix, DataFrame} of shape (n_samples, n_columns)
        The table.
    j : int
        Position of the column.
    view : ColumnView
        The column.
    used : ndarray of bool of shape (n_samples,)
        Rows in which no column that effects are computed for is missing.
    n_bins : int
        Most intervals.
    order : sequence or None
        Order of the levels.

    Returns
    -------
    places : Places
        The values, and where among them each row is.
    """
    known = np.flatnonzero(used)
    if len(np.unique(view.numbers[known])) < 2:
        raise ValueError(
            f"Column {view.name!r} has fewer than two values in rows without missing ones, so it "
            "has no effect to compute."
        )
    codes = np.full(len(used), -1)
    if view.levels is None:
        if order is not None:
            raise ValueError(f"Column {view.name!r} has numbers; level_orders is for categories.")
        ordered = known[np.argsort(view.numbers[known], kind="stable")]
        # Quantiles that are values: of k in n_bins the smallest that so many rows do not exceed.
        at = np.maximum(-(-np.arange(n_bins + 1) * len(ordered) // n_bins) - 1, 0)
        grid, first = np.unique(view.numbers[ordered[at]], return_index=True)
        intervals = np.searchsorted(grid, view.numbers[known], side="left") - 1
        codes[known] = np.maximum(intervals, 0)  # the lowest value is in the first
        return Places(j, view, ordered[at][first], codes)
    levels = level_order(X, j, view, order)
    place = np.empty(len(view.levels), dtype=int)
    place[levels] = np.arange(len(levels))
    codes[known] = place[view.numbers[known].astype(int)]
    holders = np.array([np.flatnonzero(codes == k)[0] for k in range(len(levels))])
    return Places(j, view, holders, codes)


def grid_index(places: list[Places], n_columns: int) -> np.ndarray:
    """For each cell of the grid's rows the row of X that it comes from."""
    meshes = np.meshgrid(*(place.holders for place in places), indexing="ij")
    index = np.repeat(meshes[0].reshape(-1, 1), n_columns, axis=1)
    for place, mesh in zip(places, meshes, strict=True):
        index[:, place.column] = mesh.ravel()
    return index


def grid_values(place: Places) -> np.ndarray:
    """Numbers, or texts of levels."""
    numbers = place.view.numbers[place.holders]
    if place.view.levels is None:
        return numbers
    return np.array([place.view.levels[int(code)] for code in numbers], dtype=object)
