"""Explanations of two models of the same function, fitted on different samples of a table."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from models import CLASSIFIERS
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import train_test_split
from tables import load_table

from sklearn_metaexplain import (
    AttentionClassifier,
    Explanation,
    LimeExplainer,
    MatchingClassifier,
    MetaExplainer,
    PrototypeClassifier,
    ShapExplainer,
)
from sklearn_metaexplain.metrics import consistency
from sklearn_metaexplain.metrics._pairs import chosen_pairs
from sklearn_metaexplain.metrics._similarity import cosine

SEED = 0
N_BACKGROUND = 25
MODELS: dict[str, Callable[[], Any]] = {
    "forest": CLASSIFIERS["forest"],
    "svm": CLASSIFIERS["svm"],
    "mlp": CLASSIFIERS["mlp"],
    "hist boosting": lambda: HistGradientBoostingClassifier(random_state=SEED),
}

META = "MetaExplainer"
SMALL, LARGE = f"{META}, 512", f"{META}, 2048"
# As many evaluations for 50 rows as MetaExplainer's 2048, and about the libraries' own defaults.
KERNEL_FEW, KERNEL_MANY = "shap Kernel, mean row as background, 40 a row", "shap Kernel, 1600 a row"
LIME_FEW, LIME_MANY = "LIME, 40 a row", "LIME, 5000 a row"
RIVALS = (KERNEL_FEW, LIME_FEW, KERNEL_MANY, LIME_MANY)
EXACT = "exact Shapley values"
OTHER_SAMPLE, OTHER_SEED = "other sample", "other seed"
MEASURES = {"importances": "cosine of mean absolute values", "rows": "mean cosine of rows"}


class Sample(NamedTuple):
    """Rows that a model learns from; the first are the background."""

    X: np.ndarray
    y: np.ndarray


class Samples(NamedTuple):
    """Two samples of a table, and the rows that are explained."""

    one: Sample
    other: Sample
    rows: np.ndarray


def draw_samples(name: str, n_rows: int) -> Samples:
    """Split one of `tables.TABLE_NAMES`; classes keep their shares."""
    table = load_table(name)
    X, rows, y, _ = train_test_split(
        table.X, table.y, test_size=n_rows, stratify=table.y, random_state=SEED
    )
    X_one, X_other, y_one, y_other = train_test_split(
        X, y, test_size=0.5, stratify=y, random_state=SEED
    )
    return Samples(Sample(X_one, y_one), Sample(X_other, y_other), rows)


def posthoc_explainers(model: Any, background: np.ndarray, seed: int) -> dict[str, Any]:
    """Explainers of a fitted model, by name; numbers are model evaluations.

    MetaExplainer's are those of `fit`, whatever is explained afterwards; the others' are spent on
    every row.
    """
    given = {"background": background, "random_state": seed}
    frozen = FrozenEstimator(model)
    return {
        SMALL: MetaExplainer(frozen, n_support=512, **given),
        LARGE: MetaExplainer(frozen, n_support=2048, **given),
        # With more than one background row there would be fewer coalitions than columns.
        KERNEL_FEW: ShapExplainer(
            frozen,
            algorithm="kernel",
            budget=40,
            background=background.mean(axis=0, keepdims=True),
            random_state=seed,
        ),
        "shap Kernel, 800 a row": ShapExplainer(frozen, algorithm="kernel", budget=800, **given),
        KERNEL_MANY: ShapExplainer(frozen, algorithm="kernel", budget=1600, **given),
        LIME_FEW: LimeExplainer(frozen, n_samples=41, **given),
        "LIME, 1000 a row": LimeExplainer(frozen, n_samples=1000, **given),
        LIME_MANY: LimeExplainer(frozen, n_samples=5000, **given),
        EXACT: ShapExplainer(frozen, algorithm="exact", **given),
    }


def selfexplaining_models(seed: int) -> dict[str, Any]:
    """Classifiers that explain themselves: model and explainer in one."""
    return {
        "PrototypeClassifier": PrototypeClassifier(random_state=seed),
        "MatchingClassifier": MatchingClassifier(random_state=seed),
        "AttentionClassifier": AttentionClassifier(random_state=seed),
    }


def compare(one: Explanation, other: Explanation) -> dict[str, float]:
    """How alike two explanations of the same rows are, by both of `MEASURES`."""
    pairs = list(chosen_pairs(one, other))
    return {
        "importances": consistency([one, other]),
        "rows": float(np.mean([cosine(left, right).mean() for left, right in pairs])),
    }


def compare_posthoc(samples: Samples, make_model: Callable[[], Any]) -> Iterator[dict[str, Any]]:
    """Fit a model on each sample, explain both, and the first once more with another seed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        models = [make_model().fit(*sample) for sample in samples[:2]]
    backgrounds = [sample.X[:N_BACKGROUND] for sample in samples[:2]]
    first, second = map(posthoc_explainers, models, backgrounds, (SEED, SEED + 1))
    again = posthoc_explainers(models[0], backgrounds[0], SEED + 2)
    for name in first:
        one = first[name].fit(samples.one.X).explain(samples.rows)
        other = second[name].fit(samples.other.X).explain(samples.rows)
        yield {"explainer": name, "changed": OTHER_SAMPLE, **compare(one, other)}
        if name != EXACT:
            repeated = again[name].fit(samples.one.X).explain(samples.rows)
            yield {"explainer": name, "changed": OTHER_SEED, **compare(one, repeated)}


def compare_selfexplaining(samples: Samples) -> Iterator[dict[str, Any]]:
    """Fit each classifier that explains itself on both samples."""
    first, second = selfexplaining_models(SEED), selfexplaining_models(SEED + 1)
    for name in first:
        explanations = [
            model[name].fit(*sample).explain(samples.rows)
            for model, sample in zip((first, second), samples[:2], strict=True)
        ]
        yield {"explainer": name, "changed": OTHER_SAMPLE, **compare(*explanations)}
