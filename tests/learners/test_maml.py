"""MAML's inner loop and meta-gradient."""

import copy
import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.func import vmap

from sklearn_metaexplain.learners import (
    MAML,
    EpisodeLoss,
    InnerRates,
    SupervisedEpisode,
    SupervisedObjective,
)
from sklearn_metaexplain.nets._tokens import TokenBlock
from tests.learners.problems import (
    assert_unchanged,
    central_differences,
    fill,
    gradients,
    parabola_loss,
    parabola_task,
    small_loss,
    small_task,
    snapshot,
    tensor,
)

OPTIMIZERS = ["sgd", "momentum", "adam"]


def query_gradient(loss, params, task):
    """Gradient of the query loss at given parameters, in a network of its own."""
    other = copy.deepcopy(loss)
    other.load_state_dict(params)
    other(task).backward()
    return gradients(other.network)


@pytest.mark.parametrize("n_inner_steps", [1, 2, 3])
@pytest.mark.parametrize("inner_optimizer", OPTIMIZERS)
def test_meta_gradient_is_that_of_central_differences(inner_optimizer, n_inner_steps):
    loss, task = small_loss(), small_task()
    learner = MAML(
        inner_lr=0.1, n_inner_steps=n_inner_steps, inner_optimizer=inner_optimizer, learn_lr=True
    )
    state = fill(learner.make_state(loss.network), 5, size=0.1)

    def after_adaptation():
        return learner.query_loss(loss, task, state=state)

    value = learner.accumulate(loss, task, state=state)
    assert value == pytest.approx(after_adaptation(), rel=1e-12)
    for module in (loss.network, state):
        expected = central_differences(after_adaptation, list(module.parameters()))
        for parameter, slopes in zip(module.parameters(), expected, strict=True):
            torch.testing.assert_close(parameter.grad, slopes, rtol=1e-4, atol=1e-6)
            assert float(slopes.abs().max()) > 1e-4


@pytest.mark.parametrize("inner_optimizer", OPTIMIZERS)
def test_first_order_is_the_gradient_at_the_adapted_parameters(inner_optimizer):
    settings = {"inner_lr": 0.2, "n_inner_steps": 2, "inner_optimizer": inner_optimizer}
    loss, task = small_loss(), small_task()
    first = MAML(first_order=True, **settings)
    adapted = first.adapt(loss, task)
    assert first.accumulate(loss, task) == MAML(**settings).query_loss(loss, task)
    found = gradients(loss.network)
    expected = query_gradient(loss, adapted, task)
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value)
    loss.network.zero_grad()
    MAML(**settings).accumulate(loss, task)
    second = gradients(loss.network)
    assert max(float((second[name] - found[name]).abs().max()) for name in found) > 1e-3


def test_first_order_learns_rates_all_the_same():
    # theta' = theta - rate * slope, so the rate's derivative needs no second derivatives.
    loss, task = parabola_loss(1.0), parabola_task(0.5, 3.0, 2.0, 0.0)
    learner = MAML(inner_lr=0.1, first_order=True, learn_lr=True)
    state = learner.make_state(loss.network)
    learner.accumulate(loss, task, state=state)
    slope = 2 * 0.5 * (1.0 - 3.0)
    adapted = 1.0 - 0.1 * slope
    (rate,) = state.parameters()
    assert float(rate.grad) == pytest.approx(2 * 2.0 * adapted * -slope)
    assert float(loss.network.weight.grad) == pytest.approx(2 * 2.0 * adapted)


NUMBERS = st.floats(-3, 3)
SIZES = st.floats(0.1, 2)


@settings(deadline=None, max_examples=30)
@given(NUMBERS, SIZES, NUMBERS, SIZES, NUMBERS, st.floats(0.01, 0.4), st.integers(1, 4))
def test_parabolas_have_closed_forms(start, bend, target, query_bend, query_target, rate, steps):
    # Each step brings theta nearer to the target by the factor 1 - 2 * rate * bend.
    loss = parabola_loss(start)
    task = parabola_task(bend, target, query_bend, query_target)
    learner = MAML(inner_lr=rate, n_inner_steps=steps)
    shrink = (1 - 2 * rate * bend) ** steps
    adapted = target + shrink * (start - target)
    found = learner.adapt(loss, task)["network.weight"]
    assert float(found) == pytest.approx(adapted, abs=1e-12)
    value = learner.accumulate(loss, task)
    assert value == pytest.approx(query_bend * (adapted - query_target) ** 2, abs=1e-12)
    meta_gradient = 2 * query_bend * (adapted - query_target) * shrink
    assert float(loss.network.weight.grad) == pytest.approx(meta_gradient, abs=1e-12)


