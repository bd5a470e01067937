"""``python -m sklearn_metaexplain.training``: make and judge weights."""

from __future__ import annotations

import argparse

import torch
from threadpoolctl import threadpool_limits

from sklearn_metaexplain.training import (
    _autoencoding,
    _classifiers,
    _evaluate,
    _explaining,
    _logged_calibration,
)


def main(argv: list[str] | None = None) -> None:
    """Parse the command line and run it."""
    parser = argparse.ArgumentParser(prog="python -m sklearn_metaexplain.training")
    commands = parser.add_subparsers(required=True)
    for part in (_explaining, _evaluate, _classifiers, _autoencoding, _logged_calibration):
        part.add_command(commands)
    arguments = parser.parse_args(argv)
    # Small tasks: threads cost more than they give, and workers are processes.
    torch.set_num_threads(1)
    with threadpool_limits(1):
        arguments.run(arguments)


if __name__ == "__main__":
    main()
