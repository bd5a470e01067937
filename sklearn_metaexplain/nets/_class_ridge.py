"""Weights of the cells' features in each class, in closed form."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import nn

_MAX_LOG_STEP = 4.0
_PENALTY = 0.3
# Of a support of few rows that are alike, a row's own leverage may be one.
_LEAST_LEFT = 1e-3
_JITTER = 1e-6


class ClassWeights(NamedTuple):
    """What the regression made of one table's support."""

    centre: torch.Tensor  # (m, n_features), mean features of the support
    weights: torch.Tensor  # (m, n_features, n_classes)


class ClassRidge(nn.Module):
    """Ridge regression of the support's labels on features of all columns' cells.

    Features, penalty and the scale of the logits are meta-trained; the weights are solved for, so
    that columns share out what they tell together. How well each support row is told by the others
    is known in closed form as well and is read by the scale.

    Parameters
    ----------
    width : int
        Features of a cell and of a column.
    n_features : int, default=8
        Features of a cell that are regressed on.

    References
    ----------
    Bertinetto, Henriques, Torr and Vedaldi, Meta-learning with differentiable closed-form solvers,
    2019, equations 4 to 6 (there for images, with one scale for all tasks).
    """

    def __init__(self, width: int, n_features: int = 8) -> None:
        super().__init__()
        self.own = nn.Linear(width, n_features, bias=False)
        self.scale = nn.Linear(width, n_features)
        self.penalty = nn.Linear(width, 1)
        self.gain = nn.Linear(width + 1, 1)
        for layer, bias in ((self.scale, 0.5), (self.penalty, 0.0), (self.gain, 0.5)):
            nn.init.zeros_(layer.weight)
            nn.init.constant_(layer.bias, bias)

    def solve(self, cells: torch.Tensor, votes: torch.Tensor, tokens: torch.Tensor) -> ClassWeights:
        """Regress the support's labels.

        Parameters
        ----------
        cells : tensor of shape (n_support, m, width)
            The support's cells.
        votes : tensor of shape (n_support, n_classes)
            Its labels, one-hot.
        tokens : tensor of shape (m, width)
            What each column is like.
        """
        features = self.own(cells)
        centre = features.mean(0)
        n_support, n_columns, n_features = features.shape
        scale = nn.functional.softplus(self.scale(tokens))
        scale = scale / math.sqrt(n_columns * n_features)
        read = ((features - centre) * scale).flatten(1)
        target = votes - votes.mean(0)
        table = tokens.mean(0)
        step = _MAX_LOG_STEP * torch.tanh(self.penalty(table) / _MAX_LOG_STEP)
        penalty = _PENALTY * step.exp()
        weights, left = _ridge(read, target, penalty)
        # As leaving the row out changes the others' mean, whatever the features.
        plain = (target * (n_support / max(n_support - 1, 1))).square().sum()
        # Of one class alone there is nothing to tell.
        skill = torch.where(plain > 0, 1 - left.square().sum() / plain.clamp_min(1e-12), 0.0)
        gain = self.gain(torch.cat([table, skill.clamp(-1.0, 1.0)[None]]))
        gain = (_MAX_LOG_STEP * torch.tanh(gain / _MAX_LOG_STEP)).exp()
        weights = gain * weights.unflatten(0, (n_columns, n_features)) * scale[..., None]
        return ClassWeights(centre, weights)

    def forward(self, solved: ClassWeights, cells: torch.Tensor) -> torch.Tensor:
        """What each cell says of each class, (n, m, width) -> (n, m, n_classes)."""
        return torch.einsum("nmf,mfc->nmc", self.own(cells) - solved.centre, solved.weights)


def _ridge(
    read: torch.Tensor, target: torch.Tensor, penalty: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Weights of shape (p, n_classes), and the residual of each row if it is left out.

    Both `read` and `target` are centred by their means, which leaving a row out changes, too.
    """
    n_rows, n_features = read.shape
    smaller = read @ read.T if n_rows <= n_features else read.T @ read
    eye = torch.eye(len(smaller), dtype=read.dtype, device=read.device)
    # Nearly equal columns, in single precision.
    jitter = _JITTER * smaller.diagonal().mean()
    # Unlike its sibling it raises nothing for a degenerate table, which must not end a training.
    factor, info = torch.linalg.cholesky_ex(smaller + (penalty + jitter) * eye)
    factor = torch.where(info > 0, torch.nan, factor)
    inverse = torch.cholesky_solve(eye, factor)
    if n_rows <= n_features:
        solved = inverse @ target
        weights = read.T @ solved
        residuals = (penalty + jitter) * solved
        left = (penalty + jitter) * inverse.diagonal()
    else:
        weights = inverse @ (read.T @ target)
        residuals = target - read @ weights
        left = 1 - ((read @ inverse) * read).sum(1)
    # The means that both are held against are the row's as well.
    left = left - 1 / n_rows
    return weights, residuals / left.clamp_min(_LEAST_LEFT)[:, None]