def test_scaled_gradients_add_up_to_the_mean_over_tasks():
    loss, tasks = small_loss(), [small_task(1), small_task(2)]
    learner = MAML(inner_lr=0.1)
    apart = []
    for task in tasks:
        loss.network.zero_grad()
        learner.accumulate(loss, task)
        apart.append(gradients(loss.network))
    loss.network.zero_grad()
    for task in tasks:
        learner.accumulate(loss, task, scale=0.5)
    for name, value in gradients(loss.network).items():
        torch.testing.assert_close(value, (apart[0][name] + apart[1][name]) / 2)


def test_learned_rates_start_at_the_inner_rate_and_may_be_negative():
    loss, task = small_loss(), small_task()
    learner = MAML(inner_lr=0.3, n_inner_steps=2, learn_lr=True)
    state = learner.make_state(loss.network)
    rates = state.by_name()
    assert {name: value.shape for name, value in rates.items()} == {
        name: value.shape for name, value in loss.network.named_parameters()
    }
    fixed = MAML(inner_lr=0.3, n_inner_steps=2).adapt(loss, task)
    learned = learner.adapt(loss, task, state=state)
    for name, value in fixed.items():
        torch.testing.assert_close(learned[name], value, rtol=0, atol=1e-7)
    with torch.no_grad():
        for value in state.parameters():
            value.neg_()
    climbed = learner.adapt(loss, task, state=state, n_steps=1)
    fell = MAML(inner_lr=0.3).adapt(loss, task)
    start = loss.meta_parameters()
    for name, value in start.items():
        torch.testing.assert_close(climbed[name] - value, value - fell[name], rtol=0, atol=1e-7)


def test_rates_can_be_built_again_from_their_configuration():
    state = MAML(learn_lr=True).make_state(small_loss().network)
    again = InnerRates(**state.config)
    again.load_state_dict(state.state_dict())
    assert again.by_name().keys() == {"0.weight", "0.bias", "2.weight", "2.bias"}


@pytest.mark.parametrize("inner_lr", [1, np.float32(0.5), np.float64(0.5)])
def test_learned_rates_start_at_numbers_of_any_type(inner_lr):
    loss, task = small_loss(), small_task()
    learner = MAML(inner_lr=inner_lr, learn_lr=True)
    state = learner.make_state(loss.network)
    learner.accumulate(loss, task, state=state)
    assert all(rate.grad is not None for rate in state.parameters())
    assert json.loads(json.dumps(state.config))["initial"] == inner_lr


def test_adapting_leaves_the_network_and_the_global_generators_alone():
    loss, task = small_loss(), small_task()
    learner = MAML(inner_lr=0.5, n_inner_steps=2, learn_lr=True)
    before, torch_before = snapshot(loss), torch.get_rng_state()
    numpy_before = np.random.get_state()[1].copy()
    state = learner.make_state(loss.network)
    adapted = learner.adapt(loss, task, state=state)
    learner.query_loss(loss, task, state=state)
    assert not gradients(loss.network)
    assert not gradients(state)
    learner.accumulate(loss, task, state=state)
    assert_unchanged(loss, before)
    assert torch.equal(torch.get_rng_state(), torch_before)
    assert (np.random.get_state()[1] == numpy_before).all()
    for name, value in adapted.items():
        assert not value.requires_grad
        assert not value.equal(before[name])


def test_what_comes_back_shares_no_memory_with_the_network():
    loss = small_loss()
    before = snapshot(loss)
    for value in MAML().adapt(loss, small_task(), n_steps=0).values():
        value.fill_(7)
    assert_unchanged(loss, before)


def test_adaptation_reads_the_support_alone():
    loss, task = small_loss(), small_task()
    other = task._replace(query=task.query + 1, query_targets=-task.query_targets)
    first, second = (MAML().adapt(loss, each) for each in (task, other))
    assert all(first[name].equal(second[name]) for name in first)


def test_frozen_parameters_adapt_but_get_no_meta_gradient():
    loss, task = small_loss(), small_task()
    loss.network[0].requires_grad_(False)
    learner = MAML(inner_lr=0.1)
    learner.accumulate(loss, task)
    assert gradients(loss.network).keys() == {"2.weight", "2.bias"}
    adapted = learner.adapt(loss, task)
    assert not adapted["network.0.weight"].equal(loss.network[0].weight)


