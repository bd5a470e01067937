"""Episodes of classification out of a user's own tables."""

from __future__ import annotations

from copy import copy
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.utils.validation import check_consistent_length, column_or_1d

from sklearn_metaexplain._categories import Missing, cell_of, keys_of
from sklearn_metaexplain._columns import columns_of, kind_of, kind_of_cell, names_of
from sklearn_metaexplain._rows import take_rows
from sklearn_metaexplain._validation import check_classes, keep_missing, without_masks
from sklearn_metaexplain.nets._labelled import LabelledEpisode, RawRows
from sklearn_metaexplain.nets._labelled_table import draw_support, encode_episode
from sklearn_metaexplain.training._task_distributions import (
    check_count,
    check_task_table,
    named_pairs,
)

_LEAST_SUPPORT = 10
# Of a table; the rest is left to be labelled.
_MOST_SUPPORT_SHARE = 0.75
_HELD_OUT_SHARE = 0.25
# Of a class that is held out: one row to be read, one to be labelled.
_LEAST_HELD_OUT = 2


class _Table(NamedTuple):
    name: str
    X: Any
    labels: np.ndarray  # 0 to n_classes - 1
    n_classes: int


class TableTasks:
    """Labelled tables of one's own, each a family of episodes.

    A draw takes one of the tables, all equally likely, and splits its rows at random: support
    rows, at least one of each class, and query rows, which are to be labelled. Rows are encoded
    as the classifiers do, by the support alone.

    Parameters
    ----------
    tasks : list of pairs, or mapping of str to pair
        Each ``(X, y)``: a DataFrame or array with text, categories, dates and missing values, and
        the classes of its rows, at least two.
    n_support : int, default=None
        Support rows. None: from 10 to `max_support`, log-uniform, so that the network serves
        tables of several sizes. In either case there are at most three quarters of a table's
        rows.
    max_support : int, default=256
        Most support rows for ``n_support=None``.
    n_query : int, default=64
        Most query rows.

    Raises
    ------
    TypeError
        If `tasks` are no pairs.
    ValueError
        If a table or its labels cannot be read; the message names the task.

    See Also
    --------
    SyntheticTables : Tables of the prior.
    sklearn_metaexplain.learners.Episodic : Draws N-way K-shot episodes from these.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_iris, load_wine
    >>> from sklearn_metaexplain.training import TableTasks
    >>> tables = {"iris": load_iris(return_X_y=True), "wine": load_wine(return_X_y=True)}
    >>> tasks = TableTasks(tables, n_support=30)
    >>> episode = tasks.sample(np.random.default_rng(0))
    >>> len(episode.support), len(episode.query), episode.n_classes
    (30, 64, 3)
    """

    def __init__(
        self, tasks: Any, *, n_support: int | None = None, max_support: int = 256, n_query: int = 64
    ) -> None:
        self.n_support = None if n_support is None else check_count("n_support", n_support, 2)
        self.max_support = check_count("max_support", max_support, 2)
        self.n_query = check_count("n_query", n_query, 1)
        self._tables = [_read(*task) for task in named_pairs(tasks, "(X, y)")]

    def __repr__(self) -> str:
        return f"TableTasks({[table.name for table in self._tables]})"

    def sample(self, rng: np.random.Generator) -> LabelledEpisode:
        """Draw a table and split it.

        Parameters
        ----------
        rng : numpy.random.Generator
            The only source of randomness.

        Returns
        -------
        episode : LabelledEpisode
            Its rows, encoded, split into support and query.
        """
        table = self._tables[rng.integers(len(self._tables))]
        n_support = self._draw_size(rng, table)
        state = np.random.RandomState(rng.integers(2**31))
        support = draw_support(table.labels, n_support, state)
        others = np.delete(np.arange(len(table.labels)), support)
        query = state.permutation(others)[: self.n_query]
        raw = RawRows.of(table.X, support, query)
        return encode_episode(raw, table.labels[support], table.labels[query], table.n_classes)

    def hold_out(self, rng: np.random.Generator) -> tuple[TableTasks, TableTasks]:
        """Set a quarter of the rows aside, for tasks that share none with the others.

        Of each table, classes of six rows or more give a quarter of them. Tables with fewer than
        two such classes are too small: all of their rows stay.

        Parameters
        ----------
        rng : numpy.random.Generator
            Draws the rows.

        Returns
        -------
        trained, held_out : TableTasks
            Tasks out of the rows that stay, of all tables, and out of those set aside.

        Raises
        ------
        ValueError
            If all tables are too small.
        """
        trained, held_out = copy(self), copy(self)
        trained._tables, held_out._tables = [], []
        for table in self._tables:
            aside = _set_aside(table.labels, rng)
            if not len(aside):
                trained._tables.append(table)
                continue
            stay = np.delete(np.arange(len(table.labels)), aside)
            trained._tables.append(_take(table, stay))
            held_out._tables.append(_take(table, aside))
        if not held_out._tables:
            raise ValueError(
                "No table has two classes of six rows or more, of which a quarter could be held "
                "out for validation; give other tables by validation, or the same ones, to be "
                "judged by rows that are trained on."
            )
        return trained, held_out

    def _draw_size(self, rng: np.random.Generator, table: _Table) -> int:
        n_rows = len(table.labels)
        most = max(table.n_classes, int(_MOST_SUPPORT_SHARE * n_rows))
        if self.n_support is not None:
            return min(self.n_support, most)
        most = min(self.max_support, most)
        least = min(_LEAST_SUPPORT, most)
        return int(np.exp(rng.uniform(np.log(least), np.log(most + 1))))


