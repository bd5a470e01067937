"""Approximators of Shapley values by the shapiq library, where it is installed."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from importlib.util import find_spec
from typing import Any

import numpy as np
from games import CoalitionGame
from measures import Result, Stopwatch
from tasks import SEED, Task

WHOLE, ONE = "25 background rows a coalition", "1 background row a coalition"


def _kernel(shapiq: Any, n_columns: int) -> Any:
    return shapiq.KernelSHAP(n_columns, pairing_trick=True, random_state=SEED)


def _k_additive(shapiq: Any, n_columns: int) -> Any:
    return shapiq.kADDSHAP(n_columns, max_order=2, pairing_trick=True, random_state=SEED)


def _stratified(shapiq: Any, n_columns: int) -> Any:
    return shapiq.SVARM(n_columns, random_state=SEED)


_APPROXIMATORS: dict[str, tuple[Callable[[Any, int], Any], tuple[str, ...]]] = {
    "shapiq KernelSHAP": (_kernel, (WHOLE, ONE)),
    "shapiq kADD-SHAP of order 2": (_k_additive, (WHOLE, ONE)),
    "shapiq SVARM": (_stratified, (ONE,)),
}
SHAPIQ = tuple(
    f"{name}, {background}"
    for name, (_, backgrounds) in _APPROXIMATORS.items()
    for background in backgrounds
)


@cache
def is_installed() -> bool:
    """Whether shapiq is there; says once on the error stream where it is not."""
    if find_spec("shapiq") is not None:
        return True
    remedy = 'pip install -c constraints.txt ".[bench]"'
    print(f"shapiq is not installed; its methods are left out ({remedy}).", file=sys.stderr)
    return False


def explain_shapiq(task: Task, budget: int) -> Iterator[Result]:
    """Explain by each approximator within a budget.

    Parameters
    ----------
    task : Task
    budget : int
        Evaluations a row; the empty and the whole coalition are known beyond them.
    """
    from shapiq import approximator

    n_columns = task.rows.shape[1]
    for name, (make, backgrounds) in _APPROXIMATORS.items():
        for background in backgrounds:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                result = _explain(
                    f"{name}, {background}",
                    task,
                    budget,
                    background == WHOLE,
                    lambda make=make: make(approximator, n_columns),
                )
            yield result


def _explain(method: str, task: Task, budget: int, whole: bool, make: Callable[[], Any]) -> Result:
    values = np.empty(task.truth.shape)
    asked = 0
    with Stopwatch() as watch:
        for position in range(len(task.rows)):
            game = CoalitionGame(task, position, budget, whole=whole)
            for output in range(values.shape[2]):
                # The same seed asks for the same coalitions: further outputs cost nothing.
                answer = make().approximate(
                    game.n_coalitions + 2,
                    lambda coalitions, game=game, output=output: game(coalitions)[:, output],
                )
                values[position, :, output] = answer.get_n_order_values(1)
            asked += game.asked
    return Result(method, values, watch.seconds, budget=budget, evaluations=asked / len(task.rows))
