"""What a folder of checkpoints must have in common with the run that goes on from it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import joblib
import torch

_NAME = "settings.json"


def earlier_seed(folder: Path) -> int | None:
    """Seed of the run whose checkpoints are in a folder; None if there is none."""
    path = folder / _NAME
    return json.loads(path.read_text(encoding="utf-8"))["seed"] if path.exists() else None


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
        differing = [name for name in settings if earlier.get(name) != settings[name]]
        if differing:
            raise ValueError(
                f"run_dir={str(folder)!r} holds checkpoints of a run with other settings "
                f"({', '.join(differing)}); give another folder, or remove this one to start anew."
            )
        return
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(settings, indent=2), encoding="utf-8")


def fingerprint(episode: Any) -> str:
    """Hash an episode's tensors, by which other tasks are noticed."""
    parts = episode if isinstance(episode, tuple | list) else [episode]
    return joblib.hash(
        [part.cpu().numpy() if isinstance(part, torch.Tensor) else str(part) for part in parts]
    )
