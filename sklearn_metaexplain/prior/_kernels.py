"""Random kernel machines and nearest neighbours, soft and hard."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import cdist

from sklearn_metaexplain.prior._columns import RawFunction, sample_relevance, sample_scaler

# Rows evaluated at a time, so that the distances stay in the processor's cache.
_CHUNK = 2048


@dataclass(frozen=True)
class KernelMachine:
    """Weighted kernels around centres, normalised (a weighted mean) or not (an expansion).

    Attributes
    ----------
    scaler : callable
    relevance : ndarray of shape (n_columns,)
        Factors of the scaled columns.
    centres : ndarray of shape (n_centres, n_columns)
        Scaled and weighted by relevance.
    weights : ndarray of shape (n_centres, n_outputs)
    profile : str
        "gaussian", "laplace", "rational", "polynomial" or "sigmoid".
    width : float
        Length scale; of inner products for the last two profiles.
    degree : int
        Of the polynomial.
    normalised : bool
    """

    scaler: RawFunction
    relevance: np.ndarray
    centres: np.ndarray
    weights: np.ndarray
    profile: str
    width: float
    degree: int
    normalised: bool

    def __call__(self, X: np.ndarray) -> np.ndarray:
        Z = self.scaler(X) * self.relevance
        result = np.empty((len(X), self.weights.shape[1]))
        for start in range(0, len(X), _CHUNK):
            kernel = self._kernel(Z[start : start + _CHUNK])
            total = kernel @ self.weights
            if self.normalised:
                # Far from all centres the mean fades to zero.
                total /= kernel.sum(1, keepdims=True) + 1e-3
            result[start : start + _CHUNK] = total
        return result

    def _kernel(self, Z: np.ndarray) -> np.ndarray:
        if self.profile == "laplace":
            return np.exp(-cdist(Z, self.centres, "cityblock") / self.width)
        if self.profile in ("polynomial", "sigmoid"):
            product = Z @ self.centres.T / self.width
            return np.tanh(product) if self.profile == "sigmoid" else (1 + product) ** self.degree
        squared = (Z * Z).sum(1)[:, None] + (self.centres * self.centres).sum(1)
        squared -= 2 * Z @ self.centres.T
        np.maximum(squared, 0, out=squared)
        squared /= self.width**2
        return 1 / (1 + squared) if self.profile == "rational" else np.exp(-0.5 * squared)


@dataclass(frozen=True)
class NearestNeighbours:
    """The mean label of the k nearest stored rows, equally weighted, by distance or by softmax.

    Attributes
    ----------
    scaler : callable
    relevance : ndarray of shape (n_columns,)
    rows : ndarray of shape (n_stored, n_columns)
        Scaled and weighted by relevance.
    labels : ndarray of shape (n_stored, n_outputs)
    metric : str
        "sqeuclidean" or "cityblock".
    n_neighbours : int
        Not used by softmax weights.
    weighting : str
        "uniform", "distance" or "softmax".
    temperature : float
        Of the softmax over negative distances.
    """

    scaler: RawFunction
    relevance: np.ndarray
    rows: np.ndarray
    labels: np.ndarray
    metric: str
    n_neighbours: int
    weighting: str
    temperature: float

    def __call__(self, X: np.ndarray) -> np.ndarray:
        Z = self.scaler(X) * self.relevance
        result = np.empty((len(X), self.labels.shape[1]))
        for start in range(0, len(X), _CHUNK):
            # Pair by pair, never by matrix products: ties must not depend on the batch.
            distances = cdist(Z[start : start + _CHUNK], self.rows, self.metric)
            result[start : start + _CHUNK] = self._vote(distances)
        return result

    def _vote(self, distances: np.ndarray) -> np.ndarray:
        if self.weighting == "softmax":
            nearest = distances.min(1, keepdims=True)
            weights = np.exp((nearest - distances) / self.temperature)
            return weights @ self.labels / weights.sum(1, keepdims=True)
        k = self.n_neighbours
        if k == 1:
            return self.labels[distances.argmin(1)]
        index = np.argpartition(distances, k - 1, axis=1)[:, :k]
        if self.weighting == "uniform":
            return self.labels[index].mean(1)
        weights = 1 / (np.take_along_axis(distances, index, 1) + 1e-9)
        return (weights[:, :, None] * self.labels[index]).sum(1) / weights.sum(1, keepdims=True)


def _typical_distance(rows: np.ndarray, metric: str) -> float:
    sample = rows[:64]
    distances = cdist(sample, sample, metric)
    positive = distances[distances > 0]
    return float(np.median(positive)) if len(positive) else 1.0


def sample_kernel_machine(
    rng: np.random.Generator, table: np.ndarray, n_outputs: int = 1
) -> RawFunction:
    """Draw a kernel machine around rows of the table, as of a support vector machine.

    Parameters
    ----------
    rng : numpy.random.Generator
    table : ndarray of shape (n_rows, n_columns)
    n_outputs : int, default=1

    Returns
    -------
    machine : KernelMachine
    """
    scaler = sample_scaler(rng, table)
    relevance = sample_relevance(rng, table)
    n_centres = int(2 ** rng.uniform(1, 7.3))
    index = rng.choice(len(table), size=n_centres, replace=n_centres > len(table))
    centres = scaler(table[index]) * relevance
    weights = rng.normal(size=(n_centres, n_outputs))
    profile = str(
        rng.choice(
            ["gaussian", "laplace", "rational", "polynomial", "sigmoid"],
            p=[0.5, 0.15, 0.15, 0.12, 0.08],
        )
    )
    factor = np.exp(rng.uniform(np.log(0.2), np.log(2.0)))
    metric = "cityblock" if profile == "laplace" else "euclidean"
    width = factor * _typical_distance(scaler(table) * relevance, metric)
    if profile in ("polynomial", "sigmoid"):
        width = table.shape[1] * rng.uniform(0.3, 3.0)
    normalised = bool(profile in ("gaussian", "laplace", "rational") and rng.random() < 0.4)
    degree = int(rng.integers(2, 4))
    return KernelMachine(
        scaler, relevance, centres, weights, profile, float(width), degree, normalised
    )


def sample_neighbours(
    rng: np.random.Generator, table: np.ndarray, n_outputs: int = 1
) -> RawFunction:
    """Draw a nearest-neighbour vote over labelled rows of the table.

    Labels follow a random direction of the scaled columns, or are noise, or both; about half the
    time they are classes.

    Parameters
    ----------
    rng : numpy.random.Generator
    table : ndarray of shape (n_rows, n_columns)
    n_outputs : int, default=1

    Returns
    -------
    vote : NearestNeighbours
    """
    scaler = sample_scaler(rng, table)
    relevance = sample_relevance(rng, table)
    n_stored = min(int(2 ** rng.uniform(4, 7.3)), len(table))
    rows = scaler(table[rng.choice(len(table), size=n_stored, replace=False)]) * relevance
    direction = rng.normal(size=(rows.shape[1], n_outputs))
    trend = np.sin(rows @ direction * rng.uniform(0.2, 1.5) / np.sqrt(rows.shape[1]))
    labels = trend + rng.normal(size=trend.shape) * rng.choice([0.1, 0.5, 2.0])
    if rng.random() < 0.5:
        labels = (labels > np.median(labels, axis=0)).astype(float)
    metric = str(rng.choice(["sqeuclidean", "cityblock"], p=[0.75, 0.25]))
    weighting = str(rng.choice(["uniform", "distance", "softmax"], p=[0.4, 0.2, 0.4]))
    n_neighbours = min(int(rng.choice([1, 3, 5, 7, 10, 15, 25])), n_stored)
    temperature = _typical_distance(rows, metric) * np.exp(rng.uniform(np.log(0.02), np.log(0.5)))
    return NearestNeighbours(
        scaler, relevance, rows, labels, metric, n_neighbours, weighting, float(temperature)
    )
