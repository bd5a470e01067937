"""An explainer's estimate of its own error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

#: What an estimate of the error reads, in this order.
ERROR_EVIDENCE = ("raw", "residual")
_UNCALIBRATED = {"factor": 1.0, "power": 1.0, "spread": 1.0}
_LEAST = 1e-12

#: Of explanations from logged outputs, by kernel and by whether the explained rows' outputs are
#: known: "std" multiplies the standard deviations that `widen_std` gives, the others are for
#: `scaled_error`. From 135 of the first 150 tasks of
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
    evidence: Mapping[str, float], calibration: Mapping[str, Any] | None = None
) -> tuple[float, float]:
    """Estimate the relative squared error of a task's or a row's values, with a standard error.

    Across tasks the logarithm of the true error is about linear in the logarithms of the
    evidence.

    Parameters
    ----------
    evidence : mapping
        What `ERROR_EVIDENCE` names: the raw error, and the share of the outputs' variance that is
        missed in evaluations held out.
    calibration : mapping, default=None
        "intercept", "slopes" and "spread", found on tasks held out, and "log_factor", which makes
        the mean of the estimates that of the errors. None: the raw error, with a standard error
        as large.

    Returns
    -------
    error, standard_error : float
    """
    if evidence["raw"] == 0:
        return 0.0, 0.0
    if not calibration:
        return evidence["raw"], evidence["raw"]
    logs = log_evidence(evidence)
    middle = calibration["intercept"] + float(np.dot(calibration["slopes"], logs))
    error = float(np.exp(middle + calibration["log_factor"]))
    return error, error * float(np.sqrt(np.expm1(calibration["spread"] ** 2)))


def log_evidence(evidence: Mapping[str, float]) -> np.ndarray:
    """Logarithms of the evidence, in the order of `ERROR_EVIDENCE`."""
    return np.log([max(evidence[name], _LEAST) for name in ERROR_EVIDENCE])


def scaled_error(
    values: np.ndarray, std: np.ndarray, calibration: Mapping[str, float] | None = None
) -> float:
    """Estimate the relative squared error of Shapley values from their deviations alone.

    Across tasks it is about ``factor * raw_error ** power``.

    Parameters
    ----------
    values, std : ndarray of shape (n_rows, n_players, n_outputs)
        Shapley values, and standard deviations of their errors.
    calibration : mapping, default=None
        "factor" and "power", found on tasks held out. None: raw.
    """
    known = {**_UNCALIBRATED, **(calibration or {})}
    return known["factor"] * raw_error(values, std) ** known["power"]
