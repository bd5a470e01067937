"""The learned optimiser: its LSTM, its meta-gradient, and that learning pays."""

import math
from typing import NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from torch import nn

from sklearn_metaexplain.learners import (
    EpisodeLoss,
    LearnedOptimizer,
    SupervisedEpisode,
    SupervisedObjective,
)
from sklearn_metaexplain.learners._coordinate_lstm import CoordinateLSTM, preprocess_gradient
from sklearn_metaexplain.nets._weights_file import load_networks, save_networks


class Bowl(NamedTuple):
    """A quadratic: half the weighted squared distance to one place or, at last, another."""

    curvature: torch.Tensor
    target: torch.Tensor
    last_target: torch.Tensor

    def support_gradient(self, place):
        return self.curvature * (place - self.target)

    def support_value(self, place):
        return 0.5 * (self.curvature * (place - self.target).square()).sum()

    def query_value(self, place):
        return 0.5 * (self.curvature * (place - self.last_target).square()).sum()


class Place(nn.Module):
    """Parameters of several shapes that hold one vector."""

    def __init__(self, n):
        super().__init__()
        self.first = nn.Parameter(torch.zeros(1, 2, dtype=torch.float64))
        self.rest = nn.Parameter(torch.zeros(n - 2, dtype=torch.float64))

    def vector(self):
        return torch.cat([self.first[0], self.rest])


class BowlObjective(nn.Module):
    def forward(self, network, episode):
        return episode.query_value(network.vector())

    def support_loss(self, network, episode, weights=None):
        assert weights is None
        return episode.support_value(network.vector())


