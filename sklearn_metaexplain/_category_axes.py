"""Where categories are placed, so that those for which a model says much the same are near."""

from __future__ import annotations

import numpy as np
from scipy.linalg import eigh
from scipy.sparse import csr_array

from sklearn_metaexplain._arrays import unit_of
from sklearn_metaexplain._numeric_column import CLIP

_SHRINKAGE = 5.0
# What is smaller beside the outputs' spread is rounding, or beside the largest of products.
_ROUNDING, _ROUNDING_OF_GRAM = 1e-9, 1e-7
# Of what others leave of a column, whose length is at most 1.
_LEAST_LENGTH = 1e-3
#: So that the last digits, which depend on the order of the columns, are the same for all orders.
DECIMALS = 6
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

    References
    ----------
    Micci-Barreca, A preprocessing scheme for high-cardinality categorical attributes in
    classification and prediction problems, 2001 (mean outputs, drawn to those of all rows).
    """
    means = _shrunken_means(codes, deviation, len(shares))
    axes, spread = _principal_axes(means, shares)
    if n_axes is None:
        n_axes = 1 + int(len(spread) > 1 and len(shares) > 2 and spread[1] > _ROUNDING * unit)
    return _standardise((means - shares @ means) @ axes[:, :n_axes], shares, unit)


def place_out_of_fold(
    codes: np.ndarray,
    deviation: np.ndarray,
    shares: np.ndarray,
    unit: float,
    n_axes: int,
    folds: np.ndarray,
) -> np.ndarray:
    """Place rows as `place_by_outputs` does, each by the outputs of rows of other folds alone.

    Placed by all, the rows of a category of few tell their own outputs. Axes and scales are those
    of all rows.

    Parameters
    ----------
    codes, deviation, shares, unit
        As of `place_by_outputs`.
    n_axes : int
        How many axes.
    folds : ndarray of int of shape (n_rows,)
        Fold of each row.

    Returns
    -------
    ndarray of shape (n_rows, n_axes, 2)
        Standardised and as ranks.

    References
    ----------
    Micci-Barreca, 2001, as of `place_by_outputs`; scikit-learn's `TargetEncoder` reads training
    rows out of fold for the same reason.
    """
    means = _shrunken_means(codes, deviation, len(shares))
    center = shares @ means
    axes = _principal_axes(means, shares)[0][:, :n_axes]
    scores = (means - center) @ axes
    ranks = _standardise(scores, shares, unit)[..., 1]
    placed = np.zeros((len(codes), n_axes))
    for fold in np.unique(folds):
        others, rows = folds != fold, folds == fold
        by_others = _shrunken_means(codes[others], deviation[others], len(shares))
        placed[rows] = (by_others[codes[rows]] - center) @ axes
    rank = np.empty_like(placed)
    for axis in range(n_axes):
        order = np.argsort(scores[:, axis], kind="stable")
        rank[:, axis] = np.interp(placed[:, axis], scores[order, axis], ranks[order, axis])
    positions = np.stack([_in_units(placed, _scale(scores, shares), unit), rank], axis=-1)
    positions[codes < 0] = 0.0
    return positions


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
    looked at is, for each category, the mean of what a linear model leaves of the outputs, and the
    mean of its product with each other column; axes on which categories are placed already are
    taken out. Noise has a part in later axes, which still tell categories apart.

    Parameters
    ----------
    codes : ndarray of int of shape (n_rows,)
        Categories of evaluated rows, -1 where unseen.
    left : ndarray of shape (n_rows, n_outputs)
        What a linear model leaves of the outputs.
    others : ndarray of shape (n_rows, n_others)
        Other columns, standardised.
    shares : ndarray of shape (n_categories,)
        Of the training rows.
    taken : ndarray of shape (n_categories, n_taken)
        Places on the axes that there are.
    unit : float
        Spread of the outputs.
    n_axes : int
        How many axes at most.

    Returns
    -------
    ndarray of shape (n_categories, n_found, 2)
        Standardised and as ranks, the axis that tells most first.
    """
    weights = np.sqrt(shares)[:, None]
    # An axis on which all categories are at the same place tells nothing, and takes nothing.
    taken = taken[:, np.abs(taken).max(axis=0, initial=0.0) > 0]
    n_axes = min(n_axes, len(shares) - 1 - taken.shape[1])
    if n_axes <= 0:
        return np.zeros((len(shares), 0, 2))
    columns = np.column_stack([np.ones(len(codes)), others])
    means = np.hstack(
        [_shrunken_means(codes, part[:, None] * columns, len(shares)) for part in left.T]
    )
    profiles = weights * (means - shares @ means)
    known = np.linalg.qr(weights * (taken - shares @ taken))[0]
    profiles -= known @ (known.T @ profiles)
    scores = _leading_scores(profiles, n_axes, unit) / weights
    return _standardise(scores, shares, unit).round(DECIMALS)


