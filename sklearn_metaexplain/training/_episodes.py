"""Episodes: prior tasks with the evaluations an explainer would see, and the truth."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from torch.utils.data import get_worker_info

from sklearn_metaexplain.prior import sample_task
from sklearn_metaexplain.training._evaluated_model import Episode, evaluate_model

# Fewer rows make no table of the prior.
_LEAST_TABLE = 16


def draw_episode(
    rng: np.random.Generator,
    *,
    n_columns: int | None = None,
    n_support: int | None = None,
    max_support: int = 512,
    n_query: int = 6,
    n_background: int = 8,
    families: tuple[str, ...] | None = None,
    n_rows: int = 256,
    hybrids: bool = True,
    mixed_share: float = 0.0,
) -> Episode:
    """Draw a prior task and evaluate it.

    Parameters
    ----------
    rng : numpy Generator
        Source of randomness.
    n_columns : int or None, default=None
        Columns of the table. None: 2 to 24, log-uniform; 2 to 12 of a table with categories.
    n_support : int or None, default=None
        Evaluated rows, background included. None: 64 to `max_support`, log-uniform.
    max_support : int, default=512
        Most evaluated rows.
    n_query : int, default=6
        Rows with known Shapley values: exact up to 8 columns, 32 antithetic walks a
        background row beyond.
    n_background : int, default=8
        Background rows.
    families : tuple of str or None, default=None
        Families of models.
    n_rows : int, default=256
        Rows of the table.
    hybrids : bool, default=True
        False: the evaluated rows are rows of the table as they are, `n_rows` of them at most.
    mixed_share : float, default=0.0
        How likely some of the columns are of categories.
    """
    is_mixed = mixed_share > 0 and rng.random() < mixed_share
    if n_columns is None:
        # Categories take several encoded columns each.
        most = 12.5 if is_mixed else 24.5
        n_columns = round(np.exp(rng.uniform(np.log(2), np.log(most))))
    if n_support is None:
        n_support = int(np.exp(rng.uniform(np.log(64), np.log(max_support))))
    while True:
        # A walk over an overflowing random function is no fault of the user's.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            task = sample_task(
                rng,
                n_columns=n_columns,
                n_rows=max(n_rows, _LEAST_TABLE),
                families=families,
                categories=is_mixed,
            )
            episode = evaluate_model(
                rng,
                task.table[:n_rows],
                task.model,
                n_support=n_support,
                n_query=n_query,
                n_background=n_background,
                family=task.family,
                hybrids=hybrids,
                probabilities=task.probabilities,
            )
        if episode is not None:
            return episode


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
    stop : int, default=None
        Number of the step before which the stream ends, wherever it starts. None: nowhere.
    """

    def __init__(
        self,
        draw: Callable[[np.random.Generator], Any],
        *,
        seed: int,
        n_steps: int,
        batch_size: int,
        start: int = 0,
        stop: int | None = None,
    ) -> None:
        self.draw, self.stop = draw, stop
        self.seed, self.start, self.n_steps, self.batch_size = seed, start, n_steps, batch_size

    def __len__(self) -> int:
        return self.n_steps

    def __iter__(self) -> Iterator[list[Any]]:
        worker = get_worker_info()
        first, stride = (0, 1) if worker is None else (worker.id, worker.num_workers)
        stop = self.start + self.n_steps
        if self.stop is not None:
            stop = min(stop, self.stop)
        for step in range(self.start + first, stop, stride):
            rng = np.random.default_rng([self.seed, step])
            yield [self.draw(rng) for _ in range(self.batch_size)]


class EpisodeStream(TaskStream):
    """The stream of explainers' episodes.

    Parameters
    ----------
    seed, n_steps, batch_size, start : int
        As in `TaskStream`.
    max_support, n_query, mixed_share
        As in `draw_episode`.
    """

    def __init__(
        self,
        *,
        seed: int,
        n_steps: int,
        batch_size: int,
        start: int = 0,
        max_support: int = 512,
        n_query: int = 6,
        mixed_share: float = 0.0,
    ) -> None:
        super().__init__(
            partial(
                draw_episode, max_support=max_support, n_query=n_query, mixed_share=mixed_share
            ),
            seed=seed,
            n_steps=n_steps,
            batch_size=batch_size,
            start=start,
        )
