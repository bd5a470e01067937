"""Rows near those of a table: numbers are moved, categories may be swapped."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from sklearn_metaexplain._arrays import array_of_rows
from sklearn_metaexplain._cells import is_boolean, is_whole, numbers_like, with_columns
from sklearn_metaexplain._columns import as_float, columns_of, is_numeric, kind_of
from sklearn_metaexplain.masking import RowPool

__all__ = ["Neighbourhood"]


class Neighbourhood:
    """Moves cells of a table and keeps its kind, its dtypes and its missing values.

    Parameters
    ----------
    X : array-like, sparse matrix or DataFrame of shape (n_samples, n_columns)
        The rows.
    reference : table of shape (n_reference, n_columns), default=None
        Rows that give the spread of numeric columns and the categories of others. None: `X`.

    Attributes
    ----------
    table : {ndarray, CSR, DataFrame} of shape (n_samples, n_columns)
        The rows.
    can_move : ndarray of bool of shape (n_columns,)
        Columns of numbers that vary. Booleans and dates are not among them.
    can_swap : ndarray of bool of shape (n_columns,)
        Columns of text, categories or booleans with more than one value.

    Notes
    -----
    Numbers stay between the least and the largest of their column in `reference`, or where they
    are: none becomes negative where none is. Columns of integers move by whole numbers, rounded
    towards no move: a code or a count stays one. In sparse tables zeros stay.
    """

    def __init__(self, X: Any, reference: Any = None) -> None:
        self.table = _as_table(X)
        reference = self.table if reference is None else _as_table(reference)
        if reference.shape[1] != self.table.shape[1]:
            raise ValueError(
                f"reference has {reference.shape[1]} columns and X {self.table.shape[1]}; they "
                "must have the same."
            )
        if isinstance(self.table, pd.DataFrame) and isinstance(reference, pd.DataFrame):
            ours, theirs = self.table.columns.tolist(), reference.columns.tolist()
            if ours != theirs:
                raise ValueError(f"reference has the columns {theirs}; X has {ours}.")
        self._pool = RowPool(self.table, reference)
        columns = columns_of(reference)
        numbers = np.array([_is_number(column) for column in columns], dtype=bool)
        self._whole = np.array(
            [number and is_whole(cells) for number, cells in zip(numbers, columns, strict=True)],
            dtype=bool,
        )
        ranges = [
            _range(cells) if number else (0.0, 0.0, 0.0)
            for number, cells in zip(numbers, columns, strict=True)
        ]
        self._spread, self._low, self._high = np.array(ranges).T
        own = columns_of(self.table)
        self._numbers = np.stack(
            [
                as_float(cells) if number else np.zeros(len(cells))
                for number, cells in zip(numbers, own, strict=True)
            ],
            axis=1,
        )
        self._missing = np.stack([pd.isna(cells) for cells in own], axis=1)
        self._codes = self._pool.codes()
        self._categories = self._categories_of(columns)
        self.can_move = self._spread > 0
        self.can_swap = np.array([len(cells) > 1 for cells in self._categories], dtype=bool)

    def move(
        self, rows: np.ndarray, shifts: np.ndarray, cells: np.ndarray | None = None
    ) -> tuple[Any, np.ndarray]:
        """Move numbers, and swap categories.

        Parameters
        ----------
        rows : ndarray of int of shape (n,)
            Which row each new one starts from.
        shifts : ndarray of shape (n, n_columns)
            By how much numbers move, in standard deviations of their column.
        cells : ndarray of int of shape (n, n_columns), default=None
            Where a category comes from, as `draw_category` has it; -1 is the row itself.

        Returns
        -------
        table : {ndarray, CSR, DataFrame} of shape (n, n_columns)
            The new rows.
        moved : ndarray of shape (n, n_columns)
            How far numbers have moved, in standard deviations of their column.
        """
        index = np.repeat(rows[:, None], self._pool.n_columns, axis=1)
        if cells is not None:
            index = np.where(cells >= 0, cells, index)
        table = self._pool.take(index)
        numbers = self._numbers[rows]
        changes = np.where(self.can_move, shifts, 0.0) * self._spread
        changes = np.clip(
            changes, np.minimum(self._low - numbers, 0.0), np.maximum(self._high - numbers, 0.0)
        )
        changes[:, self._whole] = np.trunc(changes[:, self._whole])
        changes[np.isnan(numbers)] = 0.0
        if sparse.issparse(table):
            changes[numbers == 0] = 0.0
            table = type(table)(table + type(table)(changes)).astype(table.dtype)
        else:
            old = columns_of(table)
            new = {
                j: numbers_like(old[j], numbers[:, j] + changes[:, j], whole=is_whole(old[j]))
                for j in np.flatnonzero(self.can_move).tolist()
                if changes[:, j].any()
            }
            for j, column in new.items():
                changes[:, j] = np.nan_to_num(as_float(column) - as_float(old[j]))
            table = with_columns(table, new)
        return table, changes / np.where(self.can_move, self._spread, 1.0)

    def draw_category(self, random: np.random.RandomState, row: int, column: int) -> int:
        """Draw where a cell may take another category from; -1 if it is missing and must stay."""
        return -1 if self._missing[row, column] else int(random.choice(self._categories[column]))

    def is_swapped(self, rows: np.ndarray, cells: np.ndarray) -> np.ndarray:
        """Whether cells that `move` is given hold another value, bool of shape (n, n_columns)."""
        columns = np.arange(self._pool.n_columns)
        theirs = self._codes[np.maximum(cells, 0), columns]
        return (cells >= 0) & (theirs != self._codes[rows[:, None], columns])

    def _categories_of(self, columns: list[Any]) -> list[np.ndarray]:
        """By column, pool positions of one cell of each category; empty for numbers and dates."""
        codes = self._codes[self.table.shape[0] :]
        found = []
        for j, cells in enumerate(columns):
            present = ~np.asarray(pd.isna(cells), dtype=bool)
            ordered = is_numeric(cells) and not is_boolean(cells)
            found.append(np.unique(codes[present, j]) if not ordered else np.empty(0, dtype=int))
        return found


def _as_table(X: Any) -> Any:
    if sparse.issparse(X):
        return X.tocsr()
    return X if isinstance(X, pd.DataFrame) else array_of_rows(X)


def _is_number(cells: Any) -> bool:
    return kind_of(cells) == "numbers" and not is_boolean(cells)


def _range(cells: Any) -> tuple[float, float, float]:
    """Standard deviation, least and largest of the numbers that are present."""
    numbers = as_float(cells)
    numbers = numbers[np.isfinite(numbers)]
    # A spread at the level of rounding is none.
    if not numbers.size or np.ptp(numbers) <= 1e-12 * np.abs(numbers).max():
        return 0.0, 0.0, 0.0
    return float(numbers.std()), float(numbers.min()), float(numbers.max())
