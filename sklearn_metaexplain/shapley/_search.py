"""A kernel by likelihood search: what the meta-trained network is compared with."""

from __future__ import annotations

import math

import torch

from sklearn_metaexplain.shapley._kernel import (
    DEFAULT_RAW_COLUMN,
    DEFAULT_RAW_TASK,
    N_RAW_COLUMN,
    KernelParameters,
    parameters_from_raw,
)
from sklearn_metaexplain.shapley._likelihood import likelihood_gradient


def search_kernel(
    encoded: torch.Tensor,
    outputs: torch.Tensor,
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
    columns = columns.expand(encoded.shape[1], N_RAW_COLUMN).clone()
    task = torch.tensor(DEFAULT_RAW_TASK, dtype=torch.float64)
    optimizer = torch.optim.Adam([columns, task], lr=lr)
    best, best_loss = (columns.clone(), task.clone()), math.inf
    for step in range(n_steps + 1):
        loss, columns.grad, task.grad = likelihood_gradient(columns, task, encoded, outputs)
        if loss < best_loss:
            best, best_loss = (columns.clone(), task.clone()), loss
        if step < n_steps:
            optimizer.step()
    return parameters_from_raw(*best)
