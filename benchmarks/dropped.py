"""What a column gets that the model never reads, while labels depend on it.

``python benchmarks/dropped.py`` takes some minutes. A pipeline drops the column, as it would an
identifier or what must not be used; rows that the model was trained on are known to it by heart.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from models import CLASSIFIERS
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklearn_metaexplain import MetaExplainer
from sklearn_metaexplain.metrics import shapley_error

_TABLES, _N_TRAIN, _N_ROWS, _N_BACKGROUND = 4, 500, 24, 25
_DROPPED = 4


def draw(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Five columns, and labels whose score the last is half of."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(_N_TRAIN + _N_ROWS, _DROPPED + 1))
    score = X[:, 0] + X[:, 1] * X[:, 2] + 1.5 * X[:, _DROPPED]
    return X, (score + 0.5 * rng.normal(size=len(X)) > 0).astype(int)


def drop(X: np.ndarray) -> np.ndarray:
    return X[:, :_DROPPED]


def measure(seed: int, name: str, n_support: int, n_rounds: int) -> dict[str, object]:
    """Error, and the dropped column's part of the credit, of rows that are new to the model."""
    X, y = draw(seed)
    explainer = MetaExplainer(
        make_pipeline(FunctionTransformer(drop), CLASSIFIERS[name]()),
        background=_N_BACKGROUND,
        n_support=n_support,
        n_rounds=n_rounds,
        random_state=seed,
    ).fit(X[:_N_TRAIN], y[:_N_TRAIN])
    rows = X[_N_TRAIN:]
    explanation = explainer.explain(rows)
    truth = explainer.explain(rows, budget=2 ** (_DROPPED + 1) * _N_BACKGROUND)
    size = np.abs(explanation.values)
    return {
        "model": name,
        "evaluations at fit": n_support,
        "n_rounds": n_rounds,
        "error": shapley_error(truth, explanation),
        "credit of the dropped column": size[:, _DROPPED].sum() / size.sum(),
    }


def main() -> None:
    """Print means over tables."""
    lines = [
        measure(seed, name, n_support, n_rounds)
        for n_support in (512, 2048)
        for name in CLASSIFIERS
        for n_rounds in (1, 2)
        for seed in range(_TABLES)
    ]
    keys = ["evaluations at fit", "model", "n_rounds"]
    means = pd.DataFrame(lines).groupby(keys, sort=False).mean()
    print(means.unstack("n_rounds").to_string(float_format="%.3f"))


if __name__ == "__main__":
    main()
