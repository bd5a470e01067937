"""Cells and labels of any type as JSON, and back."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from fractions import Fraction
from numbers import Integral, Real
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["decode_cell", "encode_cell", "zone_name"]

# Cells of other types as text, and back; pandas' own durations are timedelta, its moments dates.
_WRITTEN: dict[str, tuple[type, Callable[[Any], str], Callable[[str], Any]]] = {
    "datetime": (datetime, datetime.isoformat, datetime.fromisoformat),
    "date": (date, date.isoformat, date.fromisoformat),
    "time": (time, time.isoformat, time.fromisoformat),
    "duration": (pd.Timedelta, pd.Timedelta.isoformat, pd.Timedelta),
    "timedelta": (
        timedelta,
        lambda cell: str(cell // timedelta(microseconds=1)),
        lambda text: timedelta(microseconds=int(text)),
    ),
    "period": (
        pd.Period,
        lambda cell: f"{cell.ordinal} {cell.freqstr}",
        lambda text: pd.Period(ordinal=int(text.split(" ")[0]), freq=text.split(" ")[1]),
    ),
    "decimal": (Decimal, str, Decimal),
    "fraction": (Fraction, str, Fraction),
}


def encode_cell(cell: Any, where: str) -> Any:
    """Turn a cell of a table, or a label, into what JSON can hold.

    Parameters
    ----------
    cell : object
        None, bool, int, float, str, Decimal, Fraction, a date, time or duration of Python, numpy
        or pandas, a period, pandas' NA or NaT, or a tuple of these.
    where : str
        What holds it, for the message.

    Returns
    -------
    encoded : None, bool, int, float, str or dict
        For `decode_cell`.

    Raises
    ------
    TypeError
        If it is anything else.
    """
    if isinstance(cell, np.generic):
        moment, cell = cell, cell.item()
        # Of nanoseconds numpy makes a number.
        if isinstance(moment, np.datetime64) and isinstance(cell, int):
            cell = pd.Timestamp(moment)
        elif isinstance(moment, np.timedelta64) and isinstance(cell, int):
            cell = pd.Timedelta(moment)
    if cell is None or isinstance(cell, (bool, str)):
        return cell
    if cell is pd.NA or cell is pd.NaT:
        return {"missing": str(cell)}
    if isinstance(cell, pd.Timestamp):
        zone = None if cell.tz is None else zone_name(cell.tz, where)
        return {"timestamp": cell.isoformat(), "zone": zone}
    for kind, (of_type, write, _) in _WRITTEN.items():
        if isinstance(cell, of_type):
            return {kind: write(cell)}
    if type(cell) is tuple:  # labels of several levels
        return {"tuple": [encode_cell(part, where) for part in cell]}
    if isinstance(cell, Integral):
        return int(cell)
    if isinstance(cell, Real):
        return float(cell)
    raise TypeError(
        f"{where} holds an object of type {type(cell).__name__}, which cannot be saved without "
        "pickle; convert it to text or numbers, or leave the data out with "
        "dataclasses.replace(explanation, data=None)."
    )


def decode_cell(cell: Any) -> Any:
    """Turn what `encode_cell` has made back into a cell."""
    if not isinstance(cell, dict):
        return cell
    if "timestamp" in cell:
        moment, zone = pd.Timestamp(cell["timestamp"]), cell.get("zone")
        return moment if zone is None else moment.tz_convert(zone)
    if "tuple" in cell:
        return tuple(decode_cell(part) for part in cell["tuple"])
    for kind, (_, _, read) in _WRITTEN.items():
        if kind in cell:
            return read(cell[kind])
    return pd.NaT if cell["missing"] == "NaT" else pd.NA


def zone_name(zone: tzinfo, where: str) -> str:
    """Name a time zone so that pandas finds it again.

    Parameters
    ----------
    zone : tzinfo
        The zone.
    where : str
        What has times in it, for the message.

    Raises
    ------
    TypeError
        If it is none of a fixed offset, and has no such name.
    """
    name, offset = str(zone), zone.utcoffset(None)
    # Whatever a fixed offset is called, it is no zone of that name.
    if isinstance(zone, timezone) or (offset is not None and not _is_zone(name)):
        return str(timezone(offset or timedelta()))
    if not _is_zone(name):
        raise TypeError(
            f"{where} has times in the zone {name}, which would not be found again; convert them "
            'with tz_convert to a zone by its name, as in "Europe/Berlin".'
        )
    return name


def _is_zone(name: str) -> bool:
    try:
        pd.DatetimeTZDtype(tz=name)
    except (TypeError, ValueError, KeyError):
        return False
    return True
