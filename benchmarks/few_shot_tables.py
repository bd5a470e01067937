"""Labelled tables that the meta-training has not seen: none comes from the package's prior.

Classes, columns and seeds were fixed before any classifier was fitted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from sklearn import datasets

from sklearn_metaexplain.datasets import load_penguins

SEED = 0
N_GENERATED = 700
SHOTS = (5, 20)


class LabelledTable(NamedTuple):
    """A table with a class for each row."""

    name: str
    X: Any  # ndarray or DataFrame, (n_rows, n_columns)
    y: np.ndarray  # (n_rows,)
    shots: tuple[int, ...]  # labelled rows of each class

    @property
    def n_classes(self) -> int:
        return len(np.unique(self.y))


def _penguins() -> tuple[Any, np.ndarray]:
    X, y = load_penguins(return_X_y=True)
    return X, y.to_numpy(dtype=str)


def _penguins_sex() -> tuple[Any, np.ndarray]:
    frame = load_penguins().frame.dropna(subset="sex")
    return frame.drop(columns="sex"), frame["sex"].to_numpy(dtype=str)


def _digits(*chosen: int) -> tuple[np.ndarray, np.ndarray]:
    X, y = datasets.load_digits(return_X_y=True)
    of_chosen = np.isin(y, chosen)
    return X[of_chosen], y[of_chosen]


def _classification(n_classes: int, n_informative: int, **others: Any) -> tuple:
    return datasets.make_classification(
        N_GENERATED,
        2 * n_informative,
        n_informative=n_informative,
        n_redundant=n_informative // 2,
        n_classes=n_classes,
        random_state=SEED,
        **others,
    )


FEW_CLASSES: dict[str, Callable[[], tuple]] = {
    "iris": lambda: datasets.load_iris(return_X_y=True),
    "wine": lambda: datasets.load_wine(return_X_y=True),
    "breast_cancer": lambda: datasets.load_breast_cancer(return_X_y=True),
    "penguins": _penguins,
    "penguins_sex": _penguins_sex,
    "digits_89": lambda: _digits(8, 9),
    "digits_567": lambda: _digits(5, 6, 7),
    "digits_01234": lambda: _digits(0, 1, 2, 3, 4),
    "classification_2": lambda: _classification(2, 4),
    "classification_3": lambda: _classification(3, 4),
    "classification_5": lambda: _classification(5, 6),
    "moons": lambda: datasets.make_moons(N_GENERATED, noise=0.25, random_state=SEED),
    "circles": lambda: datasets.make_circles(
        N_GENERATED, noise=0.15, factor=0.5, random_state=SEED
    ),
    "quantiles": lambda: datasets.make_gaussian_quantiles(
        n_samples=N_GENERATED, n_features=3, n_classes=3, random_state=SEED
    ),
    "hastie": lambda: datasets.make_hastie_10_2(N_GENERATED, random_state=SEED),
    "blobs": lambda: datasets.make_blobs(
        N_GENERATED, n_features=5, centers=4, cluster_std=6.0, random_state=SEED
    ),
}
MANY_CLASSES: dict[str, Callable[[], tuple]] = {
    "digits_10_way": lambda: datasets.load_digits(return_X_y=True),
    # A Gaussian a class, each with a covariance of its own.
    "gaussians_20_way": lambda: _classification(20, 8, n_clusters_per_class=1, class_sep=2.0),
}
TABLES = (*FEW_CLASSES, *MANY_CLASSES)


def load_table(name: str) -> LabelledTable:
    """Load or generate one of `TABLES`."""
    X, y = {**FEW_CLASSES, **MANY_CLASSES}[name]()
    shots = SHOTS[:1] if name == "gaussians_20_way" else SHOTS
    return LabelledTable(name, X, np.asarray(y), shots)
