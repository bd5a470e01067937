"""What LIME needs to know about the columns of a table, kept small."""

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd
from sklearn.utils import _safe_indexing

from sklearn_metaexplain._arrays import rounding_of
from sklearn_metaexplain._cells import is_boolean, is_whole
from sklearn_metaexplain._columns import as_float, columns_of, is_numeric, kind_of
from sklearn_metaexplain.masking import RowPool
from sklearn_metaexplain.posthoc import _libraries
from sklearn_metaexplain.posthoc._lime_texts import (
    FEWEST_DIGITS,
    digits_of_cells,
    equals,
    interval_texts,
)

__all__ = ["LimeColumns"]

# Values kept of each interval of a numeric column, evenly spaced in rank.
KEPT_PER_INTERVAL = 64


@dataclass
class _Column:
    """One column: values fall into groups, and of each group some cells are kept.

    Groups are the categories of a categorical column (missing is one of them), or the intervals
    of a numeric one, then one more for missing values where there are any.
    """

    name: str
    kind: Literal["categories", "intervals", "numbers"]
    texts: list[str]
    shares: np.ndarray  # (n_groups,), how frequent each group is
    cells: list[np.ndarray]  # by group, positions of training rows
    # Upper ends of all intervals but the last.
    edges: np.ndarray = field(default_factory=lambda: np.empty(0))
    mean: float = 0.0
    scale: float = 1.0
    whole: bool = False
    digits: int = FEWEST_DIGITS  # of cells that are shown


class LimeColumns:
    """Groups of values of each column, their frequencies, and some cells of each group.

    Parameters
    ----------
    table : {ndarray, DataFrame, CSR} of shape (n_samples, n_features)
        Training rows. Only the cells that represent a group are kept.
    names : array-like of str of shape (n_features,)
        Names of the columns.
    discretizer : {"quartile", "decile", "entropy"} or None
        How numeric columns are cut into intervals; None leaves numbers as they are, and cuts dates
        into quartiles.
    labels : ndarray of shape (n_samples,) or None
        Classes, for "entropy".
    seed : int
        Seed of the trees that "entropy" grows.

    Attributes
    ----------
    columns : list of _Column
        One a column.
    reference : table of the kind of `table`
        Rows whose cells are those kept, column by column; the last ones of short columns repeat.
    """

    def __init__(
        self, table: Any, names: Any, discretizer: str | None, labels: Any, seed: int
    ) -> None:
        pool = RowPool(table)
        codes = pool.codes()
        self.columns: list[_Column] = []
        for j, cells in enumerate(columns_of(table)):
            if not _is_ordered(cells):
                column = _categories(str(names[j]), cells, codes[:, j])
            else:
                column = _ordered(str(names[j]), cells, discretizer, labels, seed)
            self.columns.append(column)
        kept = [np.concatenate(column.cells) for column in self.columns]
        length = max(len(positions) for positions in kept)
        index = np.stack([np.resize(positions, length) for positions in kept], axis=1)
        self.reference = pool.take(index)
        # From here on cells are positions in `reference`, where groups are contiguous.
        for column in self.columns:
            ends = np.cumsum([len(cells) for cells in column.cells])
            column.cells = [
                np.arange(end - len(cells), end)
                for end, cells in zip(ends, column.cells, strict=True)
            ]

    def groups_of(self, rows: Any) -> np.ndarray:
        """The group of each cell of some rows, shape (n_rows, n_features).

        Values of no group, unseen categories and the first missing values, are ``n_groups``; for
        columns of kind "numbers", 1 is missing and 0 is not.
        """
        n_kept = self.reference.shape[0]
        equal = RowPool(self.reference, rows).codes()[n_kept:]
        groups = np.empty(equal.shape, dtype=np.int64)
        for j, (column, cells) in enumerate(zip(self.columns, columns_of(rows), strict=True)):
            if column.kind == "categories":
                group_of_kept = np.arange(len(column.cells))  # one cell a category
                found = np.minimum(equal[:, j], len(column.cells))
                groups[:, j] = np.append(group_of_kept, len(column.cells))[found]
            else:
                groups[:, j] = _intervals_of(as_float(cells), column.edges)
        return groups

    def texts_of(self, rows: Any, groups: np.ndarray) -> np.ndarray:
        """What the explanation says of each cell, an array of str of shape (n_rows, n_features)."""
        texts = np.empty(groups.shape, dtype=object)
        for j, (column, cells) in enumerate(zip(self.columns, columns_of(rows), strict=True)):
            for i, cell in enumerate(_as_objects(cells)):
                known = column.kind != "numbers" and groups[i, j] < len(column.texts)
                texts[i, j] = (
                    column.texts[groups[i, j]]
                    if known
                    else equals(column.name, cell, column.digits)
                )
        return texts

    def draw(self, groups: np.ndarray, row: Any, uniform: np.ndarray) -> Any:
        """A table whose cells are drawn from the given groups.

        Parameters
        ----------
        groups : ndarray of int of shape (n, n_features)
            Groups. Those that training did not have stand for the row's own cell, and -1 does.
        row : table of one row
            The explained row.
        uniform : ndarray of shape (n, n_features)
            Random numbers in [0, 1) that say which of the kept cells.

        Returns
        -------
        table : of the kind of `reference`, of shape (n, n_features)
        """
        n_kept = self.reference.shape[0]
        index = np.empty(groups.shape, dtype=np.intp)
        for j, column in enumerate(self.columns):
            starts = np.array(
                [*(cells[0] if len(cells) else n_kept for cells in column.cells), n_kept]
            )
            sizes = np.array([*(max(1, len(cells)) for cells in column.cells), 1])
            group = np.minimum(groups[:, j], len(column.cells))  # -1 is the last one, too
            offset = (uniform[:, j] * sizes[group]).astype(np.intp)
            index[:, j] = starts[group] + offset
        return RowPool(self.reference, row).take(index)

    def numbers_of(self, rows: Any) -> np.ndarray:
        """The table as floats, where columns are of kind "numbers"; other columns are 0."""
        numbers = np.zeros(rows.shape)
        for j, (column, cells) in enumerate(zip(self.columns, columns_of(rows), strict=True)):
            if column.kind == "numbers":
                numbers[:, j] = as_float(cells)
        return numbers


