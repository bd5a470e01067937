"""Episodes of classification out of labelled tables."""

from __future__ import annotations

import math
import warnings

import numpy as np
import torch
from sklearn.ensemble import ExtraTreesClassifier

from sklearn_metaexplain._encoder import TableEncoder
from sklearn_metaexplain.nets._labelled import LabelledEpisode
from sklearn_metaexplain.prior import LabelledTable, sample_labelled_table

_MOST_COLUMNS = 64
# Tables of at least so many columns, besides those that come by.
_WIDE, _WIDE_SHARE = 16, 0.25
_MANY_CLASSES_SHARE = 0.3
# Of the rows that guessing the largest class gets wrong, those that a small forest gets right.
_LEAST_SKILL = 0.1
_UNSKILLED_SHARE = 0.25
_N_TREES = 16
_LEAST_QUERY, _N_QUERY = 2, 64


def draw_labelled_episode(
    rng: np.random.Generator, *, max_support: int = 256, max_classes: int = 20
) -> LabelledEpisode:
    """Draw a labelled table of the prior and split it.

    Half of the episodes are N-way K-shot, with as many support rows in each class; the others
    take rows as they come. Of tables whose labels a small forest can hardly tell three quarters
    are drawn anew: there would be little to learn from.

    Parameters
    ----------
    rng : numpy Generator
        Source of randomness.
    max_support : int, default=256
        Most support rows, at least 4.
    max_classes : int, default=20
        Most classes, at least 2, mostly up to 6; no more than half of `max_support`.

    Raises
    ------
    ValueError
        If `max_support` or `max_classes` is too small.
    """
    if max_support < 4:
        raise ValueError(f"max_support={max_support} is too small: give at least 4.")
    if max_classes < 2:
        raise ValueError(f"max_classes={max_classes} is too small: give at least 2.")
    max_classes = min(max_classes, max_support // 2)
    least_columns = _WIDE if rng.random() < _WIDE_SHARE else 1.5
    n_columns = round(_log_uniform(rng, least_columns, _MOST_COLUMNS + 0.5))
    most = max_classes if rng.random() < _MANY_CLASSES_SHARE else min(6, max_classes)
    n_classes = min(int(_log_uniform(rng, 2, most + 1)), most)
    balanced = bool(rng.random() < 0.5)
    least = _LEAST_QUERY
    if balanced:
        n_shots = int(_log_uniform(rng, 1, max(2, min(40, max_support // n_classes)) + 1))
        n_support = n_shots * n_classes
        least += n_shots
    else:
        n_support = max(
            2 * n_classes, int(_log_uniform(rng, min(10, max_support), max_support + 1))
        )
    n_rows = max(2 * n_classes * least, n_support + _N_QUERY)
    with warnings.catch_warnings():
        # Random functions may overflow on the way to finite outputs.
        warnings.simplefilter("ignore")
        while True:
            labelled = sample_labelled_table(
                rng,
                n_rows=n_rows,
                n_columns=max(n_columns, 2),
                n_classes=n_classes,
                least_in_class=least,
                balanced=balanced,
            )
            # Of the others some, for tables that tell nothing are to be known as such.
            if rng.random() < _UNSKILLED_SHARE or _skill(rng, labelled) >= _LEAST_SKILL:
                break
    support, query = _split(rng, labelled.labels, n_support, n_shots if balanced else None)
    return labelled_episode(
        labelled.table, labelled.labels, support, query[:_N_QUERY], labelled.n_classes
    )


def labelled_episode(
    table: np.ndarray, labels: np.ndarray, support: np.ndarray, query: np.ndarray, n_classes: int
) -> LabelledEpisode:
    """Encode a split of a table, as an estimator that knows only the support would.

    Parameters
    ----------
    table : ndarray of shape (n_rows, n_columns)
        Numbers, NaN where missing.
    labels : ndarray of int of shape (n_rows,)
        Classes.
    support, query : ndarray of int
        Positions of the rows.
    n_classes : int
        Number of classes.
    """
    encoder = TableEncoder().fit(table[support])

    def encode(rows: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(encoder.encode(encoder.code(table[rows]))).float()

    return LabelledEpisode(
        encode(support),
        torch.from_numpy(labels[support]),
        encode(query),
        torch.from_numpy(labels[query]),
        n_classes,
    )


def _skill(rng: np.random.Generator, labelled: LabelledTable) -> float:
    """How much of the labels the columns tell, by the rows that each tree has not seen."""
    forest = ExtraTreesClassifier(
        _N_TREES, bootstrap=True, oob_score=True, random_state=int(rng.integers(2**31))
    )
    forest.fit(labelled.table, labelled.labels)
    largest = np.bincount(labelled.labels).max() / len(labelled.labels)
    return float((forest.oob_score_ - largest) / (1 - largest))


def _split(
    rng: np.random.Generator, labels: np.ndarray, n_support: int, n_shots: int | None
) -> tuple[np.ndarray, np.ndarray]:
    order = rng.permutation(len(labels))
    # Rows of each class are numbered; the first of every class are support.
    number = np.empty(len(labels), dtype=int)
    for label in range(int(labels.max()) + 1):
        rows = order[labels[order] == label]
        number[rows] = np.arange(len(rows))
    numbered = number[order]
    if n_shots is not None:
        chosen = numbered < n_shots
    else:
        chosen = numbered < 1
        chosen[np.flatnonzero(~chosen)[: max(n_support - chosen.sum(), 0)]] = True
    return order[chosen], order[~chosen]


def _log_uniform(rng: np.random.Generator, least: float, most: float) -> float:
    return math.exp(rng.uniform(math.log(least), math.log(most)))
