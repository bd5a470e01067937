"""What the corrector reads of a task, in the units of standardised outputs."""

from __future__ import annotations

from typing import NamedTuple

import torch

from sklearn_metaexplain.shapley._stack import StackValues, SurrogateStack


class SupportEvidence(NamedTuple):
    """Evaluated hybrid rows and the out-of-sample residuals of the surrogates."""

    encoded: torch.Tensor  # (n_support, m, 2)
    outputs: torch.Tensor  # (n_support,)
    process_residuals: torch.Tensor  # (n_support,)
    tree_residuals: torch.Tensor  # (n_support,)
    stack_residuals: torch.Tensor  # (n_support,)
    stack_weights: torch.Tensor  # (2,), of process and trees


class QueryEvidence(NamedTuple):
    """Explained rows and what the surrogates say of them, per encoded column."""

    encoded: torch.Tensor  # (n_rows, m, 2)
    process_values: torch.Tensor  # (n_rows, m)
    tree_values: torch.Tensor  # (n_rows, m)
    stack_values: torch.Tensor  # (n_rows, m), after closing the gap
    std: torch.Tensor  # (n_rows, m), of the process
    gap: torch.Tensor  # (n_rows,), prediction - base value - sum of the stack before closing


def support_evidence(
    stack: SurrogateStack, encoded: torch.Tensor, outputs: torch.Tensor, output: int = 0
) -> SupportEvidence:
    """Collect the evidence of one output of a fitted stack.

    Parameters
    ----------
    stack : SurrogateStack
        Fitted on `encoded` and `outputs`.
    encoded : tensor of shape (n_support, m, 2)
    outputs : tensor of shape (n_support, n_outputs)
    output : int, default=0
        Which output.
    """
    return SupportEvidence(
        encoded,
        outputs[:, output],
        stack.process_residuals[:, output],
        stack.tree_residuals[:, output],
        stack.residuals[:, output],
        stack.weights[output, :2],
    )


def query_evidence(
    stack: SurrogateStack,
    encoded: torch.Tensor,
    values: StackValues,
    closed: torch.Tensor,
    std: torch.Tensor,
    gap: torch.Tensor,
    output: int = 0,
) -> QueryEvidence:
    """Collect the evidence of one output of explained rows.

    Parameters
    ----------
    stack : SurrogateStack
        A fitted stack with a background.
    encoded : tensor of shape (n_rows, m, 2)
    values : StackValues
        What ``stack.shapley(encoded)`` gives.
    closed, std : tensor of shape (n_rows, n_players, n_outputs)
        The stack's values after closing the gap; the process's standard deviations.
    gap : tensor of shape (n_rows, n_outputs)
        What was missing before.
    output : int, default=0
        Which output.
    """
    # A player's numbers stand at each of its columns.
    process, trees, closed, std = (
        part[:, stack.player_of_column, output]
        for part in (values.process, values.trees, closed, std)
    )
    return QueryEvidence(encoded, process, trees, closed, std, gap[:, output])
