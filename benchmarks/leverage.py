"""Shapley values by regression on coalitions sampled by their leverage scores."""

from __future__ import annotations

from itertools import combinations
from math import comb

import numpy as np
from games import CoalitionGame
from measures import Result, Stopwatch
from tasks import SEED, Task

LEVERAGE = "leverage scores, 25 background rows a coalition"
LEVERAGE_ONE = "leverage scores, 1 background row a coalition"


def draw_paired_coalitions(
    rng: np.random.RandomState, n_players: int, n_coalitions: int
) -> tuple[np.ndarray, np.ndarray]:
    """Draw coalitions with their complements, none twice.

    The leverage of a coalition is one over the number of coalitions of its size, so that sizes are
    equally frequent until one is used up.

    Parameters
    ----------
    rng : RandomState
    n_players : int
    n_coalitions : int
        Even; all but the empty and the whole coalition where there are no more.

    Returns
    -------
    coalitions : ndarray of bool of shape (n_coalitions, n_players)
    weights : ndarray of shape (n_coalitions,)
        The Shapley kernel over the probability of being drawn.

    References
    ----------
    Musco and Witter, Provably accurate Shapley value estimation via leverage score sampling, 2025.
    """
    sizes = np.arange(1, n_players // 2 + 1)
    middle = 2 * sizes == n_players
    capacity = np.array([comb(n_players, int(size)) for size in sizes], dtype=float)
    capacity[middle] /= 2
    n_pairs = min(n_coalitions // 2, int(min(capacity.sum(), 2.0**52)))
    expected = _fill(np.where(middle, 0.5, 1.0), capacity, n_pairs)
    # Systematic rounding: the counts add up to the number of pairs.
    ends = np.floor(np.concatenate([[0.0], expected.cumsum()]) + rng.random_sample() - 1e-9)
    counts = np.diff(ends).astype(int)
    chosen, weights = [], []
    for size, count, share, most in zip(sizes, counts, expected, capacity, strict=True):
        half = _distinct(rng, n_players, int(size), min(int(count), int(most)))
        chosen += [half, ~half]
        kernel = 1.0 / (comb(n_players, int(size)) * size * (n_players - size))
        weights += [np.full(2 * len(half), kernel * most / max(share, 1e-12))]
    return np.concatenate(chosen), np.concatenate(weights)


def solve_regression(
    coalitions: np.ndarray,
    weights: np.ndarray,
    outputs: np.ndarray,
    base: np.ndarray,
    prediction: np.ndarray,
) -> np.ndarray:
    """Additive values, shape (n_players, n_outputs), nearest to a game's sampled coalitions.

    Where coalitions are too few, the one with the least deviation from equal shares.

    Parameters
    ----------
    coalitions : ndarray of bool of shape (n, n_players)
    weights : ndarray of shape (n,)
    outputs : ndarray of shape (n, n_outputs)
    base, prediction : ndarray of shape (n_outputs,)
        Of the empty and the whole coalition.
    """
    total = prediction - base
    share = coalitions.mean(1, keepdims=True)
    root = np.sqrt(weights / weights.max())[:, None]
    left, right = root * (coalitions - share), root * (outputs - base - share * total)
    return np.linalg.lstsq(left, right, rcond=None)[0] + total / coalitions.shape[1]


def explain_leverage(task: Task, budget: int) -> Result:
    """Spend a budget on coalitions that meet the whole background."""
    return _explain(LEVERAGE, task, budget, whole=True)


def explain_leverage_one(task: Task, budget: int) -> Result:
    """Spend a budget on coalitions that meet one background row each."""
    return _explain(LEVERAGE_ONE, task, budget, whole=False)


def _explain(method: str, task: Task, budget: int, *, whole: bool) -> Result:
    rng = np.random.RandomState(SEED)
    values, asked = [], 0
    with Stopwatch() as watch:
        for position, prediction in enumerate(task.predictions):
            game = CoalitionGame(task, position, budget, whole=whole)
            coalitions, weights = draw_paired_coalitions(rng, task.rows.shape[1], game.n_coalitions)
            outputs = game(coalitions)
            values.append(solve_regression(coalitions, weights, outputs, task.base, prediction))
            asked += game.asked
    return Result(
        method,
        np.array(values),
        watch.seconds,
        budget=budget,
        evaluations=asked / len(task.rows),
    )


def _fill(shares: np.ndarray, capacity: np.ndarray, total: int) -> np.ndarray:
    """``min(level * shares, capacity)`` at the level at which it adds up to the total."""
    low, high = 0.0, float((capacity / shares).max())
    for _ in range(200):
        level = (low + high) / 2
        if np.minimum(level * shares, capacity).sum() < total:
            low = level
        else:
            high = level
    return np.minimum(high * shares, capacity)


def _distinct(rng: np.random.RandomState, n_players: int, size: int, count: int) -> np.ndarray:
    """Different coalitions of one size; where it is half of the players, no complements either."""
    chosen: set[tuple[int, ...]] = set()
    if 2 * count > comb(n_players, size) // (2 if 2 * size == n_players else 1):
        chosen.update(_all_of_size(rng, n_players, size)[:count])
    while len(chosen) < count:
        members = tuple(sorted(rng.permutation(n_players)[:size].tolist()))
        if 2 * size == n_players and 0 not in members:
            members = tuple(player for player in range(n_players) if player not in members)
        chosen.add(members)
    coalitions = np.zeros((count, n_players), dtype=bool)
    for line, members in enumerate(sorted(chosen)):
        coalitions[line, list(members)] = True
    return coalitions


def _all_of_size(rng: np.random.RandomState, n_players: int, size: int) -> list[tuple[int, ...]]:
    """Every coalition of a size in random order; of complements the one with the first player."""
    every = list(combinations(range(n_players), size))
    if 2 * size == n_players:
        every = [members for members in every if 0 in members]
    return [every[at] for at in rng.permutation(len(every))]
