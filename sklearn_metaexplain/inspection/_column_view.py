"""A column of any type on one axis, and its cells as text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from math import floor, log10, trunc
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
from pandas.errors import OutOfBoundsDatetime, OutOfBoundsTimedelta
from scipy import sparse

from sklearn_metaexplain._cells import is_boolean
from sklearn_metaexplain._columns import as_float, kind_of

__all__ = [
    "MISSING",
    "ColumnView",
    "column_view",
    "durations_to_read",
    "format_cell",
    "level_in_full",
    "level_texts",
    "table_column",
    "value_limits",
]

MISSING = "missing"
_MICROSECONDS = 86_400e6  # of a day

# Seconds of the units that durations are shown in.
_DURATIONS = {"days": 86_400, "hours": 3_600, "minutes": 60, "seconds": 1}
# From which length on durations are rounded to what.
_ROUNDED_TO = {"10 min": "s", "1 s": "ms", "1 ms": "us"}


@dataclass(frozen=True)
class ColumnView:
    """A column's values on one axis.

    Parameters
    ----------
    name : str
        The column's name.
    numbers : ndarray of float of shape (n_samples,)
        Numbers, days since 1970 of dates, durations in units of `unit`, or positions in `levels`;
        NaN where missing.
    levels : list of str or None, default=None
        Texts of the categories, where the column has some.
    cells : list or None, default=None
        The categories themselves, or their text.
    ordered : bool, default=True
        Whether a greater number means more.
    is_date : bool, default=False
        Whether the numbers are dates.
    unit : str, default=""
        Of durations, what the numbers count: days, hours, minutes or seconds.
    """

    name: str
    numbers: np.ndarray
    levels: list[str] | None = None
    cells: list[Any] | None = None
    ordered: bool = True
    is_date: bool = False
    unit: str = ""

    @property
    def label(self) -> str:
        """Name and unit, for an axis."""
        return f"{self.name} ({self.unit})" if self.unit else self.name

    @property
    def missing(self) -> np.ndarray:
        """ndarray of bool of shape (n_samples,)."""
        return np.isnan(self.numbers)

    def scaled(self) -> np.ndarray:
        """Numbers between 0 and 1, outliers cut off; NaN where there is no order."""
        if not self.ordered or self.missing.all():
            return np.full(len(self.numbers), np.nan)
        low, high = value_limits(self.numbers)
        if low == high:
            return np.where(self.missing, np.nan, 0.5)
        return np.clip((self.numbers - low) / (high - low), 0.0, 1.0)


def table_column(table: Any, position: int) -> pd.Series:
    """A column of a DataFrame, array or sparse matrix."""
    if isinstance(table, pd.DataFrame):
        return table.iloc[:, position]
    if sparse.issparse(table):
        return pd.Series(np.asarray(table.tocsc()[:, [position]].toarray()).ravel())
    return pd.Series(np.asarray(table)[:, position])


def column_view(column: Any, name: str, *, in_days: bool = False) -> ColumnView:
    """Place the values of a column, of whatever type, on an axis.

    Dates of a column with a time zone are placed by local time, objects with offsets from UTC,
    which may differ, by the moment. Where dates, durations or numbers are too large for an axis
    the column's values are categories. Durations are counted in days, or in a unit that suits the
    longest of them.
    """
    series = pd.Series(column).reset_index(drop=True).infer_objects()
    dtype = series.dtype
    kind = kind_of(series)
    is_bool = pd.api.types.is_bool_dtype(dtype) or (kind == "numbers" and is_boolean(series))
    if kind != "categories" and not is_bool:
        try:
            return _view_of_numbers(series, kind, name, in_days)
        except (OutOfBoundsDatetime, OutOfBoundsTimedelta, OverflowError):
            pass
    ordered = is_bool
    if isinstance(dtype, pd.CategoricalDtype):
        ordered = bool(dtype.ordered)
        used = series.cat.remove_unused_categories()
        codes, levels = used.cat.codes.to_numpy(), used.cat.categories
    else:
        # As objects, for nullable booleans take no text.
        texts = series.astype(object).where(series.isna(), series.astype(str))
        codes, levels = pd.factorize(texts, sort=True)
    numbers = np.where(codes < 0, np.nan, codes.astype(float))
    return ColumnView(name, numbers, level_texts(levels), list(levels), ordered)


def _view_of_numbers(series: pd.Series, kind: str, name: str, in_days: bool) -> ColumnView:
    """Of numbers, dates and durations; OverflowError or the like where one is too large."""
    if kind == "dates":
        if getattr(series.dtype, "tz", None) is not None:
            series = series.dt.tz_localize(None)
        return ColumnView(name, as_float(series) / _MICROSECONDS, is_date=True)
    if kind == "durations":
        days = as_float(series) / _MICROSECONDS
        numbers, unit = (days, "days") if in_days else durations_to_read(days)
        return ColumnView(name, numbers, unit=unit)
    if pd.api.types.is_numeric_dtype(series.dtype):
        return ColumnView(name, series.to_numpy(dtype=float, na_value=np.nan))
    return ColumnView(name, as_float(series))  # decimals and fractions too


def durations_to_read(days: np.ndarray) -> tuple[np.ndarray, str]:
    """Durations in the largest unit that the longest of them has one of, and the unit."""
    seconds = np.round(_DURATIONS["days"] * days, 6)
    longest = np.abs(seconds[~np.isnan(seconds)]).max(initial=0.0)
    unit = next((unit for unit, size in _DURATIONS.items() if size <= longest), "seconds")
    return seconds / _DURATIONS[unit], unit


def level_texts(levels: Iterable[Any]) -> list[str]:
    """Write levels as cells are, and in full those that four digits do not tell apart."""
    listed = list(levels)
    texts = [format_cell(level) for level in listed]
    counts = Counter(texts)
    return [
        text if counts[text] == 1 else level_in_full(level)
        for level, text in zip(listed, texts, strict=True)
    ]


def level_in_full(level: Any) -> str:
    """Write a level with all digits that it has, whole numbers alike whatever their type."""
    if isinstance(level, (float, np.floating)) and float(level).is_integer():
        return f"{level + 0.0:.0f}"
    return str(level)


def value_limits(numbers: np.ndarray) -> tuple[float, float]:
    """Ends of finite numbers, without outliers unless nothing else differs; zeros if none is."""
    finite = numbers[np.isfinite(numbers)]
    if not len(finite):
        return 0.0, 0.0
    low, high = np.percentile(finite, [5, 95])
    if low == high:
        low, high = finite.min(), finite.max()
    return float(low), float(high)


def format_cell(cell: Any) -> str:
    """Write a cell: numbers with about four digits, times without zeros, "missing" for NaN."""
    if cell is None or (np.ndim(cell) == 0 and pd.isna(cell)):
        return MISSING
    if isinstance(cell, pd.Timestamp):
        # In some zones there are days without a midnight, or with two: the second is told apart.
        local = cell.tz_localize(None)
        if local == local.normalize() and not cell.fold:
            return str(cell.date())
        has_seconds = cell.second or cell.microsecond or cell.nanosecond
        return str(cell) if has_seconds else cell.isoformat(" ", "minutes")
    if isinstance(cell, pd.Timedelta):
        return _format_duration(cell)
    if isinstance(cell, (bool, np.bool_)) or not isinstance(cell, Real):
        return str(cell)
    try:
        number = float(cell) + 0.0  # which a negative zero is, too
    except OverflowError:
        whole: Any = trunc(cell)
        return f"{Decimal(whole):.2e}"
    if not np.isfinite(number):
        return str(number)
    if number == floor(number) and abs(number) < 1e9:
        return f"{number:.0f}"
    if not 1e-4 <= abs(number) < 1e6:
        return f"{number:.2e}"
    text = f"{number:.{max(0, 3 - floor(log10(abs(number))))}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _format_duration(duration: pd.Timedelta) -> str:
    """Write a duration, rounded to seconds if it is long, else to a thousandth of what it is."""
    size = abs(duration)
    for least, unit in _ROUNDED_TO.items():
        if size >= pd.Timedelta(least):
            with suppress(OutOfBoundsTimedelta):  # the longest there are
                duration = duration.round(unit)
            break
    text = str(duration)
    if "." in text:
        text = text.rstrip("0")
    return text.removesuffix(" 00:00:00").removesuffix(" +00:00:00")
