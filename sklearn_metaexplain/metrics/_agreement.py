"""How far two explanations agree on which columns matter."""

from __future__ import annotations

from collections.abc import Iterator
from numbers import Integral
from typing import Any

import numpy as np
from scipy.stats import kendalltau
from sklearn.utils._param_validation import Interval, StrOptions, validate_params

from sklearn_metaexplain.metrics._outputs import mean_over_chosen
from sklearn_metaexplain.metrics._pairs import chosen_pairs
from sklearn_metaexplain.metrics._ranking import check_k, spearman, to_ties, top_membership

__all__ = ["feature_agreement", "rank_agreement", "sign_agreement", "top_k_jaccard"]

_AT_LEAST_ONE = Interval(Integral, 1, None, closed="left")


@validate_params(
    {"method": [StrOptions({"spearman", "kendall"})]}, prefer_skip_nested_validation=True
)
def rank_agreement(true_values: Any, values: Any, *, method: str = "spearman") -> float:
    """Rank correlation of the sizes of attributions, row by row.

    Features are ranked by the absolute values of their attributions; signs are `sign_agreement`'s.

    Parameters
    ----------
    true_values : Explanation or array-like of shape (n_samples, n_features, n_outputs)
        True attributions, or those of another explainer.
    values : Explanation or array-like of shape (n_samples, n_features, n_outputs)
        Attributions to judge. Of Explanations of a classifier the class that is predicted for each
        row is compared, as the first Explanation has it; else the mean over the outputs is taken.
    method : {"spearman", "kendall"}, default="spearman"
        Spearman's rho or Kendall's tau-b.

    Returns
    -------
    score : float
        Between -1 and 1, higher is better. Rows of `values` whose sizes are all equal count as 0.
        Rows where those of `true_values` are all equal are left out; NaN if none remains.

    Raises
    ------
    ValueError
        If the shapes differ, a value is NaN or infinite, two Explanations are of different
        rows, features, outputs or units, or `method` is unknown.

    See Also
    --------
    feature_agreement : Compares which features are at the top.
    shapley_error : Compares the values themselves.

    References
    ----------
    .. [1] S. Krishna et al., "The disagreement problem in explainable machine learning: A
       practitioner's perspective", TMLR, 2024 (arXiv, 2022), section 3 ("rank correlation").
       https://arxiv.org/abs/2202.01602

    Examples
    --------
    >>> from sklearn_metaexplain.metrics import rank_agreement
    >>> score = rank_agreement([[[1.0], [2.0], [-3.0]]], [[[2.0], [1.0], [5.0]]])
    >>> round(score, 6)
    0.5
    """
    correlation = spearman if method == "spearman" else _kendall
    scores = [
        correlation(np.abs(truth), np.abs(judged))
        for truth, judged in chosen_pairs(true_values, values)
    ]
    return mean_over_chosen(np.concatenate(scores))


@validate_params({"k": [_AT_LEAST_ONE]}, prefer_skip_nested_validation=True)
def feature_agreement(true_values: Any, values: Any, *, k: int = 3) -> float:
    """Share of the k largest attributions that are of the same features.

    Largest are those with the largest absolute values in the row.

    Parameters
    ----------
    true_values : Explanation or array-like of shape (n_samples, n_features, n_outputs)
        True attributions, or those of another explainer.
    values : Explanation or array-like of shape (n_samples, n_features, n_outputs)
        Attributions to judge. Of Explanations of a classifier the class that is predicted for each
        row is compared, as the first Explanation has it; else the mean over the outputs is taken.
    k : int, default=3
        Number of features at the top, at most n_features.

    Returns
    -------
    score : float
        Between 0 and 1, higher is better.

    Raises
    ------
    ValueError
        If the shapes differ, a value is NaN or infinite, two Explanations are of different
        rows, features, outputs or units, or there are fewer than k features.

    See Also
    --------
    sign_agreement : Signs must be the same as well.
    top_k_jaccard : Intersection over union of the same sets.

    Notes
    -----
    Features that are equal at the border of the top share the places that are left, so that
    attributions of zero score what chance does, not what the order of columns makes of them.

    References
    ----------
    .. [1] S. Krishna et al., "The disagreement problem in explainable machine learning: A
       practitioner's perspective", TMLR, 2024 (arXiv, 2022), section 3.
       https://arxiv.org/abs/2202.01602

    Examples
    --------
    >>> from sklearn_metaexplain.metrics import feature_agreement
    >>> feature_agreement([[[3.0], [2.0], [0.1]]], [[[-3.0], [0.1], [2.0]]], k=2)
    0.5
    """
    overlaps = _overlaps(true_values, values, k)
    return float(np.mean([both.sum(axis=1) / size for both, _, _, size in overlaps]))


