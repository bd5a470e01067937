"""What scorers of explanations do when they are called."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from sklearn.utils import _safe_indexing, indexable

from sklearn_metaexplain._rows import n_rows_of
from sklearn_metaexplain.base import _unwrap, explain
from sklearn_metaexplain.masking import MaskedModel

__all__ = ["SCORER_CLASSES", "ExplainerScorer", "ExplanationAloneScorer", "ExplanationScorer"]


@dataclass(frozen=True, eq=False)
class ExplanationScorer:
    """Callable that scores a fitted explainer; see `make_explanation_scorer`.

    This one is for metrics that ask the model; those that see the explanation alone, or the
    explainer, have subclasses.

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

    # How the metric is called, for messages, and what the scorer itself passes by name.
    called_as: ClassVar[str] = "explanation, predict, background=..., feature_groups=..., "
    passed: ClassVar[tuple[str, ...]] = ("background", "feature_groups", "random_state")
    n_positional: ClassVar[int] = 2

    def __call__(self, estimator: Any, X: Any, y: Any = None) -> float:
        """Score the explanations of rows of a test fold.

        Parameters
        ----------
        estimator : fitted estimator
            An explainer, or a Pipeline that ends in one, a search over one, or a FrozenEstimator
            around one.
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            The fold.
        y : array-like of shape (n_samples,) or (n_samples, n_targets), default=None
            Targets; passed to metrics that see the explainer.

        Returns
        -------
        score : float
            Greater is better.

        Raises
        ------
        TypeError
            If there is no explainer inside.
        """
        X, y = indexable(X, y)
        # The fold and the seed alone decide, so that all candidates are judged by the same.
        order = np.random.RandomState(self.random_state).permutation(n_rows_of(X))
        score = float(self._score(estimator, X, y, order))
        return score if self.greater_is_better else -score

    def _accept_sample_weight(self) -> bool:
        # scikit-learn's searches ask each of several scorers, once `fit` is given weights.
        return False

    def _score(self, estimator: Any, X: Any, y: Any, order: np.ndarray) -> float:
        rows = _safe_indexing(X, order[: self.n_samples])
        others = _safe_indexing(X, order[-self.n_background :])
        explanation = explain(estimator, rows)
        transformers, explainer = _unwrap(estimator)
        data = _seen_by(explainer, transformers, rows)
        background = _seen_by(explainer, transformers, others)
        feature_groups = getattr(explainer, "feature_groups", None)
        ask = getattr(explainer, "_outputs_of", None)
        if ask is None:  # it explains itself
            model = MaskedModel(
                explainer, background, output=explanation.output, feature_groups=feature_groups
            )

            def ask(table: Any) -> np.ndarray:
                return model.expand_outputs(model.predict(table))

        return self.metric(
            replace(explanation, data=data),
            ask,
            background=background,
            feature_groups=feature_groups,
            random_state=self.random_state,
            **(self.metric_params or {}),
        )


class ExplanationAloneScorer(ExplanationScorer):
    """Callable that scores an explainer by a metric that sees nothing but explanations."""

    called_as = "explanation, "
    passed = ()
    n_positional = 1

    def _score(self, estimator: Any, X: Any, y: Any, order: np.ndarray) -> float:
        rows = _safe_indexing(X, order[: self.n_samples])
        return self.metric(explain(estimator, rows), **(self.metric_params or {}))


class ExplainerScorer(ExplanationScorer):
    """Callable that scores an explainer by a metric that uses it on rows of its own choice."""

    called_as = "explainer, X, y, n_samples=..., "
    passed = ("n_samples", "random_state")
    n_positional = 3

    def _score(self, estimator: Any, X: Any, y: Any, order: np.ndarray) -> float:
        return self.metric(
            estimator,
            X,
            y,
            n_samples=self.n_samples,
            random_state=self.random_state,
            **(self.metric_params or {}),
        )


# By what the metric needs.
SCORER_CLASSES = {
    "model": ExplanationScorer,
    "explanation": ExplanationAloneScorer,
    "explainer": ExplainerScorer,
}


def _seen_by(explainer: Any, transformers: list[Any], X: Any) -> Any:
    """Rows as they reach the explainer."""
    for transformer in transformers:
        X = transformer.transform(X)
    return explainer._check_table(X, reset=False)
