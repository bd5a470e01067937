"""What meta-training minimises, and that it can be minimised."""

import numpy as np
import pytest
import torch

from sklearn_metaexplain.nets._corrector import Corrector
from sklearn_metaexplain.nets._kernel_network import KernelNetwork
from sklearn_metaexplain.shapley._gap import close_gap
from sklearn_metaexplain.shapley._gp import HybridProcess
from sklearn_metaexplain.shapley._kernel import default_parameters
from sklearn_metaexplain.training._episodes import EpisodeStream, draw_episode
from sklearn_metaexplain.training._evaluate import held_out
from sklearn_metaexplain.training._objectives import (
    CorrectorObjective,
    KernelObjective,
    process_shapley,
    relative_error,
)
from sklearn_metaexplain.training._stacked import StackedStream, mirror, stack_with


@pytest.fixture(scope="module")
def episode():
    rng = np.random.default_rng(2)
    return draw_episode(rng, n_columns=5, n_support=90, families=("forest",))


def test_differentiable_values_are_those_of_the_process(episode):
    parameters = default_parameters(episode.support.shape[1])
    values, _ = process_shapley(parameters, episode)
    process = HybridProcess(parameters, episode.player_of_column, episode.n_players)
    support, outputs = episode.support.double(), episode.outputs.double()[:, None]
    process.fit(support, outputs)
    # The process chooses its noise; the objective takes the kernel's own.
    warp = process.kernel.warp
    gram = process.kernel(warp(support), warp(support))
    gram += parameters.noise * torch.eye(90, dtype=torch.float64)
    alpha = torch.linalg.solve(gram, outputs)
    query, background = (part.double() for part in (episode.query, episode.background))
    expected = process.kernel.shapley(warp(query), warp(background), warp(support)) @ alpha
    gap = episode.gap.double()[:, None] - expected.sum(1)
    expected = close_gap(expected, gap, episode.can_matter)[..., 0]
    torch.testing.assert_close(values, expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("networks", [True, False])
def test_stacks_look_for_their_lengths_as_those_that_explain_models(episode, networks):
    proposed = default_parameters(episode.support.shape[1])
    doubled = proposed._replace(smooth=2 * proposed.smooth, rough=2 * proposed.rough)
    one, other = (
        stack_with(episode, parameters, networks=networks).std for parameters in (proposed, doubled)
    )
    assert torch.allclose(one, other, rtol=1e-3) == networks


def test_relative_error():
    truth = torch.tensor([[3.0, 4.0]])
    assert float(relative_error(truth, truth)) == 0
    assert float(relative_error(0 * truth, truth)) == 1
    assert float(relative_error(0 * truth, truth, floor=25.0)) == 0.5


@pytest.mark.parametrize("part", ["kernel", "corrector"])
def test_a_few_steps_lower_the_objective(part, episode):
    torch.manual_seed(0)
    if part == "kernel":
        network, objective, task = KernelNetwork(width=16, n_layers=1), KernelObjective(), episode
    else:
        network, objective = Corrector(width=16, n_layers=1), CorrectorObjective()
        task = stack_with(episode, default_parameters(episode.support.shape[1]))
    optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
    losses = []
    for _ in range(25):
        optimizer.zero_grad()
        loss = objective(network, task)
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0] - 0.05


def test_stacked_episodes_come_back_as_often_as_asked():
    episodes = EpisodeStream(seed=5, n_steps=3, batch_size=2, max_support=70)
    network = KernelNetwork(width=16, n_layers=1)
    once = list(StackedStream(episodes, network))
    again = list(StackedStream(episodes, network, n_repeats=2))
    assert [len(batch) for batch in once] == [2] * 3
    assert [len(batch) for batch in again] == [2] * 9
    new = [batch[0].values for batch in once]
    for i in range(3):
        torch.testing.assert_close(again[3 * i][0].values, new[i])
        mirrored, as_they_were = again[3 * i + 1 : 3 * i + 3]
        seen = [episode for batch in again[: 3 * i + 1 : 3] for episode in batch]
        assert {id(episode) for episode in as_they_were} <= {id(episode) for episode in seen}
        for episode in mirrored:
            assert any(episode.values.equal(-other.values) for other in seen)
        for batch in (mirrored, as_they_were):
            assert batch[0] is not batch[1]


def test_a_mirrored_episode_is_that_of_the_model_with_its_sign_reversed(episode):
    parameters = default_parameters(episode.support.shape[1])
    bounds = torch.tensor([[-3.0], [3.0]])
    reversed_episode = episode._replace(
        outputs=-episode.outputs,
        values=-episode.values,
        base=-episode.base,
        gap=-episode.gap,
        bounds=bounds,
    )
    mirrored = mirror(stack_with(episode._replace(bounds=bounds), parameters, networks=False))
    expected = stack_with(reversed_episode, parameters, networks=False)
    for name in ("closed", "open", "values", "std"):
        torch.testing.assert_close(
            getattr(mirrored, name), getattr(expected, name), rtol=1e-3, atol=1e-3, msg=name
        )
    for part in ("support", "query"):
        for name, value in getattr(mirrored, part)._asdict().items():
            other = getattr(getattr(expected, part), name)
            torch.testing.assert_close(value, other, rtol=1e-3, atol=1e-3, msg=name)


def test_rows_with_nothing_to_explain_are_not_judged(monkeypatch, episode):
    flat = episode._replace(values=torch.zeros_like(episode.values) + 1e-9)
    drawn = iter([episode, flat, episode])
    monkeypatch.setattr(
        "sklearn_metaexplain.training._evaluate.draw_episode", lambda rng, **options: next(drawn)
    )
    assert [each is episode for each in held_out(0, 3)] == [True, True]
