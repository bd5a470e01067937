"""What a folder of checkpoints must have in common with the run that goes on from it."""

from __future__ import annotations

import json
from os import PathLike
from pathlib import Path
from typing import Any

from torch import nn

from sklearn_metaexplain._files import file_in_the_way, open_whole
from sklearn_metaexplain._validation import draw_seed
from sklearn_metaexplain.training._checkpoints import CHECKPOINT, unreadable
from sklearn_metaexplain.training._fingerprints import fingerprint, in_words
from sklearn_metaexplain.training._learner_net import MetaLearned

_NAME = "settings.json"
# The second is that of earlier versions.
_CHECKPOINTS = (CHECKPOINT, "last_params.pt")
#: Training tasks that are compared: few, as drawing them takes time.
N_COMPARED = 8


def choose_seed(run_dir: str | PathLike[str] | None, random_state: Any) -> int:
    """Draw a run's seed; without a `random_state`, that of the run it goes on from, if any."""
    if random_state is None and run_dir is not None:
        noted = _read(Path(run_dir) / _NAME)
        if noted is not None:
            return noted["seed"]
    return draw_seed(random_state)


def run_settings(
    module: MetaLearned,
    objective: nn.Module,
    *,
    network_params: Any,
    init: Any,
    lr: float,
    meta_batch_size: int,
    steps_per_epoch: int,
    seed: int,
    held_out: list[Any],
    trained: list[Any],
) -> dict[str, Any]:
    """What a run that goes on must have in common with the one it goes on from.

    Parameters
    ----------
    module : MetaLearned
        The network at its start, and its learner.
    objective : Module
        The loss.
    network_params, init, lr, meta_batch_size, steps_per_epoch
        As of `MetaTrainer`, nothing of it left open.
    seed : int
        Of the run.
    held_out : list of episodes
        Tasks to judge by: losses on others could not be compared.
    trained : list of episodes
        The first `N_COMPARED` tasks that are trained on: with the same tasks held out, others may
        be trained on.

    Returns
    -------
    settings : dict
        For `claim`.
    """
    learner = module.learner
    return {
        "seed": seed,
        "network": _described(module.network),
        "network_params": in_words(network_params or {}),
        "learner": f"{type(learner).__name__} {in_words(learner.get_params())}",
        "objective": _described(objective),
        "init": str(init),
        "lr": lr,
        "meta_batch_size": meta_batch_size,
        "steps_per_epoch": steps_per_epoch,
        "validation tasks": fingerprint(held_out),
        "training tasks": fingerprint(trained),
    }


def command_settings(
    options: dict[str, Any], network: nn.Module, held_out: list[Any]
) -> dict[str, Any]:
    """As `run_settings`, of a command.

    Parameters
    ----------
    options : dict
        Options of the command line that must be the same; "seed" is among them.
    network : Module
        At its start.
    held_out : list of (lists of) episodes
        Tasks to judge by.

    Returns
    -------
    settings : dict
        For `claim`.
    """
    return {
        **options,
        "network": _described(network),
        "validation tasks": fingerprint(held_out),
    }


def claim(folder: Path, settings: dict[str, Any]) -> None:
    """Note a run's settings in its folder, or compare them with those noted earlier.

    Parameters
    ----------
    folder : Path
        Made if need be.
    settings : dict
        For JSON; "seed" is among them.

    Raises
    ------
    ValueError
        If another run has left its checkpoints there, what it has noted cannot be read, or the
        folder cannot be made, as a file is in its place.
    """
    if (in_the_way := file_in_the_way(folder)) is not None:
        raise ValueError(
            f"run_dir={str(folder)!r} cannot be made: {str(in_the_way)!r} is a file; give a folder."
        )
    settings = json.loads(json.dumps(settings))
    earlier = _read(folder / _NAME)
    if earlier is None:
        for name in _CHECKPOINTS:
            if (folder / name).exists():
                raise ValueError(
                    f"run_dir={str(folder)!r} holds {name}, but no {_NAME} that says of what run; "
                    "give another folder, or remove this one to start anew."
                )
        with open_whole(folder / _NAME, make_folder=True) as file:
            file.write(json.dumps(settings, indent=2).encode())
        return
    # What an earlier version did not note cannot be known to be the same.
    differing = [
        name if name in earlier else f"{name}, of which it has no note"
        for name in settings
        if name not in earlier or earlier[name] != settings[name]
    ]
    if differing:
        raise ValueError(
            f"run_dir={str(folder)!r} holds checkpoints of a run with other settings "
            f"({', '.join(differing)}); give what it was begun with, or another folder, or "
            "remove this one to start anew."
        )


def _read(path: Path) -> dict[str, Any] | None:
    """What a run has noted, if anything."""
    if not path.exists():
        return None
    try:
        noted = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(noted, dict) or not isinstance(noted.get("seed"), int):
            raise ValueError("it notes no seed")
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from error
    return noted


def _described(module: nn.Module) -> str:
    return f"{type(module).__name__} {fingerprint(module)}"
