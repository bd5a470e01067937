"""A row's cells compared with those of other rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from sklearn_metaexplain._names import names_of_table
from sklearn_metaexplain.inspection._column_view import (
    column_view,
    format_cell,
    table_column,
    value_limits,
)

__all__ = ["check_order_of_columns", "compare_cells", "table_frame"]


def table_frame(table: Any) -> pd.DataFrame:
    """Copy a table of whatever kind to a DataFrame."""
    if isinstance(table, pd.DataFrame):
        return table.copy()
    dense = table.toarray() if sparse.issparse(table) else np.asarray(table)
    if dense.ndim != 2:
        raise ValueError(f"A table has rows and columns; got an array of shape {dense.shape}.")
    return pd.DataFrame(dense, columns=names_of_table(dense)).infer_objects()


def compare_cells(
    row: pd.DataFrame, rows: pd.DataFrame, positions: np.ndarray, X: Any = None
) -> tuple[list[list[str]], np.ndarray]:
    """Texts of the cells of some columns, and how near the row's own the others are.

    Parameters
    ----------
    row : DataFrame of shape (1, n_columns)
        The row.
    rows : DataFrame of shape (n_rows, n_columns)
        The others.
    positions : ndarray of int of shape (n_shown,)
        The columns.
    X : table of shape (n_samples, n_columns), default=None
        Rows that say what is far. None: nothing does.

    Returns
    -------
    texts : list of lists of str
        For each column the row's cell and those of the others.
    closeness : ndarray of shape (n_shown, n_rows)
        1 where cells are equal, or read the same without `X`; 0 where they differ by the spread of
        the column in `X`, or in a column without order, or without `X`.
    """
    texts, closeness = [], []
    for j in positions:
        cells = [row.iloc[0, j], *rows.iloc[:, j]]
        own, *others = (format_cell(cell) for cell in _without_zone(cells))
        texts.append([own, *others])
        if X is None:
            closeness.append(np.array([float(text == own) for text in others]))
        else:
            closeness.append(_closeness(cells, table_column(X, j)))
    return texts, np.array(closeness).reshape(len(positions), len(rows))


def _without_zone(cells: list[Any]) -> list[Any]:
    """Leave out the zone of dates that all have the same: there is little room for each."""
    dates = [cell for cell in cells if isinstance(cell, pd.Timestamp)]
    if len({cell.tz for cell in dates}) != 1:
        return cells
    return [cell.tz_localize(None) if isinstance(cell, pd.Timestamp) else cell for cell in cells]


def _closeness(cells: list[Any], column: pd.Series) -> np.ndarray:
    """How near the first cell the others are, by the spread of the column that they are of."""
    view = column_view(pd.Series([*cells, *column]), "")
    own, others = view.numbers[0], view.numbers[1 : len(cells)]
    known = view.numbers[len(cells) :]
    same = (others == own) | (np.isnan(others) & np.isnan(own))
    if not view.ordered or np.isnan(own) or np.isnan(known).all():
        return same.astype(float)
    low, high = value_limits(known)
    if low == high:
        return same.astype(float)
    return np.nan_to_num(np.clip(1.0 - np.abs(others - own) / (high - low), 0.0, 1.0))


def check_order_of_columns(own: pd.DataFrame, table: Any, name: str) -> None:
    """Refuse a table whose cells would stand beside those of other columns."""
    if not isinstance(table, pd.DataFrame):
        return
    ours, theirs = names_of_table(own), names_of_table(table)
    if ours != theirs and sorted(ours) == sorted(theirs):
        raise ValueError(
            f"{name} has the columns of the row in another order: {theirs} for {ours}; pass them "
            "in that of the row."
        )
