"""Which hybrid rows to ask a model about."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

__all__ = ["Probes", "draw_probes", "draw_row_probes"]


class Probes(NamedTuple):
    """Hybrid rows, by what they are made of."""

    rows: np.ndarray  # (n,), positions of explained rows
    backgrounds: np.ndarray  # (n,), positions of background rows
    coalitions: np.ndarray  # (n, n_players), True where the explained row gives the columns


def draw_probes(
    rng: np.random.RandomState, n: int, *, n_rows: int, n_background: int, n_players: int
) -> Probes:
    """Draw the hybrid rows from which surrogates learn.

    Rows and background rows are used without replacement until all were used; coalition sizes
    1..n_players are equally frequent.

    Parameters
    ----------
    rng : RandomState
        Source of randomness.
    n : int
        Number of probes.
    n_rows, n_background, n_players : int
        Sizes.
    """
    sizes = 1 + _cycle(rng, n_players, n)
    return Probes(
        _cycle(rng, n_rows, n), _cycle(rng, n_background, n), _coalitions(rng, sizes, n_players)
    )


def draw_row_probes(
    rng: np.random.RandomState, n: int, *, n_background: int, n_players: int, block: int = 64
) -> Probes:
    """Draw hybrids of a row, the same for every explained row; `rows` are all 0.

    A longer draw with the same state begins with a shorter one. Coalition sizes
    1..n_players-1 are equally frequent: the row itself and the background are known.

    Parameters
    ----------
    rng : RandomState
        Source of randomness.
    n : int
        Number of hybrids.
    n_background, n_players : int
        Sizes.
    block : int, default=64
        Hybrids are drawn so many at a time, each time with at most 64 background rows.
    """
    backgrounds, sizes, keys = [], [], []
    # In blocks of fixed size, so that a prefix does not depend on the length.
    for _ in range(-(-n // block)):
        backgrounds.append(np.resize(_cycle(rng, n_background, min(block, 64)), block))
        sizes.append(1 + _cycle(rng, max(1, n_players - 1), block))
        keys.append(_coalitions(rng, sizes[-1], n_players))
    coalitions = np.concatenate([np.empty((0, n_players), dtype=bool), *keys])[:n]
    flat = np.concatenate([np.empty(0, dtype=int), *backgrounds])[:n]
    return Probes(np.zeros(n, dtype=int), flat, coalitions)


def _cycle(rng: np.random.RandomState, n_values: int, n: int) -> np.ndarray:
    repeats = -(-n // n_values)
    return np.concatenate(
        [np.empty(0, dtype=int), *(rng.permutation(n_values) for _ in range(repeats))]
    )[:n]


def _coalitions(rng: np.random.RandomState, sizes: np.ndarray, n_players: int) -> np.ndarray:
    order = rng.random_sample((len(sizes), n_players)).argsort(1).argsort(1)
    return order < sizes[:, None]
