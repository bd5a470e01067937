"""What a proposed kernel says about columns, for networks that would have to find it out."""

from __future__ import annotations

import torch

from sklearn_metaexplain.shapley._kernel import KernelParameters

# The kernel may be wrong about a column.
_LEAST = 0.01


def column_relevance(parameters: KernelParameters) -> torch.Tensor:
    """How much of each column's factor of the kernel is lost at distance 1.

    Networks whose inputs are scaled by it know beforehand which columns matter.

    Parameters
    ----------
    parameters : KernelParameters
        A kernel over ``m`` encoded columns.

    Returns
    -------
    tensor of shape (m, 2)
        Shares of the standardised value and of the rank, divided as the kernel blends them. The
        largest sum of a column is 1, the smallest at least 0.01.

    References
    ----------
    Neal, Bayesian learning for neural networks, 1996, section 1.2.4 (automatic relevance
    determination).
    """
    scaled = 3**0.5 / parameters.smooth
    smooth = torch.exp(-scaled) * (1 + scaled)
    similarity = torch.lerp(torch.exp(-1 / parameters.rough), smooth, parameters.mix)
    lost = parameters.weight / (1 + parameters.weight) * (1 - similarity)
    lost = (lost / lost.max()).clamp_min(_LEAST)
    return lost[:, None] * torch.stack([1 - parameters.warp, parameters.warp], -1)
