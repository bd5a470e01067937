"""A kernel by likelihood search: what the meta-trained network is compared with."""

from __future__ import annotations

import torch

from sklearn_metaexplain.shapley._kernel import (
    DEFAULT_RAW_COLUMN,
    DEFAULT_RAW_TASK,
    N_RAW_COLUMN,
    KernelParameters,
    ProductKernel,
    parameters_from_raw,
)


def search_kernel(
    encoded: torch.Tensor,
    outputs: torch.Tensor,
    player_of_column: torch.Tensor,
    n_players: int,
    *,
    n_steps: int = 40,
    max_rows: int = 700,
    lr: float = 0.1,
) -> KernelParameters:
    """Maximise the marginal likelihood of the kernel by gradient steps from the default.

    Parameters
    ----------
    encoded : tensor of shape (n_rows, m, 2)
        Encoded hybrid rows, in random order.
    outputs : tensor of shape (n_rows, n_outputs)
        Standardised outputs; they share one kernel.
    player_of_column : tensor of shape (m,)
        The player of each encoded column.
    n_players : int
        Number of players.
    n_steps : int, default=40
        Steps of Adam.
    max_rows : int, default=700
        Most rows used, the first.
    lr : float, default=0.1
        Step size.

    References
    ----------
    Rasmussen and Williams, Gaussian Processes for Machine Learning, 2006, equation 5.8.
    """
    encoded, outputs = encoded[:max_rows].double(), outputs[:max_rows].double()
    columns = torch.tensor(DEFAULT_RAW_COLUMN, dtype=torch.float64)
    columns = columns.expand(encoded.shape[1], N_RAW_COLUMN).clone().requires_grad_()
    task = torch.tensor(DEFAULT_RAW_TASK, dtype=torch.float64).requires_grad_()
    optimizer = torch.optim.Adam([columns, task], lr=lr)
    best, best_loss = (columns.detach().clone(), task.detach().clone()), torch.inf
    for step in range(n_steps + 1):
        loss = negative_log_likelihood(
            parameters_from_raw(columns, task), encoded, outputs, player_of_column, n_players
        )
        if float(loss.detach()) < best_loss:
            best, best_loss = (
                (columns.detach().clone(), task.detach().clone()),
                float(loss.detach()),
            )
        if step < n_steps:
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return parameters_from_raw(*best)


def negative_log_likelihood(
    parameters: KernelParameters,
    encoded: torch.Tensor,
    outputs: torch.Tensor,
    player_of_column: torch.Tensor,
    n_players: int,
) -> torch.Tensor:
    """Negative log marginal likelihood per row and output, up to a constant."""
    kernel = ProductKernel(parameters, player_of_column, n_players)
    rows = kernel.warp(encoded)
    gram = kernel(rows, rows)
    gram = gram + parameters.noise * torch.eye(len(rows), dtype=gram.dtype)
    lower = torch.linalg.cholesky(gram)
    alpha = torch.cholesky_solve(outputs, lower)
    fit = 0.5 * (outputs * alpha).sum() / outputs.shape[1]
    return (fit + lower.diagonal().log().sum()) / len(rows)
