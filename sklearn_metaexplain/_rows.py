"""Rows of arrays and tables by position."""

import reprlib
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

__all__ = ["are_reordered", "copy_rows", "listed_rows", "n_rows_of", "row_positions", "take_rows"]


def n_rows_of(table: Any) -> int:
    """Length of the first axis."""
    return table.shape[0] if hasattr(table, "shape") else len(table)


def listed_rows(positions: np.ndarray) -> str:
    """Name the first few rows in a message: "row 2, 30"."""
    return f"row {', '.join(map(str, positions[:5]))}{', ...' * (len(positions) > 5)}"


def are_reordered(labels: pd.Index, others: pd.Index) -> bool:
    """Whether two indexes hold the same labels, each as often, in another order."""
    if len(labels) != len(others) or labels.equals(others):
        return False
    codes, _ = pd.factorize(labels.append(others), use_na_sentinel=False)
    return np.array_equal(np.sort(codes[: len(labels)]), np.sort(codes[len(labels) :]))


def row_positions(rows: Any, n_rows: int, index: pd.Index | None = None) -> np.ndarray:
    """Positions, shape (n,), from an int, a slice, a mask or positions.

    `index` has the labels of the rows, to which those of a mask must not be in another order.
    """
    if isinstance(rows, tuple):
        raise IndexError("An Explanation is indexed by rows alone; see for_output for outputs.")
    if index is not None and _is_mask(rows) and are_reordered(index, rows.index):
        raise IndexError(
            "The mask has the labels of the rows in another order; pass "
            "mask.reindex(explanation.index), or mask.to_numpy() if it is to be read as it stands."
        )
    if not isinstance(rows, (slice, int, np.integer)):
        rows = np.asarray(rows)
        if rows.size == 0:
            rows = rows.astype(np.intp)
        elif rows.dtype.kind not in "biu":
            raise IndexError(_NO_POSITION.format(reprlib.repr(rows.tolist())))
    try:
        positions = np.atleast_1d(np.arange(n_rows)[rows])
    except TypeError as error:  # a slice from label to label
        raise IndexError(_NO_POSITION.format(reprlib.repr(rows))) from error
    if positions.ndim != 1:
        raise IndexError("Rows are selected by one-dimensional indices.")
    return positions


def _is_mask(rows: Any) -> bool:
    return isinstance(rows, pd.Series) and pd.api.types.is_bool_dtype(rows.dtype)


_NO_POSITION = (
    "{} does not say which rows: pass an int, a slice, a mask or positions. Rows are "
    "found by their label with explanation.index.get_loc, outputs with for_output, and what else "
    "an Explanation holds are attributes, as in explanation.std."
)


def copy_rows(table: Any, rows: slice = slice(None)) -> Any:
    """Rows of an array, DataFrame or CSR that a model may write over, as some transformers do."""
    if isinstance(table, pd.DataFrame):
        return table.iloc[rows].copy()
    return table[rows].copy() if sparse.issparse(table) else table[rows].copy(order="K")


def take_rows(table: Any, positions: np.ndarray) -> Any:
    """Rows of an array, DataFrame, Series or sparse matrix; None stays None."""
    if table is None:
        return None
    if isinstance(table, (pd.DataFrame, pd.Series)):
        return table.iloc[positions]
    if sparse.issparse(table):
        return table.tocsr()[positions]
    return np.asarray(table)[positions]
