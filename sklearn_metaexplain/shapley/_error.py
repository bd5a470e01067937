"""An explainer's estimate of its own error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sklearn_metaexplain._arrays import unit_of

#: What estimates of errors are read off, beside what deviations expect: of a task, the share of
#: the outputs' variance that networks alone miss in evaluations held out, for of smooth models, of
#: which they miss little, values are less far off, and how far apart the rows are whose cells were
#: seen; of a row, the share that the whole stack misses.
TASK_EVIDENCE = ("raw", "roughness", "sparsity")
ROW_EVIDENCE = ("raw", "residual")
#: Of these, shares of the outputs' variance that are missed.
MISSED_SHARES = ("residual", "roughness")
_LEAST = 1e-12
# Relative squared error of values that are all zero, whatever is true.
_ERROR_OF_ZEROS = 1.0

#: Of explanations from 64 logged outputs or more, by kernel and by whether the explained rows'
#: outputs are known: "std" multiplies the standard deviations that `widen_std` gives, the others
#: are for `scaled_error`. From ``python -m sklearn_metaexplain.training calibrate-logged``.
LOGGED_CALIBRATION: dict[tuple[str, str], dict[str, float]] = {
    ("proposed", "outputs unknown"): {"std": 0.85, "factor": 0.76, "power": 1.10, "spread": 1.75},
    ("proposed", "outputs given"): {"std": 0.81, "factor": 0.60, "power": 1.07, "spread": 1.73},
    ("searched", "outputs unknown"): {"std": 0.95, "factor": 1.03, "power": 1.10, "spread": 1.76},
    ("searched", "outputs given"): {"std": 0.87, "factor": 0.80, "power": 1.07, "spread": 1.81},
}
#: The same of 8 to 63: ``calibrate-logged --rows 8 63``.
FEW_LOGGED_CALIBRATION: dict[tuple[str, str], dict[str, float]] = {
    ("proposed", "outputs unknown"): {"std": 1.09, "factor": 1.03, "power": 1.38, "spread": 1.94},
    ("proposed", "outputs given"): {"std": 1.10, "factor": 0.92, "power": 1.29, "spread": 2.19},
    ("searched", "outputs unknown"): {"std": 1.26, "factor": 1.11, "power": 1.37, "spread": 1.87},
    ("searched", "outputs given"): {"std": 1.28, "factor": 1.08, "power": 1.32, "spread": 2.14},
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


def share_of_error(raw: np.ndarray | float) -> Any:
    """Squared error over itself and the squared size, of `raw_error`: between 0 and 1.

    Values can hardly be further off than those that are all zero, however wide their deviations.
    """
    return 1.0 - 1.0 / (1.0 + np.asarray(raw))


def scaled_error(values: np.ndarray, std: np.ndarray, calibration: Mapping[str, float]) -> float:
    """Estimate the relative squared error of Shapley values from their deviations alone.

    Across tasks it is about ``factor * share_of_error(raw_error) ** power``.

    Parameters
    ----------
    values, std : ndarray of shape (n_rows, n_players, n_outputs)
        Shapley values, and standard deviations of their errors.
    calibration : mapping
        "factor" and "power", found on tasks held out.
    """
    raw = raw_error(values, std)
    if np.isinf(raw):
        return _ERROR_OF_ZEROS
    return float(calibration["factor"] * share_of_error(raw) ** calibration["power"])
