"""Random additive functions with sparse interactions of two and more columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from sklearn_metaexplain.prior._columns import (
    RawFunction,
    sample_column,
    sample_relevance,
    sample_scaler,
)

_SHAPES = ("linear", "spline", "steps", "periodic", "sigmoid", "quadratic", "bump", "hinge")


@dataclass(frozen=True)
class Effect:
    """A function of one scaled column.

    Attributes
    ----------
    column : int
    shape : str
        "linear", "spline", "steps", "periodic", "sigmoid", "quadratic", "bump" or "hinge".
    slope, offset : float
    knots, levels : ndarray
        Of splines and steps.
    """

    column: int
    shape: str
    slope: float
    offset: float
    knots: np.ndarray
    levels: np.ndarray

    def __call__(self, Z: np.ndarray) -> np.ndarray:
        z = Z[:, self.column]
        if self.shape == "spline":
            return np.interp(z, self.knots, self.levels[1:])
        if self.shape == "steps":
            return self.levels[np.searchsorted(self.knots, z)]
        z = self.slope * (z - self.offset)
        if self.shape == "periodic":
            return np.sin(2 * z)
        if self.shape == "sigmoid":
            return expit(3 * z)
        if self.shape == "quadratic":
            return z * z
        if self.shape == "bump":
            return np.exp(-z * z)
        if self.shape == "hinge":
            return np.maximum(z, 0.0)
        return z


@dataclass(frozen=True)
class Additive:
    """A weighted sum of products of effects; most products have one factor.

    Attributes
    ----------
    scaler : callable
    terms : tuple of tuple of Effect
    centres, scales : ndarray of shape (n_terms,)
        Of the terms over the table, so that weights alone say what matters.
    weights : ndarray of shape (n_terms, n_outputs)
    """

    scaler: RawFunction
    terms: tuple[tuple[Effect, ...], ...]
    centres: np.ndarray
    scales: np.ndarray
    weights: np.ndarray

    def __call__(self, X: np.ndarray) -> np.ndarray:
        return (_products(self.scaler(X), self.terms) - self.centres) / self.scales @ self.weights


def _products(Z: np.ndarray, terms: tuple[tuple[Effect, ...], ...]) -> np.ndarray:
    products = np.empty((len(Z), len(terms)))
    for i, (first, *others) in enumerate(terms):
        product = first(Z)
        for effect in others:
            product = product * effect(Z)
        products[:, i] = product
    return products


def _sample_effect(
    rng: np.random.Generator, Z: np.ndarray, column: np.intp, shapes: list[str]
) -> Effect:
    n_knots = int(rng.integers(1, 10))
    # Just above data values: whether a cell passes a step must not hang on its last bit.
    knots = np.quantile(Z[:, column], np.sort(rng.random(n_knots))) + 1e-9
    steps = rng.normal(size=n_knots + 1)
    levels = np.cumsum(steps) if rng.random() < 0.5 else steps
    offset = float(rng.choice(Z[:, column])) if rng.random() < 0.7 else 0.0
    shape = shapes[rng.integers(len(shapes))]
    slope = float(rng.choice([-1, 1]) * rng.uniform(0.4, 2.5))
    return Effect(int(column), shape, slope, offset, knots, levels)


def sample_additive(rng: np.random.Generator, table: np.ndarray, n_outputs: int = 1) -> RawFunction:
    """Draw an additive function with sparse interactions.

    Parameters
    ----------
    rng : numpy.random.Generator
    table : ndarray of shape (n_rows, n_columns)
    n_outputs : int, default=1

    Returns
    -------
    function : Additive
        One effect for each relevant column and, in about two thirds of draws, up to as many
        products of 2 (mostly) to 5 effects.
    """
    n_columns = table.shape[1]
    scaler = sample_scaler(rng, table)
    Z = scaler(table)
    relevance = sample_relevance(rng, table)
    shapes = list(_SHAPES)
    if rng.random() < 0.4:
        shapes = [shapes[i] for i in rng.integers(len(shapes), size=2)]
    relevant: np.ndarray = np.flatnonzero(relevance)
    terms: list[tuple[Effect, ...]] = [(_sample_effect(rng, Z, j, shapes),) for j in relevant]
    sizes = list(relevance[relevant])
    strength = rng.uniform(0.3, 2.5)
    n_products = int(rng.integers(1, n_columns + 1)) if rng.random() < 0.65 else 0
    for _ in range(n_products):
        order = int(rng.choice([2, 3, 4, 5], p=[0.7, 0.17, 0.08, 0.05]))
        columns = np.unique(sample_column(rng, relevance, order))
        terms.append(tuple(_sample_effect(rng, Z, j, shapes) for j in columns))
        sizes.append(strength * relevance[columns].mean())
    products = _products(Z, tuple(terms))
    spread = products.std(0)
    weights = rng.normal(size=(len(terms), n_outputs)) * np.array(sizes)[:, None]
    return Additive(
        scaler,
        tuple(terms),
        products.mean(0),
        np.where(spread > 1e-6, spread, 1.0),
        weights,
    )
