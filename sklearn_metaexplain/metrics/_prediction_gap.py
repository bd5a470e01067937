"""How far predictions move when important, or unimportant, columns are perturbed."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.utils._param_validation import Interval, validate_params

from sklearn_metaexplain._explanation import Explanation
from sklearn_metaexplain._validation import draw_seed
from sklearn_metaexplain.masking._players import FeatureGroups
from sklearn_metaexplain.metrics._outputs import chosen_outputs, of_outputs
from sklearn_metaexplain.metrics._perturbed import MODEL_METRIC_CONSTRAINTS, PerturbedModel
from sklearn_metaexplain.metrics._ranking import check_k, rank_features

__all__ = ["prediction_gap_important", "prediction_gap_unimportant"]

_CONSTRAINTS = {
    **MODEL_METRIC_CONSTRAINTS,
    "k": [Interval(Integral, 1, None, closed="left"), None],
}


@validate_params(_CONSTRAINTS, prefer_skip_nested_validation=True)
def prediction_gap_important(
    explanation: Explanation,
    predict: Callable[[Any], Any],
    *,
    background: Any,
    k: int | None = None,
    feature_groups: FeatureGroups = None,
    batch_size: int = 10_000,
    random_state: Any = None,
) -> float:
    """Mean absolute change of the output when the most important columns are replaced (PGI).

    Important are the k columns with the largest absolute attributions to the class that the model
    predicts for the row, or to a regressor's target. They are replaced by those of each background
    row in turn.

    Parameters
    ----------
    explanation : Explanation
        What is judged. Its `data` are the rows in the columns that the model takes.
    predict : callable
        Called with tables of the kind of ``explanation.data``, returns the model's outputs, in the
        units of ``explanation.output``, see `faithfulness_score`.
    background : {ndarray, DataFrame, sparse matrix} of shape (n_background, n_columns)
        Rows whose values replace those of the explained rows.
    k : int, default=None
        Number of important features. None: the mean over 1, 2, ..., n_features - 1.
    feature_groups : mapping or list of lists, default=None
        Columns that were explained, and are replaced, together.
    batch_size : int, default=10_000
        Largest number of rows passed to `predict` at once, if `explanation` and `background` have
        no more.
    random_state : int, RandomState or None, default=None
        Seed by which equal attributions are ordered.

    Returns
    -------
    gap : float
        In the units of the output, higher is better.

    Raises
    ------
    ValueError
        If the tables do not fit, or `predict` returns something else than the outputs that the
        explanation explains, as in `faithfulness_score`.

    See Also
    --------
    prediction_gap_unimportant : All other columns are replaced instead.
    comprehensiveness : Change of the mean output, columns ordered by signed attributions.

    Notes
    -----
    Agarwal et al. [1]_ add noise to numbers and flip categories; here both are replaced by values
    of background rows. Attributions relative to a background are not what the gap measures: a
    column whose value is near the background's mean has a small Shapley value, but replacing it
    by single background rows moves the output. Even exact ones do not reach the largest gap.

    References
    ----------
    .. [1] C. Agarwal et al., "OpenXAI: Towards a transparent evaluation of model explanations",
       NeurIPS Datasets and Benchmarks, 2022 (PGI and PGU). https://arxiv.org/abs/2206.11104

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_metaexplain import Explanation
    >>> from sklearn_metaexplain.metrics import prediction_gap_important
    >>> X = np.array([[1.0, 4.0, 3.0]])
    >>> explanation = Explanation(
    ...     X[:, :, None], [0.0], [[8.0]], data=X, feature_names=["a", "b", "c"],
    ...     output_names=["y"], output="raw", n_evaluations=0,
    ... )
    >>> prediction_gap_important(
    ...     explanation, lambda table: table.sum(axis=1), background=np.zeros((1, 3)), k=1
    ... )
    4.0
    """
    model = PerturbedModel(explanation, predict, background, feature_groups, batch_size)
    return _mean_gap(model, explanation, k, random_state, replace_top=True)


@validate_params(_CONSTRAINTS, prefer_skip_nested_validation=True)
def prediction_gap_unimportant(
    explanation: Explanation,
    predict: Callable[[Any], Any],
    *,
    background: Any,
    k: int | None = None,
    feature_groups: FeatureGroups = None,
    batch_size: int = 10_000,
    random_state: Any = None,
) -> float:
    """Mean absolute change of the output when all but the important columns are replaced (PGU).

    Important are the k columns with the largest absolute attributions to the class that the model
    predicts for the row, or to a regressor's target. All others are replaced by those of each
    background row in turn.

    Parameters
    ----------
    explanation : Explanation
        What is judged. Its `data` are the rows in the columns that the model takes.
    predict : callable
        Called with tables of the kind of ``explanation.data``, returns the model's outputs, in the
        units of ``explanation.output``, see `faithfulness_score`.
    background : {ndarray, DataFrame, sparse matrix} of shape (n_background, n_columns)
        Rows whose values replace those of the explained rows.
    k : int, default=None
        Number of important features, which are kept. None: the mean over 1, 2, ..., n_features - 1.
    feature_groups : mapping or list of lists, default=None
        Columns that were explained, and are replaced, together.
    batch_size : int, default=10_000
        Largest number of rows passed to `predict` at once, if `explanation` and `background` have
        no more.
    random_state : int, RandomState or None, default=None
        Seed by which equal attributions are ordered.

    Returns
    -------
    gap : float
        In the units of the output, lower is better.

    Raises
    ------
    ValueError
        If the tables do not fit, or `predict` returns something else than the outputs that the
        explanation explains, as in `faithfulness_score`.

    See Also
    --------
    prediction_gap_important : The important columns are replaced instead; has the notes.
    sufficiency : Change of the mean output, columns ordered by signed attributions.

    References
    ----------
    .. [1] C. Agarwal et al., "OpenXAI: Towards a transparent evaluation of model explanations",
       NeurIPS Datasets and Benchmarks, 2022 (PGI and PGU). https://arxiv.org/abs/2206.11104

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_metaexplain import Explanation
    >>> from sklearn_metaexplain.metrics import prediction_gap_unimportant
    >>> X = np.array([[1.0, 4.0, 3.0]])
    >>> explanation = Explanation(
    ...     X[:, :, None], [0.0], [[8.0]], data=X, feature_names=["a", "b", "c"],
    ...     output_names=["y"], output="raw", n_evaluations=0,
    ... )
    >>> prediction_gap_unimportant(
    ...     explanation, lambda table: table.sum(axis=1), background=np.zeros((1, 3)), k=1
    ... )
    4.0
    """
    model = PerturbedModel(explanation, predict, background, feature_groups, batch_size)
    return _mean_gap(model, explanation, k, random_state, replace_top=False)


def _mean_gap(
    model: PerturbedModel,
    explanation: Explanation,
    k: int | None,
    random_state: Any,
    *,
    replace_top: bool,
) -> float:
    n_features = explanation.values.shape[1]
    # Of a single column that column is the important one.
    counts = np.arange(1, max(2, n_features)) if k is None else np.array([check_k(k, n_features)])
    random = np.random.RandomState(draw_seed(random_state))
    gaps = []
    for outputs in chosen_outputs(explanation).T:
        sizes = np.abs(of_outputs(explanation.values, outputs))
        top = rank_features(sizes, random)[:, None] < counts[:, None]
        gaps.append(of_outputs(model.gaps(top if replace_top else ~top), outputs))
    return float(np.mean(gaps))
