"""How far a standard deviation has to reach to cover a share of errors."""

from __future__ import annotations

from numbers import Real

import numpy as np
from scipy.stats import norm

__all__ = ["reach", "reach_of_rows"]


def reach(coverage: float, quantiles: np.ndarray | None = None) -> float:
    """Return the multiple of the standard deviation that covers so large a share of errors.

    Parameters
    ----------
    coverage : float
        Between 0 and 1.
    quantiles : ndarray of shape (n_levels, 2), default=None
        Increasing shares and the multiples that covered them on tasks held out; between them it
        is interpolated. None: errors are Gaussian.

    Raises
    ------
    TypeError
        If the coverage is no number.
    ValueError
        If the coverage is not between 0 and 1, or beyond the largest known.
    """
    if not isinstance(coverage, Real):
        raise TypeError(f"coverage must be a number between 0 and 1, like 0.9; got {coverage!r}.")
    if not 0 < coverage < 1:
        raise ValueError(f"coverage must be between 0 and 1; got {coverage!r}.")
    gaussian = float(norm.ppf((1 + coverage) / 2))
    if quantiles is None:
        return gaussian
    most = float(quantiles[-1, 0])
    if coverage > most:
        raise ValueError(
            f"coverage={coverage!r} is more than was calibrated: give at most {most:g}."
        )
    places = norm.ppf((1 + quantiles[:, 0]) / 2)
    return float(np.interp(gaussian, [0.0, *places], [0.0, *quantiles[:, 1]]))


def reach_of_rows(coverage: float, quantiles: np.ndarray) -> np.ndarray:
    """Return the multiple of the standard deviation for each row.

    Parameters
    ----------
    coverage : float
        As of `reach`.
    quantiles : ndarray of shape (n_rows, n_levels, 2)
        Of each row.

    Returns
    -------
    ndarray of shape (n_rows,)
    """
    reach(coverage)  # which refuses what is no share, of no rows, too
    # Rows are of few kinds.
    kinds, kind_of_row = np.unique(quantiles, axis=0, return_inverse=True)
    return np.array([reach(coverage, kind) for kind in kinds])[kind_of_row.reshape(-1)]
