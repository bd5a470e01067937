"""Shapley values of trees, tabulated leaf by leaf, compiled."""

from __future__ import annotations

import numpy as np

from sklearn_metaexplain.shapley._compile import compiled
from sklearn_metaexplain.shapley._weights import shapley_matrix

#: Players on a path are bits of a byte.
MOST_PLAYERS = 8


def tabulate(by_column, paths, leaf_values):
    """Tabulate what each leaf gives to the players on its path.

    A hybrid is in the leaf if of all players inside the coalition the explained row meets the
    conditions, and of all others the background row does. So what matters of the explained row is
    of which players it meets them, and of the background how many rows do for each set of
    players.

    Parameters
    ----------
    by_column : ndarray of int16 of shape (n_columns, n_background)
        Bins of the background.
    paths : tuple of ndarray
        Of `read_paths`.
    leaf_values : ndarray of shape (n_trees, most_leaves)

    Returns
    -------
    starts : ndarray of int64 of shape (n_leaves + 1,)
        Where each leaf's table begins.
    tables : ndarray of shape (n_entries,)
        For each leaf one of shape (n_players, 2**n_players): by whose value it is, and of whom
        conditions are missed, as bits.

    References
    ----------
    Nadel and Wettenstein, From decision trees to Boolean logic: a fast and unified SHAP algorithm,
    2026.
    """
    first_condition, conditions, first_player, _ = paths
    n_players = np.diff(first_player)
    starts = np.concatenate([[0], np.cumsum(n_players << n_players)])
    tables = np.zeros(starts[-1])
    values = leaf_values.ravel()
    for n in np.unique(n_players[n_players > 0]).tolist():
        leaves = np.flatnonzero(n_players == n)
        _fill(
            leaves,
            by_column,
            first_condition,
            conditions,
            values,
            starts,
            shapley_matrix(n),
            tables,
        )
    return starts, tables


@compiled()
def _fill(leaves, by_column, first_condition, conditions, values, starts, weights, tables):
    """Tables of leaves with as many players; `weights` as of `shapley_matrix`."""
    n_background = by_column.shape[1]
    n_players = weights.shape[1]
    everyone = (1 << n_players) - 1
    missed_by = np.empty(n_background, np.uint8)
    count = np.empty(1 << n_players)
    for leaf in leaves:
        _find_missed(
            by_column, conditions, first_condition[leaf], first_condition[leaf + 1], missed_by
        )
        # Of how many background rows at least the players of a set meet their conditions.
        count[:] = 0
        for row in range(n_background):
            count[everyone & ~missed_by[row]] += 1
        for player in range(n_players):
            for coalition in range(1 << n_players):
                if not coalition >> player & 1:
                    count[coalition] += count[coalition | 1 << player]
        table = tables[starts[leaf] : starts[leaf + 1]].reshape(n_players, 1 << n_players)
        for missed in range(1 << n_players):
            # Coalitions of players of whom the row meets them; others are worth nothing.
            met = everyone & ~missed
            coalition = met
            while True:
                worth = values[leaf] / n_background * count[everyone & ~coalition]
                for player in range(n_players):
                    table[player, missed] += weights[coalition, player] * worth
                if coalition == 0:
                    break
                coalition = (coalition - 1) & met


@compiled(inline="always")
def _find_missed(by_column, conditions, first, stop, missed):
    """Of which players rows miss a condition, as bits, written to `missed`."""
    for row in range(len(missed)):
        missed[row] = 0
    for k in range(first, stop):
        column = conditions[k, 0]
        # As wide as codes, so that many are compared at once.
        low, high = np.int16(conditions[k, 1]), np.int16(conditions[k, 2])
        bit = np.uint8(1 << conditions[k, 3])
        for row in range(len(missed)):
            code = by_column[column, row]
            missed[row] |= np.uint8(0) if (code >= low) & (code <= high) else bit


@compiled()
def look_up(by_column, first_condition, conditions, first_player, players, starts, tables, n_all):
    """Add up the leaves' tables.

    Parameters
    ----------
    by_column : ndarray of int16 of shape (n_columns, n_rows)
        Bins of the explained rows.
    first_condition, conditions, first_player, players : ndarray
        Of `read_paths`.
    starts, tables : ndarray
        Of `tabulate`.
    n_all : int
        Number of players of the game.

    Returns
    -------
    ndarray of shape (n_all, n_rows)
    """
    n_rows = by_column.shape[1]
    missed = np.empty(n_rows, np.uint8)
    values = np.zeros((n_all, n_rows))
    for leaf in range(len(starts) - 1):
        first = first_player[leaf]
        n_players = first_player[leaf + 1] - first
        if n_players == 0:
            continue
        _find_missed(
            by_column, conditions, first_condition[leaf], first_condition[leaf + 1], missed
        )
        # Player by player, so that what is added up stays in cache.
        for k in range(n_players):
            begin, player = np.uint64(starts[leaf] + (k << n_players)), players[first + k]
            for row in range(n_rows):
                values[player, row] += tables[begin + np.uint64(missed[row])]
    return values
