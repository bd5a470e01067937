"""Where categories are placed, so that those for which a model says much the same are near."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array

from sklearn_metaexplain._numeric_column import CLIP

_SHRINKAGE = 5.0
# What is smaller beside the outputs' spread is rounding.
_ROUNDING = 1e-9
# So that the last digits, which depend on the order of the columns, are the same for all orders.
_DECIMALS = 6
_RIDGE = 5.0


def place_by_outputs(
    codes: np.ndarray,
    deviation: np.ndarray,
    shares: np.ndarray,
    unit: float,
    n_axes: int | None = None,
) -> np.ndarray:
    """Place categories on the principal axes of their mean outputs.

    Parameters
    ----------
    codes : ndarray of int of shape (n_rows,)
        Categories of evaluated rows, -1 where unseen.
    deviation : ndarray of shape (n_rows, n_outputs)
        Outputs of these rows less their mean.
    shares : ndarray of shape (n_categories,)
        Of the training rows; axes are weighted by them.
    unit : float
        Spread of the outputs; what is small beside it is rounding, and gets no second axis.
    n_axes : int or None, default=None
        None: one, or two where outputs tell as much.

    Returns
    -------
    ndarray of shape (n_categories, n_axes, 2)
        Standardised and as ranks.
    """
    means = _shrunken_means(codes, deviation, len(shares))
    scores, spread = _principal_scores(means, shares)
    if n_axes is None:
        n_axes = 1 + int(len(spread) > 1 and len(shares) > 2 and spread[1] > _ROUNDING * unit)
    return _standardise(scores[:, :n_axes], shares, unit)


def place_in_order(order: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Place categories in an order of their own.

    Parameters
    ----------
    order : ndarray of int of shape (n_categories,)
        Place of each category.
    shares : ndarray of shape (n_categories,)
        Of the training rows.

    Returns
    -------
    ndarray of shape (n_categories, 1, 2)
        Standardised and as ranks.
    """
    scores = order - shares @ order
    return _standardise(scores[:, None], shares, 1.0)


def place_by_interactions(
    codes: np.ndarray,
    left: np.ndarray,
    others: np.ndarray,
    shares: np.ndarray,
    taken: np.ndarray,
    unit: float,
    n_axes: int,
) -> np.ndarray:
    """Place categories on the principal axes of how outputs go with other columns.

    Two categories of the same mean output may differ in what another column does to it. What is
    looked at is, for each category, the mean of what additive effects leave of the outputs, and the
    mean of its product with each other column; axes on which categories are placed already are
    taken out. Noise has a part in later axes, which still tell categories apart.

    Parameters
    ----------
    codes : ndarray of int of shape (n_rows,)
        Categories of evaluated rows, -1 where unseen.
    left : ndarray of shape (n_rows, n_outputs)
        What additive effects leave of the outputs.
    others : ndarray of shape (n_rows, n_others)
        Other columns, standardised.
    shares : ndarray of shape (n_categories,)
        Of the training rows.
    taken : ndarray of shape (n_categories, n_taken)
        Standardised places on the axes that there are.
    unit : float
        Spread of the outputs.
    n_axes : int
        How many axes at most.

    Returns
    -------
    ndarray of shape (n_categories, n_found, 2)
        Standardised and as ranks, the axis that tells most first.
    """
    n_rows, n_categories = len(codes), len(shares)
    n_axes = min(n_axes, n_categories - 1 - taken.shape[1])
    if n_axes <= 0:
        return np.zeros((n_categories, 0, 2))
    columns = np.column_stack([np.ones(n_rows), others])
    products = [column[:, None] * columns for column in left.T]
    means = np.hstack([_shrunken_means(codes, part, n_categories) for part in products])
    known = np.linalg.qr(np.sqrt(shares)[:, None] * taken)[0] / np.sqrt(shares)[:, None]
    means = means - shares @ means
    means -= known @ (known.T @ (shares[:, None] * means))
    scores, spread = _principal_scores(means, shares)
    n_axes = min(n_axes, int((spread > _ROUNDING * unit).sum()))
    return _standardise(scores[:, :n_axes], shares, unit).round(_DECIMALS)


def without_additive_effects(deviation: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """What a linear model in standardised columns leaves of outputs: (n_rows, n_outputs)."""
    normal = columns.T @ columns + _RIDGE * np.eye(columns.shape[1])
    return deviation - columns @ np.linalg.solve(normal, columns.T @ deviation)


def deviations(outputs: np.ndarray) -> tuple[np.ndarray, float]:
    """Outputs less their means, and their spread."""
    deviation = outputs - outputs.mean(0)
    return deviation, float(np.sqrt((deviation**2).mean()))


def _shrunken_means(codes: np.ndarray, columns: np.ndarray, n_categories: int) -> np.ndarray:
    """Means of columns by category, (n_categories, n_columns), drawn to zero."""
    rows = np.flatnonzero(codes >= 0)
    of_category = csr_array(
        (np.ones(len(rows)), (codes[rows], rows)), shape=(n_categories, len(codes))
    )
    count = np.bincount(codes[rows], minlength=n_categories)
    return (of_category @ columns) / (count[:, None] + _SHRINKAGE)


def _principal_scores(means: np.ndarray, shares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Scores of categories on principal axes, (n_categories, n_axes), and the axes' spread."""
    centred = means - shares @ means
    _, spread, axes = np.linalg.svd(np.sqrt(shares)[:, None] * centred, full_matrices=False)
    # The sign of a singular vector is arbitrary: let the largest entry be positive.
    axes *= np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(1)])[:, None]
    return centred @ axes.T, spread


def _standardise(scores: np.ndarray, shares: np.ndarray, unit: float) -> np.ndarray:
    """Scores of unit variance, and their ranks: (n_categories, n_axes, 2).

    What is small beside `unit` is rounding.
    """
    scale = np.sqrt(shares @ scores**2)
    told_apart = scale > 1e-12 * unit
    value = np.clip(scores / np.where(told_apart, scale, 1.0), -CLIP, CLIP)
    order = np.argsort(scores, axis=0, kind="stable")
    rank = np.zeros_like(value)
    for axis in range(scores.shape[1]):
        ordered = shares[order[:, axis]]
        rank[order[:, axis], axis] = (np.cumsum(ordered) - 0.5 * ordered - 0.5) * np.sqrt(12.0)
    return np.stack([value, np.where(told_apart, rank, 0.0)], axis=-1)
