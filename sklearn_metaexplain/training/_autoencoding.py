"""Training of the task autoencoder: what it minimises, its reference, and its command."""

from __future__ import annotations

import argparse
import json
from functools import partial
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from sklearn_metaexplain._encoder import TableEncoder
from sklearn_metaexplain.nets._autoencoder_file import PretrainedAutoencoder, save_autoencoder
from sklearn_metaexplain.nets._prior_reference import (
    KINDS,
    N_HYBRIDS,
    Pass,
    PriorReference,
    measure_task,
    standardise,
)
from sklearn_metaexplain.nets._seeded import seeded_torch
from sklearn_metaexplain.nets._task_autoencoder import SetAutoencoder, TaskCode
from sklearn_metaexplain.training._arguments import add_run_options, count, file_to_write
from sklearn_metaexplain.training._autoencoder_tasks import (
    MOST_READ,
    TwoViews,
    draw_group,
    draw_task,
)
from sklearn_metaexplain.training._episodes import TaskStream
from sklearn_metaexplain.training._run_dir import claim, command_settings
from sklearn_metaexplain.training._trainer import meta_train, summary

# Streams of training, validation and reference never share a seed.
_VALIDATION_SEED, _REFERENCE_SEED = 10**6 + 10, 10**6 + 11
_LEAST_REFERENCE_ROWS = 64
_LIKENESS_WEIGHT = 0.3
_TEMPERATURE = 0.1
_OUTLYING = 5.0
# A run goes on with these alone; its minutes and epochs may grow.
_SETTINGS = ("seed", "lr", "group_size", "steps_per_epoch")


class AutoencodingObjective(nn.Module):
    """How badly rows not read are reconstructed, and how badly tasks are recognised.

    The first is the negative log density of the judged rows' outputs given the code of those
    read. The second is the cross-entropy of finding, among a group's tasks, the one that a
    vector of other rows belongs to, so that near vectors mean like tasks.

    References
    ----------
    Garnelo et al., Conditional neural processes, 2018, equation 4; van den Oord, Li and Vinyals,
    Representation learning with contrastive predictive coding, 2018, equation 4 (InfoNCE);
    Jomaa et al., Dataset2Vec, 2021 (recognising the data set as an auxiliary task).
    """

    def forward(self, network: SetAutoencoder, group: list[TwoViews]) -> torch.Tensor:
        """Return the objective of one group."""
        densities, first, second = [], [], []
        for task in group:
            code = network.encode(task.read, task.read_outputs)
            densities.append(reconstruction_loss(network, task, code))
            first.append(code.vector)
            second.append(network.encode(task.own, task.own_outputs).vector)
        likeness = recognition_loss(torch.stack(first), torch.stack(second))
        return torch.stack(densities).mean() + _LIKENESS_WEIGHT * likeness


def reconstruction_loss(network: SetAutoencoder, task: TwoViews, code: TaskCode) -> torch.Tensor:
    """Negative log density of the judged outputs, up to a constant, a row."""
    found = network.decode(code, task.judged)
    misfit = (task.judged_outputs - found.mean) * (-found.log_std).exp()
    # Beyond a few standard deviations linear, lest one outlier moves all weights.
    distance = F.huber_loss(misfit, torch.zeros_like(misfit), delta=_OUTLYING)
    return found.log_std.mean() + distance


def recognition_loss(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Symmetric InfoNCE of two lists of unit vectors, the i-th of both being of one task."""
    logits = first @ second.T / _TEMPERATURE
    own = torch.arange(len(first), device=logits.device)
    return 0.5 * (F.cross_entropy(logits, own) + F.cross_entropy(logits.T, own))


def make_reference(network: SetAutoencoder, n_tasks: int) -> PriorReference:
    """Measure tasks of each kind that training never saw."""
    reference = PriorReference(n_tasks=n_tasks, n_dims=network.n_dims)
    for position, kind in enumerate(KINDS):
        for task in range(n_tasks):
            rng = np.random.default_rng([_REFERENCE_SEED, position, task])
            n_read = N_HYBRIDS
            if kind != "hybrids":
                n_read = int(np.exp(rng.uniform(np.log(_LEAST_REFERENCE_ROWS), np.log(MOST_READ))))
            drawn = draw_task(rng, kind, n_rows=2 * n_read)
            encoder = TableEncoder().fit(drawn.rows)
            encoded = torch.from_numpy(encoder.encode(encoder.code(drawn.rows))).float()
            outputs = standardise(torch.from_numpy(drawn.outputs)).float()
            if kind == "hybrids":
                # One output is read there, for the sake of time.
                outputs = outputs[:, [rng.integers(outputs.shape[1])]]
            passes = [Pass(encoded, column) for column in outputs.T]
            vector, error = measure_task(network, passes, n_read)
            reference.vectors[position, task], reference.errors[position, task] = vector, error
    return reference


def train_autoencoder(arguments: argparse.Namespace) -> None:
    """Train the task autoencoder, measure tasks held out, and write one file."""
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    run_dir = arguments.run_dir or arguments.out.with_suffix(".run")
    with seeded_torch(arguments.seed):
        network = SetAutoencoder()
    groups: dict[str, Any] = {
        "draw": partial(draw_group, size=arguments.group_size),
        "batch_size": 1,
    }
    validation = list(
        TaskStream(seed=_VALIDATION_SEED, n_steps=arguments.validation_groups, **groups)
    )
    kept = {name: getattr(arguments, name) for name in _SETTINGS}
    claim(run_dir, command_settings(kept, network, validation))
    net = meta_train(
        network,
        AutoencodingObjective,
        TaskStream(seed=arguments.seed, n_steps=arguments.steps_per_epoch, **groups),
        validation,
        run_dir=run_dir,
        minutes=arguments.minutes,
        lr=arguments.lr,
        n_workers=arguments.workers,
        verbose=1 - arguments.quiet,
        max_epochs=arguments.epochs,
    )
    network = net.module_.eval().requires_grad_(False)
    reference = make_reference(network, arguments.reference_tasks)
    record = {
        "seed": arguments.seed,
        "group_size": arguments.group_size,
        **summary(net),
        "median_unexplained": {
            kind: round(float(errors.median()), 3)
            for kind, errors in zip(KINDS, reference.errors, strict=True)
        },
    }
    digest = save_autoencoder(PretrainedAutoencoder(network, reference, record), arguments.out)
    print(json.dumps({"training": record, "sha256": digest}, indent=2))


def add_command(commands: Any) -> None:
    """Add ``train-autoencoder`` to the command line.

    Parameters
    ----------
    commands : argparse subparsers
        As `ArgumentParser.add_subparsers` returns them.
    """
    command = commands.add_parser("train-autoencoder", help=train_autoencoder.__doc__)
    add_run_options(command, minutes=40.0, workers=0)
    command.add_argument(
        "--out", type=file_to_write, required=True, help="weights file (.safetensors) to write"
    )
    command.add_argument("--group-size", type=count, default=8, help="tasks a step")
    command.add_argument("--epochs", type=count, default=10**6, help="most epochs, a sitting")
    command.add_argument("--validation-groups", type=count, default=16)
    command.add_argument("--reference-tasks", type=count, default=400, help="of each kind")
    command.set_defaults(run=train_autoencoder)
