"""What a folder of checkpoints must have in common with the run that goes on from it."""

from __future__ import annotations

import json
from os import PathLike
from pathlib import Path
from typing import Any

import joblib
import torch
from torch import nn

from sklearn_metaexplain._validation import draw_seed
from sklearn_metaexplain.training._learner_net import MetaLearned

_NAME = "settings.json"
#: Training tasks that are compared: few, as drawing them takes time.
N_COMPARED = 8


def choose_seed(run_dir: str | PathLike[str] | None, random_state: Any) -> int:
    """Draw a run's seed; without a `random_state`, that of the run it goes on from, if any."""
    if random_state is None and run_dir is not None:
        path = Path(run_dir) / _NAME
        if path.exists():
            return json.loads(path.read_text(encoding="utf-8"))["seed"]
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
        The network and its learner.
    objective : Module
        The loss.
    network_params, init, lr, meta_batch_size, steps_per_epoch
        As of `MetaTrainer`, nothing of it left open.
    seed : int
        Of the run.
    held_out : list of episodes
        Tasks to judge by, of which the first is compared.
    trained : list of episodes
        The first `N_COMPARED` tasks that are trained on: with the same tasks held out, others may
        be trained on.

    Returns
    -------
    settings : dict
        For `claim`.
    """
    numbers = {
        name: value
        for name, value in vars(objective).items()
        if isinstance(value, int | float | str)
    }
    return {
        "seed": seed,
        "network": type(module.network).__name__,
        "network_params": repr(network_params),
        "learner": f"{type(module.learner).__name__} {module.learner.get_params()}",
        "objective": f"{type(objective).__name__} {numbers}",
        "init": str(init),
        "lr": lr,
        "meta_batch_size": meta_batch_size,
        "steps_per_epoch": steps_per_epoch,
        "validation tasks": _fingerprint(held_out[:1]),
        "training tasks": _fingerprint(trained),
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
        If another run has left its checkpoints there.
    """
    settings = json.loads(json.dumps(settings))
    path = folder / _NAME
    if path.exists():
        earlier = json.loads(path.read_text(encoding="utf-8"))
        # What an earlier version did not note cannot be known to be the same.
        differing = [
            name if name in earlier else f"{name}, of which it has no note"
            for name in settings
            if earlier.get(name) != settings[name]
        ]
        if differing:
            raise ValueError(
                f"run_dir={str(folder)!r} holds checkpoints of a run with other settings "
                f"({', '.join(differing)}); give what it was begun with, or another folder, or "
                "remove this one to start anew."
            )
        return
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(settings, indent=2), encoding="utf-8")


def _fingerprint(episodes: list[Any]) -> str:
    """Hash episodes' tensors, by which other tasks are noticed."""
    return joblib.hash(
        [
            [part.cpu().numpy() if isinstance(part, torch.Tensor) else str(part) for part in parts]
            for parts in (
                episode if isinstance(episode, tuple | list) else [episode] for episode in episodes
            )
        ]
    )
