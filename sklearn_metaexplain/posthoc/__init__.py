"""Explainers around any classifier or regressor, and of logged outputs."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from sklearn_metaexplain.posthoc._base import PosthocExplainer

if TYPE_CHECKING:
    from sklearn_metaexplain.posthoc._lime import LimeExplainer
    from sklearn_metaexplain.posthoc._logged import LoggedExplainer
    from sklearn_metaexplain.posthoc._meta import MetaExplainer
    from sklearn_metaexplain.posthoc._shap import ShapExplainer

__all__ = [
    "LimeExplainer",
    "LoggedExplainer",
    "MetaExplainer",
    "PosthocExplainer",
    "ShapExplainer",
]

# Resolved on first use, so that one explainer does not pay for the imports of another.
_LAZY = {
    "LimeExplainer": "sklearn_metaexplain.posthoc._lime",
    "LoggedExplainer": "sklearn_metaexplain.posthoc._logged",
    "MetaExplainer": "sklearn_metaexplain.posthoc._meta",
    "ShapExplainer": "sklearn_metaexplain.posthoc._shap",
}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
