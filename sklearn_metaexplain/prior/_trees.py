"""Evaluation of many trees at once through tables over the intervals of each column.

Every column is cut at all the thresholds that any tree uses.  For each of its intervals a table
holds, per tree, what the column's splits say together; a row's leaf in every tree is the merge of
one table row a column, so no tree is walked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sklearn_metaexplain.prior._columns import ColumnCodes

#: Leaves that a tree of ordinary shape may have: one bit each in a machine word.
MAX_LEAVES = 64
# Word type, de Bruijn sequence and shift by the leaves that fit: the product of a one-bit word
# and the sequence, shifted, is different for each bit (Leiserson, Prokop & Randall, 1998).
_WORDS: dict[int, tuple[Any, int, int]] = {
    8: (np.uint8, 0x1D, 5),
    16: (np.uint16, 0x09AF, 12),
    32: (np.uint32, 0x077CB531, 27),
    64: (np.uint64, 0x03F79D71B4CB0A89, 58),
}
# Rows evaluated at a time, so that intermediate arrays stay in the processor's cache.
_CHUNK = 1024


@dataclass(frozen=True)
class TabulatedTrees:
    """A sum of trees: (n, n_columns) -> (n, n_outputs).

    Attributes
    ----------
    codes : ColumnCodes
    columns : tuple of int
        The columns that any tree splits.
    tables : tuple of ndarray of shape (n_codes, n_trees)
        One for each of `columns`.
    sequence, shift : int
        De Bruijn multiplier; sequence 0 says that merged words are leaf numbers already.
    values : ndarray of shape (n_outputs, n_trees, n_leaves)
    """

    codes: ColumnCodes
    columns: tuple[int, ...]
    tables: tuple[np.ndarray, ...]
    sequence: int
    shift: int
    values: np.ndarray

    def __call__(self, X: np.ndarray) -> np.ndarray:
        n_outputs, n_trees, n_leaves = self.values.shape
        flat = self.values.reshape(n_outputs, -1)
        first_leaf = np.arange(n_trees) * n_leaves
        codes = self.codes(X)
        result = np.zeros((len(X), n_outputs))
        merge = np.bitwise_and if self.sequence else np.bitwise_or
        for start in range(0, len(X), _CHUNK):
            rows = slice(start, start + _CHUNK)
            words: np.ndarray | None = None
            for j, table in zip(self.columns, self.tables, strict=True):
                said = table.take(codes[j, rows], axis=0)
                words = said if words is None else merge(words, said, out=words)
            if words is None:
                words = np.ones((len(result[rows]), n_trees), dtype=np.uint8)
            if self.sequence:
                words *= words.dtype.type(self.sequence)
                words >>= words.dtype.type(self.shift)
            leaves = words.astype(np.intp) + first_leaf
            for k in range(n_outputs):
                result[rows, k] = flat[k].take(leaves).sum(1)
        return result


def tabulate_oblivious(
    codes: ColumnCodes,
    columns: np.ndarray,
    positions: np.ndarray,
    missing_right: np.ndarray,
    values: np.ndarray,
) -> TabulatedTrees:
    """Tabulate trees in which all nodes of a level share one split.

    Parameters
    ----------
    codes : ColumnCodes
    columns, positions : ndarray of shape (n_trees, depth)
        Column of each level and position of its threshold among the column's.
    missing_right : ndarray of shape (n_trees, depth)
        Whether a missing cell counts as above the threshold.
    values : ndarray of shape (n_outputs, n_trees, 2**depth)
        Bit l of a leaf's number says whether level l is above its threshold.
    """
    n_trees, depth = columns.shape
    tree = np.repeat(np.arange(n_trees), depth)
    weight = np.tile((1 << np.arange(depth)).astype(np.uint8), n_trees)
    flat_columns = columns.ravel()
    used, tables = [], []
    for j, n_codes in enumerate(codes.n_codes):
        splits = np.flatnonzero(flat_columns == j)
        if not len(splits):
            continue
        above = _above(n_codes, positions.ravel()[splits], missing_right.ravel()[splits])
        table = np.zeros((n_codes, n_trees), dtype=np.uint8)
        trees, first = np.unique(tree[splits], return_index=True)
        table[:, trees] = np.bitwise_or.reduceat(above * weight[splits], first, axis=1)
        used.append(j)
        tables.append(table)
    return TabulatedTrees(codes, tuple(used), tuple(tables), 0, 0, values)


def tabulate_nodes(
    codes: ColumnCodes,
    tree: np.ndarray,
    columns: np.ndarray,
    positions: np.ndarray,
    missing_right: np.ndarray,
    left_leaves: np.ndarray,
    right_leaves: np.ndarray,
    values: np.ndarray,
) -> TabulatedTrees:
    """Tabulate trees of any shape with at most `MAX_LEAVES` leaves.

    Each split rules out the leaves on its other side; exactly one leaf is left by all splits.

    Parameters
    ----------
    codes : ColumnCodes
    tree, columns, positions, missing_right : ndarray of shape (n_splits,)
        Of each inner node; `tree` ascending.
    left_leaves, right_leaves : ndarray of shape (n_splits,), uint64
        Bit sets of the leaves under a node's children.
    values : ndarray of shape (n_outputs, n_trees, n_leaves)
    """
    n_outputs, n_trees, n_leaves = values.shape
    size = next(size for size in _WORDS if n_leaves <= size)
    word, sequence, shift = _WORDS[size]
    used, tables = [], []
    for j, n_codes in enumerate(codes.n_codes):
        splits = np.flatnonzero(columns == j)
        if not len(splits):
            continue
        above = _above(n_codes, positions[splits], missing_right[splits])
        ruled_out = np.where(above, left_leaves[splits], right_leaves[splits])
        table = np.full((n_codes, n_trees), np.iinfo(word).max, dtype=word)
        trees, first = np.unique(tree[splits], return_index=True)
        table[:, trees] = np.bitwise_and.reduceat(~ruled_out, first, axis=1).astype(word)
        used.append(j)
        tables.append(table)
    order = np.array([(((1 << leaf) * sequence) % (1 << size)) >> shift for leaf in range(size)])
    ordered = np.zeros((n_outputs, n_trees, size))
    ordered[:, :, order[:n_leaves]] = values
    if tables:
        # The words start from the leaves that a tree has; without a split it has number 0 only.
        present = np.ones(n_trees, dtype=np.uint64)
        np.bitwise_or.at(present, tree, left_leaves | right_leaves)
        tables[0] &= present.astype(word)
    return TabulatedTrees(codes, tuple(used), tuple(tables), sequence, shift, ordered)


def _above(n_codes: int, positions: np.ndarray, missing_right: np.ndarray) -> np.ndarray:
    """Whether each code of a column lies above each threshold: (n_codes, n_splits)."""
    above = np.arange(n_codes)[:, None] > positions
    above[-1] = missing_right
    return above
