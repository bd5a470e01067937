"""Labelled rows drawn from a table, and how well each classifier labels others."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from few_shot_methods import HOWS, all_rows_methods, few_shot_methods, how_of
from few_shot_tables import LabelledTable
from measures import Stopwatch
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import _safe_indexing
from threadpoolctl import threadpool_limits

ALL = "all"
MOST_TEST = 500
MOST_CELLS = 25_000
TEST_SHARE = 0.3


def draw_shots(y: np.ndarray, n_shots: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions of `n_shots` rows of each class, and of at most 500 of the others."""
    random = np.random.RandomState(seed)
    support = np.concatenate(
        [
            random.choice(np.flatnonzero(y == label), n_shots, replace=False)
            for label in np.unique(y)
        ]
    )
    others = np.setdiff1d(np.arange(len(y)), support)
    return support, random.permutation(others)[:MOST_TEST]


def split_all(y: np.ndarray, n_columns: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions of 70% and of 30% of the rows, or of so many that they have 25,000 cells."""
    positions = np.arange(len(y))
    # Of these tables it cuts the large ones of digits, on which training takes minutes.
    n_rows = MOST_CELLS // n_columns
    if len(y) > n_rows:
        positions, _ = train_test_split(positions, train_size=n_rows, stratify=y, random_state=seed)
    train, test = train_test_split(
        positions, test_size=TEST_SHARE, stratify=y[positions], random_state=seed
    )
    return train, test


def measure_draw(
    table: LabelledTable,
    shots: str,
    draw: int,
    folder: Path | None,
    *,
    hows: Collection[str] = HOWS,
) -> list[dict[str, object]]:
    """Accuracy of the methods on one draw.

    Parameters
    ----------
    table : LabelledTable
    shots : str
        Rows of each class to learn from, "all" for 70% of all rows.
    draw : int
        Number of the draw, the seed of all that is random.
    folder : Path or None
        Where weights are; None: the shipped ones.
    hows : collection of str, default=HOWS
        Only methods that came about so.
    """
    if shots == ALL:
        train, test = split_all(table.y, table.X.shape[1], draw)
        methods = all_rows_methods(table.X, draw, folder)
    else:
        train, test = draw_shots(table.y, int(shots), draw)
        methods = few_shot_methods(table.X, draw, folder)
    methods = {name: method for name, method in methods.items() if how_of(name) in hows}
    # One thread, also in the processes of joblib.
    torch.set_num_threads(1)
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return [
            {"table": table.name, "shots": shots, "draw": draw, **line}
            for line in _measure_all(methods, table, train, test)
        ]


def _measure_all(
    methods: dict[str, Any], table: LabelledTable, train: np.ndarray, test: np.ndarray
) -> Iterator[dict[str, object]]:
    X_train, X_test = (_safe_indexing(table.X, part) for part in (train, test))
    for name, method in methods.items():
        with Stopwatch() as watch:
            accuracy = method.fit(X_train, table.y[train]).score(X_test, table.y[test])
        yield {"method": name, "accuracy": accuracy, "seconds": watch.seconds}
