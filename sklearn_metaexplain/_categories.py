"""One column of categories: what its cells are, and where they are placed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from sklearn_metaexplain._arrays import kind_of_missing, type_of_cell
from sklearn_metaexplain._category_axes import (
    place_by_interactions,
    place_by_outputs,
    place_in_order,
    place_out_of_fold,
)

# Placed by all rows, those of so many categories have a large part in where they are placed; of
# fewer, leaving rows out costs more than it helps.
_LEAST_MANY, _N_FOLDS = 10, 5
# Types whose cells are in one order, each with cells of its own kind.
_ORDERED = (Real, str, bytes, date, timedelta, pd.Period, pd.Interval)


class Missing(NamedTuple):
    """In place of a missing cell among categories."""

    kind: int


class _Typed(NamedTuple):
    """In place of a cell that is no text, for 1, 1.0 and True are equal and three categories."""

    type: type
    cell: Any


def cell_of(key: Any) -> Any:
    """The cell that a key stands for."""
    return key.cell if isinstance(key, _Typed) else key


def keys_of(name: Any, column: Any) -> list[Any]:
    """Cells of a column, and of what kind those are that are missing or no text.

    Raises
    ------
    TypeError
        If they cannot be compared; the message has the column's name.
    """
    missing = pd.isna(column)
    keys = [_key_of(cell, gone) for cell, gone in zip(column, missing, strict=True)]
    try:
        set(keys)
    except TypeError as error:
        raise TypeError(
            f"Column {name!r} holds values that cannot be compared ({error}); convert it to "
            "numbers or text."
        ) from error
    return keys


def _key_of(cell: Any, is_missing: bool) -> Any:
    if is_missing:
        return Missing(kind_of_missing(cell))
    return cell if isinstance(cell, str) else _Typed(type_of_cell(cell), cell)


@dataclass
class CategoricalColumn:
    """Categories of one column, placed on axes by the model's outputs."""

    codes: dict[Any, int]
    codes_of_equal: dict[Any, int]  # of typed cells, whatever their type
    shares: np.ndarray
    order: np.ndarray | None  # place of each category in their own order, if they have one
    positions: np.ndarray  # (n_categories, n_axes, 2), by mean outputs
    further: np.ndarray  # (n_categories, n_further, 2), by what mean outputs do not tell

    @property
    def n_encoded(self) -> int:
        return self.positions.shape[1] + self.n_further

    @property
    def n_further(self) -> int:
        return self.further.shape[1]

    @property
    def has_many(self) -> bool:
        """Whether there are so many that rows are told by where their own outputs place them."""
        return len(self.shares) >= _LEAST_MANY

    def code(self, key: Any) -> int:
        """Number of a category, -1 if unseen.

        What is missing otherwise than usual is missing, and what is equal to a category of
        another type is that category.
        """
        code = self.codes.get(key, -1)
        if code < 0 and isinstance(key, _Typed):
            return self.codes_of_equal.get(key.cell, -1)
        if code < 0 and isinstance(key, Missing):
            kinds = [code for kind, code in self.codes.items() if isinstance(kind, Missing)]
            return max(kinds, key=lambda code: self.shares[code], default=-1)
        return code

    def place(
        self, codes: np.ndarray, deviation: np.ndarray, unit: float, n_axes: int | None = None
    ) -> None:
        """Place categories by mean outputs; parameters as of `place_by_outputs`."""
        self.positions = place_by_outputs(codes, deviation, self.shares, unit, n_axes)

    def place_further(
        self, codes: np.ndarray, left: np.ndarray, others: np.ndarray, unit: float, n_axes: int
    ) -> None:
        """Place categories in their own order, then as `place_by_interactions` does.

        `n_axes` is how many these may be together.
        """
        axes = []
        if self.order is not None and n_axes > 0:
            axes.append(place_in_order(self.order, self.shares))
        taken = self.positions[..., 0]
        n_left = n_axes - len(axes)
        axes.append(place_by_interactions(codes, left, others, self.shares, taken, unit, n_left))
        self.further = np.concatenate(axes, axis=1)

    def encode(self, codes: np.ndarray) -> np.ndarray:
        """Places of coded cells on all axes: (n_rows, n_encoded, 2)."""
        return _look_up(np.concatenate([self.positions, self.further], axis=1), codes)

    def encode_out_of_fold(
        self, codes: np.ndarray, deviation: np.ndarray, unit: float, order: np.ndarray
    ) -> np.ndarray:
        """Places of the rows that place, by mean outputs of others: (n_rows, n_axes, 2).

        Further axes are not served.

        Parameters
        ----------
        codes, deviation, unit
            As of `place`.
        order : ndarray of int of shape (n_rows,)
            Positions of the rows in an order in which folds are dealt.
        """
        folds = _deal(codes, order)
        n_axes = self.positions.shape[1]
        return place_out_of_fold(codes, deviation, self.shares, unit, n_axes, folds)

    def shares_of(self, codes: np.ndarray) -> np.ndarray:
        """Shares of the training rows that the categories of coded cells have: (n_rows,)."""
        return np.append(self.shares, 0.0)[codes]

    def encode_first(self, codes: np.ndarray) -> np.ndarray:
        """Places of coded cells by mean outputs: (n_rows, n_axes, 2)."""
        return _look_up(self.positions, codes)


