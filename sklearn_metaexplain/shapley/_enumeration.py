"""Exact Shapley values by evaluating every coalition."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.utils import _safe_indexing

from sklearn_metaexplain.masking import MaskedModel
from sklearn_metaexplain.shapley._weights import shapley_matrix


def all_coalitions(n_players: int) -> np.ndarray:
    """Return every coalition, bool (2**n_players, n_players), in the order of their bits."""
    codes = np.arange(1 << n_players)
    return ((codes[:, None] >> np.arange(n_players)) & 1).astype(bool)


def shapley_from_coalitions(coalition_values: np.ndarray) -> np.ndarray:
    """Shapley values of games given by all their coalition values.

    Parameters
    ----------
    coalition_values : ndarray of shape (2**n_players, ...)
        In the order of `all_coalitions`.

    Returns
    -------
    ndarray of shape (n_players, ...)
    """
    n_players = len(coalition_values).bit_length() - 1
    return np.tensordot(shapley_matrix(n_players).T, coalition_values, axes=1)


def walk_shapley(
    rng: np.random.Generator,
    evaluate: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray],
    *,
    n_rows: int,
    n_background: int,
    n_players: int,
    n_walks: int,
) -> np.ndarray:
    """Estimate Shapley values by antithetic permutation walks from background to row.

    Parameters
    ----------
    rng : numpy Generator
        Source of randomness.
    evaluate : callable
        Maps row positions (n,), background positions (n,) and coalitions (n, n_players) to
        outputs (n,).
    n_rows, n_background, n_players : int
        Sizes.
    n_walks : int
        Walks for each pair of row and background row; even.

    Returns
    -------
    ndarray of shape (n_rows, n_players)

    References
    ----------
    Mitchell, Cooper, Frank and Holmes, Sampling permutations for Shapley value estimation, 2022.
    """
    rows, backgrounds = np.divmod(np.arange(n_rows * n_background), n_background)
    total = np.zeros((n_rows, n_players))
    for _ in range(n_walks // 2):
        rank = rng.random((len(rows), n_players)).argsort(1).argsort(1)
        for direction in (rank, n_players - 1 - rank):
            steps = direction[:, None] < np.arange(n_players + 1)[:, None]
            outputs = evaluate(
                np.repeat(rows, n_players + 1),
                np.repeat(backgrounds, n_players + 1),
                steps.reshape(-1, n_players),
            ).reshape(len(rows), n_players + 1)
            gains = np.take_along_axis(np.diff(outputs, axis=1), direction, axis=1)
            total += gains.reshape(n_rows, n_background, n_players).sum(1)
    return total / (n_background * 2 * (n_walks // 2))


def enumerate_shapley(
    model: MaskedModel, rows: Any, predictions: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Exact interventional Shapley values of a model against its background.

    Only players in which a row and a background row differ are enumerated.

    Parameters
    ----------
    model : MaskedModel
        Model and background.
    rows : table of shape (n_rows, n_columns)
        Explained rows.
    predictions : ndarray of shape (n_rows, n_computed)
        Their outputs.

    Returns
    -------
    values : ndarray of shape (n_rows, n_players, n_computed)
    n_evaluations : ndarray of int of shape (n_rows,)
        At most ``(2**n_players - 2) * n_background`` a row.
    """
    n_rows, n_computed = predictions.shape
    coalitions = all_coalitions(model.n_players)
    codes = np.arange(len(coalitions))
    bits = 1 << np.arange(model.n_players)
    values = np.empty((n_rows, model.n_players, n_computed))
    n_evaluations = np.empty(n_rows, dtype=int)
    for i in range(n_rows):
        row = _safe_indexing(rows, [i])
        differing = model.differing(row)[0] @ bits  # (n_background,)
        # Of a coalition only the differing players count: others look it up.
        effective = codes & differing[:, None]
        games = np.where(
            (effective == 0)[..., None], model.background_outputs[:, None], predictions[i]
        )
        ask_background, ask_code = np.nonzero(
            (effective == codes) & (codes > 0) & (codes != differing[:, None])
        )
        games[ask_background, ask_code] = model.evaluate(
            row, np.zeros(len(ask_code), dtype=int), ask_background, coalitions[ask_code]
        )
        games = np.take_along_axis(games, effective[..., None], axis=1)
        values[i] = shapley_from_coalitions(games.mean(0))
        n_evaluations[i] = len(ask_code)
    return values, n_evaluations
