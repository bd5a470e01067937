"""What the corrector reads of a task, in the units of standardised outputs."""

from __future__ import annotations

from typing import NamedTuple

import torch

from sklearn_metaexplain.shapley._stack import StackValues, SurrogateStack


class SupportEvidence(NamedTuple):
    """Evaluated hybrid rows and the out-of-sample residuals of the surrogates."""

    encoded: torch.Tensor  # (n_support, m, 2)
    outputs: torch.Tensor  # (n_support,)
    residuals: torch.Tensor  # (n_support, 3), of process, trees and networks
    stack_residuals: torch.Tensor  # (n_support,)
    stack_weights: torch.Tensor  # (3,)


class QueryEvidence(NamedTuple):
    """Explained rows and what the surrogates say of them, per encoded column."""

    encoded: torch.Tensor  # (n_rows, m, 2)
    values: torch.Tensor  # (n_rows, m, 3), of process, trees and networks
    stack_values: torch.Tensor  # (n_rows, m), after closing the gap
    std: torch.Tensor  # (n_rows, m), of the process
    gap: torch.Tensor  # (n_rows,), prediction - base value - sum of the stack before closing


def support_evidence(
    stack: SurrogateStack, encoded: torch.Tensor, outputs: torch.Tensor, output: int = 0
) -> SupportEvidence:
    """Collect the evidence of one output of a fitted stack.

    Where no networks take part, the stack stands in for them.

    Parameters
    ----------
    stack : SurrogateStack
        Fitted on `encoded` and `outputs`.
    encoded : tensor of shape (n_support, m, 2)
    outputs : tensor of shape (n_support, n_outputs)
    output : int, default=0
        Which output.
    """
    residuals = [stack.process_residuals, stack.tree_residuals]
    residuals.append(stack.residuals if stack.network is None else stack.network_residuals)
    weights = stack.weights[output]
    return SupportEvidence(
        encoded,
        outputs[:, output],
        torch.stack([part[:, output] for part in residuals], -1),
        stack.residuals[:, output],
        torch.cat([weights, weights.new_zeros(3 - len(weights))]),
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
    network = closed if values.network is None else values.network
    # A player's numbers stand at each of its columns.
    process, trees, network, closed, std = (
        part[:, stack.player_of_column, output]
        for part in (values.process, values.trees, network, closed, std)
    )
    told = torch.stack([process, trees, network], -1)
    return QueryEvidence(encoded, told, closed, std, gap[:, output])
