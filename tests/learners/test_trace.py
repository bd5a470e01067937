"""The trace of an adaptation, against what can be computed by hand."""

from dataclasses import FrozenInstanceError
from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch import nn

from sklearn_metaexplain.inspection import AdaptationDisplay
from sklearn_metaexplain.learners import (
    ANIL,
    MAML,
    EpisodeLoss,
    InContext,
    LearnedOptimizer,
    Reptile,
    SupervisedEpisode,
    SupervisedObjective,
    trace_adaptation,
)


def line_problem():
    """Regression through the origin on three rows, judged by two others."""
    network = nn.Linear(1, 1, bias=False).double()
    nn.init.constant_(network.weight, 0.5)
    loss = EpisodeLoss(network, SupervisedObjective(nn.functional.mse_loss))
    x = torch.tensor([[1.0], [2.0], [-1.0]], dtype=torch.float64)
    y = torch.tensor([[2.0], [3.0], [4.0]], dtype=torch.float64)
    query = torch.tensor([[1.0], [3.0]], dtype=torch.float64)
    return loss, SupervisedEpisode(x, y, query, 2 * query)


def slopes(weights, start, rate, n_steps):
    """Gradient descent on the mean of weights * (slope * x - y)**2, by hand."""
    x, y = np.array([1.0, 2.0, -1.0]), np.array([2.0, 3.0, 4.0])
    found = [start]
    for _ in range(n_steps):
        found.append(found[-1] - rate * np.mean(weights * 2 * x * (found[-1] * x - y)))
    return np.array(found)


def deep_problem(seed=0):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = nn.Sequential(nn.Linear(2, 5), nn.Tanh(), nn.Linear(5, 3), nn.Linear(3, 2))
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randn(12, 2, generator=generator, dtype=torch.float64)
    targets = torch.stack([rows.sin().sum(1), rows.prod(1)], dim=1)
    loss = EpisodeLoss(network.double(), SupervisedObjective(nn.functional.mse_loss))
    return loss, SupervisedEpisode(rows[:7], targets[:7], rows[7:], targets[7:])


def trained_state(learner, network):
    """A learned optimiser that moves: its last layer starts at zero."""
    state = learner.make_state(network)
    with torch.no_grad():
        state.output.weight.copy_(torch.linspace(-1, 1, state.output.weight.numel())[None])
    return state


def test_trace_of_a_line_by_hand():
    loss, episode = line_problem()
    trace = trace_adaptation(MAML(inner_lr=0.1, n_inner_steps=3), loss, episode)
    slope = slopes(np.ones(3), 0.5, 0.1, 3)
    x, y = episode.support[:, 0].numpy(), episode.targets[:, 0].numpy()
    query = np.array([1.0, 3.0])
    assert trace.layers == ("",)
    np.testing.assert_allclose(trace.changes[:, 0], np.abs(slope - 0.5) / 0.5, atol=1e-12)
    np.testing.assert_allclose(trace.support_loss, [np.mean((s * x - y) ** 2) for s in slope])
    np.testing.assert_allclose(trace.query_loss, [np.mean((s - 2) ** 2 * query**2) for s in slope])
    np.testing.assert_allclose(trace.predictions, slope[:, None, None] * query[:, None])
    np.testing.assert_array_equal(trace.steps, [0, 1, 2, 3])
    assert trace.gates is None


@pytest.mark.parametrize("n_steps", [1, 4])
def test_influence_is_the_slope_of_leaving_a_row_out(n_steps):
    loss, episode = line_problem()
    learner = MAML(inner_lr=0.05)
    trace = trace_adaptation(learner, loss, episode, n_steps=n_steps)

    def query_loss(weights):
        slope = slopes(weights, 0.5, 0.05, n_steps)[-1]
        return np.mean((slope - 2) ** 2 * np.array([1.0, 3.0]) ** 2)

    for i, row in enumerate(np.eye(3)):
        slope = (query_loss(np.ones(3) + 1e-6 * row) - query_loss(np.ones(3) - 1e-6 * row)) / 2e-6
        assert trace.support_influence[i] == pytest.approx(slope, rel=1e-6)
        # Leaving the row out goes the other way.
        left_out = query_loss(np.ones(3) - row) - query_loss(np.ones(3))
        assert left_out * trace.support_influence[i] < 0


