"""How well a proposed kernel predicts evaluations from others."""

from __future__ import annotations

import torch

from sklearn_metaexplain.nets._kernel_network import KernelNetwork
from sklearn_metaexplain.shapley._kernel import ProductKernel
from sklearn_metaexplain.shapley._likelihood import gram_matrix

_LEAST_VARIANCE = 1e-6


def predictive_losses(
    network: KernelNetwork,
    context: torch.Tensor,
    context_outputs: torch.Tensor,
    target: torch.Tensor,
    target_outputs: torch.Tensor,
    player_of_column: torch.Tensor,
    n_players: int,
) -> torch.Tensor:
    """Negative log predictive density of target evaluations given a context, number by number.

    Parameters
    ----------
    network : KernelNetwork
        Proposes a kernel from the context.
    context : tensor of shape (n_context, m, 2)
        Encoded rows, float64.
    context_outputs : tensor of shape (n_context, n_outputs)
        Their outputs, standardised.
    target : tensor of shape (n_target, m, 2)
        Encoded rows to predict.
    target_outputs : tensor of shape (n_target, n_outputs)
        Their outputs, standardised.
    player_of_column : tensor of shape (m,)
        The player that each column moves with.
    n_players : int
        Number of players.

    Returns
    -------
    losses : tensor of shape (n_target, n_outputs)
        Up to a constant; each row by itself, not jointly.

    References
    ----------
    Rasmussen and Williams, Gaussian Processes for Machine Learning, 2006, algorithm 2.1.
    """
    parameters = network.propose(context, context_outputs)
    kernel = ProductKernel(parameters, player_of_column, n_players)
    rows, others = kernel.warp(context), kernel.warp(target)
    gram = gram_matrix(kernel, context)
    noise = parameters.noise * torch.eye(len(rows), dtype=gram.dtype, device=gram.device)
    lower = torch.linalg.cholesky(gram + noise)
    cross = torch.linalg.solve_triangular(lower, kernel(rows, others), upper=False)
    whitened = torch.linalg.solve_triangular(lower, context_outputs, upper=False)
    misfit = target_outputs - cross.T @ whitened
    variance = kernel.diagonal(others) + parameters.noise - cross.square().sum(0)
    variance = variance.clamp_min(_LEAST_VARIANCE)[:, None]
    return 0.5 * (variance.log() + misfit.square() / variance)
