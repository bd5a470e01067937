"""What MetaExplainer asks about explained rows, and what the answers show."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from joblib import Parallel, delayed
from sklearn.utils import _safe_indexing

from sklearn_metaexplain._progress import progress_bar
from sklearn_metaexplain.exceptions import ToleranceWarning
from sklearn_metaexplain.masking import MaskedModel
from sklearn_metaexplain.masking._probes import Probes, draw_row_probes
from sklearn_metaexplain.posthoc._support import deal_by_name
from sklearn_metaexplain.posthoc._surrogate import Explained, OwnEvaluations, TaskSurrogate
from sklearn_metaexplain.shapley._deviation import n_judged, share_of_std, surprise
from sklearn_metaexplain.shapley._error import estimate_error, raw_error
from sklearn_metaexplain.shapley._gp import Reading
from sklearn_metaexplain.shapley._selection import Pool, RowPosterior, make_pool
from sklearn_metaexplain.shapley._stack import shrink_std

# Of each pool at most so many are asked: the more there is to choose from, the more each tells.
_POOL, _CHOSEN = 512, 128
# Candidates are explained against every background row; of very many, all candidates are asked.
_MANY_BACKGROUNDS = 500


class Goal(NamedTuple):
    """The expected relative squared error at which a row has had enough evaluations."""

    tol: float
    residual: float  # share of the outputs' variance that is missed in evaluations held out
    calibration: Mapping[str, Any]

    def expected(self, values: np.ndarray, std: np.ndarray, before: np.ndarray) -> float:
        """Relative squared error that is expected of one row.

        With no evaluations it is what calibration says of tasks. Once these have taken as much
        of the variance as they do in calibration it is what that says of rows that were asked
        about, and in between it is in between.

        Parameters
        ----------
        values, std : ndarray of shape (1, n_players, n_outputs)
            As they are after some evaluations.
        before : ndarray of shape (1, n_players, n_outputs)
            Standard deviations without any.
        """
        evidence = {"raw": raw_error(values, std), "residual": self.residual}
        first, last = (
            estimate_error(evidence, self.calibration.get(name))[0] for name in ("task", "row")
        )
        variance = float(np.square(before).sum())
        if not self.calibration or variance <= 0 or min(first, last) <= 0:
            return last
        taken = 1 - float(np.square(std).sum()) / variance
        asked = min(1.0, max(0.0, taken) / self.calibration["usually_taken"])
        return first ** (1 - asked) * last**asked

    def is_met(self, values: np.ndarray, std: np.ndarray, before: np.ndarray) -> bool:
        """Whether values of one row are expected to be good enough."""
        return self.expected(values, std, before) <= self.tol


class _Plan(NamedTuple):
    posterior: RowPosterior
    probes: Probes
    is_enough: bool  # for the goal, if there is one


def explain_asking(
    model: MaskedModel,
    surrogate: TaskSurrogate,
    X: Any,
    encoded: torch.Tensor,
    predictions: torch.Tensor,
    can_matter: torch.Tensor,
    *,
    budget: int,
    goal: Goal | None = None,
    seed: int,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Explain rows with the help of evaluations of their own.

    What is asked about a row depends on the row and on what was learned at fit alone; a larger
    budget asks all that a smaller one does, and more.

    Parameters
    ----------
    model : MaskedModel
        The model on its background.
    surrogate : TaskSurrogate
        What was learned at fit.
    X : table of shape (n_rows, n_columns)
        Explained rows.
    encoded, predictions, can_matter : tensor
        As of `TaskSurrogate.explain`.
    budget : int
        Most evaluations a row, at least 1.
    goal : Goal or None, default=None
        When a row has had enough. None: when `budget` is spent.
    seed : int
        Seed of what may be asked.
    n_jobs : int or None, default=None
        Threads over rows.
    verbose : int, default=0
        Shows bars if positive.

    Returns
    -------
    values, std : ndarray of shape (n_rows, n_players, n_outputs)
    n_evaluations : ndarray of int of shape (n_rows,)
        At most `budget`: nothing is asked that is known or that could tell nothing.
    """
    rows = (encoded, predictions, can_matter)
    explain = partial(surrogate.explain, *rows, n_jobs=n_jobs, verbose=verbose)
    before = None if goal is None else explain()
    own, n_evaluations, is_enough = ask_about_rows(
        model,
        surrogate,
        X,
        encoded,
        predictions.numpy(),
        budget,
        seed,
        goal,
        before,
        n_jobs=n_jobs,
        verbose=verbose,
    )
    values, std, _ = explain(own=own)
    if goal is not None:
        missed = int((~is_enough).sum())
        if missed:
            warnings.warn(
                f"{missed} of {len(values)} rows are expected to be above tol={goal.tol} after at "
                f"most budget={budget} evaluations each: raise budget or n_support.",
                ToleranceWarning,
                stacklevel=5,
            )
    return values, std, n_evaluations


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
    n_jobs: int | None = None,
    verbose: int = 0,
) -> tuple[OwnEvaluations, np.ndarray, np.ndarray]:
    """Evaluate the hybrids of each row that tell most about its Shapley values.

    Returned are also the numbers of evaluations, and which rows were expected to meet the goal
    when they stopped.
    """
    n_rows = len(predictions)
    size = _POOL if model.n_background <= _MANY_BACKGROUNDS else _CHOSEN
    draws = draw_row_probes(
        np.random.RandomState(seed),
        -(-budget // _CHOSEN) * size,
        n_background=model.n_background,
        n_players=model.n_players,
        block=size,
    )
    draws = deal_by_name(draws, model)
    rows_at_once = max(1, model.batch_size // budget)
    parts = []
    n_evaluations = np.empty(n_rows, dtype=int)
    is_enough = np.empty(n_rows, dtype=bool)
    starts = range(0, n_rows, rows_at_once)
    planner = _Planner(surrogate, draws, size)
    for start in progress_bar(starts, desc="ask the model", verbose=verbose, unit="batch"):
        part = slice(start, min(start + rows_at_once, n_rows))
        rows = _safe_indexing(X, np.arange(part.start, part.stop))
        reading = surrogate.stack.process.read(encoded[part], thorough=True)
        differing = model.differing(rows)
        plans = Parallel(n_jobs=n_jobs, prefer="threads")(
            delayed(planner.plan)(
                encoded[start + i],
                reading,
                i,
                differing[i],
                budget,
                goal and before and _stop_at(goal, surrogate, reading, i, before, start + i),
            )
            for i in range(len(reading.rows))
        )
        lengths = np.array([len(plan.probes.rows) for plan in plans])
        n_evaluations[part] = lengths
        is_enough[part] = [plan.is_enough for plan in plans]
        asked = Probes(
            np.repeat(np.arange(len(plans)), lengths),
            np.concatenate([plan.probes.backgrounds for plan in plans]),
            np.concatenate([plan.probes.coalitions for plan in plans]),
        )
        outputs = model.evaluate(rows, *asked) if lengths.sum() else predictions[:0]
        answers = np.split(outputs, np.cumsum(lengths)[:-1])
        parts += [
            planner.conclude(plan, encoded[start + i], predictions[start + i], answers[i])
            for i, plan in enumerate(plans)
        ]
    update, explained, missed = (torch.stack(part) for part in zip(*parts, strict=True))
    n_asked = torch.from_numpy(n_evaluations).to(update)
    return OwnEvaluations(update, explained, n_asked, missed), n_evaluations, is_enough


class _Planner:
    """Chooses hybrids of rows, and reads the model's answers."""

    def __init__(self, surrogate: TaskSurrogate, draws: Probes, size: int) -> None:
        self.surrogate = surrogate
        self.stack = surrogate.stack
        self.blocks = [
            Probes(*(part[start : start + size] for part in draws))
            for start in range(0, len(draws.rows), size)
        ]
        self.pools: list[Pool] = [
            make_pool(
                self.stack.process,
                self.stack.background,
                self.stack.player_of_column,
                block.coalitions,
                block.backgrounds,
            )
            for block in self.blocks
        ]

    def plan(
        self,
        row: torch.Tensor,
        reading: Reading,
        i: int,
        differing: np.ndarray,
        budget: int,
        is_met: Callable[[np.ndarray, np.ndarray, np.ndarray], bool] | None,
    ) -> _Plan:
        """Choose what to ask about a row, without asking.

        `is_met` is given the variances that the row's output explains, those explained now, and
        how far off the evaluations that explain them are expected to be.
        """
        posterior = RowPosterior(self.stack.process, reading, i)
        enough = None if is_met is None else partial(is_met, posterior.explained)
        chosen: list[Probes] = []
        marks: np.ndarray = np.empty(0)
        for pool, block in zip(self.pools, self.blocks, strict=True):
            moved = differing[block.backgrounds]
            inside = (block.coalitions & moved).any(1)
            outside = (~block.coalitions & moved).any(1)
            # What equals the row or a background row is known.
            usable = inside & outside
            mark = _mark(self.hybrids(row, block))
            first = np.zeros(len(usable), dtype=bool)
            first[np.unique(np.where(usable, mark, np.inf), return_index=True)[1]] = True
            usable &= first & ~np.isin(mark, marks)
            most = min(_CHOSEN, budget - sum(len(part.rows) for part in chosen))
            picked = posterior.choose(pool, usable, most, enough)
            marks = np.concatenate([marks, mark[picked]])
            chosen.append(Probes(*(part[picked] for part in block)))
            if enough is not None and enough(posterior.explained, posterior.deviations):
                break
        met = enough is None or enough(posterior.explained, posterior.deviations)
        return _Plan(posterior, Probes(*map(np.concatenate, zip(*chosen, strict=True))), met)

    def hybrids(self, row: torch.Tensor, probes: Probes) -> torch.Tensor:
        """Return encoded hybrids of a row, (n, m, 2)."""
        inside = torch.from_numpy(probes.coalitions)[:, self.stack.player_of_column, None]
        return torch.where(inside, row, self.stack.background[probes.backgrounds])

    def conclude(
        self, plan: _Plan, row: torch.Tensor, prediction: np.ndarray, outputs: np.ndarray
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Update of a row's Shapley values, the variance explained, and what was still missed."""
        hybrids = torch.cat([row[None], self.hybrids(row, plan.probes)])
        known = torch.from_numpy(np.concatenate([prediction[None], outputs]))
        misfit = self.surrogate.standardise(known) - self.stack.predict(hybrids)
        off = plan.posterior.innovations(misfit).square()
        missed = off[len(off) - n_judged(len(off)) :].sum(0)
        return plan.posterior.update(misfit), torch.from_numpy(plan.posterior.explained), missed


def _stop_at(
    goal: Goal,
    surrogate: TaskSurrogate,
    reading: Reading,
    i: int,
    before: Explained,
    row: int,
) -> Callable[[np.ndarray, np.ndarray, np.ndarray], bool]:
    """Whether explained variances bring a row's expected error down to the goal.

    `before` has the values and deviations of all rows without evaluations.
    """
    process, n_support = surrogate.stack.process, len(surrogate.stack.residuals)
    prior = process.shapley_std(Reading(*(part[i : i + 1] for part in reading)))
    values, std = before.values[[row]], before.std[[row]]
    residual = surrogate.stack.residuals.square().mean(0)
    # The stack is off by less than the process, which tells how much less it will be.
    scale = residual * process.variance_scale
    scale = scale / process.loo_residuals.square().mean(0).clamp_min(1e-300)

    def is_met(first: np.ndarray, now: np.ndarray, deviations: np.ndarray) -> bool:
        left, least = (
            shrink_std(prior, torch.from_numpy(explained)[None], process.variance_scale)
            for explained in (first, now)
        )
        n_asked, n_last = len(deviations), n_judged(len(deviations))
        missed = scale * float(np.square(deviations[n_asked - n_last :]).sum())
        expected = surprise(missed[None], n_last, residual)
        share = share_of_std(left, least, n_support, n_asked, expected)
        return goal.is_met(values, std * share.numpy(), std)

    return is_met


def _mark(hybrids: torch.Tensor) -> np.ndarray:
    """A number for each hybrid; equal ones have the same."""
    flat = hybrids.flatten(1)
    return (flat * torch.sin(torch.arange(1, flat.shape[1] + 1, dtype=flat.dtype))).sum(1).numpy()
