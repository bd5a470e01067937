"""Other numbers in the columns of a table, which keeps its kind and dtypes."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

__all__ = ["is_boolean", "is_whole", "numbers_like", "with_columns"]


def is_boolean(cells: Any) -> bool:
    """Whether all cells of a column that are not missing are True or False."""
    if pd.api.types.is_object_dtype(cells.dtype):
        return all(isinstance(cell, (bool, np.bool_)) for cell in cells if not pd.isna(cell))
    return pd.api.types.is_bool_dtype(cells.dtype)


def is_whole(cells: Any) -> bool:
    """Whether a column holds integers."""
    if pd.api.types.is_object_dtype(cells.dtype):
        return all(isinstance(cell, Integral) for cell in cells if not pd.isna(cell))
    return pd.api.types.is_integer_dtype(cells.dtype)


def numbers_like(cells: Any, numbers: np.ndarray, *, whole: bool) -> Any:
    """Put numbers into a column: in its dtype, and within what that can hold.

    Parameters
    ----------
    cells : ndarray or Series of shape (n,)
        The column. Where its cells are missing they stay so.
    numbers : ndarray of float64 of shape (n,)
        What they become, NaN where they are missing.
    whole : bool
        Whether the column's numbers are integers: then they are rounded.

    Returns
    -------
    column : ndarray or Series of shape (n,)
        Of the column's dtype.
    """
    dtype = cells.dtype
    if whole:
        numbers = np.rint(numbers)
    if pd.api.types.is_object_dtype(dtype):
        column = np.array(cells, dtype=object)
        present = ~np.asarray(pd.isna(cells), dtype=bool)
        kept = numbers[present].tolist()
        column[present] = list(map(int, kept)) if whole else kept
        return column
    if pd.api.types.is_integer_dtype(dtype):
        # Of nullable, of sparse and of numpy's own columns.
        limits = np.iinfo(getattr(dtype, "numpy_dtype", getattr(dtype, "subtype", dtype)))
        highest = float(limits.max)
        if highest > limits.max:  # that of 64 bits is rounded up
            highest = float(np.nextafter(highest, 0.0))
        numbers = np.clip(numbers, limits.min, highest)
    return pd.Series(numbers).astype(dtype)


def with_columns(table: Any, new: dict[int, Any]) -> Any:
    """Put columns into a copy of a table, by position.

    Parameters
    ----------
    table : {ndarray, sparse matrix, DataFrame} of shape (n, n_columns)
        The table; a DataFrame with a RangeIndex.
    new : dict of int to {ndarray, Series} of shape (n,)
        The columns, as `numbers_like` makes them.

    Returns
    -------
    table : {ndarray, sparse matrix, DataFrame} of shape (n, n_columns)
        Of the same kind.
    """
    if not new:
        return table
    if isinstance(table, pd.DataFrame):
        columns = [new.get(j, table.iloc[:, j]) for j in range(table.shape[1])]
        frame = pd.DataFrame(dict(enumerate(columns)))
        frame.columns = table.columns
        return frame
    if sparse.issparse(table):
        return type(table)(with_columns(table.toarray(), new))
    table = table.copy()
    for j, column in new.items():
        table[:, j] = column
    return table
