"""Explanations of tabular models as scikit-learn estimators."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from sklearn_metaexplain._explanation import Explanation
from sklearn_metaexplain.base import ExplainerMixin, explain, is_explainer

if TYPE_CHECKING:
    from sklearn_metaexplain.posthoc import (
        LimeExplainer,
        LoggedExplainer,
        MetaExplainer,
        ShapExplainer,
    )
    from sklearn_metaexplain.selfexplaining import (
        AttentionClassifier,
        MatchingClassifier,
        PrototypeClassifier,
    )

__version__ = "0.1.0"

__all__ = [
    "AttentionClassifier",
    "ExplainerMixin",
    "Explanation",
    "LimeExplainer",
    "LoggedExplainer",
    "MatchingClassifier",
    "MetaExplainer",
    "PrototypeClassifier",
    "ShapExplainer",
    "explain",
    "is_explainer",
]

# Resolved on first use: importing them imports torch.
_LAZY = {
    "AttentionClassifier": "sklearn_metaexplain.selfexplaining",
    "LimeExplainer": "sklearn_metaexplain.posthoc",
    "LoggedExplainer": "sklearn_metaexplain.posthoc",
    "MatchingClassifier": "sklearn_metaexplain.selfexplaining",
    "MetaExplainer": "sklearn_metaexplain.posthoc",
    "PrototypeClassifier": "sklearn_metaexplain.selfexplaining",
    "ShapExplainer": "sklearn_metaexplain.posthoc",
}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
