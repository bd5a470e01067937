"""What must hold of a row for each leaf to be its own, compiled."""

from __future__ import annotations

import numpy as np

from sklearn_metaexplain.shapley._compile import compiled


@compiled()
def read_paths(splits, players):
    """Conditions of all leaves, splits of one column put together.

    Parameters
    ----------
    splits : ndarray of int of shape (n_trees, most_leaves - 1, 4)
        Of `grow`.
    players : ndarray of int of shape (n_columns,)
        The player of each column.

    Returns
    -------
    first_condition : ndarray of int64 of shape (n_trees * most_leaves + 1,)
        Where each leaf's conditions begin and, after the last, where they end.
    conditions : ndarray of int32 of shape (n_conditions, 4)
        Column, least and largest code, and which of the leaf's players that column is of.
    first_player : ndarray of int64 of shape (n_trees * most_leaves + 1,)
        Where its players begin.
    path_players : ndarray of int64 of shape (n_path_players,)
        Players that have conditions.
    """
    n_trees, n_nodes = splits.shape[:2]
    most_leaves = n_nodes + 1
    first_condition = np.zeros(n_trees * most_leaves + 1, np.int64)
    first_player = np.zeros(n_trees * most_leaves + 1, np.int64)
    # A path has no more columns than nodes.
    longest = min(len(players), n_nodes)
    conditions = np.empty((n_trees * most_leaves * longest, 4), np.int32)
    path_players = np.empty(n_trees * most_leaves * longest, np.int64)
    low, high = np.empty(len(players), np.int64), np.empty(len(players), np.int64)
    there = np.empty(len(players), np.int64)
    above_node, above_leaf = np.empty(n_nodes, np.int64), np.empty(most_leaves, np.int64)
    n_conditions, n_players = 0, 0
    for tree in range(n_trees):
        above_leaf[:] = -1
        for node in range(n_nodes):
            if splits[tree, node, 0] >= 0:
                for below in splits[tree, node, 2:]:
                    if below >= 0:
                        above_node[below] = node
                    else:
                        above_leaf[-1 - below] = node
        for leaf in range(most_leaves):
            below, node = -1 - leaf, above_leaf[leaf]
            n_there = 0
            while node >= 0:
                column, threshold = splits[tree, node, 0], splits[tree, node, 1]
                if not (there[:n_there] == column).any():
                    there[n_there] = column
                    n_there += 1
                    low[column], high[column] = 0, np.iinfo(np.int16).max
                if splits[tree, node, 3] == below:
                    low[column] = max(low[column], threshold + 1)
                else:
                    high[column] = min(high[column], threshold)
                below, node = node, above_node[node] if node > 0 else -1
            begin = n_players
            for column in there[:n_there]:
                own = np.flatnonzero(path_players[begin:n_players] == players[column])
                if len(own) == 0:
                    path_players[n_players] = players[column]
                    n_players += 1
                    place = n_players - 1 - begin
                else:
                    place = own[0]
                conditions[n_conditions, 0], conditions[n_conditions, 3] = column, place
                conditions[n_conditions, 1], conditions[n_conditions, 2] = low[column], high[column]
                n_conditions += 1
            first_condition[tree * most_leaves + leaf + 1] = n_conditions
            first_player[tree * most_leaves + leaf + 1] = n_players
    return (
        first_condition,
        conditions[:n_conditions].copy(),
        first_player,
        path_players[:n_players].copy(),
    )
