"""What Displays read off an Explanation: outputs, columns, cells."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import floor, log10
from numbers import Integral, Real
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import sparse

from sklearn_metaexplain._cells import is_boolean
from sklearn_metaexplain._columns import as_float, kind_of
from sklearn_metaexplain._explanation import Explanation
from sklearn_metaexplain._validation import names_of_labels, refuse_two_meanings

__all__ = [
    "MISSING",
    "ColumnView",
    "SelectedOutput",
    "cells_of_row",
    "check_explanation",
    "check_max_display",
    "column_of",
    "column_view",
    "feature_position",
    "feature_view",
    "format_cell",
    "largest_first",
    "level_texts",
    "others_label",
    "select_output",
    "select_outputs",
    "table_column",
    "table_column_names",
    "value_limits",
]

MISSING = "missing"
_MICROSECONDS = 86_400e6  # of a day

# Seconds of the units that durations are shown in.
_DURATIONS = {"days": 86_400, "hours": 3_600, "minutes": 60, "seconds": 1}


class SelectedOutput(NamedTuple):
    """One output of an Explanation and how to speak of it."""

    explanation: Explanation
    name: str
    quantity: str


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


# Outputs


def check_explanation(explanation: Any) -> Explanation:
    """Return the Explanation; TypeError or ValueError if it is none or is empty."""
    if not isinstance(explanation, Explanation):
        raise TypeError(
            f"explanation must be an Explanation; got {type(explanation).__name__}. Pass what "
            "explain returns, or an explainer to from_explainer."
        )
    if len(explanation) == 0:
        raise ValueError("The explanation has no rows.")
    return explanation


def select_output(explanation: Any, output: Any) -> SelectedOutput:
    """Keep one output: a label, or what is meant where none is given."""
    explanation = check_explanation(explanation)
    labels = explanation.output_names.tolist()
    is_regressor = explanation.estimator_type == "regressor"
    if output is not None:
        one, name = explanation.for_output(output), str(output)
    elif len(labels) == 1:
        one, name = explanation, str(labels[0])
    elif is_regressor:
        raise ValueError(f"There are several targets; pass one of {labels} as output.")
    elif len(labels) == 2:
        one, name = explanation.for_output(labels[1]), str(labels[1])
    else:
        one = explanation.for_predicted()
        name = str(explanation.predicted_labels[0]) if len(explanation) == 1 else "predicted"
    return SelectedOutput(one, name, _quantity(explanation, name, is_regressor))


def select_outputs(explanation: Any, output: Any) -> list[SelectedOutput]:
    """Keep one output, or several from a list of labels."""
    if not isinstance(output, (list, tuple, np.ndarray, pd.Index)):
        return [select_output(explanation, output)]
    if len(output) == 0:
        raise ValueError("output is an empty list; name at least one output.")
    # An array made of a list would turn labels of several kinds into text.
    labels = list(output) if isinstance(output, (list, tuple)) else output.tolist()
    return [select_output(explanation, label) for label in labels]


def _quantity(explanation: Explanation, name: str, is_regressor: bool) -> str:
    kinds = {"probability": "probability", "log_odds": "log-odds", "raw": "score"}
    if is_regressor:
        return "prediction" if name == "y" else f"prediction of {name}"
    kind = "output" if explanation.estimator_type is None else kinds["raw"]
    kind = kinds[explanation.output] if explanation.output != "raw" else kind
    return f"{kind} of {'the predicted class' if name == 'predicted' else name}"


# Features and columns


def feature_position(explanation: Explanation, feature: Any, parameter: str) -> int:
    """Position of a feature given by name or position."""
    names = explanation.feature_names.tolist()
    found = [j for j, name in enumerate(names) if name == feature]
    if len(found) == 1:
        return found[0]
    if len(found) > 1:
        raise ValueError(f"{parameter}={feature!r} names {len(found)} features; pass a position.")
    is_position = isinstance(feature, Integral) and not isinstance(feature, bool)
    if is_position and -len(names) <= feature < len(names):
        position = int(feature) % len(names)
        if feature >= 0:
            refuse_two_meanings(parameter, position, names)
        return position
    raise ValueError(f"{parameter}={feature!r} is none of the features {names}.")


def feature_view(explanation: Explanation, position: int, parameter: str) -> ColumnView:
    """Values of a feature's column; ValueError if there is none."""
    column = column_of(explanation, position)
    name = explanation.feature_names[position]
    if column is None:
        reason = "keeps no data" if explanation.data is None else "does not say its columns"
        raise ValueError(
            f"{parameter}={name!r} has no column of values to draw: the explanation {reason}. "
            "Pass an explanation with data, of a column rather than a group of columns."
        )
    return column_view(column, str(name))


def column_of(explanation: Explanation, position: int) -> pd.Series | None:
    """The column of data that a feature is; None for groups and without data."""
    data = explanation.data
    if data is None:
        return None
    name = str(explanation.feature_names[position])
    if data.shape[1] != len(explanation.feature_names):
        # Explanations name columns by their labels as text.
        is_frame = isinstance(data, pd.DataFrame)
        names = names_of_labels(data.columns).tolist() if is_frame else table_column_names(data)
        if names.count(name) != 1:
            return None
        position = names.index(name)
    return table_column(data, position)


