"""Inner steps of the kernel network, for weights that were meta-trained to take them."""

from __future__ import annotations

from os import PathLike
from typing import NamedTuple

import torch

from sklearn_metaexplain.learners import EpisodeLoss, Learner
from sklearn_metaexplain.learners._stored import load_learner, take_inner_steps
from sklearn_metaexplain.nets._checkpoint import REGISTRY
from sklearn_metaexplain.nets._kernel_network import KernelNetwork
from sklearn_metaexplain.nets._task_objectives import KernelTaskObjective


class EvaluatedTask(NamedTuple):
    """A model's outputs on hybrid rows."""

    support: torch.Tensor  # (n_support, m, 2), encoded, in random order
    outputs: torch.Tensor  # (n_support, n_outputs), standardised
    player_of_column: torch.Tensor  # (m,)
    n_players: int


def adapt_by_learner(
    network: KernelNetwork, pretrained: str | PathLike[str], task: EvaluatedTask
) -> Learner | None:
    """Take the inner steps, in place, if the weights come with a learner that takes any.

    Parameters
    ----------
    network : KernelNetwork
        Out of the weights.
    pretrained : str or Path
        The weights.
    task : EvaluatedTask
        What is known of the model.

    Returns
    -------
    learner : Learner or None
        The learner; None if there were no steps to take, or these led out of all bounds.
    """
    stored = load_learner(pretrained, REGISTRY, network)
    if stored is None or not stored.adapts:
        return None
    loss = EpisodeLoss(network, KernelTaskObjective())
    return stored.learner if take_inner_steps(stored, loss, task) else None
