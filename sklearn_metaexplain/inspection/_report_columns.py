"""Columns of any type as a page reads them: numbers, or numbers of labels, in base64."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from sklearn_metaexplain.inspection._row_labels import cell_label, row_labels

__all__ = ["encode_array", "encode_column", "encode_index", "encode_labels", "table_columns"]

# Beyond it float64 skips integers, such as long identifiers.
_LARGEST_EXACT_INT = 2**53
_TYPES = {
    np.dtype("<f4"): "f4",
    np.dtype("<f8"): "f8",
    np.dtype("<u1"): "u1",
    np.dtype("<u2"): "u2",
    np.dtype("<u4"): "u4",
}


def encode_array(array: Any, dtype: str | np.dtype) -> dict[str, str]:
    """Encode numbers for a typed array of JavaScript.

    Parameters
    ----------
    array : array-like
        Numbers, written in C order.
    dtype : str or dtype
        Little-endian "<f4", "<f8", "<u1", "<u2" or "<u4".

    Returns
    -------
    encoded : dict
        `type`, such as "f4", and `data`, base64.
    """
    contiguous = np.ascontiguousarray(array, dtype=np.dtype(dtype))
    return {"type": _TYPES[contiguous.dtype], "data": b64encode(contiguous.tobytes()).decode()}


def encode_column(column: pd.Series) -> dict[str, Any]:
    """Encode a column, exactly: numbers as they are, everything else as labels.

    Parameters
    ----------
    column : Series of length n_samples
        Cells of any type, missing ones included.

    Returns
    -------
    encoded : dict
        `type` and `data`. Missing numbers are NaN. Other columns have `labels` in a natural order
        (numbers, dates and ordered categories by size, text by alphabet), and `data` says which
        it is in each row, from 1; 0 is missing.
    """
    if column.dtype == object:
        column = column.infer_objects()
    kind = getattr(column.dtype, "kind", "O")
    if kind not in "iuf" or isinstance(column.dtype, pd.CategoricalDtype):
        return encode_labels(column)
    if kind in "iu" and _has_large_integers(column):
        return encode_labels(column)
    numbers = column.to_numpy(dtype=np.float64, na_value=np.nan)
    with np.errstate(over="ignore"):
        single = numbers.astype(np.float32)
    is_exact = np.array_equal(single.astype(np.float64), numbers, equal_nan=True)
    return encode_array(numbers, "<f4" if is_exact else "<f8")


def encode_labels(column: pd.Series) -> dict[str, Any]:
    """Encode a column as text, see `encode_column`.

    Parameters
    ----------
    column : Series of length n_samples
        Cells of any type.

    Returns
    -------
    encoded : dict
        `labels`, `type` and `data`.
    """
    if isinstance(column.dtype, pd.CategoricalDtype):
        codes: np.ndarray = column.cat.codes.to_numpy()
        distinct = list(column.cat.categories)
        present = np.unique(codes[codes >= 0])
        if not column.cat.ordered:
            present = present[_sorted_positions([distinct[k] for k in present])]
    else:
        codes, distinct = _distinct_cells(column)
        present = _sorted_positions(distinct)
    rank = np.zeros(len(distinct) + 1, dtype=np.int64)  # the last serves the code -1
    rank[present] = np.arange(1, len(present) + 1)
    smallest = next(t for t in ("<u1", "<u2", "<u4") if len(present) <= np.iinfo(t).max)
    labels = [cell_label(distinct[position]) for position in present]
    return {"labels": labels, **encode_array(rank[codes], smallest)}


def _distinct_cells(column: pd.Series) -> tuple[np.ndarray, list[Any]]:
    """Number of each cell, -1 where it is missing, and the cells by their numbers."""
    try:
        codes, uniques = pd.factorize(column)
    except TypeError:  # lists and dicts cannot be hashed
        column = column.map(str, na_action="ignore")
        codes, uniques = pd.factorize(column)
    present = np.flatnonzero(codes >= 0)
    cells = column.iloc[present]
    if column.dtype != object or len(set(map(type, cells))) == 1:
        return codes, list(uniques)
    # Of several types, cells may be equal and yet read differently: 1, 1.0 and True.
    pairs = pd.MultiIndex.from_arrays([codes[present], [cell_label(cell) for cell in cells]])
    codes[present], _ = pd.factorize(pairs)
    return codes, [cells.iloc[row] for row in np.unique(codes[present], return_index=True)[1]]


def encode_index(index: pd.Index | None, n_samples: int) -> dict[str, Any]:
    """Encode row labels.

    Parameters
    ----------
    index : Index or None
        None: the rows' positions.
    n_samples : int
        Number of rows.

    Returns
    -------
    encoded : dict
        As of a column, with its `name`.
    """
    if index is None:
        index = pd.RangeIndex(n_samples)
    if isinstance(index, pd.MultiIndex):
        name = ", ".join("" if part is None else str(part) for part in index.names).strip(", ")
        column = pd.Series(row_labels(index), dtype=object)
    else:
        name = "" if index.name is None else str(index.name)
        column = pd.Series(index.array)
    return {"name": name or "row", **encode_column(column)}


def table_columns(data: Any) -> list[pd.Series]:
    """Split a table into its columns.

    Parameters
    ----------
    data : DataFrame, ndarray, sparse matrix of shape (n_samples, n_columns), or None
        The table; None has no columns.

    Returns
    -------
    columns : list of Series
        Their cells.
    """
    if data is None:
        return []
    if isinstance(data, pd.DataFrame):
        return [data.iloc[:, j] for j in range(data.shape[1])]
    if sparse.issparse(data):
        by_column = data.tocsc()
        cells = [by_column[:, [j]].toarray().ravel() for j in range(data.shape[1])]
    else:
        cells = list(np.asarray(data).T)
    return [pd.Series(column) for column in cells]


def _has_large_integers(column: pd.Series) -> bool:
    present = column.dropna()
    return len(present) > 0 and (
        int(present.max()) > _LARGEST_EXACT_INT or int(present.min()) < -_LARGEST_EXACT_INT
    )


def _sorted_positions(distinct: list[Any]) -> np.ndarray:
    positions = range(len(distinct))
    try:
        order = sorted(positions, key=lambda k: distinct[k])
    except TypeError:  # of mixed types
        order = sorted(positions, key=lambda k: cell_label(distinct[k]))
    return np.asarray(order, dtype=np.intp)
