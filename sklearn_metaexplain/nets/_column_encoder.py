"""Cells in the context of a labelled table: one set of weights for any table and any classes."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import nn

from sklearn_metaexplain.nets._class_ridge import ClassRidge, ClassWeights
from sklearn_metaexplain.nets._tokens import N_CELL_FEATURES, cell_features

# How finely the heads look at first, in squared units of a standardised column.
_FINEST, _COARSEST = 8.0, 0.3
_CAUTION = 1.0
_MAX_LOG_STEP = 4.0
# A standard deviation of exactly zero has no derivative.
_FLOOR = 1e-4
# Kernel weights between support rows that are held at once.
_MOST_WEIGHTS = 2**22


class TableContext(NamedTuple):
    """What was read from the support, for rows to be embedded."""

    points: torch.Tensor  # (m, n_heads, n_support, n_dims), places of the support's cells
    votes: torch.Tensor  # (n_support, n_classes), one-hot
    prior: torch.Tensor  # (n_classes,), shares of the classes in the support
    tokens: torch.Tensor  # (m, width), what each column is like
    sharpness: torch.Tensor  # (m, n_heads), inverse squared bandwidths
    caution: torch.Tensor  # (m, n_heads), rows of evidence that the prior is worth
    weights: ClassWeights  # of the regression on all columns' cells

    @property
    def n_classes(self) -> int:
        return self.votes.shape[1]


class CellBlocks(NamedTuple):
    """Rows, column by column; a block depends on its own cell and on the context alone."""

    cells: torch.Tensor  # (n, m, width), the cells' own features
    evidence: torch.Tensor  # (n, m, n_heads + 1, n_classes), for or against each class


class ColumnMixer(nn.Module):
    """Attention across columns, then a transformation of each: (..., m, width).

    Parameters
    ----------
    width : int
        Features of a column.
    n_heads : int
        Attention heads.
    """

    def __init__(self, width: int, n_heads: int) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.norm_in = nn.LayerNorm(width)
        self.norm_token = nn.LayerNorm(width)
        self.read = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.token = nn.Sequential(
            nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width)
        )

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Mix; columns may come in any order."""
        query, key, value = (
            part.unflatten(-1, (self.n_heads, -1)).transpose(-3, -2)
            for part in self.read(self.norm_in(tokens)).chunk(3, -1)
        )
        # Written out: fused attention has no second derivative, which learners need.
        scores = query @ key.transpose(-1, -2) / math.sqrt(query.shape[-1])
        mixed = (scores.softmax(-1) @ value).transpose(-3, -2).flatten(-2)
        tokens = tokens + self.out(mixed)
        return tokens + self.token(self.norm_token(tokens))


