"""Estimators whose fit is all or nothing."""

from __future__ import annotations

__all__ = ["CompleteFitMixin"]


class CompleteFitMixin:
    """Mixin of estimators that are fitted once their `fit` has come to its end.

    `fit` sets `_is_complete` to False first and to True last: one that fails leaves no estimator
    that answers with attributes of several fits.
    """

    _is_complete = False

    def __sklearn_is_fitted__(self) -> bool:
        return self._is_complete
