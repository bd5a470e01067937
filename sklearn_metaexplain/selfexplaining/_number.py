"""Prototypes of a class, and how many of them tell other rows best."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from sklearn.cluster import KMeans
from sklearn.metrics.pairwise import euclidean_distances

from sklearn_metaexplain.nets._classifiers import PrototypeNetwork
from sklearn_metaexplain.nets._labelled_table import choose_support
from sklearn_metaexplain.selfexplaining._chunks import in_chunks

# Of the largest class, to a prototype: with fewer, a mean says little of the rows around it.
_MORE_THAN = 10
_MOST = 32
_N_FOLDS = 4
# Behind the best. A single one gives exact Shapley values, and is not given up for a few rows.
_ERRORS_OF_ONE, _ERRORS_OF_SEVERAL = 2, 1
# Reading costs the square of the rows, and the number is told well enough by these.
_MOST_ROWS = 1024


def centres(embedded: np.ndarray, n_prototypes: int, seed: int, *, n_starts: int = 3) -> np.ndarray:
    """Prototypes of a class: the mean of its rows, or the centres of k-means.

    Parameters
    ----------
    embedded : ndarray of shape (n_rows, n_dims)
        The class's rows.
    n_prototypes : int
        How many; fewer where there are fewer different rows.
    seed : int
        Of k-means.
    n_starts : int, default=3
        Of k-means.
    """
    if n_prototypes == 1:
        return embedded.mean(axis=0, keepdims=True)
    # No more centres than rows that k-means can tell apart; it would warn, and repeat some.
    _, first, counts = np.unique(embedded.round(6), axis=0, return_index=True, return_counts=True)
    # In the order of the rows, which does not depend on that of the columns.
    order = first.argsort()
    means = KMeans(min(n_prototypes, len(first)), n_init=n_starts, random_state=seed)
    return means.fit(embedded[first[order]], sample_weight=counts[order]).cluster_centers_


def choose_number(
    network: PrototypeNetwork,
    encoded: torch.Tensor,
    labels: np.ndarray,
    intercept: torch.Tensor,
    *,
    n_support: int,
    seed: int,
) -> int:
    """Choose how many prototypes a class gets: 1, 2, 4 and so on to 32.

    Each number is judged by how many rows are labelled rightly that were left out, four times a
    quarter. It is one unless the best is more than two standard errors, paired over the rows,
    ahead of it; otherwise the least that is at most one standard error behind the best. A number
    needs more than ten times as many rows of the largest class.

    Parameters
    ----------
    network : PrototypeNetwork
        What embeds rows.
    encoded : tensor of shape (n_samples, m, 2)
        The training table, of which 1,024 rows are looked at.
    labels : ndarray of int of shape (n_samples,)
        Its classes, from 0 on, each present.
    intercept : tensor of shape (n_classes,)
        Logarithms of the classes' prior probabilities.
    n_support : int
        Most rows that the network reads.
    seed : int
        Of the rows, the folds and k-means.
    """
    rng = np.random.RandomState(seed)
    looked_at = choose_support(labels, _MOST_ROWS, rng)
    labels = labels[looked_at]
    largest = int(np.bincount(labels).max())
    numbers = [n for n in 2 ** np.arange(_MOST.bit_length()) if n == 1 or n * _MORE_THAN < largest]
    if len(numbers) == 1:
        return 1
    encoded = encoded[looked_at]
    fold_of_row = _assign_folds(labels, rng)
    told = []
    for fold in range(_N_FOLDS):
        left_out = fold_of_row == fold
        rows, targets = encoded[~left_out], labels[~left_out]
        read = choose_support(targets, n_support, rng)
        context = network.encoder.read(
            rows[read].to(intercept.device),
            torch.from_numpy(targets[read]).to(intercept.device),
            len(intercept),
        )
        embed = partial(network.embed, context)
        own, others = (
            in_chunks(network.encoder, context, embed, part).reshape(len(part), -1)
            for part in (rows, encoded[left_out])
        )
        log_priors = intercept.cpu().numpy()
        right = [
            _label(own, targets, others, log_priors, int(n), seed) == labels[left_out]
            for n in numbers
        ]
        told.append(np.array(right))
    return int(numbers[_least_that_serves(np.concatenate(told, axis=1))])


def _assign_folds(labels: np.ndarray, rng: np.random.RandomState) -> np.ndarray:
    """Folds of rows, each class spread over all; -1 for classes that would be missing in one."""
    fold_of_row = np.full(len(labels), -1)
    for label in np.unique(labels):
        rows = rng.permutation(np.flatnonzero(labels == label))
        if len(rows) >= _N_FOLDS:
            fold_of_row[rows] = np.arange(len(rows)) % _N_FOLDS
    return fold_of_row


def _label(
    embedded: np.ndarray,
    labels: np.ndarray,
    others: np.ndarray,
    log_priors: np.ndarray,
    n_prototypes: int,
    seed: int,
) -> np.ndarray:
    """Classes of other rows by the nearest prototype of each class."""
    distances = []
    for label in range(len(log_priors)):
        prototypes = centres(embedded[labels == label], n_prototypes, seed, n_starts=1)
        distances.append(euclidean_distances(others, prototypes, squared=True).min(axis=1))
    return (log_priors - np.stack(distances, axis=1)).argmax(axis=1)


def _least_that_serves(right: np.ndarray) -> int:
    """Position of the first candidate that is not clearly worse than the best, (n, n_rows)."""
    behind = right[right.mean(axis=1).argmax()].astype(float) - right
    errors = behind.std(axis=1, ddof=1) / np.sqrt(right.shape[1])
    allowed = np.where(np.arange(len(right)) == 0, _ERRORS_OF_ONE, _ERRORS_OF_SEVERAL)
    return int(np.flatnonzero(behind.mean(axis=1) <= allowed * errors)[0])
