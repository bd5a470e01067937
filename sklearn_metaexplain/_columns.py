"""The columns of any table, and what kind of cells they hold."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

__all__ = ["as_float", "columns_of", "is_numeric", "kind_of", "kind_of_cell", "names_of"]

_NUMBERS, _DATES, _DURATIONS, _CATEGORIES = "numbers", "dates", "durations", "categories"
# Cells of columns of objects, in this order: numpy takes its durations for integers.
_CELLS: dict[str, tuple[type, ...]] = {
    _DURATIONS: (timedelta, np.timedelta64),
    _NUMBERS: (Real, Decimal, np.bool_),
    _DATES: (date, np.datetime64, pd.Period),
    "text": (str, bytes),
}


def columns_of(table: Any) -> list[Any]:
    """Split a table of any kind into its columns."""
    if isinstance(table, pd.DataFrame):
        return [table.iloc[:, j] for j in range(table.shape[1])]
    if sparse.issparse(table):
        table = table.toarray()
    return list(np.asarray(table).T)


def names_of(table: Any) -> list[Any]:
    """Names of a table's columns, x0, x1, ... where it has none."""
    if isinstance(table, pd.DataFrame):
        return list(table.columns)
    return [f"x{j}" for j in range(table.shape[1])]


def kind_of(column: Any) -> str:
    """What a column holds: "numbers" (booleans too), "dates", "durations" or "categories".

    A column of objects is what all of its cells are, missing ones aside.
    """
    dtype = column.dtype
    if isinstance(dtype, np.dtype) and dtype.kind != "O":
        return {"M": _DATES, "m": _DURATIONS}.get(
            dtype.kind, _NUMBERS if dtype.kind in "biuf" else _CATEGORIES
        )
    if isinstance(dtype, np.dtype):
        kinds = {kind_of_cell(cell) for cell, gone in _cells(column) if not gone}
        (kind,) = kinds if len(kinds) == 1 else (_CATEGORIES,)
        return kind if kind in (_NUMBERS, _DATES, _DURATIONS) else _CATEGORIES
    if isinstance(dtype, pd.CategoricalDtype):
        return _CATEGORIES
    if isinstance(dtype, pd.PeriodDtype) or getattr(dtype, "type", None) is date:
        return _DATES
    if pd.api.types.is_datetime64_any_dtype(dtype):
        return _DATES
    if getattr(dtype, "kind", "") == "m":
        return _DURATIONS
    return _NUMBERS if pd.api.types.is_numeric_dtype(dtype) else _CATEGORIES


def kind_of_cell(cell: Any) -> str:
    """What a cell is: "numbers", "dates", "durations", "text", or the name of its type."""
    for kind, types in _CELLS.items():
        if isinstance(cell, types):
            return kind
    return type(cell).__name__


def is_numeric(column: Any) -> bool:
    """Whether a column is read as numbers: numbers, booleans and dates, not text or categories."""
    return kind_of(column) != _CATEGORIES


def as_float(column: Any) -> np.ndarray:
    """Read a column as float64: numbers, text that spells them, and microseconds of dates.

    What is missing or none of these is NaN.
    """
    kind = kind_of(column)
    series = pd.Series(column)
    if kind in _TIMES:
        missing = series.isna().to_numpy(dtype=bool)
        # One unit, whatever the table's own: dates of fit and of later tables are compared.
        times = _TIMES[kind](series).dt.as_unit("us").astype("int64").to_numpy(dtype=float)
        return np.where(missing, np.nan, times)
    if isinstance(series.dtype, pd.CategoricalDtype):
        series = series.astype(object)
    if kind == _NUMBERS and series.dtype == object:
        # Decimals and fractions too.
        numbers = [np.nan if gone else float(cell) for cell, gone in _cells(column)]
        return np.array(numbers, dtype=float)
    return pd.to_numeric(series, errors="coerce").to_numpy(dtype=float, na_value=np.nan)


def _cells(column: Any) -> Any:
    """Cells of a column, and whether they are missing."""
    return zip(column, np.asarray(pd.isna(column)), strict=True)


def _as_dates(series: pd.Series) -> pd.Series:
    if isinstance(series.dtype, pd.PeriodDtype):
        return series.dt.to_timestamp()
    if isinstance(series.dtype, np.dtype) and series.dtype.kind == "M":
        return series
    if series.dtype == object:
        series = series.map(_start_of)
    # Of dates with a time zone the moment counts.
    return pd.to_datetime(series, utc=True)


def _start_of(cell: Any) -> Any:
    return cell.to_timestamp() if isinstance(cell, pd.Period) else cell


def _as_durations(series: pd.Series) -> pd.Series:
    if isinstance(series.dtype, np.dtype) and series.dtype.kind == "m":
        return series
    return pd.to_timedelta(series)


_TIMES: dict[str, Callable[[pd.Series], pd.Series]] = {_DATES: _as_dates, _DURATIONS: _as_durations}
