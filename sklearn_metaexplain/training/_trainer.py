"""The meta-training loop: skorch over episodes."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import torch
from skorch import NeuralNet
from skorch.callbacks import Callback, Checkpoint, GradientNormClipping, ProgressBar
from torch import nn

from sklearn_metaexplain.nets._episodic import EpisodeBatches, EpisodicNet, HeldOut


class Stream(Protocol):
    """Steps of lists of episodes; `start` is the number of the first."""

    start: int
    n_steps: int

    def __iter__(self) -> Iterator[list[Any]]:
        """Episodes from `start` on, `n_steps` lists of them."""
        ...


class TimeBudget(Callback):
    """Cosine learning rate over a wall-clock budget, and the end when it is spent.

    Parameters
    ----------
    minutes : float
        Budget, resumed time included.
    lr : float
        Peak learning rate, reached after `warmup` of the budget.
    warmup : float, default=0.02
        Share of the budget.
    """

    def __init__(self, minutes: float, lr: float, warmup: float = 0.02) -> None:
        self.minutes = minutes
        self.lr = lr
        self.warmup = warmup

    def on_train_begin(self, net: NeuralNet, **kwargs: Any) -> None:
        """Count the time of earlier sittings."""
        self._spent = sum(row["dur"] for row in net.history)
        self._start = time.monotonic()

    def _progress(self) -> float:
        return (self._spent + time.monotonic() - self._start) / (60 * self.minutes)

    def on_batch_begin(self, net: NeuralNet, training: bool = False, **kwargs: Any) -> None:
        """Set the learning rate."""
        progress = min(1.0, self._progress())
        rate = min(1.0, progress / self.warmup) * 0.5 * (1 + math.cos(math.pi * progress))
        for group in net.optimizer_.param_groups:
            group["lr"] = self.lr * rate

    def on_epoch_end(self, net: NeuralNet, **kwargs: Any) -> None:
        """Stop the way skorch's own callbacks do."""
        if self._progress() >= 1:
            raise KeyboardInterrupt


class AdvanceStream(Callback):
    """Give every epoch, also after resuming, its own part of the stream."""

    def on_epoch_begin(self, net: NeuralNet, dataset_train: Any = None, **kwargs: Any) -> None:
        """Move the stream to the steps of this epoch."""
        stream = dataset_train.batches
        stream.start = (len(net.history) - 1) * stream.n_steps


def meta_train(
    module: nn.Module,
    objective: type[nn.Module],
    stream: Stream,
    validation: list[list[Any]],
    *,
    run_dir: Path,
    minutes: float,
    lr: float = 2e-3,
    n_workers: int = 1,
    verbose: int = 1,
    max_epochs: int = 1_000_000,
) -> EpisodicNet:
    """Train a network on a stream of episodes until the time is spent.

    Every epoch (``stream.n_steps`` steps) leaves a checkpoint in `run_dir`; a run that finds one
    goes on from there. What comes back has the weights of the epoch with the best validation.

    Parameters
    ----------
    module : Module
        The network to train.
    objective : type of Module
        Called with the network and an episode.
    stream : Stream
        Training episodes.
    validation : list of list of episodes
        Held-out episodes, in batches.
    run_dir : Path
        Where checkpoints are.
    minutes : float
        Wall-clock budget over all sittings.
    lr : float, default=2e-3
        Peak learning rate of AdamW.
    n_workers : int, default=1
        Processes that draw episodes.
    verbose : int, default=1
        0 is silent; otherwise a line an epoch, and at a terminal a bar.
    max_epochs : int, default=1_000_000
        Most epochs, for runs that must not depend on the clock.
    """
    run_dir.mkdir(parents=True, exist_ok=True)
    best = Checkpoint(
        monitor="valid_loss_best", dirname=str(run_dir), fn_prefix="best_", f_pickle=None
    )
    last = Checkpoint(monitor=None, dirname=str(run_dir), fn_prefix="last_", f_pickle=None)
    net = EpisodicNet(
        module,
        objective,
        optimizer=torch.optim.AdamW,
        lr=lr,
        max_epochs=max_epochs,
        iterator_train__num_workers=n_workers,
        train_split=HeldOut(EpisodeBatches(validation)),
        callbacks=[
            ("budget", TimeBudget(minutes, lr)),
            ("advance", AdvanceStream()),
            ("clip", GradientNormClipping(1.0)),
            ("best", best),
            ("last", last),
            # A bar is for a person at a terminal; a log file gets the line of each epoch.
            *([("bar", ProgressBar("count"))] if verbose and sys.stderr.isatty() else []),
        ],
        verbose=verbose,
    )
    net.initialize()
    if (run_dir / "last_params.pt").exists():
        net.load_params(checkpoint=last)
    net.partial_fit(EpisodeBatches(stream))
    net.load_params(f_params=str(run_dir / "best_params.pt"))
    return net
