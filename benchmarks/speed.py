"""Seconds for 1,000 rows of a forest of 100 trees, each method as it comes.

shap's TreeExplainer reads exact values off bare trees, and only off these: no Pipeline around them,
no calibration, no other model. Its line stands for itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from measures import Stopwatch
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from whole import has_speeds

from sklearn_metaexplain import MetaExplainer
from sklearn_metaexplain.posthoc import _libraries
from sklearn_metaexplain.posthoc._shap_game import _numpy_seeded

SEED = 0
META = "MetaExplainer, default, after fit"
FAST = 'MetaExplainer, speed="fast", after fit'
META_FIT = "MetaExplainer, fit (once, not for 1,000 rows)"
KERNEL = "shap KernelExplainer, default"
LIME = "lime LimeTabularExplainer, default"
PREDICT = "predict_proba of the forest"
TREE = "shap TreeExplainer, exact, of bare trees alone"
BACKGROUNDS = (25, 100)
_WARM_ROWS = 64


def measure_speed(
    pretrained: Any, *, n_rows: int = 1000, n_kernel_rows: int = 20, n_lime_rows: int = 30
) -> Iterator[dict[str, object]]:
    """Time every method on one thread; the libraries on a few rows, extrapolated.

    Parameters
    ----------
    pretrained : str
        Networks of MetaExplainer.
    n_rows, n_kernel_rows, n_lime_rows : int
        Rows that MetaExplainer and the forest, shap's KernelExplainer, and lime and shap's
        TreeExplainer are timed on.
    """
    X, y = make_classification(3000, 10, n_informative=6, n_redundant=2, random_state=SEED)
    X_train, rows = X[:2000], X[2000 : 2000 + n_rows]
    forest = RandomForestClassifier(n_estimators=100, random_state=SEED)
    forest.fit(X_train, y[:2000])

    def line(method: str, n_background: int, seconds: float, n_timed: int) -> dict[str, object]:
        return {
            "method": method,
            "n_background": n_background,
            "n_columns": X.shape[1],
            "n_timed": n_timed,
            "seconds_per_1000": 1000 * seconds / n_timed,
        }

    with Stopwatch() as watch:
        forest.predict_proba(rows)
    yield line(PREDICT, 0, watch.seconds, n_rows)
    lime = _libraries.lime_tabular().LimeTabularExplainer(X_train, random_state=SEED)
    with Stopwatch() as watch:
        for row in rows[:n_lime_rows]:
            lime.explain_instance(row, forest.predict_proba)
    yield line(LIME, 0, watch.seconds, n_lime_rows)
    for n_background in BACKGROUNDS:
        background = X_train[:n_background]
        for speed in (None, "fast") if has_speeds() else (None,):
            explainer = MetaExplainer(
                FrozenEstimator(forest),
                background=background,
                pretrained=pretrained,
                random_state=SEED,
                **({} if speed is None else {"speed": speed}),
            )
            with Stopwatch() as watch:
                explainer.fit(X_train)
            if speed is None:
                yield line(META_FIT, n_background, watch.seconds, 1000)
            explainer.explain(rows[:_WARM_ROWS])
            seconds = []
            for _ in range(3):
                with Stopwatch() as watch:
                    explainer.explain(rows)
                seconds.append(watch.seconds)
            method = META if speed is None else FAST
            yield line(method, n_background, float(np.median(seconds)), n_rows)
        with _numpy_seeded(SEED):
            kernel = _libraries.shap().KernelExplainer(forest.predict_proba, background)
            with Stopwatch() as watch:
                kernel.shap_values(rows[:n_kernel_rows], silent=True)
        yield line(KERNEL, n_background, watch.seconds, n_kernel_rows)
        tree = _libraries.shap().TreeExplainer(
            forest,
            _libraries.shap().maskers.Independent(background, max_samples=n_background),
            feature_perturbation="interventional",
        )
        with Stopwatch() as watch:
            tree.shap_values(rows[:n_lime_rows], check_additivity=False)
        yield line(TREE, n_background, watch.seconds, n_lime_rows)
