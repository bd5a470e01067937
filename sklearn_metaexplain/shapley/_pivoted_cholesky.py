"""Rows that stand for all in a kernel matrix, chosen one after the other."""

from __future__ import annotations

import torch

from sklearn_metaexplain.shapley._compile import compiled
from sklearn_metaexplain.shapley._kernel import ProductKernel

# Pivots whose kernels are computed at once, and how low they may be beside the highest.
_CANDIDATES, _LEAST_HEIGHT = 16, 0.5


def pivoted_cholesky(
    kernel: ProductKernel, rows: torch.Tensor, max_rank: int, tolerance: float = 1e-8
) -> tuple[torch.Tensor, torch.Tensor]:
    """Factor a kernel matrix by rows chosen greedily for the variance they leave unexplained.

    Kernels of the next few candidates are computed at once, and a candidate is taken as long as
    what it leaves unexplained is at least half of the largest. It stops at `max_rank` rows or
    where the largest pivot falls below `tolerance` times the first, as where rows are duplicated.

    Parameters
    ----------
    kernel : ProductKernel
        The kernel.
    rows : tensor of shape (n_rows, n_encoded)
        Warped rows.
    max_rank : int
        Most rows to choose.
    tolerance : float, default=1e-8
        Relative size of the least pivot.

    Returns
    -------
    chosen : tensor of shape (rank,)
        Positions in `rows`.
    factor : tensor of shape (rank, n_rows)
        ``factor.T @ factor`` is the projection of the kernel matrix on the chosen rows, and
        ``factor[:, chosen].T`` the Cholesky factor of their own.

    References
    ----------
    Harbrecht, Peters and Schneider, On the low-rank approximation by the pivoted Cholesky
    decomposition, 2012, algorithm 1.
    """
    residual = kernel.diagonal(rows)
    least = tolerance * float(residual.max())
    factor = rows.new_zeros((min(max_rank, len(rows)), len(rows)))
    chosen = torch.zeros(len(factor), dtype=torch.long)
    rank = 0
    while rank < len(factor) and float(residual.max()) > least:
        candidates = residual.topk(min(_CANDIDATES, len(rows))).indices
        told = kernel(rows[candidates], rows)
        told -= factor[:rank, candidates].T @ factor[:rank]
        rank = _take(
            candidates.numpy(),
            told.numpy(),
            factor.numpy(),
            residual.numpy(),
            chosen.numpy(),
            rank,
            least,
        )
    return chosen[:rank], factor[:rank]


@compiled()
def _take(candidates, told, factor, residual, chosen, rank, least):
    """Take candidates in turn, the highest first, while they are high enough.

    Parameters
    ----------
    candidates : ndarray of int of shape (n_candidates,)
        Their positions.
    told : ndarray of shape (n_candidates, n_rows)
        What the first `rank` rows leave of their kernels.
    factor, residual, chosen : ndarray
        Of the whole factorisation, changed in place.
    rank : int
        Rows taken before; at least one of the candidates is high enough.
    least : float
        The least pivot.

    Returns
    -------
    rank : int
        Rows taken after.
    """
    first = rank
    while rank < len(factor):
        best = residual[candidates].argmax()
        pivot = candidates[best]
        height = residual[pivot]
        if height <= max(least, _LEAST_HEIGHT * residual.max()):
            break
        row = told[best]
        for step in range(first, rank):
            row -= factor[step, pivot] * factor[step]
        row /= height**0.5
        for i in range(len(residual)):
            factor[rank, i] = row[i]
            residual[i] = max(residual[i] - row[i] * row[i], 0.0)
        residual[pivot] = 0.0  # rather than a rounding error
        chosen[rank] = pivot
        rank += 1
    return rank
