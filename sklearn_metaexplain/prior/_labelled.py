"""Labelled tables: what a classifier is fitted to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sklearn_metaexplain.prior._functions import FUNCTION_FAMILIES, sample_function
from sklearn_metaexplain.prior._tables import sample_table

#: Every way in which labels come about.
LABEL_FAMILIES = ("clusters", "bands", *FUNCTION_FAMILIES)
_CLUSTERS_SHARE = 0.45
_BANDS_SHARE = 0.2
_ATTEMPTS = 20


@dataclass(frozen=True)
class LabelledTable:
    """A table and the classes of its rows.

    Parameters
    ----------
    table : ndarray of shape (n_rows, n_columns)
        Numbers in float64, on raw scales, NaN where missing.
    labels : ndarray of int of shape (n_rows,)
        Classes from 0 on, in no order.
    family : str
        Out of `LABEL_FAMILIES`.
    """

    table: np.ndarray
    labels: np.ndarray
    family: str

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return int(self.labels.max()) + 1


def sample_labelled_table(
    rng: np.random.Generator,
    *,
    n_rows: int,
    n_columns: int,
    n_classes: int,
    least_in_class: int = 2,
    balanced: bool = False,
) -> LabelledTable:
    """Draw a labelled table.

    Nearly half of the tables are clusters: classes are one or several clouds in a space of latent
    factors, some of which tell them apart, and columns are warped mixtures of the factors. In a
    fifth classes are bands, the levels of one score: a random function of the columns, or the
    distance from a centre, which makes them shells. In the others labels are drawn from the
    softmax of a random function of the columns, of any family of the prior.

    Parameters
    ----------
    rng : numpy.random.Generator
        The only source of randomness.
    n_rows, n_columns, n_classes : int
        Sizes; at least two classes.
    least_in_class : int, default=2
        Least rows of a class.
    balanced : bool, default=False
        Whether clusters have equally many rows in each class. Functions decide for themselves.

    Returns
    -------
    labelled : LabelledTable
        A table.

    Raises
    ------
    ValueError
        If there are fewer than two classes, or too few rows for them.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_metaexplain.prior import sample_labelled_table
    >>> rng = np.random.default_rng(0)
    >>> labelled = sample_labelled_table(rng, n_rows=60, n_columns=3, n_classes=4)
    >>> labelled.table.shape, labelled.n_classes
    ((60, 3), 4)
    """
    if n_classes < 2:
        raise ValueError(f"n_classes={n_classes} is too small: give at least 2.")
    if n_rows < 2 * n_classes * least_in_class:
        raise ValueError(
            f"n_rows={n_rows} is too small for {n_classes} classes of at least {least_in_class} "
            f"rows: give {2 * n_classes * least_in_class} or more."
        )
    kind = rng.random()
    if kind < _BANDS_SHARE:
        table = sample_table(rng, n_rows=n_rows, n_columns=n_columns).values
        labels = _shares(rng, n_rows, n_classes, least_in_class, balanced)
        return LabelledTable(table, _labels_of_bands(rng, table, labels), "bands")
    if kind >= _BANDS_SHARE + _CLUSTERS_SHARE:
        for _ in range(_ATTEMPTS):
            family = FUNCTION_FAMILIES[rng.integers(len(FUNCTION_FAMILIES))]
            table = sample_table(rng, n_rows=n_rows, n_columns=n_columns).values
            labels = _labels_of_function(rng, table, family, n_classes)
            if np.bincount(labels, minlength=n_classes).min() >= least_in_class:
                return LabelledTable(table, labels, family)
    labels = _shares(rng, n_rows, n_classes, least_in_class, balanced)
    scores = _clustered_scores(rng, labels, n_columns)
    table = sample_table(rng, n_rows=n_rows, n_columns=n_columns, scores=scores).values
    if rng.random() < 0.3:
        wrong = rng.random(n_rows) < rng.uniform(0, 0.2)
        # Swapped among themselves, so that no class runs out of rows.
        labels[wrong] = rng.permutation(labels[wrong])
    return LabelledTable(table, labels, "clusters")


def _labels_of_function(
    rng: np.random.Generator, table: np.ndarray, family: str, n_classes: int
) -> np.ndarray:
    scores = sample_function(rng, table, family, n_classes)(table)
    scores = (scores - scores.mean(0)) / (scores.std(0) + 1e-9)
    scores = np.clip(scores, -4, 4) * np.exp(rng.uniform(np.log(1.5), np.log(25.0)))
    offsets = rng.normal(size=n_classes) * rng.uniform(0, 1.5)
    return (scores + offsets + rng.gumbel(size=scores.shape)).argmax(1)


def _labels_of_bands(rng: np.random.Generator, table: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The same labels dealt out anew: to each class an interval of one noisy score."""
    if rng.random() < 0.5:
        score = _distance(rng, table)
    else:
        family = FUNCTION_FAMILIES[rng.integers(len(FUNCTION_FAMILIES))]
        score = sample_function(rng, table, family, 1)(table)[:, 0]
    spread = rng.choice([0.0, 0.1, 0.3]) * score.std()
    order = (score + spread * rng.normal(size=len(score))).argsort()
    place = rng.permutation(int(labels.max()) + 1)
    banded = np.empty_like(labels)
    banded[order] = labels[place[labels].argsort(kind="stable")]
    return banded


