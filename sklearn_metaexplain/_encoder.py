"""Any table as numbers that the surrogates and the networks can read."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from sklearn_metaexplain._arrays import kind_of_missing, rounding_of, type_of_cell
from sklearn_metaexplain._columns import (
    as_float,
    columns_of,
    is_numeric,
    kind_of,
    kind_of_cell,
    names_of,
)

_MAX_KNOTS = 257
_CLIP = 4.0
_SHRINKAGE = 5.0
# Beyond these the squares of a column's numbers are too large or too small.
_HUGE, _TINY = 2.0**480, 2.0**-400


@dataclass
class _Numeric:
    """Scale and empirical distribution of one numeric column."""

    mean: float
    scale: float
    knots: np.ndarray
    levels: np.ndarray
    missing_share: float
    rounding: float = 0.0  # numbers no further from the mean are the mean
    factor: float = 1.0  # by which numbers are multiplied first

    @property
    def n_encoded(self) -> int:
        return 1 + (0 < self.missing_share < 1)

    def encode(self, column: np.ndarray) -> np.ndarray:
        missing = np.isnan(column)
        # What is far off all that fit has seen may be infinite on the way to being clipped.
        with np.errstate(over="ignore"):
            filled = np.where(missing, self.mean, column * self.factor)
            offset = filled - self.mean
            offset = np.where(np.abs(offset) <= self.rounding, 0.0, offset)
            value = np.clip(offset / self.scale, -_CLIP, _CLIP)
        rank = np.interp(filled, self.knots, self.levels) if len(self.knots) > 1 else 0.0 * filled
        encoded = [np.stack([value, np.where(missing, 0.0, rank)], axis=-1)]
        if self.n_encoded == 2:
            spread = np.sqrt(self.missing_share * (1 - self.missing_share))
            flag = np.clip((missing - self.missing_share) / spread, -_CLIP, _CLIP)
            encoded.append(np.stack([flag, flag], axis=-1))
        return np.stack(encoded, axis=1)


class _Missing(NamedTuple):
    """In place of a missing cell among categories."""

    kind: int


class _Typed(NamedTuple):
    """In place of a cell that is no text, for 1, 1.0 and True are equal and three categories."""

    type: type
    cell: Any


@dataclass
class _Categorical:
    """Categories of one column, placed on one or two axes by the model's outputs."""

    codes: dict[Any, int]
    codes_of_equal: dict[Any, int]  # of typed cells, whatever their type
    shares: np.ndarray
    positions: np.ndarray  # (n_categories, n_axes, 2)

    @property
    def n_encoded(self) -> int:
        return self.positions.shape[1]

    def code(self, key: Any) -> int:
        """Number of a category, -1 if unseen.

        What is missing otherwise than usual is missing, and what is equal to a category of
        another type is that category.
        """
        code = self.codes.get(key, -1)
        if code < 0 and isinstance(key, _Typed):
            return self.codes_of_equal.get(key.cell, -1)
        if code < 0 and isinstance(key, _Missing):
            kinds = [code for kind, code in self.codes.items() if isinstance(kind, _Missing)]
            return max(kinds, key=lambda code: self.shares[code], default=-1)
        return code

    def encode(self, column: np.ndarray) -> np.ndarray:
        # The appended zero row serves categories that fit did not see: the average category.
        positions = np.concatenate([self.positions, np.zeros_like(self.positions[:1])])
        return positions[column]


class TableEncoder:
    """Encode each column of a table as one or two numeric columns.

    Every encoded column comes in two versions: standardised (clipped at four standard
    deviations) and its rank, uniform with unit variance. A numeric column with missing values
    gets an indicator column beside it; a categorical column is placed by the mean model output
    of its categories (first, and for several outputs second, principal axis).

    Parameters are learned by `fit` on the training table and `place_categories` on evaluated
    hybrid rows.

    Attributes
    ----------
    source_ : ndarray of shape (n_encoded,)
        The table column that each encoded column comes from.
    """

    def fit(self, table: Any) -> TableEncoder:
        """Learn scales, ranks and categories from a training table."""
        self._names = names_of(table)
        self._kinds: list[str | set[str]] = []
        self._columns: list[_Numeric | _Categorical] = []
        for name, column in zip(self._names, columns_of(table), strict=True):
            if is_numeric(column):
                self._kinds.append(kind_of(column))
                self._columns.append(_learn_numeric(as_float(column)))
            else:
                learned = _learn_categorical(_keys(name, column))
                present = [key for key in learned.codes if not isinstance(key, _Missing)]
                self._kinds.append({kind_of_cell(_cell_of(key)) for key in present})
                self._columns.append(learned)
        self._kept = np.ones(len(self._columns), dtype=bool)
        self._set_source()
        return self

    def _set_source(self) -> None:
        counts = [column.n_encoded for column in self._columns]
        self.source_ = np.repeat(np.arange(len(counts)), np.where(self._kept, counts, 0))

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
            assert isinstance(learned, _Categorical)
            keys = _keys(name, column)
            codes = np.array([learned.code(key) for key in keys], dtype=int)
            if kind:
                # In the order of the rows, so that the same one is named in every process.
                for unseen in dict.fromkeys(keys[i] for i in np.flatnonzero(codes < 0)):
                    if isinstance(unseen, _Missing):
                        continue
                    if kind_of_cell(cell := _cell_of(unseen)) not in kind:
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
        deviation, unit = _deviations(outputs)
        for learned, codes in zip(self._columns, coded, strict=True):
            if isinstance(learned, _Categorical):
                means = _shrunken_means(codes, deviation, len(learned.shares))
                learned.positions = _place(means, learned.shares, unit)
        self._set_source()
        return self

    def placed_by(self, coded: list[np.ndarray], outputs: np.ndarray) -> TableEncoder:
        """Make a copy whose categories are placed by other rows, on as many axes.

        Parameters
        ----------
        coded, outputs
            As of `place_categories`.
        """
        deviation, unit = _deviations(outputs)
        placed = copy(self)
        placed._columns = list(self._columns)
        for j, learned in enumerate(self._columns):
            if isinstance(learned, _Categorical):
                means = _shrunken_means(coded[j], deviation, len(learned.shares))
                positions = _place(means, learned.shares, unit, n_axes=learned.n_encoded)
                placed._columns[j] = replace(learned, positions=positions)
        return placed

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


