"""Which features come first."""

from __future__ import annotations

import numpy as np
from scipy.stats import rankdata

from sklearn_metaexplain._arrays import unit_of

__all__ = ["check_k", "pearson", "rank_features", "spearman", "to_ties", "top_membership"]

# Neighbouring sizes that differ by at most this part of their row's largest are equal but for
# rounding.
_TIED = 1e-12


def rank_features(values: np.ndarray, random: np.random.RandomState) -> np.ndarray:
    """Rank features from the largest value to the smallest.

    Parameters
    ----------
    values : ndarray of shape (n_samples, n_features)
        What features are ranked by.
    random : RandomState
        Ranks equal values at random, so that nothing is gained by the order of columns.

    Returns
    -------
    ranks : ndarray of int of shape (n_samples, n_features)
        Of each feature, 0 is the largest.
    """
    order = np.lexsort((random.random_sample(values.shape), -values), axis=1)
    return order.argsort(axis=1)


def to_ties(sizes: np.ndarray) -> np.ndarray:
    """Make whole numbers of sizes that are in the same order, equal where rounding alone differs.

    Parameters
    ----------
    sizes : ndarray of shape (n_samples, n_features)
        What features are ranked by, not negative.

    Returns
    -------
    ties : ndarray of int of shape (n_samples, n_features)
        0 for the smallest of a row. Sizes between which there are only small gaps are one.
    """
    order = sizes.argsort(axis=1)
    ordered = np.take_along_axis(sizes, order, axis=1)
    are_apart = np.diff(ordered, axis=1, prepend=ordered[:, :1]) > _TIED * ordered[:, -1:]
    ties = np.empty_like(order)
    np.put_along_axis(ties, order, are_apart.cumsum(axis=1), axis=1)
    return ties


def top_membership(sizes: np.ndarray, k: int) -> np.ndarray:
    """Share of each feature's membership in the k largest.

    Parameters
    ----------
    sizes : ndarray of shape (n_samples, n_features)
        What features are ranked by.
    k : int
        Number of members, at most n_features.

    Returns
    -------
    membership : ndarray of shape (n_samples, n_features)
        1 inside, 0 outside; features that are equal at the border share the places that are left.
        Rows sum to k.
    """
    sizes = to_ties(sizes)
    border = -np.partition(-sizes, k - 1, axis=1)[:, k - 1 : k]
    inside, at_border = sizes > border, sizes == border
    left = k - inside.sum(axis=1, keepdims=True)
    return inside + at_border * (left / at_border.sum(axis=1, keepdims=True))


def check_k(k: int, n_features: int) -> int:
    """Check that there are k features."""
    if k > n_features:
        raise ValueError(
            f"k={k}, but there are {n_features} features; pass k={n_features} or less."
        )
    return k


def spearman(truth: np.ndarray, judged: np.ndarray) -> np.ndarray:
    """Spearman's rank correlation of each row.

    Parameters
    ----------
    truth, judged : ndarray of shape (n_samples, n_features)
        Sizes, not negative.

    Returns
    -------
    correlations : ndarray of shape (n_samples,)
        0 where `judged` is constant, NaN where `truth` is.
    """
    truth, judged = to_ties(truth), to_ties(judged)
    correlations = pearson(rankdata(truth, axis=1), rankdata(judged, axis=1))
    return np.where(np.ptp(truth, axis=1) > 0, correlations, np.nan)


def pearson(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Pearson's correlation over the second axis; 0 where one side is constant."""
    # Products of the smallest and largest numbers there are would be none.
    left, right = left / unit_of(left), right / unit_of(right)
    vary = (np.ptp(left, axis=1) > 0) & (np.ptp(right, axis=1) > 0)
    left = left - left.mean(axis=1, keepdims=True)
    right = right - right.mean(axis=1, keepdims=True)
    sizes = np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)
    correlations = (left * right).sum(axis=1) / np.where(sizes > 0, sizes, 1.0)
    return np.where(vary, np.clip(correlations, -1.0, 1.0), 0.0)
