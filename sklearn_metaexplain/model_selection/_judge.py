"""What one explainer costs and how good its explanations are, in one split."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import copy
from time import perf_counter
from typing import Any

import joblib
import numpy as np
from sklearn.base import is_classifier
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.utils import _safe_indexing

from sklearn_metaexplain._explanation import Explanation
from sklearn_metaexplain._rows import n_rows_of
from sklearn_metaexplain.base import _unwrap, explain
from sklearn_metaexplain.model_selection._logged import LoggedClassifier
from sklearn_metaexplain.model_selection._random import RandomExplainer

__all__ = ["Scorer", "judge", "take_both"]

Scorer = Callable[..., float]


def judge(
    name: str,
    explainer: Any,
    training: tuple[Any, Any] | None,
    held_out: tuple[Any, Any],
    scorers: Mapping[str, Scorer],
    *,
    n_samples: int,
    random_state: int,
    random_name: str | None,
) -> list[dict[str, Any]]:
    """Fit, time and score an explainer, and random attributions of its model beside it.

    Parameters
    ----------
    name : str
        Of the explainer.
    explainer : estimator
        Is fitted, unless `training` is None.
    training, held_out : tuple of table and targets
        Rows to fit on, or None, and rows to explain.
    scorers : mapping of str to callable
        By the names of their columns.
    n_samples : int
        Most rows explained.
    random_state : int
        Seed of the rows and of the random attributions.
    random_name : str or None
        Name of the random attributions; None: leave them out.

    Returns
    -------
    records : list of dict
        One or two rows of the comparison.
    """
    settings = (held_out, scorers, n_samples, random_state)
    start = perf_counter()
    if training is not None:
        explainer.fit(*training)
    fit_time = np.nan if training is None else perf_counter() - start
    records = [{"explainer": name, "fit_time": fit_time, **_score(explainer, *settings)}]
    if random_name is not None:
        explanation = explain(explainer, _safe_indexing(held_out[0], [0]))
        start = perf_counter()
        explainer = _make_random(explainer, held_out[0], explanation, random_state)
        fit_time = perf_counter() - start
        records.append(
            {"explainer": random_name, "fit_time": fit_time, **_score(explainer, *settings)}
        )
    return records


def take_both(X: Any, y: Any, rows: np.ndarray) -> tuple[Any, Any]:
    """Take rows of a table and their targets, if there are any."""
    return _safe_indexing(X, rows), None if y is None else _safe_indexing(y, rows)


def _score(
    explainer: Any,
    held_out: tuple[Any, Any],
    scorers: Mapping[str, Scorer],
    n_samples: int,
    random_state: int,
) -> dict[str, Any]:
    X, y = held_out
    # The rows that scorers given by name draw, which are then explained only once.
    order = np.random.RandomState(random_state).permutation(n_rows_of(X))
    explain(explainer, _safe_indexing(X, order[:1]))  # the first call imports and compiles
    explainer = _remember_first(explainer)
    start = perf_counter()
    explanation = explain(explainer, _safe_indexing(X, order[:n_samples]))
    return {
        "explain_time": perf_counter() - start,
        "n_evaluations_fit": getattr(_unwrap(explainer)[1], "n_evaluations_", np.nan),
        "n_evaluations_row": explanation.n_evaluations.mean(),
        **{name: scorer(explainer, X, y) for name, scorer in scorers.items()},
    }


def _remember_first(explainer: Any) -> Any:
    """Copy a fitted explainer so that what it explains first is not computed again."""
    if isinstance(explainer, Pipeline):
        *before, (name, last) = explainer.steps
        same = copy(explainer)
        same.steps = [*before, (name, _remember_first(last))]
        return same
    if _unwrap(explainer)[1] is not explainer:  # a search or a FrozenEstimator
        return explainer
    same = copy(explainer)
    first: dict[str, Any] = {}

    def explain_once(X: Any, **options: Any) -> Any:
        key = joblib.hash((X, options))
        if not first:
            first[key] = explainer.explain(X, **options)
        return first[key] if key in first else explainer.explain(X, **options)

    vars(same)["explain"] = explain_once
    return same


def _make_random(fitted: Any, X: Any, explanation: Explanation, random_state: int) -> Any:
    """Random attributions of the outputs that a fitted explainer has explained."""
    transformers, explainer = _unwrap(fitted)
    for transformer in transformers:
        X = transformer.transform(X)
    model = getattr(explainer, "estimator_", explainer)
    output = explanation.output
    if explanation.estimator_type == "classifier" and not is_classifier(model):
        model = LoggedClassifier(explainer, explanation.output_names)
        # Logged probabilities of more classes than two need not sum to one off the log.
        is_binary = len(explanation.output_names) == 2
        output = output if output == "probability" and is_binary else "raw"
    random = RandomExplainer(
        FrozenEstimator(model),
        background=getattr(explainer, "background_", 100),
        output=output,
        feature_groups=getattr(explainer, "feature_groups", None),
        random_state=random_state,
    ).fit(X)
    return make_pipeline(*transformers, random) if transformers else random
