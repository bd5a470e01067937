"""Squared error of attributions as predictions of what perturbations do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.utils._param_validation import validate_params

from sklearn_metaexplain._explanation import Explanation
from sklearn_metaexplain._validation import draw_seed
from sklearn_metaexplain.masking._players import FeatureGroups
from sklearn_metaexplain.metrics._outputs import chosen_outputs
from sklearn_metaexplain.metrics._perturbed import (
    COALITION_METRIC_CONSTRAINTS,
    PerturbedModel,
    draw_sets,
)

__all__ = ["infidelity"]


@validate_params(COALITION_METRIC_CONSTRAINTS, prefer_skip_nested_validation=True)
def infidelity(
    explanation: Explanation,
    predict: Callable[[Any], Any],
    *,
    background: Any,
    n_coalitions: int = 100,
    feature_groups: FeatureGroups = None,
    batch_size: int = 10_000,
    random_state: Any = None,
) -> float:
    """Mean squared error of attributions as a prediction of the output's change.

    For random sets of columns, the sum of their attributions is compared with the change of the
    model's output when the columns are replaced by values of background rows: the mean change over
    the background. Of the class that the model predicts for the row, or of each target.

    Parameters
    ----------
    explanation : Explanation
        What is judged. Its `data` are the rows in the columns that the model takes.
    predict : callable
        Called with tables of the kind of ``explanation.data``, returns the model's outputs, in the
        units of ``explanation.output``, see `faithfulness_score`.
    background : {ndarray, DataFrame, sparse matrix} of shape (n_background, n_columns)
        Rows whose values replace those of the explained rows.
    n_coalitions : int, default=100
        Number of sets of columns drawn, the same for all rows.
    feature_groups : mapping or list of lists, default=None
        Columns that were explained, and are replaced, together.
    batch_size : int, default=10_000
        Largest number of rows passed to `predict` at once, if `explanation` and `background` have
        no more.
    random_state : int, RandomState or None, default=None
        Seed of the sets.

    Returns
    -------
    error : float
        In squared units of the output, not negative, lower is better.

    Raises
    ------
    ValueError
        If the tables do not fit, or `predict` returns something else than the outputs that the
        explanation explains, as in `faithfulness_score`.

    See Also
    --------
    faithfulness_score : The correlation instead of the error, free of units.
    shapley_error : Where true attributions are known.

    Notes
    -----
    Equation 1 of Yeh et al. [1]_ is the expectation of ``(I @ phi - (f(x) - f(x - I))) ** 2`` over
    perturbations I. Here f is the model's mean output over the background as a function of the
    columns that are kept, ones for kept and zeros for replaced; x is all ones; and I is the
    indicator of a set of columns whose size is uniform on 1 to n_features - 1 (the column itself
    if there is one only) and whose members are uniform given the size. Attributions are thus taken
    for contributions, not for gradients. Shapley values of an additive model have no error; where
    columns interact, no attributions are without.

    References
    ----------
    .. [1] C.-K. Yeh et al., "On the (in)fidelity and sensitivity of explanations", NeurIPS, 2019.
       https://arxiv.org/abs/1901.09392

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_metaexplain import Explanation
    >>> from sklearn_metaexplain.metrics import infidelity
    >>> X = np.array([[1.0, 4.0, 3.0]])
    >>> explanation = Explanation(
    ...     X[:, :, None], [0.0], [[8.0]], data=X, feature_names=["a", "b", "c"],
    ...     output_names=["y"], output="raw", n_evaluations=0,
    ... )
    >>> infidelity(
    ...     explanation, lambda table: table.sum(axis=1), background=np.zeros((1, 3)),
    ...     random_state=0,
    ... )
    0.0
    """
    model = PerturbedModel(explanation, predict, background, feature_groups, batch_size)
    random = np.random.RandomState(draw_seed(random_state))
    drawn = draw_sets(random, n_coalitions, explanation.values.shape[1])
    sets, counts = np.unique(drawn, axis=0, return_counts=True)
    changes = model.predictions[:, None] - model.without(sets)
    errors = np.square(sets.astype(np.float64) @ explanation.values - changes)
    of_chosen = np.take_along_axis(errors, chosen_outputs(explanation)[:, None], axis=2)
    return float(np.average(of_chosen, axis=1, weights=counts).mean())
