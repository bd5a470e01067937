"""When a row has had enough evaluations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch

from sklearn_metaexplain.posthoc._questions import RowQuestions
from sklearn_metaexplain.posthoc._surrogate import Explained, TaskSurrogate
from sklearn_metaexplain.shapley._deviation import n_judged, share_of_std, surprise
from sklearn_metaexplain.shapley._error import MISSED_SHARES, estimate_error, raw_error
from sklearn_metaexplain.shapley._gp import Reading
from sklearn_metaexplain.shapley._std import shrink_std


class Goal(NamedTuple):
    """The expected relative squared error at which a row has had enough evaluations."""

    tol: float
    evidence: Mapping[str, float]  # of the task, as of `estimate_error`
    calibration: Mapping[str, Any]

    def expected(
        self, values: np.ndarray, std: np.ndarray, before: np.ndarray, unusual: np.ndarray
    ) -> float:
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
        unusual : ndarray of shape (1, n_outputs)
            How much more is missed of the row than of any evaluation held out, standardised.
        """
        excess = float(np.square(unusual).mean())
        evidence = {
            name: max(seen, excess) if name in MISSED_SHARES else seen
            for name, seen in self.evidence.items()
        }
        evidence["raw"] = raw_error(values, std)
        first, last = (
            estimate_error(evidence, self.calibration.get(name))[0] for name in ("task", "row")
        )
        if not self.calibration or not before.any() or min(first, last) <= 0:
            return last
        taken = 1 - raw_error(before, std)
        asked = min(1.0, max(0.0, taken) / self.calibration["usually_taken"])
        return first ** (1 - asked) * last**asked

    def is_met(
        self, values: np.ndarray, std: np.ndarray, before: np.ndarray, unusual: np.ndarray
    ) -> bool:
        """Whether values of one row are expected to be good enough."""
        return self.expected(values, std, before, unusual) <= self.tol


class Promise:
    """How far off a row's values are expected to be after some evaluations, heard or not yet.

    Parameters
    ----------
    goal : Goal
        How far off they may be.
    surrogate : TaskSurrogate
        What was learned at fit.
    before : Explained
        Rows without evaluations.
    reading : Reading
        Of the same rows.
    i : int
        The row's position in both.
    """

    def __init__(
        self,
        goal: Goal,
        surrogate: TaskSurrogate,
        before: Explained,
        reading: Reading,
        i: int,
    ) -> None:
        self._goal = goal
        self._values, self._std = before.values[[i]], before.std[[i]]
        self._seen = torch.from_numpy(before.seen[[i]])
        self._unusual = torch.from_numpy(before.unusual[[i]])
        self._usual = surrogate.usual
        stack, process = surrogate.stack, surrogate.stack.process
        self._prior = process.shapley_std(Reading(*(part[i : i + 1] for part in reading)))
        self._residual = stack.residuals.square().mean(0)
        self._variance_scale = process.variance_scale
        # The stack is off by less than the process, which tells how much less it will be.
        off = process.loo_residuals.square().mean(0).clamp_min(1e-300)
        self._scale = self._residual * self._variance_scale / off

    def is_kept(
        self, questions: RowQuestions, explained: np.ndarray, deviations: np.ndarray
    ) -> bool:
        """Whether the goal is met.

        Answers that were not heard yet are expected to be as surprising as the others were.

        Parameters
        ----------
        questions : RowQuestions
            What was heard.
        explained : ndarray of shape (n_players,)
        deviations : ndarray of shape (n_asked,)
            As of `RowPosterior`, of all that was chosen, heard or not.
        """
        process = shrink_std(self._prior, torch.from_numpy(explained)[None], self._variance_scale)
        heard = questions.innovations.square()
        expected = torch.from_numpy(np.square(deviations))[:, None] * self._scale
        usual = expected[: len(heard)].mean(0) if len(heard) else self._residual
        rate = surprise(heard.sum(0), len(heard), usual)
        squares = torch.cat([heard, expected[len(heard) :] * rate])
        n_asked, n_last = len(squares), n_judged(len(squares))
        missed = squares[n_asked - n_last :].sum(0, keepdim=True)
        more = torch.from_numpy(explained - questions.posterior.explained)[:, None]
        share = share_of_std(
            self._seen,
            process,
            surprise(missed, n_last, self._residual),
            (questions.move.square() + more * self._scale * rate)[None],
            n_asked,
        )
        asked = torch.full((1, 1), n_asked)
        unusual = self._usual.still_exceeded(self._unusual, missed, asked, questions.left[None])
        # Where it was the unusual that made deviations, they last as long as it does.
        lasting = torch.where(self._unusual > 0, unusual / self._unusual.clamp_min(1e-300), 0.0)
        std = self._std * torch.maximum(share, lasting[:, None]).numpy()
        return self._goal.is_met(self._values, std, self._std, unusual.numpy())
