"""What networks that classify are trained on: the labels of query rows."""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import nn

from sklearn_metaexplain.nets._attention_network import AttentionNetwork, open_gates
from sklearn_metaexplain.nets._classifiers import SelfExplainingNetwork
from sklearn_metaexplain.nets._labelled import LabelledEpisode


class TableObjective(nn.Module):
    """Cross-entropy of the query's labels, in nats a row.

    Attributes
    ----------
    accuracy : float
        Of the query rows of the last episode.
    """

    def __init__(self) -> None:
        super().__init__()
        self.accuracy = float("nan")

    def forward(self, network: SelfExplainingNetwork, episode: LabelledEpisode) -> torch.Tensor:
        """Return the objective of one episode."""
        told = network(episode)
        self._judge(told, episode)
        return F.nll_loss(told, episode.query_labels)

    def has_support_loss(self, episode: LabelledEpisode) -> bool:
        """Whether the class of any support row can be told by others: not with one row a class.

        Parameters
        ----------
        episode : LabelledEpisode
            Its query is not looked at.
        """
        return any(True for _ in _told_halves(episode.labels))

    def support_loss(
        self,
        network: SelfExplainingNetwork,
        episode: LabelledEpisode,
        weights: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Cross-entropy of each half of the support, predicted from the other half.

        Parameters
        ----------
        network : SelfExplainingNetwork
            The network.
        episode : LabelledEpisode
            Its query is not looked at.
        weights : tensor of shape (n_support,), default=None
            Weights of the rows' losses. None: all 1.
        """
        losses = torch.zeros(len(episode.labels), dtype=next(network.parameters()).dtype)
        losses = losses.to(episode.labels.device)
        for context, target, known in _told_halves(episode.labels):
            told = network(
                LabelledEpisode(
                    episode.support[context],
                    torch.searchsorted(known, episode.labels[context]),
                    episode.support[target],
                    torch.searchsorted(known, episode.labels[target]),
                    len(known),
                )
            )
            own = torch.searchsorted(known, episode.labels[target])
            losses = losses.index_put(
                (target.nonzero()[:, 0],), -told.gather(1, own[:, None])[:, 0]
            )
        return (losses if weights is None else weights * losses).mean()

    def predict(self, network: SelfExplainingNetwork, episode: LabelledEpisode) -> torch.Tensor:
        """Probabilities of the query's classes, (n_query, n_classes)."""
        return network(episode).exp()

    def _judge(self, told: torch.Tensor, episode: LabelledEpisode) -> None:
        right = told.detach().argmax(1) == episode.query_labels
        self.accuracy = float(right.double().mean())


class AttentionObjective(TableObjective):
    """Cross-entropy, a penalty on open gates, and the same for rows that were perturbed.

    Parameters
    ----------
    l1 : float, default=0.0
        Weight of the penalty.
    adversarial_eps : float, default=0.0
        Largest change of an encoded cell. Half of the loss is that of rows moved so far in the
        direction in which each cell's loss grows (the fast gradient sign method).

    References
    ----------
    Goodfellow, Shlens and Szegedy, Explaining and harnessing adversarial examples, 2015,
    section 5.
    """

    def __init__(self, l1: float = 0.0, adversarial_eps: float = 0.0) -> None:
        super().__init__()
        self.l1, self.adversarial_eps = l1, adversarial_eps

    def forward(self, network: SelfExplainingNetwork, episode: LabelledEpisode) -> torch.Tensor:
        """Return the objective of one episode."""
        assert isinstance(network, AttentionNetwork)
        if self.adversarial_eps == 0 or not torch.is_grad_enabled():
            return self._loss(network, episode)
        query = episode.query.detach().requires_grad_(True)
        loss = self._loss(network, episode._replace(query=query))
        (gradient,) = torch.autograd.grad(loss, query, retain_graph=True)
        moved = (query + self.adversarial_eps * gradient.sign()).detach()
        accuracy = self.accuracy
        loss = 0.5 * (loss + self._loss(network, episode._replace(query=moved)))
        self.accuracy = accuracy
        return loss

    def _loss(self, network: AttentionNetwork, episode: LabelledEpisode) -> torch.Tensor:
        context, _ = network.read(episode)
        query = network.encoder.embed(context, episode.query)
        told, gates = network.classify_gated(context, network.read_rows(context, query), query)
        self._judge(told, episode)
        loss = F.nll_loss(told, episode.query_labels)
        return loss + self.l1 * open_gates(gates, network.gate) if self.l1 else loss


def _told_halves(
    labels: torch.Tensor,
) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
    """Rows that are read, those that they can tell, and the classes among them.

    Classes of which a half has no row are not among those it can tell.
    """
    for half in _halves(labels):
        context = ~half
        known = labels[context].unique()
        target = half & torch.isin(labels, known)
        if len(known) > 1 and bool(target.any()):
            yield context, target, known


def _halves(labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Every other row of each class, and the others."""
    known, number = labels.unique(return_inverse=True)
    # Classes in the order of their first rows, so that nothing depends on what they are called.
    rows = torch.arange(len(labels), device=labels.device)
    first_row = rows.new_full((len(known),), len(labels)).scatter_reduce(0, number, rows, "amin")
    order = first_row[number].argsort(stable=True)
    first = torch.zeros(len(labels), dtype=torch.bool, device=labels.device)
    first[order[::2]] = True
    return first, ~first
