"""Two functions in one: a sum, as of voting, or a gate that switches from one to the other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from sklearn_metaexplain.prior._columns import RawFunction


@dataclass(frozen=True)
class Combined:
    """A weighted mean of two standardised functions, the weight fixed or itself a function.

    Attributes
    ----------
    first, second : callable, (n, n_columns) -> (n, n_outputs)
    gate : callable, (n, n_columns) -> (n, 1), or None
        Log-odds of the first one's weight, standardised.
    moments : tuple of (centre, scale) for first, second and gate
    weight : float
        Of the first function where there is no gate; the gate's slope where there is one.
    """

    first: RawFunction
    second: RawFunction
    gate: RawFunction | None
    moments: tuple[tuple[np.ndarray, np.ndarray], ...]
    weight: float

    def __call__(self, X: np.ndarray) -> np.ndarray:
        first = (self.first(X) - self.moments[0][0]) / self.moments[0][1]
        second = (self.second(X) - self.moments[1][0]) / self.moments[1][1]
        if self.gate is None:
            return self.weight * first + (1 - self.weight) * second
        share = expit(self.weight * (self.gate(X) - self.moments[2][0]) / self.moments[2][1])
        return share * first + (1 - share) * second


def combine(
    rng: np.random.Generator,
    table: np.ndarray,
    first: RawFunction,
    second: RawFunction,
    gate: RawFunction | None,
) -> Combined:
    """Combine two functions with a random weight or slope, standardised over the table."""
    moments = []
    for function in (first, second, gate):
        if function is not None:
            outputs = function(table)
            spread = outputs.std(0)
            moments.append((outputs.mean(0), np.where(spread > 1e-9, spread, 1.0)))
    weight = rng.uniform(0.15, 0.85) if gate is None else rng.uniform(0.5, 8.0)
    return Combined(first, second, gate, tuple(moments), float(weight))
