"""The network that corrects the stack of surrogates."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import nn

from sklearn_metaexplain.nets._evidence import QueryEvidence, SupportEvidence
from sklearn_metaexplain.nets._tokens import N_CELL_FEATURES, TokenBlock, cell_features, signed_log

_N_SURROGATES = 3
_TASK_FEATURES = 7
_SUPPORT_FEATURES = 5 + _TASK_FEATURES
_QUERY_FEATURES = 7 + _TASK_FEATURES
# Beyond the sizes it was trained on a task is read as one of the largest.
_MAX_TRAINED_SUPPORT = 2048
#: Most evaluations at which it is of use: with more it harms as many tasks as it helps.
MOST_CORRECTED = 1024
# Residuals at which a correction counts half. Where the stack misses much less of the outputs, the
# corrector cannot tell what: there, on tasks of the prior, it harmed more of them than it helped.
_HALF_TRUSTED = 0.1


class CorrectorMemory(NamedTuple):
    """What the corrector keeps of a task."""

    layers: tuple[torch.Tensor, ...]  # keys and values of each layer
    task: torch.Tensor  # (7,)
    scale: torch.Tensor  # (), size of the stack's residuals
    gate: torch.Tensor  # (), in [0, 1)


class Corrector(nn.Module):
    """Propose a correction of the stack's Shapley values.

    The correction is a gate (one a task) times a free shift plus a lean toward, or away from, each
    of the surrogates. An untrained network corrects nothing.

    Parameters
    ----------
    width : int, default=32
        Features of a token.
    n_layers : int, default=2
        Token blocks.
    n_heads : int, default=4
        Attention heads.
    max_support : int, default=64
        Most support rows read; the first of those given.
    """

    def __init__(
        self, *, width: int = 32, n_layers: int = 2, n_heads: int = 4, max_support: int = 64
    ) -> None:
        super().__init__()
        self.config = {
            "width": width,
            "n_layers": n_layers,
            "n_heads": n_heads,
            "max_support": max_support,
        }
        self.max_support = max_support
        self.embed_support = nn.Linear(N_CELL_FEATURES + _SUPPORT_FEATURES, width)
        self.embed_query = nn.Linear(N_CELL_FEATURES + _QUERY_FEATURES, width)
        self.blocks = nn.ModuleList(TokenBlock(width, n_heads) for _ in range(n_layers))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, 1 + _N_SURROGATES)
        self.gate = nn.Sequential(
            nn.LayerNorm(width + _TASK_FEATURES),
            nn.Linear(width + _TASK_FEATURES, width),
            nn.GELU(),
            nn.Linear(width, 1),
        )
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def read(self, support: SupportEvidence) -> CorrectorMemory:
        """Read a task once; explained rows then cost one pass over their own tokens."""
        n_rows = min(self.max_support, len(support.encoded))
        encoded = support.encoded[:n_rows]
        n_columns = encoded.shape[1]
        scale = _residual_scale(support)
        told = torch.cat(
            [
                support.outputs[:n_rows, None],
                support.residuals[:n_rows] / scale,
                signed_log(2 * support.stack_residuals[:n_rows, None] / scale),
            ],
            -1,
        )[:, None].expand(n_rows, n_columns, _SUPPORT_FEATURES - _TASK_FEATURES)
        task = _describe_task(support)
        features = [
            cell_features(encoded),
            told,
            task.expand(n_rows, n_columns, _TASK_FEATURES),
        ]
        tokens = self.embed_support(torch.cat(features, -1))
        memories = []
        for block in self.blocks:
            tokens, memory = block(tokens)
            memories.append(memory)
        pooled = torch.cat([self.norm(tokens).mean((0, 1)), task])
        missed = support.stack_residuals.square().mean()
        gate = torch.sigmoid(self.gate(pooled))[0] * missed / (missed + _HALF_TRUSTED**2)
        return CorrectorMemory(tuple(memories), task, scale, gate)

    def forward(self, memory: CorrectorMemory, query: QueryEvidence) -> torch.Tensor:
        """Propose what to add to the stack's values before it is made to sum to zero: (n, m)."""
        scale = memory.scale
        differences = query.values - query.stack_values[..., None]
        n_rows, n_columns = query.stack_values.shape
        told = torch.stack(
            [
                query.stack_values,
                signed_log(query.stack_values / scale),
                *signed_log(differences / scale).unbind(-1),
                (query.std / scale).clamp_min(1e-3).log(),
                signed_log(query.gap / scale)[:, None].expand(n_rows, n_columns),
            ],
            -1,
        )
        task = memory.task.expand(n_rows, n_columns, _TASK_FEATURES)
        tokens = self.embed_query(torch.cat([cell_features(query.encoded), told, task], -1))
        for block, layer in zip(self.blocks, memory.layers, strict=True):
            assert isinstance(block, TokenBlock)
            tokens = block.read(tokens, layer)
        shift, *leans = self.head(self.norm(tokens)).unbind(-1)
        leaned = (torch.tanh(torch.stack(leans, -1)) * differences).sum(-1)
        return memory.gate * (shift * scale + leaned)


def _residual_scale(support: SupportEvidence) -> torch.Tensor:
    return support.stack_residuals.pow(2).mean().sqrt() + 0.003


def _describe_task(support: SupportEvidence) -> torch.Tensor:
    """Numbers that describe a task as a whole: (7,)."""
    process, trees, networks = support.residuals.pow(2).mean(0) + 1e-6
    n_support = min(len(support.outputs), _MAX_TRAINED_SUPPORT)
    return torch.stack(
        [
            _residual_scale(support).log(),
            (process / trees).log(),
            (networks / trees).log(),
            *support.stack_weights,
            torch.full_like(process, (math.log(n_support) - 6) / 2),
        ]
    )


def player_corrections(
    correction: torch.Tensor, player_of_column: torch.Tensor, can_matter: torch.Tensor
) -> torch.Tensor:
    """Average corrections over each player's columns and let them sum to zero.

    Parameters
    ----------
    correction : tensor of shape (n_rows, m)
        What the corrector proposes.
    player_of_column : tensor of shape (m,)
        The player of each encoded column.
    can_matter : tensor of bool of shape (n_rows, n_players)
        Players that may be corrected.

    Returns
    -------
    tensor of shape (n_rows, n_players)
    """
    n_players = can_matter.shape[1]
    member = torch.nn.functional.one_hot(player_of_column, n_players).to(correction)
    able = can_matter.to(correction)
    correction = (correction @ (member / member.sum(0).clamp_min(1))) * able
    mean = correction.sum(1, keepdim=True) / able.sum(1, keepdim=True).clamp_min(1)
    return correction - mean * able
