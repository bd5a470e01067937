"""Attention over (row, column) tokens: one set of weights for any table."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

N_CELL_FEATURES = 9


def cell_features(encoded: torch.Tensor) -> torch.Tensor:
    """Describe each cell by waves of its standardised value and rank: (..., m, 9)."""
    value, rank = encoded[..., 0], encoded[..., 1]
    # A root has no derivative at zero, which would make that of all features NaN.
    is_zero = value == 0
    away = torch.where(is_zero, torch.ones_like(value), value)
    root = torch.where(is_zero, torch.zeros_like(value), away.abs().sqrt() * away.sign())
    return torch.stack(
        [
            value,
            torch.sin(1.5 * value),
            torch.cos(1.5 * value),
            torch.sin(4 * value),
            torch.cos(4 * value),
            root,
            rank,
            torch.sin(3 * rank),
            torch.cos(3 * rank),
        ],
        dim=-1,
    )


def signed_log(value: torch.Tensor) -> torch.Tensor:
    """Compress magnitudes and keep signs."""
    return value.sign() * torch.log1p(value.abs())


class TokenBlock(nn.Module):
    """Attention across the columns of a row, then across rows within a column, then per token.

    Support rows are the only keys of the attention across rows, so what a query row becomes
    depends on the support alone, never on other query rows. Columns and support rows may come
    in any order.

    Parameters
    ----------
    width : int
        Features of a token.
    n_heads : int
        Attention heads.
    """

    def __init__(self, width: int, n_heads: int) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.norm_columns = nn.LayerNorm(width)
        self.norm_rows = nn.LayerNorm(width)
        self.norm_token = nn.LayerNorm(width)
        self.query_columns = nn.Linear(width, width)
        self.memory_columns = nn.Linear(width, 2 * width)
        self.out_columns = nn.Linear(width, width)
        self.query_rows = nn.Linear(width, width)
        self.memory_rows = nn.Linear(width, 2 * width)
        self.out_rows = nn.Linear(width, width)
        self.token = nn.Sequential(
            nn.Linear(width, 3 * width), nn.GELU(), nn.Linear(3 * width, width)
        )

    def _attend(self, query: torch.Tensor, memory: torch.Tensor) -> torch.Tensor:
        key, value = memory.chunk(2, -1)
        heads = [
            part.unflatten(-1, (self.n_heads, -1)).transpose(-3, -2) for part in (query, key, value)
        ]
        return F.scaled_dot_product_attention(*heads).transpose(-3, -2).flatten(-2)

    def across_columns(self, tokens: torch.Tensor) -> torch.Tensor:
        """Let the columns of each row exchange information: (rows, columns, width)."""
        normed = self.norm_columns(tokens)
        attended = self._attend(self.query_columns(normed), self.memory_columns(normed))
        return tokens + self.out_columns(attended)

    def remember(self, tokens: torch.Tensor) -> torch.Tensor:
        """Keys and values of support tokens: (columns, rows, 2 * width)."""
        return self.memory_rows(self.norm_rows(tokens).transpose(0, 1))

    def across_rows(self, tokens: torch.Tensor, memory: torch.Tensor) -> torch.Tensor:
        """Let tokens read the support rows of their column, then transform each token."""
        query = self.query_rows(self.norm_rows(tokens).transpose(0, 1))
        tokens = tokens + self.out_rows(self._attend(query, memory)).transpose(0, 1)
        return tokens + self.token(self.norm_token(tokens))

    def forward(self, support: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Transform support tokens (rows, columns, width); also return what queries read."""
        support = self.across_columns(support)
        memory = self.remember(support)
        return self.across_rows(support, memory), memory

    def read(self, query: torch.Tensor, memory: torch.Tensor) -> torch.Tensor:
        """Transform query tokens (rows, columns, width) given the support's memory."""
        return self.across_rows(self.across_columns(query), memory)
