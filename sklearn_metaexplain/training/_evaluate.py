"""How good networks are on prior tasks held out: the model card's figures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from sklearn_metaexplain.nets._checkpoint import Pretrained
from sklearn_metaexplain.nets._corrector import player_corrections
from sklearn_metaexplain.shapley._kernel import default_parameters
from sklearn_metaexplain.shapley._search import search_kernel
from sklearn_metaexplain.training._episodes import Episode, draw_episode
from sklearn_metaexplain.training._objectives import process_shapley, relative_error
from sklearn_metaexplain.training._stacked import stack_episode, stack_with

# Streams of training, validation and evaluation never share a seed.
VALIDATION_SEED, EVALUATION_SEED = 10**6, 10**6 + 2


@dataclass(frozen=True)
class TaskErrors:
    """Relative squared errors of one held-out task, by method."""

    family: str
    n_players: int
    errors: dict[str, float]


def held_out(seed: int, n_tasks: int, **options: Any) -> Iterable[Episode]:
    """Draw episodes that training never saw, without those whose rows have nothing to explain."""
    for task in range(n_tasks):
        episode = draw_episode(np.random.default_rng([seed, task]), **options)
        # Outputs are standardised; an error relative to rounding errors says nothing.
        if float(episode.values.square().mean()) > 1e-8:
            yield episode


def task_errors(
    pretrained: Pretrained,
    episode: Episode,
    *,
    ablate: bool = True,
    n_steps: Sequence[int] = (),
) -> TaskErrors:
    """Errors of the pretrained parts on one episode, beside what they replace.

    Parameters
    ----------
    pretrained : Pretrained
        Networks.
    episode : Episode
        A held-out task.
    ablate : bool, default=True
        Also the fixed default kernel and the likelihood search.
    n_steps : sequence of int, default=()
        Numbers of steps of the learned optimiser for which the process is judged, too.
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
    with torch.no_grad():
        for n in n_steps:
            process, _ = process_shapley(
                pretrained.kernel.propose(support, outputs, n_steps=n), episode
            )
            errors[f"process, {n} steps"] = float(relative_error(process, truth))
    stacked = stack_episode(episode, pretrained.kernel)
    values = stacked.closed.double()
    errors["stack, proposed kernel"] = float(relative_error(values, truth))
    if pretrained.corrector is not None:
        with torch.no_grad():
            corrector = pretrained.corrector.float()
            memory = corrector.read(stacked.support)
            correction = player_corrections(
                corrector(memory, stacked.query), episode.player_of_column, episode.can_matter
            )
            errors["corrected"] = float(relative_error(values + correction, truth))
    return TaskErrors(episode.family, episode.n_players, errors)


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
