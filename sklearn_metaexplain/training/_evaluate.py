"""How good networks are on prior tasks held out: the model card's figures."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from sklearn_metaexplain.learners import EpisodeLoss
from sklearn_metaexplain.learners._stored import StoredLearner, load_learner, take_inner_steps
from sklearn_metaexplain.nets._checkpoint import REGISTRY, Pretrained, load_pretrained
from sklearn_metaexplain.nets._corrector import player_corrections
from sklearn_metaexplain.nets._task_objectives import KernelTaskObjective
from sklearn_metaexplain.shapley._kernel import default_parameters
from sklearn_metaexplain.shapley._search import search_kernel
from sklearn_metaexplain.training._arguments import add_mixed_share, count, natural, several
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


def adapted(pretrained: Pretrained, stored: StoredLearner | None, episode: Episode) -> Pretrained:
    """The networks after the inner steps of their learner on an episode, as explainers use them.

    Parameters
    ----------
    pretrained : Pretrained
        Networks, which are left as they are.
    stored : StoredLearner or None
        What their file was meta-trained with, for numbers in double precision.
    episode : Episode
        The task.
    """
    if stored is None or not stored.adapts:
        return pretrained
    kernel = deepcopy(pretrained.kernel).double()
    task = episode._replace(
        support=episode.support.double(), outputs=episode.outputs.double()[:, None]
    )
    take_inner_steps(stored, EpisodeLoss(kernel, KernelTaskObjective()), task)
    return replace(pretrained, kernel=kernel)


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


def evaluate(arguments: argparse.Namespace) -> None:
    """Print errors on prior tasks held out, method by method."""
    pretrained = load_pretrained(arguments.weights)
    stored = load_learner(arguments.weights, REGISTRY, pretrained.kernel.double())
    for n_support in arguments.n_support:
        tasks = held_out(
            EVALUATION_SEED,
            arguments.tasks,
            n_support=n_support,
            mixed_share=arguments.mixed_share,
        )
        results = [
            task_errors(adapted(pretrained, stored, episode), episode, n_steps=arguments.n_steps)
            for episode in tasks
        ]
        print(f"\n{len(results)} prior tasks held out, {n_support} evaluations\n")
        print("| method | mean | median | geometric mean |\n|-|-|-|-|")
        for name, row in summarise(results).items():
            print(f"| {name} | {' | '.join(f'{value:.4f}' for value in row.values())} |")


def add_command(commands: Any) -> None:
    """Add ``evaluate`` to the command line."""
    command = commands.add_parser("evaluate", help=evaluate.__doc__)
    command.add_argument("--weights", default="default", help="registered name or file")
    command.add_argument("--tasks", type=count, default=100)
    command.add_argument("--n-support", type=several, nargs="+", default=[128, 512])
    command.add_argument(
        "--n-steps",
        type=natural,
        nargs="+",
        default=[],
        help="of the learned optimiser, to compare",
    )
    add_mixed_share(command)
    command.set_defaults(run=evaluate)
