"""``python -m sklearn_metaexplain.training``: make and judge weights."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import torch
from threadpoolctl import threadpool_limits

from sklearn_metaexplain.nets._checkpoint import Pretrained, load_pretrained, save_pretrained
from sklearn_metaexplain.nets._corrector import Corrector
from sklearn_metaexplain.nets._kernel_network import KernelNetwork
from sklearn_metaexplain.training import _autoencoding, _classifiers, _logged_calibration
from sklearn_metaexplain.training._arguments import (
    count,
    file_to_write,
    natural,
    positive,
    seed,
    several,
    share,
)
from sklearn_metaexplain.training._episodes import EpisodeStream
from sklearn_metaexplain.training._evaluate import (
    EVALUATION_SEED,
    VALIDATION_SEED,
    held_out,
    summarise,
    task_errors,
)
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
    run_dir = Path(arguments.run_dir or arguments.out.with_suffix(".run"))
    validation = list(
        held_out(
            VALIDATION_SEED,
            arguments.validation_tasks,
            max_support=_MAX_SUPPORT["kernel"],
            mixed_share=arguments.mixed_share,
        )
    )
    batches = [
        validation[start : start + _VALIDATION_BATCH]
        for start in range(0, len(validation), _VALIDATION_BATCH)
    ]
    options = {
        "n_workers": arguments.workers,
        "verbose": 1 - arguments.quiet,
        "max_epochs": arguments.epochs,
        "lr": arguments.lr,
    }

    def stream(part: str, seed: int) -> EpisodeStream:
        return EpisodeStream(
            seed=seed,
            n_steps=arguments.steps_per_epoch,
            batch_size=arguments.batch_size,
            max_support=_MAX_SUPPORT[part],
            n_query=_N_QUERY[part],
            mixed_share=arguments.mixed_share,
        )

    start = _start(arguments.init)
    first_corrector = start.corrector or Corrector()
    # Both folders before either network is trained, which takes long.
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
    kernel, kernel_record = start.kernel, _record_of("kernel", start.training)
    if arguments.kernel_share > 0:
        kernel_net = meta_train(
            kernel,
            KernelObjective,
            stream("kernel", arguments.seed),
            batches,
            run_dir=run_dir / "kernel",
            minutes=arguments.kernel_share * arguments.minutes,
            **options,
        )
        kernel = kernel_net.module_
        kernel_record = summary(kernel_net, "kernel_")
    kernel = kernel.eval().requires_grad_(False)
    corrector, corrector_record = start.corrector, _record_of("corrector", start.training)
    if arguments.kernel_share < 1:
        corrector_net = meta_train(
            first_corrector,
            CorrectorObjective,
            # Other tasks than the kernel network's, on which its proposals would flatter it.
            StackedStream(
                stream("corrector", arguments.seed + 1), kernel, n_repeats=arguments.repeats
            ),
            [[stack_episode(episode, kernel) for episode in batch] for batch in batches],
            # Losses on stacks of another kernel network could not be compared.
            run_dir=run_dir / "corrector" / fingerprint(kernel)[:12],
            minutes=(1 - arguments.kernel_share) * arguments.minutes,
            **options,
        )
        corrector = corrector_net.module_
        corrector_record = summary(corrector_net, "corrector_")
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


def evaluate(arguments: argparse.Namespace) -> None:
    """Print errors on prior tasks held out, method by method."""
    pretrained = load_pretrained(arguments.weights)
    for n_support in arguments.n_support:
        tasks = held_out(
            EVALUATION_SEED,
            arguments.tasks,
            n_support=n_support,
            mixed_share=arguments.mixed_share,
        )
        results = [task_errors(pretrained, episode, n_steps=arguments.n_steps) for episode in tasks]
        print(f"\n{len(results)} prior tasks held out, {n_support} evaluations\n")
        print("| method | mean | median | geometric mean |\n|-|-|-|-|")
        for name, row in summarise(results).items():
            print(f"| {name} | {' | '.join(f'{value:.4f}' for value in row.values())} |")


def _add_mixed_share(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--mixed-share", type=share, default=0.0, help="of tasks with columns of categories"
    )


def main(argv: list[str] | None = None) -> None:
    """Parse the command line and run it."""
    parser = argparse.ArgumentParser(prog="python -m sklearn_metaexplain.training")
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("train", help=train.__doc__)
    command.add_argument("--minutes", type=positive, default=120.0, help="over all sittings")
    command.add_argument(
        "--kernel-share",
        type=share,
        default=0.45,
        help="of the minutes; at 0 or 1 the other network stays as --init has it",
    )
    command.add_argument(
        "--out", type=file_to_write, required=True, help="weights file (.safetensors) to write"
    )
    command.add_argument("--run-dir", help="checkpoints to leave, and to go on from")
    command.add_argument("--init", help="weights to start from: a registered name or a file")
    command.add_argument("--seed", type=seed, default=1)
    command.add_argument("--workers", type=natural, default=1, help="processes that draw tasks")
    command.add_argument("--lr", type=positive, default=2e-3, help="peak learning rate")
    command.add_argument("--batch-size", type=count, default=4, help="tasks a step")
    command.add_argument("--steps-per-epoch", type=count, default=100)
    command.add_argument(
        "--epochs", type=count, default=10**6, help="most epochs of each network, a sitting"
    )
    _add_mixed_share(command)
    command.add_argument("--validation-tasks", type=count, default=96)
    command.add_argument(
        "--repeats",
        type=natural,
        default=0,
        help="how often the corrector meets a task again; which ones depends on --workers",
    )
    command.add_argument("--quiet", action="store_true")
    command.set_defaults(run=train)
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
    _add_mixed_share(command)
    command.set_defaults(run=evaluate)
    _classifiers.add_command(commands)
    _autoencoding.add_command(commands)
    _logged_calibration.add_command(commands)
    arguments = parser.parse_args(argv)
    # Small tasks: threads cost more than they give, and workers are processes.
    torch.set_num_threads(1)
    with threadpool_limits(1):
        arguments.run(arguments)


if __name__ == "__main__":
    main()
