"""Models that several explainers share."""

from __future__ import annotations

from pickle import PicklingError
from typing import Any

import joblib
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline

from sklearn_metaexplain._culprits import name_culprit
from sklearn_metaexplain.posthoc import PosthocExplainer

__all__ = ["freeze_models"]


def freeze_models(explainers: dict[str, Any], X: Any, y: Any) -> dict[str, Any]:
    """Fit the models that explainers wrap, each once, and hand them out frozen.

    Parameters
    ----------
    explainers : dict of str to estimator
        Unfitted; they are left as they are.
    X, y : table of shape (n_samples, n_features) and its targets or None
        Training rows.

    Returns
    -------
    explainers : dict of str to estimator
        Unfitted clones around fitted models, with fitted steps before them in a Pipeline. Equal
        models are fitted once. Searches, and explainers that are models themselves, are clones
        that fit everything.
    """
    fitted_models: list[tuple[Any, Any]] = []
    ready = {}
    for name, explainer in explainers.items():
        model = _model_of(explainer)
        if model is None:
            ready[name] = clone(explainer)
            continue
        fitted = next((own for other, own in fitted_models if _is_equal(model, other)), None)
        if fitted is None:
            fitted = _fit(clone(model), X, y)
            fitted_models.append((model, fitted))
        ready[name] = _around(explainer, fitted)
    return ready


def _fit(model: Any, X: Any, y: Any) -> Any:
    try:
        return model.fit(X, y)
    except (TypeError, ValueError) as error:
        culprit = name_culprit(error, X, model, y)
        if culprit is error:
            raise
        raise culprit from error


def _model_of(explainer: Any) -> Any:
    """What an explainer explains, with the steps before it; None if it cannot be told apart."""
    if isinstance(explainer, PosthocExplainer):
        return explainer.estimator
    if isinstance(explainer, Pipeline):
        last = explainer.steps[-1][1]
        if isinstance(last, PosthocExplainer):
            # One name for all: make_pipeline calls the last step by the explainer's class.
            return Pipeline([*explainer.steps[:-1], ("explained model", last.estimator)])
    return None


def _around(explainer: Any, fitted: Any) -> Any:
    if isinstance(explainer, PosthocExplainer):
        return clone(explainer).set_params(estimator=_freeze(fitted))
    *before, (_, model) = fitted.steps
    steps = [(name, _freeze(step)) for name, step in before]
    name, last = explainer.steps[-1]
    return clone(explainer).set_params(steps=[*steps, (name, _around(last, model))])


def _freeze(step: Any) -> Any:
    left_out = step is None or isinstance(step, str)
    return step if left_out or isinstance(step, FrozenEstimator) else FrozenEstimator(step)


def _is_equal(one: Any, other: Any) -> bool:
    """Whether two estimators, or parameters of estimators, would do the same."""
    if one is other:
        return True
    if type(one) is not type(other):
        return False
    if isinstance(one, FrozenEstimator):
        return one.estimator is other.estimator
    if hasattr(one, "get_params") and not isinstance(one, type):
        return _is_equal(one.get_params(deep=False), other.get_params(deep=False))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_is_equal(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(_is_equal, one, other))
    try:
        return joblib.hash(one) == joblib.hash(other)
    except (PicklingError, TypeError, AttributeError):  # what cannot be hashed equals itself alone
        return False
