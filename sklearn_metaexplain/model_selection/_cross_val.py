"""Explanations of rows that the model has not seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
from sklearn import get_config
from sklearn.base import clone, is_classifier
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import check_cv
from sklearn.pipeline import Pipeline
from sklearn.utils import Bunch, indexable
from sklearn.utils._param_validation import HasMethods, validate_params
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing
from sklearn.utils.metaestimators import _safe_split
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import _check_method_params

from sklearn_metaexplain._explanation import Explanation
from sklearn_metaexplain._rows import n_rows_of
from sklearn_metaexplain.base import explain, is_explainer
from sklearn_metaexplain.model_selection._folds import join_folds

__all__ = ["cross_val_explain"]


@validate_params(
    {
        "explainer": [HasMethods("fit")],
        "X": ["array-like", "sparse matrix"],
        "y": ["array-like", "sparse matrix", None],
        "groups": ["array-like", None],
        "cv": ["cv_object"],
        "n_jobs": [Integral, None],
        "verbose": ["verbose"],
        "params": [Mapping, None],
        "explain_params": [Mapping, None],
        "pre_dispatch": [Integral, str, None],
    },
    prefer_skip_nested_validation=False,  # the explainer is validated by its own fit
)
def cross_val_explain(
    explainer: Any,
    X: Any,
    y: Any = None,
    *,
    groups: Any = None,
    cv: Any = None,
    n_jobs: int | None = None,
    verbose: int = 0,
    params: Mapping[str, Any] | None = None,
    explain_params: Mapping[str, Any] | None = None,
    pre_dispatch: int | str | None = "2*n_jobs",
) -> Explanation:
    """Explain every row by an explainer that was fitted without it.

    What `sklearn.model_selection.cross_val_predict` does for predictions: the data are split by
    `cv`, a clone of the explainer is fitted on each training part, and explains the rows of the
    test part. The explanations are put together in the order of `X`.

    Parameters
    ----------
    explainer : estimator
        An explainer, or a Pipeline that ends in one, a search over one, or a FrozenEstimator around
        one, nested at will. It is cloned; only the clones are fitted.
    X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
        Rows to explain, as the explainer takes them.
    y : array-like of shape (n_samples,) or (n_samples, n_targets), default=None
        Targets; needed where the model needs them.
    groups : array-like of shape (n_samples,), default=None
        Group labels of the rows, for a `cv` such as GroupKFold. With metadata routing enabled they
        are passed in `params` instead.
    cv : int, cross-validation generator or iterable, default=None
        How the rows are split; each must be in exactly one test part. None: 5 folds; an int: so
        many, stratified for classifiers, without shuffling.
    n_jobs : int, default=None
        Number of folds that are fitted and explained in parallel.
    verbose : int, default=0
        Verbosity of joblib.
    params : mapping of str to object, default=None
        Passed to the `fit` of the explainer, such as `sample_weight`, of which each fold gets its
        own rows; or routed, also to `cv`, if metadata routing is enabled.
    explain_params : mapping of str to object, default=None
        Options of the explainer's own `explain`, such as ``{"budget": 100}``. Of an array-like with
        as many entries as `X` has rows, such as the `outputs` of a `LoggedExplainer`, each fold
        gets those of its test part.
    pre_dispatch : int or str, default="2*n_jobs"
        Number of jobs dispatched at once, see `cross_val_predict`.

    Returns
    -------
    explanation : Explanation
        Of all rows of `X`, in their order and with their index. `base_values` are those of the
        fold: other folds have other models and backgrounds. `std` and the entries of `support` are
        there where all folds have them, in equal shapes. The positions of training rows in
        ``support["prototypes"]`` are positions in `X`.

    Raises
    ------
    TypeError
        If there is no explainer inside.
    ValueError
        If the test parts of `cv` do not hold each row exactly once, the folds explain other columns
        or outputs than each other, or classes are absent from a fold whose decision function is
        explained.

    See Also
    --------
    sklearn_metaexplain.explain : Explain with what is fitted already.
    sklearn.model_selection.cross_val_predict : The same for predictions.

    Notes
    -----
    A class that is absent from the training part of a fold is aligned by its label. As
    `cross_val_predict` has it, the fold's probability of the class is 0 and a RuntimeWarning is
    given. Its base value is 0 and so are its attributions: a model that never says the class says
    so whatever the columns hold. In log odds the base value and the prediction are those of
    probability 0 as the package clips it, about -13.8. A decision function has no such value, hence
    the ValueError. What `LimeExplainer` says of its local models is NaN for the class.

    A FrozenEstimator inside the explainer is not fitted again: background and surrogate come from
    the training part, but the model may have seen the row. A FrozenEstimator around a fitted
    explainer is used as it is in every fold.

    An explainer inside a Pipeline explains the columns that reach it. Where steps before it learn
    which columns those are (one-hot encoding, selection), folds may disagree; an explainer around
    the Pipeline explains the columns of `X` and cannot.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_metaexplain import ShapExplainer
    >>> from sklearn_metaexplain.model_selection import cross_val_explain
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> explainer = ShapExplainer(LogisticRegression(), background=20, random_state=0)
    >>> explanation = cross_val_explain(explainer, X[::5], y[::5], cv=3)
    >>> explanation
    Explanation(30 rows, 4 features, outputs 0, 1, 2 in probability)
    >>> explanation.index.equals(X[::5].index)
    True
    """
    if not is_explainer(explainer):
        raise TypeError(
            f"{type(explainer).__name__} is not an explainer, nor a Pipeline, search or "
            "FrozenEstimator around one; wrap the model, as in MetaExplainer(model)."
        )
    X, y = indexable(X, y)
    routed = _route(explainer, cv, groups, params)
    splitter = check_cv(cv, y, classifier=is_classifier(explainer))
    splits = list(splitter.split(X, y, **routed.splitter.split))
    order = _check_partition([test for _, test in splits], n_rows_of(X))

    parallel = Parallel(n_jobs=n_jobs, verbose=verbose, pre_dispatch=pre_dispatch)
    explanations = parallel(
        delayed(_fit_and_explain)(
            clone(explainer), X, y, train, test, routed.estimator.fit, dict(explain_params or {})
        )
        for train, test in splits
    )
    index = X.index if isinstance(X, pd.DataFrame) else None
    return join_folds(explanations, order, index)


def _route(explainer: Any, cv: Any, groups: Any, params: Mapping[str, Any] | None) -> Bunch:
    """What goes to ``splitter.split`` and what to ``estimator.fit``."""
    params = dict(params or {})
    if not get_config()["enable_metadata_routing"]:
        return Bunch(splitter=Bunch(split={"groups": groups}), estimator=Bunch(fit=params))
    if groups is not None:
        raise ValueError(
            "groups can only be passed if metadata routing is not enabled; pass "
            'params={"groups": groups} instead.'
        )
    router = (
        MetadataRouter(owner="cross_val_explain")
        .add(splitter=cv, method_mapping=MethodMapping().add(caller="fit", callee="split"))
        .add(estimator=explainer, method_mapping=MethodMapping().add(caller="fit", callee="fit"))
    )
    try:
        return process_routing(router, "fit", **params)
    except UnsetMetadataPassedError as error:
        raise UnsetMetadataPassedError(
            message=str(error).replace("cross_val_explain.fit", "cross_val_explain"),
            unrequested_params=error.unrequested_params,
            routed_params=error.routed_params,
        ) from error


def _check_partition(tests: list[np.ndarray], n_samples: int) -> np.ndarray:
    """Where each row of `X` stands among the rows of all test parts."""
    rows = np.concatenate(tests)
    if not np.array_equal(np.sort(rows), np.arange(n_samples)):
        raise ValueError(
            "cross_val_explain only works for partitions: each row must be in the test part of "
            "exactly one split, as with KFold and its stratified and grouped kin."
        )
    return np.argsort(rows)


def _fit_and_explain(
    explainer: Any,
    X: Any,
    y: Any,
    train: np.ndarray,
    test: np.ndarray,
    fit_params: Mapping[str, Any],
    explain_params: Mapping[str, Any],
) -> Explanation:
    X_train, y_train = _safe_split(explainer, X, y, train)
    X_test, _ = _safe_split(explainer, X, y, test, train)
    explainer.fit(X_train, y_train, **_check_method_params(X, fit_params, indices=train))
    explanation = explain(explainer, X_test, **_options_of(X, explain_params, test))
    if len(explanation) != len(test):
        raise ValueError(
            f"{type(explainer).__name__} explained {len(explanation)} of {len(test)} rows; steps "
            "that add or drop rows when they transform cannot be cross-validated."
        )
    return explanation if _is_frozen(explainer) else _told_in_rows_of(X, explanation, train)


def _is_frozen(obj: Any) -> bool:
    """Whether what explains is one that was fitted before, to another table."""
    while not isinstance(obj, FrozenEstimator):
        if isinstance(obj, Pipeline):
            obj = obj.steps[-1][1]
        elif hasattr(obj, "best_estimator_"):
            obj = obj.best_estimator_
        else:
            return False
    return True


def _told_in_rows_of(X: Any, explanation: Explanation, train: np.ndarray) -> Explanation:
    """Let "prototypes", which are positions among training rows, be positions in `X`."""
    support = explanation.support or {}
    prototypes = np.asarray(support.get("prototypes"))
    if prototypes.ndim != 2 or prototypes.dtype.kind not in "iu":  # cells, or there are none
        return explanation
    rows = np.arange(n_rows_of(X))[np.asarray(train)]
    return replace(explanation, support={**support, "prototypes": rows[prototypes]})


def _options_of(X: Any, explain_params: Mapping[str, Any], rows: np.ndarray) -> dict[str, Any]:
    """Options of `explain` for some rows: what has an entry for each row is split."""
    # Numbers of numpy have a shape, and text and mappings a length, that is not one of rows.
    whole = {
        name: value
        for name, value in explain_params.items()
        if isinstance(value, (str, bytes, Mapping)) or getattr(value, "shape", None) == ()
    }
    others = {name: value for name, value in explain_params.items() if name not in whole}
    return {**whole, **_check_method_params(X, others, indices=rows)}