def _key_of(cell: Any, is_missing: bool) -> Any:
    if is_missing:
        return _Missing(kind_of_missing(cell))
    return cell if isinstance(cell, str) else _Typed(type_of_cell(cell), cell)


def _keys(name: Any, column: Any) -> list[Any]:
    """Cells of a column, and of what kind those are that are missing or no text."""
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


def _learn_numeric(column: np.ndarray) -> _Numeric:
    present = column[~np.isnan(column)]
    missing_share = 1 - len(present) / max(len(column), 1)
    if len(present) == 0:
        return _Numeric(0.0, 1.0, np.zeros(1), np.zeros(1), missing_share)
    factor = _factor_of(present)
    rounding = factor * rounding_of(present)
    present = factor * present
    values, counts = np.unique(present, return_counts=True)
    if values[-1] - values[0] <= rounding:
        mean = float(values[0])
        return _Numeric(mean, 1.0, values[:1], np.zeros(1), missing_share, rounding, factor)
    middle = (np.cumsum(counts) - 0.5 * counts) / len(present)
    keep = np.unique(np.linspace(0, len(values) - 1, _MAX_KNOTS).round().astype(int))
    levels = (middle[keep] - 0.5) * np.sqrt(12.0)
    mean, scale = float(present.mean()), float(present.std())
    return _Numeric(mean, scale, values[keep], levels, missing_share, factor=factor)


def _factor_of(numbers: np.ndarray) -> float:
    """A power of two that makes sums and squares of numbers possible; 1 where they are."""
    largest = np.abs(numbers).max()
    if largest > _HUGE:
        return 2.0**-600
    return 2.0**600 if 0 < largest < _TINY else 1.0


def _learn_categorical(keys: list[Any]) -> _Categorical:
    codes: dict[Any, int] = {}
    seen = np.array([codes.setdefault(key, len(codes)) for key in keys], dtype=int)
    shares = np.bincount(seen, minlength=max(len(codes), 1)) / max(len(seen), 1)
    # Of several that are equal, the most frequent.
    typed = [key for key in codes if isinstance(key, _Typed)]
    typed.sort(key=lambda key: shares[codes[key]])
    equal = {key.cell: codes[key] for key in typed}
    return _Categorical(codes, equal, shares, np.zeros((len(shares), 1, 2)))


def _cell_of(key: Any) -> Any:
    return key.cell if isinstance(key, _Typed) else key


def _deviations(outputs: np.ndarray) -> tuple[np.ndarray, float]:
    """Outputs less their means, and their spread."""
    deviation = outputs - outputs.mean(0)
    return deviation, float(np.sqrt((deviation**2).mean()))


def _shrunken_means(codes: np.ndarray, deviation: np.ndarray, n_categories: int) -> np.ndarray:
    """Mean outputs of categories, (n_categories, n_outputs), drawn to those of all rows."""
    known = codes >= 0
    count = np.bincount(codes[known], minlength=n_categories)
    totals = [
        np.bincount(codes[known], column[known], minlength=n_categories) for column in deviation.T
    ]
    return np.stack(totals, axis=1) / (count[:, None] + _SHRINKAGE)


def _place(
    means: np.ndarray, shares: np.ndarray, unit: float, n_axes: int | None = None
) -> np.ndarray:
    """Place categories on principal axes of their mean outputs, weighted by their shares.

    What is small beside `unit`, the spread of the outputs, is rounding; `n_axes` is then one.
    """
    centred = means - shares @ means
    _, spread, axes = np.linalg.svd(np.sqrt(shares)[:, None] * centred, full_matrices=False)
    if n_axes is None:
        n_axes = 1 + int(len(spread) > 1 and len(shares) > 2 and spread[1] > 1e-9 * unit)
    # The sign of a singular vector is arbitrary: let the largest entry be positive.
    axes *= np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(1)])[:, None]
    scores = centred @ axes[:n_axes].T
    scale = np.sqrt(shares @ scores**2)
    told_apart = scale > 1e-12 * unit
    value = np.clip(scores / np.where(told_apart, scale, 1.0), -_CLIP, _CLIP)
    order = np.argsort(scores, axis=0, kind="stable")
    rank = np.zeros_like(value)
    for axis in range(n_axes):
        ordered = shares[order[:, axis]]
        rank[order[:, axis], axis] = (np.cumsum(ordered) - 0.5 * ordered - 0.5) * np.sqrt(12.0)
    return np.stack([value, np.where(told_apart, rank, 0.0)], axis=-1)
