"""What MetaExplainer asks about explained rows, and what the answers show."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from joblib import Parallel, delayed
from sklearn.utils import _safe_indexing

from sklearn_metaexplain._progress import progress_bar
from sklearn_metaexplain.masking import MaskedModel
from sklearn_metaexplain.masking._probes import Probes, draw_row_probes
from sklearn_metaexplain.posthoc._promise import Goal, Promise
from sklearn_metaexplain.posthoc._questions import QuestionPools, RowQuestions
from sklearn_metaexplain.posthoc._support import deal_by_name
from sklearn_metaexplain.posthoc._surrogate import Explained, OwnEvaluations, TaskSurrogate
from sklearn_metaexplain.shapley._deviation import OwnErrors
from sklearn_metaexplain.shapley._gp import Reading

# Of each pool at most so many are asked: the more there is to choose from, the more each tells.
_POOL, _CHOSEN = 512, 128
# Candidates are explained against every background row; of very many, all candidates are asked.
_MANY_BACKGROUNDS = 500
# Numbers that relate rows to a process and are held at once.
_MOST_READ = 2**20
# A round of questions about a row takes it to at least so many times those before.
_ROUND_GROWS = 1.25


class Asked(NamedTuple):
    """What was asked about rows, and what it showed."""

    own: OwnEvaluations
    n_evaluations: np.ndarray  # (n_rows,)
    is_enough: np.ndarray  # (n_rows,), bool, whether they were expected to meet the goal
    heard: list[tuple[Probes, np.ndarray] | None]  # what was asked of a row, and the outputs


def ask_about_rows(
    model: MaskedModel,
    surrogate: TaskSurrogate,
    X: Any,
    encoded: torch.Tensor,
    predictions: np.ndarray,
    budget: int,
    seed: int,
    goal: Goal | None = None,
    before: Explained | None = None,
    *,
    keep: np.ndarray | None = None,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> Asked:
    """Evaluate the hybrids of each row that tell most about its Shapley values.

    Parameters
    ----------
    model : MaskedModel
        The model on its background; of players that are known not to matter nothing is asked.
    surrogate : TaskSurrogate
        What was learned at fit.
    X : table of shape (n_rows, n_columns)
        Rows.
    encoded, predictions : tensor, ndarray
        As of `TaskSurrogate.explain`.
    budget : int
        Most evaluations a row, at least 1.
    seed : int
        Seed of what may be asked.
    goal : Goal or None, default=None
        When a row has had enough. None: when `budget` is spent.
    before : Explained, default=None
        The rows without evaluations, where there is a goal.
    keep : ndarray of bool of shape (n_rows,), default=None
        Rows of which it is kept what was asked, unless it was enough. None: none.
    n_jobs : int or None, default=None
        Threads over rows.
    verbose : int, default=0
        Shows bars if positive.
    """
    n_rows = len(predictions)
    size = _POOL if model.n_background <= _MANY_BACKGROUNDS else _CHOSEN
    rng = np.random.RandomState(seed)

    def draw() -> Probes:
        probes = draw_row_probes(
            rng, size, n_background=model.n_background, n_players=model.n_players, block=size
        )
        return deal_by_name(probes, model)

    n_read = model.n_players * len(surrogate.stack.process.inducing)
    rows_at_once = max(1, min(model.batch_size // budget, _MOST_READ // n_read))
    pools = QuestionPools(surrogate, draw, -(-budget // _CHOSEN), _CHOSEN)
    keep = np.zeros(n_rows, dtype=bool) if keep is None else keep
    heard: list[tuple[Probes, np.ndarray] | None] = []
    told: list[tuple[torch.Tensor, ...]] = []
    n_evaluations = np.empty(n_rows, dtype=int)
    is_enough = np.empty(n_rows, dtype=bool)
    starts = range(0, n_rows, rows_at_once)
    for start in progress_bar(starts, desc="ask the model", verbose=verbose, unit="batch"):
        part = slice(start, min(start + rows_at_once, n_rows))
        rows = _safe_indexing(X, np.arange(part.start, part.stop))
        promise = None
        if goal is not None and before is not None:
            known = Explained(*(own[part] for own in before))
            promise = partial(Promise, goal, surrogate, known)
        asking = _ask_together(
            model, pools, rows, encoded[part], predictions[part], budget, promise, n_jobs
        )
        n_evaluations[part] = [one.questions.n_asked for one in asking]
        is_enough[part] = [one.is_enough for one in asking]
        told += [one.questions.conclude() for one in asking]
        heard += [
            one.questions.recall() if kept and not one.is_enough else None
            for one, kept in zip(asking, keep[part], strict=True)
        ]
    update, explained, missed, move, left = (torch.stack(part) for part in zip(*told, strict=True))
    errors = OwnErrors(torch.from_numpy(n_evaluations).to(update), missed, move)
    own = OwnEvaluations(update, explained, errors, left)
    return Asked(own, n_evaluations, is_enough, heard)


def _ask_together(
    model: MaskedModel,
    pools: QuestionPools,
    rows: Any,
    encoded: torch.Tensor,
    predictions: np.ndarray,
    budget: int,
    promise: Callable[[Reading, int], Promise] | None,
    n_jobs: int | None,
) -> list[_Asking]:
    """Ask about some rows, round by round."""
    reading = pools.surrogate.stack.process.read(encoded, thorough=True)
    differing = model.differing(rows)

    def begin(i: int) -> _Asking:
        questions = RowQuestions(pools, encoded[i], predictions[i], reading, i, differing[i])
        return _Asking(questions, None if promise is None else promise(reading, i))

    parallel = Parallel(n_jobs=n_jobs, require="sharedmem")
    asking = parallel(delayed(begin)(i) for i in range(len(encoded)))
    still = list(range(len(asking)))
    while still:
        probes = parallel(delayed(asking[i].choose)(budget) for i in still)
        answers = _evaluate(model, rows, still, probes, predictions[:0])
        heard = zip(still, probes, answers, strict=True)
        parallel(delayed(asking[i].questions.hear)(*answer) for i, *answer in heard)
        still = [i for i in still if asking[i].goes_on(budget)]
    return asking


def _evaluate(
    model: MaskedModel,
    rows: Any,
    positions: Sequence[int],
    probes: Sequence[Probes],
    nothing: np.ndarray,
) -> list[np.ndarray]:
    """The model's outputs of hybrids of some of the rows, row by row; `nothing` of none."""
    lengths = [len(asked.rows) for asked in probes]
    asked = Probes(
        np.repeat(positions, lengths),
        np.concatenate([asked.backgrounds for asked in probes]),
        np.concatenate([asked.coalitions for asked in probes]),
    )
    if not any(lengths):
        return [nothing] * len(probes)
    return np.split(model.evaluate(rows, *asked), np.cumsum(lengths)[:-1])


class _Asking:
    """Rounds of questions about a row: without a promise one, else until it is kept."""

    def __init__(self, questions: RowQuestions, promise: Promise | None) -> None:
        self.questions = questions
        self._promise = promise

    @property
    def is_enough(self) -> bool:
        """Whether the promise is kept, if there is one."""
        posterior = self.questions.posterior
        return self._promise is None or self._promise.is_kept(
            self.questions, posterior.explained, posterior.deviations
        )

    def choose(self, budget: int) -> Probes:
        """Choose what to ask in the next round."""
        promise, questions = self._promise, self.questions
        if promise is None:
            return questions.choose(budget)
        # Rounds grow, so that there are few.
        least = math.ceil(_ROUND_GROWS * questions.n_asked)

        def enough(explained: np.ndarray, deviations: np.ndarray) -> bool:
            return len(deviations) >= least and promise.is_kept(questions, explained, deviations)

        return questions.choose(budget, enough)

    def goes_on(self, budget: int) -> bool:
        """Whether there is another round."""
        if self._promise is None or self.questions.is_exhausted:
            return False
        return self.questions.n_asked < budget and not self.is_enough
