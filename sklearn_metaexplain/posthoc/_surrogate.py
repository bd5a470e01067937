"""A task's surrogates, from evaluated hybrids to explained rows, without the model."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from joblib import Parallel, delayed

from sklearn_metaexplain._progress import progress_bar
from sklearn_metaexplain.nets._checkpoint import Pretrained
from sklearn_metaexplain.nets._corrector import (
    MOST_CORRECTED,
    Corrector,
    CorrectorMemory,
    player_corrections,
)
from sklearn_metaexplain.nets._evidence import (
    QueryEvidence,
    SupportEvidence,
    query_evidence,
    support_evidence,
)
from sklearn_metaexplain.posthoc._known_rows import KnownRows
from sklearn_metaexplain.posthoc._output_scale import OutputScale
from sklearn_metaexplain.posthoc._usual_errors import UsualErrors
from sklearn_metaexplain.shapley._deviation import OwnErrors, deviation_evidence, expected_std
from sklearn_metaexplain.shapley._gap import are_uncertain, close_gap, gap_std, who_can_matter
from sklearn_metaexplain.shapley._kernel import KernelParameters
from sklearn_metaexplain.shapley._stack import StackValues, SurrogateStack
from sklearn_metaexplain.shapley._std import shrink_std, std_left, widen_std

KernelProposer = Callable[[torch.Tensor, torch.Tensor], KernelParameters]

# A multiple of the tile of centers, for rows are centers when conditioning on their outputs;
# fewer rows from 64 players on.
_ROWS_AT_ONCE = 64
_PREDICTED_AT_ONCE = 1024


class OwnEvaluations(NamedTuple):
    """What evaluated hybrids of the explained rows themselves have shown."""

    update: torch.Tensor  # (n_rows, n_players, n_outputs), to the stack's values, standardised
    explained: torch.Tensor  # (n_rows, n_players), variance of the process, before its scale
    errors: OwnErrors
    left: torch.Tensor  # (n_rows, n_outputs), the most that is still missed of any of them

    def of(self, rows: slice) -> OwnEvaluations:
        """Those of some of the rows."""
        errors = OwnErrors(*(part[rows] for part in self.errors))
        return OwnEvaluations(self.update[rows], self.explained[rows], errors, self.left[rows])


class Explained(NamedTuple):
    """Explained rows, in the model's units."""

    values: np.ndarray  # (n_rows, n_players, n_outputs)
    std: np.ndarray  # (n_rows, n_players, n_outputs)
    seen: np.ndarray  # (n_rows, n_players, n_outputs, n_powers), `DeviationEvidence.logs`
    unusual: np.ndarray  # (n_rows, n_outputs), standardised: missed more than ever before


class _Part(NamedTuple):
    """Some of them, standardised."""

    values: torch.Tensor
    std: torch.Tensor
    seen: torch.Tensor
    unusual: torch.Tensor


