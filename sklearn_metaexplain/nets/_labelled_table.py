"""A labelled table as the networks read it."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from sklearn_metaexplain._categories import forget_categories
from sklearn_metaexplain._category_axes import DECIMALS
from sklearn_metaexplain._encoder import TableEncoder
from sklearn_metaexplain._own_rows import OwnRows
from sklearn_metaexplain.nets._labelled import LabelledEpisode, RawRows


class LabelledEncoder:
    """Encode tables by the scales, ranks and categories of a labelled training table.

    Columns that are constant there tell nothing and are left out. Nor does a category of a single
    row: it would be placed by that row's own label (see `OwnRows`).

    Parameters
    ----------
    table : DataFrame or ndarray of shape (n_samples, n_features)
        The training table.
    labels : ndarray of int of shape (n_samples,)
        Its classes.
    n_classes : int
        Number of classes.

    Attributes
    ----------
    source_ : ndarray of shape (n_encoded,)
        The column that each encoded column comes from.
    encoded_ : tensor of shape (n_samples, n_encoded, 2)
        The training table, encoded to be learned from.
    as_told_ : tensor of shape (n_samples, n_encoded, 2)
        The training table as `encode` encodes its rows; `encoded_` itself where that is the same.
    is_constant_ : bool
        Whether every column is constant; the first is then kept, as zeros.
    """

    def __init__(self, table: Any, labels: np.ndarray, n_classes: int) -> None:
        self._encoder = TableEncoder().fit(table)
        coded = self._encoder.code(table)
        self._own = OwnRows(self._encoder, coded)
        keys = self._encoder.row_keys(self._own.coded)
        out_of_fold = self._own.place(_class_outputs(labels, n_classes, keys))
        encoded = self._own.encode(coded)
        varies = np.ptp(encoded, axis=0).max(axis=1) > 0
        # A network needs something to read, even if it says nothing.
        self._kept = np.flatnonzero(varies) if varies.any() else np.array([0])
        self.is_constant_ = not varies.any()
        self.source_ = self._encoder.source_[self._kept]
        self.encoded_ = self._select(out_of_fold)
        is_same = np.array_equal(out_of_fold, encoded)
        self.as_told_ = self.encoded_ if is_same else self._select(encoded)

    def encode(self, table: Any) -> torch.Tensor:
        """Encode rows of the same columns, (n_samples, n_encoded, 2)."""
        return self._select(self._own.encode(self._encoder.code(table)))

    def code(self, table: Any) -> list[np.ndarray]:
        """Read rows of the same columns, as `TableEncoder.code` does."""
        return self._encoder.code(table)

    def encode_by(
        self,
        coded: list[np.ndarray],
        rows: np.ndarray,
        placing: np.ndarray,
        labels: np.ndarray,
        n_classes: int,
    ) -> torch.Tensor:
        """Encode some rows, categories being placed by the labels of some.

        Scales, ranks and columns are those of the training table, which no label has a part in. A
        category of fewer than two of the rows that place counts as one not seen.

        Parameters
        ----------
        coded : list of ndarray
            The training table, as `code` gives it.
        rows : ndarray of int
            Positions of the rows to encode.
        placing : ndarray of int
            Positions of the rows whose labels count, in order; of these, rows are encoded as the
            training table is.
        labels : ndarray of int of shape (n_samples,)
            Classes.
        n_classes : int
            Number of classes.
        """
        of_rows, of_placing = ([column[part] for column in coded] for part in (rows, placing))
        seldom = [
            _seldom_categories(column, place)
            for column, place in zip(of_rows, of_placing, strict=True)
        ]
        of_rows, of_placing = (forget_categories(part, seldom) for part in (of_rows, of_placing))
        keys = self._encoder.row_keys(of_placing)
        outputs = _class_outputs(labels[placing], n_classes, keys)
        placed = self._encoder.placed_by(of_placing, outputs)
        encoded = placed.encode(of_rows)
        is_placing = np.isin(rows, placing)
        if is_placing.any():
            own = placed.encode_out_of_fold(of_placing, outputs)
            encoded[is_placing] = own[np.searchsorted(placing, rows[is_placing])]
        return self._select(encoded)

    def _select(self, encoded: np.ndarray) -> torch.Tensor:
        kept = encoded[:, self._kept]
        return torch.from_numpy(0.0 * kept if self.is_constant_ else kept)


def encode_episode(
    raw: RawRows, labels: np.ndarray, query_labels: np.ndarray, n_classes: int
) -> LabelledEpisode:
    """Encode an episode as the classifiers do, by its support alone.

    Parameters
    ----------
    raw : RawRows
        Rows to read and rows to label.
    labels : ndarray of int of shape (n_support,)
        Classes of the rows to read, 0 to n_classes - 1.
    query_labels : ndarray of int of shape (n_query,)
        Classes of the rows to label.
    n_classes : int
        Number of classes.
    """
    encoder = LabelledEncoder(raw.support, labels, n_classes)
    return LabelledEpisode(
        encoder.encoded_.float(),
        torch.from_numpy(labels),
        encoder.encode(raw.query).float(),
        torch.from_numpy(query_labels),
        n_classes,
        raw,
    )


def _seldom_categories(column: np.ndarray, placing: np.ndarray) -> np.ndarray:
    """Codes in either column that fewer than two of the rows that place have."""
    if column.dtype.kind == "f":
        return np.empty(0, dtype=int)
    n_codes = int(max(column.max(initial=-1), placing.max(initial=-1))) + 1
    return np.flatnonzero(np.bincount(placing[placing >= 0], minlength=n_codes) < 2)


def _class_outputs(labels: np.ndarray, n_classes: int, keys: np.ndarray) -> np.ndarray:
    """One-hot classes in an order that is that of the rows, whatever the classes are called.

    The axes on which categories are placed have signs that depend on the order of outputs where
    several are equally large, as those of two classes are; of two, one says all. Classes as
    frequent as each other are told apart by what their rows hold; where they hold the same, that
    of the first row comes first.

    Parameters
    ----------
    labels : ndarray of int of shape (n_rows,)
        Classes from 0 to n_classes - 1.
    n_classes : int
        Number of classes.
    keys : ndarray of shape (n_rows,)
        Of the rows, as of `TableEncoder.row_keys`.
    """
    classes, first, counts = np.unique(labels, return_index=True, return_counts=True)
    held = np.bincount(labels, weights=keys, minlength=n_classes)[classes].round(DECIMALS)
    rank = np.empty(n_classes, dtype=int)
    rank[classes[np.lexsort((first, held, counts))]] = np.arange(n_classes)
    one_hot = np.eye(n_classes)[rank[labels]]
    return one_hot[:, :1] if n_classes == 2 else one_hot


def choose_support(labels: np.ndarray, n_support: int, rng: np.random.RandomState) -> np.ndarray:
    """Positions of at most `n_support` rows, in order, each class with its share of them.

    Shares are rounded by largest remainders; every class has a row at least.

    Parameters
    ----------
    labels : ndarray of int of shape (n_samples,)
        Classes from 0 on, each present.
    n_support : int
        Number of rows; where it is smaller than the number of classes, one row of each.
    rng : RandomState
        Draws the rows.
    """
    if len(labels) <= n_support:
        return np.arange(len(labels))
    order = rng.permutation(len(labels))
    shuffled = labels[order]
    _, first, counts = np.unique(shuffled, return_index=True, return_counts=True)
    # Chance decides between equal remainders, not what the classes are called.
    n_rows = _apportion(counts, max(n_support, len(counts)), first.argsort())
    chosen = [order[shuffled == label][:n] for label, n in enumerate(n_rows)]
    return np.sort(np.concatenate(chosen))


def draw_support(labels: np.ndarray, n_support: int, rng: np.random.RandomState) -> np.ndarray:
    """Positions of at most `n_support` rows, in order, at least one of each class.

    The others are drawn whatever their class, as the rows of a small table are: a network that
    is trained on such draws meets shares of all kinds.

    Parameters
    ----------
    labels, n_support, rng
        As of `choose_support`.
    """
    if len(labels) <= n_support:
        return np.arange(len(labels))
    order = rng.permutation(len(labels))
    _, first = np.unique(labels[order], return_index=True)
    others = np.delete(order, first)
    chosen = np.concatenate([order[first], others[: max(n_support - len(first), 0)]])
    return np.sort(chosen)


def _apportion(counts: np.ndarray, total: int, order: np.ndarray) -> np.ndarray:
    """Split a total in proportion to counts, into whole numbers from 1 on; ties go by `order`."""
    parts = np.ones(len(counts), dtype=int)
    large = np.ones(len(counts), dtype=bool)
    while True:
        left = total - np.sum(~large)
        # In whole numbers, where equal remainders are equal.
        whole, remainder = np.divmod(left * counts, counts[large].sum())
        small = large & (whole < 1)
        if not small.any():
            break
        large &= ~small
    parts[large] = whole[large]
    by_remainder = order[np.argsort(-remainder[order], kind="stable")]
    by_remainder = by_remainder[large[by_remainder]]
    parts[by_remainder[: total - parts.sum()]] += 1
    return parts
