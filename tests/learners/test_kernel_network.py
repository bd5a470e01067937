"""Learners on the explainer's own network: its objective runs compiled code."""

import numpy as np
import pytest
import torch
from torch import nn

from sklearn_metaexplain.learners import ANIL, MAML, EpisodeLoss, InContext, Reptile
from sklearn_metaexplain.nets._kernel_network import KernelNetwork
from sklearn_metaexplain.nets._task_objectives import KernelTaskObjective
from sklearn_metaexplain.training._episodes import draw_episode
from sklearn_metaexplain.training._objectives import KernelObjective
from tests.learners.problems import assert_unchanged, gradients, snapshot, tensor


@pytest.fixture(scope="module")
def episodes():
    rng = np.random.default_rng(0)
    families = ("kernel", "additive", "quadratic")
    return [draw_episode(rng, n_columns=3, n_support=64, families=(name,)) for name in families]


@pytest.fixture
def network():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = KernelNetwork(width=8, n_layers=1, n_heads=2)
    with torch.no_grad():
        for i, value in enumerate(network.parameters()):
            value.add_(0.05 * tensor([0, i], *value.shape))
    return network


LEARNERS = [
    InContext(),
    MAML(inner_lr=0.05, n_inner_steps=2, inner_optimizer="adam", learn_lr=True),
    MAML(inner_lr=0.05, first_order=True),
    ANIL(inner_lr=0.05, head=["column_head", "task_head"]),
    Reptile(inner_lr=0.01, n_inner_steps=2),
]


@pytest.mark.parametrize("learner", LEARNERS, ids=str)
def test_every_learner_meta_trains_it(learner, network, episodes):
    loss = EpisodeLoss(network, KernelObjective())
    state = learner.make_state(network)
    before = snapshot(loss)
    value = learner.accumulate(loss, episodes[0], state=state)
    assert np.isfinite(value)
    found = gradients(network)
    assert found.keys() == dict(network.named_parameters()).keys()
    assert all(bool(each.isfinite().all()) for each in found.values())
    for part in ("embed", "optimizer.embed.0", "column_head"):
        assert float(found[f"{part}.weight"].abs().max()) > 0
    assert_unchanged(loss, before)


def test_inner_steps_lower_the_loss_on_the_support(network, episodes):
    # What is known when a model is explained suffices: no Shapley value is read.
    loss, episode = EpisodeLoss(network, KernelTaskObjective()), episodes[2]
    learner = MAML(inner_lr=0.01, n_inner_steps=5, inner_optimizer="adam")
    with torch.no_grad():
        before = float(loss(episode, "support"))
        after = float(loss.at(learner.adapt(loss, episode), episode, "support"))
    assert after < before - 0.5


class ProposalAlone(nn.Module):
    """The kernel network without its learned optimiser, whose inputs are constants."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def propose(self, encoded, outputs):
        return self.network.propose(encoded, outputs, n_steps=0)


def test_meta_gradient_is_that_of_central_differences(network, episodes):
    objective = KernelObjective()
    loss = EpisodeLoss(ProposalAlone(network).double(), objective)
    learner = MAML(inner_lr=0.05, n_inner_steps=2)
    learner.accumulate(loss, episodes[2])
    found = {name: each for name, each in gradients(network).items() if "optimizer" not in name}
    # Along the gradient itself, where the slope is its length.
    length = float(torch.stack([each.square().sum() for each in found.values()]).sum().sqrt())

    def moved(size):
        with torch.no_grad():
            for name, each in found.items():
                network.get_parameter(name).add_(size * each / length)
        return learner.query_loss(loss, episodes[2])

    above = moved(1e-5)
    below = moved(-2e-5)
    assert length > 1e-2
    assert (above - below) / 2e-5 == pytest.approx(length, rel=1e-4)