def _deal(codes: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Deal the rows of each category to folds, one after the other: (n_rows,)."""
    dealt = order[np.argsort(codes[order], kind="stable")]
    ordered = codes[dealt]
    folds = np.empty(len(codes), dtype=int)
    folds[dealt] = (np.arange(len(codes)) - np.searchsorted(ordered, ordered)) % _N_FOLDS
    return folds


def _look_up(positions: np.ndarray, codes: np.ndarray) -> np.ndarray:
    # The appended zero row serves categories that fit did not see: the average category.
    return np.concatenate([positions, np.zeros_like(positions[:1])])[codes]


def learn_categories(name: Any, column: Any) -> CategoricalColumn:
    """Learn which categories a column has, and how often.

    Raises
    ------
    TypeError
        If its cells cannot be compared; the message has the column's name.
    """
    keys = keys_of(name, column)
    codes: dict[Any, int] = {}
    seen = np.array([codes.setdefault(key, len(codes)) for key in keys], dtype=int)
    shares = np.bincount(seen, minlength=max(len(codes), 1)) / max(len(seen), 1)
    # Of several that are equal, the most frequent.
    typed = [key for key in codes if isinstance(key, _Typed)]
    typed.sort(key=lambda key: shares[codes[key]])
    equal = {key.cell: codes[key] for key in typed}
    is_ordered = getattr(getattr(column, "dtype", None), "ordered", False)
    order = _order(list(codes), column.dtype.categories if is_ordered else None)
    places = np.zeros((len(shares), 1, 2))
    return CategoricalColumn(codes, equal, shares, order, places, places[:, :0])


def _order(keys: list[Any], levels: Iterable[Any] | None) -> np.ndarray | None:
    """Place of each category: that of its level, or as scikit-learn sorts them; missing last.

    None where there is no such order, or none that is the same in every process.
    """
    present = [i for i, key in enumerate(keys) if not isinstance(key, Missing)]
    missing = [i for i, key in enumerate(keys) if isinstance(key, Missing)]
    cells = [cell_of(key) for key in keys]
    if levels is not None:
        level_of = {level: place for place, level in enumerate(levels)}
        present.sort(key=lambda i: level_of[cells[i]])
    else:
        families = [_family(cells[i]) for i in present]
        if None in families:
            return None
        family_of = dict(zip(present, families, strict=True))
        try:
            present.sort(key=lambda i: (family_of[i], cells[i], type(cells[i]).__name__))
        except TypeError:  # as of times with and without a zone
            return None
    place = np.empty(len(keys), dtype=int)
    place[present + missing] = np.arange(len(keys))
    return place


def _family(cell: Any) -> int | None:
    """Which of the types with an order a cell is of, if any."""
    found = [family for family, types in enumerate(_ORDERED) if isinstance(cell, types)]
    return found[0] if found else None


def single_categories(codes: np.ndarray) -> np.ndarray:
    """Codes that one row has; none of a column of numbers.

    Placed by that row's own output, such a category would tell it and no other: of a column of
    identifiers nothing else would be left to learn.
    """
    if codes.dtype.kind == "f":
        return np.empty(0, dtype=int)
    return np.flatnonzero(np.bincount(codes[codes >= 0]) == 1)


def forget_categories(coded: list[np.ndarray], categories: list[np.ndarray]) -> list[np.ndarray]:
    """Coded rows, some of whose categories count as not seen."""
    return [
        np.where(np.isin(codes, gone), -1, codes) if len(gone) else codes
        for codes, gone in zip(coded, categories, strict=True)
    ]