def _is_ordered(cells: Any) -> bool:
    # An ordered pair of values is a category: nothing lies between.
    return is_numeric(cells) and not is_boolean(cells)


def _categories(name: str, cells: Any, codes: np.ndarray) -> _Column:
    first, counts = np.unique(codes, return_counts=True)
    categories = _as_objects(_safe_indexing(cells, first))
    digits = digits_of_cells(categories)
    texts = [equals(name, cell, digits) for cell in categories]
    shares = counts / counts.sum()
    return _Column(name, "categories", texts, shares, [p[None] for p in first], digits=digits)


def _ordered(name: str, cells: Any, discretizer: str | None, labels: Any, seed: int) -> _Column:
    numbers = as_float(cells)
    present = ~np.isnan(numbers)
    if discretizer is None and kind_of(cells) == "numbers":
        edges = np.empty(0)
        kind: Literal["intervals", "numbers"] = "numbers"
    else:
        edges = _edges(numbers, present, discretizer or "quartile", labels, seed)
        kind = "intervals"
    groups = _intervals_of(numbers, edges)
    found, counts = np.unique(groups, return_counts=True)
    shares = np.zeros(len(edges) + 2)
    shares[found] = counts / counts.sum()
    order = np.argsort(numbers, kind="stable")
    kept = []
    for group in range(len(shares)):
        members = order[groups[order] == group]
        even = np.linspace(0, len(members) - 1, min(len(members), KEPT_PER_INTERVAL))
        kept.append(members[even.round().astype(np.intp)])
    column = _Column(name, kind, interval_texts(name, edges, cells), shares, kept, edges)
    column.whole = is_whole(cells)
    if present.any():
        known = numbers[present]
        column.mean = float(known.mean())
        # The deviation of equal numbers need not be zero.
        column.scale = float(known.std()) if np.ptp(known) > rounding_of(known) else 1.0
    return column


def _edges(
    numbers: np.ndarray, present: np.ndarray, discretizer: str, labels: Any, seed: int
) -> np.ndarray:
    """Interval ends as LIME's own discretizers put them, from the values that are present."""
    if not present.any():
        return np.empty(0)
    lime = _libraries.lime_tabular()
    kinds = {
        "quartile": lime.QuartileDiscretizer,
        "decile": lime.DecileDiscretizer,
        "entropy": lime.EntropyDiscretizer,
    }
    cut = kinds[discretizer](
        numbers[present, None],
        [],
        ["column"],
        labels=None if labels is None else labels[present],
        random_state=seed,
    )
    return np.asarray(cut.maxs[0][:-1], dtype=np.float64)


def _intervals_of(numbers: np.ndarray, edges: np.ndarray) -> np.ndarray:
    return np.where(np.isnan(numbers), len(edges) + 1, np.searchsorted(edges, numbers))


def _as_objects(cells: Any) -> list[Any]:
    return pd.Series(cells).tolist()
