"""How an explainer is found inside Pipelines, searches and FrozenEstimators."""

from dataclasses import replace
from typing import Any

import pandas as pd
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection._search import BaseSearchCV
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags

from sklearn_metaexplain._explanation import Explanation
from sklearn_metaexplain._rows import are_reordered

__all__ = ["_unwrap", "explain", "is_explainer"]


def is_explainer(obj: Any) -> bool:
    """Whether `explain` takes an object.

    Parameters
    ----------
    obj : object
        An estimator, or a Pipeline, search or FrozenEstimator around one, nested at will.

    Returns
    -------
    answer : bool
        True for explainers, fitted or not.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from sklearn_metaexplain import is_explainer
    >>> is_explainer(Ridge())
    False
    """
    return _has_explainer_tags(_unwrap(obj)[1])


def explain(obj: Any, X: Any, **params: Any) -> Explanation:
    """Explain with whatever contains an explainer.

    Parameters
    ----------
    obj : fitted estimator
        An explainer, or a Pipeline that ends in one, a search over one, or a FrozenEstimator
        around one, nested at will.
    X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
        Rows to explain. Earlier steps of a Pipeline transform them.
    **params : dict
        Options of the explainer's own `explain`.

    Returns
    -------
    explanation : Explanation
        Of the columns that reach the explainer, under the names that the steps before it give
        them; `data` is what the explainer saw.

    Raises
    ------
    TypeError
        If there is no explainer inside.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sklearn_metaexplain import ShapExplainer, explain
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> explainer = ShapExplainer(LogisticRegression(), background=10, random_state=0)
    >>> pipeline = make_pipeline(StandardScaler(), explainer).fit(X, y)
    >>> explain(pipeline, X[:3])
    Explanation(3 rows, 4 features, outputs 0, 1, 2 in probability)
    """
    transformers, explainer = _unwrap(obj)
    if not _has_explainer_tags(explainer):
        raise TypeError(
            f"{_described(obj)} is not an explainer. Wrap the model, as in "
            "MetaExplainer(model).fit(X, y), or, if it is fitted and must stay so, as in "
            "MetaExplainer(FrozenEstimator(model)).fit(X)."
        )
    _check_refitted(obj)
    index = X.index if isinstance(X, pd.DataFrame) else None
    names = getattr(obj, "feature_names_in_", None)
    for transformer in transformers:
        X = transformer.transform(X)
        names = _names_after(transformer, names)
    explanation = explainer.explain(X, **params)
    changes: dict[str, Any] = {}
    if transformers and names is not None and not hasattr(explainer, "feature_names_in_"):
        changes["feature_names"] = explainer._attributed_names(names)
    if transformers and _has_lost(explanation, index):
        changes["index"] = index
    return replace(explanation, **changes) if changes else explanation


def _has_lost(explanation: Explanation, index: pd.Index | None) -> bool:
    """Whether rows are to be called again as they were before the steps of a Pipeline."""
    if index is None or len(index) != len(explanation):
        return False
    ours = explanation.index
    # Numbers from 0 on are what a step that resets the index leaves.
    if ours is None or ours.equals(pd.RangeIndex(len(ours))):
        return True
    # A step that puts rows in another order has taken their labels along.
    return not (ours.equals(index) or are_reordered(ours, index))


def _unwrap(obj: Any) -> tuple[list[Any], Any]:
    """Find the final estimator and the transformers on the way to it.

    Pipelines lead to their last step, searches to `best_estimator_` (`estimator` before fit),
    FrozenEstimators to what they freeze.
    """
    transformers: list[Any] = []
    while True:
        if isinstance(obj, FrozenEstimator):
            obj = obj.estimator
        elif isinstance(obj, Pipeline):
            steps = [step for _, step in obj.steps]
            transformers += [s for s in steps[:-1] if s is not None and not isinstance(s, str)]
            obj = steps[-1]
        elif isinstance(obj, BaseSearchCV) or hasattr(obj, "best_estimator_"):
            obj = obj.best_estimator_ if hasattr(obj, "best_estimator_") else obj.estimator
        else:
            return transformers, obj


def _check_refitted(obj: Any) -> None:
    while isinstance(obj, (FrozenEstimator, Pipeline)):
        obj = obj.estimator if isinstance(obj, FrozenEstimator) else obj.steps[-1][1]
    if hasattr(obj, "cv_results_") and not hasattr(obj, "best_estimator_"):
        raise ValueError(
            f"{type(obj).__name__} was fitted with refit=False and has no best_estimator_ to "
            "explain with; set refit."
        )


def _has_explainer_tags(obj: Any) -> bool:
    if isinstance(obj, type) or not hasattr(obj, "__sklearn_tags__"):
        return False
    return getattr(get_tags(obj), "explainer_tags", None) is not None


def _names_after(transformer: Any, names: Any) -> Any:
    try:
        return transformer.get_feature_names_out(names)
    except (AttributeError, TypeError, ValueError):  # it names nothing, or not in this way
        return None


def _described(obj: Any) -> str:
    final = _unwrap(obj)[1]
    name = final.__name__ if isinstance(final, type) else type(final).__name__
    return name if final is obj else f"{name} inside {type(obj).__name__}"
