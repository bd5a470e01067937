"""Several explainers beside each other."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import replace
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import is_classifier
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import ShuffleSplit, StratifiedShuffleSplit, check_cv
from sklearn.utils import indexable
from sklearn.utils._param_validation import Interval, validate_params
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_is_fitted

from sklearn_metaexplain._callers import stacklevel_of_caller
from sklearn_metaexplain._rows import n_rows_of
from sklearn_metaexplain.base import is_explainer
from sklearn_metaexplain.metrics import get_explanation_scorer
from sklearn_metaexplain.model_selection._judge import Scorer, judge, take_both
from sklearn_metaexplain.model_selection._models import freeze_models

__all__ = ["compare_explainers"]

RANDOM = "random"
N_TIMED = 50  # as many as most scorers explain
COSTS = ("fit_time", "explain_time", "n_evaluations_fit", "n_evaluations_row")


@validate_params(
    {
        "explainers": [Mapping],
        "X": ["array-like", "sparse matrix"],
        "y": ["array-like", "sparse matrix", None],
        "metrics": [str, callable, list, tuple, Mapping],
        "cv": ["cv_object"],
        "n_samples": [Interval(Integral, 1, None, closed="left"), None],
        "random_state": [Interval(Integral, 0, 2**32 - 1, closed="both")],
        "n_jobs": [Integral, None],
        "verbose": ["verbose"],
    },
    prefer_skip_nested_validation=False,  # explainers are validated by their own fit
)
def compare_explainers(
    explainers: Mapping[str, Any],
    X: Any,
    y: Any = None,
    *,
    metrics: str | Scorer | Iterable[str] | Mapping[str, str | Scorer] = "faithfulness",
    cv: Any = None,
    n_samples: int | None = None,
    random_state: int = 0,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> pd.DataFrame:
    """Score explainers on the same model, rows and perturbations, and say what they cost.

    Models are fitted on training rows, explainers around them, and held-out rows are explained. The
    model of explainers whose models have equal settings is fitted once and shared, so that
    differences are those of the explainers. Random attributions are always added: an explainer that
    does not beat them says nothing.

    Parameters
    ----------
    explainers : mapping of str to estimator
        By name: explainers, or Pipelines that end in one, searches over one or FrozenEstimators
        around one. None of them is changed.
    X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
        Rows to fit and to explain. If the explainers are fitted and `cv` is None, rows to explain,
        which the models should not have seen.
    y : array-like of shape (n_samples,) or (n_samples, n_targets), default=None
        Targets; needed where models are fitted.
    metrics : str, callable, list of str, or mapping of str to str or callable, default="faithfulness"
        Names of scorers, see `get_explanation_scorer_names`, or callables
        ``scorer(explainer, X, y)``, such as those of `make_explanation_scorer`. A mapping names
        the columns of the result.
    cv : int, cross-validation generator or iterable, default=None
        None: a quarter of the rows is held out once, stratified for classifiers; or, if all
        explainers are fitted, they are used as they are. Otherwise clones are fitted in each of
        these splits and scores and costs are averaged.
    n_samples : int, default=None
        Most held-out rows that are explained in each split, to take the time and by each scorer
        given by name. None: 50, and what each scorer takes by itself, which is less where it
        explains many rows for each that it judges.
    random_state : int, default=0
        Seed of the split, of the rows explained, of scorers given by name, and of the random
        attributions. The explainers have their own.
    n_jobs : int, default=None
        Number of explainers and splits worked on in parallel. Times are then those of processes
        that disturb each other.
    verbose : int, default=0
        Verbosity of joblib.

    Returns
    -------
    comparison : DataFrame of shape (n_explainers + 1, n_metrics + 4)
        A row for each explainer, then "random". Columns:

        - a score for each metric, greater is better; with several splits also its standard
          deviation over them, ``{metric}_std``, both without splits in which it is NaN, which a
          warning tells;
        - "fit_time": seconds to fit the explainer, without the model where that is shared or could
          be; NaN for explainers that were fitted;
        - "explain_time": seconds to explain the compared rows, after one row that is not timed (the
          first call imports and compiles);
        - "n_evaluations_fit": rows that `fit` asked the model about; NaN where not known;
        - "n_evaluations_row": rows that `explain` asked the model about for each row, on average.

    Raises
    ------
    TypeError
        If there is no explainer inside one of the `explainers`.
    ValueError
        If `explainers` is empty or has the name "random", only some of them are fitted, there is no
        such metric, or one has the name of another column.

    See Also
    --------
    cross_val_explain : Out-of-fold explanations of one explainer.
    sklearn_metaexplain.metrics.make_explanation_scorer : Scorers from metrics.

    Notes
    -----
    Models are shared by explainers around a model (subclasses of PosthocExplainer) and by Pipelines
    that end in one, in which case the steps before it are part of the model. Models are equal if
    their classes and parameters are; a FrozenEstimator equals one around the same object. Where
    explainers have different models, each is scored on its own, and scores compare pairs of model
    and explainer. Searches fit their own models, and so do explainers that are models themselves.

    The random attributions are of the first explainer's model, background, columns and output:
    normal numbers, shifted to sum to the predictions.

    Scorers given by name see the same rows and background for all explainers, drawn from the
    held-out rows by `random_state`, in the columns that reach the explainer.

    Examples
    --------
    >>> from sklearn_metaexplain import LimeExplainer, ShapExplainer
    >>> from sklearn_metaexplain.datasets import make_switch
    >>> from sklearn_metaexplain.model_selection import compare_explainers
    >>> problem = make_switch(200, n_features=5, random_state=0)
    >>> explainers = {
    ...     "shap": ShapExplainer(problem.model, background=20, random_state=0),
    ...     "lime": LimeExplainer(problem.model, n_samples=200, random_state=0),
    ... }
    >>> comparison = compare_explainers(explainers, problem.data, problem.target, n_samples=20)
    >>> comparison["faithfulness"].sort_values().index.tolist()
    ['random', 'lime', 'shap']
    """  # noqa: E501
    _check_explainers(explainers)
    scorers = _check_metrics(metrics, n_samples, random_state)
    X, y = indexable(X, y)
    splits: list[tuple[np.ndarray | None, np.ndarray]]
    if cv is None and _are_fitted(explainers):
        splits = [(None, np.arange(n_rows_of(X)))]
    else:
        splits = _split(cv, X, y, is_classifier(next(iter(explainers.values()))), random_state)
    spreads = sorted({f"{name}_std" for name in scorers} & set(scorers))
    if spreads and len(splits) > 1:
        raise ValueError(
            f"metrics must not be named {spreads}: with several splits the comparison has standard "
            "deviations of that name."
        )

    parallel = Parallel(n_jobs=n_jobs, verbose=verbose)
    ready = parallel(delayed(_prepare)(dict(explainers), X, y, train) for train, _ in splits)
    records = parallel(
        delayed(judge)(
            name,
            explainer,
            None if train is None else take_both(X, y, train),
            take_both(X, y, test),
            scorers,
            n_samples=N_TIMED if n_samples is None else n_samples,
            random_state=random_state,
            # Once a split, of the first explainer's model.
            random_name=None if i else RANDOM,
        )
        for (train, test), prepared in zip(splits, ready, strict=True)
        for i, (name, explainer) in enumerate(prepared.items())
    )
    table = pd.DataFrame([row for rows in records for row in rows])
    return _summarise(table, [*explainers, RANDOM], list(scorers), len(splits))


def _check_explainers(explainers: Mapping[str, Any]) -> None:
    if not explainers:
        raise ValueError("explainers is empty; there is nothing to compare.")
    if RANDOM in explainers:
        raise ValueError(
            f'The name "{RANDOM}" is taken by the random attributions; choose another.'
        )
    for name, explainer in explainers.items():
        if not is_explainer(explainer):
            raise TypeError(
                f"explainers[{name!r}] is a {type(explainer).__name__}, which does not explain; "
                "wrap the model, as in MetaExplainer(model)."
            )


def _check_metrics(metrics: Any, n_samples: int | None, random_state: int) -> dict[str, Scorer]:
    """Scorers by the names of their columns."""
    if isinstance(metrics, str):
        metrics = [metrics]
    elif callable(metrics):
        metrics = {"score": metrics}
    if not isinstance(metrics, Mapping):
        unnamed = [metric for metric in metrics if not isinstance(metric, str)]
        if unnamed:
            raise TypeError(
                f"metrics holds {unnamed[0]!r}, which has no name; pass a mapping, as in "
                '{"my metric": scorer}.'
            )
        metrics = {name: name for name in metrics}
    if not metrics:
        raise ValueError("metrics is empty; name at least one.")
    taken = sorted({"explainer", *COSTS} & set(metrics))
    if taken:
        raise ValueError(
            f"metrics must not be named {taken}: the comparison has columns of its own."
        )
    scorers = {}
    for name, scorer in metrics.items():
        if isinstance(scorer, str):
            scorer = get_explanation_scorer(scorer)
            most = scorer.n_samples if n_samples is None else int(n_samples)
            scorer = replace(scorer, n_samples=most, random_state=int(random_state))
        elif not callable(scorer):
            raise TypeError(f"metrics[{name!r}] must be a name or a callable; got {scorer!r}.")
        scorers[name] = scorer
    return scorers


def _are_fitted(explainers: Mapping[str, Any]) -> bool:
    unfitted = []
    for name, explainer in explainers.items():
        try:
            check_is_fitted(explainer)
        except NotFittedError:
            unfitted.append(name)
    if unfitted and len(unfitted) < len(explainers):
        raise ValueError(
            f"{unfitted} are not fitted, the others are; fit all, or none, or pass cv to fit "
            "clones of all."
        )
    return not unfitted


def _split(
    cv: Any, X: Any, y: Any, classifier: bool, random_state: int
) -> list[tuple[np.ndarray | None, np.ndarray]]:
    if cv is None:
        stratified = classifier and y is not None
        kind = StratifiedShuffleSplit if stratified else ShuffleSplit
        cv = kind(n_splits=1, test_size=0.25, random_state=random_state)
    return list(check_cv(cv, y, classifier=classifier).split(X, y))


def _prepare(explainers: dict[str, Any], X: Any, y: Any, train: np.ndarray | None) -> Any:
    if train is None:
        return explainers
    return freeze_models(explainers, *take_both(X, y, train))


def _summarise(
    table: pd.DataFrame, names: list[str], metrics: list[str], n_splits: int
) -> pd.DataFrame:
    groups = table.groupby("explainer", sort=False)
    means = groups.mean().loc[names]
    columns = {}
    for metric in metrics:
        _warn_of_missing(table, metric, n_splits)
        columns[metric] = means[metric]
        if n_splits > 1:
            columns[f"{metric}_std"] = groups[metric].std(ddof=0).loc[names]
    for cost in COSTS:
        columns[cost] = means[cost]
    return pd.DataFrame(columns)


def _warn_of_missing(table: pd.DataFrame, metric: str, n_splits: int) -> None:
    n_missing = table[metric].isna().groupby(table["explainer"], sort=False).sum()
    missing = {name: int(n) for name, n in n_missing.items() if 0 < n < n_splits}
    if missing:
        warnings.warn(
            f"{metric} is NaN in some of the {n_splits} splits ({missing}), as where a model says "
            "the same of all rows; means and deviations are of the others.",
            stacklevel=stacklevel_of_caller(),
        )
