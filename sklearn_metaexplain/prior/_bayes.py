"""Random log densities of classes: naive Bayes on Gaussians and frequencies, and quadratic."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sklearn_metaexplain.prior._columns import (
    ColumnCodes,
    RawFunction,
    observed,
    sample_relevance,
    sample_scaler,
)


@dataclass(frozen=True)
class GaussianLogDensities:
    """Sums over columns of Gaussian log densities, up to a constant: one output a class.

    Attributes
    ----------
    scaler : callable
    means, precisions : ndarray of shape (n_columns, n_classes)
        A precision of zero leaves a column out.
    ignored : ndarray of shape (n_columns,), bool
        Columns whose missing cells say nothing; those of others stand for a value.
    """

    scaler: RawFunction
    means: np.ndarray
    precisions: np.ndarray
    ignored: np.ndarray

    def __call__(self, X: np.ndarray) -> np.ndarray:
        Z = self.scaler(X)
        silent = np.isnan(X) & self.ignored
        squared = np.where(silent, 0.0, Z * Z)
        linear = np.where(silent, 0.0, Z)
        present = np.where(silent, 0.0, 1.0)
        precisions = self.precisions
        constant = 0.5 * np.log(np.where(precisions > 0, precisions, 1.0))
        constant = constant - 0.5 * precisions * self.means**2
        return linear @ (precisions * self.means) - 0.5 * squared @ precisions + present @ constant


@dataclass(frozen=True)
class FrequencyLogDensities:
    """Sums over columns of log frequencies of intervals, one of them "missing".

    Attributes
    ----------
    codes : ColumnCodes
    frequencies : tuple of ndarray of shape (n_codes, n_classes)
        Log frequencies times the column's weight.
    """

    codes: ColumnCodes
    frequencies: tuple[np.ndarray, ...]

    def __call__(self, X: np.ndarray) -> np.ndarray:
        return sum(
            table[codes] for table, codes in zip(self.frequencies, self.codes(X), strict=True)
        )


@dataclass(frozen=True)
class QuadraticLogDensities:
    """Log densities of Gaussians with full covariances, up to a constant: one output a class.

    Attributes
    ----------
    scaler : callable
    means : ndarray of shape (n_classes, n_columns)
    roots : ndarray of shape (n_classes, n_columns, rank)
        Each precision matrix is a root times its transpose.
    """

    scaler: RawFunction
    means: np.ndarray
    roots: np.ndarray

    def __call__(self, X: np.ndarray) -> np.ndarray:
        Z = self.scaler(X)
        return np.stack(
            [
                -0.5 * (((Z - mean) @ root) ** 2).sum(1)
                for mean, root in zip(self.means, self.roots, strict=True)
            ],
            axis=1,
        )


@dataclass(frozen=True)
class LogOdds:
    """The first class against the second: two log densities become one output."""

    densities: RawFunction

    def __call__(self, X: np.ndarray) -> np.ndarray:
        log_densities = self.densities(X)
        return log_densities[:, :1] - log_densities[:, 1:]


def sample_naive_bayes(
    rng: np.random.Generator, table: np.ndarray, n_outputs: int = 1
) -> RawFunction:
    """Draw class log densities that are sums over columns: Gaussian, or frequencies of intervals.

    Parameters
    ----------
    rng : numpy.random.Generator
    table : ndarray of shape (n_rows, n_columns)
    n_outputs : int, default=1
        One output is the log-odds of two classes; more are the log densities of as many.

    Returns
    -------
    densities : callable, (n, n_columns) -> (n, n_outputs)
    """
    n_columns, n_classes = table.shape[1], max(n_outputs, 2)
    relevance = sample_relevance(rng, table)
    densities: RawFunction
    if rng.random() < 0.55:
        scaler = sample_scaler(rng, table)
        means = rng.normal(size=(n_columns, n_classes)) * rng.uniform(0.2, 1.5)
        precisions = np.exp(rng.normal(size=(n_columns, n_classes)) * rng.uniform(0, 1.2))
        precisions[relevance == 0] = 0.0
        precisions *= np.minimum(relevance, 3.0)[:, None]
        ignored = rng.random(n_columns) < rng.choice([0.0, 1.0])
        densities = GaussianLogDensities(scaler, means, precisions, ignored)
    else:
        thresholds, frequencies = [], []
        for j in range(n_columns):
            cuts = rng.choice(observed(table[:, j]), size=int(rng.integers(1, 11)))
            thresholds.append(np.unique(cuts))
            spread = rng.uniform(0.3, 1.5) * relevance[j]
            frequencies.append(rng.normal(size=(len(thresholds[j]) + 2, n_classes)) * spread)
        densities = FrequencyLogDensities(ColumnCodes(tuple(thresholds)), tuple(frequencies))
    return LogOdds(densities) if n_outputs == 1 else densities


def sample_quadratic(
    rng: np.random.Generator, table: np.ndarray, n_outputs: int = 1
) -> RawFunction:
    """Draw log densities of Gaussian classes around rows of the table.

    Parameters and returns as of `sample_naive_bayes`.
    """
    n_columns, n_classes = table.shape[1], max(n_outputs, 2)
    scaler = sample_scaler(rng, table)
    relevance = sample_relevance(rng, table)
    rank = int(rng.integers(1, n_columns + 2))
    roots = rng.normal(size=(n_classes, n_columns, rank)) / np.sqrt(rank)
    if rng.random() < 0.4:
        # Nearly one covariance for all classes: nearly linear.
        roots = roots[:1] + 0.15 * roots
    roots = roots * relevance[:, None] * rng.uniform(0.3, 1.0)
    means = scaler(table[rng.integers(len(table), size=n_classes)]) * rng.uniform(0.3, 1.0)
    densities = QuadraticLogDensities(scaler, means, roots)
    return LogOdds(densities) if n_outputs == 1 else densities
