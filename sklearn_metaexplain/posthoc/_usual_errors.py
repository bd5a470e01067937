"""Rows of which more is missed than of any evaluation that was held out."""

from __future__ import annotations

import torch

from sklearn_metaexplain.shapley._deviation import LEAST_ASKED, n_judged


class UsualErrors:
    """The most that was missed of rows, beyond which a row is unusual.

    Parameters
    ----------
    missed : tensor of shape (n_rows, n_outputs)
        What was missed of rows, standardised.
    rounding : tensor of shape (n_outputs,)
        What is missed by rounding alone.
    """

    def __init__(self, missed: torch.Tensor, rounding: torch.Tensor) -> None:
        self.most = torch.maximum(missed.abs().amax(0), rounding)

    def exceeded(self, missing: torch.Tensor) -> torch.Tensor:
        """How much more is missed of rows than usual: (n_rows, n_outputs).

        Parameters
        ----------
        missing : tensor of shape (n_rows, n_outputs)
            What is missed of them.
        """
        return (missing.abs() - self.most).clamp_min(0)

    def still_exceeded(
        self,
        unusual: torch.Tensor,
        missed: torch.Tensor,
        n_asked: torch.Tensor,
        left: torch.Tensor,
    ) -> torch.Tensor:
        """How much more than usual once some of the rows' own evaluations are known.

        What was missed of a row is explained when these are; few of them tell in part.

        Parameters
        ----------
        unusual : tensor of shape (n_rows, n_outputs)
            Of the rows themselves, as of `exceeded`.
        missed : tensor of shape (n_rows, n_outputs)
            Of the latter half of their own evaluations, the sum of squares.
        n_asked : tensor of shape (n_rows, 1)
            How many they are.
        left : tensor of shape (n_rows, n_outputs)
            The most that is missed of any of them once all are known. The latter half may be of
            hybrids that have nothing of what is unusual.
        """
        missed = (missed / n_judged(n_asked).clamp_min(1)).sqrt()
        still = self.exceeded(torch.where(unusual > 0, torch.maximum(missed, left), missed))
        return unusual + (n_asked / LEAST_ASKED).clamp_max(1.0) * (still - unusual)
