"""Whether an explainer says the same with other seeds, or after other training rows."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from numbers import Integral
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.base import clone, is_classifier
from sklearn.frozen import FrozenEstimator
from sklearn.utils import _safe_indexing, resample
from sklearn.utils._param_validation import Interval, validate_params
from sklearn.utils.multiclass import type_of_target

from sklearn_metaexplain._explanation import Explanation
from sklearn_metaexplain._rows import n_rows_of
from sklearn_metaexplain._validation import draw_seed
from sklearn_metaexplain.base import _unwrap, explain
from sklearn_metaexplain.metrics._outputs import attributions_of, chosen_outputs, of_outputs
from sklearn_metaexplain.metrics._robustness import draw_rows
from sklearn_metaexplain.metrics._similarity import cosine

__all__ = ["retraining_stability", "seed_stability"]

_CONSTRAINTS: dict[str, list[Any]] = {
    "n_repeats": [Interval(Integral, 2, None, closed="left")],
    "n_samples": [Interval(Integral, 1, None, closed="left"), None],
    "random_state": ["random_state"],
}


@validate_params(_CONSTRAINTS, prefer_skip_nested_validation=True)
def seed_stability(
    explainer: Any,
    X: Any,
    y: Any = None,
    *,
    n_repeats: int = 5,
    n_samples: int | None = None,
    random_state: Any = None,
) -> float:
    """Similarity of explanations by the same explainer with other seeds.

    The explainer is fitted anew with several values of its parameter `random_state`, and explains
    the same rows each time. A model that it wraps stays as it is fitted, so that only the
    explanations can differ; a model that explains itself is fitted anew with the seed. Earlier
    steps of a Pipeline stay as they are.

    Parameters
    ----------
    explainer : fitted estimator
        An explainer, or a Pipeline that ends in one, a search over one, or a FrozenEstimator around
        one. It is not changed.
    X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
        Rows to fit to, a background is drawn from them, and to explain.
    y : array-like of shape (n_samples,) or (n_samples, n_targets), default=None
        Targets; needed by models that explain themselves.
    n_repeats : int, default=5
        Number of seeds.
    n_samples : int, default=None
        Most rows that are explained, drawn from `X`. None: all.
    random_state : int, RandomState or None, default=None
        Seed of the seeds.

    Returns
    -------
    score : float
        Between -1 and 1, higher is better: cosine similarity of attributions, averaged over pairs
        of seeds and rows; of the class that is predicted for the row, that with the highest mean
        prediction where it depends on the seed, or of each target. 1 for an explainer without
        `random_state`, unless it is random all the same.

    Raises
    ------
    TypeError
        If there is no explainer in `explainer`.
    RuntimeError
        If the explainer returns attributions that are NaN or infinite.

    See Also
    --------
    retraining_stability : Other training rows instead of other seeds.
    consistency : Compares importances of any explanations.

    Notes
    -----
    Visani et al. [1]_ ask the same of LIME, by the overlap of selected columns and of confidence
    intervals. Cosines need no selection and suit all explainers.

    References
    ----------
    .. [1] G. Visani et al., "Statistical stability indices for LIME: Obtaining reliable
       explanations for machine learning models", Journal of the Operational Research Society
       73(1), 2022. https://doi.org/10.1080/01605682.2020.1865846

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.linear_model import LinearRegression
    >>> from sklearn_metaexplain import ShapExplainer
    >>> from sklearn_metaexplain.metrics import seed_stability
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
    >>> explainer = ShapExplainer(LinearRegression(), background=X).fit(X, y)
    >>> score = seed_stability(explainer, X, y, n_repeats=2, n_samples=10, random_state=0)
    >>> round(score, 6)  # a seed could only draw another background
    1.0
    """
    X = X.tocsr() if issparse(X) else X
    transformers, own = _unwrap(explainer)
    random = np.random.RandomState(draw_seed(random_state))
    explain(explainer, _safe_indexing(X, [0]))  # an error if it cannot
    for transformer in transformers:
        X = transformer.transform(X)
    rows = _safe_indexing(X, draw_rows(random, n_rows_of(X), n_samples))
    explanations = []
    for seed in random.randint(np.iinfo(np.int32).max, size=n_repeats):
        repeat = clone(own)
        parameters = repeat.get_params(deep=False)
        if "estimator" in parameters and hasattr(own, "estimator_"):
            repeat.set_params(estimator=FrozenEstimator(own.estimator_))
        if "random_state" in parameters:
            repeat.set_params(random_state=int(seed))
        explanations.append(repeat.fit(X, y).explain(rows))
    return _mean_similarity(explanations, _common_labels(explanations))


@validate_params(_CONSTRAINTS, prefer_skip_nested_validation=True)
def retraining_stability(
    explainer: Any,
    X: Any,
    y: Any = None,
    *,
    n_repeats: int = 5,
    n_samples: int | None = None,
    random_state: Any = None,
) -> float:
    """Similarity of explanations after training on bootstraps of the same rows.

    The explainer, with the model and all steps of a Pipeline, is fitted anew to samples of `X` and
    `y` drawn with replacement, and explains the same rows each time.

    Parameters
    ----------
    explainer : estimator
        An explainer, fitted or not, or a Pipeline that ends in one, or a FrozenEstimator around
        one. Of a fitted search the best estimator is taken. It is not changed.
    X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
        Rows to train on and to explain.
    y : array-like of shape (n_samples,) or (n_samples, n_targets), default=None
        Targets; may be left out where the model is frozen, and only the explainer is fitted.
    n_repeats : int, default=5
        Number of bootstraps.
    n_samples : int, default=None
        Most rows that are explained, drawn from `X`. None: all.
    random_state : int, RandomState or None, default=None
        Seed of the bootstraps; the explainer keeps its own.

    Returns
    -------
    score : float
        Between -1 and 1, higher is better: cosine similarity of attributions, averaged over pairs
        of bootstraps and rows; of the class with the highest mean prediction, or of each target.

    Raises
    ------
    TypeError
        If there is no explainer in `explainer`.
    RuntimeError
        If the explainer returns attributions that are NaN or infinite.
    ValueError
        If the columns that reach the explainer depend on the bootstrap.

    See Also
    --------
    seed_stability : Other seeds instead of other training rows.
    consistency : Compares importances of any explanations.

    Notes
    -----
    What differs is as much the model's doing as the explainer's: compare explainers of the same
    model. Samples have as many rows of each class as `y`, lest one be missing. Scored in a
    cross-validation, the models are trained on bootstraps of the test fold.

    References
    ----------
    .. [1] B. Efron and R. J. Tibshirani, "An introduction to the bootstrap", Chapman & Hall, 1993.
       https://doi.org/10.1201/9780429246593

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.linear_model import LinearRegression
    >>> from sklearn_metaexplain import ShapExplainer
    >>> from sklearn_metaexplain.metrics import retraining_stability
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
    >>> explainer = ShapExplainer(LinearRegression(), random_state=0)
    >>> score = retraining_stability(
    ...     explainer, X[["bmi", "bp"]], y, n_repeats=2, n_samples=10, random_state=0
    ... )
    >>> 0.9 < score < 1
    True
    """
    while isinstance(explainer, FrozenEstimator) or hasattr(explainer, "best_estimator_"):
        frozen = isinstance(explainer, FrozenEstimator)
        explainer = explainer.estimator if frozen else explainer.best_estimator_
    X = X.tocsr() if issparse(X) else X
    random = np.random.RandomState(draw_seed(random_state))
    rows = _safe_indexing(X, draw_rows(random, n_rows_of(X), n_samples))
    # What `LoggedExplainer` calls a classifier's outputs are no classes.
    has_classes = y is not None and type_of_target(y) in ("binary", "multiclass")
    stratify = y if has_classes and is_classifier(explainer) else None
    explanations = []
    for _ in range(n_repeats):
        drawn = resample(np.arange(n_rows_of(X)), stratify=stratify, random_state=random)
        targets = None if y is None else _safe_indexing(y, drawn)
        repeat = clone(explainer).fit(_safe_indexing(X, drawn), targets)
        explanations.append(explain(repeat, rows))
    return _mean_similarity(explanations)


def _common_labels(explanations: list[Explanation]) -> np.ndarray | None:
    """Labels that explanations have in common; None if they have none.

    Those of a model that explains itself may depend on the seed: rows where they differ have the
    largest of the mean predictions.
    """
    first = explanations[0]
    if first.labels is None:
        return None
    predicted = np.array([each._predicted_positions() for each in explanations])
    of_mean = np.mean([each.predictions for each in explanations], axis=0).argmax(axis=1)
    are_same = (predicted == predicted[0]).all(axis=0)
    return first.output_names[np.where(are_same, predicted[0], of_mean)]


def _mean_similarity(explanations: list[Explanation], labels: np.ndarray | None = None) -> float:
    """Mean cosine over pairs of explanations of the same rows, and over rows and outputs.

    Of classifiers the outputs are those of `labels`, or the largest of the mean predictions.
    """
    first = explanations[0]
    for other in explanations[1:]:
        if other.feature_names.tolist() != first.feature_names.tolist():
            raise ValueError(
                f"Explanations are of the features {first.feature_names.tolist()} and "
                f"{other.feature_names.tolist()}; put the steps that choose or make columns inside "
                "the explainer, as in MetaExplainer(pipeline)."
            )
    # Models that were trained anew may predict different classes.
    predictions = np.mean([each.predictions for each in explanations], axis=0)
    mean = replace(first, predictions=predictions, labels=labels)
    attributions = [attributions_of(each) for each in explanations]
    similarities = [
        cosine(of_outputs(left, outputs), of_outputs(right, outputs))
        for outputs in chosen_outputs(mean).T
        for left, right in combinations(attributions, 2)
    ]
    return float(np.mean(similarities))
