"""What meta-training minimises: the Shapley error of one episode."""

from __future__ import annotations

import torch
from torch import nn

from sklearn_metaexplain.nets._corrector import Corrector, player_corrections
from sklearn_metaexplain.nets._kernel_network import KernelNetwork
from sklearn_metaexplain.nets._task_objectives import KernelTaskObjective
from sklearn_metaexplain.shapley._gap import close_gap
from sklearn_metaexplain.shapley._kernel import KernelParameters, ProductKernel
from sklearn_metaexplain.shapley._likelihood import gram_matrix
from sklearn_metaexplain.training._episodes import Episode
from sklearn_metaexplain.training._stacked import StackedEpisode

_LIKELIHOOD_WEIGHT = 0.1
_MOST_SURPRISED = 3.0
_SIZE_FLOOR = 0.02
# A correction must not harm what is nearly exact already, so less is forgiven.
_FORGIVEN_OF_KERNELS, _FORGIVEN_OF_CORRECTIONS = 0.005, 0.0005
# Exact up to 8 columns, and to about a thousandth beyond: enough to learn from.
_MAX_NODES = 4


def relative_error(estimate: torch.Tensor, truth: torch.Tensor, floor: float = 0.0) -> torch.Tensor:
    """Squared error of all rows over their squared size plus `floor` a row."""
    return (estimate - truth).pow(2).sum() / (truth.pow(2).sum() + floor * len(truth))


def log_error(estimate: torch.Tensor, truth: torch.Tensor, forgiven: float) -> torch.Tensor:
    """Logarithm of the relative error, errors far below `forgiven` being as good as none."""
    # Easy and hard tasks pull equally; what is forgiven keeps solved ones from pulling most.
    return (relative_error(estimate, truth, _SIZE_FLOOR) + forgiven).log()


def process_shapley(
    parameters: KernelParameters, episode: Episode
) -> tuple[torch.Tensor, torch.Tensor]:
    """Shapley values of the episode's exact Gaussian process, differentiable.

    Returns
    -------
    values : tensor of shape (n_query, n_players)
        After closing the gap.
    nll : tensor of shape ()
        Negative log marginal likelihood per support row.
    """
    parameters = parameters.to(torch.float64)
    kernel = ProductKernel(parameters, episode.player_of_column, episode.n_players)
    encoded = [rows.double() for rows in (episode.support, episode.query, episode.background)]
    support, query, background = (kernel.warp(rows) for rows in encoded)
    outputs = episode.outputs.double()
    noise = parameters.noise * torch.eye(len(support), dtype=torch.float64, device=outputs.device)
    lower = torch.linalg.cholesky(gram_matrix(kernel, encoded[0]) + noise)
    alpha = torch.cholesky_solve(outputs[:, None], lower)
    values = kernel.shapley(query, background, support, max_nodes=_MAX_NODES) @ alpha
    gap = episode.gap.double()[:, None] - values.sum(1)
    values = close_gap(values, gap, episode.can_matter)[..., 0]
    nll = 0.5 * outputs @ alpha[:, 0] + lower.diagonal().log().sum()
    return values, nll / len(support)


class KernelObjective(KernelTaskObjective):
    """Log Shapley error of the process with the proposed kernel, plus its likelihood.

    The loss on an episode's query; that on its support, for inner loops, is the predictive
    density of its evaluations.
    """

    def forward(self, network: KernelNetwork, episode: Episode) -> torch.Tensor:
        """Return the objective of one episode."""
        outputs = episode.outputs[:, None]
        parameters = network.propose(episode.support, outputs)
        values, nll = process_shapley(parameters, episode)
        error = log_error(values, episode.values.double(), _FORGIVEN_OF_KERNELS)
        # A kernel far too sure of itself has a likelihood without bound.
        return error + _LIKELIHOOD_WEIGHT * nll.clamp_max(_MOST_SURPRISED)


class CorrectorObjective(nn.Module):
    """Log Shapley error of the corrected stack."""

    def forward(self, corrector: Corrector, episode: StackedEpisode) -> torch.Tensor:
        """Return the objective of one episode."""
        proposed = corrector(corrector.read(episode.support), episode.query)
        correction = player_corrections(proposed, episode.player_of_column, episode.can_matter)
        return log_error(episode.closed + correction, episode.values, _FORGIVEN_OF_CORRECTIONS)
