"""What a prediction loses without the columns that explain it, and what they give alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from numbers import Real
from typing import Any

import numpy as np
from sklearn.utils._param_validation import validate_params

from sklearn_metaexplain._explanation import Explanation
from sklearn_metaexplain._validation import draw_seed
from sklearn_metaexplain.masking._players import FeatureGroups
from sklearn_metaexplain.metrics._outputs import chosen_outputs, of_outputs
from sklearn_metaexplain.metrics._perturbed import MODEL_METRIC_CONSTRAINTS, PerturbedModel
from sklearn_metaexplain.metrics._ranking import rank_features

__all__ = ["comprehensiveness", "sufficiency"]

FRACTIONS = (0.1, 0.2, 0.3, 0.4, 0.5)

_CONSTRAINTS = {**MODEL_METRIC_CONSTRAINTS, "fractions": ["array-like"]}


@validate_params(_CONSTRAINTS, prefer_skip_nested_validation=True)
def comprehensiveness(
    explanation: Explanation,
    predict: Callable[[Any], Any],
    *,
    background: Any,
    fractions: Iterable[float] = FRACTIONS,
    feature_groups: FeatureGroups = None,
    batch_size: int = 10_000,
    random_state: Any = None,
) -> float:
    """What the output loses without the columns that speak most for it.

    The columns with the largest attributions to the class that the model predicts for the row, or
    to a regressor's target, are taken from background rows. The loss is the output before less the
    mean output after, averaged over `fractions` and rows.

    Parameters
    ----------
    explanation : Explanation
        What is judged. Its `data` are the rows in the columns that the model takes.
    predict : callable
        Called with tables of the kind of ``explanation.data``, returns the model's outputs, in the
        units of ``explanation.output``, see `faithfulness_score`.
    background : {ndarray, DataFrame, sparse matrix} of shape (n_background, n_columns)
        Rows whose values replace those of the explained rows.
    fractions : array-like of float, default=(0.1, 0.2, 0.3, 0.4, 0.5)
        Parts of the features, rounded up to whole ones, that are replaced.
    feature_groups : mapping or list of lists, default=None
        Columns that were explained, and are replaced, together.
    batch_size : int, default=10_000
        Largest number of rows passed to `predict` at once, if `explanation` and `background` have
        no more.
    random_state : int, RandomState or None, default=None
        Seed by which equal attributions are ordered.

    Returns
    -------
    loss : float
        In the units of the output, higher is better.

    Raises
    ------
    ValueError
        If the tables do not fit, or `predict` returns something else than the outputs that the
        explanation explains, as in `faithfulness_score`.

    See Also
    --------
    sufficiency : The same columns are kept, the others replaced.
    deletion_auc : The output itself, over all fractions.

    Notes
    -----
    DeYoung et al. [1]_ delete words; here columns are replaced by those of background rows. Their
    mean over several fractions, "AOPC", counts a fraction of zero as well, whose loss is zero.

    References
    ----------
    .. [1] J. DeYoung et al., "ERASER: A benchmark to evaluate rationalized NLP models", ACL, 2020,
       equation 1. https://doi.org/10.18653/v1/2020.acl-main.408

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_metaexplain import Explanation
    >>> from sklearn_metaexplain.metrics import comprehensiveness
    >>> X = np.array([[1.0, 4.0, 3.0]])
    >>> explanation = Explanation(
    ...     X[:, :, None], [0.0], [[8.0]], data=X, feature_names=["a", "b", "c"],
    ...     output_names=["y"], output="raw", n_evaluations=0,
    ... )
    >>> comprehensiveness(
    ...     explanation, lambda table: table.sum(axis=1), background=np.zeros((1, 3)),
    ...     fractions=[1 / 3, 2 / 3],
    ... )
    5.5
    """
    model = PerturbedModel(explanation, predict, background, feature_groups, batch_size)
    return _mean_loss(model, explanation, fractions, random_state, keep_top=False)


@validate_params(_CONSTRAINTS, prefer_skip_nested_validation=True)
def sufficiency(
    explanation: Explanation,
    predict: Callable[[Any], Any],
    *,
    background: Any,
    fractions: Iterable[float] = FRACTIONS,
    feature_groups: FeatureGroups = None,
    batch_size: int = 10_000,
    random_state: Any = None,
) -> float:
    """What the output loses if only the columns that speak most for it are kept.

    The columns with the largest attributions to the class that the model predicts for the row, or
    to a regressor's target, are kept, and all others taken from background rows. The loss is the
    output before less the mean output after, averaged over `fractions` and rows.

    Parameters
    ----------
    explanation : Explanation
        What is judged. Its `data` are the rows in the columns that the model takes.
    predict : callable
        Called with tables of the kind of ``explanation.data``, returns the model's outputs, in the
        units of ``explanation.output``, see `faithfulness_score`.
    background : {ndarray, DataFrame, sparse matrix} of shape (n_background, n_columns)
        Rows whose values replace those of the explained rows.
    fractions : array-like of float, default=(0.1, 0.2, 0.3, 0.4, 0.5)
        Parts of the features, rounded up to whole ones, that are kept.
    feature_groups : mapping or list of lists, default=None
        Columns that were explained, and are replaced, together.
    batch_size : int, default=10_000
        Largest number of rows passed to `predict` at once, if `explanation` and `background` have
        no more.
    random_state : int, RandomState or None, default=None
        Seed by which equal attributions are ordered.

    Returns
    -------
    loss : float
        In the units of the output, lower is better. Negative where the other columns speak against
        the output.

    Raises
    ------
    ValueError
        If the tables do not fit, or `predict` returns something else than the outputs that the
        explanation explains, as in `faithfulness_score`.

    See Also
    --------
    comprehensiveness : The same columns are replaced, the others kept.
    insertion_auc : The output itself, over all fractions.

    References
    ----------
    .. [1] J. DeYoung et al., "ERASER: A benchmark to evaluate rationalized NLP models", ACL, 2020,
       equation 2. https://doi.org/10.18653/v1/2020.acl-main.408

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_metaexplain import Explanation
    >>> from sklearn_metaexplain.metrics import sufficiency
    >>> X = np.array([[1.0, 4.0, 3.0]])
    >>> explanation = Explanation(
    ...     X[:, :, None], [0.0], [[8.0]], data=X, feature_names=["a", "b", "c"],
    ...     output_names=["y"], output="raw", n_evaluations=0,
    ... )
    >>> sufficiency(
    ...     explanation, lambda table: table.sum(axis=1), background=np.zeros((1, 3)),
    ...     fractions=[1 / 3, 2 / 3],
    ... )
    2.5
    """
    model = PerturbedModel(explanation, predict, background, feature_groups, batch_size)
    return _mean_loss(model, explanation, fractions, random_state, keep_top=True)


def _mean_loss(
    model: PerturbedModel,
    explanation: Explanation,
    fractions: Iterable[float],
    random_state: Any,
    *,
    keep_top: bool,
) -> float:
    """Mean loss of the chosen outputs without the top features, or with nothing else."""
    counts = _counts(fractions, explanation.values.shape[1])
    distinct, position = np.unique(counts, return_inverse=True)
    random = np.random.RandomState(draw_seed(random_state))
    losses = []
    for outputs in chosen_outputs(explanation).T:
        ranks = rank_features(of_outputs(explanation.values, outputs), random)
        top = ranks[:, None] < distinct[:, None]
        after = of_outputs(model.without(~top if keep_top else top), outputs)
        before = of_outputs(model.predictions, outputs)
        losses.append(before[:, None] - after[:, position])
    return float(np.mean(losses))


def _counts(fractions: Iterable[float], n_features: int) -> np.ndarray:
    """Numbers of features that fractions stand for."""
    listed = list(fractions)
    for fraction in listed:
        if not isinstance(fraction, Real) or not 0 < fraction <= 1:
            raise ValueError(f"fractions must be above 0 and at most 1; got {fraction!r}.")
    if not listed:
        raise ValueError("fractions must hold at least one number.")
    # Less than a whole column by rounding alone: 0.55 * 100 is a little more than 55.
    return np.ceil(np.asarray(listed, dtype=np.float64) * n_features - 1e-9).astype(int)
