"""Learning in context: no inner loop."""

import numpy as np
import pytest
import torch
from torch import nn

from sklearn_metaexplain.learners import EpisodeLoss, InContext
from tests.learners.problems import assert_unchanged, fill, gradients, small_task, snapshot


class Averager(nn.Module):
    """Answers with the mean target of the support, times a number."""

    def __init__(self):
        super().__init__()
        self.size = nn.Parameter(torch.tensor(2.0, dtype=torch.float64))

    def forward(self, episode):
        return self.size * episode.targets.mean(0).expand_as(episode.query_targets)


class ReadingObjective(nn.Module):
    """Squared error of a network that is handed the whole support."""

    def forward(self, network, episode):
        return (network(episode) - episode.query_targets).square().mean()


@pytest.fixture
def loss():
    return EpisodeLoss(Averager(), ReadingObjective())


def test_gradient_is_that_of_the_query_loss_given_the_support(loss):
    task = small_task()
    mean = task.targets.mean(0)
    misfit = 2 * mean - task.query_targets
    expected = (2 * misfit * mean).mean()
    value = InContext().accumulate(loss, task)
    assert value == pytest.approx(float(misfit.square().mean()))
    torch.testing.assert_close(loss.network.size.grad, expected)
    InContext().accumulate(loss, task, scale=0.5)
    torch.testing.assert_close(loss.network.size.grad, 1.5 * expected)


def test_nothing_adapts_and_nothing_changes(loss):
    task, before, seen = small_task(), snapshot(loss), []
    torch_before, numpy_before = torch.get_rng_state(), np.random.get_state()[1].copy()
    params = InContext().adapt(
        loss, task, n_steps=0, callback=lambda step, params: seen.append((step, params))
    )
    assert params["network.size"].equal(loss.network.size)
    assert [step for step, _ in seen] == [0]
    assert InContext().query_loss(loss, task) == pytest.approx(float(loss(task).detach()))
    params["network.size"].fill_(9)
    assert_unchanged(loss, before)
    assert not gradients(loss.network)
    assert torch.equal(torch.get_rng_state(), torch_before)
    assert (np.random.get_state()[1] == numpy_before).all()


def test_outer_steps_learn_to_read(loss):
    # The best number is 1 where the queries are what the support is on average.
    tasks = [
        task._replace(query_targets=task.targets.mean(0).expand_as(task.query_targets))
        for task in map(small_task, range(8))
    ]
    optimizer = torch.optim.SGD(loss.parameters(), lr=0.5)
    for _ in range(60):
        optimizer.zero_grad()
        for task in tasks:
            InContext().accumulate(loss, task, scale=1 / len(tasks))
        optimizer.step()
    assert float(loss.network.size.detach()) == pytest.approx(1, abs=1e-3)


def test_steps_and_states_are_refused(loss):
    with pytest.raises(ValueError, match="n_steps=3: InContext has no inner loop"):
        InContext().adapt(loss, small_task(), n_steps=3)
    state = fill(nn.Linear(1, 1), 0)
    for use in (InContext().adapt, InContext().accumulate, InContext().query_loss):
        with pytest.raises(ValueError, match=r"InContext\(\) learns nothing of its own"):
            use(loss, small_task(), state=state)
    loss.network.requires_grad_(False)
    with pytest.raises(ValueError, match=r"call network\.requires_grad_\(True\)"):
        InContext().accumulate(loss, small_task())
