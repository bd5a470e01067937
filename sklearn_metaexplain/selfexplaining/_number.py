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

_MOST_PROTOTYPES = 32
# Of the largest class: with fewer, a mean says little of the rows around it.
_ROWS_PER_PROTOTYPE = 10
_N_FOLDS = 3
# Behind the best. A single one gives exact Shapley values, and is not given up for a few rows.
_ERRORS_OF_ONE, _ERRORS_OF_SEVERAL = 2, 1
# Reading costs the square of the rows, and the number is told well enough by these.
_MOST_ROWS = 512


class ClassRows:
    """The embedded rows of a class, of which prototypes are made.

    Parameters
    ----------
    embedded : ndarray of shape (n_rows, n_dims)
        Rows.
    seed : int
        Of k-means.
    """

    def __init__(self, embedded: np.ndarray, seed: int) -> None:
        self._seed = seed
        self._mean = embedded.mean(axis=0, keepdims=True)
        # Rows that k-means cannot tell apart count as one: it would warn, and repeat centres. In
        # the order of the rows, which does not depend on that of the columns.
        keys = [row.tobytes() for row in embedded.round(6) + 0.0]
        numbers = {key: number for number, key in enumerate(dict.fromkeys(keys))}
        place = np.array([numbers[key] for key in keys])
        self._different = embedded[np.unique(place, return_index=True)[1]]
        self._counts = np.bincount(place)

    def prototypes(self, n_prototypes: int, *, n_starts: int = 3) -> np.ndarray:
        """Make the mean of the rows, or the centres of k-means.

        Parameters
        ----------
        n_prototypes : int
            How many; fewer where there are fewer different rows.
        n_starts : int, default=3
            Of k-means.

        Returns
        -------
        prototypes : ndarray of shape (at most n_prototypes, n_dims)
        """
        if n_prototypes == 1:
            return self._mean
        if n_prototypes >= len(self._different):
            return self._different
        means = KMeans(n_prototypes, n_init=n_starts, random_state=self._seed)
        return means.fit(self._different, sample_weight=self._counts).cluster_centers_


def choose_number(
    network: PrototypeNetwork,
    encoded: torch.Tensor,
    labels: np.ndarray,
    *,
    priors: np.ndarray,
    n_support: int,
    seed: int,
) -> int:
    """Choose how many prototypes a class gets: 1, 2, 4 and so on to 32.

    Each number is judged by how many rows are labelled rightly that were left out, three times a
    third. It is one unless the best is more than two standard errors, paired over the rows,
    ahead of it; otherwise the least that is at most one standard error behind the best. A number
    needs more than ten times as many rows of the largest class.

    Parameters
    ----------
    network : PrototypeNetwork
        What embeds rows.
    encoded : tensor of shape (n_samples, m, 2)
        The training table, of which 512 rows are looked at.
    labels : ndarray of int of shape (n_samples,)
        Its classes, from 0 on, each present.
    priors : ndarray of shape (n_classes,)
        Prior probabilities of the classes.
    n_support : int
        Most rows that the network reads.
    seed : int
        Of the rows, the folds and k-means.
    """
    rng = np.random.RandomState(seed)
    log_priors = np.log(priors)
    looked_at = choose_support(labels, _MOST_ROWS, rng)
    labels = labels[looked_at]
    largest = int(np.bincount(labels).max())
    powers = [2**k for k in range(_MOST_PROTOTYPES.bit_length())]
    numbers = [n for n in powers if n == 1 or n * _ROWS_PER_PROTOTYPE < largest]
    if len(numbers) == 1:
        return 1
    encoded = encoded[looked_at].to(next(network.parameters()).device)
    fold_of_row = _assign_folds(labels, rng)
    is_right = []
    for fold in range(_N_FOLDS):
        left_out = fold_of_row == fold
        rows, targets = encoded[~left_out], labels[~left_out]
        read = choose_support(targets, n_support, rng)
        told = torch.from_numpy(targets[read]).to(rows.device)
        context = network.encoder.read(rows[read], told, len(log_priors))
        embed = partial(network.embed, context)
        own, others = (
            in_chunks(network.encoder, context, embed, part).reshape(len(part), -1)
            for part in (rows, encoded[left_out])
        )
        distances = _nearest(own, targets, others, len(log_priors), numbers, seed)
        labelled = (log_priors - distances).argmax(axis=2)
        is_right.append(labelled == labels[left_out])
    return numbers[_least_that_serves(np.concatenate(is_right, axis=1))]


def _assign_folds(labels: np.ndarray, rng: np.random.RandomState) -> np.ndarray:
    """Folds of rows, each class spread over all; -1 for classes that would be missing in one."""
    fold_of_row = np.full(len(labels), -1)
    # Drawn at once, so that nothing depends on what the classes are called.
    order = rng.permutation(len(labels))
    for label in np.unique(labels):
        rows = order[labels[order] == label]
        if len(rows) >= _N_FOLDS:
            fold_of_row[rows] = np.arange(len(rows)) % _N_FOLDS
    return fold_of_row


def _nearest(
    embedded: np.ndarray,
    labels: np.ndarray,
    others: np.ndarray,
    n_classes: int,
    numbers: list[int],
    seed: int,
) -> np.ndarray:
    """Squared distances to the nearest prototype, (n_numbers, n_others, n_classes)."""
    distances = np.empty((len(numbers), len(others), n_classes))
    for label in range(n_classes):
        rows = ClassRows(embedded[labels == label], seed)
        for k, number in enumerate(numbers):
            prototypes = rows.prototypes(number, n_starts=1)
            squared = euclidean_distances(others, prototypes, squared=True)
            distances[k, :, label] = squared.min(axis=1)
    return distances


def _least_that_serves(right: np.ndarray) -> int:
    """Position of the first candidate that is not clearly worse than the best, (n, n_rows)."""
    behind = right[right.mean(axis=1).argmax()].astype(float) - right
    errors = behind.std(axis=1, ddof=1) / np.sqrt(right.shape[1])
    allowed = np.where(np.arange(len(right)) == 0, _ERRORS_OF_ONE, _ERRORS_OF_SEVERAL)
    return int(np.flatnonzero(behind.mean(axis=1) <= allowed * errors)[0])
