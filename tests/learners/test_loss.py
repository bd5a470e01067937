"""Losses of episodes as functions of a network's parameters."""

import pytest
import torch
from torch import nn

from sklearn_metaexplain.learners import EpisodeLoss, SupervisedEpisode, SupervisedObjective
from tests.learners.problems import assert_unchanged, small_loss, small_task, snapshot, tensor


def test_parts_are_mean_squared_errors_of_their_rows():
    loss, task = small_loss(), small_task()
    support = (loss.network(task.support) - task.targets).square().mean()
    query = (loss.network(task.query) - task.query_targets).square().mean()
    torch.testing.assert_close(loss(task, "support"), support)
    torch.testing.assert_close(loss(task), query)
    torch.testing.assert_close(loss(task, "predict"), loss.network(task.query))


def test_weights_multiply_the_losses_of_rows():
    loss, task = small_loss(), small_task(n_support=3)
    weights = torch.tensor([0.0, 1.0, 2.5], dtype=torch.float64)
    rows = (loss.network(task.support) - task.targets).square().mean(1)
    expected = (0 * rows[0] + rows[1] + 2.5 * rows[2]) / 3
    torch.testing.assert_close(loss(task, "support", weights), expected)


def test_losses_of_classes():
    network = nn.Linear(2, 3)
    labels, query_labels = torch.tensor([0, 2, 1, 1]), torch.tensor([2, 0])
    task = SupervisedEpisode(tensor(0, 4, 2).float(), labels, tensor(1, 2, 2).float(), query_labels)
    loss = EpisodeLoss(network, SupervisedObjective(nn.functional.cross_entropy))
    log_shares = network(task.support).log_softmax(1)
    expected = -(log_shares[0, 0] + log_shares[1, 2] + log_shares[2, 1] + log_shares[3, 1]) / 4
    torch.testing.assert_close(loss(task, "support"), expected)


def test_at_puts_parameters_in_place_whatever_the_objective_calls():
    class Twice(nn.Module):
        def forward(self, network, episode):
            return network.double_of(episode)

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.size = nn.Parameter(torch.tensor(1.0))

        def double_of(self, number):
            return 2 * self.size * number

    loss = EpisodeLoss(Network(), Twice())
    before = snapshot(loss)
    moved = torch.tensor(5.0, requires_grad=True)
    value = loss.at({"network.size": moved}, 3.0)
    assert float(value.detach()) == 30
    value.backward()
    assert float(moved.grad) == 6
    assert loss.network.size.grad is None
    assert_unchanged(loss, before)


def test_parameters_left_out_are_the_networks_own():
    loss, task = small_loss(), small_task()
    torch.testing.assert_close(loss.at({}, task), loss(task))
    bias = torch.zeros(2, dtype=torch.float64)
    moved = loss.at({"network.2.bias": bias}, task, "predict")
    torch.testing.assert_close(moved, loss.network(task.query) - loss.network[2].bias)


def test_shared_parameters_are_one():
    first, second = nn.Linear(2, 2), nn.Linear(2, 2)
    second.weight = first.weight
    loss = EpisodeLoss(nn.Sequential(first, second), SupervisedObjective(nn.functional.mse_loss))
    assert sorted(loss.meta_parameters()) == [
        "network.0.bias",
        "network.0.weight",
        "network.1.bias",
    ]
    rows = torch.ones(1, 2)
    task = SupervisedEpisode(rows, rows, rows, rows)
    nothing = {name: torch.zeros_like(value) for name, value in loss.meta_parameters().items()}
    twice = nothing | {"network.0.weight": 2 * torch.eye(2)}
    torch.testing.assert_close(loss.at(twice, task, "predict"), 4 * rows)


def test_what_is_missing_or_unknown_is_named():
    loss, task = small_loss(), small_task()
    with pytest.raises(ValueError, match="part='train': choose among 'query', 'support'"):
        loss(task, "train")
    with pytest.raises(ValueError, match="weights are those of support rows"):
        loss(task, "query", torch.ones(5))
    bare = EpisodeLoss(loss.network, nn.MSELoss())
    for part, method in (("support", "support_loss"), ("predict", "predict")):
        with pytest.raises(TypeError, match=f"MSELoss has no {method}"):
            bare(task, part)
