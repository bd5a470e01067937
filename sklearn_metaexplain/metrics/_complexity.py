"""How many columns an explanation is about."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import entr
from sklearn.utils._param_validation import validate_params

from sklearn_metaexplain._explanation import Explanation
from sklearn_metaexplain.metrics._outputs import (
    attributed_shares,
    chosen_outputs,
    mean_over_chosen,
)

__all__ = ["effective_number", "entropy", "sparsity"]


@validate_params({"explanation": [Explanation]}, prefer_skip_nested_validation=True)
def sparsity(explanation: Explanation) -> float:
    """Gini index of the sizes of attributions, averaged over rows.

    Parameters
    ----------
    explanation : Explanation
        What is judged: the attributions to the class that is predicted for each row, or to each
        target of a regressor. Rows whose attributions are all zero, or no more than rounding of
        the outputs, are left out.

    Returns
    -------
    score : float
        0 where all columns get the same, ``1 - 1 / n_features`` where one column gets everything:
        higher is sparser, which says nothing of whether it is right. NaN if all attributions are
        zero.

    Raises
    ------
    ValueError
        If an attribution is NaN or infinite.

    See Also
    --------
    effective_number : Counts the columns that share an attribution.
    faithfulness_score : Whether the model does what the explanation says.

    References
    ----------
    .. [1] P. Chalasani et al., "Concise explanations of neural networks using adversarial
       training", ICML, 2020. https://proceedings.mlr.press/v119/chalasani20a.html
    .. [2] N. Hurley and S. Rickard, "Comparing measures of sparsity", IEEE Transactions on
       Information Theory 55(10), 2009, table I. https://doi.org/10.1109/TIT.2009.2027527

    Examples
    --------
    >>> from sklearn_metaexplain import Explanation
    >>> from sklearn_metaexplain.metrics import sparsity
    >>> explanation = Explanation(
    ...     [[[3.0], [-1.0], [0.0]]], [0.0], [[2.0]], feature_names=["a", "b", "c"],
    ...     output_names=["y"], output="raw", n_evaluations=0,
    ... )
    >>> round(sparsity(explanation), 6)
    0.5
    """
    return _mean_over_rows(explanation, _gini)


@validate_params({"explanation": [Explanation]}, prefer_skip_nested_validation=True)
def entropy(explanation: Explanation) -> float:
    """Entropy of the shares that columns have in an attribution, averaged over rows.

    A column's share is the size of its attribution over the sum of all sizes in the row.

    Parameters
    ----------
    explanation : Explanation
        What is judged: the attributions to the class that is predicted for each row, or to each
        target of a regressor. Rows whose attributions are all zero, or no more than rounding of
        the outputs, are left out.

    Returns
    -------
    complexity : float
        In nats, from 0 (one column gets everything) to ``log(n_features)``: lower is simpler, which
        says nothing of whether it is right. NaN if all attributions are zero.

    Raises
    ------
    ValueError
        If an attribution is NaN or infinite.

    See Also
    --------
    effective_number : Its exponential, a number of columns.
    sparsity : The Gini index instead.

    References
    ----------
    .. [1] U. Bhatt, A. Weller and J. M. F. Moura, "Evaluating and aggregating feature-based model
       explanations", IJCAI, 2020 ("complexity").
       https://doi.org/10.24963/ijcai.2020/417

    Examples
    --------
    >>> from sklearn_metaexplain import Explanation
    >>> from sklearn_metaexplain.metrics import entropy
    >>> explanation = Explanation(
    ...     [[[3.0], [-1.0], [0.0]]], [0.0], [[2.0]], feature_names=["a", "b", "c"],
    ...     output_names=["y"], output="raw", n_evaluations=0,
    ... )
    >>> round(entropy(explanation), 6)
    0.562335
    """
    return _mean_over_rows(explanation, _entropy)


@validate_params({"explanation": [Explanation]}, prefer_skip_nested_validation=True)
def effective_number(explanation: Explanation) -> float:
    """Effective number of columns in an attribution, averaged over rows.

    The exponential of a row's entropy: m columns with equal sizes, the others zero, count as m.

    Parameters
    ----------
    explanation : Explanation
        What is judged: the attributions to the class that is predicted for each row, or to each
        target of a regressor. Rows whose attributions are all zero, or no more than rounding of
        the outputs, are left out.

    Returns
    -------
    number : float
        From 1 to n_features: lower is simpler, which says nothing of whether it is right. NaN if
        all attributions are zero.

    Raises
    ------
    ValueError
        If an attribution is NaN or infinite.

    See Also
    --------
    entropy : Its logarithm, row by row.

    References
    ----------
    .. [1] M. O. Hill, "Diversity and evenness: A unifying notation and its consequences", Ecology
       54(2), 1973 (order 1). https://doi.org/10.2307/1934352

    Examples
    --------
    >>> from sklearn_metaexplain import Explanation
    >>> from sklearn_metaexplain.metrics import effective_number
    >>> explanation = Explanation(
    ...     [[[3.0], [-1.0], [0.0]]], [0.0], [[2.0]], feature_names=["a", "b", "c"],
    ...     output_names=["y"], output="raw", n_evaluations=0,
    ... )
    >>> round(effective_number(explanation), 6)
    1.754765
    """
    return _mean_over_rows(explanation, lambda shares: np.exp(_entropy(shares)))


def _mean_over_rows(explanation: Explanation, score: Callable[[np.ndarray], np.ndarray]) -> float:
    """Mean of a score of shares (n_samples, n_features) that sum to one."""
    scores = []
    for outputs in chosen_outputs(explanation).T:
        shares = np.abs(attributed_shares(explanation, outputs))
        scores.append(np.where(shares.any(axis=1), score(shares), np.nan))
    return mean_over_chosen(np.concatenate(scores))


def _entropy(shares: np.ndarray) -> np.ndarray:
    return entr(shares).sum(axis=1)


def _gini(shares: np.ndarray) -> np.ndarray:
    n_features = shares.shape[1]
    weights = (n_features - np.arange(n_features) - 0.5) / n_features
    return 1.0 - 2.0 * np.sort(shares, axis=1) @ weights
