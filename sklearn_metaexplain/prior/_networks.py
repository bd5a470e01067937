"""Random feed-forward networks, from linear models to four hidden layers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from sklearn_metaexplain.prior._columns import RawFunction, sample_relevance, sample_scaler

ACTIVATIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "tanh": np.tanh,
    "relu": lambda h: np.maximum(h, 0.0),
    "leaky": lambda h: np.maximum(h, 0.1 * h),
    "sine": np.sin,
    "bump": lambda h: np.exp(-h * h),
    "sharp": lambda h: expit(12 * h),
    "sigmoid": expit,
    "step": lambda h: (h > 0).astype(float),
    "absolute": np.abs,
}


@dataclass(frozen=True)
class Network:
    """Layers of weights and biases on scaled columns; the last layer is linear."""

    scaler: RawFunction
    weights: tuple[np.ndarray, ...]
    biases: tuple[np.ndarray, ...]
    activations: tuple[str, ...]

    def __call__(self, X: np.ndarray) -> np.ndarray:
        hidden = self.scaler(X)
        for weight, bias, name in zip(self.weights, self.biases, self.activations, strict=False):
            hidden = ACTIVATIONS[name](hidden @ weight + bias)
        return hidden @ self.weights[-1] + self.biases[-1]


def sample_network(rng: np.random.Generator, table: np.ndarray, n_outputs: int = 1) -> RawFunction:
    """Draw a network with random depth, width, activations and sparsity of its input weights.

    Parameters
    ----------
    rng : numpy.random.Generator
    table : ndarray of shape (n_rows, n_columns)
    n_outputs : int, default=1

    Returns
    -------
    network : Network
    """
    n_columns = table.shape[1]
    scaler = sample_scaler(rng, table)
    relevance = sample_relevance(rng, table)
    depth = int(rng.choice(5, p=[0.12, 0.34, 0.3, 0.16, 0.08]))
    if depth == 0:
        weight = rng.normal(size=(n_columns, n_outputs)) * relevance[:, None]
        return Network(scaler, (weight,), (np.zeros(n_outputs),), ())
    width = int(2 ** rng.uniform(3, 6.5 if depth < 3 else 5.5))
    # From one column a unit (additive, with one hidden layer) to all of them.
    density = 1 / n_columns + (1 - 1 / n_columns) * rng.random() ** 2
    mask = rng.random((n_columns, width)) < density
    mask[rng.integers(n_columns, size=width), np.arange(width)] = True
    gain = rng.uniform(0.5, 2.2)
    first = rng.normal(size=(n_columns, width)) * mask * relevance[:, None]
    weights = [first * gain / np.sqrt(mask.sum(0))]
    biases = [rng.normal(size=width) * rng.uniform(0.3, 1.2)]
    for _ in range(depth - 1):
        weights.append(rng.normal(size=(width, width)) * rng.uniform(1.0, 1.7) / np.sqrt(width))
        biases.append(rng.normal(size=width) * 0.5)
    weights.append(rng.normal(size=(width, n_outputs)) / np.sqrt(width))
    biases.append(np.zeros(n_outputs))
    names = list(ACTIVATIONS)
    if rng.random() < 0.6:
        activations = [names[rng.integers(len(names))]] * depth
    else:
        activations = [names[i] for i in rng.integers(len(names), size=depth)]
    return Network(scaler, tuple(weights), tuple(biases), tuple(activations))
