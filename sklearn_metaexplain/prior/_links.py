"""Links from a function's standardised output to what a model returns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from sklearn_metaexplain.prior._columns import RawFunction

#: A link: (n, n_outputs) standardised -> (n,).
Link = Callable[[np.ndarray], np.ndarray]

# Beyond this log-odds a float64 probability is on its way to being exactly one.
_LOG_ODDS_LIMIT = 30.0


@dataclass(frozen=True)
class IdentityLink:
    """The output itself, as a regressor's."""

    def __call__(self, outputs: np.ndarray) -> np.ndarray:
        return outputs[:, 0]


@dataclass(frozen=True)
class ExponentialLink:
    """A positive, skewed output, as of a regressor of a logarithm."""

    slope: float

    def __call__(self, outputs: np.ndarray) -> np.ndarray:
        return np.exp(np.clip(self.slope * outputs[:, 0], -20, 20))


@dataclass(frozen=True)
class LogisticLink:
    """A binary classifier's probability; the slope says how saturated."""

    slope: float
    offset: float

    def __call__(self, outputs: np.ndarray) -> np.ndarray:
        log_odds = self.slope * outputs[:, 0] + self.offset
        return expit(np.clip(log_odds, -_LOG_ODDS_LIMIT, _LOG_ODDS_LIMIT))


@dataclass(frozen=True)
class IsotonicLink:
    """A monotone calibration map through knots, flat between them or linear."""

    knots: np.ndarray
    levels: np.ndarray
    flat: bool

    def __call__(self, outputs: np.ndarray) -> np.ndarray:
        if self.flat:
            return self.levels[np.searchsorted(self.knots, outputs[:, 0], side="right")]
        return np.interp(outputs[:, 0], self.knots, self.levels[1:])


@dataclass(frozen=True)
class SoftmaxLink:
    """The probability of the first class against the others."""

    slope: float
    offsets: np.ndarray

    def __call__(self, outputs: np.ndarray) -> np.ndarray:
        scores = self.slope * outputs + self.offsets
        gaps = np.clip(scores[:, 1:] - scores[:, :1], -_LOG_ODDS_LIMIT, _LOG_ODDS_LIMIT)
        return 1 / (1 + np.exp(gaps).sum(1))


@dataclass(frozen=True)
class LinkedModel:
    """A random function, standardised by its outputs over the table, behind a link."""

    function: RawFunction
    centre: np.ndarray
    scale: np.ndarray
    link: Link

    @property
    def gives_probabilities(self) -> bool:
        """Whether outputs are probabilities."""
        return isinstance(self.link, LogisticLink | IsotonicLink | SoftmaxLink)

    def __call__(self, X: np.ndarray) -> np.ndarray:
        outputs = (self.function(np.asarray(X, dtype=np.float64)) - self.centre) / self.scale
        return self.link(outputs)


def sample_link(rng: np.random.Generator, outputs: np.ndarray) -> Link:
    """Draw a link for the standardised outputs of a function over its table.

    Parameters
    ----------
    rng : numpy.random.Generator
    outputs : ndarray of shape (n_rows, n_outputs)
        Softmax where there is more than one output.  Otherwise logistic (60%), identity (20%),
        isotonic (12%) or exponential (8%).

    Returns
    -------
    link : callable, (n, n_outputs) -> (n,)
    """
    # From mild (probabilities between .35 and .65) to saturated (nearly a step).
    slope = float(0.4 + 8.0 * rng.random() ** 3 if rng.random() < 0.9 else rng.uniform(8, 25))
    n_outputs = outputs.shape[1]
    if n_outputs > 1:
        offsets: np.ndarray = rng.normal(scale=0.7, size=(n_outputs,))
        return SoftmaxLink(slope, offsets)
    kind = rng.choice(["logistic", "identity", "isotonic", "exponential"], p=[0.6, 0.2, 0.12, 0.08])
    if kind == "identity":
        return IdentityLink()
    if kind == "exponential":
        return ExponentialLink(float(rng.uniform(0.3, 1.5)))
    if kind == "isotonic":
        n_knots = int(rng.integers(2, 13))
        # Just above outputs: which step one is on must not hang on its last bit.
        knots = np.quantile(outputs[:, 0], np.sort(rng.random(n_knots))) + 1e-9
        # Calibrated probabilities crowd towards the ends about as often as not.
        shape = rng.choice([0.3, 1.0, 2.0])
        levels = np.sort(rng.beta(shape, shape, size=n_knots + 1))
        return IsotonicLink(knots, np.clip(levels, 1e-6, 1 - 1e-6), bool(rng.random() < 0.6))
    return LogisticLink(slope, float(rng.normal() * 0.4 * slope))


def link_function(
    rng: np.random.Generator, function: RawFunction, table: np.ndarray
) -> LinkedModel:
    """Standardise a function by its own outputs over the table and put a link behind it."""
    outputs = function(table)
    centre, spread = outputs.mean(0), outputs.std(0)
    scale = np.where(spread > 1e-9 * (np.abs(centre) + 1e-9), spread, 1.0)
    return LinkedModel(function, centre, scale, sample_link(rng, (outputs - centre) / scale))
