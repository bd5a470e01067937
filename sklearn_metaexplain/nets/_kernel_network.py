"""The network that reads a task and proposes its kernel."""

from __future__ import annotations

import math

import torch
from torch import nn

from sklearn_metaexplain.nets._kernel_optimizer import MAX_TRAINED_SUPPORT, KernelOptimizer
from sklearn_metaexplain.nets._tokens import N_CELL_FEATURES, TokenBlock, cell_features, signed_log
from sklearn_metaexplain.shapley._kernel import (
    DEFAULT_RAW_COLUMN,
    DEFAULT_RAW_TASK,
    N_RAW_COLUMN,
    N_RAW_TASK,
    KernelParameters,
    parameters_from_raw,
)


class KernelNetwork(nn.Module):
    """Propose the kernel of a task from its evaluated hybrid rows.

    One pass over the rows proposes a kernel (an untrained network: the default one); a learned
    optimiser refines it in a few steps.

    Parameters
    ----------
    width : int, default=48
        Features of a token.
    n_layers : int, default=3
        Token blocks.
    n_heads : int, default=4
        Attention heads.
    max_support : int, default=192
        Most rows read; the first of those given.
    task_width : int, default=0
        Numbers in a task vector (`_task_autoencoder.task_vector`) that the network is told. 0: it
        is told none. An untrained network does not heed it.
    """

    def __init__(
        self,
        *,
        width: int = 48,
        n_layers: int = 3,
        n_heads: int = 4,
        max_support: int = 192,
        task_width: int = 0,
    ) -> None:
        super().__init__()
        self.config = {
            "width": width,
            "n_layers": n_layers,
            "n_heads": n_heads,
            "max_support": max_support,
            "task_width": task_width,
        }
        self.max_support = max_support
        self.embed = nn.Linear(N_CELL_FEATURES + 5, width)
        self.blocks = nn.ModuleList(TokenBlock(width, n_heads) for _ in range(n_layers))
        self.norm = nn.LayerNorm(2 * width)
        self.optimizer = KernelOptimizer(width=width)
        self.column_head = nn.Linear(2 * width, N_RAW_COLUMN)
        self.task_head = nn.Linear(2 * width, N_RAW_TASK)
        heads = ((self.column_head, DEFAULT_RAW_COLUMN), (self.task_head, DEFAULT_RAW_TASK))
        for head, start in heads:
            nn.init.zeros_(head.weight)
            with torch.no_grad():
                head.bias.copy_(torch.tensor(start))
        # Last, so that a seed starts the other layers alike with and without it.
        self.task_embed = nn.Linear(task_width, width, bias=False) if task_width else None
        if self.task_embed is not None:
            nn.init.zeros_(self.task_embed.weight)

    def forward(
        self,
        encoded: torch.Tensor,
        outputs: torch.Tensor,
        task_vector: torch.Tensor | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Propose raw kernel numbers.

        Parameters
        ----------
        encoded : tensor of shape (n_support, m, 2)
            Encoded hybrid rows.
        outputs : tensor of shape (n_support,)
            Their outputs, standardised.
        task_vector : tensor of shape (task_width,) or None, default=None
            Needed by a network with a `task_width`.

        Returns
        -------
        columns : tensor of shape (m, 5)
        task : tensor of shape (2,)
            As `parameters_from_raw` takes them.
        """
        n_support = len(encoded)
        encoded, outputs = encoded[: self.max_support], outputs[: self.max_support]
        n_rows, n_columns = encoded.shape[:2]
        row = outputs[:, None].expand(n_rows, n_columns)
        n_support = min(n_support, MAX_TRAINED_SUPPORT)
        size = torch.full_like(row, (math.log(n_support) - 6.0) / 2)
        width = torch.full_like(row, math.log(n_columns) - 2.0)
        told = torch.stack([row, row * encoded[..., 0], signed_log(2 * row), size, width], -1)
        tokens = self.embed(torch.cat([cell_features(encoded), told], -1))
        if self.task_embed is not None:
            if task_vector is None:
                raise ValueError("task_vector is needed by a network with task_width > 0.")
            tokens = tokens + self.task_embed(task_vector.to(tokens))
        for block in self.blocks:
            tokens, _ = block(tokens)
        pooled = self.norm(torch.cat([tokens.mean(0), tokens.std(0, correction=0)], -1))
        return self.column_head(pooled), self.task_head(pooled.mean(0))

    def head_names(self) -> list[str]:
        """The layers that propose, of columns and of the task; the optimiser goes on from there."""
        return ["column_head", "task_head"]

    def propose(
        self,
        encoded: torch.Tensor,
        outputs: torch.Tensor,
        *,
        n_steps: int | None = None,
        task_vector: torch.Tensor | None = None,
    ) -> KernelParameters:
        """One kernel for all outputs: proposals are averaged, then refined.

        Parameters
        ----------
        encoded : tensor of shape (n_support, m, 2)
        outputs : tensor of shape (n_support, n_outputs)
            Standardised.
        n_steps : int or None, default=None
            Steps of the learned optimiser. None: 14, or 18 from 1,024 rows on.
        task_vector : tensor of shape (task_width,) or None, default=None
            Needed by a network with a `task_width`.
        """
        dtype = self.embed.weight.dtype
        proposals = [self(encoded.to(dtype), column.to(dtype), task_vector) for column in outputs.T]
        columns = torch.stack([columns for columns, _ in proposals]).mean(0)
        task = torch.stack([task for _, task in proposals]).mean(0)
        if n_steps is None:
            n_steps = 14 if len(encoded) < 1024 else 18
        columns, task = self.optimizer(columns, task, encoded, outputs, n_steps)
        return parameters_from_raw(columns.double(), task.double())
