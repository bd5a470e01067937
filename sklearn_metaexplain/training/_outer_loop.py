"""The outer loop of meta-training, by any learner."""

from __future__ import annotations

import math
import warnings
from copy import deepcopy
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from joblib import effective_n_jobs
from sklearn.exceptions import ConvergenceWarning
from torch import nn

from sklearn_metaexplain._callers import stacklevel_of_caller
from sklearn_metaexplain.learners import Learner, Reptile
from sklearn_metaexplain.training._checkpoints import best_epoch
from sklearn_metaexplain.training._episodes import TaskStream
from sklearn_metaexplain.training._learner_net import LearnerNet, MetaLearned, judge
from sklearn_metaexplain.training._task_distributions import TaskDistribution
from sklearn_metaexplain.training._trainer import meta_train

_OPTIMIZERS = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW, "sgd": torch.optim.SGD}
_META_BATCH_SIZE = 8
_MAX_GRAD_NORM = 1.0
_VALIDATION_BATCH = 8


class OuterResult(NamedTuple):
    """What came out of an outer loop."""

    net: Any  # its `kept_epoch_`: number of the epoch whose weights were kept, 0 for the start
    initial_loss: float
    validation_loss: float


def outer_lr(lr: float | None, learner: Learner) -> float:
    """Peak learning rate of the outer optimiser; None: what suits the learner."""
    if lr is not None:
        return lr
    is_way = isinstance(learner, Reptile) and learner.outer_optimizer == "sgd"
    return 1.0 if is_way else 2e-3


def outer_batch_size(meta_batch_size: int | None, learner: Learner) -> int:
    """Tasks of an outer step; None: those of the learner, where it has a number."""
    if meta_batch_size is not None:
        return meta_batch_size
    return getattr(learner, "meta_batch_size", _META_BATCH_SIZE)


def run_outer_loop(
    module: MetaLearned,
    objective: nn.Module,
    tasks: TaskDistribution,
    held_out: list[Any],
    *,
    run_dir: Path,
    minutes: float | None,
    n_steps: int | None,
    steps_per_epoch: int,
    meta_batch_size: int,
    lr: float,
    n_jobs: int | None,
    verbose: int,
    device: str,
    seed: int,
) -> OuterResult:
    """Meta-train a module itself; keep its start if no epoch is better.

    Parameters
    ----------
    module : MetaLearned
        The network and its learner, at the start.
    objective : Module
        The loss.
    tasks : TaskDistribution
        What is learned from.
    held_out : list of episodes
        Tasks to judge each epoch by.
    run_dir : Path
        Folder of the checkpoints, from which it goes on.
    minutes, n_steps, steps_per_epoch, meta_batch_size, lr, n_jobs, verbose, device
        As of `MetaTrainer`, nothing of it left open.
    seed : int
        Of the tasks.

    Warns
    -----
    ConvergenceWarning
        If the start is kept.
    """
    start = deepcopy(module.state_dict())
    # As epochs are judged: a dropout, say, is no part of it.
    module.eval()
    batches = [
        held_out[first : first + _VALIDATION_BATCH]
        for first in range(0, len(held_out), _VALIDATION_BATCH)
    ]
    # Added up as those of epochs are: the loss of a network that has not changed is the same.
    losses = [np.mean(judge(module, objective, batch, device)[0]) for batch in batches]
    initial_loss = float(np.average(losses, weights=[len(batch) for batch in batches]))
    net = meta_train(
        module,
        objective,
        TaskStream(
            tasks.sample,
            seed=seed,
            n_steps=steps_per_epoch,
            batch_size=meta_batch_size,
            stop=n_steps,
        ),
        batches,
        run_dir=run_dir,
        minutes=minutes,
        n_steps=n_steps,
        lr=lr,
        n_workers=0 if n_jobs is None else effective_n_jobs(n_jobs),
        verbose=verbose,
        net_class=LearnerNet,
        # The length of a way to go is part of what it says.
        max_grad_norm=None if isinstance(module.learner, Reptile) else _MAX_GRAD_NORM,
        optimizer=_OPTIMIZERS[getattr(module.learner, "outer_optimizer", "adamw")],
        device=device,
        seed=seed,
    )
    best = best_epoch(net.history)
    loss = math.inf if best is None else float(net.history[best]["valid_loss"])
    # A start whose loss is no number is worse than any that is one.
    if best is not None and not loss >= initial_loss:
        net.kept_epoch_ = best + 1
        return OuterResult(net, initial_loss, loss)
    net.kept_epoch_ = 0
    module.load_state_dict(start)
    warnings.warn(
        f"No epoch of meta-training had a lower loss on the tasks held out than the start, "
        f"{initial_loss:.4g}; the start is kept. Lower lr, raise n_steps, or start from "
        "pretrained weights by init.",
        ConvergenceWarning,
        stacklevel=stacklevel_of_caller(),
    )
    return OuterResult(net, initial_loss, initial_loss)
