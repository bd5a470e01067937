"""Episodes: prior tasks with the evaluations an explainer would see, and the truth."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.utils.data import get_worker_info

from sklearn_metaexplain._encoder import TableEncoder
from sklearn_metaexplain.masking._probes import draw_probes
from sklearn_metaexplain.prior import Task, sample_task
from sklearn_metaexplain.shapley._enumeration import (
    all_coalitions,
    shapley_from_coalitions,
    walk_shapley,
)

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

    @property
    def n_players(self) -> int:
        return self.values.shape[1]


def draw_episode(
    rng: np.random.Generator,
    *,
    n_columns: int | None = None,
    n_support: int | None = None,
    max_support: int = 512,
    n_query: int = 6,
    n_background: int = 8,
    families: tuple[str, ...] | None = None,
) -> Episode:
    """Draw a prior task and evaluate it.

    Parameters
    ----------
    rng : numpy Generator
        Source of randomness.
    n_columns : int or None
        Columns of the table. None: 2 to 24, log-uniform.
    n_support : int or None
        Evaluated rows, background included. None: 64 to `max_support`, log-uniform.
    max_support : int, default=512
        Most evaluated rows.
    n_query : int, default=6
        Rows with known Shapley values: exact up to 8 columns, 32 antithetic walks a
        background row beyond.
    n_background : int, default=8
        Background rows.
    families : tuple of str or None
        Families of models.
    """
    if n_columns is None:
        n_columns = round(np.exp(rng.uniform(np.log(2), np.log(24.5))))
    if n_support is None:
        n_support = int(np.exp(rng.uniform(np.log(64), np.log(max_support))))
    while True:
        # A walk over an overflowing random function is no fault of the user's.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            task = sample_task(rng, n_columns=n_columns, families=families)
            episode = _evaluate(rng, task, n_support, n_query, n_background)
        if episode is not None:
            return episode


def _evaluate(
    rng: np.random.Generator, task: Task, n_support: int, n_query: int, n_background: int
) -> Episode | None:
    table = task.table
    n_rows, n_players = table.shape
    shuffled = rng.permutation(n_rows)
    background = table[shuffled[:n_background]]
    query = table[shuffled[-n_query:]]
    state = np.random.RandomState(rng.integers(2**31))
    probes = draw_probes(
        state,
        n_support - n_background,
        n_rows=n_rows,
        n_background=n_background,
        n_players=n_players,
    )
    hybrids = np.where(probes.coalitions, table[probes.rows], background[probes.backgrounds])
    support = np.concatenate([background, hybrids])[rng.permutation(n_support)]
    outputs = task.model(support)
    center, spread = outputs.mean(), outputs.std()
    if not spread > 1e-6 * max(1.0, abs(center)):
        return None

    def evaluate(rows: np.ndarray, backgrounds: np.ndarray, mask: np.ndarray) -> np.ndarray:
        return (task.model(np.where(mask, query[rows], background[backgrounds])) - center) / spread

    if n_players <= _MAX_ENUMERATED:
        coalitions = all_coalitions(n_players)
        rows, backgrounds, sets = np.indices((n_query, n_background, len(coalitions))).reshape(
            3, -1
        )
        games = evaluate(rows, backgrounds, coalitions[sets])
        games = games.reshape(n_query, n_background, -1).mean(1)
        values = shapley_from_coalitions(games.T).T
    else:
        values = walk_shapley(
            rng,
            evaluate,
            n_rows=n_query,
            n_background=n_background,
            n_players=n_players,
            n_walks=32,
        )
    encoder = TableEncoder().fit(table)

    def encode(rows: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(encoder.encode(encoder.code(rows))).float()

    same = (query[:, None] == background) | (np.isnan(query)[:, None] & np.isnan(background))
    return Episode(
        support=encode(support),
        outputs=torch.from_numpy((outputs - center) / spread).float(),
        query=encode(query),
        background=encode(background),
        values=torch.from_numpy(values).float(),
        base=torch.tensor((task.model(background).mean() - center) / spread).float(),
        gap=torch.from_numpy(values.sum(1)).float(),
        can_matter=torch.from_numpy(~same.all(1)),
        player_of_column=torch.from_numpy(encoder.source_),
        family=task.family,
    )


class TaskStream:
    """An endless, seeded stream of lists of episodes, one list a training step.

    Parameters
    ----------
    draw : callable
        ``draw(rng)`` gives an episode.
    seed : int
        Seed of the stream.
    n_steps : int
        Number of steps.
    batch_size : int
        Episodes a step.
    start : int, default=0
        Number of the first step, so that resumed training goes on where it stopped.
    """

    def __init__(
        self,
        draw: Callable[[np.random.Generator], Any],
        *,
        seed: int,
        n_steps: int,
        batch_size: int,
        start: int = 0,
    ) -> None:
        self.draw = draw
        self.seed, self.start, self.n_steps, self.batch_size = seed, start, n_steps, batch_size

    def __len__(self) -> int:
        return self.n_steps

    def __iter__(self) -> Iterator[list[Any]]:
        worker = get_worker_info()
        first, stride = (0, 1) if worker is None else (worker.id, worker.num_workers)
        for step in range(self.start + first, self.start + self.n_steps, stride):
            rng = np.random.default_rng([self.seed, step])
            yield [self.draw(rng) for _ in range(self.batch_size)]


class EpisodeStream(TaskStream):
    """The stream of explainers' episodes.

    Parameters
    ----------
    seed, n_steps, batch_size, start : int
        As in `TaskStream`.
    max_support : int, default=512
        Most evaluated rows of an episode.
    """

    def __init__(
        self, *, seed: int, n_steps: int, batch_size: int, start: int = 0, max_support: int = 512
    ) -> None:
        super().__init__(
            partial(draw_episode, max_support=max_support),
            seed=seed,
            n_steps=n_steps,
            batch_size=batch_size,
            start=start,
        )
