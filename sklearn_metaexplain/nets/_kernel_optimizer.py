"""A learned optimiser that refines a proposed kernel in a few steps."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn

from sklearn_metaexplain.nets._tokens import signed_log
from sklearn_metaexplain.shapley._kernel import N_RAW_COLUMN, N_RAW_TASK
from sklearn_metaexplain.shapley._likelihood import likelihood_gradient

# Beyond the sizes it was trained on a task is read as one of the largest.
MAX_TRAINED_SUPPORT = 1024
_GRADIENT_SCALE = 300.0
_FIRST_STEP = 0.15
# What counts as one unit of progress to the network.
_STEPS_A_ROUND = 6


class KernelOptimizer(nn.Module):
    """Refine raw kernel numbers by learned steps on their marginal likelihood.

    Each step reads the gradient of the likelihood of some rows, the next ones each time, what
    the last step did, and the kernel itself, column by column with a summary of all columns, and
    moves every number. Trained on the Shapley error after the last step. An untrained one takes
    sign-like gradient steps.

    Parameters
    ----------
    width : int, default=48
        Features of a column.
    rows_a_step : int, default=256
        Most rows whose likelihood a step uses.

    References
    ----------
    Andrychowicz et al., Learning to learn by gradient descent by gradient descent, 2016
    (gradients are inputs, not differentiated through); here the coordinates of a column, and
    by their summary all columns, decide together.
    """

    def __init__(self, *, width: int = 48, rows_a_step: int = 256) -> None:
        super().__init__()
        self.rows_a_step = rows_a_step
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
        n_steps: int,
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
        n_steps : int
            Steps, one gradient each.

        Returns
        -------
        columns, task
            Refined.
        """
        size = (math.log(min(len(encoded), MAX_TRAINED_SUPPORT)) - 6) / 2
        last_columns, last_task = torch.zeros_like(columns), torch.zeros_like(task)
        window = torch.arange(min(self.rows_a_step, len(encoded)))
        for step in range(n_steps):
            progress = [size, math.log(len(columns)) - 2, step / _STEPS_A_ROUND]
            rows = (step * self.rows_a_step + window) % len(encoded)
            loss, column_gradient, task_gradient = _gradient(
                columns, task, encoded[rows], outputs[rows]
            )
            told = torch.cat(
                [
                    task,
                    signed_log(_GRADIENT_SCALE * task_gradient),
                    last_task,
                    torch.tensor(progress, dtype=task.dtype, device=task.device),
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
    return _ConstantGradient.apply(columns, task, encoded, outputs)


class _ConstantGradient(torch.autograd.Function):
    """Lets compiled code run under the transforms of torch.func, which hand it plain tensors."""

    @staticmethod
    def forward(columns: Any, task: Any, encoded: Any, outputs: Any) -> Any:
        loss, of_columns, of_task = likelihood_gradient(columns, task, encoded, outputs)
        return columns.new_tensor(loss), of_columns.to(columns), of_task.to(task)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.mark_non_differentiable(*output)

    @staticmethod
    def backward(ctx: Any, *upstream: Any) -> Any:
        # Outputs are no functions of the inputs to whoever differentiates.
        return None, None, None, None
