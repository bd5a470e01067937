"""A gated sum of what each column says."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import nn

from sklearn_metaexplain.nets._classifiers import SelfExplainingNetwork
from sklearn_metaexplain.nets._column_encoder import CellBlocks, ColumnMixer, TableContext
from sklearn_metaexplain.nets._sparsemax import sparsemax

#: Kinds of gates, by ``attention`` and ``gate``; one set of weights serves all.
GATES = ("shared_sigmoid", "shared_sparsemax", "per_class_sigmoid", "per_class_sparsemax")


class Gates(NamedTuple):
    """How much each column counts: the product of its group's share and its own in the group."""

    columns: torch.Tensor  # (n, m, 1 or n_classes)
    groups: torch.Tensor | None  # (n, n_groups, 1 or n_classes)
    within: torch.Tensor | None  # (n, m, 1 or n_classes)


class AttentionNetwork(SelfExplainingNetwork):
    """Evidence of the columns, each multiplied by a gate that the whole row sets.

    Parameters
    ----------
    encoder : dict, default=None
        Parameters of the `ColumnEncoder`.
    attention : {"shared", "per_class"}, default="shared"
        Whether all classes share a column's gate.
    gate : {"sigmoid", "sparsemax"}, default="sigmoid"
        Gates between 0 and 1 each, or weights that sum to 1 over the columns.
    """

    embeds_support = False

    def __init__(
        self,
        *,
        encoder: dict[str, Any] | None = None,
        attention: str = "shared",
        gate: str = "sigmoid",
    ) -> None:
        super().__init__(encoder=encoder)
        width, n_evidence = self.width, self.n_evidence
        self.attention, self.gate = attention, gate
        #: Group of each encoded column, where gates have two levels. A group of one has no inside:
        #: its gate is the column's.
        self.groups: torch.Tensor | None = None
        self.weight = nn.Parameter(torch.full((n_evidence,), 1 / n_evidence))
        self.cell = nn.Linear(2 * width + 2 * n_evidence, width)
        self.mixer = ColumnMixer(width, 4)
        self.norm = nn.LayerNorm(width)
        self.class_evidence = nn.Linear(n_evidence, width, bias=False)
        self.gate_heads = nn.ModuleDict()
        for name in GATES:
            head = nn.Linear(width, 1)
            nn.init.zeros_(head.weight)
            nn.init.zeros_(head.bias)
            self.gate_heads[name] = head
        # Weights that sum to 1 make a mean of what gates make a sum of.
        self.log_total = nn.Parameter(torch.tensor([0.0, 0.8]))

    @property
    def gate_head(self) -> str:
        """Which of `GATES` the network has now."""
        return f"{self.attention}_{self.gate}"

    def head_names(self) -> list[str]:
        """What multiplies the evidence: the heads' weights and the gates of the present kind."""
        names = ["weight", f"gate_heads.{self.gate_head}"]
        return [*names, "log_total"] if self.gate == "sparsemax" else names

    def read_rows(self, context: TableContext, cells: CellBlocks) -> torch.Tensor:
        """What gates are told of each column of each row, the others known: (n, m, width)."""
        evidence = cells.evidence
        # A standard deviation of exactly zero has no derivative.
        spread = (evidence.var(-1, correction=0) + 1e-6).sqrt()
        tokens = context.tokens.expand(len(evidence), -1, -1)
        told = self.cell(torch.cat([tokens, cells.cells, evidence.amax(-1), spread], -1))
        return self.norm(self.mixer(told))

    def gates(self, rows: torch.Tensor, cells: CellBlocks) -> Gates:
        """Gates of rows that `read_rows` has read."""
        told = rows[:, :, None]
        if self.attention == "per_class":
            told = told + self.class_evidence(cells.evidence.transpose(-1, -2))
        read = F.gelu(told)
        scores = self.gate_heads[self.gate_head](read)[..., 0]
        if self.groups is None:
            return Gates(self._activate(scores), None, None)
        members = F.one_hot(self.groups).to(scores.dtype).T
        sizes = members.sum(1)
        mean_scores = torch.einsum("gm,nmc->ngc", members / sizes[:, None], scores)
        groups = self._activate(mean_scores)
        if self.gate == "sigmoid":
            within = scores.sigmoid()
        else:
            within = torch.zeros_like(scores)
            for group in range(len(members)):
                chosen = self.groups == group
                within[:, chosen] = sparsemax(scores[:, chosen], dim=1)
        # Its score is its group's already, and would count twice.
        is_alone = (sizes == 1)[self.groups]
        within = within.masked_fill(is_alone[:, None], 1.0)
        return Gates(groups[:, self.groups] * within, groups, within)

    def _activate(self, scores: torch.Tensor) -> torch.Tensor:
        return scores.sigmoid() if self.gate == "sigmoid" else sparsemax(scores, dim=1)

    def contributions(self, cells: CellBlocks, gates: Gates) -> torch.Tensor:
        """What each column adds to each class's logit, (n, m, n_classes)."""
        said = torch.einsum("h,nmhc->nmc", self.weight, cells.evidence)
        if self.gate == "sparsemax":
            n_columns = torch.tensor(float(said.shape[1]), dtype=said.dtype, device=said.device)
            said = said * (self.log_total[0] + self.log_total[1] * n_columns.log()).exp()
        return gates.columns * said

    def classify(
        self, context: TableContext, support: CellBlocks | None, query: CellBlocks
    ) -> torch.Tensor:
        """Log-softmax of the log of the classes' shares plus the gated evidence."""
        return self.classify_gated(context, self.read_rows(context, query), query)[0]

    def classify_gated(
        self, context: TableContext, rows: torch.Tensor, cells: CellBlocks
    ) -> tuple[torch.Tensor, Gates]:
        """Log-probabilities of rows that `read_rows` has read, and the gates that made them."""
        gates = self.gates(rows, cells)
        logits = context.prior.log() + self.contributions(cells, gates).sum(1)
        return logits.log_softmax(-1), gates


def open_gates(gates: Gates, gate: str) -> torch.Tensor:
    """How open gates are, to be penalised.

    Parameters
    ----------
    gates : Gates
        Gates of some rows.
    gate : {"sigmoid", "sparsemax"}
        For sigmoid gates the mean over rows of their sum (the L1 norm). Weights that sum to 1
        have a constant L1 norm, so it is their Tsallis entropy, half of one minus the sum of
        squares, of which sparsemax is the regularised maximiser (Martins and Astudillo 2016).
    """
    columns = gates.columns
    if gate == "sigmoid":
        return columns.sum(1).mean()
    return 0.5 * (1 - columns.square().sum(1)).mean()
