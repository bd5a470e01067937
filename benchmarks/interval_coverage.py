"""How often the truth lies where an explanation says it does."""

from __future__ import annotations

from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd
from tasks import Task

from sklearn_metaexplain.metrics import shapley_error

LEVELS = (80, 90, 95)
# Normal quantile of two-sided 90%.
ERROR_QUANTILE = 1.64
_ROUNDING = 1e-9


def measure_coverage(task: Task, explanation: Any) -> dict[str, float]:
    """Share of cells whose true value is within the interval of each level.

    Parameters
    ----------
    task : Task
    explanation : Explanation
        With `std`, and with `interval` where the package has it.

    Returns
    -------
    shares : dict
        "covered_80" and so on.
    """
    slack = _ROUNDING * max(1.0, float(np.abs(task.truth).max()))
    shares = {}
    for level in LEVELS:
        low, high = _interval(explanation, level / 100)
        inside = (task.computed(low) - slack <= task.truth) & (
            task.truth <= task.computed(high) + slack
        )
        shares[f"covered_{level}"] = float(inside.mean())
    return shares


def measure_error_estimate(task: Task, explainer: Any, values: np.ndarray) -> dict[str, float]:
    """The error that an explainer expects of itself, and whether it is right.

    Parameters
    ----------
    task : Task
    explainer : MetaExplainer
    values : ndarray of shape (n_rows, n_columns, n_outputs)
        What it answered at budget 0.
    """
    error, spread = explainer.shapley_error_, explainer.shapley_error_se_
    missed = abs(shapley_error(task.truth, values) - error)
    return {
        "error_expected": error,
        "error_expected_se": spread,
        "error_covered": float(missed <= ERROR_QUANTILE * spread),
    }


def summarise_coverage(results: pd.DataFrame) -> pd.DataFrame:
    """Mean over tasks, and the tenth and ninetieth percentile over tasks.

    Parameters
    ----------
    results : DataFrame
        Lines of `measures.record`; those without coverage are left out.

    Returns
    -------
    summary : DataFrame
        A line for each method, evaluations at fit, budget and level.
    """
    if "covered_90" not in results:
        return pd.DataFrame()
    known = results[results["covered_90"].notna()]
    lines = []
    for (method, n_support, budget), group in known.groupby(
        ["method", "n_support", "budget"], sort=False
    ):
        for level in LEVELS:
            shares = group[f"covered_{level}"]
            lines.append(
                {
                    "method": method,
                    "n_support": n_support,
                    "budget": budget,
                    "level": level,
                    "mean": shares.mean(),
                    "low": shares.quantile(0.1),
                    "high": shares.quantile(0.9),
                    "tasks": len(shares),
                }
            )
    return pd.DataFrame(lines)


def _interval(explanation: Any, coverage: float) -> tuple[np.ndarray, np.ndarray]:
    if hasattr(explanation, "interval"):
        return explanation.interval(coverage)
    half = NormalDist().inv_cdf((1 + coverage) / 2) * explanation.std
    return explanation.values - half, explanation.values + half
