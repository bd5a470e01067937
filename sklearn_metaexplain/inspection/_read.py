"""What Displays read off an Explanation: outputs, columns, cells."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from sklearn_metaexplain._explanation import Explanation
from sklearn_metaexplain._explanation_parts import labels_of
from sklearn_metaexplain._names import name_of_label, names_of_table, position_of
from sklearn_metaexplain._rows import are_reordered
from sklearn_metaexplain.inspection._column_view import (
    ColumnView,
    column_view,
    format_cell,
    table_column,
)

__all__ = [
    "SelectedOutput",
    "cells_of_row",
    "check_explanation",
    "check_max_display",
    "check_order_of_rows",
    "column_names_of",
    "column_of",
    "columns_of_features",
    "feature_position",
    "feature_view",
    "largest_first",
    "listed_labels",
    "others_label",
    "select_output",
    "select_outputs",
]


class SelectedOutput(NamedTuple):
    """One output of an Explanation and how to speak of it."""

    explanation: Explanation
    name: str
    quantity: str


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
    labels = listed_labels(output, check_explanation(explanation).output_names.tolist())
    return [select_output(explanation, label) for label in labels]


def listed_labels(output: Any, known: list[Any]) -> list[Any]:
    """Labels of outputs that a caller gives, one or a list of them; ValueError if it is empty."""
    # A label of several levels is a tuple, too.
    is_label = isinstance(output, tuple) and output in known
    if is_label or not isinstance(output, (list, tuple, np.ndarray, pd.Index)):
        return [output]
    if len(output) == 0:
        raise ValueError("output is an empty list; name at least one output.")
    if isinstance(output, np.ndarray):
        return labels_of(output).tolist()
    # An array made of a list would turn labels of several kinds into text.
    return list(output)


def _quantity(explanation: Explanation, name: str, is_regressor: bool) -> str:
    kinds = {"probability": "probability", "log_odds": "log-odds", "raw": "score"}
    if is_regressor:
        return "prediction" if name == "y" else f"prediction of {name}"
    kind = "output" if explanation.estimator_type is None else kinds["raw"]
    kind = kinds[explanation.output] if explanation.output != "raw" else kind
    return f"{kind} of {'the predicted class' if name == 'predicted' else name}"


# Rows


def check_order_of_rows(values: Any, explanation: Explanation, parameter: str) -> None:
    """Refuse a Series or DataFrame with the labels of the rows in another order."""
    if not isinstance(values, (pd.Series, pd.DataFrame)) or explanation.index is None:
        return
    if are_reordered(explanation.index, values.index):
        raise ValueError(
            f"{parameter} has the labels of the explained rows in another order; pass "
            f"{parameter}.loc[explanation.index], or {parameter}.to_numpy() if it is to be read as "
            "it stands."
        )


# Features and columns


def feature_position(explanation: Explanation, feature: Any, parameter: str) -> int:
    """Position of a feature given by name or position."""
    return position_of(feature, explanation.feature_names, parameter, negative=True)


def feature_view(explanation: Explanation, position: int, parameter: str) -> ColumnView:
    """Values of a feature's column; ValueError if there is none."""
    column = column_of(explanation, position)
    name = explanation.feature_names[position]
    if column is None:
        reason = "has a group there"
        if explanation.feature_of_column is None:
            reason = "does not say its columns"
        if explanation.data is None:
            reason = "keeps no data"
        raise ValueError(
            f"{parameter}={name!r} has no column of values to draw: the explanation {reason}. "
            "Pass an explanation with data, of a column rather than a group of columns."
        )
    return column_view(column, str(name))


def column_of(explanation: Explanation, position: int) -> pd.Series | None:
    """The column of data that a feature is; None for groups and without data."""
    if explanation.data is None:
        return None
    columns = np.flatnonzero(_feature_of_column(explanation) == position)
    return table_column(explanation.data, columns[0]) if len(columns) == 1 else None


def columns_of_features(explanation: Explanation) -> list[list[int]]:
    """Positions in data of the columns of each feature, where it is known which they are."""
    columns: list[list[int]] = [[] for _ in explanation.feature_names]
    if explanation.data is not None:
        for column, feature in enumerate(_feature_of_column(explanation).tolist()):
            if feature >= 0:
                columns[feature].append(column)
    return columns


def column_names_of(explanation: Explanation) -> list[str]:
    """Names of the columns of data; those of the features where the table has none of its own."""
    if explanation.data is None:
        return []
    names = names_of_table(explanation.data)
    if names != [f"x{j}" for j in range(len(names))]:
        return names
    # As after the steps of a Pipeline, which make arrays and say what their columns are.
    for feature, columns in enumerate(columns_of_features(explanation)):
        if len(columns) == 1:
            names[columns[0]] = str(explanation.feature_names[feature])
    return names


def _feature_of_column(explanation: Explanation) -> np.ndarray:
    """Which feature each column of data belongs to, (n_columns,); -1 where that is not known."""
    data, features = explanation.data, [str(name) for name in explanation.feature_names]
    if explanation.feature_of_column is not None:
        return explanation.feature_of_column
    if data.shape[1] == len(features):
        return np.arange(len(features))
    # Nothing but names is known: a column is the feature that is called so.
    position_of_name = {name: position for position, name in enumerate(features)}
    names = labels = names_of_table(data)
    if isinstance(data, pd.DataFrame):
        labels = [name_of_label(label) for label in data.columns]
    return np.array(
        [
            position_of_name.get(name, position_of_name.get(label, -1))
            for name, label in zip(names, labels, strict=True)
        ]
    )


def cells_of_row(explanation: Explanation, features: np.ndarray) -> list[str | None]:
    """Texts of cells of an explanation of one row; None for features without a column."""
    columns = [column_of(explanation, j) for j in features]
    return [None if column is None else format_cell(column.iloc[0]) for column in columns]


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
