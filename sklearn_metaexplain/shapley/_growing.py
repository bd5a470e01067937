"""The loop that grows boosted trees leaf by leaf, compiled."""

from __future__ import annotations

import numpy as np

from sklearn_metaexplain.shapley._compile import compiled


@compiled(error_model="numpy")
def grow(
    codes,
    n_thresholds,
    players,
    target,
    kept,
    offset,
    most_leaves,
    least_rows,
    most_players,
    n_trees,
    learning_rate,
    l2,
    column_share,
    rng,
):
    """Grow the trees of one target.

    Parameters
    ----------
    codes : ndarray of int16 of shape (n_rows, n_columns)
        Bins.
    n_thresholds : ndarray of int of shape (n_columns,)
        Thresholds that split anything, the first ones; codes are at most so large.
    players : ndarray of int of shape (n_columns,)
        The player of each column.
    target : ndarray of float32 of shape (n_rows,)
        What to fit.
    kept : ndarray of bool of shape (n_rows,)
        Rows that count.
    offset : float32
        Where boosting starts.
    most_leaves, least_rows : int
        Leaves of a tree, at most, and rows of each, at least.
    most_players : int
        Different players on the path to a leaf, at most.
    n_trees : int
    learning_rate, l2 : float32
    column_share : float
        Share of the columns, of those that split anything, that may split a leaf; rounded up.
    rng : Generator
        Source of what each leaf draws.

    Returns
    -------
    splits : ndarray of int64 of shape (n_trees, most_leaves - 1, 4)
        Nodes of each tree, the root first: column, threshold, and the nodes on the left, up to
        the threshold, and on the right. Below 0 it is a leaf, -1 the first. A column of -1 is
        that of a node that is not there.
    leaf_values : ndarray of float32 of shape (n_trees, most_leaves)
    fitted : ndarray of float32 of shape (n_rows,)
        Predictions of all rows, also of those left out.
    """
    n_rows, n_columns = codes.shape
    splits = np.full((n_trees, most_leaves - 1, 4), -1, np.int64)
    leaf_values = np.zeros((n_trees, most_leaves), np.float32)
    by_column = np.ascontiguousarray(codes.T)
    tried = np.flatnonzero(n_thresholds > 0)
    n_tried = int(np.ceil(column_share * len(tried)))
    # Of each leaf: residuals and numbers of rows, bin by bin.
    n_bins = n_thresholds.max() + 1
    sums = np.empty((most_leaves, n_columns, n_bins), np.float32)
    masses = np.empty((most_leaves, n_columns, n_bins), np.float32)
    # Its best split, and what that explains.
    best, gains = np.empty((most_leaves, 2), np.int64), np.empty(most_leaves, np.float32)
    # Players on the path to it, and the node and side that it hangs from.
    path, n_path = np.empty((most_leaves, most_players), np.int64), np.zeros(most_leaves, np.int64)
    above = np.empty((most_leaves, 2), np.int64)
    # Where its rows are in `order`.
    all_kept = np.flatnonzero(kept)
    order, spare = np.empty_like(all_kept), np.empty_like(all_kept)
    start, stop = np.empty(most_leaves, np.int64), np.empty(most_leaves, np.int64)
    # Leaves of which it is not known yet.
    changed = np.empty(2, np.int64)
    residual = np.empty(n_rows, np.float32)
    told = np.full(n_rows, offset, np.float32)
    for tree in range(n_trees):
        for i in range(n_rows):
            residual[i] = target[i] - told[i]
        for k in range(len(all_kept)):
            order[k] = all_kept[k]
        start[0], stop[0], n_path[0] = 0, len(order), 0
        _sum_bins(by_column, tried, n_thresholds, order, residual, sums[0], masses[0])
        n_leaves, changed[0], n_changed = 1, 0, 1
        while True:
            for each in changed[:n_changed]:
                rows = order[start[each] : stop[each]]
                gains[each] = _find_best(
                    sums[each],
                    masses[each],
                    n_thresholds,
                    players,
                    path[each, : n_path[each]],
                    _sum(residual, rows),
                    np.float32(len(rows)),
                    tried,
                    n_tried,
                    least_rows,
                    most_players,
                    l2,
                    rng,
                    best[each],
                )
            leaf, new = int(gains[:n_leaves].argmax()), n_leaves
            if n_leaves == most_leaves or not gains[leaf] > 0:
                break
            node = n_leaves - 1
            column, threshold = best[leaf, 0], best[leaf, 1]
            splits[tree, node, 0], splits[tree, node, 1] = column, threshold
            if node > 0:
                splits[tree, above[leaf, 0], above[leaf, 1]] = node
            above[leaf, 0], above[leaf, 1] = node, 2
            above[new, 0], above[new, 1] = node, 3
            middle = _part(by_column[column], threshold, order, spare, start[leaf], stop[leaf])
            start[new], stop[new], stop[leaf] = middle, stop[leaf], middle
            n_path[leaf] = _walk(path[leaf], n_path[leaf], players[column])
            n_path[new] = n_path[leaf]
            for k in range(n_path[leaf]):
                path[new, k] = path[leaf, k]
            # The bins of the smaller part are counted; those of the other are what is left.
            small, large = leaf, new
            if stop[new] - start[new] < stop[leaf] - start[leaf]:
                small, large = new, leaf
            else:
                for j in tried:
                    for t in range(n_thresholds[j] + 1):
                        sums[new, j, t], masses[new, j, t] = sums[leaf, j, t], masses[leaf, j, t]
            rows = order[start[small] : stop[small]]
            _sum_bins(by_column, tried, n_thresholds, rows, residual, sums[small], masses[small])
            for j in tried:
                for t in range(n_thresholds[j] + 1):
                    sums[large, j, t] -= sums[small, j, t]
                    masses[large, j, t] -= masses[small, j, t]
            n_leaves += 1
            changed[0], changed[1], n_changed = leaf, new, 2
        for leaf in range(n_leaves):
            if n_leaves > 1:
                splits[tree, above[leaf, 0], above[leaf, 1]] = -1 - leaf
            rows = order[start[leaf] : stop[leaf]]
            value = learning_rate * _sum(residual, rows) / (np.float32(len(rows)) + l2)
            leaf_values[tree, leaf] = value
            for i in rows:
                told[i] += value
        for i in range(n_rows):
            if not kept[i]:
                told[i] += leaf_values[tree, _find_leaf(codes[i], splits[tree])]
    return splits, leaf_values, told