def table_column(table: Any, position: int) -> pd.Series:
    """A column of a DataFrame, array or sparse matrix."""
    if isinstance(table, pd.DataFrame):
        return table.iloc[:, position]
    if sparse.issparse(table):
        return pd.Series(np.asarray(table.tocsc()[:, [position]].toarray()).ravel())
    return pd.Series(np.asarray(table)[:, position])


def table_column_names(table: Any) -> list[Any]:
    """Labels of a DataFrame's columns, or x0, x1, ..."""
    if isinstance(table, pd.DataFrame):
        return list(table.columns)
    return [f"x{j}" for j in range(table.shape[1])]


def column_view(column: Any, name: str) -> ColumnView:
    """Place the values of a column, of whatever type, on an axis."""
    series = pd.Series(column).reset_index(drop=True).infer_objects()
    dtype = series.dtype
    if pd.api.types.is_datetime64_any_dtype(dtype):
        if getattr(dtype, "tz", None) is not None:
            series = series.dt.tz_localize(None)
        days = (series - pd.Timestamp(0)) / pd.Timedelta(days=1)
        return ColumnView(name, days.to_numpy(dtype=float, na_value=np.nan), is_date=True)
    kind = kind_of(series)
    if kind == "durations":
        seconds = as_float(series) / 1e6
        largest = np.abs(seconds[~np.isnan(seconds)]).max(initial=0.0)
        unit = next((unit for unit, size in _DURATIONS.items() if size <= largest), "seconds")
        return ColumnView(name, seconds / _DURATIONS[unit], unit=unit)
    if pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_bool_dtype(dtype):
        return ColumnView(name, series.to_numpy(dtype=float, na_value=np.nan))
    ordered = kind == "numbers" and is_boolean(series)
    if kind != "categories" and not ordered:
        # Objects of one kind, such as decimals and dates, and periods.
        numbers = as_float(series) / (1.0 if kind == "numbers" else _MICROSECONDS)
        return ColumnView(name, numbers, is_date=kind == "dates")
    if isinstance(dtype, pd.CategoricalDtype):
        ordered = bool(dtype.ordered)
        used = series.cat.remove_unused_categories()
        codes, levels = used.cat.codes.to_numpy(), used.cat.categories
    else:
        # As objects, for nullable booleans take no text.
        texts = series.astype(object).where(series.isna(), series.astype(str))
        codes, levels = pd.factorize(texts, sort=True)
    numbers = np.where(codes < 0, np.nan, codes.astype(float))
    return ColumnView(name, numbers, level_texts(levels), ordered)


def level_texts(levels: Iterable[Any]) -> list[str]:
    """Write levels as cells are, or in full where four digits do not tell them apart."""
    listed = list(levels)
    texts = [format_cell(level) for level in listed]
    return texts if len(set(texts)) == len(texts) else [str(level) for level in listed]


def value_limits(numbers: np.ndarray) -> tuple[float, float]:
    """Ends of numbers, some of them not NaN, without outliers unless nothing else differs."""
    low, high = np.nanpercentile(numbers, [5, 95])
    if low == high:
        low, high = np.nanmin(numbers), np.nanmax(numbers)
    return float(low), float(high)


def cells_of_row(explanation: Explanation, features: np.ndarray) -> list[str | None]:
    """Texts of cells of an explanation of one row; None for features without a column."""
    columns = [column_of(explanation, j) for j in features]
    return [None if column is None else format_cell(column.iloc[0]) for column in columns]


def format_cell(cell: Any) -> str:
    """Write a cell: numbers with four digits, times without zeros, "missing" for NaN."""
    if cell is None or (np.ndim(cell) == 0 and pd.isna(cell)):
        return MISSING
    if isinstance(cell, pd.Timestamp):
        # In some zones there are days without a midnight, or with two.
        local = cell.tz_localize(None)
        if local == local.normalize():
            return str(cell.date())
        has_seconds = cell.second or cell.microsecond or cell.nanosecond
        return str(cell) if has_seconds else cell.isoformat(" ", "minutes")
    if isinstance(cell, (bool, np.bool_)) or not isinstance(cell, Real):
        return str(cell)
    number = float(cell) + 0.0  # which a negative zero is, too
    if not np.isfinite(number):
        return str(number)
    if number == floor(number) and abs(number) < 1e9:
        return f"{number:.0f}"
    if not 1e-4 <= abs(number) < 1e6:
        return f"{number:.2e}"
    text = f"{number:.{max(0, 3 - floor(log10(abs(number))))}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


# Choice of what is shown


def check_max_display(max_display: Any) -> None:
    """Check a number of columns to show; None for all."""
    is_int = isinstance(max_display, Integral) and not isinstance(max_display, bool)
    if max_display is not None and not (is_int and max_display >= 1):
        raise ValueError(f"max_display must be an int of at least 1 or None; got {max_display!r}.")


def largest_first(sizes: np.ndarray, max_display: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Positions of the features that are shown, largest first, and of those that are summed."""
    check_max_display(max_display)
    order = np.argsort(-np.asarray(sizes), kind="stable")
    if max_display is None or len(order) <= max_display + 1:  # a sum of one hides its name
        return order, order[:0]
    return order[:max_display], order[max_display:]


def others_label(others: Sequence[int] | np.ndarray) -> str:
    """Label of the columns that are summed."""
    return f"{len(others)} other columns"
