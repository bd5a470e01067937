"""The model's output as columns are removed or inserted in the order of their attributions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.metrics import auc
from sklearn.utils._param_validation import Interval, StrOptions, validate_params

from sklearn_metaexplain._explanation import Explanation
from sklearn_metaexplain._validation import draw_seed
from sklearn_metaexplain.masking._players import FeatureGroups
from sklearn_metaexplain.metrics._outputs import chosen_outputs, of_outputs
from sklearn_metaexplain.metrics._perturbed import MODEL_METRIC_CONSTRAINTS, PerturbedModel
from sklearn_metaexplain.metrics._ranking import rank_features

__all__ = ["CURVE_CONSTRAINTS", "PerturbationCurve", "perturbation_curve"]


@dataclass(frozen=True, eq=False)
class PerturbationCurve:
    """What `perturbation_curve` returns.

    Parameters
    ----------
    fractions : ndarray of shape (n_points,)
        Share of the features that were removed ("deletion") or inserted ("insertion"), from 0 to 1.
    row_outputs : ndarray of shape (n_samples, n_points)
        The model's output for each row, a mean over the background.
    order : {"deletion", "insertion"}
        What was done.

    Attributes
    ----------
    outputs : ndarray of shape (n_points,)
        Mean of `row_outputs` over the rows.
    row_aucs : ndarray of shape (n_samples,)
        Area under each row's curve.
    auc : float
        Area under `outputs`.
    """

    fractions: np.ndarray
    row_outputs: np.ndarray
    order: str

    @property
    def outputs(self) -> np.ndarray:
        """Mean output of the rows, ndarray of shape (n_points,)."""
        return self.row_outputs.mean(axis=0)

    @property
    def row_aucs(self) -> np.ndarray:
        """Area under each row's curve, ndarray of shape (n_samples,)."""
        return np.array([auc(self.fractions, outputs) for outputs in self.row_outputs])

    @property
    def auc(self) -> float:
        """Area under the mean curve by the trapezoidal rule, in the units of the output."""
        return float(auc(self.fractions, self.outputs))


CURVE_CONSTRAINTS = {
    **MODEL_METRIC_CONSTRAINTS,
    "n_steps": [Interval(Integral, 1, None, closed="left"), None],
}


@validate_params(
    {**CURVE_CONSTRAINTS, "order": [StrOptions({"deletion", "insertion"})]},
    prefer_skip_nested_validation=True,
)
def perturbation_curve(
    explanation: Explanation,
    predict: Callable[[Any], Any],
    *,
    background: Any,
    order: str = "deletion",
    n_steps: int | None = None,
    feature_groups: FeatureGroups = None,
    batch_size: int = 10_000,
    random_state: Any = None,
) -> PerturbationCurve:
    """Follow the model's output as columns are removed or inserted by their attributions.

    In each row, the columns that speak most for the output come first: for the class that the
    model predicts for the row, or for a high target. "deletion" starts from the row and takes them
    from background rows one after the other; "insertion" starts from background rows and gives
    them the row's values. Outputs are means over the background.

    Parameters
    ----------
    explanation : Explanation
        What is judged. Its `data` are the rows in the columns that the model takes.
    predict : callable
        Called with tables of the kind of ``explanation.data``, returns the model's outputs, in the
        units of ``explanation.output``, see `faithfulness_score`.
    background : {ndarray, DataFrame, sparse matrix} of shape (n_background, n_columns)
        Rows whose values replace those of the explained rows.
    order : {"deletion", "insertion"}, default="deletion"
        Whether columns are removed or inserted.
    n_steps : int, default=None
        Number of steps in which all columns are moved, of sizes as equal as possible. None: one
        column a step.
    feature_groups : mapping or list of lists, default=None
        Columns that were explained, and are replaced, together.
    batch_size : int, default=10_000
        Largest number of rows passed to `predict` at once, if `explanation` and `background` have
        no more.
    random_state : int, RandomState or None, default=None
        Seed by which equal attributions are ordered.

    Returns
    -------
    curve : PerturbationCurve
        With `fractions`, mean `outputs`, `row_outputs` and their area `auc`.

    Raises
    ------
    ValueError
        If the tables do not fit, or `predict` returns something else than the outputs that the
        explanation explains, as in `faithfulness_score`.

    See Also
    --------
    deletion_auc : Area under the curve of deletion.
    insertion_auc : Area under the curve of insertion.

    Notes
    -----
    Petsiuk et al. [1]_ replace the pixels of an image by a constant; here columns are replaced by
    those of background rows, which leaves tables with strings, categories and missing values
    intact. A regressor with several targets has a curve for each, and their mean is returned.

    The model is asked for ``n * (1 + (m - 1) * n_background) + n_background`` rows for m steps and
    one target.

    References
    ----------
    .. [1] V. Petsiuk, A. Das and K. Saenko, "RISE: Randomized input sampling for explanation of
       black-box models", BMVC, 2018 ("causal metric"). https://arxiv.org/abs/1806.07421

    Examples
    --------
    A sum of three columns, explained exactly:

    >>> import numpy as np
    >>> from sklearn_metaexplain import Explanation
    >>> from sklearn_metaexplain.metrics import perturbation_curve
    >>> X = np.array([[1.0, 4.0, 3.0]])
    >>> explanation = Explanation(
    ...     X[:, :, None], [0.0], [[8.0]], data=X, feature_names=["a", "b", "c"],
    ...     output_names=["y"], output="raw", n_evaluations=0,
    ... )
    >>> curve = perturbation_curve(
    ...     explanation, lambda table: table.sum(axis=1), background=np.zeros((1, 3))
    ... )
    >>> curve.outputs
    array([8., 4., 1., 0.])
    >>> round(curve.auc, 6)
    3.0
    """
    model = PerturbedModel(explanation, predict, background, feature_groups, batch_size)
    random = np.random.RandomState(draw_seed(random_state))
    n_features = explanation.values.shape[1]
    n_steps = n_features if n_steps is None else min(n_steps, n_features)
    counts = np.linspace(0, n_features, n_steps + 1).round().astype(int)
    of_background = model.without_all()
    curves = []
    for outputs in chosen_outputs(explanation).T:
        ranks = rank_features(of_outputs(explanation.values, outputs), random)[:, None]
        removed = ranks < counts[1:-1, None]  # the ends are known
        known = model.predictions[:, None], of_background
        if order == "insertion":
            removed, known = ~removed, known[::-1]
        points = np.concatenate([known[0], model.without(removed), known[1]], axis=1)
        curves.append(of_outputs(points, outputs))
    return PerturbationCurve(counts / n_features, np.mean(curves, axis=0), order)
