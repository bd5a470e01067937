"""Where the surrogates of a stack disagree."""

from __future__ import annotations

import torch

from sklearn_metaexplain.shapley._stack import SurrogateStack

_ROWS_AT_ONCE = 1024


def ambiguity(stack: SurrogateStack, encoded: torch.Tensor) -> torch.Tensor:
    """Weighted variance of the predictions of a stack's members: process, trees and networks.

    Parameters
    ----------
    stack : SurrogateStack
        Fitted.
    encoded : tensor of shape (n_rows, n_encoded, 2)
        Encoded rows, asked about or not.

    Returns
    -------
    tensor of shape (n_rows, n_outputs)

    References
    ----------
    Krogh and Vedelsby, Neural network ensembles, cross validation, and active learning, 1995 (the
    ambiguity of a weighted ensemble, and its use for choosing what to ask).
    """
    return torch.cat([_ambiguity(stack, part) for part in encoded.split(_ROWS_AT_ONCE)])


def _ambiguity(stack: SurrogateStack, encoded: torch.Tensor) -> torch.Tensor:
    bags = stack.bags(stack.process.predict(encoded), encoded)
    # Members of a bag share its weight.
    shares = [
        (weight / len(bag)).expand(len(bag), -1)
        for bag, weight in zip(bags, stack.weights.T, strict=True)
    ]
    weights = torch.cat(shares)[:, None]  # (n_members, 1, n_outputs)
    weights = weights / weights.sum(0).clamp_min(1e-300)
    members = torch.cat(bags)  # (n_members, n_rows, n_outputs)
    deviations = members - (weights * members).sum(0)
    return (weights * deviations.square()).sum(0)
