"""Networks that classify a row by reading labelled rows, and show how."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from sklearn_metaexplain.nets._column_encoder import CellBlocks, ColumnEncoder, TableContext
from sklearn_metaexplain.nets._labelled import LabelledEpisode

_LEAST_PROBABILITY = 1e-6


class Blocks(nn.Module):
    """Embedding of a row: one block a column, of the cell's features and its evidence.

    Both are scaled by how much the column is worth, as its token tells.

    Parameters
    ----------
    width : int
        Features of a cell and of a column.
    n_evidence : int
        Heads of the evidence.
    n_own : int, default=4
        Numbers in a block that depend on the cell's own value, not on the classes.
    """

    def __init__(self, width: int, n_evidence: int, n_own: int = 4) -> None:
        super().__init__()
        self.own = nn.Linear(width, n_own, bias=False)
        self.scale = nn.Linear(width, n_own + n_evidence)
        nn.init.zeros_(self.scale.weight)
        nn.init.constant_(self.scale.bias, -1.0)

    def forward(self, context: TableContext, cells: CellBlocks) -> torch.Tensor:
        """Blocks of shape (n, m, n_own + n_evidence * n_classes)."""
        scale = F.softplus(self.scale(context.tokens))
        n_own = self.own.out_features
        own = self.own(cells.cells) * scale[:, :n_own]
        evidence = cells.evidence * scale[:, n_own:, None]
        return torch.cat([own, evidence.flatten(-2)], -1)


class SelfExplainingNetwork(nn.Module):
    """An encoder, and what makes log-probabilities of its cells.

    Parameters
    ----------
    encoder : dict, default=None
        Parameters of the `ColumnEncoder`.
    """

    #: Whether support rows are embedded themselves.
    embeds_support = True

    def __init__(self, *, encoder: dict[str, Any] | None = None) -> None:
        super().__init__()
        self.encoder = ColumnEncoder(**(encoder or {}))
        self.config: dict[str, Any] = {"encoder": self.encoder.config}

    @property
    def width(self) -> int:
        """Features of a column's token."""
        return self.encoder.config["width"]

    @property
    def n_evidence(self) -> int:
        """Heads of a cell's evidence."""
        return self.encoder.n_evidence

    def head_names(self) -> list[str]:
        """Names of the modules and parameters that are the head with the present settings.

        They are what a row's outputs are made by last, and what learners adapt that adapt a head
        only.
        """
        raise NotImplementedError

    def read(self, episode: LabelledEpisode) -> tuple[TableContext, CellBlocks | None]:
        """Read the support; its own cells where the network embeds them."""
        context = self.encoder.read(episode.support, episode.labels, episode.n_classes)
        cells = self.encoder.embed(context, episode.support) if self.embeds_support else None
        return context, cells

    def forward(self, episode: LabelledEpisode) -> torch.Tensor:
        """Log-probabilities of the query's classes, (n_query, n_classes)."""
        context, support = self.read(episode)
        return self.classify(context, support, self.encoder.embed(context, episode.query))

    def classify(
        self, context: TableContext, support: CellBlocks | None, query: CellBlocks
    ) -> torch.Tensor:
        """Log-probabilities of embedded rows, (n_query, n_classes)."""
        raise NotImplementedError


class PrototypeNetwork(SelfExplainingNetwork):
    """Squared distances to the classes' mean embeddings (Snell et al. 2017, equations 1 and 2).

    Parameters
    ----------
    encoder : dict, default=None
        Parameters of the `ColumnEncoder`.
    """

    def __init__(self, *, encoder: dict[str, Any] | None = None) -> None:
        super().__init__(encoder=encoder)
        self.blocks = Blocks(self.width, self.n_evidence)

    def head_names(self) -> list[str]:
        """The embedding's last layer; distances have no parameters."""
        return ["blocks"]

    def embed(self, context: TableContext, cells: CellBlocks) -> torch.Tensor:
        """Blocks of shape (n, m, block)."""
        return self.blocks(context, cells)

    def classify(
        self, context: TableContext, support: CellBlocks | None, query: CellBlocks
    ) -> torch.Tensor:
        """Log-softmax of the log of the classes' shares minus squared distances."""
        assert support is not None
        shares = context.votes / context.votes.sum(0)
        prototypes = torch.einsum("nc,nmb->cmb", shares, self.embed(context, support))
        distance = column_distances(self.embed(context, query), prototypes).sum(-1)
        return (context.prior.log() - distance).log_softmax(-1)


class MatchingNetwork(SelfExplainingNetwork):
    """Attention over support rows (Vinyals et al. 2016, equations 1 and 2).

    Parameters
    ----------
    encoder : dict, default=None
        Parameters of the `ColumnEncoder`.
    metric : {"euclidean", "cosine"}, default="euclidean"
        Similarity of embeddings: minus the squared distance, or the cosine times a sharpness
        that the table tells.
    """

    def __init__(self, *, encoder: dict[str, Any] | None = None, metric: str = "euclidean") -> None:
        super().__init__(encoder=encoder)
        self.metric = metric
        self.metric_blocks = nn.ModuleDict(
            {name: Blocks(self.width, self.n_evidence) for name in ("euclidean", "cosine")}
        )
        self.sharpness = nn.Linear(self.width, 1)
        nn.init.zeros_(self.sharpness.weight)
        nn.init.constant_(self.sharpness.bias, 2.0)

    def head_names(self) -> list[str]:
        """The embedding's last layer for the metric, and the sharpness of a cosine."""
        blocks = f"metric_blocks.{self.metric}"
        return [blocks, "sharpness"] if self.metric == "cosine" else [blocks]

    def embed(self, context: TableContext, cells: CellBlocks) -> torch.Tensor:
        """Blocks of shape (n, m, block); a cosine's rows are scaled to one length."""
        blocks = self.metric_blocks[self.metric](context, cells)
        if self.metric == "cosine":
            length = (blocks.square().sum((-2, -1), keepdim=True) + 1e-12).sqrt()
            blocks = blocks / length * (0.5 * self.sharpness(context.tokens).mean()).exp()
        return blocks

    def scores(self, query: torch.Tensor, support: torch.Tensor) -> torch.Tensor:
        """Similarities of embedded rows, (n_query, n_support)."""
        query, support = query.flatten(1), support.flatten(1)
        inner = query @ support.T
        if self.metric == "cosine":
            return inner
        return 2 * inner - query.square().sum(-1)[:, None] - support.square().sum(-1)

    def column_scores(self, query: torch.Tensor, support: torch.Tensor) -> torch.Tensor:
        """What each column adds to `scores`, (n_query, n_support, m)."""
        if self.metric == "cosine":
            return torch.einsum("qmb,nmb->qnm", query, support)
        return -column_distances(query, support)

    def classify(
        self, context: TableContext, support: CellBlocks | None, query: CellBlocks
    ) -> torch.Tensor:
        """Log of the votes of support rows."""
        assert support is not None
        scores = self.scores(self.embed(context, query), self.embed(context, support))
        votes = scores.softmax(-1) @ context.votes
        return votes.clamp_min(_LEAST_PROBABILITY).log()


def column_distances(query: torch.Tensor, support: torch.Tensor) -> torch.Tensor:
    """Squared distances block by block: (q, m, b) and (n, m, b) -> (q, n, m)."""
    distance = (
        query.square().sum(-1)[:, None]
        + support.square().sum(-1)
        - 2 * torch.einsum("qmb,nmb->qnm", query, support)
    )
    return distance.clamp_min(0)
