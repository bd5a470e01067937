"""How explainers come by the kernel of a task."""

from __future__ import annotations

from os import PathLike
from typing import Any, NamedTuple

import torch

from sklearn_metaexplain.learners import Learner
from sklearn_metaexplain.nets._adaptation import adapt
from sklearn_metaexplain.nets._checkpoint import Pretrained, load_pretrained
from sklearn_metaexplain.nets._episodic import EpisodicNet
from sklearn_metaexplain.nets._kernel_network import KernelNetwork
from sklearn_metaexplain.nets._seeded import seeded_torch
from sklearn_metaexplain.posthoc._adaptation import EvaluatedTask, adapt_by_learner
from sklearn_metaexplain.shapley._kernel import KernelParameters
from sklearn_metaexplain.shapley._search import search_kernel


class Weights(NamedTuple):
    """Meta-trained networks, and where they came from: what their learner learned is there too."""

    path: str | PathLike[str]
    networks: Pretrained


def load_weights(pretrained: str | PathLike[str] | None) -> Weights | None:
    """Load what the parameter `pretrained` of an explainer names; None stays None."""
    return None if pretrained is None else Weights(pretrained, load_pretrained(pretrained))


class Training(NamedTuple):
    """How the kernel network is trained on the task's own evaluations; see `adapt`."""

    max_epochs: int
    lr: float
    callbacks: list[Any] | None
    start_seed: int  # of the first weights, where there are none
    seed: int
    verbose: int


class KernelProposal:
    """Called with a task's evaluations, proposes its kernel.

    Parameters
    ----------
    weights : Weights or None
        Whose kernel network is used. None: a likelihood search, or, with `training`, a network of
        this task alone.
    player_of_column : tensor of shape (n_encoded,)
        The player of each encoded column.
    n_players : int
        Number of players.
    device : str, default="cpu"
        Where the network runs.
    training : Training or None, default=None
        None: the network is not trained on the task.

    Attributes
    ----------
    learner : Learner or None
        What took inner steps.
    net : EpisodicNet or None
        What was trained on the task.
    """

    def __init__(
        self,
        weights: Weights | None,
        player_of_column: torch.Tensor,
        n_players: int,
        *,
        device: str = "cpu",
        training: Training | None = None,
    ) -> None:
        self._weights = weights
        self._player_of_column = player_of_column
        self._n_players = n_players
        self._device = device
        self._training = training
        self.learner: Learner | None = None
        self.net: EpisodicNet | None = None

    def __call__(self, encoded: torch.Tensor, outputs: torch.Tensor) -> KernelParameters:
        weights, training, device = self._weights, self._training, self._device
        there = encoded.to(device), outputs.to(device)
        if weights is not None:
            network = weights.networks.kernel.double().to(device)
            task = EvaluatedTask(*there, self._player_of_column.to(device), self._n_players)
            self.learner = adapt_by_learner(network, weights.path, task)
        elif training is not None:
            network = _fresh_network(training.start_seed).double().to(device)
        else:
            return search_kernel(encoded, outputs)
        if training is not None:
            self.net = adapt(
                network,
                encoded,
                outputs,
                self._player_of_column,
                self._n_players,
                max_epochs=training.max_epochs,
                lr=training.lr,
                callbacks=training.callbacks,
                device=device,
                seed=training.seed,
                verbose=training.verbose,
            )
            network = self.net.module_
        with torch.no_grad():
            return network.propose(*there).to("cpu")


def _fresh_network(seed: int) -> KernelNetwork:
    with seeded_torch(seed):
        return KernelNetwork()
