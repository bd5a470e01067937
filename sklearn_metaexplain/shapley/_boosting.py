"""The loop that grows boosted oblivious trees, compiled."""

from __future__ import annotations

import numpy as np

from sklearn_metaexplain.shapley._compile import compiled


@compiled(error_model="numpy")
def boost(
    codes, n_thresholds, target, kept, offset, depth, n_trees, learning_rate, l2, column_share, rng
):
    """Grow the trees of one target.

    Parameters
    ----------
    codes : ndarray of int16 of shape (n_rows, n_columns)
        Bins.
    n_thresholds : ndarray of int of shape (n_columns,)
        Thresholds that split anything, the first ones; codes are at most so large.
    target : ndarray of float32 of shape (n_rows,)
        What to fit.
    kept : ndarray of bool of shape (n_rows,)
        Rows that count.
    offset : float32
        Where boosting starts.
    depth, n_trees : int
    learning_rate, l2 : float32
    column_share : float
        Share of the columns, of those that split anything, that a level may split; rounded up.
    rng : Generator
        Source of what each level draws.

    Returns
    -------
    columns, thresholds : ndarray of int64 of shape (n_trees, depth)
    leaf_values : ndarray of float32 of shape (n_trees, 2**depth)
    fitted : ndarray of float32 of shape (n_rows,)
        Predictions of all rows, also of those left out.
    """
    n_rows = len(codes)
    # Where nothing splits, the first threshold does not either.
    columns = np.zeros((n_trees, depth), np.int64)
    thresholds = np.zeros((n_trees, depth), np.int64)
    leaf_values = np.zeros((n_trees, 1 << depth), np.float32)
    # Rows that count come first, and columns one at a time, whose sums then stay in cache.
    order = np.concatenate((np.flatnonzero(kept), np.flatnonzero(~kept)))
    n_kept = kept.sum()
    by_column, goal = np.ascontiguousarray(codes[order].T), target[order]
    told = np.full(n_rows, offset, np.float32)
    residual = np.empty(n_kept, np.float32)
    leaf = np.empty(n_rows, np.int64)
    tried = np.flatnonzero(n_thresholds > 0)
    n_tried = int(np.ceil(column_share * len(tried)))
    # Sums of residuals and numbers of rows, bin by bin of all leaves, and of whole leaves.
    n_cells = (n_thresholds.max() + 1) << (depth - 1)
    sums, masses = np.empty(n_cells, np.float32), np.empty(n_cells, np.float32)
    total, mass = np.empty(1 << depth, np.float32), np.empty(1 << depth, np.float32)
    left = np.empty((2, 1 << (depth - 1)), np.float32)
    gain = np.empty(n_thresholds.max(), np.float32)
    for tree in range(n_trees):
        for i in range(n_kept):
            residual[i] = goal[i] - told[i]
        leaf[:] = 0
        _sum_leaves(leaf, residual, total, mass)
        for level in range(depth):
            n_leaves = 1 << level
            best = np.float32(-1.0)
            for k in range(n_tried):
                if n_tried < len(tried):
                    # A shuffle as far as it is read: a draw without replacement.
                    other = rng.integers(k, len(tried))
                    tried[k], tried[other] = tried[other], tried[k]
                j = tried[k]
                n_cells = (n_thresholds[j] + 1) * n_leaves
                sums[:n_cells] = 0
                masses[:n_cells] = 0
                column_codes = by_column[j]
                for i in range(n_kept):
                    # Not signed: it then is not looked at whether it counts from the end.
                    place = np.uint64((column_codes[i] << level) + leaf[i])
                    sums[place] += residual[i]
                    masses[place] += np.float32(1)
                _find_gains(
                    sums[:n_cells].reshape(-1, n_leaves),
                    masses[:n_cells].reshape(-1, n_leaves),
                    total[:n_leaves],
                    mass[:n_leaves],
                    l2,
                    left,
                    gain,
                )
                for t in range(n_thresholds[j]):
                    if gain[t] > best:
                        best = gain[t]
                        columns[tree, level], thresholds[tree, level] = j, t
            column_codes, threshold = by_column[columns[tree, level]], thresholds[tree, level]
            for i in range(n_rows):
                if column_codes[i] > threshold:
                    leaf[i] |= n_leaves
            _sum_leaves(leaf, residual, total, mass)
        leaf_values[tree] = learning_rate * total / (mass + l2)
        for i in range(n_rows):
            told[i] += leaf_values[tree, leaf[i]]
    fitted = np.empty_like(told)
    fitted[order] = told
    return columns, thresholds, leaf_values, fitted


@compiled()
def _sum_leaves(leaf, residual, total, mass):
    """Residuals and number of the rows in each leaf, written to `total` and `mass`."""
    total[:] = 0
    mass[:] = 0
    for i in range(len(residual)):
        total[leaf[i]] += residual[i]
        mass[leaf[i]] += np.float32(1)


@compiled(error_model="numpy", fastmath={"contract", "nsz", "reassoc"})
def _find_gains(sums, masses, total, mass, l2, left, gain):
    """What splitting all leaves at each threshold explains, written to `gain`.

    Leaf by leaf in the inner loop, which then is one of vector instructions.
    """
    left[:] = 0
    left_sum, left_mass = left[0], left[1]
    for t in range(len(sums) - 1):
        sums_there, masses_there = sums[t], masses[t]
        explained = np.float32(0)
        for leaf in range(len(total)):
            ours = left_sum[leaf] + sums_there[leaf]
            ours_mass = left_mass[leaf] + masses_there[leaf]
            left_sum[leaf], left_mass[leaf] = ours, ours_mass
            other, other_mass = total[leaf] - ours, mass[leaf] - ours_mass + l2
            ours_mass += l2
            # One division for both sides.
            both = ours * ours * other_mass + other * other * ours_mass
            explained += both / (ours_mass * other_mass)
        gain[t] = explained
