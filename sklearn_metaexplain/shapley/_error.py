"""An explainer's estimate of its own error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sklearn_metaexplain._arrays import unit_of

#: What estimates of errors are read off, beside what deviations expect: of a task, the share of
#: the outputs' variance that networks alone miss in evaluations held out, for of smooth models, of
#: which they miss little, values are less far off; of a row, the share that the whole stack misses.
TASK_EVIDENCE = ("raw", "roughness")
ROW_EVIDENCE = ("raw", "residual")
_UNCALIBRATED = {"factor": 1.0, "power": 1.0, "spread": 1.0}
_LEAST = 1e-12
# Relative squared error of values that are all zero, whatever is true.
_ERROR_OF_ZEROS = 1.0

#: Of explanations from 64 logged outputs or more, by kernel and by whether the explained rows'
#: outputs are known: "std" multiplies the standard deviations that `widen_std` gives, the others
#: are for `scaled_error`. From 135 of the first 150 tasks of
#: ``python -m sklearn_metaexplain.training calibrate-logged --tasks 150``.
LOGGED_CALIBRATION: dict[tuple[str, str], dict[str, float]] = {
    ("proposed", "outputs unknown"): {"std": 0.65, "factor": 0.09, "power": 0.79, "spread": 2.04},
    ("proposed", "outputs given"): {"std": 0.61, "factor": 0.08, "power": 0.80, "spread": 1.99},
    ("searched", "outputs unknown"): {"std": 0.70, "factor": 0.17, "power": 0.93, "spread": 2.01},
    ("searched", "outputs given"): {"std": 0.67, "factor": 0.15, "power": 0.95, "spread": 1.88},
}
#: The same of 8 to 63: ``calibrate-logged --tasks 300 --rows 8 63``.
FEW_LOGGED_CALIBRATION: dict[tuple[str, str], dict[str, float]] = {
    ("proposed", "outputs unknown"): {"std": 1.00, "factor": 0.30, "power": 0.97, "spread": 2.06},
    ("proposed", "outputs given"): {"std": 1.01, "factor": 0.26, "power": 1.06, "spread": 2.26},
    ("searched", "outputs unknown"): {"std": 1.07, "factor": 0.31, "power": 0.86, "spread": 1.99},
    ("searched", "outputs given"): {"std": 1.08, "factor": 0.25, "power": 0.99, "spread": 2.29},
}
# What the first table was made from; fewer rows tell less of how far off they are.
_MANY_LOGGED = 64


def logged_calibration(n_logged: int, kernel: str, known: str) -> dict[str, float]:
    """Calibration of explanations from a log.

    Parameters
    ----------
    n_logged : int
        Logged rows that the surrogates were fitted to.
    kernel : {"proposed", "searched"}
        Where the kernel came from.
    known : {"outputs unknown", "outputs given"}
        What is known of the explained rows.

    Returns
    -------
    calibration : dict
        "std", and "factor", "power" and "spread" of `scaled_error`.
    """
    tables = LOGGED_CALIBRATION if n_logged >= _MANY_LOGGED else FEW_LOGGED_CALIBRATION
    return tables[kernel, known]


def raw_error(values: np.ndarray, std: np.ndarray) -> float:
    """Expected squared error over squared size, as the standard deviations have it.

    Parameters
    ----------
    values, std : ndarray of shape (n_rows, n_players, n_outputs)
        Shapley values, and standard deviations of their errors; these are scaled by the
        residuals of evaluations that the surrogates were not fitted on.

    Returns
    -------
    error : float
        Infinite where all values are zero but not known to be.
    """
    unit = unit_of(values, std)
    size, expected = (float(np.sum(np.square(part / unit))) for part in (values, std))
    if size == 0:
        return np.inf if expected > 0 else 0.0
    return expected / size


def estimate_error(
    evidence: Mapping[str, float], calibration: Mapping[str, Any] | None = None
) -> tuple[float, float]:
    """Estimate the relative squared error of a task's or a row's values, with a standard error.

    Across tasks the logarithm of the true error is about linear in the logarithms of the
    evidence.

    Parameters
    ----------
    evidence : mapping
        What is seen of the error, by name: "raw" is that which the deviations expect.
    calibration : mapping, default=None
        "intercept", "slopes", by the names of evidence, and "spread", found on tasks held out, and
        "log_factor", which makes the mean of the estimates that of the errors. None: the raw
        error, with a standard error as large.

    Returns
    -------
    error, standard_error : float
    """
    if evidence["raw"] == 0:
        return 0.0, 0.0
    error, relative = evidence["raw"], 1.0
    if calibration:
        slopes = calibration["slopes"]
        logs = log_evidence(evidence, list(slopes))
        middle = calibration["intercept"] + float(np.dot(list(slopes.values()), logs))
        error = float(np.exp(middle + calibration["log_factor"]))
        relative = float(np.sqrt(np.expm1(calibration["spread"] ** 2)))
    if np.isinf(evidence["raw"]):
        error = _ERROR_OF_ZEROS
    return error, error * relative


def log_evidence(evidence: Mapping[str, float], names: Sequence[str]) -> np.ndarray:
    """Logarithms of the evidence that is named, in that order."""
    return np.log(np.clip([evidence[name] for name in names], _LEAST, 1 / _LEAST))


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
    raw = raw_error(values, std)
    return _ERROR_OF_ZEROS if np.isinf(raw) else known["factor"] * raw ** known["power"]