@pytest.mark.parametrize(
    "learner",
    [
        MAML(inner_lr=0.2, n_inner_steps=3),
        MAML(inner_lr=0.2, n_inner_steps=3, first_order=True),
        MAML(inner_lr=0.05, n_inner_steps=3, inner_optimizer="adam"),
        MAML(inner_lr=0.1, n_inner_steps=2, learn_lr=True),
        ANIL(inner_lr=0.2, n_inner_steps=3),
        Reptile(inner_lr=0.2, n_inner_steps=3),
        LearnedOptimizer(n_inner_steps=3),
    ],
    ids=str,
)
def test_influence_against_finite_differences(learner):
    """Weights times whole numbers of copies: no other code of weights is asked."""
    loss, episode = deep_problem()
    is_learned = isinstance(learner, LearnedOptimizer)
    make = trained_state if is_learned else type(learner).make_state
    state = make(learner, loss.network)
    trace = trace_adaptation(learner, loss, episode, state=state)
    n_copies = 2000
    for i in range(len(episode.support)):
        # Row i twice among so many copies of all rows, where the mean over rows is scaled back.
        found = []
        for sign in (1, -1):
            counts = torch.full((7,), n_copies)
            counts[i] += sign
            repeated = episode._replace(
                support=episode.support.repeat_interleave(counts, 0),
                targets=episode.targets.repeat_interleave(counts, 0),
            )
            scaled = EpisodeLoss(loss.network, Rescaled(len(repeated.support) / (7 * n_copies)))
            found.append(learner.query_loss(scaled, repeated, state=state))
        slope = (found[0] - found[1]) / 2 * n_copies
        assert trace.support_influence[i] == pytest.approx(slope, rel=1e-4, abs=1e-7)


class Rescaled(SupervisedObjective):
    def __init__(self, factor):
        super().__init__(nn.functional.mse_loss)
        self.factor = factor

    def support_loss(self, network, episode, weights=None):
        return self.factor * super().support_loss(network, episode, weights)


def test_a_row_that_cannot_matter_has_no_influence():
    loss, episode = line_problem()
    support = episode.support.clone()
    support[1] = 0.0
    trace = trace_adaptation(MAML(inner_lr=0.1), loss, episode._replace(support=support))
    assert trace.support_influence[1] == 0
    assert (trace.support_influence[[0, 2]] != 0).all()


def test_changes_are_those_of_the_adapted_parameters():
    loss, episode = deep_problem()
    learner = MAML(inner_lr=0.1, n_inner_steps=4)
    trace = trace_adaptation(learner, loss, episode)
    assert trace.layers == ("0", "2", "3")
    assert trace.changes.shape == (5, 3)
    assert not trace.changes[0].any()
    assert (np.diff(trace.changes, axis=0) > 0).all()
    adapted = learner.adapt(loss, episode)
    before, after = (
        np.concatenate(
            [params[f"network.2.{part}"].detach().ravel() for part in ("weight", "bias")]
        )
        for params in (loss.meta_parameters(), adapted)
    )
    expected = np.linalg.norm(after - before) / np.linalg.norm(before)
    assert trace.changes[-1, 1] == pytest.approx(expected)
    assert trace.query_loss[-1] == pytest.approx(learner.query_loss(loss, episode))


def test_anil_changes_the_head_alone():
    loss, episode = deep_problem()
    trace = trace_adaptation(ANIL(inner_lr=0.1, n_inner_steps=2), loss, episode)
    assert not trace.changes[:, :2].any()
    assert (trace.changes[1:, 2] > 0).all()


def test_a_layer_that_starts_at_zero_shows_its_own_size():
    loss, episode = deep_problem()
    head = loss.network[3]
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)
    learner = MAML(inner_lr=0.1)
    adapted = learner.adapt(loss, episode)
    size = float(
        torch.cat([adapted[f"network.3.{part}"].ravel() for part in ("weight", "bias")]).norm()
    )
    trace = trace_adaptation(learner, loss, episode)
    np.testing.assert_allclose(trace.changes[:, 2], [0, size])


def test_gates_of_a_learned_optimizer():
    loss, episode = deep_problem()
    learner = LearnedOptimizer(n_inner_steps=3, hidden_size=2)
    state = trained_state(learner, loss.network)
    with torch.no_grad():
        # A first cell whose gates are known: no weights, only biases.
        state.cells[0].weight.zero_()
        state.cells[0].bias.copy_(torch.tensor([0.2, 0.4, 0.5, 0.7, 0.5, 0.5, 0.8, 0.6]).logit())
    trace = trace_adaptation(learner, loss, episode, state=state)
    assert trace.gates.shape == (3, 3, 2, 3)
    np.testing.assert_allclose(
        trace.gates[:, :, 0], np.broadcast_to([0.3, 0.6, 0.7], (3, 3, 3)), atol=1e-7
    )
    assert ((trace.gates > 0) & (trace.gates < 1)).all()