def test_callback_sees_every_step():
    loss, task = small_loss(), small_task()
    seen = []
    learner = MAML(inner_lr=0.1, n_inner_steps=3)
    adapted = learner.adapt(loss, task, callback=lambda step, params: seen.append((step, params)))
    assert [step for step, _ in seen] == [0, 1, 2, 3]
    for i, (_, params) in enumerate(seen):
        expected = learner.adapt(loss, task, n_steps=i)
        assert all(params[name].equal(expected[name]) for name in expected)
    assert all(seen[-1][1][name].equal(adapted[name]) for name in adapted)
    assert all(seen[0][1][name].equal(value) for name, value in loss.meta_parameters().items())


def test_tasks_of_one_size_can_be_mapped_at_once():
    loss, tasks = small_loss(), [small_task(seed) for seed in range(3)]
    learner = MAML(inner_lr=0.1, n_inner_steps=2, inner_optimizer="adam")
    params = {name: value.detach() for name, value in loss.meta_parameters().items()}

    def after_adaptation(episode):
        return loss.at(learner.inner_loop(loss, episode, params), episode)

    stacked = SupervisedEpisode(*(torch.stack(parts) for parts in zip(*tasks, strict=True)))
    at_once = vmap(after_adaptation)(stacked)
    assert at_once.tolist() == pytest.approx([learner.query_loss(loss, task) for task in tasks])


def test_gradients_pass_twice_through_attention():
    class Reader(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed, self.block, self.head = nn.Linear(1, 4), TokenBlock(4, 2), nn.Linear(4, 1)

        def forward(self, rows):
            return self.head(self.block(self.embed(rows[..., None]))[0].mean(1))

    with torch.random.fork_rng(devices=[]):
        network = fill(Reader(), 1, size=0.4)
    loss = EpisodeLoss(network, SupervisedObjective(nn.functional.mse_loss))
    task = SupervisedEpisode(tensor(2, 5, 3), tensor(3, 5, 1), tensor(4, 4, 3), tensor(5, 4, 1))
    learner = MAML(inner_lr=0.1)
    learner.accumulate(loss, task)
    weights = [network.embed.weight, network.block.query_rows.bias]
    expected = central_differences(lambda: learner.query_loss(loss, task), weights)
    for weight, slopes in zip(weights, expected, strict=True):
        torch.testing.assert_close(weight.grad, slopes, rtol=1e-4, atol=1e-6)


def test_running_statistics_stay_as_they_are():
    network = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Linear(3, 2)).double()
    loss = EpisodeLoss(network, SupervisedObjective(nn.functional.mse_loss))
    before = snapshot(loss)
    MAML(inner_lr=0.1, n_inner_steps=2).accumulate(loss, small_task())
    assert_unchanged(loss, before)
    assert gradients(network).keys() == dict(network.named_parameters()).keys()


def test_bad_input_is_named():
    loss, task = small_loss(), small_task()
    with pytest.raises(ValueError, match="n_steps=-1: give a whole number from 0 on"):
        MAML().adapt(loss, task, n_steps=-1)
    for name, value in (
        ("inner_lr", 0.0),
        ("n_inner_steps", 0),
        ("meta_batch_size", 0),
        ("inner_optimizer", "rmsprop"),
        ("outer_optimizer", "lbfgs"),
        ("first_order", "yes"),
        ("learn_lr", 2),
    ):
        learner = MAML(**{name: value})
        for use in (learner.adapt, learner.accumulate, learner.query_loss):
            with pytest.raises(ValueError, match=f"'{name}' parameter of MAML"):
                use(loss, task)
        with pytest.raises(ValueError, match=f"'{name}' parameter of MAML"):
            learner.make_state(loss.network)
    with pytest.raises(ValueError, match="Identity has no parameters"):
        MAML(learn_lr=True).make_state(nn.Identity())
    loss.network.requires_grad_(False)
    with pytest.raises(ValueError, match=r"call network\.requires_grad_\(True\)"):
        MAML().accumulate(loss, task)


def test_states_have_to_fit():
    loss, task = small_loss(), small_task()
    learner = MAML(learn_lr=True)
    with pytest.raises(ValueError, match="state=NoneType: with learn_lr=True, give the learned"):
        learner.accumulate(loss, task)
    other = learner.make_state(nn.Linear(2, 2))
    with pytest.raises(ValueError, match="for other parameters than those of this network"):
        learner.adapt(loss, task, state=other)
    with pytest.raises(ValueError, match=r"state=InnerRates: MAML\(\) learns nothing of its own"):
        MAML().adapt(loss, task, state=other)
    assert MAML().make_state(loss.network) is None
