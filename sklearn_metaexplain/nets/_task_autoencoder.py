"""The network that turns a task into numbers, and numbers back into the task's outputs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import nn

from sklearn_metaexplain.nets._tokens import N_CELL_FEATURES, TokenBlock, cell_features, signed_log

# Row, row times cell, its compressed size, and how many columns there are.
_N_TOLD = 4
# Standard deviations of standardised outputs: from a hundredth to e.
_LOG_STD_RANGE = (math.log(0.01), 1.0)


class TaskCode(NamedTuple):
    """What one output of a task becomes: all that the decoder knows of it."""

    vector: torch.Tensor  # (n_dims,), of length 1
    columns: torch.Tensor  # (m, column_dims)


class Reconstruction(NamedTuple):
    """Normal distributions of a standardised output."""

    mean: torch.Tensor  # (n_rows,)
    log_std: torch.Tensor  # (n_rows,)


def task_vector(codes: Sequence[TaskCode]) -> torch.Tensor:
    """One vector of length 1 for all outputs together, in whatever order: (n_dims,)."""
    return F.normalize(torch.stack([code.vector for code in codes]).mean(0), dim=-1)


class SetAutoencoder(nn.Module):
    """Encode rows with their outputs as a set; decode the outputs of any rows.

    The encoder attends across columns and rows and averages over rows, so that a task is a
    distribution of rows: their order, or having each of them twice, changes nothing. Each output
    of a task is read in a pass of its own. It becomes one vector and, because a decoder that knows
    a task by a vector alone could not tell its columns apart, a short vector for each column;
    columns may come in any order. The decoder reads the code and the cells of one row, nothing
    else. The vector of the whole task, `task_vector`, is the direction of its outputs' mean.

    Parameters
    ----------
    width : int, default=32
        Features of a token.
    n_layers : int, default=2
        Token blocks of the encoder, and as many layers of the decoder.
    n_heads : int, default=4
        Attention heads.
    n_dims : int, default=64
        Numbers in the vector of a task.
    column_dims : int, default=16
        Numbers in the vector of a column.

    References
    ----------
    Garnelo et al., Conditional neural processes, 2018 (a code of the rows that were read predicts
    others); Jomaa, Schmidt-Thieme and Grabocka, Dataset2Vec: learning dataset meta-features, 2021
    (one network over tables of any size).
    """

    def __init__(
        self,
        *,
        width: int = 32,
        n_layers: int = 2,
        n_heads: int = 4,
        n_dims: int = 64,
        column_dims: int = 16,
    ) -> None:
        super().__init__()
        self.config = {
            "width": width,
            "n_layers": n_layers,
            "n_heads": n_heads,
            "n_dims": n_dims,
            "column_dims": column_dims,
        }
        self.n_dims = n_dims
        self.embed = nn.Linear(N_CELL_FEATURES + _N_TOLD, width)
        self.blocks = nn.ModuleList(TokenBlock(width, n_heads) for _ in range(n_layers))
        self.norm = nn.LayerNorm(2 * width)
        self.column_code = nn.Linear(2 * width, column_dims)
        self.task_code = nn.Sequential(
            nn.Linear(4 * width, 2 * n_dims), nn.GELU(), nn.Linear(2 * n_dims, n_dims)
        )
        self.cells = nn.Linear(N_CELL_FEATURES, 2 * width)
        self.shape = nn.Linear(column_dims + n_dims, 4 * width)
        self.mix = nn.Linear(2 * width, width)
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(
                width,
                n_heads,
                3 * width,
                dropout=0.0,
                activation="gelu",
                batch_first=True,
                norm_first=True,
            )
            for _ in range(n_layers)
        )
        self.head = nn.Linear(width, 2)

    def encode(self, encoded: torch.Tensor, outputs: torch.Tensor) -> TaskCode:
        """Turn a task's rows and one of its outputs into a code.

        Parameters
        ----------
        encoded : tensor of shape (n_rows, m, 2)
            Encoded rows.
        outputs : tensor of shape (n_rows,)
            Standardised.
        """
        n_rows, n_columns = encoded.shape[:2]
        row = outputs[:, None].expand(n_rows, n_columns)
        width = torch.full_like(row, math.log(n_columns) - 2.0)
        told = torch.stack([row, row * encoded[..., 0], signed_log(2 * row), width], -1)
        tokens = self.embed(torch.cat([cell_features(encoded), told], -1))
        for block in self.blocks:
            tokens, _ = block(tokens)
        columns = self.norm(_mean_and_std(tokens))
        vector = F.normalize(self.task_code(_mean_and_std(columns)), dim=-1)
        return TaskCode(vector, self.column_code(columns))

    def decode(self, code: TaskCode, encoded: torch.Tensor) -> Reconstruction:
        """Predict an output of rows from its code.

        Parameters
        ----------
        code : TaskCode
            Of a task with the same columns in the same order.
        encoded : tensor of shape (n_rows, m, 2)
            Any rows.
        """
        n_columns = len(code.columns)
        # Scaled so that a vector of length 1 has entries of size 1, as other inputs have.
        known = math.sqrt(self.n_dims) * code.vector.expand(n_columns, -1)
        scale, shift = self.shape(torch.cat([code.columns, known], -1)).chunk(2, -1)
        tokens = self.mix(F.gelu(self.cells(cell_features(encoded)) * (1 + scale) + shift))
        for layer in self.layers:
            tokens = layer(tokens)
        # Many columns with an effect each of a standardised output have small ones.
        mean, log_std = (self.head(tokens).sum(1) / math.sqrt(n_columns)).unbind(-1)
        return Reconstruction(mean, log_std.clamp(*_LOG_STD_RANGE))


def _mean_and_std(tokens: torch.Tensor) -> torch.Tensor:
    """Mean and standard deviation over the first axis, side by side."""
    spread = tokens.var(0, correction=0).add(1e-6).sqrt()
    return torch.cat([tokens.mean(0), spread], -1)
