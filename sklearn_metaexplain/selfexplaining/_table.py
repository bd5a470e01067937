"""Columns of a table and the encoded columns that come from them."""

from __future__ import annotations

import numpy as np


def add_up_columns(parts: np.ndarray, source: np.ndarray, n_features: int) -> np.ndarray:
    """Sum what encoded columns say over the columns they come from.

    Parameters
    ----------
    parts : ndarray of shape (n_samples, n_encoded, ...)
        One number for each encoded column.
    source : ndarray of shape (n_encoded,)
        Column of each.
    n_features : int
        Number of columns.

    Returns
    -------
    sums : ndarray of shape (n_samples, n_features, ...)
        Zero for columns that nothing comes from.
    """
    sums = np.zeros((len(parts), n_features, *parts.shape[2:]))
    for encoded, column in enumerate(source):
        sums[:, column] += parts[:, encoded]
    return sums
