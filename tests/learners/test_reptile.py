"""Reptile: the way to where training on a task leads."""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sklearn_metaexplain.learners import MAML, Reptile
from tests.learners.problems import (
    assert_unchanged,
    gradients,
    parabola_loss,
    parabola_task,
    small_loss,
    small_task,
    snapshot,
)

NUMBERS = st.floats(-3, 3)
SIZES = st.floats(0.1, 2)


@settings(deadline=None, max_examples=30)
@given(NUMBERS, SIZES, NUMBERS, SIZES, NUMBERS, st.floats(0.01, 0.4), st.integers(1, 5))
def test_parabolas_have_closed_forms(start, bend, target, query_bend, query_target, rate, steps):
    # The mean of both parabolas is one with their mean bend, around their weighted mean target.
    loss = parabola_loss(start)
    task = parabola_task(bend, target, query_bend, query_target)
    mean_bend = (bend + query_bend) / 2
    middle = (bend * target + query_bend * query_target) / (bend + query_bend)
    end = middle + (1 - 2 * rate * mean_bend) ** steps * (start - middle)
    value = Reptile(inner_lr=rate, n_inner_steps=steps).accumulate(loss, task)
    assert float(loss.network.weight.grad) == pytest.approx(start - end, abs=1e-12)
    assert value == pytest.approx(query_bend * (end - query_target) ** 2, abs=1e-12)


@pytest.mark.parametrize("inner_optimizer", ["sgd", "momentum", "adam"])
def test_an_outer_step_of_rate_one_goes_where_training_leads(inner_optimizer):
    loss, task = small_loss(), small_task()
    trained = copy.deepcopy(loss)
    optimizer = {
        "sgd": lambda parameters: torch.optim.SGD(parameters, lr=0.1),
        "momentum": lambda parameters: torch.optim.SGD(parameters, lr=0.1, momentum=0.9),
        "adam": lambda parameters: torch.optim.Adam(parameters, lr=0.1),
    }[inner_optimizer](trained.parameters())
    for _ in range(3):
        optimizer.zero_grad()
        (0.5 * trained(task, "support") + 0.5 * trained(task)).backward()
        optimizer.step()
    learner = Reptile(inner_lr=0.1, n_inner_steps=3, inner_optimizer=inner_optimizer)
    value = learner.accumulate(loss, task)
    torch.optim.SGD(loss.parameters(), lr=1.0).step()
    for name, expected in trained.named_parameters():
        torch.testing.assert_close(loss.get_parameter(name), expected, rtol=1e-6, atol=1e-6)
    assert value == pytest.approx(float(trained(task).detach()), rel=1e-6)


def test_adaptation_is_that_of_gradient_descent_on_the_support():
    loss, task = small_loss(), small_task()
    options = {"inner_lr": 0.1, "n_inner_steps": 4}
    first, second = Reptile(**options).adapt(loss, task), MAML(**options).adapt(loss, task)
    assert all(first[name].equal(second[name]) for name in second)
    assert Reptile(**options).query_loss(loss, task) == MAML(**options).query_loss(loss, task)


def test_gradients_are_added_scaled_and_the_network_stays():
    loss, task = small_loss(), small_task()
    before = snapshot(loss)
    learner = Reptile(inner_lr=0.1)
    learner.accumulate(loss, task)
    once = gradients(loss.network)
    learner.accumulate(loss, task, scale=0.5)
    for name, value in gradients(loss.network).items():
        torch.testing.assert_close(value, 1.5 * once[name])
    assert_unchanged(loss, before)


def test_frozen_parameters_get_nothing_and_states_are_refused():
    loss, task = small_loss(), small_task()
    loss.network[0].requires_grad_(False)
    Reptile().accumulate(loss, task)
    assert gradients(loss.network).keys() == {"2.weight", "2.bias"}
    for use in (Reptile().adapt, Reptile().accumulate):
        with pytest.raises(ValueError, match=r"Reptile\(\) learns nothing of its own"):
            use(loss, task, state=loss.network)
    loss.network.requires_grad_(False)
    with pytest.raises(ValueError, match=r"call network\.requires_grad_\(True\)"):
        Reptile().accumulate(loss, task)
    with pytest.raises(ValueError, match="'inner_lr' parameter of Reptile"):
        Reptile(inner_lr=-1.0).accumulate(loss, task)
