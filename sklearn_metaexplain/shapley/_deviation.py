"""How far off Shapley values are expected to be, from what is seen of a task and of a row."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch

from sklearn_metaexplain.shapley._stack import StackValues, SurrogateStack

#: What the deviations are read off, variances and the number of evaluations at fit, and the power
#: of each: of rows that nothing was asked about, and of those with evaluations of their own. 90%
#: quantile regressions over values of those 536 of 600 fitted models of which enough is missed
#: (``python -m sklearn_metaexplain.calibration --deviations --tasks 600``).
POWERS = {
    "free": {
        "process": 0.31,
        "residual": 0.29,
        "disagreement": 0.08,
        "missing": 0.30,
        "evaluations": -0.28,
        "sparsity": 1.13,
    },
    "asked": {
        "process": 0.29,
        "residual": 0.52,
        "surprise": 0.88,
        "disagreement": 0.06,
        "missing": 0.09,
        "move": 0.19,
    },
}
#: Evaluations of a row from which on the powers of "asked" hold; with fewer, a deviation lies
#: between both.
LEAST_ASKED = 8
EVIDENCE = tuple(dict.fromkeys([*POWERS["free"], *POWERS["asked"]]))
#: So that 90% of errors are within 1.645 deviations, as if they were normal.
LOG_FACTORS = {"free": 5.78, "asked": -3.18}
#: Added to variances, in units of the outputs' variance: nothing is known better than that.
LEAST_VARIANCE = 1e-8
# Added to sparsity: of how many rows cells were seen says little once there are enough of them.
_DENSE = 0.01
# As many evaluations of a row are taken to be as far off as those held out.
_AS_EXPECTED = 4


class OwnErrors(NamedTuple):
    """What was seen in evaluations of some rows' own hybrids, standardised.

    `missed` is the sum of squares in the latter half of them, each given those before it.
    """

    n_asked: torch.Tensor  # (n_rows,)
    missed: torch.Tensor  # (n_rows, n_outputs)
    move: torch.Tensor  # (n_rows, n_players, n_outputs), what they changed in the values

    @classmethod
    def nothing(cls, values: torch.Tensor) -> OwnErrors:
        """Of rows with such values of which no hybrid was evaluated."""
        return cls(
            values.new_zeros(len(values)), torch.zeros_like(values[:, 0]), torch.zeros_like(values)
        )


class DeviationEvidence(NamedTuple):
    """What is seen of the errors of some rows' values, in units of the outputs' variance.

    What single hybrids miss cancels out in values, which are means, the more so the more of them
    there are.
    """

    process: torch.Tensor  # (n_rows, n_players, n_outputs), posterior variance of the process
    residual: torch.Tensor  # (n_outputs,), mean square of what is missed in evaluations held out
    surprise: torch.Tensor  # (n_rows, n_outputs), the same in the row's own, over `residual`
    disagreement: torch.Tensor  # (n_rows, n_players, n_outputs), of the surrogates, weighted
    missing: torch.Tensor  # (n_rows, n_outputs), square of what the values miss of their sum
    move: torch.Tensor  # (n_rows, n_players, n_outputs), square of what the row's own changed
    evaluations: torch.Tensor  # (), number of those at fit
    sparsity: torch.Tensor  # (), of the rows whose cells they have

    def logs(self) -> torch.Tensor:
        """Logarithms, in the order of `EVIDENCE`: (n_rows, n_players, n_outputs, n_powers)."""
        n_players = self.process.shape[1]
        parts = {
            "process": _log(self.process),
            "residual": _log(self.residual),
            "surprise": self.surprise[:, None].log(),
            "disagreement": _log(self.disagreement),
            "missing": _log(self.missing[:, None] / n_players),
            "move": _log_move(self.move, self.process),
            "evaluations": self.evaluations.log(),
            "sparsity": self.sparsity.log(),
        }
        return torch.stack([parts[name].expand_as(self.process) for name in EVIDENCE], -1)


def deviation_evidence(
    stack: SurrogateStack,
    values: StackValues,
    process: torch.Tensor,
    missing: torch.Tensor,
    own: OwnErrors,
    n_rows: int,
) -> DeviationEvidence:
    """Collect what deviations are read off.

    Parameters
    ----------
    stack : SurrogateStack
        Fitted.
    values : StackValues
        Of the explained rows.
    process : tensor of shape (n_rows, n_players, n_outputs)
        Standard deviations of the process, given all that was asked.
    missing : tensor of shape (n_rows, n_outputs)
        What the combined values miss of the sum that they must have.
    own : OwnErrors
        What was seen in evaluations of the rows' own hybrids.
    n_rows : int
        Rows whose cells are in the evaluations at fit.
    """
    residual = stack.residuals.square().mean(0)
    told = (values.process, values.trees, values.network)
    parts = torch.stack([part for part in told if part is not None], -1)
    weights = stack.weights[:, : parts.shape[-1]]
    share = weights / weights.sum(1, keepdim=True).clamp_min(1e-300)
    mean = (parts * share).sum(-1, keepdim=True)
    return DeviationEvidence(
        process.square(),
        residual,
        surprise(own.missed, n_judged(own.n_asked)[:, None], residual),
        ((parts - mean).square() * share).sum(-1),
        missing.square(),
        own.move.square(),
        residual.new_tensor(len(stack.residuals)),
        residual.new_tensor(sparsity(n_rows)),
    )


def sparsity(n_rows: int) -> float:
    """How far apart the rows are whose cells were seen.

    Evaluations held out have cells that others have, too; those of new rows are their own, and
    further from all that was seen the fewer rows there were.
    """
    return 1 / n_rows + _DENSE


def expected_std(logs: torch.Tensor, n_asked: torch.Tensor) -> torch.Tensor:
    """Standard deviations of the errors of values: (n_rows, n_players, n_outputs).

    The process knows what it cannot tell, but not that other surrogates are better than it or
    that it is wrong; these are seen in evaluations held out, in how far a row's own evaluations
    are from what those before them let expect and how much they changed, in how much the
    surrogates disagree and in how far the values are from their sum. A deviation is a product of
    powers of all.

    Parameters
    ----------
    logs : tensor of shape (n_rows, n_players, n_outputs, n_powers)
        Of `DeviationEvidence.logs`.
    n_asked : tensor of shape (n_rows,)
        Evaluations of each row's own hybrids.

    References
    ----------
    Koenker and Bassett, Regression quantiles, 1978, equation 3.1 (by which the powers were found).
    """
    free, asked = (
        logs @ logs.new_tensor([POWERS[kind].get(name, 0.0) for name in EVIDENCE]) + factor
        for kind, factor in LOG_FACTORS.items()
    )
    share = (n_asked / LEAST_ASKED).clamp_max(1.0).to(logs)[:, None, None]
    return ((free + share * (asked - free)) / 2).exp()


def share_of_std(
    logs: torch.Tensor,
    process: torch.Tensor,
    expected_surprise: torch.Tensor,
    expected_move: torch.Tensor,
    n_asked: int,
) -> torch.Tensor:
    """Share of `expected_std` that is left after evaluations, before their outputs are known.

    Parameters
    ----------
    logs : tensor of shape (n_rows, n_players, n_outputs, n_powers)
        Of `DeviationEvidence.logs`, without evaluations of the rows.
    process : tensor of shape (n_rows, n_players, n_outputs)
        Standard deviations of the process with them.
    expected_surprise : tensor of shape (n_rows, n_outputs)
        How far off they will be, as of `surprise`.
    expected_move : tensor of shape (n_rows, n_players, n_outputs)
        Square of what they will change.
    n_asked : int
        How many there are.
    """
    variance = process.square()
    later = logs.clone()
    later[..., EVIDENCE.index("process")] = _log(variance)
    later[..., EVIDENCE.index("surprise")] = expected_surprise[:, None].log()
    later[..., EVIDENCE.index("move")] = _log_move(expected_move, variance)
    now = torch.full((len(logs),), n_asked)
    return expected_std(later, now) / expected_std(logs, torch.zeros_like(now))


def n_judged(n_asked: Any) -> Any:
    """Of so many evaluations of a row, the last ones by which its surrogate is judged."""
    return n_asked // 2


def surprise(missed: torch.Tensor, n_evaluations: Any, residual: torch.Tensor) -> torch.Tensor:
    """How much further off a row's own evaluations are than those held out, as mean squares.

    Parameters
    ----------
    missed : tensor of shape (n_rows, n_outputs)
        Sum of squares.
    n_evaluations : int or tensor
        Of how many. None of them: the surprise is 1.
    residual : tensor of shape (n_outputs,)
        Mean square of evaluations held out.
    """
    seen = (_AS_EXPECTED * residual + missed) / (_AS_EXPECTED + n_evaluations)
    return (seen + LEAST_VARIANCE) / (residual + LEAST_VARIANCE)


def _log(variance: torch.Tensor) -> torch.Tensor:
    return (variance + LEAST_VARIANCE).log()


def _log_move(move: torch.Tensor, process: torch.Tensor) -> torch.Tensor:
    """How much larger a value's variance were if what it moved by could come once more."""
    return (move / (process + LEAST_VARIANCE)).log1p()
