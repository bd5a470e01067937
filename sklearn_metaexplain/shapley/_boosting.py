"""The loop that grows boosted oblivious trees, compiled."""

from __future__ import annotations

import numba
import numpy as np

# Leaves whose gains are found together.
_TOGETHER = 4


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
    own_first = np.empty(len(used), np.int64)  # the first of its leaf's bins
    n_usable = np.zeros(n_columns, np.int64)
    for j in range(n_columns):
        for t in range(n_thresholds):
            if usable[j, t]:
                n_usable[j] = t + 1
        # Codes beyond the last threshold that is used share its right side.
        own_codes[j] = np.minimum(own_codes[j], n_usable[j])
    tried = np.flatnonzero(n_usable > 0)
    n_tried = int(np.ceil(column_share * len(tried)))
    # Sums of weighted residuals and of weights of each bin.
    sums = np.empty((max(1 << (depth - 1), _TOGETHER), n_thresholds + 1, 2), np.float32)
    of_bins = sums.reshape(-1, 2)
    left = np.empty((2, _TOGETHER, n_thresholds + 1), np.float32)
    gain = np.empty(n_thresholds, np.float32)
    for tree in range(n_trees):
        for i in range(n_rows):
            residual[i] = weight[i] * (target[i] - fitted[i])
            leaf[i] = 0
        own_residual[:] = residual[used]
        for level in range(depth):
            n_leaves = 1 << level
            for i in range(len(used)):
                own_first[i] = leaf[used[i]] * sums.shape[1]
            best = np.float32(-1.0)
            for k in range(n_tried):
                if n_tried < len(tried):
                    # A shuffle as far as it is read: a draw without replacement.
                    other = rng.integers(k, len(tried))
                    tried[k], tried[other] = tried[other], tried[k]
                j = tried[k]
                n_bins = n_usable[j] + 1
                sums[: max(n_leaves, _TOGETHER), :n_bins] = 0
                column_codes = own_codes[j]
                for i in range(len(used)):
                    # Not signed: it then is not looked at whether it counts from the end.
                    place = np.uint64(own_first[i] + column_codes[i])
                    of_bins[place, 0] += own_residual[i]
                    of_bins[place, 1] += own_weight[i]
                gain[:] = 0
                for part in range(0, n_leaves, _TOGETHER):
                    _add_gains(sums[part : part + _TOGETHER, :n_bins], l2, left, gain)
                for t in range(n_bins - 1):
                    if usable[j, t] and gain[t] > best:
                        best = gain[t]
                        columns[tree, level], thresholds[tree, level] = j, t
            column, threshold = columns[tree, level], thresholds[tree, level]
            for i in range(n_rows):
                if codes[i, column] > threshold:
                    leaf[i] |= n_leaves
        total = np.zeros(1 << depth, np.float32)
        mass = np.zeros(1 << depth, np.float32)
        for i in range(n_rows):
            total[leaf[i]] += residual[i]
            mass[leaf[i]] += weight[i]
        for part in range(1 << depth):
            leaf_values[tree, part] = learning_rate * total[part] / (mass[part] + l2)
        for i in range(n_rows):
            fitted[i] += leaf_values[tree, leaf[i]]
    return columns, thresholds, leaf_values, fitted


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _add_gains(sums, l2, left, gain):
    # What splitting each of four leaves at each threshold explains. Their running sums do not
    # wait for one another.
    n_bins = sums.shape[1]
    residual0 = residual1 = residual2 = residual3 = np.float32(0.0)
    weight0 = weight1 = weight2 = weight3 = np.float32(0.0)
    for t in range(n_bins):
        residual0 += sums[0, t, 0]
        residual1 += sums[1, t, 0]
        residual2 += sums[2, t, 0]
        residual3 += sums[3, t, 0]
        weight0 += sums[0, t, 1]
        weight1 += sums[1, t, 1]
        weight2 += sums[2, t, 1]
        weight3 += sums[3, t, 1]
        left[0, 0, t], left[1, 0, t] = residual0, weight0
        left[0, 1, t], left[1, 1, t] = residual1, weight1
        left[0, 2, t], left[1, 2, t] = residual2, weight2
        left[0, 3, t], left[1, 3, t] = residual3, weight3
    for part in range(_TOGETHER):
        residual, weight = left[0, part], left[1, part]
        all_residual, all_weight = residual[n_bins - 1], weight[n_bins - 1]
        if all_weight > 0:
            for t in range(n_bins - 1):
                right = all_residual - residual[t]
                gain[t] += residual[t] * residual[t] / (weight[t] + l2)
                gain[t] += right * right / (all_weight - weight[t] + l2)
