"""How `MetaExplainer` comes by the kernel of a task."""

from __future__ import annotations

from typing import Any

import torch

from sklearn_metaexplain.learners import Learner
from sklearn_metaexplain.nets._adaptation import adapt
from sklearn_metaexplain.nets._checkpoint import Pretrained
from sklearn_metaexplain.nets._kernel_network import KernelNetwork
from sklearn_metaexplain.nets._seeded import seeded_torch
from sklearn_metaexplain.posthoc._adaptation import EvaluatedTask, adapt_by_learner
from sklearn_metaexplain.shapley._kernel import KernelParameters
from sklearn_metaexplain.shapley._search import search_kernel


class KernelProposal:
    """Called with a task's evaluations, proposes its kernel.

    Parameters
    ----------
    settings : MetaExplainer
        Its parameters say what is adapted, and where.
    pretrained : Pretrained or None
        Whose kernel network is used. None: a likelihood search, or a network of this task alone.
    players : tensor of shape (n_encoded,)
        The player of each encoded column.
    n_players : int
        Number of players.
    seeds : (int, int)
        Of a network's first weights, and of its adaptation.

    Attributes
    ----------
    learner : Learner or None
        What took inner steps.
    net : EpisodicNet or None
        What was adapted.
    """

    def __init__(
        self,
        settings: Any,
        pretrained: Pretrained | None,
        players: torch.Tensor,
        n_players: int,
        *,
        seeds: tuple[int, int],
    ) -> None:
        self._settings = settings
        self._pretrained = pretrained
        self._players = players
        self._n_players = n_players
        self._seeds = seeds
        self.learner: Learner | None = None
        self.net: Any = None

    def __call__(self, encoded: torch.Tensor, outputs: torch.Tensor) -> KernelParameters:
        settings, pretrained = self._settings, self._pretrained
        if pretrained is None and settings.max_epochs == 0:
            return search_kernel(encoded, outputs)
        network = _fresh_network(self._seeds[0]) if pretrained is None else pretrained.kernel
        network = network.double().to(settings.device)
        there = encoded.to(settings.device), outputs.to(settings.device)
        if pretrained is not None:
            task = EvaluatedTask(*there, self._players.to(settings.device), self._n_players)
            self.learner = adapt_by_learner(network, settings.pretrained, task)
        if settings.max_epochs > 0:
            self.net = adapt(
                network,
                encoded,
                outputs,
                self._players,
                self._n_players,
                max_epochs=settings.max_epochs,
                lr=settings.lr,
                callbacks=settings.callbacks,
                device=settings.device,
                seed=self._seeds[1],
                verbose=settings.verbose,
            )
            network = self.net.module_
        with torch.no_grad():
            return network.propose(*there).to("cpu")


def _fresh_network(seed: int) -> KernelNetwork:
    with seeded_torch(seed):
        return KernelNetwork()