def _set_aside(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Positions of rows to hold out, of two classes at least; none if that cannot be."""
    aside = []
    for label in range(labels.max() + 1):
        rows = rng.permutation(np.flatnonzero(labels == label))
        n_rows = round(_HELD_OUT_SHARE * len(rows))
        if n_rows >= _LEAST_HELD_OUT:
            aside.append(rows[:n_rows])
    return np.sort(np.concatenate(aside)) if len(aside) > 1 else np.empty(0, dtype=int)


def _take(table: _Table, rows: np.ndarray) -> _Table:
    classes, labels = np.unique(table.labels[rows], return_inverse=True)
    return _Table(table.name, take_rows(table.X, rows), labels, len(classes))


def _read(name: str, X: Any, y: Any) -> _Table:
    try:
        X = _with_kinds(check_task_table(X, "TableTasks"))
        labels, n_classes = _read_labels(X, y)
    except (TypeError, ValueError) as error:
        raise type(error)(f"Task {name!r}: {error}") from error
    return _Table(name, X, labels, n_classes)


def _with_kinds(X: Any) -> Any:
    """The table, its columns that hold cells of several kinds with a text for each category.

    A few rows of such a column may all be numbers, and are categories all the same: the whole
    table tells what its columns are, as it does where a classifier is fitted to it.
    """
    if sparse.issparse(X):
        return X
    named: dict[int, np.ndarray] = {}
    for j, (name, column) in enumerate(zip(names_of(X), columns_of(X), strict=True)):
        if kind_of(column) != "categories":
            continue
        keys = keys_of(name, column)
        present = [key for key in keys if not isinstance(key, Missing)]
        if len({kind_of_cell(cell_of(key)) for key in present}) < 2:
            continue
        number = {key: str(k) for k, key in enumerate(dict.fromkeys(present))}
        pairs = zip(keys, column, strict=True)
        named[j] = np.array([number.get(key, cell) for key, cell in pairs], dtype=object)
    if not named:
        return X
    X = X.copy()
    for j, cells in named.items():
        if isinstance(X, pd.DataFrame):
            X.isetitem(j, cells)
        else:
            X[:, j] = cells
    return X


def _read_labels(X: Any, y: Any) -> tuple[np.ndarray, int]:
    if y is None:
        raise ValueError("y is None; pass a label for each row of X.")
    y = column_or_1d(without_masks(keep_missing(y)))
    check_consistent_length(X, y)
    if pd.isna(y).any():
        raise ValueError("y has missing labels; drop their rows.")
    check_classes(y, "TableTasks")
    classes, labels = np.unique(y, return_inverse=True)
    if len(classes) < 2:
        raise ValueError(
            f"y has one class, {classes.tolist()[0]!r}; two are needed to tell rows apart."
        )
    if len(labels) <= len(classes):
        raise ValueError(
            f"{len(labels)} rows of {len(classes)} classes leave none to label once a row of each "
            "class is read; add rows."
        )
    return labels, len(classes)
