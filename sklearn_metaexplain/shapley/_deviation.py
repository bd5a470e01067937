"""How far off Shapley values are expected to be, from what is seen of a task and of a row."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch

from sklearn_metaexplain.shapley._stack import StackValues, SurrogateStack

#: What the deviations are read off, as variances but for the last, and the power of each:
#: a 90% quantile regression over values of 240 prior tasks
#: (``python -m sklearn_metaexplain.calibration --deviations --tasks 240``).
POWERS = {
    "process": 0.30,
    "residual": 0.31,
    "surprise": 0.73,
    "disagreement": 0.07,
    "missing": 0.25,
    "n_evaluations": -0.18,
}
#: So that 90% of errors are within 1.645 deviations, as if they were normal.
LOG_FACTOR = -1.71
#: Added to variances, in units of the outputs' variance: nothing is known better than that.
LEAST_VARIANCE = 1e-8
# Evaluations at fit that tell as much about a row as one of its own a player.
_WORTH_ONE = 1024
# As many evaluations of a row are taken to be as far off as those held out.
_AS_EXPECTED = 4


class DeviationEvidence(NamedTuple):
    """What is seen of the errors of some rows' values, in units of the outputs' variance."""

    process: torch.Tensor  # (n_rows, n_players, n_outputs), posterior variance of the process
    residual: torch.Tensor  # (n_outputs,), mean square of what is missed in evaluations held out
    surprise: torch.Tensor  # (n_rows, n_outputs), the same in the row's own, over `residual`
    disagreement: torch.Tensor  # (n_rows, n_players, n_outputs), of the surrogates, weighted
    missing: torch.Tensor  # (n_rows, n_outputs), square of what the values miss of their sum
    n_support: int
    n_asked: torch.Tensor  # (n_rows,), evaluations of each row's own hybrids

    def logs(self) -> torch.Tensor:
        """Logarithms, in the order of `POWERS`: (n_rows, n_players, n_outputs, n_powers)."""
        _, n_players, _ = self.process.shape
        parts = [self.process, self.residual, self.disagreement, self.missing[:, None] / n_players]
        logs = [(part + LEAST_VARIANCE).log() for part in parts]
        logs.insert(2, self.surprise[:, None].log())
        asked = self.n_asked[:, None, None]
        logs.append(_told(self.n_support, asked, n_players).log())
        return torch.stack([part.expand_as(self.process) for part in logs], -1)


def deviation_evidence(
    stack: SurrogateStack,
    values: StackValues,
    process: torch.Tensor,
    missing: torch.Tensor,
    n_asked: torch.Tensor,
    missed: torch.Tensor,
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
    n_asked : tensor of shape (n_rows,)
        Evaluations of each row's own hybrids.
    missed : tensor of shape (n_rows, n_outputs)
        Sum of squares of what was missed in the latter half of them, each given those before it.
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
        surprise(missed, n_judged(n_asked)[:, None], residual),
        ((parts - mean).square() * share).sum(-1),
        missing.square(),
        len(stack.residuals),
        n_asked,
    )


def expected_std(logs: torch.Tensor) -> torch.Tensor:
    """Standard deviations of the errors of values: (n_rows, n_players, n_outputs).

    The process knows what it cannot tell, but not that other surrogates are better than it or
    that it is wrong; these are seen in evaluations held out, in how far a row's own evaluations
    are from what those before them let expect, in how much the surrogates disagree and in how far
    the values are from their sum. A deviation is a product of powers of all.

    Parameters
    ----------
    logs : tensor of shape (n_rows, n_players, n_outputs, n_powers)
        Of `DeviationEvidence.logs`.

    References
    ----------
    Koenker and Bassett, Regression quantiles, 1978, equation 3.1 (by which the powers were found).
    """
    powers = logs.new_tensor(list(POWERS.values()))
    return ((logs @ powers + LOG_FACTOR) / 2).exp()


def share_of_std(
    before: torch.Tensor,
    now: torch.Tensor,
    n_support: int,
    n_asked: int,
    expected: torch.Tensor,
) -> torch.Tensor:
    """Share of `expected_std` that is left after evaluations, before their outputs are known.

    Parameters
    ----------
    before, now : tensor of shape (n_rows, n_players, n_outputs)
        Standard deviations of the process without and with the evaluations.
    n_support, n_asked : int
        Evaluations at fit, and of the row.
    expected : tensor of shape (n_rows, n_outputs)
        The `surprise` that is expected of the evaluations.
    """
    n_players = now.shape[1]
    ratio = (now.square() + LEAST_VARIANCE) / (before.square() + LEAST_VARIANCE)
    more = _told(n_support, n_asked, n_players) / _told(n_support, 0, n_players)
    share = ratio.clamp_max(1.0) ** POWERS["process"] * more ** POWERS["n_evaluations"]
    return (share * expected[:, None] ** POWERS["surprise"]).sqrt()


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


def _told(n_support: int, n_asked: Any, n_players: int) -> Any:
    """Evaluations that tell about a row, in numbers of its own a player."""
    return n_support / _WORTH_ONE + n_asked / n_players
