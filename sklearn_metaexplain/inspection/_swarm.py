"""Points of equal value beside each other, without chance."""

from __future__ import annotations

import numpy as np

__all__ = ["swarm_offsets"]

_BINS = 80


def swarm_offsets(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Spread points across a line where they are dense.

    Parameters
    ----------
    values : ndarray of float of shape (n,)
        Where the points are along the line.
    low, high : float
        Ends of the line.

    Returns
    -------
    offsets : ndarray of float of shape (n,)
        Between -1 and 1, the same for the same values. Points that are alone are at 0; the width
        grows with the share of the points that are near.
    """
    n = len(values)
    offsets = np.zeros(n)
    if n == 0 or high <= low:
        bins = np.zeros(n, dtype=int)
    else:
        bins = np.minimum(((values - low) / (high - low) * _BINS).astype(int), _BINS - 1)
    counts = np.bincount(bins, minlength=1) if n else np.zeros(1, dtype=int)
    # A few points need not be spread over the whole width.
    fullest = max(int(counts.max()), 8)
    # Neighbours in value go to different heights: sorted, points would line up in chevrons.
    mixed = np.arange(n) * 0.6180339887498949 % 1.0
    order = np.lexsort((mixed, bins))
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    rank = np.arange(n) - starts[bins[order]]
    # 0, then alternately above and below.
    step = (rank + 1) // 2 * np.where(rank % 2, 1, -1)
    offsets[order] = step / max(fullest // 2, 1)
    return np.clip(offsets, -1.0, 1.0)
