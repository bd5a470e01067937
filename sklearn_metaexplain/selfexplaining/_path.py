"""What columns add to a softmax of sums over columns."""

from __future__ import annotations

import numpy as np
import torch

_FEWEST_NODES, _MOST_NODES = 32, 512
_TOLERANCE = 1e-10


def path_shares(scores: torch.Tensor, votes: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Shares of the columns in the probabilities of a softmax vote.

    With all scores multiplied by t, the derivative of a class's probability by t is the covariance,
    over the voters, of their scores and of being of that class; a column's share is the integral
    over t from 0 to 1 of the covariance with its own part of the scores (Aumann and Shapley).
    Scores may be far apart, where nearly all happens at small t: nodes lie at t = u^3, and rows
    that do not add up are given more of them.

    Parameters
    ----------
    scores : tensor of shape (n, n_support, m)
        What each column adds to each voter's score.
    votes : tensor of shape (n_support, n_classes)
        One-hot classes of the voters.
    weights : tensor of shape (n_support,)
        How many times each voter counts, at every t.

    Returns
    -------
    shares : tensor of shape (n, m, n_classes)
        They sum over columns to the probability minus the class's share among the voters, as often
        as each counts, and over classes to zero.
    """
    total = scores.sum(-1)
    log_weights = weights.log()
    start = (weights[:, None] * votes).sum(0) / weights.sum()
    change = (total + log_weights).softmax(-1) @ votes - start
    shares = torch.zeros(len(scores), scores.shape[-1], votes.shape[1], dtype=scores.dtype)
    shares = shares.to(scores.device)
    open_rows = torch.arange(len(scores), device=scores.device)
    n_nodes = _FEWEST_NODES
    while len(open_rows) and n_nodes <= _MOST_NODES:
        weights = _integrate(total[open_rows], votes, log_weights, n_nodes)
        shares[open_rows] = torch.einsum("nsm,nsc->nmc", scores[open_rows], weights)
        gap = (change[open_rows] - shares[open_rows].sum(1)).abs().amax(-1)
        open_rows = open_rows[gap > _TOLERANCE]
        n_nodes *= 4
    # What is left after the last is a rounding error, or very nearly.
    gap = change - shares.sum(1)
    size = shares.abs()
    return shares + gap[:, None] * size / size.sum(1, keepdim=True).clamp_min(1e-300)


def _integrate(
    total: torch.Tensor, votes: torch.Tensor, log_weights: torch.Tensor, n_nodes: int
) -> torch.Tensor:
    """Integral over t of vote times (class minus probability), (n, n_support, n_classes)."""
    nodes, node_weights = np.polynomial.legendre.leggauss(n_nodes)
    nodes, node_weights = (nodes + 1) / 2, node_weights / 2
    weights = torch.zeros(*total.shape, votes.shape[1], dtype=total.dtype, device=total.device)
    for node, node_weight in zip(nodes, node_weights, strict=True):
        vote = (total * node**3 + log_weights).softmax(-1)
        away = votes - (vote @ votes)[:, None]
        weights += (3 * node**2 * node_weight) * vote[..., None] * away
    return weights