def test_gates_of_a_layer_are_the_mean_over_its_coordinates():
    loss, episode = deep_problem()
    learner = LearnedOptimizer(n_inner_steps=1)
    state = trained_state(learner, loss.network)
    gradients = torch.func.grad(loss.at)(dict(loss.meta_parameters()), episode, "support")
    trace = trace_adaptation(learner, loss, episode, state=state)
    for position, layer in enumerate(trace.layers):
        own = torch.cat(
            [gradients[f"network.{layer}.{part}"].ravel() for part in ("weight", "bias")]
        )
        _, _, gates = state(own, state.start(len(own)))
        np.testing.assert_allclose(trace.gates[0, position], gates.detach().mean(1))


def test_without_steps_nothing_happens():
    loss, episode = deep_problem()
    learner = LearnedOptimizer()
    state = trained_state(learner, loss.network)
    trace = trace_adaptation(learner, loss, episode, state=state, n_steps=0)
    assert trace.changes.tolist() == [[0.0, 0.0, 0.0]]
    assert trace.query_loss.tolist() == [pytest.approx(loss(episode).item())]
    assert not trace.support_influence.any()
    assert trace.gates is None


class Read(NamedTuple):
    rows: torch.Tensor


class ReadingObjective(nn.Module):
    """In context: no support loss, no predictions."""

    def forward(self, network, episode):
        return network(episode.rows).square().mean()


def test_in_context_there_is_one_entry():
    network = nn.Linear(2, 1)
    loss = EpisodeLoss(network, ReadingObjective())
    trace = trace_adaptation(InContext(), loss, Read(torch.ones(3, 2)))
    assert trace.query_loss.tolist() == [pytest.approx(loss(Read(torch.ones(3, 2))).item())]
    assert np.isnan(trace.support_loss).tolist() == [True]
    assert trace.changes.tolist() == [[0.0]]
    assert trace.predictions is None
    assert trace.support_influence is None
    assert trace.gates is None
    assert list(trace.curves) == ["query_loss"]


@pytest.mark.parametrize("learner", [MAML(inner_lr=0.1), LearnedOptimizer()], ids=str)
def test_nothing_is_left_behind(learner):
    loss, episode = deep_problem()
    make = trained_state if isinstance(learner, LearnedOptimizer) else type(learner).make_state
    state = make(learner, loss.network)
    before = [value.detach().clone() for value in loss.parameters()]
    generator = torch.get_rng_state()
    trace_adaptation(learner, loss, episode, state=state)
    for value, old in zip(loss.parameters(), before, strict=True):
        assert value.equal(old)
        assert value.grad is None
    assert state is None or all(value.grad is None for value in state.parameters())
    assert torch.get_rng_state().equal(generator)
    assert getattr(learner, "first_order", False) is False


def test_first_order_of_the_learner_is_left_as_it_is():
    loss, episode = deep_problem()
    learner = MAML(inner_lr=0.1, n_inner_steps=3, first_order=True)
    trace = trace_adaptation(learner, loss, episode)
    assert learner.first_order
    second = trace_adaptation(MAML(inner_lr=0.1, n_inner_steps=3), loss, episode)
    np.testing.assert_array_equal(trace.support_influence, second.support_influence)


def test_curves_are_drawn_by_the_display():
    loss, episode = deep_problem()
    trace = trace_adaptation(MAML(inner_lr=0.1, n_inner_steps=3), loss, episode)
    display = AdaptationDisplay(curves=trace.curves, steps=trace.steps).plot()
    for line, losses in zip(display.lines_, [trace.support_loss, trace.query_loss], strict=True):
        np.testing.assert_array_equal(line.get_xdata(), [0, 1, 2, 3])
        np.testing.assert_array_equal(line.get_ydata(), losses)
    names = [text.get_text() for text in display.legend_.get_texts()]
    assert names == ["support loss", "query loss"]


def test_an_episode_without_support_is_refused():
    class HalfObjective(ReadingObjective):
        def support_loss(self, network, episode, weights=None):
            return network(episode.rows).sum()

    loss = EpisodeLoss(nn.Linear(2, 1), HalfObjective())
    with pytest.raises(TypeError, match="Read has no `support`"):
        trace_adaptation(MAML(), loss, Read(torch.ones(3, 2)))


def test_traces_cannot_be_changed():
    trace = trace_adaptation(MAML(), *line_problem())
    with pytest.raises(FrozenInstanceError):
        trace.layers = ()
