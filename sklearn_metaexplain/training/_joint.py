"""Meta-training of all self-explaining networks at once, on one encoder."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from sklearn_metaexplain.nets._attention_network import GATES, AttentionNetwork
from sklearn_metaexplain.nets._classifiers import MatchingNetwork, PrototypeNetwork
from sklearn_metaexplain.nets._labelled import LabelledEpisode


class JointNetwork(nn.Module):
    """The networks of all self-explaining classifiers, with one encoder.

    An episode's support is read once for all of them, which is most of the work.

    Parameters
    ----------
    encoder : dict, default=None
        Parameters of the `ColumnEncoder`.
    """

    def __init__(self, *, encoder: dict[str, Any] | None = None) -> None:
        super().__init__()
        self.prototype = PrototypeNetwork(encoder=encoder)
        self.matching = MatchingNetwork(encoder=encoder)
        self.attention = AttentionNetwork(encoder=encoder)
        self.matching.encoder = self.attention.encoder = self.prototype.encoder

    def forward(self, episode: LabelledEpisode) -> dict[str, torch.Tensor]:
        """Log-probabilities of the query's classes by each network and kind of it."""
        context, support = self.prototype.read(episode)
        query = self.prototype.encoder.embed(context, episode.query)
        told = {"prototype": self.prototype.classify(context, support, query)}
        for metric in ("euclidean", "cosine"):
            self.matching.metric = metric
            told[f"matching_{metric}"] = self.matching.classify(context, support, query)
        rows = self.attention.read_rows(context, query)
        for kind in GATES:
            self.attention.attention, _, self.attention.gate = kind.rpartition("_")
            told[f"attention_{kind}"], _ = self.attention.classify_gated(context, rows, query)
        return told


class JointObjective(nn.Module):
    """Mean cross-entropy of the query over networks, each kind of one network a part of it."""

    def forward(self, network: JointNetwork, episode: LabelledEpisode) -> torch.Tensor:
        """Return the objective of one episode, in nats a row."""
        losses: dict[str, list[torch.Tensor]] = {}
        for kind, told in network(episode).items():
            loss = F.nll_loss(told, episode.query_labels)
            losses.setdefault(kind.split("_")[0], []).append(loss)
        return torch.stack([torch.stack(kinds).mean() for kinds in losses.values()]).mean()
