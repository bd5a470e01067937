"""Similarity and distance of attributions."""

from __future__ import annotations

import numpy as np

from sklearn_metaexplain._arrays import unit_of

__all__ = ["cosine", "relative_distance"]


def cosine(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Cosine similarity over the last axis; 1 where both sides are zero, 0 where one is."""
    # Products of the smallest and largest numbers there are would be none.
    left, right = left / unit_of(left), right / unit_of(right)
    sizes = np.linalg.norm(left, axis=-1), np.linalg.norm(right, axis=-1)
    product = sizes[0] * sizes[1]
    similarity = (left * right).sum(axis=-1) / np.where(product > 0, product, 1.0)
    return np.where(product > 0, similarity, (sizes[0] == sizes[1]).astype(np.float64))


def relative_distance(changed: np.ndarray, own: np.ndarray) -> np.ndarray:
    """Euclidean distance over the last axis, over the norm of `own` where that is not zero."""
    unit = unit_of(changed, own)
    changed, own = changed / unit, own / unit
    size = np.linalg.norm(own, axis=-1)
    return np.linalg.norm(changed - own, axis=-1) / np.where(size > 0, size, 1.0 / unit)
