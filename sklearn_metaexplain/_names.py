"""Names of columns, and the columns that a caller names."""

from __future__ import annotations

from difflib import get_close_matches
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["is_label", "name_of_label", "names_of_labels", "names_of_table", "position_of"]

_MOST_LISTED = 20


def name_of_label(label: Any) -> str:
    """Write a label as text, the same whether its parts are numpy's or Python's own.

    Parameters
    ----------
    label : object
        Of a table of several levels pandas gives tuples, with numbers of either kind.
    """
    if isinstance(label, tuple):
        label = tuple(part.item() if isinstance(part, np.generic) else part for part in label)
    return str(label)


def is_label(given: Any, names: Any) -> bool:
    """Whether a tuple is the label of one column, of several levels, rather than several columns.

    Parameters
    ----------
    given : object
        What a caller has passed.
    names : array-like of length n_columns
        Names of the columns.
    """
    return isinstance(given, tuple) and name_of_label(given) in map(name_of_label, names)


def names_of_labels(labels: pd.Index) -> np.ndarray:
    """Names of a DataFrame's columns: its labels as text, or x0, x1, ... where it has none.

    Parameters
    ----------
    labels : Index
        Whole numbers from 0 on are no labels.
    """
    given = not labels.equals(pd.RangeIndex(len(labels)))
    names = [name_of_label(label) if given else f"x{j}" for j, label in enumerate(labels)]
    return np.array(names, dtype=object)


def names_of_table(table: Any) -> list[str]:
    """Names of a table's columns, as explanations call them.

    Parameters
    ----------
    table : DataFrame, ndarray or sparse matrix of shape (n_samples, n_columns)
        Arrays have no labels.
    """
    if isinstance(table, pd.DataFrame):
        return names_of_labels(table.columns).tolist()
    return [f"x{j}" for j in range(table.shape[1])]


def position_of(given: Any, names: Any, parameter: str, *, negative: bool = False) -> int:
    """Position of a column that is given by name or by position.

    Parameters
    ----------
    given : str, int or label
        Whole numbers are positions; all else is compared with the names as text.
    names : array-like of length n_columns
        Names of the columns.
    parameter : str
        What it was given as, for the message.
    negative : bool, default=False
        Whether positions may count from the end.

    Returns
    -------
    position : int
        In ``range(n_columns)``.

    Raises
    ------
    ValueError
        If there is no such column or more than one, or a number is the label of a column that is
        not at that position.
    """
    texts = [name_of_label(name) for name in names]
    if isinstance(given, Integral) and not isinstance(given, bool):
        number, n = int(given), len(texts)
        position = number % n if -n * negative <= number < n else None
        # Labels are known as text, which may be that of a float.
        labels = [j for j, text in enumerate(texts) if text in (f"{number}", f"{number}.0")]
        if position is not None and (not labels or position in labels):
            return position
        if labels:
            also = "no position"
            if position is not None:
                also = f"the position of the column labelled {texts[position]!r}"
            raise ValueError(
                f"{parameter} names {number}, which is the label of one column and {also}; write "
                f"labels as text, {texts[labels[0]]!r}."
            )
    found = [j for j, text in enumerate(texts) if text == name_of_label(given)]
    if len(found) > 1:
        raise ValueError(
            f"{parameter} names {given!r}, as {len(found)} columns are called; name it by position."
        )
    if not found:
        raise ValueError(f"{parameter} names {given!r}, which is none of {_known(given, texts)}.")
    return found[0]


def _known(given: Any, texts: list[str]) -> str:
    """Columns that there are, for a message: of many those that are most like what was given."""
    if texts == [f"x{j}" for j in range(len(texts))]:
        return (
            f"the columns x0 to {texts[-1]}; of a table without names, as steps of a Pipeline pass "
            'on, give positions, or let these make DataFrames by set_output(transform="pandas")'
        )
    if len(texts) <= _MOST_LISTED:
        return f"the columns {texts}"
    if isinstance(given, Integral):
        return f"the {len(texts)} columns"
    similar = get_close_matches(name_of_label(given), texts, n=3, cutoff=0.0)
    return f"the {len(texts)} columns, of which {similar} are most like it"
