"""Inner steps when an estimator is fitted."""

import pytest
import torch
from torch import nn

from sklearn_metaexplain.exceptions import ExplanationWarning
from sklearn_metaexplain.learners import MAML, EpisodeLoss, SupervisedEpisode, SupervisedObjective
from sklearn_metaexplain.learners._stored import StoredLearner, take_inner_steps


class Steep(SupervisedObjective):
    """Cannot be computed far from the start, as where a kernel is not positive definite."""

    def __init__(self):
        super().__init__(nn.functional.mse_loss)

    def support_loss(self, network, episode, weights=None):
        torch.linalg.cholesky((2 - network.weight.detach().abs()) * torch.eye(1))
        return super().support_loss(network, episode, weights)


@pytest.mark.parametrize("n_inner_steps", [1, 3])
def test_steps_to_where_nothing_can_be_computed_are_not_taken(n_inner_steps):
    network = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(network.weight)
    loss = EpisodeLoss(network, Steep())
    one = torch.ones(1, 1)
    episode = SupervisedEpisode(one, one, one, one)
    learner = MAML(inner_lr=5.0, n_inner_steps=n_inner_steps)
    with pytest.warns(ExplanationWarning, match="left the range of numbers .* stays as it was"):
        assert not take_inner_steps(StoredLearner(learner, None, {}), loss, episode)
    assert network.weight.item() == 0
    assert take_inner_steps(StoredLearner(MAML(inner_lr=0.25), None, {}), loss, episode)
    assert network.weight.item() == 0.5