class ColumnEncoder(nn.Module):
    """Embed each cell of a row by what the support says of cells like it.

    Each head places the cells of a column in a space of its own and weighs support cells by a
    Gaussian kernel; the weighted labels, held against the classes' shares, are the cell's
    evidence. Bandwidths and caution are read from the support, columns being compared with one
    another, so that they fit the table at hand. Kernels look at one column at a time; the last
    head of the evidence is the cell's term in a regression on all columns together. Nothing
    depends on the order of columns, rows or classes.

    Parameters
    ----------
    width : int, default=32
        Features of a cell and of a column.
    n_heads : int, default=4
        Kernels in each column.
    n_dims : int, default=4
        Dimensions of a kernel's space.
    n_layers : int, default=2
        Layers in which columns are compared.
    """

    def __init__(
        self, *, width: int = 32, n_heads: int = 4, n_dims: int = 4, n_layers: int = 2
    ) -> None:
        super().__init__()
        self.config = {
            "width": width,
            "n_heads": n_heads,
            "n_dims": n_dims,
            "n_layers": n_layers,
        }
        self.n_heads, self.n_dims = n_heads, n_dims
        self.cell = nn.Sequential(
            nn.Linear(N_CELL_FEATURES, width), nn.GELU(), nn.Linear(width, width)
        )
        self.point = nn.Linear(width + 2, n_heads * n_dims)
        start = torch.linspace(math.log(_COARSEST), math.log(_FINEST), n_heads)
        self.log_sharpness = nn.Parameter(start)
        self.log_caution = nn.Parameter(torch.full((n_heads,), math.log(_CAUTION)))
        self.column = nn.Linear(2 * n_heads + 3 * width + 4, width)
        self.mixers = nn.ModuleList(ColumnMixer(width, 4) for _ in range(n_layers))
        self.norm = nn.LayerNorm(width)
        self.settings = nn.Linear(width, 2 * n_heads)
        nn.init.zeros_(self.settings.weight)
        nn.init.zeros_(self.settings.bias)
        self.ridge = ClassRidge(width)
        #: Offsets of one table's columns, where the network is trained on that table.
        self.task_columns: nn.Parameter | None = None

    @property
    def n_evidence(self) -> int:
        """Heads of the evidence: the kernels and the regression."""
        return self.n_heads + 1

    def start_task(self, n_columns: int) -> None:
        """Give every column of one table an offset of its own to be trained, zero at first."""
        offsets = torch.zeros(n_columns, self.column.out_features, dtype=self.log_caution.dtype)
        self.task_columns = nn.Parameter(offsets.to(self.log_caution.device))

    def read(self, support: torch.Tensor, labels: torch.Tensor, n_classes: int) -> TableContext:
        """Read labelled rows.

        Parameters
        ----------
        support : tensor of shape (n_support, m, 2)
            Encoded rows.
        labels : tensor of shape (n_support,)
            Their classes, 0 to n_classes - 1, each at least once.
        n_classes : int
            Number of classes.
        """
        dtype = self.log_caution.dtype
        cells, points = self._place(support.to(dtype))
        votes = F.one_hot(labels, n_classes).to(dtype)
        prior = votes.mean(0)
        column = self._describe(cells, points, labels, votes)
        tokens = self.column(column)
        if self.task_columns is not None:
            tokens = tokens + self.task_columns
        for mixer in self.mixers:
            tokens = mixer(tokens)
        tokens = self.norm(tokens)
        step = _MAX_LOG_STEP * torch.tanh(self.settings(tokens) / _MAX_LOG_STEP)
        sharpness, caution = step.chunk(2, -1)
        return TableContext(
            points,
            votes,
            prior,
            tokens,
            (self.log_sharpness + sharpness).exp(),
            (self.log_caution + caution).exp(),
            self.ridge.solve(cells, votes, tokens),
        )

    def embed(self, context: TableContext, rows: torch.Tensor) -> CellBlocks:
        """Embed encoded rows of shape (n, m, 2), each on its own."""
        cells, points = self._place(rows.to(self.log_caution.dtype))
        weights = _kernel(points, context.points, context.sharpness)
        counts = weights @ context.votes
        evidence = _evidence(counts, context.prior, context.caution[..., None])
        said = self.ridge(context.weights, cells)
        return CellBlocks(cells, torch.cat([evidence.permute(2, 0, 1, 3), said[:, :, None]], 2))

    def _place(self, encoded: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        cells = self.cell(cell_features(encoded))
        points = self.point(torch.cat([cells, encoded], -1))
        return cells, points.unflatten(-1, (self.n_heads, self.n_dims)).permute(1, 2, 0, 3)

    def _describe(
        self,
        cells: torch.Tensor,
        points: torch.Tensor,
        labels: torch.Tensor,
        votes: torch.Tensor,
    ) -> torch.Tensor:
        """What a column is like, and how well each head tells the classes apart in it."""
        n_support, n_classes = votes.shape
        counted = votes.sum(0)
        own_prior = (counted - 1)[labels].clamp_min(0) + 0.5
        own_prior = own_prior / (n_support - 1 + 0.5 * n_classes)
        # Rows by rows of many columns would not fit into memory at once.
        n_at_once = max(1, _MOST_WEIGHTS // (self.n_heads * n_support**2))
        told = torch.cat(
            [self._tell_support(part, labels, own_prior) for part in points.split(n_at_once)]
        )
        shares = (votes / counted.clamp_min(1)).T
        means = torch.einsum("cn,nmw->cmw", shares, cells)
        overall = cells.mean(0)
        variance = cells.var(0, correction=0) + _FLOOR
        between = ((means - overall).square().mean(0) / variance + _FLOOR).sqrt()
        sizes = [
            math.log(n_support) - 4,
            math.log(n_classes) - 1,
            math.log(len(points)) - 2,
            math.log(n_support / n_classes) - 2,
        ]
        size = torch.tensor(sizes, dtype=cells.dtype, device=cells.device).expand(len(points), -1)
        spread = (told.var(-1, correction=0) + _FLOOR).sqrt()
        return torch.cat(
            [told.mean(-1), spread, overall, variance.sqrt(), torch.log1p(between), size], -1
        )

    def _tell_support(
        self, points: torch.Tensor, labels: torch.Tensor, own_prior: torch.Tensor
    ) -> torch.Tensor:
        """How much likelier the others make each support row's class, (m, n_heads, n_support)."""
        n_support = len(labels)
        start = self.log_sharpness.exp().expand(len(points), -1)
        weights = _kernel(points, points, start)
        # A row's own label is no evidence of how well its label could be told.
        weights = weights * (1 - torch.eye(n_support, dtype=weights.dtype, device=weights.device))
        own = (weights * (labels[:, None] == labels)).sum(-1)
        caution = self.log_caution.exp()[None, :, None]
        told = (own + caution * own_prior) / (weights.sum(-1) + caution)
        return (told / own_prior).log()


def _kernel(query: torch.Tensor, support: torch.Tensor, sharpness: torch.Tensor) -> torch.Tensor:
    """Gaussian weights of support cells, (m, n_heads, n_query, n_support)."""
    distance = (
        query.square().sum(-1)[..., None]
        + support.square().sum(-1)[..., None, :]
        - 2 * query @ support.transpose(-1, -2)
    )
    return torch.exp(-sharpness[..., None, None] * distance.clamp_min(0))


def _evidence(counts: torch.Tensor, prior: torch.Tensor, caution: torch.Tensor) -> torch.Tensor:
    """Log of the smoothed share of each class among like cells, over its share in the support."""
    caution = caution[..., None]
    share = (counts + caution * prior) / (counts.sum(-1, keepdim=True) + caution)
    return (share / prior).log()
