"""What Displays of an Explanation have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from sklearn_metaexplain.base import explain

__all__ = ["ExplanationDisplay"]


class ExplanationDisplay:
    """Mixin of Displays that are made from an Explanation."""

    # Each Display names parameters of its own.
    from_explanation: ClassVar[Callable[..., Any]]

    @classmethod
    def from_explainer(
        cls,
        explainer: Any,
        X: Any,
        *,
        explain_params: Mapping[str, Any] | None = None,
        **params: Any,
    ) -> Any:
        """Explain rows and draw the explanation.

        Parameters
        ----------
        explainer : fitted estimator
            An explainer, or a Pipeline, search or FrozenEstimator around one.
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Rows to explain.
        explain_params : mapping, default=None
            Options of the explainer's `explain`.
        **params : dict
            Parameters of `from_explanation`.

        Returns
        -------
        display : object
            The Display, drawn.
        """
        return cls.from_explanation(explain(explainer, X, **(explain_params or {})), **params)