def randomised(state, seed=0):
    """Weights of a trained LSTM are not zero: neither are these."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in state.parameters():
            parameter += 0.5 * torch.randn(parameter.shape, generator=generator)
    return state


def draw_bowl(generator, n=4, same_target=True):
    """Curvatures from 0.1 to 10."""
    exponent = 2 * torch.rand(n, generator=generator, dtype=torch.float64) - 1
    target, other = torch.randn(2, n, generator=generator, dtype=torch.float64)
    return Bowl(10**exponent, target, target if same_target else other)


def one_bowl(learner, n=4, seed=0):
    loss = EpisodeLoss(Place(n), BowlObjective())
    state = randomised(learner.make_state(loss.network))
    return loss, state, draw_bowl(torch.Generator().manual_seed(seed), n, same_target=False)


def vector(params):
    return torch.cat([value.reshape(-1) for value in params.values()])


@pytest.mark.parametrize(
    ("gradient", "expected"),
    [
        (1.0, (0.0, 1.0)),
        (-1.0, (0.0, -1.0)),
        (math.e**5, (0.5, 1.0)),
        (-(math.e**-5), (-0.5, -1.0)),
        (math.exp(-10) * 1.0001, (-0.99999, 1.0)),
        (0.5 * math.exp(-10), (-1.0, 0.5)),
        (-1e-9, (-1.0, -1e-9 * 22026.465794806718)),
        (0.0, (-1.0, 0.0)),
    ],
)
def test_preprocessing_is_the_paper_s(gradient, expected):
    made = preprocess_gradient(torch.tensor([gradient], dtype=torch.float64), 10.0)
    np.testing.assert_allclose(made[0], expected, atol=1e-9)


@settings(deadline=None, max_examples=50)
@given(st.floats(-1e6, 1e6), st.floats(0.5, 12))
def test_preprocessing_is_bounded_and_odd_in_its_sign(gradient, p):
    both = torch.tensor([gradient, -gradient], dtype=torch.float64)
    made = preprocess_gradient(both, p)
    assert float(made[:, 0].min()) >= -1 - 1e-12
    assert float(made[:, 1].abs().max()) <= 1 + 1e-12
    torch.testing.assert_close(made[0] * torch.tensor([1.0, -1.0]), made[1])
    slope = torch.func.grad(lambda values: preprocess_gradient(values, p).sum())(both)
    assert slope.isfinite().all()


def test_the_largest_preprocess_stays_within_single_precision():
    gradients = torch.tensor([0.0, 1e-40, -1e-36, 1e-3, 1e30])
    learner = LearnedOptimizer(n_inner_steps=2, preprocess=80)
    loss, state, bowl = one_bowl(learner)
    signal = preprocess_gradient(gradients, state.preprocess)
    assert signal.isfinite().all()
    assert signal.abs().max() <= 1
    total = torch.func.grad(lambda values: preprocess_gradient(values, 80).sum())
    assert total(gradients).isfinite().all()
    assert np.isfinite(learner.accumulate(loss, bowl, state=state))
    assert all(value.grad.isfinite().all() for value in state.parameters())
    with pytest.raises(ValueError, match="'preprocess' parameter of LearnedOptimizer"):
        LearnedOptimizer(preprocess=80.5).make_state(loss.network)


def test_lstm_is_torch_s():
    lstm = randomised(CoordinateLSTM(hidden_size=3, n_layers=2, preprocess=10.0)).double()
    reference = nn.LSTM(2, 3, num_layers=2).double()
    with torch.no_grad():
        for layer, linear in enumerate(lstm.cells):
            n_inputs = 3 if layer else 2
            getattr(reference, f"weight_ih_l{layer}").copy_(linear.weight[:, :n_inputs])
            getattr(reference, f"weight_hh_l{layer}").copy_(linear.weight[:, n_inputs:])
            getattr(reference, f"bias_ih_l{layer}").copy_(linear.bias)
            getattr(reference, f"bias_hh_l{layer}").zero_()
    gradients = torch.randn(6, 5, generator=torch.Generator().manual_seed(1)).double()
    outputs, (hidden, cell) = reference(preprocess_gradient(gradients, 10.0))
    memory = lstm.start(5)
    for gradient, output in zip(gradients, outputs, strict=True):
        update, memory, _ = lstm(gradient, memory)
        torch.testing.assert_close(update, 0.1 * lstm.output(output)[:, 0])
    torch.testing.assert_close(memory.hidden, hidden)
    torch.testing.assert_close(memory.cell, cell)


def test_gates_of_known_weights():
    lstm = CoordinateLSTM(hidden_size=2, n_layers=1, preprocess=10.0)
    with torch.no_grad():
        lstm.cells[0].weight.zero_()
        # Input, forget, candidate, output; two units each.
        logits = torch.tensor([0.2, 0.4, 0.5, 0.7, 0.3, 0.3, 0.8, 0.6]).logit()
        lstm.cells[0].bias.copy_(logits)
    _, _, gates = lstm(torch.ones(3), lstm.start(3))
    torch.testing.assert_close(gates, torch.tensor([0.3, 0.6, 0.7]).expand(1, 3, 3))


def test_coordinates_are_stepped_alike_and_apart():
    lstm = randomised(CoordinateLSTM())
    generator = torch.Generator().manual_seed(0)
    gradients = torch.randn(5, 7, generator=generator)
    gradients[:, 3] = gradients[:, 5]
    order = torch.tensor([6, 2, 0, 1, 5, 4, 3])

    def steps(columns):
        memory, updates = lstm.start(len(columns)), []
        for gradient in gradients[:, columns]:
            update, memory, _ = lstm(gradient, memory)
            updates.append(update)
        return torch.stack(updates)

    straight = steps(torch.arange(7))
    # Equal but for rounding, for a processor may add up the last columns otherwise.
    alike = (straight[:, None] - straight[:, :, None]).abs().amax(0) < 1e-6
    assert alike.nonzero().tolist() == sorted([*([i, i] for i in range(7)), [3, 5], [5, 3]])
    torch.testing.assert_close(steps(order), straight[:, order])
    torch.testing.assert_close(steps(torch.tensor([2])), straight[:, 2:3])


def test_coordinates_of_a_network_follow_its_parameters():
    learner = LearnedOptimizer(n_inner_steps=3)
    loss, state, bowl = one_bowl(learner)
    adapted = learner.adapt(loss, bowl, state=state)
    assert {name: value.shape for name, value in adapted.items()} == {
        "network.first": (1, 2),
        "network.rest": (2,),
    }
    turned = Bowl(*(part.roll(1) for part in bowl))
    turned_params = learner.adapt(loss, turned, state=state)
    torch.testing.assert_close(vector(turned_params), vector(adapted).roll(1))
    assert not loss.network.vector().any()


def test_untrained_it_stays_where_it_is():
    learner = LearnedOptimizer()
    loss, _, bowl = one_bowl(learner)
    state = learner.make_state(loss.network)
    assert not vector(learner.adapt(loss, bowl, state=state)).any()


def replay(state, gradients, start):
    """Places after each step of an LSTM that is told these gradients."""
    memory, place, places = state.start(len(start)), start, []
    for gradient in gradients:
        update, memory, _ = state(gradient, memory)
        place = place + update
        places.append(place)
    return places


@pytest.mark.parametrize("learn_init", [True, False])
@pytest.mark.parametrize("scale", [1.0, 0.25])
def test_meta_gradient_against_finite_differences(learn_init, scale):
    """Central differences of the meta-loss along the gradients that were met."""
    n_steps = 4
    learner = LearnedOptimizer(n_inner_steps=n_steps, hidden_size=2, learn_init=learn_init)
    loss, state, bowl = one_bowl(learner)
    places = [torch.zeros(4, dtype=torch.float64)]
    learner.adapt(
        loss, bowl, state=state, callback=lambda step, params, **_: places.append(vector(params))
    )
    gradients = [bowl.support_gradient(place) for place in places[1:-1]]

    def meta_loss(start):
        with torch.no_grad():
            path = replay(state, gradients, start)
        mean = sum(bowl.support_value(place) for place in path) / n_steps
        return float(mean + bowl.query_value(path[-1]))

    query_loss = learner.accumulate(loss, bowl, state=state, scale=scale)
    assert query_loss == pytest.approx(float(bowl.query_value(places[-1])))
    assert query_loss == pytest.approx(learner.query_loss(loss, bowl, state=state))
    start, step = torch.zeros(4, dtype=torch.float64), 1e-6
    for parameter in state.parameters():
        assert parameter.grad is not None
        for k in range(parameter.numel()):
            found = []
            for sign in (1, -1):
                with torch.no_grad():
                    parameter.view(-1)[k] += sign * step
                found.append(meta_loss(start))
                with torch.no_grad():
                    parameter.view(-1)[k] -= sign * step
            expected = scale * (found[0] - found[1]) / (2 * step)
            assert float(parameter.grad.view(-1)[k]) == pytest.approx(expected, rel=1e-5, abs=1e-7)
    if not learn_init:
        assert all(parameter.grad is None for parameter in loss.network.parameters())
        return
    of_network = vector({k: p.grad for k, p in loss.network.named_parameters()})
    for k, shift in enumerate(step * torch.eye(4, dtype=torch.float64)):
        expected = scale * (meta_loss(start + shift) - meta_loss(start - shift)) / (2 * step)
        assert float(of_network[k]) == pytest.approx(expected, rel=1e-6)


def test_meta_gradients_add_up():
    learner = LearnedOptimizer(n_inner_steps=3)
    loss, state, bowl = one_bowl(learner)
    trained = [*loss.network.parameters(), *state.parameters()]
    learner.accumulate(loss, bowl, state=state)
    once = [parameter.grad.clone() for parameter in trained]
    learner.accumulate(loss, bowl, state=state, scale=0.5)
    for parameter, first in zip(trained, once, strict=True):
        torch.testing.assert_close(parameter.grad, 1.5 * first)


@pytest.mark.parametrize("truncation", [1, 2, 3])
def test_truncation(truncation):
    """Cut is what passes from one stretch of steps to the next; never what reaches the start."""
    whole = LearnedOptimizer(n_inner_steps=4, hidden_size=3)
    cut = clone(whole).set_params(truncation=truncation)
    loss, state, bowl = one_bowl(whole)
    cut.accumulate(loss, bowl, state=state)
    made = [parameter.grad.clone() for parameter in state.parameters()]
    start = [parameter.grad.clone() for parameter in loss.network.parameters()]
    places = []
    cut.adapt(
        loss, bowl, state=state, callback=lambda k, params, **_: places.append(vector(params))
    )
    gradients = [bowl.support_gradient(place) for place in places[:-1]]

    # The same path, with memory and place constants at the beginning of every stretch.
    memory, place = state.start(4), places[0]
    total = torch.zeros((), dtype=torch.float64)
    for k, gradient in enumerate(gradients):
        if k % truncation == 0:
            memory = type(memory)(*(part.detach() for part in memory))
            place = place.detach()
        update, memory, _ = state(gradient, memory)
        place = place + update
        total = total + bowl.support_value(place) / 4
    total = total + bowl.query_value(place)
    expected = torch.autograd.grad(total, list(state.parameters()))
    for one, other in zip(made, expected, strict=True):
        torch.testing.assert_close(one, other)

    state.zero_grad()
    loss.network.zero_grad()
    whole.accumulate(loss, bowl, state=state)
    for parameter, one in zip(loss.network.parameters(), start, strict=True):
        torch.testing.assert_close(parameter.grad, one)
    differ = [
        not torch.allclose(parameter.grad, one)
        for parameter, one in zip(state.parameters(), made, strict=True)
    ]
    assert any(differ)


def test_truncation_beyond_the_loop_changes_nothing():
    whole = LearnedOptimizer(n_inner_steps=3, hidden_size=3)
    loss, state, bowl = one_bowl(whole)
    found = []
    for truncation in (None, 3, 9):
        state.zero_grad()
        clone(whole).set_params(truncation=truncation).accumulate(loss, bowl, state=state)
        found.append([parameter.grad.clone() for parameter in state.parameters()])
    for other in found[1:]:
        torch.testing.assert_close(other, found[0], rtol=0, atol=0)


def gradient_descent(bowl, rate, n_steps):
    place = torch.zeros_like(bowl.target)
    for _ in range(n_steps):
        place = place - rate * bowl.support_gradient(place)
    return float(bowl.query_value(place))


def test_meta_trained_it_beats_gradient_descent_on_new_quadratics():
    n_steps, n, n_outer = 5, 16, 150
    learner = LearnedOptimizer(n_inner_steps=n_steps, learn_init=False)
    loss = EpisodeLoss(Place(n), BowlObjective())
    state = learner.make_state(loss.network)
    outer = torch.optim.Adam(state.parameters(), lr=0.03)
    decay = torch.optim.lr_scheduler.LinearLR(outer, 1.0, 0.05, n_outer)
    generator = torch.Generator().manual_seed(0)
    for _ in range(n_outer):
        outer.zero_grad()
        learner.accumulate(loss, draw_bowl(generator, n), state=state)
        outer.step()
        decay.step()
    new = [draw_bowl(generator, n) for _ in range(30)]
    learned = [learner.query_loss(loss, bowl, state=state) for bowl in new]
    # Beyond 2 / 10, gradient descent diverges on the steepest of them.
    best_fixed = min(
        np.mean([gradient_descent(bowl, rate, n_steps) for bowl in new])
        for rate in (0.01, 0.03, 0.1, 0.15, 0.2)
    )
    assert np.mean(learned) < 0.6 * best_fixed


def test_state_saved_and_loaded_steps_the_same(tmp_path):
    learner = LearnedOptimizer(n_inner_steps=3, hidden_size=5, n_layers=3, preprocess=4.0)
    loss, state, bowl = one_bowl(learner)
    save_networks(tmp_path / "state.safetensors", {"state": state}, {})
    networks, _ = load_networks(tmp_path / "state.safetensors", {"state": CoordinateLSTM}, {})
    loaded = networks["state"]
    assert isinstance(loaded, CoordinateLSTM)
    assert loaded.config == {"hidden_size": 5, "n_layers": 3, "preprocess": 4.0}
    one, other = (learner.adapt(loss, bowl, state=each) for each in (state, loaded))
    torch.testing.assert_close(one, other, rtol=0, atol=0)


def test_state_comes_from_its_seed_and_leaves_the_global_generator_alone():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    network = nn.Linear(2, 1).half()
    torch.set_rng_state(before)
    states = [
        LearnedOptimizer(random_state=seed).make_state(network).state_dict() for seed in (0, 0, 1)
    ]
    assert torch.get_rng_state().equal(before)
    torch.testing.assert_close(states[0], states[1], rtol=0, atol=0)
    assert not states[0]["cells.0.weight"].equal(states[2]["cells.0.weight"])
    assert {value.dtype for value in states[0].values()} == {torch.float16}


def test_inner_loop_can_be_differentiated_through_its_gradients():
    """The derivative by the support rows' weights, against central differences."""
    generator = torch.Generator().manual_seed(0)
    rows = torch.randn(7, 2, generator=generator, dtype=torch.float64)
    targets = torch.randn(7, 1, generator=generator, dtype=torch.float64)
    episode = SupervisedEpisode(rows[:4], targets[:4], rows[4:], targets[4:])
    network = nn.Linear(2, 1).double()
    with torch.no_grad():
        network.weight.copy_(torch.tensor([[0.3, -0.2]]))
        network.bias.fill_(0.1)
    loss = EpisodeLoss(network, SupervisedObjective(nn.functional.mse_loss))
    learner = LearnedOptimizer(n_inner_steps=3)
    state = randomised(learner.make_state(network))
    start = {name: value.detach() for name, value in loss.meta_parameters().items()}

    def final(weights):
        return loss.at(
            learner.inner_loop(loss, episode, start, state=state, weights=weights), episode
        )

    weights = torch.tensor([1.0, 0.5, 0.0, 2.0], dtype=torch.float64)
    derivative = torch.func.grad(final)(weights).detach()
    assert (derivative.abs() > 1e-4).all()
    for k, shift in enumerate(1e-5 * torch.eye(4, dtype=torch.float64)):
        with torch.no_grad():
            expected = float(final(weights + shift) - final(weights - shift)) / 2e-5
        assert float(derivative[k]) == pytest.approx(expected, rel=1e-4)


def test_bad_input_is_refused():
    learner = LearnedOptimizer()
    loss, state, bowl = one_bowl(learner)
    for wrong in (None, nn.Linear(1, 1)):
        for use in (learner.adapt, learner.accumulate, learner.query_loss):
            with pytest.raises(ValueError, match=r"make_state\(network\).*state="):
                use(loss, bowl, state=wrong)
    with pytest.raises(ValueError, match="ReLU has no parameters"):
        learner.make_state(nn.ReLU())
    with pytest.raises(ValueError, match="n_steps"):
        learner.adapt(loss, bowl, state=state, n_steps=-1)
    for name, value in {
        "n_inner_steps": 0,
        "hidden_size": 0,
        "n_layers": 0,
        "preprocess": 0.0,
        "truncation": 0,
        "learn_init": "no",
        "outer_optimizer": "newton",
        "random_state": "seed",
    }.items():
        with pytest.raises(ValueError, match=name):
            LearnedOptimizer(**{name: value}).make_state(loss.network)
