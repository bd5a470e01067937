"""The loop that grows boosted oblivious trees, compiled."""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(nogil=True, cache=True, error_model="numpy")
def boost(codes, usable, target, weight, offset, depth, n_trees, learning_rate, l2):
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
    # Sums of weighted residuals and of weights of each bin.
    sums = np.empty((1 << (depth - 1), n_columns, n_thresholds + 1, 2), np.float32)
    gain = np.empty((n_columns, n_thresholds), np.float32)
    for tree in range(n_trees):
        for i in range(n_rows):
            residual[i] = weight[i] * (target[i] - fitted[i])
            leaf[i] = 0
        for level in range(depth):
            n_leaves = 1 << level
            sums[:n_leaves] = 0
            for i in range(n_rows):
                if weight[i] > 0:
                    for j in range(n_columns):
                        sums[leaf[i], j, codes[i, j], 0] += residual[i]
                        sums[leaf[i], j, codes[i, j], 1] += weight[i]
            gain[:] = 0
            for part in range(n_leaves):
                for j in range(n_columns):
                    _add_gain(sums[part, j], l2, gain[j])
            best = np.float32(-1.0)
            for j in range(n_columns):
                for t in range(n_thresholds):
                    if usable[j, t] and gain[j, t] > best:
                        best = gain[j, t]
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
def _add_gain(sums, l2, gain):
    # What splitting a leaf at each threshold explains.
    all_residual, all_weight = np.float32(0.0), np.float32(0.0)
    for t in range(len(sums)):
        all_residual += sums[t, 0]
        all_weight += sums[t, 1]
    if all_weight == 0:
        return
    left, left_weight = np.float32(0.0), np.float32(0.0)
    for t in range(len(gain)):
        left += sums[t, 0]
        left_weight += sums[t, 1]
        right = all_residual - left
        gain[t] += left * left / (left_weight + l2)
        gain[t] += right * right / (all_weight - left_weight + l2)
