"""From how many explained rows on MetaExplainer is cheaper than KernelSHAP."""

from __future__ import annotations

import numpy as np
import pandas as pd
from libraries import KERNEL, KERNEL_ONE
from measures import average
from whole import META


def break_even(results: pd.DataFrame) -> pd.DataFrame:
    """Compare each budget of KernelSHAP with the cheapest MetaExplainer of no larger error.

    Parameters
    ----------
    results : DataFrame
        Lines of `measures.record`; methods are compared on the tasks that both have.

    Returns
    -------
    table : DataFrame
        A line a budget: "budget", "error" of the better of the two KernelSHAPs, and the "rows"
        from which MetaExplainer needs fewer evaluations and fewer seconds, columns "evaluations"
        and "seconds"; infinity: it never does, or its error is larger.
    """
    tasks = [set(results.loc[results["method"] == name, "task"]) for name in (META, KERNEL)]
    averages = average(with_model_seconds(results[results["task"].isin(tasks[0] & tasks[1])]))
    ours = averages[averages["method"] == META]
    rivals = averages[averages["method"].isin((KERNEL, KERNEL_ONE))]
    lines = []
    for budget, group in rivals.groupby("budget"):
        rival = group.loc[group["mean"].idxmin()]
        good = ours[ours["mean"] <= rival["mean"]]
        evaluations = rows_until(good["n_support"], good["evaluations"], rival["evaluations"])
        seconds = rows_until(
            good["seconds_fit"],
            good["seconds_per_1000"] / 1000,
            rival["seconds_per_1000"] / 1000,
        )
        lines.append(
            {
                "budget": int(budget),
                "error": rival["mean"],
                "evaluations": evaluations,
                "seconds": seconds,
            }
        )
    return pd.DataFrame(lines, columns=["budget", "error", "evaluations", "seconds"])


def rows_until(once: pd.Series, each: pd.Series, rival_each: float) -> float:
    """Fewest rows at which a cost paid once and for each row is no more than a rival's.

    Parameters
    ----------
    once, each : Series
        Costs of some settings; the best of them counts.
    rival_each : float
        The rival pays for each row only.
    """
    saved = rival_each - each
    rows = np.where(saved > 0, once / saved.where(saved > 0), np.inf)
    return float(np.ceil(rows.min())) if len(rows) else float("inf")


def with_model_seconds(results: pd.DataFrame) -> pd.DataFrame:
    """Add the explained model's seconds at fit, where they are known, to the seconds of fit."""
    if "seconds_model_at_fit" not in results:
        return results
    return results.assign(
        seconds_fit=results["seconds_fit"] + results["seconds_model_at_fit"].fillna(0.0)
    )
