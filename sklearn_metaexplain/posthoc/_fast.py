"""The surrogates' answer at the price of a look-up: ``MetaExplainer(speed="fast")``."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from sklearn_metaexplain._arrays import unit_of
from sklearn_metaexplain.masking._probes import Probes, draw_probes
from sklearn_metaexplain.posthoc._surrogate import TaskSurrogate
from sklearn_metaexplain.posthoc._usual_errors import UsualErrors
from sklearn_metaexplain.shapley._error import raw_error
from sklearn_metaexplain.shapley._gap import are_uncertain, close_gap, gap_std, who_can_matter
from sklearn_metaexplain.shapley._hybrids import predict_hybrids
from sklearn_metaexplain.shapley._leafwise import LeafwiseBoosting

_N_HYBRIDS = 16_384
_MOST_ROWS = 512
_TREES: dict[str, Any] = {
    "most_leaves": 31,
    "least_rows": 5,
    "n_trees": 600,
    "learning_rate": 0.15,
    "n_bins": 255,
    "l2": 0.3,
    "column_share": 0.5,
    "most_players": 7,
}


class Student:
    """Boosted trees that have learned what a task's stack says of hybrid rows.

    The stack is asked about many hybrids, which costs the model nothing. Shapley values of the
    trees are looked up in tables.

    Parameters
    ----------
    surrogate : TaskSurrogate
        The teacher, fitted.

    Attributes
    ----------
    error_ : float
        Squared distance of its values from the teacher's over the squared size of these, on the
        rows that it was judged on.

    References
    ----------
    Hinton, Vinyals and Dean, Distilling the knowledge in a neural network, 2015 (a small model
    learns what a large one says).
    """

    def __init__(self, surrogate: TaskSurrogate) -> None:
        self.scale = surrogate.scale
        self.base = surrogate.base
        self._teacher = surrogate

    def fit(
        self,
        encoded: torch.Tensor,
        judged: torch.Tensor,
        judged_outputs: torch.Tensor,
        rng: np.random.RandomState,
        *,
        n_jobs: int | None = None,
    ) -> Student:
        """Learn, and compare with the teacher.

        Parameters
        ----------
        encoded : tensor of shape (n_rows, m, 2)
            Encoded rows that hybrids are made of.
        judged : tensor of shape (n_judged, m, 2)
            Whole rows to compare on.
        judged_outputs : tensor of shape (n_judged, n_outputs)
            The model's outputs for them.
        rng : RandomState
            Source of randomness.
        n_jobs : int or None, default=None
            Threads, an output each.
        """
        teacher = self._teacher
        stack = teacher.stack
        # Judged are rows that it does not learn from, a quarter of what there is.
        judged, judged_outputs = (
            part[: max(8, len(encoded) // 4)] for part in (judged, judged_outputs)
        )
        # Where few rows differ, most are among them.
        others = ~_among(encoded, judged)
        encoded = encoded[others] if 2 * int(others.sum()) >= len(encoded) else encoded
        if len(encoded) > _MOST_ROWS:
            encoded = encoded[rng.permutation(len(encoded))[:_MOST_ROWS]]
        probes = draw_probes(
            rng,
            _N_HYBRIDS,
            n_rows=len(encoded),
            n_background=len(stack.background),
            n_players=teacher.n_players,
        )
        hybrids, told = self._ask(encoded, probes)
        self.trees = LeafwiseBoosting(**_TREES).fit(
            hybrids[..., 1],
            told.T.contiguous(),
            torch.ones_like(told.T, dtype=torch.bool),
            teacher.player_of_column,
            n_jobs=n_jobs,
        )
        self.trees.tabulate(stack.background[..., 1], teacher.n_players)
        able = teacher.able(len(judged))
        values, std, *_ = teacher.explain(judged, judged_outputs, able)
        self.std = np.zeros(values.shape[1:])
        self.usual = teacher.usual
        own, _ = self.explain(judged, judged_outputs, able)
        gap = self._gap(judged_outputs, self._look_up(judged) * able[..., None])
        self.usual = UsualErrors(gap, teacher.usual.most)
        off = own - values
        self.error_ = raw_error(values, off) if values.any() else 0.0
        # Of a row nothing but its leaf is known: one deviation for all rows.
        unit = unit_of(std, off)
        self.std = np.sqrt((np.square(std / unit) + np.square(off / unit)).mean(0)) * unit
        del self._teacher
        return self

    def _ask(self, encoded: torch.Tensor, probes: Probes) -> tuple[torch.Tensor, torch.Tensor]:
        """Hybrids, and what the stack says of them."""
        teacher = self._teacher
        stack = teacher.stack
        inside = torch.from_numpy(probes.coalitions)[:, teacher.player_of_column]
        hybrids = torch.where(
            inside[..., None], encoded[probes.rows], stack.background[probes.backgrounds]
        )
        with torch.no_grad():
            process = predict_hybrids(stack.process, encoded, stack.background, probes, inside)
            return hybrids, stack.mix(process, hybrids)

    def explain(
        self,
        encoded: torch.Tensor,
        predictions: torch.Tensor,
        can_matter: torch.Tensor,
        *,
        may_matter: torch.Tensor | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Explain encoded rows; parameters and results as of `TaskSurrogate.explain`."""
        may = can_matter if may_matter is None else may_matter
        total = self.scale.standardise(predictions) - self.base
        can_matter = who_can_matter(total, can_matter, may, self.scale.rounding)
        able = can_matter[..., None]
        values = self._look_up(encoded) * able
        gap = self._gap(predictions, values)
        least = gap_std(values, self.usual.exceeded(gap), may) * self.scale.spread
        closed = close_gap(values, gap, can_matter) * self.scale.spread
        uncertain = are_uncertain(can_matter)[..., None].numpy()
        return closed.numpy(), np.maximum(self.std * uncertain, least.numpy())

    def _look_up(self, encoded: torch.Tensor) -> torch.Tensor:
        return self.trees.shapley(encoded[..., 1]).permute(1, 2, 0)

    def _gap(self, predictions: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
        return self.scale.standardise(predictions) - self.base - values.sum(1)


def _among(rows: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
    """Whether each row equals one of the others."""
    distance = torch.cdist(rows.flatten(1), others.flatten(1), p=1)
    return (distance == 0).any(1)
