"""A row's cells compared with those of other rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from sklearn_metaexplain.inspection._read import column_view, format_cell, table_column_names

__all__ = ["compare_cells", "table_frame"]


def table_frame(table: Any) -> pd.DataFrame:
    """Copy a table of whatever kind to a DataFrame."""
    if isinstance(table, pd.DataFrame):
        return table.copy()
    dense = table.toarray() if sparse.issparse(table) else np.asarray(table)
    if dense.ndim != 2:
        raise ValueError(f"A table has rows and columns; got an array of shape {dense.shape}.")
    return pd.DataFrame(dense, columns=table_column_names(dense)).infer_objects()


def compare_cells(row: pd.DataFrame, rows: pd.DataFrame) -> tuple[list[list[str]], np.ndarray]:
    """Texts of the cells, and how near the row's own the others are.

    Parameters
    ----------
    row : DataFrame of shape (1, n_columns)
        The row.
    rows : DataFrame of shape (n_rows, n_columns)
        The others.

    Returns
    -------
    texts : list of lists of str
        For each column the row's cell and those of the others.
    closeness : ndarray of shape (n_columns, n_rows)
        1 where cells are equal, 0 where they are farthest, or differ in a column without order.
    """
    texts, closeness = [], []
    for j in range(row.shape[1]):
        cells = [row.iloc[0, j], *rows.iloc[:, j]]
        texts.append([format_cell(cell) for cell in cells])
        closeness.append(_closeness(pd.Series(cells)))
    return texts, np.array(closeness).reshape(row.shape[1], len(rows))


def _closeness(column: pd.Series) -> np.ndarray:
    """How near the first cell of a column the others are: 1 for equal, 0 for farthest."""
    view = column_view(column, "")
    own, others = view.numbers[0], view.numbers[1:]
    same = (others == own) | (np.isnan(others) & np.isnan(own))
    if not view.ordered or np.isnan(own):
        return same.astype(float)
    distance = np.abs(others - own)
    farthest = np.nanmax(distance) if np.isfinite(distance).any() else 0.0
    near = 1.0 - distance / farthest if farthest > 0 else np.ones(len(others))
    return np.nan_to_num(near)
