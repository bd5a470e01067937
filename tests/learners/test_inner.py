"""Inner steps against torch's own optimisers, and where their derivatives could break."""

import copy

import pytest
import torch

from sklearn_metaexplain.learners import MAML
from sklearn_metaexplain.learners._inner import descend
from tests.learners.problems import gradients, small_loss, small_task

OPTIMIZERS = {
    "sgd": lambda parameters: torch.optim.SGD(parameters, lr=0.1),
    "momentum": lambda parameters: torch.optim.SGD(parameters, lr=0.1, momentum=0.9),
    "adam": lambda parameters: torch.optim.Adam(parameters, lr=0.1),
}


@pytest.mark.parametrize("n_steps", [1, 4])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_steps_are_those_of_torch(name, n_steps):
    loss, task = small_loss(), small_task()
    trained = copy.deepcopy(loss)
    optimizer = OPTIMIZERS[name](trained.parameters())
    for _ in range(n_steps):
        optimizer.zero_grad()
        trained(task, "support").backward()
        optimizer.step()
    learner = MAML(inner_lr=0.1, n_inner_steps=n_steps, inner_optimizer=name)
    adapted = learner.adapt(loss, task)
    for key, value in trained.meta_parameters().items():
        torch.testing.assert_close(adapted[key], value.detach(), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_meta_gradient_is_finite_where_gradients_vanish(name):
    loss, task = small_loss(), small_task()
    with torch.no_grad():
        # No gradient reaches the first layer at first, as behind dead units.
        loss.network[2].weight.zero_()
    MAML(inner_lr=0.1, n_inner_steps=3, inner_optimizer=name).accumulate(loss, task)
    assert all(bool(value.isfinite().all()) for value in gradients(loss.network).values())


def test_what_has_no_rate_stays():
    start = {name: torch.tensor(2.0, dtype=torch.float64) for name in "ab"}
    end = descend(
        lambda params: params["a"].square() + params["b"].square(),
        start,
        rates={"b": 0.25},
        optimizer="sgd",
        n_steps=2,
    )
    assert (float(end["a"]), float(end["b"])) == (2.0, 0.5)


def test_each_loop_starts_with_an_empty_memory():
    loss, task = small_loss(), small_task()
    learner = MAML(inner_lr=0.1, n_inner_steps=2, inner_optimizer="momentum")
    first, second = learner.adapt(loss, task), learner.adapt(loss, task)
    assert all(first[name].equal(second[name]) for name in first)
