"""An explainer's estimate of its own error."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

# Found without meta-trained parts on prior tasks: see docs/model_card.md.
_UNCALIBRATED = {"factor": 1.0, "power": 1.0, "spread": 1.0}

#: Of explanations from logged outputs alone, by kernel and by whether the explained rows' outputs
#: are known: "std" multiplies standard deviations. PROVISIONAL
LOGGED_CALIBRATION: dict[tuple[str, str], dict[str, float]] = {
    (kernel, known): {"std": 5.0, "factor": 1.0, "power": 1.0, "spread": 1.0}
    for kernel in ("proposed", "searched")
    for known in ("outputs unknown", "outputs given")
}


def raw_error(values: np.ndarray, std: np.ndarray) -> float:
    """Expected squared error over squared size, as the standard deviations have it.

    Parameters
    ----------
    values, std : ndarray of shape (n_rows, n_players, n_outputs)
        Shapley values, and standard deviations of their errors; these are scaled by the
        residuals of evaluations that the surrogates were not fitted on.
    """
    size = float(np.sum(np.square(values)))
    return float(np.sum(np.square(std))) / size if size > 0 else 0.0


def estimate_error(
    values: np.ndarray, std: np.ndarray, calibration: Mapping[str, float]
) -> tuple[float, float]:
    """Estimate the relative squared error of Shapley values, with a standard error.

    Across tasks the logarithm of the true error is, given that of the raw one, about
    ``log(factor) + power * log(raw)`` with standard deviation `spread`.

    Parameters
    ----------
    values, std : ndarray of shape (n_rows, n_players, n_outputs)
        Shapley values, and standard deviations of their errors.
    calibration : mapping
        "factor", "power" and "spread", found on tasks held out; empty: raw.

    Returns
    -------
    error, standard_error : float
    """
    known = {**_UNCALIBRATED, **calibration}
    raw = raw_error(values, std)
    if raw == 0:
        return 0.0, 0.0
    error = known["factor"] * raw ** known["power"]
    return error, error * float(np.sqrt(np.expm1(known["spread"] ** 2)))
