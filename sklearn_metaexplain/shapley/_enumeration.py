"""Exact Shapley values by evaluating every coalition."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from sklearn.utils import _safe_indexing

from sklearn_metaexplain.masking import MaskedModel
from sklearn_metaexplain.masking._probes import Probes
from sklearn_metaexplain.shapley._weights import shapley_matrix

# Numbers that are held at once for several rows.
_MOST_CELLS = 2**22


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


def can_enumerate(model: MaskedModel, rows: Any, budget: int) -> np.ndarray:
    """Rows of which so many evaluations are enough for `enumerate_shapley`.

    Parameters
    ----------
    model : MaskedModel
        Model and background.
    rows : table of shape (n_rows, n_columns)
        Rows to explain.
    budget : int
        Evaluations a row.

    Returns
    -------
    ndarray of bool of shape (n_rows,)
        False also where the coalitions of all columns that count for some background row or other
        are far more than that, and would not fit into memory.
    """
    can = np.empty(rows.shape[0], dtype=bool)
    most = max(_MOST_CELLS, 2 * budget)
    at_once = max(1, _MOST_CELLS // (model.n_background * model.n_players))
    for start in range(0, len(can), at_once):
        part = np.arange(start, min(start + at_once, len(can)))
        differing = model.differing(_safe_indexing(rows, part))
        asked = (_n_coalitions(differing.sum(2).clip(1)) - 2).sum(1)
        held = _n_coalitions(differing.any(1).sum(1)) * model.n_background
        can[part] = (asked <= budget) & (held <= most)
    return can


def _n_coalitions(n_players: np.ndarray) -> np.ndarray:
    """Coalitions of so many players, at most 2**62."""
    return np.exp2(n_players.clip(max=62))


def enumerate_shapley(
    model: MaskedModel,
    rows: Any,
    predictions: np.ndarray,
    known: Sequence[tuple[Probes, np.ndarray]] | None = None,
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
    known : sequence of (Probes, ndarray), default=None
        Hybrids of each row whose outputs, (n, n_computed), are known: they are not asked about
        again.

    Returns
    -------
    values : ndarray of shape (n_rows, n_players, n_computed)
    n_evaluations : ndarray of int of shape (n_rows,)
        At most ``(2**n_players - 2) * n_background`` a row.
    """
    n_rows, n_computed = predictions.shape
    values = np.zeros((n_rows, model.n_players, n_computed))
    n_evaluations = np.zeros(n_rows, dtype=int)
    waiting: list[_Game] = []
    n_cells = n_missing = 0
    for i in range(n_rows):
        differing = model.differing(_safe_indexing(rows, [i]))[0]
        game = _Game(model, differing, predictions[i], i)
        if known is not None:
            game.hear(*known[i])
        n_evaluations[i] = game.n_missing
        waiting.append(game)
        n_cells, n_missing = n_cells + game.outputs.size, n_missing + game.n_missing
        # Rows are asked about together, for a model answers a few as slowly as many.
        if i + 1 == n_rows or n_cells > _MOST_CELLS or n_missing >= model.batch_size:
            for game, answers in zip(waiting, _ask(model, rows, waiting), strict=True):
                values[game.i, game.players] = game.shapley(answers)
            waiting, n_cells, n_missing = [], 0, 0
    return values, n_evaluations


class _Game:
    """The coalitions of one row's players and every background row.

    Parameters
    ----------
    model : MaskedModel
        Model and background.
    differing : ndarray of bool of shape (n_background, n_players)
        Where the row differs.
    prediction : ndarray of shape (n_computed,)
        The row's output.
    i : int
        Its position.
    """

    def __init__(
        self, model: MaskedModel, differing: np.ndarray, prediction: np.ndarray, i: int
    ) -> None:
        self.i = i
        self.players = np.flatnonzero(differing.any(0))
        self._bits = 1 << np.arange(len(self.players))
        self._differing = differing[:, self.players] @ self._bits  # (n_background,)
        self._codes = np.arange(1 << len(self.players))
        # Of a coalition only the differing players count: others look it up.
        self._effective = self._codes & self._differing[:, None]
        self.outputs = np.where(
            (self._effective == 0)[..., None], model.background_outputs[:, None], prediction
        )
        self._missing = (
            (self._effective == self._codes)
            & (self._codes > 0)
            & (self._codes != self._differing[:, None])
        )

    @property
    def n_missing(self) -> int:
        """Hybrids whose output is not known."""
        return int(self._missing.sum())

    def hear(self, probes: Probes, outputs: np.ndarray) -> None:
        """Take outputs of hybrids of the row."""
        backgrounds = probes.backgrounds
        codes = probes.coalitions[:, self.players] @ self._bits & self._differing[backgrounds]
        self.outputs[backgrounds, codes] = outputs
        self._missing[backgrounds, codes] = False

    def questions(self, n_players: int) -> Probes:
        """Hybrids whose output is not known."""
        backgrounds, codes = np.nonzero(self._missing)
        coalitions = np.zeros((len(codes), n_players), dtype=bool)
        coalitions[:, self.players] = all_coalitions(len(self.players))[codes]
        return Probes(np.full(len(codes), self.i), backgrounds, coalitions)

    def shapley(self, answers: np.ndarray) -> np.ndarray:
        """Shapley values of `players`, given the outputs of `questions`."""
        self.outputs[self._missing] = answers
        if len(self.players) == 0:
            return answers
        games = np.take_along_axis(self.outputs, self._effective[..., None], axis=1)
        return shapley_from_coalitions(games.mean(0))


def _ask(model: MaskedModel, rows: Any, games: Sequence[_Game]) -> list[np.ndarray]:
    """The model's outputs of what is not known of games, one after the other."""
    first, last = games[0].i, games[-1].i
    questions = [game.questions(model.n_players) for game in games]
    positions, backgrounds, coalitions = map(np.concatenate, zip(*questions, strict=True))
    part = _safe_indexing(rows, np.arange(first, last + 1))
    outputs = model.evaluate(part, positions - first, backgrounds, coalitions)
    return np.split(outputs, np.cumsum([len(one.rows) for one in questions])[:-1])
