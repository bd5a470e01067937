"""Leaves and tables of oblivious trees, compiled."""

from __future__ import annotations

import numpy as np

from sklearn_metaexplain.shapley._compile import compiled


@compiled(inline="always")
def _leaf(code, columns, thresholds):
    # Bit l says on which side of the split of level l the row is.
    leaf = 0
    for level in range(len(columns)):
        if code[columns[level]] > thresholds[level]:
            leaf |= 1 << level
    return leaf


@compiled()
def find_leaves(codes, columns, thresholds):
    """Leaf of every row in every tree, (n_trees, n_rows); parameters as of `look_up`."""
    leaves = np.empty((len(columns), len(codes)), np.int64)
    for tree in range(len(columns)):
        for row in range(len(codes)):
            leaves[tree, row] = _leaf(codes[row], columns[tree], thresholds[tree])
    return leaves


@compiled()
def expected_leaves(values, share):
    """Mean leaf value with the levels S from leaf x, over the background.

    Bits of a background leaf at the levels S do not matter, so they are summed out first: 4**D
    products a tree instead of 8**D.

    Parameters
    ----------
    values, share : ndarray of shape (n_trees, 2**depth)
        Leaf values, and the shares of the background in the leaves.

    Returns
    -------
    ndarray of shape (n_trees, 2**depth, 2**depth)
        By leaf x and by the set of levels, as bits.
    """
    n_trees, n_leaves = values.shape
    out = np.empty((n_trees, n_leaves, n_leaves))
    weight = np.empty(n_leaves)
    mean = np.empty(n_leaves)
    for tree in range(n_trees):
        for levels in range(n_leaves):
            others = (n_leaves - 1) & ~levels
            weight[:] = 0.0
            for leaf in range(n_leaves):
                weight[leaf & others] += share[tree, leaf]
            # Every subset of a set of bits, down to the empty one.
            inside = levels
            while True:
                total = 0.0
                outside = others
                while True:
                    total += values[tree, inside | outside] * weight[outside]
                    if outside == 0:
                        break
                    outside = (outside - 1) & others
                mean[inside] = total
                if inside == 0:
                    break
                inside = (inside - 1) & levels
            for leaf in range(n_leaves):
                out[tree, leaf, levels] = mean[leaf & levels]
    return out


@compiled()
def look_up(codes, columns, thresholds, players, table, n_players):
    """Add up the tables of oblivious trees at the leaves of rows.

    Parameters
    ----------
    codes : ndarray of int of shape (n_rows, n_columns)
        Bins.
    columns, thresholds : ndarray of int of shape (n_trees, depth)
        Splits.
    players : ndarray of int of shape (n_trees, depth)
        The player of each split.
    table : ndarray of shape (n_trees, 2**depth, depth)
        What a leaf adds to the player of each split.
    n_players : int
        Number of players.

    Returns
    -------
    ndarray of shape (n_rows, n_players)
    """
    n_trees, depth = columns.shape
    out = np.zeros((len(codes), n_players))
    # Tree by tree, so that a table stays in cache for all rows.
    for tree in range(n_trees):
        for row in range(len(codes)):
            leaf = _leaf(codes[row], columns[tree], thresholds[tree])
            for level in range(depth):
                out[row, players[tree, level]] += table[tree, leaf, level]
    return out
