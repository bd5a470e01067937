"""Numbers of the command line, those that make no sense refused."""

from __future__ import annotations

import argparse
import math
from pathlib import Path

from sklearn_metaexplain._files import file_in_the_way

#: Seeds of tasks that are held out, to validate and to evaluate by, begin here.
FIRST_HELD_OUT = 10**6


def positive(text: str) -> float:
    """Read a number above 0, such as minutes and learning rates."""
    value = float(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"must be above 0, got {text}")
    return value


def share(text: str) -> float:
    """Read a number from 0 to 1."""
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"must be between 0 and 1, got {text}")
    return value


def count(text: str) -> int:
    """Read a whole number from 1 on, such as steps, tasks and epochs."""
    return _whole(text, least=1)


def natural(text: str) -> int:
    """Read a whole number from 0 on, such as processes and seeds."""
    return _whole(text, least=0)


def seed(text: str) -> int:
    """Read the seed of a stream of tasks, none of those by which weights are judged."""
    value = natural(text)
    # The command may take the next number, too.
    if value >= FIRST_HELD_OUT - 1:
        raise argparse.ArgumentTypeError(
            f"must be below {FIRST_HELD_OUT - 1}, for seeds from {FIRST_HELD_OUT} on are those of "
            f"tasks held out, got {text}"
        )
    return value


def several(text: str) -> int:
    """Read a number of rows whose outputs may differ, without which no task would ever do."""
    return _whole(text, least=2)


def width(text: str) -> int:
    """Read a number of features that four attention heads share."""
    value = _whole(text, least=4)
    if value % 4:
        raise argparse.ArgumentTypeError(f"must be a multiple of 4, got {text}")
    return value


def file_to_write(text: str) -> Path:
    """Read the path of a file to write, which is refused now rather than after the training."""
    path = Path(text)
    if path.is_dir():
        raise argparse.ArgumentTypeError(f"{text} is a folder; give a file")
    folder_to_write(str(path.parent))
    return path


def folder_to_write(text: str) -> Path:
    """Read the path of a folder to write into, which need not be there."""
    path = Path(text)
    if (in_the_way := file_in_the_way(path)) is not None:
        raise argparse.ArgumentTypeError(f"{in_the_way} is a file, no folder to write into")
    return path


def add_run_options(
    command: argparse.ArgumentParser, *, minutes: float, workers: int, drawn: str = "tasks"
) -> None:
    """Add what all commands have that train networks in several sittings.

    Parameters
    ----------
    command : ArgumentParser
    minutes, workers
        Defaults.
    drawn : str, default="tasks"
        What the workers draw.
    """
    command.add_argument("--minutes", type=positive, default=minutes, help="over all sittings")
    command.add_argument(
        "--run-dir", type=folder_to_write, help="checkpoints to leave, and to go on from"
    )
    command.add_argument("--seed", type=seed, default=1)
    command.add_argument(
        "--workers", type=natural, default=workers, help=f"processes that draw {drawn}"
    )
    command.add_argument("--lr", type=positive, default=2e-3, help="peak learning rate")
    command.add_argument("--steps-per-epoch", type=count, default=100)
    command.add_argument("--quiet", action="store_true")


def add_mixed_share(command: argparse.ArgumentParser) -> None:
    """Add ``--mixed-share`` to a command."""
    command.add_argument(
        "--mixed-share", type=share, default=0.0, help="of tasks with columns of categories"
    )


def _whole(text: str, least: int) -> int:
    value = int(text)
    if value < least:
        raise argparse.ArgumentTypeError(f"must be at least {least}, got {text}")
    return value
