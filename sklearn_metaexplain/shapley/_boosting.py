"""The loop that grows boosted oblivious trees, compiled."""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(nogil=True, cache=True, error_model="numpy")
def boost(
    codes, usable, target, weight, offset, depth, n_trees, learning_rate, l2, column_share, rng
):
    """Grow the trees of one target.

    Parameters
    ----------
    codes : ndarray of int16 of shape (n_rows, n_columns)
        Bins.
    usable : ndarray of bool of shape (n_columns, n_bins - 1)
        Thresholds that split anything.
    target, weight : ndarray of float32 of shape (n_rows,)
        What to fit, and the rows' weights; 0 leaves a row out.
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
    n_rows, n_columns = codes.shape
    n_thresholds = usable.shape[1]
    # Where nothing splits, the first threshold does not either.
    columns = np.zeros((n_trees, depth), np.int64)
    thresholds = np.zeros((n_trees, depth), np.int64)
    leaf_values = np.zeros((n_trees, 1 << depth), np.float32)
    fitted = np.full(n_rows, offset, np.float32)
    residual = np.empty(n_rows, np.float32)
    leaf = np.empty(n_rows, np.int64)
    # One column at a time, whose sums then stay in cache, and rows that count only.
    used = np.flatnonzero(weight > 0)
    own_codes = np.ascontiguousarray(codes[used].T)
    own_weight = weight[used]
    own_residual = np.empty(len(used), np.float32)
    own_leaf = np.empty(len(used), np.int64)
    n_usable = np.zeros(n_columns, np.int64)
    for j in range(n_columns):
        for t in range(n_thresholds):
            if usable[j, t]:
                n_usable[j] = t + 1
        # Codes beyond the last threshold that is used share its right side.
        own_codes[j] = np.minimum(own_codes[j], n_usable[j])
    tried = np.flatnonzero(n_usable > 0)
    n_tried = int(np.ceil(column_share * len(tried)))
    # Sums of weighted residuals and of weights, bin by bin of all leaves, and what is left of a
    # threshold.
    n_cells = (n_thresholds + 1) << (depth - 1)
    sums, masses = np.empty(n_cells, np.float32), np.empty(n_cells, np.float32)
    total, mass = np.empty(1 << depth, np.float32), np.empty(1 << depth, np.float32)
    left = np.empty((2, 1 << (depth - 1)), np.float32)
    gain = np.empty(n_thresholds, np.float32)
    for tree in range(n_trees):
        for i in range(n_rows):
            residual[i] = weight[i] * (target[i] - fitted[i])
            leaf[i] = 0
        own_residual[:] = residual[used]
        for level in range(depth):
            n_leaves = 1 << level
            own_leaf[:] = leaf[used]
            total[:n_leaves] = 0
            mass[:n_leaves] = 0
            for i in range(len(used)):
                total[own_leaf[i]] += own_residual[i]
                mass[own_leaf[i]] += own_weight[i]
            best = np.float32(-1.0)
            for k in range(n_tried):
                if n_tried < len(tried):
                    # A shuffle as far as it is read: a draw without replacement.
                    other = rng.integers(k, len(tried))
                    tried[k], tried[other] = tried[other], tried[k]
                j = tried[k]
                n_cells = (n_usable[j] + 1) * n_leaves
                sums[:n_cells] = 0
                masses[:n_cells] = 0
                column_codes = own_codes[j]
                for i in range(len(used)):
                    # Not signed: it then is not looked at whether it counts from the end.
                    place = np.uint64((column_codes[i] << level) + own_leaf[i])
                    sums[place] += own_residual[i]
                    masses[place] += own_weight[i]
                _find_gains(
                    sums[:n_cells].reshape(-1, n_leaves),
                    masses[:n_cells].reshape(-1, n_leaves),
                    total[:n_leaves],
                    mass[:n_leaves],
                    l2,
                    left,
                    gain,
                )
                for t in range(n_usable[j]):
                    if usable[j, t] and gain[t] > best:
                        best = gain[t]
                        columns[tree, level], thresholds[tree, level] = j, t
            column, threshold = columns[tree, level], thresholds[tree, level]
            for i in range(n_rows):
                if codes[i, column] > threshold:
                    leaf[i] |= n_leaves
        total[:] = 0
        mass[:] = 0
        for i in range(n_rows):
            total[leaf[i]] += residual[i]
            mass[leaf[i]] += weight[i]
        for part in range(1 << depth):
            leaf_values[tree, part] = learning_rate * total[part] / (mass[part] + l2)
        for i in range(n_rows):
            fitted[i] += leaf_values[tree, leaf[i]]
    return columns, thresholds, leaf_values, fitted


@numba.njit(nogil=True, cache=True, error_model="numpy", fastmath={"contract", "nsz", "reassoc"})
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
