"""An explainer's estimate of its own error."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

# Found without meta-trained parts on prior tasks: see docs/model_card.md.
_UNCALIBRATED = {"factor": 1.0, "power": 1.0, "spread": 1.0}

#: Of explanations from logged outputs, by kernel and by whether the explained rows' outputs are
#: known: "std" multiplies the standard deviations that `widen_std` gives, the others are for
#: `estimate_error`. From 135 of the first 150 tasks of
#: ``python -m sklearn_metaexplain.training calibrate-logged --tasks 150``.
LOGGED_CALIBRATION: dict[tuple[str, str], dict[str, float]] = {
    ("proposed", "outputs unknown"): {"std": 0.67, "factor": 0.15, "power": 0.87, "spread": 1.64},
    ("proposed", "outputs given"): {"std": 0.68, "factor": 0.13, "power": 0.89, "spread": 1.54},
    ("searched", "outputs unknown"): {"std": 0.68, "factor": 0.30, "power": 1.03, "spread": 1.59},
    ("searched", "outputs given"): {"std": 0.67, "factor": 0.24, "power": 1.04, "spread": 1.54},
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
