"""Scorers of explanations, for cross_validate and GridSearchCV."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from inspect import signature
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.utils import _safe_indexing, indexable
from sklearn.utils._param_validation import Interval, validate_params
from sklearn.utils.validation import _num_samples

from sklearn_metaexplain.base import _unwrap, explain
from sklearn_metaexplain.masking import MaskedModel
from sklearn_metaexplain.metrics._faithfulness import faithfulness_score

__all__ = [
    "get_explanation_scorer",
    "get_explanation_scorer_names",
    "make_explanation_scorer",
]


@dataclass(frozen=True, eq=False)
class ExplanationScorer:
    """Callable that scores the explanations of a fitted explainer; see `make_explanation_scorer`.

    Parameters
    ----------
    metric : callable
        What judges an explanation.
    greater_is_better : bool, default=True
        Whether the metric's sign is kept.
    n_samples : int, default=50
        Most rows explained.
    n_background : int, default=20
        Most rows whose values replace those of explained rows.
    random_state : int, default=0
        Seed of rows, background and what the metric draws.
    metric_params : mapping, default=None
        Further keyword arguments of the metric.
    """

    metric: Callable[..., float]
    greater_is_better: bool = True
    n_samples: int = 50
    n_background: int = 20
    random_state: int = 0
    metric_params: Mapping[str, Any] | None = None

    def __call__(self, estimator: Any, X: Any, y: Any = None) -> float:
        """Score the explanations of rows of a test fold.

        Parameters
        ----------
        estimator : fitted estimator
            An explainer, or a Pipeline that ends in one, a search over one, or a FrozenEstimator
            around one.
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            The fold.
        y : object, default=None
            Not used.

        Returns
        -------
        score : float
            Greater is better.

        Raises
        ------
        TypeError
            If there is no explainer inside.
        """
        (X,) = indexable(X)
        # The fold and the seed alone decide, so that all candidates are judged by the same.
        order = np.random.RandomState(self.random_state).permutation(_num_samples(X))
        rows = _safe_indexing(X, order[: self.n_samples])
        others = _safe_indexing(X, order[-self.n_background :])

        explanation = explain(estimator, rows)
        transformers, explainer = _unwrap(estimator)
        data = _seen_by(explainer, transformers, rows)
        background = _seen_by(explainer, transformers, others)
        feature_groups = getattr(explainer, "feature_groups", None)
        model = getattr(explainer, "_masked_model_", None)
        if model is None:  # it explains itself
            model = MaskedModel(
                explainer, background, output=explanation.output, feature_groups=feature_groups
            )
        score = self.metric(
            replace(explanation, data=data),
            lambda table: model.expand_outputs(model.predict(table)),
            background=background,
            feature_groups=feature_groups,
            random_state=self.random_state,
            **(self.metric_params or {}),
        )
        return float(score) if self.greater_is_better else -float(score)


@validate_params(
    {
        "metric": [callable],
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
        Called as ``metric(explanation, predict, background=..., feature_groups=...,
        random_state=..., **metric_params)``, as `faithfulness_score` is, returns a float. A
        function at the top level of a module can be sent to other processes (`n_jobs`).
    greater_is_better : bool, default=True
        False negates what the metric returns.
    n_samples : int, default=50
        Most rows of the fold that are explained; bounds the cost.
    n_background : int, default=20
        Most rows of the fold that replace others. Unless the fold is small they are not among the
        explained ones.
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
    _check_metric_params(metric, metric_params)
    return ExplanationScorer(
        metric, greater_is_better, n_samples, n_background, random_state, metric_params
    )


_SCORERS = {"faithfulness": ExplanationScorer(faithfulness_score)}


@validate_params({"name": [str]}, prefer_skip_nested_validation=True)
def get_explanation_scorer(name: str) -> ExplanationScorer:
    """Scorer of explanations by name.

    Parameters
    ----------
    name : str
        One of `get_explanation_scorer_names`. "faithfulness" is `faithfulness_score` on 50 rows
        against 20 others.

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

    Examples
    --------
    >>> from sklearn_metaexplain.metrics import get_explanation_scorer
    >>> get_explanation_scorer("faithfulness").n_samples
    50
    """
    if name not in _SCORERS:
        raise ValueError(
            f"There is no explanation scorer {name!r}; there are {get_explanation_scorer_names()}. "
            "Others are made by make_explanation_scorer."
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
    >>> get_explanation_scorer_names()
    ['faithfulness']
    """
    return sorted(_SCORERS)


def _seen_by(explainer: Any, transformers: list[Any], X: Any) -> Any:
    """Rows as they reach the explainer."""
    for transformer in transformers:
        X = transformer.transform(X)
    return explainer._check_table(X, reset=False)


def _check_metric_params(
    metric: Callable[..., float], metric_params: Mapping[str, Any] | None
) -> None:
    given = dict.fromkeys(["background", "feature_groups", "random_state"])
    repeated = sorted(set(given) & set(metric_params or {}))
    if repeated:
        raise ValueError(f"metric_params must not set {repeated}: the scorer passes them.")
    try:
        signature(metric).bind(None, None, **given, **(metric_params or {}))
    except TypeError as error:
        name = getattr(metric, "__name__", type(metric).__name__)
        raise TypeError(
            f"{name} cannot be called as metric(explanation, predict, background=..., "
            f"feature_groups=..., random_state=..., **metric_params): {error}."
        ) from error
