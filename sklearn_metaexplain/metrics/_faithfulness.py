"""Whether a model does what an explanation says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.utils._param_validation import validate_params

from sklearn_metaexplain._explanation import Explanation
from sklearn_metaexplain._validation import draw_seed
from sklearn_metaexplain.masking._players import FeatureGroups
from sklearn_metaexplain.metrics._outputs import attributions_of, chosen_outputs
from sklearn_metaexplain.metrics._perturbed import (
    COALITION_METRIC_CONSTRAINTS,
    PerturbedModel,
    draw_sets,
    outputs_vary,
)
from sklearn_metaexplain.metrics._ranking import pearson

__all__ = ["faithfulness_score"]


@validate_params(COALITION_METRIC_CONSTRAINTS, prefer_skip_nested_validation=True)
def faithfulness_score(
    explanation: Explanation,
    predict: Callable[[Any], Any],
    *,
    background: Any,
    n_coalitions: int = 100,
    feature_groups: FeatureGroups = None,
    batch_size: int = 10_000,
    random_state: Any = None,
) -> float:
    """Correlation between what an explanation says and what the model does.

    For random sets of columns, the sum of their attributions is compared with the change of the
    model's output when the columns are replaced by values of background rows: the mean change over
    the background. The Pearson correlation over the sets is taken row by row, of the class that the
    model predicts for the row, or of each target of a regressor, and averaged.

    Parameters
    ----------
    explanation : Explanation
        What is judged. Its `data` are the rows in the columns that the model takes.
    predict : callable
        Called with tables of the kind of ``explanation.data``, returns the model's outputs, in the
        units of ``explanation.output``, of shape (n, n_outputs); (n,) will do for one output, and
        for a binary classifier if it is the output of the second class. For instance a model's
        `predict_proba`.
    background : {ndarray, DataFrame, sparse matrix} of shape (n_background, n_columns)
        Rows whose values replace those of the explained rows. To compare explainers, pass the same
        rows for all of them, and rather not those that one of them has used itself.
    n_coalitions : int, default=100
        Number of sets of columns drawn, of sizes 1 to n_features - 1 in equal numbers, the same for
        all rows. Of sets drawn twice one is kept.
    feature_groups : mapping or list of lists, default=None
        Columns that were explained, and are replaced, together.
    batch_size : int, default=10_000
        Largest number of rows passed to `predict` at once, if `explanation` and `background` have
        no more.
    random_state : int, RandomState or None, default=None
        Seed of the sets.

    Returns
    -------
    score : float
        Between -1 and 1, higher is better. NaN if there is no row whose output changes.

    Raises
    ------
    ValueError
        If the explanation keeps no `data` or has attributions that are NaN or infinite, its
        features are not the columns of `data` (or groups of them), `background` has other columns,
        or `predict` returns something else than the outputs that the explanation explains.

    See Also
    --------
    make_explanation_scorer : The same for GridSearchCV and cross_validate.
    shapley_error : Where true attributions are known.

    Notes
    -----
    Bhatt et al. [1]_ fix the size of the sets and replace columns by one baseline. Here sizes vary,
    and the change is averaged over the background, which is the game that interventional Shapley
    values share out. Those of an additive model on the same background score 1; where columns
    interact not even exact ones do, so scores compare explanations and say little alone. To the
    sets drawn are added the empty set and that of all columns, which cost nothing and let tables of
    one and two columns be scored.

    Rows are left out only if the model's output changes with no set. If it changes and the
    explanation adds up to the same whatever the set, but for rounding, the row counts as 0: an
    explainer gains nothing by saying nothing.

    The class that the model predicts is what users ask about; other classes may hardly change. To
    score the attributions of one class alone, pass ``explanation.for_output(label)`` and a
    `predict` that returns that output.

    The model is asked for ``n * (1 + m * n_background) + n_background`` rows, where n are explained
    and m is the number of sets, at most `n_coalitions`.

    References
    ----------
    .. [1] U. Bhatt, A. Weller and J. M. F. Moura, "Evaluating and aggregating feature-based model
       explanations", IJCAI, 2020. https://doi.org/10.24963/ijcai.2020/417

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.linear_model import LinearRegression
    >>> from sklearn_metaexplain import ShapExplainer
    >>> from sklearn_metaexplain.metrics import faithfulness_score
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
    >>> explainer = ShapExplainer(LinearRegression(), background=X[:20], random_state=0)
    >>> explanation = explainer.fit(X, y).explain(X[20:25])
    >>> score = faithfulness_score(
    ...     explanation, explainer.predict, background=X[:20], random_state=0
    ... )
    >>> round(score, 6)
    1.0
    """
    model = PerturbedModel(explanation, predict, background, feature_groups, batch_size)
    random = np.random.RandomState(draw_seed(random_state))
    drawn = _distinct_sets(random, n_coalitions, explanation.values.shape[1])
    every = np.ones_like(drawn, shape=(1, drawn.shape[1]))
    replaced = np.concatenate([drawn, every, ~every])

    predictions = model.predictions[:, None]
    outputs = np.concatenate([model.without(drawn), model.without_all(), predictions], axis=1)
    sums = replaced.astype(np.float64) @ attributions_of(explanation)
    chosen = chosen_outputs(explanation)[:, None]
    sums, outputs, predictions = (
        np.take_along_axis(part, chosen, axis=2) for part in (sums, outputs, predictions)
    )
    changing = outputs_vary(outputs)
    if not changing.any():
        return float("nan")
    return float(pearson(sums, predictions - outputs)[changing].mean())


def _distinct_sets(random: np.random.RandomState, n: int, n_features: int) -> np.ndarray:
    """Draw distinct sets of some features, bool (at most n, n_features): never all of them."""
    distinct = np.unique(draw_sets(random, n, n_features), axis=0)
    return distinct[~distinct.all(axis=1)]
