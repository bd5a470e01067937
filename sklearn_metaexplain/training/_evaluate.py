"""How good networks are on prior tasks held out: calibration and the model card's figures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from sklearn_metaexplain.nets._checkpoint import Pretrained
from sklearn_metaexplain.nets._corrector import player_corrections
from sklearn_metaexplain.shapley._error import raw_error
from sklearn_metaexplain.shapley._kernel import default_parameters
from sklearn_metaexplain.shapley._search import search_kernel
from sklearn_metaexplain.training._episodes import Episode, draw_episode
from sklearn_metaexplain.training._objectives import process_shapley, relative_error
from sklearn_metaexplain.training._stacked import stack_episode, stack_with

# Streams of training, validation, calibration and evaluation never share a seed.
VALIDATION_SEED, CALIBRATION_SEED, EVALUATION_SEED = 10**6, 10**6 + 1, 10**6 + 2


@dataclass(frozen=True)
class TaskErrors:
    """Relative squared errors of one held-out task, by method, and what was expected."""

    family: str
    n_players: int
    errors: dict[str, float]
    expected: float


def held_out(seed: int, n_tasks: int, **options: Any) -> Iterable[Episode]:
    """Draw episodes that training never saw, without those whose rows have nothing to explain."""
    for task in range(n_tasks):
        episode = draw_episode(np.random.default_rng([seed, task]), **options)
        # Outputs are standardised; an error relative to rounding errors says nothing.
        if float(episode.values.square().mean()) > 1e-8:
            yield episode


def task_errors(pretrained: Pretrained, episode: Episode, *, ablate: bool = True) -> TaskErrors:
    """Errors of the pretrained parts on one episode, beside what they replace.

    Parameters
    ----------
    pretrained : Pretrained
        Networks.
    episode : Episode
        A held-out task.
    ablate : bool, default=True
        Also the fixed default kernel and the likelihood search.
    """
    support, outputs = episode.support.double(), episode.outputs.double()[:, None]
    truth = episode.values.double()
    errors = {}
    with torch.no_grad():
        proposed = pretrained.kernel.double().propose(support, outputs)
    kernels = {"proposed": proposed}
    if ablate:
        kernels["default"] = default_parameters(support.shape[1])
        kernels["search"] = search_kernel(support, outputs)
        with torch.no_grad():
            for name, parameters in kernels.items():
                process, _ = process_shapley(parameters, episode)
                errors[f"process, {name} kernel"] = float(relative_error(process, truth))
                if name != "proposed":
                    closed = stack_with(episode, parameters).closed.double()
                    errors[f"stack, {name} kernel"] = float(relative_error(closed, truth))
    stacked = stack_episode(episode, pretrained.kernel)
    values, std = stacked.closed.double(), stacked.std.double()
    errors["stack, proposed kernel"] = float(relative_error(values, truth))
    if pretrained.corrector is not None:
        with torch.no_grad():
            corrector = pretrained.corrector.float()
            memory = corrector.read(stacked.support)
            correction, scale = corrector(memory, stacked.query)
            correction, std = player_corrections(
                correction, scale, episode.player_of_column, episode.can_matter
            )
            errors["corrected"] = float(relative_error(values + correction, truth))
            values = values + correction
    expected = raw_error(values[..., None].numpy(), std[..., None].numpy())
    return TaskErrors(episode.family, episode.n_players, errors, expected)


def calibrate(pretrained: Pretrained, n_tasks: int) -> dict[str, float]:
    """Fit how the true error follows the expected one across held-out tasks.

    A straight line of logarithms, by least squares, and the standard deviation around it; tasks
    below an error of 1e-5 say nothing that matters.

    Returns
    -------
    dict
        "factor", "power" and "spread", for `estimate_error`.
    """
    logs = []
    for episode in held_out(CALIBRATION_SEED, n_tasks):
        found = task_errors(pretrained, episode, ablate=False)
        error = next(reversed(found.errors.values()))
        if error > 1e-5 and found.expected > 0:
            logs.append((np.log(found.expected), np.log(error)))
    expected, actual = np.array(logs).T
    power, intercept = np.polyfit(expected, actual, 1)
    spread = float(np.std(actual - power * expected - intercept))
    return {
        # The mean of a log-normal, not its median: errors are judged by their mean.
        "factor": float(np.exp(intercept + min(spread, 1.0) ** 2 / 2)),
        "power": float(power),
        "spread": spread,
    }


def summarise(results: list[TaskErrors]) -> dict[str, dict[str, float]]:
    """Mean, median and geometric mean (of errors plus 1e-4) of each method over tasks."""
    table = {}
    for name in results[0].errors:
        errors = np.array([result.errors[name] for result in results])
        table[name] = {
            "mean": float(errors.mean()),
            "median": float(np.median(errors)),
            "geometric mean": float(np.exp(np.log(errors + 1e-4).mean())),
        }
    return table