def _leading_scores(profiles: np.ndarray, n_axes: int, unit: float) -> np.ndarray:
    """Scores on the first principal axes, without those that are rounding: (n_rows, n_found)."""
    # Of the smaller of both sides, for either may have hundreds of rows.
    is_wide = profiles.shape[1] > len(profiles)
    gram = profiles @ profiles.T if is_wide else profiles.T @ profiles
    n_axes = min(n_axes, len(gram))
    squares, axes = eigh(gram, subset_by_index=(len(gram) - n_axes, len(gram) - 1))
    squares, axes = squares[::-1].clip(0), axes[:, ::-1]
    spread = np.sqrt(squares)
    told = spread > max(_ROUNDING * unit, _ROUNDING_OF_GRAM * spread[0])
    if is_wide:
        scores, axes = axes * spread, profiles.T @ axes
    else:
        scores = profiles @ axes
    return (scores * _signs(axes))[:, told]


def without_linear_effects(deviation: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """What a ridge regression on standardised columns leaves of outputs: (n_rows, n_outputs)."""
    normal = columns.T @ columns + _RIDGE * np.eye(columns.shape[1])
    return deviation - columns @ np.linalg.solve(normal, columns.T @ deviation)


def deviations(outputs: np.ndarray) -> tuple[np.ndarray, float]:
    """Outputs less their means, and their spread, in a unit in which there are squares of both."""
    deviation = outputs - outputs.mean(0)
    deviation /= unit_of(deviation)
    return deviation, float(np.sqrt((deviation**2).mean()))


def _shrunken_means(codes: np.ndarray, columns: np.ndarray, n_categories: int) -> np.ndarray:
    """Means of columns by category, (n_categories, n_columns), drawn to zero."""
    rows = np.flatnonzero(codes >= 0)
    of_category = csr_array(
        (np.ones(len(rows)), (codes[rows], rows)), shape=(n_categories, len(codes))
    )
    count = np.bincount(codes[rows], minlength=n_categories)
    return (of_category @ columns) / (count[:, None] + _SHRINKAGE)


def _principal_axes(means: np.ndarray, shares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Principal axes of categories' means, (n_outputs, n_axes), and the axes' spread."""
    centred = means - shares @ means
    _, spread, axes = np.linalg.svd(np.sqrt(shares)[:, None] * centred, full_matrices=False)
    axes = _settled(axes.T, spread)
    return axes * _signs(axes), spread


def _settled(axes: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Axes of which those of equal spread are the first outputs', as far as they tell of them.

    As when each category has a class of its own: rounding would say how they are turned.
    """
    axes = axes.copy()
    ends = np.flatnonzero(np.diff(spread, append=-np.inf) < -_ROUNDING * spread[0]) + 1
    for start, end in zip([0, *ends[:-1]], ends, strict=True):
        if end - start > 1 and spread[start] > _ROUNDING * spread[0]:
            equal = axes[:, start:end]
            axes[:, start:end] = _first_independent(equal @ equal.T, end - start)
    return axes


def _first_independent(columns: np.ndarray, n_axes: int) -> np.ndarray:
    """Orthonormal axes, (n_entries, n_axes), of the first columns that others do not make up."""
    axes = np.zeros((len(columns), 0))
    for column in columns.T:
        left = column - axes @ (axes.T @ column)
        length = np.linalg.norm(left)
        if axes.shape[1] < n_axes and length > _LEAST_LENGTH:
            axes = np.column_stack([axes, left / length])
    return axes


def _signs(axes: np.ndarray) -> np.ndarray:
    """Signs of axes, (n_entries, n_axes), that are arbitrary: their largest entries positive."""
    sizes = np.abs(axes)
    # Of equal ones the first, whichever rounding has made larger.
    largest = (sizes > (1 - _ROUNDING) * sizes.max(axis=0)).argmax(axis=0)
    return np.sign(axes[largest, np.arange(axes.shape[1])])


def _standardise(scores: np.ndarray, shares: np.ndarray, unit: float) -> np.ndarray:
    """Scores of unit variance, and their ranks, (n_categories, n_axes, 2): those of ties equal."""
    scale = _scale(scores, shares)
    order = np.argsort(scores, axis=0, kind="stable")
    rank = np.zeros_like(scores)
    for axis in range(scores.shape[1]):
        ordered = scores[order[:, axis], axis]
        # Equal means of rows in another order differ by rounding.
        is_next = np.diff(ordered, prepend=ordered[:1]) > _ROUNDING * scale[axis]
        tie = np.cumsum(is_next)
        tied = np.bincount(tie, weights=shares[order[:, axis]])
        middle = np.cumsum(tied) - 0.5 * tied - 0.5
        rank[order[:, axis], axis] = middle[tie] * np.sqrt(12.0)
    rank = np.where(_tells_apart(scale, unit), rank, 0.0)
    return np.stack([_in_units(scores, scale, unit), rank], axis=-1)


def _scale(scores: np.ndarray, shares: np.ndarray) -> np.ndarray:
    return np.sqrt(shares @ scores**2)


def _in_units(scores: np.ndarray, scale: np.ndarray, unit: float) -> np.ndarray:
    return np.clip(scores / np.where(_tells_apart(scale, unit), scale, 1.0), -CLIP, CLIP)


def _tells_apart(scale: np.ndarray, unit: float) -> np.ndarray:
    """Whether an axis tells categories apart: what is small beside `unit` is rounding."""
    return scale > 1e-12 * unit
