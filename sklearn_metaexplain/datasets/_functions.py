"""Functions of a row whose interventional Shapley values are known in closed form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["AdditiveFunction", "PairwiseFunction", "make_pairwise"]


@dataclass(frozen=True, eq=False)
class PairwiseFunction:
    """Weighted columns and weighted products of two columns.

    The value at u is ``weights @ u + sum of products[i, j] * u[i] * u[j] over i < j``, where u is
    the row, or 1 and 0 in columns of which only the sign counts.

    Parameters
    ----------
    weights : ndarray of shape (n_features,)
        Of the columns.
    products : ndarray of shape (n_features, n_features)
        Of the products; symmetric, zero on the diagonal.
    is_sign : ndarray of bool of shape (n_features,)
        Columns that count as 1 above zero and as 0 elsewhere.
    """

    weights: np.ndarray
    products: np.ndarray
    is_sign: np.ndarray

    def __call__(self, X: Any) -> np.ndarray:
        """Values of the function, shape (n_samples,), at the rows of X."""
        units = self._units(X)
        return units @ self.weights + (units @ self.products * units).sum(axis=1) / 2

    def attributions(self, X: Any, background: Any) -> np.ndarray:
        """Shapley values of shape (n_samples, n_features), the mean over the background.

        Against one background row b, the game of ``w * u`` gives its column ``w * (u - b)``, and
        that of ``u1 * u2`` gives the first column ``(u1 - b1) * (u2 + b2) / 2``, the mean of what
        it adds before and after the other.
        """
        units, others = self._units(X), self._units(background)
        values = np.zeros(units.shape)
        for other in others:
            values += (units - other) * (self.weights + (units + other) @ self.products / 2)
        return values / len(others)

    def _units(self, X: Any) -> np.ndarray:
        cells = np.asarray(X, dtype=np.float64)
        return np.where(self.is_sign, cells > 0, cells)


def make_pairwise(
    n_features: int,
    *,
    weights: dict[int, float] | None = None,
    products: dict[tuple[int, int], float] | None = None,
    signs: tuple[int, ...] = (),
) -> PairwiseFunction:
    """Make a function from the weights of columns and of pairs of columns.

    Parameters
    ----------
    n_features : int
        Number of columns.
    weights : dict of int to float, default=None
        By column; others have none.
    products : dict of (int, int) to float, default=None
        By pair of columns; others have none.
    signs : tuple of int, default=()
        Columns of which only the sign counts.

    Returns
    -------
    function : PairwiseFunction
        Of `n_features` columns.
    """
    function = PairwiseFunction(
        np.zeros(n_features), np.zeros((n_features, n_features)), np.zeros(n_features, dtype=bool)
    )
    for column, weight in (weights or {}).items():
        function.weights[column] = weight
    for (one, other), weight in (products or {}).items():
        function.products[one, other] = function.products[other, one] = weight
    function.is_sign[list(signs)] = True
    return function


@dataclass(frozen=True, eq=False)
class AdditiveFunction:
    """A sum of effects of single columns, of numbers or of strings, which may be missing.

    Parameters
    ----------
    effects : list of float or dict of str to float
        For each column what a number is multiplied by, or the effect of each string. Other strings
        have none.
    missing : ndarray of shape (n_features,)
        Effects of missing cells.
    """

    effects: list[Any]
    missing: np.ndarray

    def __call__(self, X: Any) -> np.ndarray:
        """Values of the function, shape (n_samples,), at the rows of X."""
        return self._effects_of(X).sum(axis=1)

    def attributions(self, X: Any, background: Any) -> np.ndarray:
        """Shapley values of shape (n_samples, n_features): effects less those of the background."""
        return self._effects_of(X) - self._effects_of(background).mean(axis=0)

    def _effects_of(self, X: Any) -> np.ndarray:
        frame = X if isinstance(X, pd.DataFrame) else pd.DataFrame(X)
        columns = []
        for j, (effect, missing) in enumerate(zip(self.effects, self.missing, strict=True)):
            cells = frame.iloc[:, j].astype(object)
            if isinstance(effect, dict):
                own = cells.map(lambda cell, table=effect: table.get(cell, 0.0))
            else:
                own = pd.to_numeric(cells) * effect
            columns.append(np.where(cells.isna(), missing, own.to_numpy(dtype=np.float64)))
        return np.column_stack(columns)
