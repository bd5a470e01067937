"""What a learner can minimise on the support of a task of the kernel network."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import nn

from sklearn_metaexplain.nets._kernel_network import KernelNetwork
from sklearn_metaexplain.nets._predictive import predictive_losses

# As many as few-shot adaptation reads: the cost grows with the cube, and each step pays it.
_MAX_ROWS_A_HALF = 256


class EvaluatedEpisode(Protocol):
    """A model's outputs on encoded hybrid rows."""

    @property
    def support(self) -> torch.Tensor:
        """Rows, (n_support, m, 2), in random order."""

    @property
    def outputs(self) -> torch.Tensor:
        """Their outputs, standardised, (n_support,) or (n_support, n_outputs)."""

    @property
    def player_of_column(self) -> torch.Tensor:
        """The player that each encoded column moves with, (m,)."""

    @property
    def n_players(self) -> int:
        """Number of players."""


class KernelTaskObjective(nn.Module):
    """How well the kernel network predicts a task's evaluations from one another.

    It is what an inner loop can descend when a model is explained: no Shapley value is known
    then. A subclass whose `forward` is the loss on the query makes it an objective of
    meta-training.
    """

    def support_loss(
        self,
        network: KernelNetwork,
        episode: EvaluatedEpisode,
        weights: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Negative log predictive density of each half of the support given the other.

        Every other row is in the one half, so each row is predicted once. Differentiable any
        number of times, under the transforms of `torch.func` too.

        Parameters
        ----------
        network : KernelNetwork
            Proposes a kernel from each half.
        episode : EvaluatedEpisode
            Its first 512 support rows are read.
        weights : tensor of shape (n_support,), default=None
            Of the rows' losses. None: all 1.

        Returns
        -------
        loss : tensor of shape ()
            Mean over rows and outputs, up to a constant.

        Raises
        ------
        ValueError
            If there are fewer than two support rows.
        """
        n_rows = min(len(episode.support), 2 * _MAX_ROWS_A_HALF)
        if n_rows < 2:
            raise ValueError(
                f"The support has {n_rows} rows, of which half should predict the rest; give at "
                "least two."
            )
        encoded, outputs = episode.support.double(), episode.outputs.double()
        outputs = outputs.reshape(len(outputs), -1)
        total = encoded.new_zeros(())
        halves = [torch.arange(start, n_rows, 2, device=encoded.device) for start in (0, 1)]
        for context, target in (halves, halves[::-1]):
            losses = predictive_losses(
                network,
                encoded[context],
                outputs[context],
                encoded[target],
                outputs[target],
                episode.player_of_column,
                episode.n_players,
            ).mean(1)
            total = total + (losses if weights is None else weights[target] * losses).sum()
        return total / n_rows
