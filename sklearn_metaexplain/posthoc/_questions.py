"""What is asked about one row, and what the answers show."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

import numpy as np
import torch

from sklearn_metaexplain.masking._probes import Probes
from sklearn_metaexplain.posthoc._surrogate import TaskSurrogate
from sklearn_metaexplain.shapley._deviation import n_judged
from sklearn_metaexplain.shapley._gp import Reading
from sklearn_metaexplain.shapley._selection import Pool, RowPosterior, make_pool

# So many blocks in turn that bring nothing new show that a row has no more to ask.
_MOST_IDLE = 2


class QuestionPools:
    """Hybrids that may be asked about, the same for every row, in blocks.

    A block is drawn and related to the process when the first row gets to it: with a tolerance
    most rows need the first ones alone, however large their budget.

    Parameters
    ----------
    surrogate : TaskSurrogate
        What was learned at fit.
    draw : callable
        Returns the next block of hybrids, as Probes; blocks are used up in that order.
    n_blocks : int
        How many there are.
    most : int
        How many of a block are asked at most.
    """

    def __init__(
        self, surrogate: TaskSurrogate, draw: Callable[[], Probes], n_blocks: int, most: int
    ) -> None:
        self.surrogate = surrogate
        self.n_blocks = n_blocks
        self.most = most
        self._draw = draw
        self._made: list[tuple[Probes, Pool]] = []
        # Rows are asked about in threads, and what a block holds depends on those before it.
        self._lock = Lock()

    def block(self, k: int) -> tuple[Probes, Pool]:
        """Return a block of hybrids, and how they relate to the process."""
        with self._lock:
            while len(self._made) <= k:
                self._made.append(self._make(self._draw()))
            return self._made[k]

    def _make(self, block: Probes) -> tuple[Probes, Pool]:
        stack = self.surrogate.stack
        return block, make_pool(
            stack.process,
            stack.background,
            stack.player_of_column,
            block.coalitions,
            block.backgrounds,
        )

    def hybrids(self, row: torch.Tensor, probes: Probes) -> torch.Tensor:
        """Return encoded hybrids of a row, (n, m, 2)."""
        stack = self.surrogate.stack
        inside = torch.from_numpy(probes.coalitions)[:, stack.player_of_column, None]
        return torch.where(inside, row, stack.background[probes.backgrounds])


class RowQuestions:
    """Hybrids of one row, chosen in turn, and how far off the model's answers are.

    Parameters
    ----------
    pools : QuestionPools
        What may be asked.
    row : tensor of shape (m, 2)
        The row, encoded.
    prediction : ndarray of shape (n_outputs,)
        The model's output of it.
    reading : Reading
        Of this row and others.
    i : int
        Its position in `reading`.
    differing : ndarray of bool of shape (n_background, n_players)
        Where it differs from the background.

    Attributes
    ----------
    posterior : RowPosterior
        Of all that was chosen.
    innovations : tensor of shape (n_heard, n_outputs)
        How far off each answer was, given those before it.
    move : tensor of shape (n_players, n_outputs)
        What the answers add to the Shapley values, beyond what the row's own output does.
    left : tensor of shape (n_outputs,)
        The most that an answer, or the row's output, is off by once all are known: what the process
        is sure of it takes for noise, however far off it is.
    """

    def __init__(
        self,
        pools: QuestionPools,
        row: torch.Tensor,
        prediction: np.ndarray,
        reading: Reading,
        i: int,
        differing: np.ndarray,
    ) -> None:
        self._pools, self._row, self._differing = pools, row, differing
        self._prediction = prediction
        self.posterior = RowPosterior(pools.surrogate.stack.process, reading, i)
        self._misfit = row.new_empty(0, len(prediction))
        self.innovations = self._misfit
        self.move = row.new_zeros(len(self.posterior.gains), len(prediction))
        self.left = row.new_zeros(len(prediction))
        self._heard: list[tuple[Probes, np.ndarray]] = []
        self._block, self._n_of_block, self._n_idle = 0, 0, 0
        self._usable: np.ndarray | None = None
        self._marks: np.ndarray = np.empty(0)

    @property
    def n_asked(self) -> int:
        return self.posterior.n_asked

    @property
    def is_exhausted(self) -> bool:
        """Whether nothing is left that could be asked, as far as blocks go to show."""
        return self._block == self._pools.n_blocks or self._n_idle == _MOST_IDLE

    def choose(
        self, budget: int, enough: Callable[[np.ndarray, np.ndarray], bool] | None = None
    ) -> Probes:
        """Choose what to ask next, without asking.

        Parameters
        ----------
        budget : int
            Most evaluations of the row, earlier ones included.
        enough : callable, default=None
            As of `RowPosterior.choose`.
        """
        posterior = self.posterior
        chosen: list[Probes] = []
        while not self.is_exhausted:
            block, pool = self._pools.block(self._block)
            if self._usable is None:
                self._usable = self._usable_of(block)
            most = min(self._pools.most - self._n_of_block, budget - self.n_asked)
            picked = posterior.choose(pool, self._usable, most, enough)
            self._usable[picked] = False
            self._n_of_block += len(picked)
            probes = Probes(*(part[picked] for part in block))
            self._marks = np.concatenate([self._marks, self._mark(probes)])
            chosen.append(probes)
            if self.n_asked >= budget:
                break
            if enough is not None and enough(posterior.explained, posterior.deviations):
                break
            self._n_idle = 0 if self._n_of_block else self._n_idle + 1
            self._block, self._n_of_block, self._usable = self._block + 1, 0, None
        return Probes(*map(np.concatenate, zip(*chosen, strict=True)))

    def hear(self, probes: Probes, outputs: np.ndarray) -> None:
        """Take the model's outputs of the hybrids chosen last."""
        self._heard.append((probes, outputs))
        hybrids = self._pools.hybrids(self._row, probes)
        if len(self._misfit) == 0:
            # The row itself comes first.
            hybrids = torch.cat([self._row[None], hybrids])
            outputs = np.concatenate([self._prediction[None], outputs])
        surrogate = self._pools.surrogate
        known = surrogate.standardise(torch.from_numpy(outputs))
        self._misfit = torch.cat([self._misfit, known - surrogate.stack.predict(hybrids)])
        self.innovations = self.posterior.innovations(self._misfit)
        self.move = self.posterior.update(self._misfit, first=1)
        self.left = self.posterior.left(self._misfit).abs().amax(0)

    def recall(self) -> tuple[Probes, np.ndarray]:
        """Return all that was asked, and the model's outputs."""
        probes, outputs = zip(*self._heard, strict=True)
        return Probes(*map(np.concatenate, zip(*probes, strict=True))), np.concatenate(outputs)

    def conclude(self) -> tuple[torch.Tensor, ...]:
        """Update of the row's Shapley values, variance explained, what was missed, `move`, `left`.

        Something must have been heard, if only that nothing is left to ask.
        """
        last = self.innovations[len(self.innovations) - n_judged(len(self.innovations)) :]
        return (
            self.posterior.update(self._misfit),
            torch.from_numpy(self.posterior.explained),
            last.square().sum(0),
            self.move,
            self.left,
        )

    def _usable_of(self, block: Probes) -> np.ndarray:
        """Which of a block are hybrids that are not known yet."""
        moved = self._differing[block.backgrounds]
        # What equals the row or a background row is known.
        usable = (block.coalitions & moved).any(1) & (~block.coalitions & moved).any(1)
        mark = self._mark(block)
        first = np.zeros(len(usable), dtype=bool)
        first[np.unique(np.where(usable, mark, np.inf), return_index=True)[1]] = True
        return usable & first & ~np.isin(mark, self._marks)

    def _mark(self, probes: Probes) -> np.ndarray:
        """A number for each hybrid; equal ones have the same."""
        flat = self._pools.hybrids(self._row, probes).flatten(1)
        waves = torch.sin(torch.arange(1, flat.shape[1] + 1, dtype=flat.dtype))
        return (flat * waves).sum(1).numpy()
