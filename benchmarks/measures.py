"""What is recorded of a method on a task, and how it is averaged."""

from __future__ import annotations

from dataclasses import dataclass, field
from time import process_time
from typing import NamedTuple

import numpy as np
import pandas as pd
from tasks import Task

from sklearn_metaexplain.metrics import shapley_error


class Stopwatch:
    """CPU seconds of a ``with`` block; on one thread, the time it takes undisturbed."""

    seconds = 0.0

    def __enter__(self) -> Stopwatch:
        self._start = process_time()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds = process_time() - self._start


@dataclass
class Result:
    """One method's answer.

    Attributes
    ----------
    method : str
    values : ndarray of shape (n_rows, n_columns, n_outputs)
    seconds : float
        CPU seconds that explaining these rows took, the model's included.
    n_support : int
        Evaluations at fit; 0: none but the background.
    budget : int
        Evaluations a row that were allowed.
    evaluations : float
        Evaluations a row that were made, beyond the row's own prediction.
    seconds_fit : float
        CPU seconds of fitting, without the model's.
    seconds_kernel : float
        Of these, for finding the kernel.
    extra : dict of str to float
        Further columns of the table of results, which other methods leave empty.
    group : str
        The group of methods that it was made with.
    """

    method: str
    values: np.ndarray
    seconds: float
    n_support: int = 0
    budget: int = 0
    evaluations: float = 0.0
    seconds_fit: float = 0.0
    seconds_kernel: float = np.nan
    extra: dict[str, float] = field(default_factory=dict)
    group: str = ""


class Target(NamedTuple):
    """One target with what was measured."""

    text: str
    measured: float
    limit: float
    at_least: bool = False
    detail: str = ""

    @property
    def reached(self) -> bool:
        """NaN is not reached."""
        if self.at_least:
            return self.measured >= self.limit
        return self.measured <= self.limit


def record(task: Task, result: Result) -> dict[str, object]:
    """Compare a result with the truth: one line of the table of results."""
    n_rows, n_columns, n_outputs = task.truth.shape
    return {
        "task": task.name,
        "method": result.method,
        "group": result.group,
        "n_support": result.n_support,
        "budget": result.budget,
        "error": shapley_error(task.truth, result.values),
        "seconds_per_1000": 1000 * result.seconds / n_rows,
        "seconds_fit": result.seconds_fit,
        "seconds_kernel": result.seconds_kernel,
        "evaluations": result.evaluations,
        "n_rows": n_rows,
        "n_columns": n_columns,
        "n_outputs": n_outputs,
        "truth_error": task.truth_error,
        **result.extra,
    }


def geometric_mean(values: pd.Series) -> float:
    """Geometric mean; numbers below 1e-12 count as 1e-12."""
    return float(np.exp(np.log(values.clip(lower=1e-12)).mean()))


def average(results: pd.DataFrame) -> pd.DataFrame:
    """Average over tasks: one line for each method, evaluations at fit and budget."""
    groups = results.groupby(["method", "n_support", "budget"], sort=False)
    return groups.agg(
        mean=("error", "mean"),
        median=("error", "median"),
        geometric=("error", geometric_mean),
        tasks=("task", "nunique"),
        evaluations=("evaluations", "mean"),
        seconds_per_1000=("seconds_per_1000", "mean"),
        seconds_fit=("seconds_fit", "mean"),
        seconds_kernel=("seconds_kernel", "mean"),
    ).reset_index()


def split_by_truth(results: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Part lines whose truth was enumerated from those whose truth was sampled.

    The latter have so many columns that what needs coalitions is far off at any budget here, and
    would outweigh everything else in a mean.
    """
    if "truth_error" not in results:
        return results, results.iloc[:0]
    is_sampled = results["truth_error"] > 0
    return results[~is_sampled], results[is_sampled]


def side_by_side(
    results: pd.DataFrame, one: dict[str, object], other: dict[str, object], column: str = "error"
) -> pd.DataFrame:
    """Two methods on the tasks that both have: columns "one" and "other", a line a task.

    Parameters
    ----------
    results : DataFrame
    one, other : dict
        Values of "method", "n_support" and "budget" that a line must have.
    column : str, default="error"
        What to compare.
    """

    def select(wanted: dict[str, object]) -> pd.Series:
        fits = np.all([results[key] == value for key, value in wanted.items()], axis=0)
        return results[fits].set_index("task")[column]

    both = pd.concat([select(one), select(other)], axis=1, join="inner")
    return both.set_axis(["one", "other"], axis=1)
