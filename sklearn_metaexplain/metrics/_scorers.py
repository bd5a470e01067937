"""Scorers of explanations, for cross_validate and GridSearchCV."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from inspect import signature
from numbers import Integral
from typing import Any

from sklearn.utils._param_validation import Interval, StrOptions, validate_params

from sklearn_metaexplain.metrics._adversarial import adversarial_sensitivity
from sklearn_metaexplain.metrics._complexity import effective_number, entropy, sparsity
from sklearn_metaexplain.metrics._curve_areas import deletion_auc, insertion_auc
from sklearn_metaexplain.metrics._dummies import dummy_violation
from sklearn_metaexplain.metrics._efficiency import efficiency_residual
from sklearn_metaexplain.metrics._erasure import comprehensiveness, sufficiency
from sklearn_metaexplain.metrics._faithfulness import faithfulness_score
from sklearn_metaexplain.metrics._infidelity import infidelity
from sklearn_metaexplain.metrics._monotonicity import monotonicity
from sklearn_metaexplain.metrics._prediction_gap import (
    prediction_gap_important,
    prediction_gap_unimportant,
)
from sklearn_metaexplain.metrics._robustness import local_lipschitz, max_sensitivity
from sklearn_metaexplain.metrics._scorer_classes import (
    SCORER_CLASSES,
    ExplainerScorer,
    ExplanationAloneScorer,
    ExplanationScorer,
)
from sklearn_metaexplain.metrics._stability import retraining_stability, seed_stability
from sklearn_metaexplain.metrics._symmetry import symmetry_violation

__all__ = [
    "get_explanation_scorer",
    "get_explanation_scorer_names",
    "make_explanation_scorer",
]


@validate_params(
    {
        "metric": [callable],
        "needs": [StrOptions(set(SCORER_CLASSES))],
        "greater_is_better": ["boolean"],
        "n_samples": [Interval(Integral, 1, None, closed="left")],
        "n_background": [Interval(Integral, 1, None, closed="left")],
        "random_state": [Interval(Integral, 0, 2**32 - 1, closed="both")],
        "metric_params": [Mapping, None],
    },
    prefer_skip_nested_validation=True,
)
def make_explanation_scorer(
    metric: Callable[..., float],
    *,
    needs: str = "model",
    greater_is_better: bool = True,
    n_samples: int = 50,
    n_background: int = 20,
    random_state: int = 0,
    metric_params: Mapping[str, Any] | None = None,
) -> ExplanationScorer:
    """Make a scorer of explanations from a metric.

    The scorer is for the `scoring` of cross_validate, GridSearchCV and their like. It explains rows
    of the test fold with whatever contains an explainer, and asks the model that is explained. The
    rows, the background and the seed of the metric's own draws depend on the fold and on
    `random_state` alone, never on the candidate: all candidates are judged by the same
    perturbations, and none by the background of its own choice.

    Parameters
    ----------
    metric : callable
        Called as `needs` says, returns a float. A function at the top level of a module can be
        sent to other processes (`n_jobs`).
    needs : {"model", "explanation", "explainer"}, default="model"
        How the metric is called.

        "model"
            ``metric(explanation, predict, background=..., feature_groups=..., random_state=...,
            **metric_params)``, as `faithfulness_score` is.
        "explanation"
            ``metric(explanation, **metric_params)``, as `sparsity` is.
        "explainer"
            ``metric(explainer, X, y, n_samples=..., random_state=..., **metric_params)`` with the
            whole fold, as `max_sensitivity` is.
    greater_is_better : bool, default=True
        False negates what the metric returns.
    n_samples : int, default=50
        Most rows of the fold that are explained; bounds the cost.
    n_background : int, default=20
        Most rows of the fold that replace others, where the metric needs the model. Unless the fold
        is small they are not among the explained ones.
    random_state : int, default=0
        Seed of rows, background and the metric's draws. No other kind of seed is taken, since
        candidates would be judged by different draws.
    metric_params : mapping, default=None
        Further keyword arguments of the metric, for instance ``{"n_coalitions": 50}``.

    Returns
    -------
    scorer : ExplanationScorer
        Called as ``scorer(estimator, X, y=None)``; a TypeError if there is no explainer in
        `estimator`. NaN where the metric returns NaN.

    See Also
    --------
    get_explanation_scorer : Ready-made ones.

    Notes
    -----
    Explained are the columns that reach the explainer. Candidates whose earlier steps let other
    columns through are judged by other perturbations of the same rows.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.linear_model import Ridge
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sklearn_metaexplain import LimeExplainer
    >>> from sklearn_metaexplain.metrics import faithfulness_score, make_explanation_scorer
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
    >>> scorer = make_explanation_scorer(faithfulness_score, n_samples=10)
    >>> search = GridSearchCV(
    ...     LimeExplainer(Ridge(), random_state=0), {"n_samples": [20, 500]}, cv=3,
    ...     scoring={"faithfulness": scorer, "r2": "r2"}, refit="faithfulness",
    ... ).fit(X, y)
    >>> search.best_params_
    {'n_samples': 500}
    """
    scorer_class = SCORER_CLASSES[needs]
    _check_metric_params(scorer_class, metric, metric_params)
    return scorer_class(
        metric, greater_is_better, n_samples, n_background, random_state, metric_params
    )


_SCORERS: dict[str, ExplanationScorer] = {
    "faithfulness": ExplanationScorer(faithfulness_score),
    "neg_deletion_auc": ExplanationScorer(deletion_auc, greater_is_better=False),
    "insertion_auc": ExplanationScorer(insertion_auc),
    "comprehensiveness": ExplanationScorer(comprehensiveness),
    "neg_sufficiency": ExplanationScorer(sufficiency, greater_is_better=False),
    "neg_infidelity": ExplanationScorer(infidelity, greater_is_better=False),
    "monotonicity": ExplanationScorer(monotonicity),
    "prediction_gap_important": ExplanationScorer(prediction_gap_important),
    "neg_prediction_gap_unimportant": ExplanationScorer(
        prediction_gap_unimportant, greater_is_better=False
    ),
    "neg_dummy_violation": ExplanationScorer(dummy_violation, greater_is_better=False),
    "neg_symmetry_violation": ExplanationScorer(symmetry_violation, greater_is_better=False),
    "neg_efficiency_residual": ExplanationAloneScorer(efficiency_residual, greater_is_better=False),
    "sparsity": ExplanationAloneScorer(sparsity),
    "neg_entropy": ExplanationAloneScorer(entropy, greater_is_better=False),
    "neg_effective_number": ExplanationAloneScorer(effective_number, greater_is_better=False),
    # These explain many rows for each one that is judged.
    "neg_local_lipschitz": ExplainerScorer(local_lipschitz, greater_is_better=False, n_samples=20),
    "neg_max_sensitivity": ExplainerScorer(max_sensitivity, greater_is_better=False, n_samples=20),
    "neg_adversarial_sensitivity": ExplainerScorer(
        adversarial_sensitivity, greater_is_better=False, n_samples=10
    ),
    "seed_stability": ExplainerScorer(seed_stability, n_samples=20),
    "retraining_stability": ExplainerScorer(retraining_stability, n_samples=20),
}


@validate_params({"name": [str]}, prefer_skip_nested_validation=True)
def get_explanation_scorer(name: str) -> ExplanationScorer:
    """Scorer of explanations by name.

    Parameters
    ----------
    name : str
        One of `get_explanation_scorer_names`: "faithfulness" for `faithfulness_score`, otherwise
        the metric's own name, after ``neg_`` where lower is better and the sign is turned.

    Returns
    -------
    scorer : ExplanationScorer
        Called as ``scorer(estimator, X, y=None)``.

    Raises
    ------
    ValueError
        If there is no such scorer.

    See Also
    --------
    make_explanation_scorer : From any metric, with other sizes and seeds.

    Notes
    -----
    50 rows of the fold are explained, and 20 others replace them; of metrics that use the
    explainer itself 20 rows, or 10 for "neg_adversarial_sensitivity", since they explain many for
    each. Every scorer explains for itself: a search with several takes as many times as long.

    Examples
    --------
    >>> from sklearn_metaexplain.metrics import get_explanation_scorer
    >>> get_explanation_scorer("faithfulness").n_samples
    50
    """
    if name not in _SCORERS:
        negated = f"neg_{name}"
        hint = f" Lower is better for {name!r}: {negated!r} turns its sign."
        raise ValueError(
            f"There is no explanation scorer {name!r}; there are {get_explanation_scorer_names()}."
            f"{hint if negated in _SCORERS else ''} Others are made by make_explanation_scorer."
        )
    return _SCORERS[name]


def get_explanation_scorer_names() -> list[str]:
    """Names that `get_explanation_scorer` knows.

    Returns
    -------
    names : list of str
        Sorted.

    Examples
    --------
    >>> from sklearn_metaexplain.metrics import get_explanation_scorer_names
    >>> get_explanation_scorer_names()[:3]
    ['comprehensiveness', 'faithfulness', 'insertion_auc']
    """
    return sorted(_SCORERS)


def _check_metric_params(
    scorer_class: type[ExplanationScorer],
    metric: Callable[..., float],
    metric_params: Mapping[str, Any] | None,
) -> None:
    given = dict.fromkeys(scorer_class.passed)
    repeated = sorted(set(given) & set(metric_params or {}))
    if repeated:
        raise ValueError(f"metric_params must not set {repeated}: the scorer passes them.")
    positional = [None] * scorer_class.n_positional
    try:
        signature(metric).bind(*positional, **given, **(metric_params or {}))
    except TypeError as error:
        name = getattr(metric, "__name__", type(metric).__name__)
        needs = next(kind for kind, each in SCORER_CLASSES.items() if each is scorer_class)
        raise TypeError(
            f"{name} cannot be called as metric({scorer_class.called_as}**metric_params), which is "
            f"what needs={needs!r} stands for: {error}."
        ) from error