def _distance(rng: np.random.Generator, table: np.ndarray) -> np.ndarray:
    """From a point near the middle, in some of the columns; missing cells count as the middle."""
    counted = np.asarray(rng.random(table.shape[1]) < rng.uniform(0.3, 1.0))
    counted[rng.integers(table.shape[1])] = True
    chosen = table[:, counted]
    middle, spread = np.nanmedian(chosen, 0), np.nanstd(chosen, 0)
    places = np.nan_to_num((chosen - middle) / (spread + 1e-12))
    centre = rng.choice([0.0, 0.5]) * rng.normal(size=chosen.shape[1])
    return np.linalg.norm(places - centre, axis=1)


def _shares(
    rng: np.random.Generator, n_rows: int, n_classes: int, least_in_class: int, balanced: bool
) -> np.ndarray:
    fixed = np.repeat(np.arange(n_classes), least_in_class)
    left = n_rows - len(fixed)
    even = np.full(n_classes, 1 / n_classes)
    shares = even if balanced else rng.dirichlet(np.full(n_classes, rng.uniform(1.0, 10.0)))
    labels = np.concatenate([fixed, rng.choice(n_classes, size=left, p=shares)])
    return rng.permutation(labels)


def _clustered_scores(rng: np.random.Generator, labels: np.ndarray, n_columns: int) -> np.ndarray:
    """Scores of the columns, standardised: mixtures of factors that clusters shift and scale."""
    n_rows, n_classes = len(labels), int(labels.max()) + 1
    n_factors = max(1, int(np.ceil(n_columns * rng.uniform(0.2, 1.2))))
    informative = rng.random((n_factors,)) < rng.uniform(0.15, 1.0)
    informative[rng.integers(n_factors)] = True
    n_clusters = int(rng.choice([1, 2, 3], p=[0.6, 0.25, 0.15]))
    separation = np.exp(rng.uniform(np.log(0.6), np.log(6.0)))
    size = (n_classes, n_clusters, n_factors)
    centres = separation * rng.normal(size=size) * informative
    if rng.random() < 0.3:
        # Each class stands out in factors of its own.
        centres *= rng.random((n_classes, 1, n_factors)) < rng.uniform(0.2, 0.8)
    if rng.random() < 0.2:
        # Classes around one another: spreads alone tell them apart.
        centres *= rng.choice([0.0, 0.3])
    spreads = np.exp(rng.normal(size=size) * rng.choice([0.0, 0.3, 0.7]))
    # A class may be wide or narrow in all factors at once.
    spreads *= np.exp(rng.normal(size=(n_classes, 1, 1)) * rng.choice([0.0, 0.5, 0.9]))
    cluster = rng.integers(n_clusters, size=n_rows)
    noise = rng.normal(size=(n_rows, n_factors))
    if rng.random() < 0.2:
        freedom = rng.uniform(2.5, 8)
        noise *= np.sqrt(freedom / rng.chisquare(freedom, size=(n_rows, 1)))
    factors = centres[labels, cluster] + spreads[labels, cluster] * noise
    loadings = rng.normal(size=(n_columns, n_factors))
    loadings *= rng.random((n_columns, n_factors)) < rng.uniform(0.1, 1.0)
    if rng.random() < 0.4:
        # Columns that measure one factor each.
        loadings = np.eye(n_factors)[rng.integers(n_factors, size=n_columns)]
        loadings *= rng.choice([-1.0, 1.0], size=(n_columns, 1))
    scores = factors @ loadings.T
    error = rng.normal(size=(n_rows, n_columns)) * rng.uniform(0.05, 1.5, size=n_columns)
    scores = scores / (scores.std(0) + 1e-12) + error
    return (scores - scores.mean(0)) / (scores.std(0) + 1e-12)
