"""An explained row as a cooperative game that remembers what it was asked."""

from __future__ import annotations

import numpy as np
from tasks import N_BACKGROUND, SEED, Task


class CoalitionGame:
    """Mean outputs of a row's coalitions on a budget.

    Which background rows a coalition meets is drawn when it is first asked about. The empty and
    the whole coalition are known at no cost.

    Parameters
    ----------
    task : Task
    position : int
        The explained row.
    budget : int
        Evaluations.
    whole : bool
        Whether a coalition meets the whole background; else one row of it, or more where
        coalitions are fewer than evaluations.

    Attributes
    ----------
    n_coalitions : int
        So many can be asked about.
    asked : int
        Evaluations that were made.
    """

    def __init__(self, task: Task, position: int, budget: int, *, whole: bool) -> None:
        self.masked = task.masked
        self.row = task.rows[[position]]
        n_columns = task.rows.shape[1]
        most = budget // N_BACKGROUND if whole else budget
        self.n_coalitions = min(most, 2**n_columns - 2)
        most_each = min(budget, N_BACKGROUND * self.n_coalitions)
        # So many coalitions, of those not asked about yet, meet one background row more.
        self._each, self._more = divmod(most_each, self.n_coalitions)
        if whole:
            self._each, self._more = N_BACKGROUND, 0
        self._open = self.n_coalitions
        self.asked = 0
        self._rng = np.random.RandomState([SEED, position])
        self._known = {
            np.zeros(n_columns, dtype=bool).tobytes(): task.base,
            np.ones(n_columns, dtype=bool).tobytes(): task.predictions[position],
        }

    def __call__(self, coalitions: np.ndarray) -> np.ndarray:
        """Mean outputs, shape (n, n_outputs), of coalitions, shape (n, n_columns)."""
        coalitions = np.atleast_2d(np.asarray(coalitions, dtype=bool))
        keys = [coalition.tobytes() for coalition in coalitions]
        new = {key: at for at, key in enumerate(keys) if key not in self._known}
        if new:
            self._ask(coalitions[list(new.values())], list(new))
        return np.array([self._known[key] for key in keys])

    def _ask(self, coalitions: np.ndarray, keys: list[bytes]) -> None:
        n, n_background = len(coalitions), self.masked.n_background
        if n > self._open:
            raise RuntimeError(f"{n} more coalitions asked about, of {self._open} that are left")
        more = self._rng.permutation(self._open)[:n] < self._more
        self._open, self._more = self._open - n, self._more - int(more.sum())
        counts = self._each + more
        order = self._rng.random_sample((n, n_background)).argsort(1).argsort(1)
        line, background = np.nonzero(order < counts[:, None])
        answers = self.masked.evaluate(
            self.row, np.zeros(len(line), dtype=int), background, coalitions[line]
        )
        self.asked += len(line)
        totals = np.zeros((n, answers.shape[1]))
        np.add.at(totals, line, answers)
        self._known.update(zip(keys, totals / counts[:, None], strict=True))
