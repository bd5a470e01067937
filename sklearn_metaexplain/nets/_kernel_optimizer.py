"""A learned optimiser that refines a proposed kernel in a few steps."""

from __future__ import annotations

import math

import torch
from torch import nn

from sklearn_metaexplain.nets._tokens import signed_log
from sklearn_metaexplain.shapley._kernel import N_RAW_COLUMN, N_RAW_TASK, parameters_from_raw
from sklearn_metaexplain.shapley._search import negative_log_likelihood

_GRADIENT_SCALE = 300.0
_FIRST_STEP = 0.15


class KernelOptimizer(nn.Module):
    """Refine raw kernel numbers by learned steps on their marginal likelihood.

    Each step reads the gradient of the likelihood, what the last step did, and the kernel
    itself, column by column with a summary of all columns, and moves every number. Trained on
    the Shapley error after the last step. An untrained one takes sign-like gradient steps.

    Parameters
    ----------
    width : int, default=48
        Features of a column.
    n_steps : int, default=6
        Steps, one gradient each.
    max_support : int, default=256
        Most rows whose likelihood is used, the first of those given.

    References
    ----------
    Andrychowicz et al., Learning to learn by gradient descent by gradient descent, 2016
    (gradients are inputs, not differentiated through); here the coordinates of a column, and
    by their summary all columns, decide together.
    """

    def __init__(self, *, width: int = 48, n_steps: int = 6, max_support: int = 256) -> None:
        super().__init__()
        self.n_steps = n_steps
        self.max_support = max_support
        n_task = 3 * N_RAW_TASK + 4
        self.embed = nn.Sequential(
            nn.Linear(3 * N_RAW_COLUMN + n_task, width), nn.GELU(), nn.Linear(width, width)
        )
        self.column_head = nn.Sequential(
            nn.Linear(3 * width, width), nn.GELU(), nn.Linear(width, N_RAW_COLUMN)
        )
        self.task_head = nn.Sequential(
            nn.Linear(2 * width + n_task, width), nn.GELU(), nn.Linear(width, N_RAW_TASK)
        )
        for head in (self.column_head, self.task_head):
            last = head[-1]
            assert isinstance(last, nn.Linear)
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)

    def forward(
        self,
        columns: torch.Tensor,
        task: torch.Tensor,
        encoded: torch.Tensor,
        outputs: torch.Tensor,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Refine raw kernel numbers.

        Parameters
        ----------
        columns : tensor of shape (m, 5)
        task : tensor of shape (2,)
            As `parameters_from_raw` takes them.
        encoded : tensor of shape (n_support, m, 2)
            Encoded hybrid rows.
        outputs : tensor of shape (n_support, n_outputs)
            Their outputs, standardised.

        Returns
        -------
        columns, task
            Refined.
        """
        size = (math.log(len(encoded)) - 6) / 2
        encoded, outputs = encoded[: self.max_support], outputs[: self.max_support]
        last_columns, last_task = torch.zeros_like(columns), torch.zeros_like(task)
        for step in range(self.n_steps):
            loss, column_gradient, task_gradient = _gradient(columns, task, encoded, outputs)
            told = torch.cat(
                [
                    task,
                    signed_log(_GRADIENT_SCALE * task_gradient),
                    last_task,
                    task.new_tensor([size, math.log(len(columns)) - 2, step / self.n_steps]),
                    signed_log(loss)[None],
                ]
            )
            tokens = self.embed(
                torch.cat(
                    [
                        columns,
                        signed_log(_GRADIENT_SCALE * column_gradient),
                        last_columns,
                        told.expand(len(columns), len(told)),
                    ],
                    -1,
                )
            )
            pooled = torch.cat([tokens.mean(0), tokens.amax(0)])
            spread = pooled.expand(len(columns), len(pooled))
            last_columns = _descend(column_gradient) + self.column_head(
                torch.cat([tokens, spread], -1)
            )
            last_task = _descend(task_gradient) + self.task_head(torch.cat([pooled, told]))
            columns, task = columns + last_columns, task + last_task
        return columns, task


def _descend(gradient: torch.Tensor) -> torch.Tensor:
    return -_FIRST_STEP * torch.tanh(_GRADIENT_SCALE * gradient)


def _gradient(
    columns: torch.Tensor, task: torch.Tensor, encoded: torch.Tensor, outputs: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Negative log likelihood per number, and its gradient; constants to whoever trains."""
    dtype = columns.dtype
    with torch.enable_grad():
        leaves = (
            columns.detach().double().requires_grad_(),
            task.detach().double().requires_grad_(),
        )
        n_columns = len(columns)
        loss = negative_log_likelihood(
            parameters_from_raw(*leaves),
            encoded.double(),
            outputs.double(),
            # The kernel is one product over columns, whoever plays them.
            torch.arange(n_columns, device=columns.device),
            n_columns,
        )
        gradients = torch.autograd.grad(loss, leaves)
    return loss.detach().to(dtype), gradients[0].to(dtype), gradients[1].to(dtype)
