"""The libraries that some explainers need, imported when they are used."""

import warnings
from importlib import import_module
from typing import Any

__all__ = ["lime_tabular", "shap"]


def shap() -> Any:
    """Return the module shap."""
    return _silently("shap")


def lime_tabular() -> Any:
    """Return the module lime.lime_tabular."""
    return _silently("lime.lime_tabular")


def _silently(name: str) -> Any:
    # Their own imports use what matplotlib and others deprecate: nothing a user can act on.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return import_module(name)
