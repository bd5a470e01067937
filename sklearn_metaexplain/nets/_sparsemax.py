"""Weights that sum to one, many of them exactly zero."""

import torch


def sparsemax(scores: torch.Tensor, dim: int = -1) -> torch.Tensor:
    """Euclidean projection of scores onto the simplex.

    Parameters
    ----------
    scores : tensor
        Scores.
    dim : int, default=-1
        Dimension over which the weights sum to 1.

    Returns
    -------
    weights : tensor
        Of the same shape.

    References
    ----------
    Martins and Astudillo, From softmax to sparsemax, 2016, algorithm 1.
    """
    # Unchanged by a shift; large scores have no room for the one that is added below.
    scores = scores - scores.amax(dim, keepdim=True).detach()
    ordered = scores.sort(dim=dim, descending=True).values
    total = ordered.cumsum(dim)
    shape = [1] * scores.ndim
    shape[dim] = -1
    counts = torch.arange(1, scores.shape[dim] + 1, device=scores.device, dtype=scores.dtype)
    counts = counts.reshape(shape)
    # Of scores that are no numbers none is larger; the weights are none either.
    size = (1 + counts * ordered > total).sum(dim, keepdim=True).clamp_min(1)
    threshold = (total.gather(dim, size - 1) - 1) / size.to(scores.dtype)
    return (scores - threshold).clamp_min(0)
