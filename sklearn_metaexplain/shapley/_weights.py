"""Shapley weights of coalitions, shared by enumeration and tabulated trees."""

from __future__ import annotations

from functools import cache
from math import comb

import numpy as np


@cache
def shapley_matrix(n_players: int) -> np.ndarray:
    r"""Return the matrix that maps coalition values to Shapley values.

    Row `S` belongs to the coalition whose players are the set bits of `S`; the entry of player j
    is :math:`1 / (d \binom{d-1}{|S|-1})` with j inside and
    :math:`-1 / (d \binom{d-1}{|S|})` with j outside.

    Parameters
    ----------
    n_players : int
        Number of players, d.

    Returns
    -------
    ndarray of shape (2**n_players, n_players)
        Read-only.

    References
    ----------
    Shapley, A value for n-person games, 1953.
    """
    codes = np.arange(1 << n_players)
    inside = (codes[:, None] >> np.arange(n_players)) & 1
    size = inside.sum(1)
    share = np.array([1 / (n_players * comb(n_players - 1, k)) for k in range(n_players)])
    joining = share[np.maximum(size - 1, 0)]
    leaving = share[np.minimum(size, n_players - 1)]
    matrix = np.where(inside == 1, joining[:, None], -leaving[:, None])
    matrix.setflags(write=False)
    return matrix
