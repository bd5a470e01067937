"""One column of numbers, standardised and as ranks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sklearn_metaexplain._arrays import rounding_of

#: Standard deviations at which encoded columns are clipped.
CLIP = 4.0
_MAX_KNOTS = 257
# Beyond these the squares of a column's numbers are too large or too small.
_HUGE, _TINY = 2.0**480, 2.0**-400


@dataclass
class NumericColumn:
    """Scale and empirical distribution of one numeric column."""

    mean: float
    scale: float
    knots: np.ndarray
    levels: np.ndarray
    missing_share: float
    rounding: float = 0.0  # numbers no further from the mean are the mean
    factor: float = 1.0  # by which numbers are multiplied first

    n_further: ClassVar[int] = 0

    @property
    def n_encoded(self) -> int:
        return 1 + (0 < self.missing_share < 1)

    def encode(self, column: np.ndarray) -> np.ndarray:
        """Encode numbers, and beside them where they are missing: (n_rows, n_encoded, 2)."""
        missing = np.isnan(column)
        # What is far off all that fit has seen may be infinite on the way to being clipped.
        with np.errstate(over="ignore"):
            filled = np.where(missing, self.mean, column * self.factor)
            offset = filled - self.mean
            offset = np.where(np.abs(offset) <= self.rounding, 0.0, offset)
            value = np.clip(offset / self.scale, -CLIP, CLIP)
        rank = np.interp(filled, self.knots, self.levels) if len(self.knots) > 1 else 0.0 * filled
        encoded = [np.stack([value, np.where(missing, 0.0, rank)], axis=-1)]
        if self.n_encoded == 2:
            spread = np.sqrt(self.missing_share * (1 - self.missing_share))
            flag = np.clip((missing - self.missing_share) / spread, -CLIP, CLIP)
            encoded.append(np.stack([flag, flag], axis=-1))
        return np.stack(encoded, axis=1)

    def encode_first(self, column: np.ndarray) -> np.ndarray:
        """Encode numbers alone: (n_rows, 1, 2)."""
        return self.encode(column)[:, :1]


def learn_numeric(column: np.ndarray) -> NumericColumn:
    """Learn scale and ranks of numbers, NaN where missing."""
    present = column[~np.isnan(column)]
    missing_share = 1 - len(present) / max(len(column), 1)
    if len(present) == 0:
        return NumericColumn(0.0, 1.0, np.zeros(1), np.zeros(1), missing_share)
    factor = _factor_of(present)
    rounding = factor * rounding_of(present)
    present = factor * present
    values, counts = np.unique(present, return_counts=True)
    if values[-1] - values[0] <= rounding:
        mean = float(values[0])
        return NumericColumn(mean, 1.0, values[:1], np.zeros(1), missing_share, rounding, factor)
    middle = (np.cumsum(counts) - 0.5 * counts) / len(present)
    keep = np.unique(np.linspace(0, len(values) - 1, _MAX_KNOTS).round().astype(int))
    levels = (middle[keep] - 0.5) * np.sqrt(12.0)
    mean, scale = float(present.mean()), float(present.std())
    return NumericColumn(mean, scale, values[keep], levels, missing_share, factor=factor)


def _factor_of(numbers: np.ndarray) -> float:
    """A power of two that makes sums and squares of numbers possible; 1 where they are."""
    largest = np.abs(numbers).max()
    if largest > _HUGE:
        return 2.0**-600
    return 2.0**600 if 0 < largest < _TINY else 1.0
