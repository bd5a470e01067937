"""``python -m sklearn_metaexplain.training train``: the networks of `MetaExplainer`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import torch

from sklearn_metaexplain.nets._checkpoint import Pretrained, load_pretrained, save_pretrained
from sklearn_metaexplain.nets._corrector import Corrector
from sklearn_metaexplain.nets._kernel_network import KernelNetwork
from sklearn_metaexplain.training._arguments import (
    add_mixed_share,
    add_run_options,
    count,
    file_to_write,
    natural,
    share,
)
from sklearn_metaexplain.training._episodes import EpisodeStream
from sklearn_metaexplain.training._evaluate import VALIDATION_SEED, held_out
from sklearn_metaexplain.training._evaluated_model import Episode
from sklearn_metaexplain.training._fingerprints import fingerprint
from sklearn_metaexplain.training._objectives import CorrectorObjective, KernelObjective
from sklearn_metaexplain.training._run_dir import claim, command_settings
from sklearn_metaexplain.training._stacked import StackedStream, stack_episode
from sklearn_metaexplain.training._trainer import meta_train, summary

_MAX_SUPPORT = {"kernel": 1024, "corrector": 2048}
# A stack costs far more than explaining some more rows by it.
_N_QUERY = {"kernel": 6, "corrector": 12}
_VALIDATION_BATCH = 8
# A run goes on with these alone; its minutes and epochs may grow.
_SETTINGS = ("seed", "lr", "batch_size", "steps_per_epoch", "mixed_share")


def train(arguments: argparse.Namespace) -> None:
    """Train both networks, and write one file; `sklearn_metaexplain.calibration` comes next."""
    torch.manual_seed(arguments.seed)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    run_dir = arguments.run_dir or arguments.out.with_suffix(".run")
    validation = list(
        held_out(
            VALIDATION_SEED,
            arguments.validation_tasks,
            max_support=_MAX_SUPPORT["kernel"],
            mixed_share=arguments.mixed_share,
        )
    )
    start = _start(arguments.init)
    first_corrector = start.corrector or Corrector()
    _claim_folders(arguments, run_dir, start, first_corrector, validation)
    batches = [
        validation[first : first + _VALIDATION_BATCH]
        for first in range(0, len(validation), _VALIDATION_BATCH)
    ]
    kernel, kernel_record = start.kernel, _record_of("kernel", start.training)
    if arguments.kernel_share > 0:
        kernel, kernel_record = _train_kernel(arguments, kernel, batches, run_dir / "kernel")
    kernel = kernel.eval().requires_grad_(False)
    corrector, corrector_record = start.corrector, _record_of("corrector", start.training)
    if arguments.kernel_share < 1:
        corrector, corrector_record = _train_corrector(
            arguments, first_corrector, kernel, batches, run_dir / "corrector"
        )
    corrector = corrector and corrector.eval().requires_grad_(False)
    record = {
        "seed": arguments.seed,
        "batch_size": arguments.batch_size,
        "repeats": arguments.repeats,
        "mixed_share": arguments.mixed_share,
        "init": arguments.init and start.training,
        **kernel_record,
        **corrector_record,
    }
    digest = save_pretrained(
        Pretrained(kernel.float(), corrector and corrector.float(), training=record),
        arguments.out,
    )
    print(json.dumps({"training": record, "sha256": digest}, indent=2))


def _claim_folders(
    arguments: argparse.Namespace,
    run_dir: Path,
    start: Pretrained,
    first_corrector: Corrector,
    validation: list[Episode],
) -> None:
    """Claim both folders before either network is trained, which takes long."""
    settings = {name: getattr(arguments, name) for name in _SETTINGS}
    if arguments.kernel_share > 0:
        claim(run_dir / "kernel", command_settings(settings, start.kernel, validation))
    if arguments.kernel_share < 1:
        settings |= {
            "repeats": arguments.repeats,
            "kernel network": fingerprint(start.kernel),
            "kernel network is trained": arguments.kernel_share > 0,
        }
        claim(run_dir / "corrector", command_settings(settings, first_corrector, validation))


def _train_kernel(
    arguments: argparse.Namespace,
    kernel: KernelNetwork,
    batches: list[list[Episode]],
    run_dir: Path,
) -> tuple[KernelNetwork, dict[str, Any]]:
    net = meta_train(
        kernel,
        KernelObjective,
        _stream(arguments, "kernel", arguments.seed),
        batches,
        run_dir=run_dir,
        minutes=arguments.kernel_share * arguments.minutes,
        **_options(arguments),
    )
    return net.module_, summary(net, "kernel_")


def _train_corrector(
    arguments: argparse.Namespace,
    corrector: Corrector,
    kernel: KernelNetwork,
    batches: list[list[Episode]],
    run_dir: Path,
) -> tuple[Corrector, dict[str, Any]]:
    # Other tasks than the kernel network's, on which its proposals would flatter it.
    stream = _stream(arguments, "corrector", arguments.seed + 1)
    net = meta_train(
        corrector,
        CorrectorObjective,
        StackedStream(stream, kernel, n_repeats=arguments.repeats),
        [[stack_episode(episode, kernel) for episode in batch] for batch in batches],
        # Losses on stacks of another kernel network could not be compared.
        run_dir=run_dir / fingerprint(kernel)[:12],
        minutes=(1 - arguments.kernel_share) * arguments.minutes,
        **_options(arguments),
    )
    return net.module_, summary(net, "corrector_")


def _stream(arguments: argparse.Namespace, part: str, stream_seed: int) -> EpisodeStream:
    return EpisodeStream(
        seed=stream_seed,
        n_steps=arguments.steps_per_epoch,
        batch_size=arguments.batch_size,
        max_support=_MAX_SUPPORT[part],
        n_query=_N_QUERY[part],
        mixed_share=arguments.mixed_share,
    )


def _options(arguments: argparse.Namespace) -> dict[str, Any]:
    return {
        "n_workers": arguments.workers,
        "verbose": 1 - arguments.quiet,
        "max_epochs": arguments.epochs,
        "lr": arguments.lr,
    }


def _start(init: str | None) -> Pretrained:
    if init is None:
        return Pretrained(KernelNetwork(), Corrector())
    start = load_pretrained(init)
    for network in (start.kernel, start.corrector):
        if network is not None:
            network.requires_grad_(True)
    return start


def _record_of(part: str, training: dict[str, Any]) -> dict[str, Any]:
    """The record of a part that is not trained again."""
    return {key: value for key, value in training.items() if key.startswith(f"{part}_")}


def add_command(commands: Any) -> None:
    """Add ``train`` to the command line."""
    command = commands.add_parser("train", help=train.__doc__)
    add_run_options(command, minutes=120.0, workers=1)
    command.add_argument(
        "--kernel-share",
        type=share,
        default=0.45,
        help="of the minutes; at 0 or 1 the other network stays as --init has it",
    )
    command.add_argument(
        "--out", type=file_to_write, required=True, help="weights file (.safetensors) to write"
    )
    command.add_argument("--init", help="weights to start from: a registered name or a file")
    command.add_argument("--batch-size", type=count, default=4, help="tasks a step")
    command.add_argument(
        "--epochs", type=count, default=10**6, help="most epochs of each network, a sitting"
    )
    add_mixed_share(command)
    command.add_argument("--validation-tasks", type=count, default=96)
    command.add_argument(
        "--repeats",
        type=natural,
        default=0,
        help="how often the corrector meets a task again; which ones depends on --workers",
    )
    command.set_defaults(run=train)
