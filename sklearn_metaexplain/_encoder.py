"""Any table as numbers that the surrogates and the networks can read."""

from __future__ import annotations

from copy import copy
from typing import Any

import numpy as np
import pandas as pd

from sklearn_metaexplain._categories import (
    CategoricalColumn,
    Missing,
    cell_of,
    keys_of,
    learn_categories,
)
from sklearn_metaexplain._category_axes import (
    DECIMALS,
    deviations,
    without_linear_effects,
)
from sklearn_metaexplain._columns import (
    as_float,
    columns_of,
    is_numeric,
    kind_of,
    kind_of_cell,
    names_of,
)
from sklearn_metaexplain._numeric_column import NumericColumn, learn_numeric

# Further axes of all columns together, and of one: its own order and what interactions tell.
_MOST_FURTHER, _MOST_OF_ONE = 64, 5
# Evaluated rows of a category that an axis takes: it is placed by the rows that are learned from.
_ROWS_AN_AXIS = 8


class TableEncoder:
    """Encode each column of a table as one or more numeric columns.

    Every encoded column comes in two versions: standardised (clipped at four standard
    deviations) and its rank, uniform with unit variance. A numeric column with missing values
    gets an indicator column beside it; a categorical column is placed by the mean model output
    of its categories (first, and for several outputs second, principal axis).

    What is encoded is learned by `fit` on the training table and `place_categories` on evaluated
    hybrid rows.

    Parameters
    ----------
    further_axes : bool, default=False
        Whether three categories or more are placed on further axes, too: in their own order, and
        by how outputs go with the other columns, on four axes at most. Of many columns of
        categories each gets fewer axes, and so do categories of few evaluated rows.

    Attributes
    ----------
    source_ : ndarray of shape (n_encoded,)
        The table column that each encoded column comes from.
    is_further_ : ndarray of bool of shape (n_encoded,)
        Whether an encoded column is a further axis of categories.
    """

    def __init__(self, *, further_axes: bool = False) -> None:
        self.further_axes = further_axes

    def fit(self, table: Any) -> TableEncoder:
        """Learn scales, ranks and categories from a training table."""
        self._names = names_of(table)
        self._kinds: list[str | set[str]] = []
        self._columns: list[NumericColumn | CategoricalColumn] = []
        for name, column in zip(self._names, columns_of(table), strict=True):
            if is_numeric(column):
                self._kinds.append(kind_of(column))
                self._columns.append(learn_numeric(as_float(column)))
            else:
                learned = learn_categories(name, column)
                present = [key for key in learned.codes if not isinstance(key, Missing)]
                self._kinds.append({kind_of_cell(cell_of(key)) for key in present})
                self._columns.append(learned)
        self._kept = np.ones(len(self._columns), dtype=bool)
        self._set_source()
        return self

    @property
    def has_categories(self) -> bool:
        """Whether a column holds anything but numbers, truth values and dates."""
        return any(isinstance(learned, CategoricalColumn) for learned in self._columns)

    def _set_source(self) -> None:
        kept = np.flatnonzero(self._kept)
        counts = [self._columns[j].n_encoded for j in kept]
        n_further = [self._columns[j].n_further for j in kept]
        self.source_ = np.repeat(kept, counts)
        place = np.arange(len(self.source_)) - np.repeat(np.cumsum(counts) - counts, counts)
        self.is_further_ = place >= np.repeat(np.subtract(counts, n_further), counts)

    def ignore(self, columns: np.ndarray) -> TableEncoder:
        """Leave columns, (n_columns,) of bool, out of what `encode` returns; `code` reads all."""
        self._kept = ~columns
        self._set_source()
        return self

    def code(self, table: Any) -> list[np.ndarray]:
        """Read a table into one array a column: floats, or category codes (-1: unseen).

        Raises
        ------
        ValueError
            If a column of numbers or dates now holds anything else, or a column of categories
            cells of a kind that `fit` did not see, such as numbers for text.
        """
        coded = []
        for name, kind, learned, column in zip(
            self._names, self._kinds, self._columns, columns_of(table), strict=True
        ):
            if isinstance(kind, str):
                coded.append(_read_numbers(name, kind, column))
                continue
            assert isinstance(learned, CategoricalColumn)
            keys = keys_of(name, column)
            codes = np.array([learned.code(key) for key in keys], dtype=int)
            if kind:
                # In the order of the rows, so that the same one is named in every process.
                for unseen in dict.fromkeys(keys[i] for i in np.flatnonzero(codes < 0)):
                    if isinstance(unseen, Missing):
                        continue
                    if kind_of_cell(cell := cell_of(unseen)) not in kind:
                        raise _changed(name, " and ".join(sorted(kind)), cell)
            coded.append(codes)
        return coded

    def place_categories(self, coded: list[np.ndarray], outputs: np.ndarray) -> TableEncoder:
        """Order each column's categories by the outputs of evaluated rows.

        Parameters
        ----------
        coded : list of ndarray
            Evaluated (hybrid) rows as `code` gives them.
        outputs : ndarray of shape (n_rows, n_outputs)
            The model's outputs on these rows.
        """
        return self._place(coded, outputs)

    def _place(
        self, coded: list[np.ndarray], outputs: np.ndarray, *, keep_axes: bool = False
    ) -> TableEncoder:
        deviation, unit = deviations(outputs)
        for learned, codes in zip(self._columns, coded, strict=True):
            if isinstance(learned, CategoricalColumn):
                n_axes = learned.positions.shape[1] if keep_axes else None
                learned.place(codes, deviation, unit, n_axes)
        if self.further_axes:
            self._place_further(coded, deviation, unit)
        self._set_source()
        return self

    def _place_further(self, coded: list[np.ndarray], deviation: np.ndarray, unit: float) -> None:
        kept = np.flatnonzero(self._kept)
        several = [
            (j, learned)
            for j in kept
            if isinstance(learned := self._columns[j], CategoricalColumn)
            and len(learned.shares) > 2
        ]
        if not several:
            return
        # Ranks are bounded, and uniform in all columns.
        ranks = [self._columns[j].encode_first(coded[j])[..., 1] for j in kept]
        columns, source = np.hstack(ranks), np.repeat(kept, [part.shape[1] for part in ranks])
        columns = columns - columns.mean(0)
        columns /= np.maximum(columns.std(0), 1e-9)
        left = without_linear_effects(deviation, columns)
        for j, learned in several:
            n_axes = len(left) // (_ROWS_AN_AXIS * len(learned.shares))
            learned.place_further(
                coded[j],
                left,
                columns[:, source != j],
                unit,
                min(n_axes, _MOST_OF_ONE, _MOST_FURTHER // len(several)),
            )

    def encode_out_of_fold(self, coded: list[np.ndarray], outputs: np.ndarray) -> np.ndarray:
        """Encode the rows that placed categories: (n_rows, n_encoded, 2).

        A column of many categories is placed out of fold: it would tell a row's own output.
        Which rows make up a fold depends on what they hold, not on their order.

        Parameters
        ----------
        coded, outputs
            As `place_categories` had them; without further axes.
        """
        encoded = self.encode(coded)
        deviation, unit = deviations(outputs)
        ranks = encoded[..., 1]
        key = ranks.sum(axis=1).round(DECIMALS)
        # Ranks of a few categories add up to the same in rows that differ.
        told = np.abs(ranks.T @ deviation).mean(axis=1) / len(ranks)
        order = np.lexsort(((ranks @ told).round(DECIMALS), *outputs.T, key))
        for j in np.flatnonzero(self._kept):
            learned = self._columns[j]
            if isinstance(learned, CategoricalColumn) and learned.has_many:
                encoded[:, self.source_ == j] = learned.encode_out_of_fold(
                    coded[j], deviation, unit, order
                )
        return encoded

    def row_keys(self, coded: list[np.ndarray]) -> np.ndarray:
        """Numbers that tell coded rows apart, (n_rows,), whether or not categories have places.

        They depend on what a row holds, not on the order of rows or columns.
        """
        keys = np.zeros(len(coded[0]))
        for learned, column in zip(self._columns, coded, strict=True):
            if isinstance(learned, CategoricalColumn):
                keys += learned.shares_of(column)
            else:
                keys += learned.encode_first(column)[:, 0, 1]
        return keys.round(DECIMALS)

    def placed_by(self, coded: list[np.ndarray], outputs: np.ndarray) -> TableEncoder:
        """Make a copy whose categories are placed by other rows, on as many first axes.

        Parameters
        ----------
        coded, outputs
            As of `place_categories`.
        """
        placed = copy(self)
        placed._columns = [copy(learned) for learned in self._columns]
        return placed._place(coded, outputs, keep_axes=True)

    def encode(self, coded: list[np.ndarray]) -> np.ndarray:
        """Turn coded rows into numbers, shape (n_rows, n_encoded, 2): standardised and rank."""
        columns = zip(self._columns, coded, self._kept, strict=True)
        kept = [learned.encode(column) for learned, column, is_kept in columns if is_kept]
        return np.concatenate(kept, axis=1)


def _read_numbers(name: Any, kind: str, column: Any) -> np.ndarray:
    numbers = as_float(column)
    now = kind_of(column)
    if now != kind:
        # Text that spells a number is one; of dates there are too many spellings.
        spelt = now == "categories" and kind == "numbers"
        wrong = ~np.asarray(pd.isna(column)) & (np.isnan(numbers) if spelt else True)
        if wrong.any():
            raise _changed(name, kind, list(column)[int(wrong.argmax())])
    return numbers


_CONVERTERS = {"numbers": "to_numeric", "dates": "to_datetime", "durations": "to_timedelta"}


def _changed(name: Any, kind: str, cell: Any) -> ValueError:
    converter = _CONVERTERS.get(kind)
    by = f" (by pandas.{converter})" if converter else ""
    return ValueError(
        f"Column {name!r} held {kind} in fit and now holds {cell!r}; correct the value or the "
        f"column's type{by}, or fit with a table like this one."
    )
