"""Whether larger attributions go with larger effects of single columns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.utils._param_validation import validate_params

from sklearn_metaexplain._explanation import Explanation
from sklearn_metaexplain.base import sizes_of
from sklearn_metaexplain.masking._players import FeatureGroups
from sklearn_metaexplain.metrics._outputs import (
    ROUNDING,
    attributions_of,
    chosen_outputs,
    explains_classifier,
    mean_over_chosen,
    of_outputs,
    without_rounding,
)
from sklearn_metaexplain.metrics._perturbed import MODEL_METRIC_CONSTRAINTS, PerturbedModel
from sklearn_metaexplain.metrics._ranking import spearman

__all__ = ["monotonicity"]


@validate_params(MODEL_METRIC_CONSTRAINTS, prefer_skip_nested_validation=True)
def monotonicity(
    explanation: Explanation,
    predict: Callable[[Any], Any],
    *,
    background: Any,
    feature_groups: FeatureGroups = None,
    batch_size: int = 10_000,
    random_state: Any = None,
) -> float:
    """Rank correlation of attributions' sizes with what single columns do to the output.

    What a column does is the mean absolute change of the output when it alone is replaced by the
    value of each background row. Spearman's correlation with absolute attributions is taken in
    each row, of the class that the model predicts for the row, or of each target of a regressor,
    and averaged.

    Parameters
    ----------
    explanation : Explanation
        What is judged. Its `data` are the rows in the columns that the model takes.
    predict : callable
        Called with tables of the kind of ``explanation.data``, returns the model's outputs, in the
        units of ``explanation.output``, see `faithfulness_score`.
    background : {ndarray, DataFrame, sparse matrix} of shape (n_background, n_columns)
        Rows whose values replace those of the explained rows.
    feature_groups : mapping or list of lists, default=None
        Columns that were explained, and are replaced, together.
    batch_size : int, default=10_000
        Largest number of rows passed to `predict` at once, if `explanation` and `background` have
        no more.
    random_state : int, RandomState or None, default=None
        Not used, present for API consistency by convention: nothing is drawn.

    Returns
    -------
    score : float
        Between -1 and 1, higher is better. Attributions that are all equal count as 0, rows in
        which all columns do the same are left out; NaN if none remains.

    Raises
    ------
    ValueError
        If the tables do not fit, or `predict` returns something else than the outputs that the
        explanation explains, as in `faithfulness_score`.

    See Also
    --------
    faithfulness_score : For sets of columns, with signs.
    rank_agreement : Against true attributions.

    Notes
    -----
    This is the monotonicity of Nguyen and Martínez [1]_ with the absolute error as loss, not the
    one of Arya et al. (2019), which asks whether the output rises with every column that is added.
    Columns that act only together show little when replaced alone; and a column whose value is
    near the background's mean has a small Shapley value, though single background rows move the
    output. Even exact attributions of an additive model can score less than 1.

    Columns share the lowest rank if what they do is no more than rounding: at most 1e-13 of the
    output, or 1e-10 of what the column does that does most to the row. So do attributions that
    are as small. Outputs should be in double precision.

    References
    ----------
    .. [1] A. Nguyen and M. R. Martínez, "On quantitative aspects of model interpretability", 2020.
       https://arxiv.org/abs/2007.07584

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_metaexplain import Explanation
    >>> from sklearn_metaexplain.metrics import monotonicity
    >>> X = np.array([[1.0, 4.0, 3.0]])
    >>> explanation = Explanation(
    ...     X[:, :, None], [0.0], [[8.0]], data=X, feature_names=["a", "b", "c"],
    ...     output_names=["y"], output="raw", n_evaluations=0,
    ... )
    >>> score = monotonicity(
    ...     explanation, lambda table: table.sum(axis=1), background=np.zeros((1, 3))
    ... )
    >>> round(score, 6)
    1.0
    """
    model = PerturbedModel(explanation, predict, background, feature_groups, batch_size)
    alone = np.eye(explanation.values.shape[1], dtype=bool)
    effects = model.gaps(alone)
    sizes = sizes_of(explanation, share_classes=explains_classifier(explanation))
    # Columns that do nothing have one rank, though the last digits of outputs may change. Effects
    # are cut where attributions are, lest exact ones be told apart from them.
    effects = _without_negligible(without_rounding(effects, sizes))
    attributions = _without_negligible(np.abs(attributions_of(explanation)))
    scores = [
        spearman(of_outputs(effects, outputs), of_outputs(attributions, outputs))
        for outputs in chosen_outputs(explanation).T
    ]
    return mean_over_chosen(np.concatenate(scores))


def _without_negligible(changes: np.ndarray) -> np.ndarray:
    """Make changes (n_samples, n_features, n_outputs) zero that are nothing beside the largest.

    A model may round more than its outputs show, where large terms cancel in them.
    """
    return np.where(changes > ROUNDING * changes.max(axis=1, keepdims=True), changes, 0.0)
