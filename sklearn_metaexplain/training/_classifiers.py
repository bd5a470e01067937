"""``python -m sklearn_metaexplain.training train-classifiers``."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sklearn_metaexplain.nets._classifier_weights import NETWORKS, load_classifier, save_classifier
from sklearn_metaexplain.nets._labelled import LabelledEpisode
from sklearn_metaexplain.training._arguments import (
    add_run_options,
    count,
    folder_to_write,
    natural,
    width,
)
from sklearn_metaexplain.training._episodes import TaskStream
from sklearn_metaexplain.training._joint import JointNetwork, JointObjective
from sklearn_metaexplain.training._labelled_episodes import draw_labelled_episode
from sklearn_metaexplain.training._run_dir import claim, command_settings
from sklearn_metaexplain.training._trainer import meta_train, summary

_VALIDATION_SEED = 10**6
_EVALUATION_SEED = 10**6 + 1
_VALIDATION_BATCH = 16
# A run goes on with these alone; its minutes and epochs may grow.
_SETTINGS = ("seed", "lr", "batch_size", "steps_per_epoch")


def train_classifiers(arguments: argparse.Namespace) -> None:
    """Train the networks of all self-explaining classifiers, and write a file for each."""
    folder = arguments.out_dir
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(arguments.seed)
    module, earlier = _start(arguments.init, arguments.width)
    validation = held_out_tables(_VALIDATION_SEED, arguments.validation_tasks)
    run_dir = arguments.run_dir or folder / "classifiers.run"
    kept = {name: getattr(arguments, name) for name in _SETTINGS}
    claim(run_dir, command_settings(kept, module, validation))
    net = meta_train(
        module,
        JointObjective,
        TaskStream(
            draw_labelled_episode,
            seed=arguments.seed,
            n_steps=arguments.steps_per_epoch,
            batch_size=arguments.batch_size,
        ),
        [
            validation[start : start + _VALIDATION_BATCH]
            for start in range(0, len(validation), _VALIDATION_BATCH)
        ],
        run_dir=run_dir,
        minutes=arguments.minutes,
        lr=arguments.lr,
        n_workers=arguments.workers,
        verbose=1 - arguments.quiet,
        max_epochs=arguments.epochs,
    )
    record: dict[str, Any] = {
        "seed": arguments.seed,
        "batch_size": arguments.batch_size,
        **summary(net),
        "init": earlier,
    }
    network = net.module_.eval().requires_grad_(False)
    record["accuracy"] = accuracies(network, arguments.evaluation_tasks)
    files = {
        kind: save_classifier(folder / f"{kind}.safetensors", kind, getattr(network, kind), record)
        for kind in NETWORKS
    }
    print(json.dumps({"training": record, "sha256": files}, indent=2))


def _start(init: str | None, width: int) -> tuple[JointNetwork, dict[str, Any] | None]:
    """Networks to train, new or of earlier files, and how the latter were trained."""
    if init is None:
        return JointNetwork(encoder={"width": width}), None
    folder = None if init == "default" else Path(init)
    loaded = {
        kind: load_classifier(folder / f"{kind}.safetensors" if folder else "default", kind)
        for kind in NETWORKS
    }
    networks = {kind: network for kind, (network, _) in loaded.items()}
    module = JointNetwork(encoder=networks["prototype"].encoder.config)
    first = networks["prototype"].encoder.state_dict()
    for kind, network in networks.items():
        encoder = network.encoder.state_dict()
        if encoder.keys() != first.keys() or any(
            not torch.equal(encoder[name], first[name]) for name in first
        ):
            raise ValueError(
                f"--init {init}: {kind}.safetensors has another encoder than "
                "prototype.safetensors, but all are trained on one; give files of one run."
            )
        getattr(module, kind).load_state_dict(network.state_dict())
    return module, loaded["prototype"][1]


def held_out_tables(seed: int, n_tasks: int) -> list[LabelledEpisode]:
    """Episodes of one seed; other seeds than training's give tables it never sees."""
    return [draw_labelled_episode(np.random.default_rng([seed, task])) for task in range(n_tasks)]


def accuracies(network: JointNetwork, n_tasks: int) -> dict[str, float]:
    """Mean accuracy of each network on prior tables held out, and of guessing the largest class."""
    found: dict[str, list[float]] = {}
    with torch.no_grad():
        for episode in held_out_tables(_EVALUATION_SEED, n_tasks):
            largest = episode.labels.bincount(minlength=episode.n_classes).argmax()
            guesses = {kind: told.argmax(1) for kind, told in network(episode).items()}
            for kind, guess in {**guesses, "largest_class": largest}.items():
                right = (guess == episode.query_labels).double().mean()
                found.setdefault(kind, []).append(float(right))
    return {kind: round(float(np.mean(values)), 4) for kind, values in found.items()}


def add_command(commands: Any) -> None:
    """Add ``train-classifiers`` to the command line."""
    command = commands.add_parser("train-classifiers", help=train_classifiers.__doc__)
    add_run_options(command, minutes=90.0, workers=1, drawn="tables")
    command.add_argument(
        "--out-dir", type=folder_to_write, required=True, help="folder for a file of each network"
    )
    command.add_argument(
        "--init",
        help="'default', or a folder of files to start from; default: new networks; "
        "--width is then that of the files",
    )
    command.add_argument("--width", type=width, default=48, help="features of a cell")
    command.add_argument("--batch-size", type=count, default=8, help="tables a step")
    command.add_argument("--epochs", type=natural, default=10**6, help="most epochs, a sitting")
    command.add_argument("--validation-tasks", type=count, default=256)
    command.add_argument("--evaluation-tasks", type=count, default=500)
    command.set_defaults(run=train_classifiers)
