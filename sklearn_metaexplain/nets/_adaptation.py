"""Training of a network on one task: few-shot adaptation of the kernel network."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any, NamedTuple

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from skorch.callbacks import EarlyStopping
from torch import nn

from sklearn_metaexplain._callers import stacklevel_of_caller
from sklearn_metaexplain.nets._episodic import EpisodeBatches, EpisodicNet, HeldOut
from sklearn_metaexplain.nets._kernel_network import KernelNetwork
from sklearn_metaexplain.nets._predictive import predictive_losses

_HELD_OUT_SHARE = 0.2
_MAX_CONTEXT = 256
_STEPS_PER_EPOCH = 4


class Split(NamedTuple):
    """Evaluations that the process is conditioned on, and others that it must predict."""

    context: torch.Tensor  # (n_context, m, 2)
    context_outputs: torch.Tensor  # (n_context, n_outputs)
    target: torch.Tensor  # (n_target, m, 2)
    target_outputs: torch.Tensor  # (n_target, n_outputs)
    player_of_column: torch.Tensor  # (m,)
    n_players: int


class PredictiveObjective(nn.Module):
    """Negative log predictive density of target evaluations, per number."""

    def forward(self, network: KernelNetwork, split: Split) -> torch.Tensor:
        """Return the objective of one split."""
        return predictive_losses(network, *split).mean()


class _Draws:
    """Fresh random episodes every epoch, from one seed."""

    def __init__(self, draw: Callable[[np.random.Generator], Any], seed: int, n_steps: int) -> None:
        self.draw, self.n_steps = draw, n_steps
        self.rng = np.random.default_rng(seed)

    def __iter__(self) -> Iterator[list[Any]]:
        for _ in range(self.n_steps):
            yield [self.draw(self.rng)]


def adapt(
    network: KernelNetwork,
    encoded: torch.Tensor,
    outputs: torch.Tensor,
    player_of_column: torch.Tensor,
    n_players: int,
    *,
    max_epochs: int,
    lr: float,
    callbacks: Any,
    device: str,
    seed: int,
    verbose: int = 0,
) -> EpisodicNet:
    """Train a copy of the kernel network to predict a task's held-out evaluations.

    A fifth of the evaluations is never trained on; training stops when their predictive density
    no longer improves, and the best epoch's weights are kept (the given weights, if no epoch
    improves on them).

    Parameters
    ----------
    network : KernelNetwork
        Where to start; it is not changed.
    encoded : tensor of shape (n_rows, m, 2)
        Encoded hybrid rows, in random order.
    outputs : tensor of shape (n_rows, n_outputs)
        Standardised outputs.
    player_of_column : tensor of shape (m,)
    n_players : int
    max_epochs : int
        Most epochs, of 4 steps each.
    lr : float
        Learning rate of Adam.
    callbacks : list or None
        skorch callbacks in addition to early stopping.
    device : str
        Where to train.
    seed : int
        Seed of the splits.
    verbose : int, default=0
        skorch's.

    Returns
    -------
    EpisodicNet
        Its `module_` is the adapted network; its `history` has train and validation loss.
    """
    n_rows = len(encoded)
    n_held_out = max(1, int(_HELD_OUT_SHARE * n_rows))
    encoded, outputs = encoded.to(device), outputs.to(device)
    player_of_column = player_of_column.to(device)

    def split(context: Any, target: Any) -> Split:
        return Split(
            encoded[context],
            outputs[context],
            encoded[target],
            outputs[target],
            player_of_column,
            n_players,
        )

    def draw(rng: np.random.Generator) -> Split:
        order = n_held_out + rng.permutation(n_rows - n_held_out)
        half = min(_MAX_CONTEXT, max(1, len(order) // 2))
        return split(order[:half], order[half : 2 * half])

    trained = torch.arange(n_held_out, n_rows)[:_MAX_CONTEXT]
    return train_episodes(
        EpisodicNet,
        deepcopy(network).double().requires_grad_(True),
        PredictiveObjective(),
        draw,
        split(trained, torch.arange(n_held_out)),
        n_steps=_STEPS_PER_EPOCH,
        max_epochs=max_epochs,
        lr=lr,
        callbacks=callbacks,
        device=device,
        seed=seed,
        verbose=verbose,
    )


def train_episodes(
    net_class: type[EpisodicNet],
    network: nn.Module,
    objective: nn.Module,
    draw: Callable[[np.random.Generator], Any],
    validation: Any,
    *,
    n_steps: int,
    max_epochs: int,
    lr: float,
    callbacks: Any,
    device: str,
    seed: int,
    verbose: int = 0,
    patience: int = 5,
) -> EpisodicNet:
    """Train a network on episodes of one task until one held out is predicted no better.

    Parameters
    ----------
    net_class : type of EpisodicNet
        The skorch net.
    network : Module
        Where to start; it is trained itself.
    objective : Module
        Called with the network and an episode.
    draw : callable
        ``draw(rng)`` gives an episode to train on.
    validation : episode
        The episode held out.
    n_steps : int
        Steps an epoch.
    max_epochs, lr, callbacks, device, seed, verbose
        As in `adapt`.
    patience : int, default=5
        Epochs without a better validation loss after which training stops.

    Returns
    -------
    EpisodicNet
        Its `module_` has the weights of the best epoch, or those it started with where no epoch
        was better. `kept_epoch_`, an int, is the number of that epoch, 1 for the first, or 0 for
        the start.

    Warns
    -----
    ConvergenceWarning
        If no epoch was better than the start.
    """
    _check_callbacks(callbacks or [])
    held_out = EpisodeBatches([[validation]])
    net = net_class(
        network,
        objective,
        optimizer=torch.optim.Adam,
        lr=lr,
        max_epochs=max_epochs,
        train_split=HeldOut(held_out),
        callbacks=[
            ("keep_best", EarlyStopping(patience=patience, threshold=0, load_best=True)),
            *(callbacks or []),
        ],
        # Data loaders draw a seed even where nothing is shuffled: not from the global generator.
        iterator_train__generator=torch.Generator().manual_seed(seed),
        iterator_valid__generator=torch.Generator().manual_seed(seed),
        device=device,
        verbose=verbose,
    )
    net.initialize()
    start = deepcopy(net.module_.state_dict())
    before = float(net.validation_step(next(iter(held_out)))["loss"])
    _fit(net, EpisodeBatches(_Draws(draw, seed, n_steps)))
    losses = np.nan_to_num(net.history[:, "valid_loss"], nan=np.inf)
    net.kept_epoch_ = int(np.argmin(losses)) + 1 if losses.min() < before else 0
    if net.kept_epoch_ == 0:
        net.module_.load_state_dict(start)
        warnings.warn(
            "No epoch of training was better than the start on what is held out, so the start is "
            "kept; lower lr, raise max_epochs, or set max_epochs=0.",
            ConvergenceWarning,
            stacklevel=stacklevel_of_caller(),
        )
    net.module_.eval().requires_grad_(False)
    return net


def _fit(net: EpisodicNet, batches: EpisodeBatches) -> None:
    """Train; Ctrl-C is passed on, which skorch's `partial_fit` takes for an end like any other."""
    net.notify("on_train_begin", X=batches, y=None)
    try:
        net.fit_loop(batches)
    except KeyboardInterrupt:
        # Callbacks end a training in the same way, but when an epoch has been judged; of a Ctrl-C
        # that falls into these no one can tell.
        if not net.history or "valid_loss" not in net.history[-1]:
            raise
    net.notify("on_train_end", X=batches, y=None)


def _check_callbacks(callbacks: list[Any]) -> None:
    """TypeError that names the parameter; of skorch's own it says nothing."""
    for given in callbacks:
        callback = given[1] if isinstance(given, tuple) and len(given) == 2 else given
        if not (hasattr(callback, "on_epoch_end") and hasattr(callback, "set_params")):
            raise TypeError(
                f"callbacks holds {given!r}, which is no callback; pass skorch callbacks, or pairs "
                "of a name and a callback."
            )
