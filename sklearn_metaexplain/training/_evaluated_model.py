"""What an explainer would see of a model, with the truth."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch

from sklearn_metaexplain._encoder import TableEncoder
from sklearn_metaexplain._own_rows import OwnRows
from sklearn_metaexplain.masking import RowPool
from sklearn_metaexplain.masking._probes import draw_probes
from sklearn_metaexplain.shapley._enumeration import (
    all_coalitions,
    shapley_from_coalitions,
    walk_shapley,
)

#: Standard deviation of outputs that vary, in parts of the largest of them.
LEAST_SPREAD = 1e-6

_MAX_ENUMERATED = 8


class Episode(NamedTuple):
    """One task: support (evaluated hybrids) and query (rows with known Shapley values)."""

    support: torch.Tensor  # (n_support, m, 2), encoded
    outputs: torch.Tensor  # (n_support,), standardised
    query: torch.Tensor  # (n_query, m, 2), encoded
    background: torch.Tensor  # (n_background, m, 2), encoded
    values: torch.Tensor  # (n_query, n_players), Shapley values in standardised units
    base: torch.Tensor  # (), the model's mean output on the background
    gap: torch.Tensor  # (n_query,), prediction minus base value
    can_matter: torch.Tensor  # (n_query, n_players), bool
    player_of_column: torch.Tensor  # (m,)
    family: str
    # (2, 1), where 0 and 1 are in standardised units, if outputs are probabilities
    bounds: torch.Tensor | None = None

    @property
    def n_players(self) -> int:
        return self.values.shape[1]


def evaluate_model(
    rng: np.random.Generator,
    table: Any,
    model: Callable[[Any], np.ndarray],
    *,
    n_support: int,
    n_query: int,
    n_background: int,
    family: str,
    hybrids: bool = True,
    probabilities: bool = False,
) -> Episode | None:
    """Evaluate a model on hybrid rows of a table, and find the Shapley values of some rows.

    Parameters
    ----------
    rng : numpy Generator
        Source of randomness.
    table : ndarray or DataFrame of shape (n_rows, n_columns)
        Rows that hybrids are made of.
    model : callable
        Maps tables of this kind to outputs, (n, n_columns) to (n,).
    n_support, n_query, n_background : int
        As in `draw_episode`.
    family : str
        What the episode is called.
    hybrids : bool, default=True
        False: the support is rows of the table as they are, the background among them.
    probabilities : bool, default=False
        Whether the model's outputs are.

    Returns
    -------
    episode : Episode or None
        None if the outputs are (nearly) constant.
    """
    n_rows, n_players = table.shape
    shuffled = rng.permutation(n_rows)
    background, query = shuffled[:n_background], shuffled[-n_query:]
    n_background, n_query = len(background), len(query)
    pool = RowPool(table)

    def mix(rows: np.ndarray, backgrounds: np.ndarray, mask: np.ndarray) -> Any:
        return pool.take(np.where(mask, rows[:, None], background[backgrounds][:, None]))

    if hybrids:
        probes = draw_probes(
            np.random.RandomState(rng.integers(2**31)),
            n_support - n_background,
            n_rows=n_rows,
            n_background=n_background,
            n_players=n_players,
        )
        everything = np.ones((n_background, n_players), dtype=bool)
        rows = np.concatenate([background, probes.rows])
        backgrounds = np.concatenate([np.arange(n_background), probes.backgrounds])
        coalitions = np.concatenate([everything, probes.coalitions])
        order = rng.permutation(n_support)
        support = mix(rows[order], backgrounds[order], coalitions[order])
    else:
        support = pool.rows(rng.permutation(shuffled[:n_support]))
    outputs = model(support)
    center, spread = outputs.mean(), outputs.std()
    if not spread > LEAST_SPREAD * np.abs(outputs).max():
        return None

    def evaluate(rows: np.ndarray, backgrounds: np.ndarray, mask: np.ndarray) -> np.ndarray:
        return (model(mix(query[rows], backgrounds, mask)) - center) / spread

    values = _shapley(rng, evaluate, n_query, n_background, n_players)
    # As explainers of models and of logs do.
    encoder = TableEncoder(further_axes=hybrids).fit(table)
    coded = encoder.code(support)
    reader: TableEncoder | OwnRows
    if hybrids:
        reader = encoder.place_categories(coded, outputs[:, None])
        encoded = encoder.encode(coded)
    else:
        reader = OwnRows(encoder, coded)
        encoded = reader.place(outputs[:, None])

    def encode(rows: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(reader.encode(encoder.code(pool.rows(rows)))).float()

    codes = pool.codes()
    base = model(pool.rows(background)).mean()
    return Episode(
        support=torch.from_numpy(encoded).float(),
        outputs=torch.from_numpy((outputs - center) / spread).float(),
        query=encode(query),
        background=encode(background),
        values=torch.from_numpy(values).float(),
        base=torch.tensor((base - center) / spread).float(),
        gap=torch.from_numpy(values.sum(1)).float(),
        can_matter=torch.from_numpy((codes[query][:, None] != codes[background]).any(1)),
        player_of_column=torch.from_numpy(encoder.source_),
        family=family,
        bounds=(torch.tensor([[0.0], [1.0]]) - center) / spread if probabilities else None,
    )


def _shapley(
    rng: np.random.Generator,
    evaluate: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray],
    n_query: int,
    n_background: int,
    n_players: int,
) -> np.ndarray:
    if n_players > _MAX_ENUMERATED:
        return walk_shapley(
            rng,
            evaluate,
            n_rows=n_query,
            n_background=n_background,
            n_players=n_players,
            n_walks=32,
        )
    coalitions = all_coalitions(n_players)
    rows, backgrounds, sets = np.indices((n_query, n_background, len(coalitions))).reshape(3, -1)
    games = evaluate(rows, backgrounds, coalitions[sets])
    games = games.reshape(n_query, n_background, -1).mean(1)
    return shapley_from_coalitions(games.T).T
