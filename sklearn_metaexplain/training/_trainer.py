"""The meta-training loop: skorch over episodes."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from skorch import NeuralNet
from skorch.callbacks import Callback, GradientNormClipping, ProgressBar
from threadpoolctl import threadpool_limits
from torch import nn

from sklearn_metaexplain._validation import draw_seed
from sklearn_metaexplain.nets._episodic import EpisodeBatches, EpisodicNet, HeldOut
from sklearn_metaexplain.training._checkpoints import Checkpoints, best_epoch


class Stream(Protocol):
    """Steps of lists of episodes; `start` is the number of the first."""

    start: int
    n_steps: int

    def __iter__(self) -> Iterator[list[Any]]:
        """Episodes from `start` on, `n_steps` lists of them."""
        ...


class Budget(Callback):
    """Cosine learning rate over a budget of time, of steps or of both.

    Parameters
    ----------
    lr : float
        Peak learning rate, reached after `warmup` of the budget.
    minutes : float, default=None
        Wall-clock budget, resumed time included.
    n_steps : int, default=None
        Budget of steps, those before a resumption included.
    warmup : float, default=0.02
        Share of the budget.
    """

    def __init__(
        self,
        lr: float,
        *,
        minutes: float | None = None,
        n_steps: int | None = None,
        warmup: float = 0.02,
    ) -> None:
        self.lr = lr
        self.minutes = minutes
        self.n_steps = n_steps
        self.warmup = warmup

    def on_train_begin(self, net: NeuralNet, **kwargs: Any) -> None:
        """Count the time and the steps of earlier sittings."""
        self._earlier, self._steps = _spent(net)
        self._start = time.monotonic()

    def on_batch_begin(self, net: NeuralNet, training: bool = False, **kwargs: Any) -> None:
        """Set the learning rate to what it is in the middle of the step."""
        if not training:
            return
        progress = min(1.0, self._progress(self._steps + 0.5))
        rate = min(1.0, progress / self.warmup) * 0.5 * (1 + math.cos(math.pi * progress))
        for group in net.optimizer_.param_groups:
            group["lr"] = self.lr * rate

    def on_batch_end(self, net: NeuralNet, training: bool = False, **kwargs: Any) -> None:
        """Count the step."""
        self._steps += bool(training)

    def is_spent(self) -> bool:
        """Whether this sitting and earlier ones have left nothing."""
        return self._progress(self._steps) >= 1

    def _progress(self, steps: float) -> float:
        return self._share(self._earlier + time.monotonic() - self._start, steps)

    def _share(self, seconds: float, steps: float) -> float:
        shares = [0.0]
        if self.minutes is not None:
            shares.append(seconds / (60 * self.minutes))
        if self.n_steps is not None:
            shares.append(steps / self.n_steps)
        return max(shares)


def _one_thread(worker: int) -> None:
    # A forked process waits forever for OpenMP's threads, if its parent has ever had some.
    threadpool_limits(1)


def _spent(net: NeuralNet) -> tuple[float, int]:
    """Seconds and steps of the epochs in a net's history."""
    seconds = sum(row["dur"] for row in net.history)
    return seconds, sum(row["train_batch_count"] for row in net.history)


def summary(net: NeuralNet, prefix: str = "") -> dict[str, float]:
    """What a weights file says of a net's training; NaN as its loss where none was a number."""
    best = best_epoch(net.history)
    loss = math.nan if best is None else net.history[best]["valid_loss"]
    seconds, steps = _spent(net)
    return {
        f"{prefix}steps": steps,
        f"{prefix}minutes": round(seconds / 60, 1),
        f"{prefix}valid_loss": round(float(loss), 4),
    }


