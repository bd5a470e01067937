"""Checkpoints of a run: one file, which is there whole or not at all."""

from __future__ import annotations

import json
import math
import pickle
from pathlib import Path
from typing import Any

import torch
from skorch import NeuralNet
from skorch.callbacks import Callback
from skorch.history import History

from sklearn_metaexplain._files import open_whole

#: Name of the file in the folder of a run.
CHECKPOINT = "checkpoint.pt"


class Checkpoints(Callback):
    """Leave a checkpoint after every epoch, and keep the weights of the best one.

    Network, objective, optimiser, history and the best weights are of one epoch, so they are in
    one file: a run that dies at any moment goes on as if it had died after an epoch.

    Parameters
    ----------
    folder : Path
        Folder of the run; made if need be.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._best: dict[str, torch.Tensor] | None = None

    def on_epoch_end(self, net: NeuralNet, **kwargs: Any) -> None:
        """Write the checkpoint."""
        is_best = _is_best(net)
        # skorch's table of epochs marks this event.
        net.history.record("event_cp", is_best)
        if is_best:
            state = net.module_.state_dict()
            self._best = {name: value.detach().clone() for name, value in state.items()}
        kept = {
            "module": net.module_.state_dict(),
            "criterion": net.criterion_.state_dict(),
            "optimizer": net.optimizer_.state_dict(),
            "history": json.dumps(net.history.to_list()),
            "best": self._best,
        }
        with open_whole(self.folder / CHECKPOINT, make_folder=True) as file:
            torch.save(kept, file)

    def resume(self, net: NeuralNet) -> None:
        """Bring a net to where the run stopped, if it has left a checkpoint.

        Parameters
        ----------
        net : NeuralNet
            Initialised.

        Raises
        ------
        ValueError
            If the checkpoint cannot be read.
        """
        path = self.folder / CHECKPOINT
        if not path.exists():
            return
        try:
            kept = torch.load(path, map_location=net.device, weights_only=True)
            net.module_.load_state_dict(kept["module"])
            net.criterion_.load_state_dict(kept["criterion"])
            net.optimizer_.load_state_dict(kept["optimizer"])
            net.history_ = History(json.loads(kept["history"]))
            self._best = kept["best"]
        except (
            *(OSError, EOFError, RuntimeError, pickle.UnpicklingError),
            *(KeyError, TypeError, ValueError),
        ) as error:
            raise unreadable(path, error) from error

    def load_best(self, net: NeuralNet) -> None:
        """Give a net the weights of the best epoch; no loss of a diverged run is a number."""
        if self._best is not None:
            net.module_.load_state_dict(self._best)


def unreadable(path: Path, error: Exception) -> ValueError:
    """Make the error for a file of a run that cannot be read."""
    return ValueError(
        f"run_dir={str(path.parent)!r}: {path.name} cannot be read ({type(error).__name__}); "
        "delete the folder to start anew, or give another."
    )


def best_epoch(history: Any) -> int | None:
    """Position of the epoch with the least validation loss, the first of them, that is a number."""
    losses = {
        position: float(row["valid_loss"])
        for position, row in enumerate(history)
        if math.isfinite(row["valid_loss"])
    }
    return min(losses, key=lambda position: losses[position]) if losses else None


def _is_best(net: NeuralNet) -> bool:
    """Whether the last epoch is the best of all; skorch's own note forgets earlier sittings."""
    return best_epoch(net.history) == len(net.history) - 1
