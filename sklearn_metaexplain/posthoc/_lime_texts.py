"""What LIME's features say of a cell, in words."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from sklearn_metaexplain._columns import as_float, kind_of

__all__ = ["FEWEST_DIGITS", "digits_of_cells", "equals", "interval_texts"]

FEWEST_DIGITS = 6
# So many tell any two floats apart.
_MOST_DIGITS = 17
# Whole numbers below are written in full; floats beyond have none but whole ones.
_IN_FULL = 1e16


def interval_texts(name: str, edges: np.ndarray, cells: Any) -> list[str]:
    """Texts of a column's intervals, and of its missing cells.

    Parameters
    ----------
    name : str
        Name of the column.
    edges : ndarray of shape (n_edges,)
        Upper ends of all intervals but the last, as `as_float` reads the column.
    cells : ndarray or Series
        The column's training cells.

    Returns
    -------
    texts : list of str of length n_edges + 2
        In as many digits as tell edges apart.
    """
    if not len(edges):
        return [f"{name} present", equals(name, None)]
    kind = kind_of(cells)
    if kind == "numbers":
        numbers = as_float(cells)
        digits = _digits_of_edges(edges, np.sort(numbers[~np.isnan(numbers)]))
        ends = [_number_text(edge, digits) for edge in edges.tolist()]
    else:
        ends = _time_texts(edges, cells, kind)
    between = [f"{low} < {name} <= {high}" for low, high in pairwise(ends)]
    return [f"{name} <= {ends[0]}", *between, f"{name} > {ends[-1]}", equals(name, None)]


def equals(name: str, cell: Any, digits: int = FEWEST_DIGITS) -> str:
    """The text of one value of a column.

    Parameters
    ----------
    name : str
        Name of the column.
    cell : object
        The value; None, NaN and the like are missing.
    digits : int, default=6
        Significant digits of floats that are not whole.
    """
    if pd.isna(cell):
        return f"{name}=missing"
    return f"{name}={_number_text(cell, digits) if isinstance(cell, float) else cell}"


def digits_of_cells(cells: Sequence[Any]) -> int:
    """Digits, six at least, that tell the different floats among some cells apart."""
    floats = [cell for cell in cells if isinstance(cell, float) and not np.isnan(cell)]
    return next(digits for digits in _counts() if _are_apart(floats, digits))


def _digits_of_edges(edges: np.ndarray, values: np.ndarray) -> int:
    """Digits that tell edges apart, and on which side of them whole numbers are."""
    whole = bool((values == np.rint(values)).all())

    def enough(digits: int) -> bool:
        if not _are_apart(edges.tolist(), digits):
            return False
        shown = np.array([float(_number_text(edge, digits)) for edge in edges.tolist()])
        below, said = (np.searchsorted(values, ends, side="right") for ends in (edges, shown))
        return not whole or bool((below == said).all())

    return next(digits for digits in _counts() if enough(digits))


def _counts() -> range:
    return range(FEWEST_DIGITS, _MOST_DIGITS + 1)


def _are_apart(numbers: list[float], digits: int) -> bool:
    return len({_number_text(number, digits) for number in numbers}) == len(set(numbers))


def _number_text(number: float, digits: int) -> str:
    if abs(number) < _IN_FULL:
        digits = max(digits, len(str(round(abs(number)))))
    return f"{number:.{digits}g}"


def _time_texts(edges: np.ndarray, cells: Any, kind: str) -> list[str]:
    """Dates and durations from microseconds, in which `as_float` reads them whatever the dtype."""
    # Of microseconds those below an edge are those up to its whole part.
    microseconds = np.floor(edges).astype(np.int64)
    if kind == "durations":
        return [str(pd.Timedelta(length)) for length in microseconds.astype("m8[us]")]
    dates = pd.Series(microseconds.astype("M8[us]"))
    first: Any = pd.Series(cells).dropna().iloc[0]
    if isinstance(first, pd.Period):
        frequency: Any = first.freq
        return [str(period) for period in dates.dt.to_period(frequency)]
    if (zone := getattr(first, "tzinfo", None)) is not None:
        dates = dates.dt.tz_localize("UTC").dt.tz_convert(zone)
    return [str(date) for date in dates]