class AdvanceStream(Callback):
    """Give every epoch, also after resuming, its own part of the stream and its own draws.

    Parameters
    ----------
    seed : int
        Seed of what networks draw themselves, as in dropout.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def on_epoch_begin(self, net: NeuralNet, dataset_train: Any = None, **kwargs: Any) -> None:
        """Move the stream to the steps of this epoch."""
        torch.manual_seed(draw_seed(np.random.RandomState([self.seed, len(net.history)])))
        # The epoch that begins is in the history already.
        dataset_train.batches.start = sum(row["train_batch_count"] for row in net.history[:-1])


def meta_train(
    module: nn.Module,
    objective: type[nn.Module] | nn.Module,
    stream: Stream,
    validation: list[list[Any]],
    *,
    run_dir: Path,
    minutes: float | None = None,
    n_steps: int | None = None,
    lr: float = 2e-3,
    n_workers: int = 1,
    verbose: int = 1,
    max_epochs: int = 1_000_000,
    net_class: type[EpisodicNet] = EpisodicNet,
    optimizer: type[torch.optim.Optimizer] = torch.optim.AdamW,
    max_grad_norm: float | None = 1.0,
    device: str = "cpu",
    seed: int = 0,
) -> EpisodicNet:
    """Train a network on a stream of episodes until the time or the steps are spent.

    Every epoch (``stream.n_steps`` steps) leaves a checkpoint in `run_dir`; a run that finds one
    goes on from there. What comes back has the weights of the epoch with the best validation.

    Parameters
    ----------
    module : Module
        The network to train.
    objective : Module or type of Module
        Called with the network and an episode.
    stream : Stream
        Training episodes.
    validation : list of list of episodes
        Held-out episodes, in batches.
    run_dir : Path
        Where checkpoints are.
    minutes : float, default=None
        Wall-clock budget over all sittings.
    n_steps : int, default=None
        Budget of steps over all sittings, for runs that must not depend on the clock.
    lr : float, default=2e-3
        Peak learning rate.
    n_workers : int, default=1
        Processes that draw episodes.
    verbose : int, default=1
        0 is silent; otherwise a line an epoch, and at a terminal a bar.
    max_epochs : int, default=1_000_000
        Most epochs of this sitting.
    net_class : type of EpisodicNet, default=EpisodicNet
        The skorch net.
    optimizer : type of Optimizer, default=AdamW
        What takes the steps.
    max_grad_norm : float, default=1.0
        Norm to which longer gradients of a step are shortened. None: any.
    device : str, default="cpu"
        Where the network is.
    seed : int, default=0
        Seed of the data loaders and of what networks draw, so that nothing is drawn from the
        global generator; the stream has its own.

    Returns
    -------
    net : EpisodicNet
        With the weights of the best epoch and the history of all sittings.

    Raises
    ------
    ValueError
        If the checkpoint in `run_dir` cannot be read.
    KeyboardInterrupt
        On Ctrl-C; the checkpoint of the last whole epoch stays.
    """
    checkpoints = Checkpoints(run_dir)
    budget = Budget(lr, minutes=minutes, n_steps=n_steps)
    net = net_class(
        module,
        objective,
        optimizer=optimizer,
        lr=lr,
        max_epochs=max_epochs,
        iterator_train__num_workers=n_workers,
        iterator_train__worker_init_fn=_one_thread,
        iterator_train__generator=torch.Generator().manual_seed(seed),
        iterator_valid__generator=torch.Generator().manual_seed(seed),
        device=device,
        train_split=HeldOut(EpisodeBatches(validation)),
        callbacks=[
            ("advance", AdvanceStream(seed)),
            # skorch's own way to say that nothing is clipped.
            ("clip", GradientNormClipping(max_grad_norm)),
            ("checkpoints", checkpoints),
            # A bar is for a person at a terminal; a log file gets the line of each epoch.
            *([("bar", ProgressBar("count"))] if verbose and sys.stderr.isatty() else []),
            ("budget", budget),
        ],
        verbose=verbose,
    )
    net.initialize()
    checkpoints.resume(net)
    batches = EpisodeBatches(stream)
    net.notify("on_train_begin", X=batches, y=None)
    where = torch.device(device)
    devices = [] if where.type == "cpu" else [where]
    # Without the lock of `seeded_torch`: threads that make networks would wait until the end.
    # So a network that draws itself, as by dropout, repeats only where no other thread draws.
    # Not by partial_fit, which takes Ctrl-C for an end like any other; and an epoch at a time, so
    # that the last one is printed before the end.
    with torch.random.fork_rng(devices):
        for _ in range(max_epochs):
            if budget.is_spent():
                break
            net.fit_loop(batches, epochs=1)
    net.notify("on_train_end", X=batches, y=None)
    checkpoints.load_best(net)
    return net