class TaskSurrogate:
    """Stack and corrector of one task, with its outputs standardised.

    Parameters
    ----------
    player_of_column : tensor of shape (n_encoded,)
        The player of each encoded column.
    n_players : int
        Number of players; some may have no column.
    pretrained : Pretrained or None, default=None
        Whose corrector is used.
    device : str, default="cpu"
        Where the corrector runs.
    hybrids : bool, default=True
        Whether it is fitted to hybrids. If not, networks take no part, and the disagreement of
        process and trees is part of the standard deviations.
    own_lengths : bool, default=None
        Whether the process, of few evaluations, looks for its own lengths. None: if it is fitted
        to hybrids.
    probabilities : bool, default=False
        Whether the model's outputs are.
    n_rows : int or None, default=None
        Rows whose cells the evaluations have, at most. None: of each a row of its own.
    """

    def __init__(
        self,
        player_of_column: torch.Tensor,
        n_players: int,
        *,
        pretrained: Pretrained | None = None,
        device: str = "cpu",
        hybrids: bool = True,
        own_lengths: bool | None = None,
        probabilities: bool = False,
        n_rows: int | None = None,
    ) -> None:
        self.player_of_column = player_of_column
        self.n_players = n_players
        self.pretrained = pretrained
        self.device = device
        self.hybrids = hybrids
        self.own_lengths = hybrids if own_lengths is None else own_lengths
        self.probabilities = probabilities
        self.n_rows = n_rows

    def fit(
        self,
        encoded: torch.Tensor,
        outputs: torch.Tensor,
        background: torch.Tensor,
        base: torch.Tensor | None,
        *,
        propose: KernelProposer,
        n_jobs: int | None = None,
    ) -> TaskSurrogate:
        """Learn from evaluated rows.

        Parameters
        ----------
        encoded : tensor of shape (n_support, m, 2)
            Encoded hybrids, background rows included, in random order.
        outputs : tensor of shape (n_support, n_outputs)
            The model's outputs.
        background : tensor of shape (n_background, m, 2)
            Encoded background rows.
        base : tensor of shape (n_outputs,) or None
            The model's mean output on the background. None: the surrogate's own.
        propose : callable
            Given encoded rows and standardised outputs, returns the kernel.
        n_jobs : int or None, default=None
            Threads that fit surrogates.
        """
        self.scale = OutputScale.of(outputs)
        self.n_rows_seen = min(self.n_rows or len(outputs), len(outputs))
        outputs = self.standardise(outputs)
        stack = SurrogateStack(
            propose(encoded, outputs),
            self.player_of_column,
            self.n_players,
            networks=self.hybrids,
            bounds=self.scale.limits(probabilities=self.probabilities),
            own_lengths=self.own_lengths,
        )
        self.stack = stack.fit(encoded, outputs, n_jobs=n_jobs).set_background(background)
        self.known = KnownRows(encoded, outputs, stack.residuals)
        self.usual = UsualErrors(stack.residuals, self.scale.rounding)
        self.set_base(torch.from_numpy(self.predict(background).mean(0)) if base is None else base)
        self.corrector: Corrector | None = None
        self.memories: list[CorrectorMemory] = []
        corrector = None if self.pretrained is None else self.pretrained.corrector
        if corrector is not None and len(outputs) <= MOST_CORRECTED:
            # In double precision a row's answer does not depend on its place in a batch.
            self.corrector = corrector.double().to(self.device)
            for output in range(outputs.shape[1]):
                evidence = support_evidence(stack, encoded, outputs, output)
                evidence = SupportEvidence(*(part.to(self.device) for part in evidence))
                with torch.no_grad():
                    self.memories.append(self.corrector.read(evidence))
        return self

    def set_base(self, base: torch.Tensor) -> None:
        """Say what the model's mean output on the background is: (n_outputs,)."""
        self.base = self.standardise(base)

    def predict(self, encoded: torch.Tensor) -> np.ndarray:
        """The surrogate's outputs of encoded rows, ndarray of shape (n_rows, n_outputs)."""
        parts = [self.stack.predict(part) for part in encoded.split(_PREDICTED_AT_ONCE)]
        return self.scale.restore(torch.cat(parts)).numpy()

    def able(self, n_rows: int) -> torch.Tensor:
        """Players that have encoded columns, for rows of any kind: (n_rows, n_players)."""
        has_columns = torch.bincount(self.player_of_column, minlength=self.n_players) > 0
        return has_columns.expand(n_rows, -1)

    def standardise(self, outputs: torch.Tensor) -> torch.Tensor:
        """Turn outputs of the model into the surrogates' units."""
        return self.scale.standardise(outputs)

    def explain(
        self,
        encoded: torch.Tensor,
        predictions: torch.Tensor | None,
        can_matter: torch.Tensor,
        own: OwnEvaluations | None = None,
        *,
        may_matter: torch.Tensor | None = None,
        n_jobs: int | None = None,
        verbose: int = 0,
    ) -> Explained:
        """Explain encoded rows.

        Parameters
        ----------
        encoded : tensor of shape (n_rows, m, 2)
        predictions : tensor of shape (n_rows, n_outputs) or None
            The model's outputs. None: they are not known, and the values are the surrogate's own,
            which sum to its prediction minus its mean on the background; nothing is corrected.
        can_matter : tensor of bool of shape (n_rows, n_players)
            Players that differ from some background row; the others get 0.
        own : OwnEvaluations or None, default=None
            What hybrids of the rows themselves have shown.
        may_matter : tensor of bool of shape (n_rows, n_players), default=None
            Players that differ from some background row though others of them are taken never to
            matter: of an unusual row nobody is known not to, and where no other differs, the output
            is theirs. None: `can_matter`.
        n_jobs : int or None, default=None
            Threads over chunks of rows.
        verbose : int, default=0
            Shows progress if positive.

        Returns
        -------
        Explained
        """
        # Memory is that of rows, players and inducing rows at once.
        at_once = max(16, min(_ROWS_AT_ONCE, _ROWS_AT_ONCE**2 // self.n_players))
        starts = range(0, len(encoded), at_once)

        def chunk(start: int) -> _Part:
            part = slice(start, start + at_once)
            if predictions is None:
                return self._explain_alone(encoded[part], can_matter[part])
            mine = own and own.of(part)
            may = can_matter if may_matter is None else may_matter
            with torch.no_grad():
                return self._explain(
                    encoded[part],
                    self.standardise(predictions[part]),
                    can_matter[part],
                    may[part],
                    mine,
                )

        parts = []
        threads = Parallel(n_jobs=n_jobs, require="sharedmem", return_as="generator")
        with progress_bar(total=len(encoded), desc="explain", verbose=verbose) as bar:
            for made in threads(map(delayed(chunk), starts)):
                parts.append(made)
                bar.update(len(made.values))
        values, std, seen, unusual = map(torch.cat, zip(*parts, strict=True))
        spread = self.scale.spread
        return Explained(
            (values * spread).numpy(), (std * spread).numpy(), seen.numpy(), unusual.numpy()
        )

    def _explain_alone(self, encoded: torch.Tensor, can_matter: torch.Tensor) -> _Part:
        surrogate = self.stack.shapley(encoded, can_matter)
        std = self.stack.process.shapley_std(surrogate.reading) * can_matter[..., None]
        values = self.stack.combine(surrogate)
        return _Part(values, *self._deviate(surrogate, std), torch.zeros_like(values[:, 0]))

    def _deviate(
        self,
        surrogate: StackValues,
        process_std: torch.Tensor,
        missing: torch.Tensor | None = None,
        own: OwnEvaluations | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Deviations of the errors, and what they are read off: nothing without hybrids."""
        if missing is None or not self.hybrids:
            std = widen_std(process_std, surrogate)
            return std, std.new_empty(*std.shape, 0)
        errors = OwnErrors.nothing(process_std) if own is None else own.errors
        evidence = deviation_evidence(
            self.stack, surrogate, process_std, missing, errors, self.n_rows_seen
        )
        seen = evidence.logs()
        return expected_std(seen, errors.n_asked), seen

    def _explain(
        self,
        encoded: torch.Tensor,
        predictions: torch.Tensor,
        can_matter: torch.Tensor,
        may_matter: torch.Tensor,
        own: OwnEvaluations | None,
    ) -> _Part:
        stack = self.stack
        gap = predictions - self.base
        can_matter = who_can_matter(gap, can_matter, may_matter, self.scale.rounding)
        # Where evaluations are spent on a row, so is time on what they cannot mend.
        surrogate = stack.shapley(encoded, can_matter, thorough=own is not None)
        able = can_matter[..., None]
        values, explained = stack.close(encoded, surrogate, predictions, self.base)
        missing = gap - stack.combine(surrogate).sum(1)
        scale = stack.process.variance_scale
        before = stack.process.shapley_std(surrogate.reading) * able
        process_std = shrink_std(before, explained, scale)
        correction = torch.zeros_like(values)
        if self.corrector is not None:
            correction = self._correct(encoded, surrogate, values, process_std, missing)
        if own is not None:
            values = stack.combine(surrogate) + own.update * able
            values = close_gap(values, gap - values.sum(1), can_matter)
            # The correction guessed what the evaluations have now partly shown.
            correction *= std_left(before, explained, own.explained, scale).square()
            process_std = shrink_std(before, own.explained, scale)
        values = values + correction
        # Surrogates miss little of a row that they were fitted to, however wrong they are about it.
        unseen = self.known.unseen(encoded, predictions, missing)
        std, seen = self._deviate(surrogate, process_std, unseen, own)
        unusual = self.usual.exceeded(unseen)
        if own is not None:
            errors = own.errors
            unusual = self.usual.still_exceeded(
                unusual, errors.missed, errors.n_asked[:, None], own.left
            )
        # What was seen of errors at large says little of a row that is unlike all that was seen.
        least = gap_std(values, unusual, may_matter)
        # Corrections need not sum to zero once they are scaled column by column.
        values = close_gap(values, gap - values.sum(1), can_matter)
        uncertain = are_uncertain(can_matter)[..., None]
        std = torch.maximum(std * self.scale.varies * uncertain, least)
        return _Part(values, std, seen, unusual)

    def _correct(
        self,
        encoded: torch.Tensor,
        surrogate: StackValues,
        closed: torch.Tensor,
        std: torch.Tensor,
        missing: torch.Tensor,
    ) -> torch.Tensor:
        assert self.corrector is not None
        corrections = []
        for output, memory in enumerate(self.memories):
            evidence = query_evidence(self.stack, encoded, surrogate, closed, std, missing, output)
            evidence = QueryEvidence(*(part.to(self.device) for part in evidence))
            correction = self.corrector(memory, evidence).cpu()
            corrections.append(
                player_corrections(correction, self.player_of_column, surrogate.can_matter)
            )
        return torch.stack(corrections, -1) * self.scale.varies