@compiled(inline="always")
def _find_leaf(code, splits):
    """Number of the leaf that a coded row is in."""
    node = 0 if splits[0, 0] >= 0 else -1
    while node >= 0:
        node = splits[node, 3 if code[splits[node, 0]] > splits[node, 1] else 2]
    return -1 - node


@compiled()
def predict(codes, splits, leaf_values):
    """Sums of the leaves that rows are in.

    Parameters
    ----------
    codes : ndarray of int16 of shape (n_rows, n_columns)
    splits, leaf_values : ndarray
        Of `grow`.

    Returns
    -------
    ndarray of shape (n_rows,)
    """
    told = np.zeros(len(codes))
    for tree in range(len(splits)):
        for row in range(len(codes)):
            told[row] += leaf_values[tree, _find_leaf(codes[row], splits[tree])]
    return told


@compiled()
def _sum(residual, rows):
    total = np.float32(0)
    for i in rows:
        total += residual[i]
    return total


@compiled()
def _sum_bins(by_column, tried, n_thresholds, rows, residual, sums, masses):
    """Residuals and number of rows in each bin, written to `sums` and `masses`."""
    for j in tried:
        sums[j, : n_thresholds[j] + 1] = 0
        masses[j, : n_thresholds[j] + 1] = 0
        column = by_column[j]
        for i in rows:
            # Not signed: it then is not looked at whether it counts from the end.
            bin_ = np.uint64(column[i])
            sums[j, bin_] += residual[i]
            masses[j, bin_] += np.float32(1)


@compiled()
def _part(column, threshold, order, spare, start, stop):
    """Rows up to the threshold come first, either part in its order; where the other begins."""
    middle, n_right = start, 0
    for k in range(start, stop):
        row = order[k]
        if column[row] > threshold:
            spare[n_right] = row
            n_right += 1
        else:
            order[middle] = row
            middle += 1
    for k in range(n_right):
        order[middle + k] = spare[k]
    return middle


@compiled()
def _walk(path, n_path, player):
    """Add a player to those on a path, once; how many they are then."""
    for k in range(n_path):
        if path[k] == player:
            return n_path
    path[n_path] = player
    return n_path + 1


@compiled(error_model="numpy")
def _find_best(
    sums,
    masses,
    n_thresholds,
    players,
    path,
    total,
    mass,
    tried,
    n_tried,
    least_rows,
    most_players,
    l2,
    rng,
    best,
):
    """What the best split of a leaf explains, which is written to `best`; 0 where none does."""
    most = np.float32(0)
    if mass < 2 * least_rows:
        return most
    whole = total * total / (mass + l2)
    for k in range(n_tried):
        if n_tried < len(tried):
            # A shuffle as far as it is read: a draw without replacement.
            other = rng.integers(k, len(tried))
            tried[k], tried[other] = tried[other], tried[k]
        j = tried[k]
        if len(path) == most_players and not (path == players[j]).any():
            continue
        left, left_mass = np.float32(0), np.float32(0)
        for t in range(n_thresholds[j]):
            left += sums[j, t]
            left_mass += masses[j, t]
            right, right_mass = total - left, mass - left_mass
            if left_mass < least_rows:
                continue
            if right_mass < least_rows:
                break
            gain = left * left / (left_mass + l2) + right * right / (right_mass + l2) - whole
            if gain > most:
                most = gain
                best[0], best[1] = j, t
    return most