@validate_params({"k": [_AT_LEAST_ONE]}, prefer_skip_nested_validation=True)
def top_k_jaccard(true_values: Any, values: Any, *, k: int = 3) -> float:
    """Jaccard index of the features with the k largest attributions.

    Largest are those with the largest absolute values in the row. The number of features that are
    at the top in both explanations is divided by the number of those that are in either.

    Parameters
    ----------
    true_values : Explanation or array-like of shape (n_samples, n_features, n_outputs)
        True attributions, or those of another explainer.
    values : Explanation or array-like of shape (n_samples, n_features, n_outputs)
        Attributions to judge. Of Explanations of a classifier the class that is predicted for each
        row is compared, as the first Explanation has it; else the mean over the outputs is taken.
    k : int, default=3
        Number of features at the top, at most n_features.

    Returns
    -------
    score : float
        Between 0 and 1, higher is better.

    Raises
    ------
    ValueError
        If the shapes differ, a value is NaN or infinite, two Explanations are of different
        rows, features, outputs or units, or there are fewer than k features.

    See Also
    --------
    feature_agreement : Divided by k instead.

    Notes
    -----
    Features that are equal at the border of the top share the places that are left, so that
    attributions of zero score the index of the overlap that chance has on average, not what the
    order of columns makes of them.

    References
    ----------
    .. [1] A. Ghorbani, A. Abid and J. Zou, "Interpretation of neural networks is fragile", AAAI,
       2019 ("top-k intersection"). https://doi.org/10.1609/aaai.v33i01.33013681

    Examples
    --------
    >>> from sklearn_metaexplain.metrics import top_k_jaccard
    >>> score = top_k_jaccard([[[3.0], [2.0], [0.1]]], [[[-3.0], [0.1], [2.0]]], k=2)
    >>> round(score, 6)
    0.333333
    """
    overlaps = _overlaps(true_values, values, k)
    scores = [both.sum(axis=1) / either.sum(axis=1) for both, either, _, _ in overlaps]
    return float(np.mean(scores))


@validate_params({"k": [_AT_LEAST_ONE, None]}, prefer_skip_nested_validation=True)
def sign_agreement(true_values: Any, values: Any, *, k: int | None = None) -> float:
    """Share of the k largest attributions that are of the same features with the same sign.

    Largest are those with the largest absolute values in the row. The sign of zero is that of zero
    alone; attributions that are no more than rounding are zero.

    Parameters
    ----------
    true_values : Explanation or array-like of shape (n_samples, n_features, n_outputs)
        True attributions, or those of another explainer.
    values : Explanation or array-like of shape (n_samples, n_features, n_outputs)
        Attributions to judge. Of Explanations of a classifier the class that is predicted for each
        row is compared, as the first Explanation has it; else the mean over the outputs is taken.
    k : int, default=None
        Number of features at the top, at most n_features. None: all features.

    Returns
    -------
    score : float
        Between 0 and 1, higher is better.

    Raises
    ------
    ValueError
        If the shapes differ, a value is NaN or infinite, two Explanations are of different
        rows, features, outputs or units, or there are fewer than k features.

    See Also
    --------
    feature_agreement : Signs may differ.
    rank_agreement : Compares the order of all features.

    Notes
    -----
    Features that are equal at the border of the top share the places that are left, so that
    attributions of zero score what chance does, not what the order of columns makes of them.

    References
    ----------
    .. [1] S. Krishna et al., "The disagreement problem in explainable machine learning: A
       practitioner's perspective", TMLR, 2024 (arXiv, 2022), section 3.
       https://arxiv.org/abs/2202.01602

    Examples
    --------
    >>> from sklearn_metaexplain.metrics import sign_agreement
    >>> sign_agreement([[[3.0], [2.0], [0.1], [1.0]]], [[[-3.0], [2.0], [2.0], [1.0]]])
    0.75
    >>> sign_agreement([[[3.0], [2.0], [0.1], [1.0]]], [[[-3.0], [2.0], [2.0], [1.0]]], k=2)
    0.25
    """
    overlaps = _overlaps(true_values, values, k)
    return float(np.mean([(both * same).sum(axis=1) / size for both, _, same, size in overlaps]))


def _overlaps(
    true_values: Any, values: Any, k: int | None
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, int]]:
    """Memberships in both tops, in either, whether signs are equal, and the size of the tops."""
    for truth, judged in chosen_pairs(true_values, values):
        n_features = truth.shape[1]
        size = n_features if k is None else check_k(k, n_features)
        tops = top_membership(np.abs(truth), size), top_membership(np.abs(judged), size)
        same = np.sign(truth) == np.sign(judged)
        yield np.minimum(*tops), np.maximum(*tops), same, size


def _kendall(truth: np.ndarray, judged: np.ndarray) -> np.ndarray:
    """Kendall's tau-b of each row of sizes, not negative, as `spearman` otherwise."""
    truth, judged = to_ties(truth), to_ties(judged)
    taus = np.array([kendalltau(*pair).statistic for pair in zip(truth, judged, strict=True)])
    constant = np.ptp(judged, axis=1) == 0
    return np.where(np.ptp(truth, axis=1) > 0, np.where(constant, 0.0, taus), np.nan)
