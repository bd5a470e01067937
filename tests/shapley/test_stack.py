"""The stack, and closing its gap."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sklearn_metaexplain.shapley._gap import close_gap
from sklearn_metaexplain.shapley._kernel import default_parameters
from sklearn_metaexplain.shapley._search import search_kernel
from sklearn_metaexplain.shapley._stack import SurrogateStack, _unlike
from sklearn_metaexplain.shapley._stacking import cross, stacking_weights
from tests.shapley.likelihood import negative_log_likelihood

M = 4
FUNCTIONS = {
    "smooth": lambda z: z[:, 0].sin() + z[:, 1] * z[:, 2],
    "sharp": lambda z: ((z[:, 0] > 0.3) & (z[:, 1] < 0.5)).double() + (z[:, 2] > 0).double(),
    "linear": lambda z: z @ torch.arange(M, dtype=torch.float64),
}


def evaluated(function, n=250, seed=0):
    generator = torch.Generator().manual_seed(seed)
    encoded = torch.randn(n, M, 1, generator=generator, dtype=torch.float64).expand(n, M, 2)
    outputs = function(encoded[..., 0])[:, None]
    return encoded.contiguous(), outputs


def fitted(name, *, networks=True):
    encoded, outputs = evaluated(FUNCTIONS[name])
    stack = SurrogateStack(default_parameters(M), torch.arange(M), M, networks=networks)
    return stack.fit(encoded, outputs).set_background(encoded[:6]), encoded, outputs


@pytest.mark.parametrize("name", FUNCTIONS)
def test_residuals_are_out_of_sample_and_no_worse_than_the_best_surrogate(name):
    stack, _, outputs = fitted(name)
    size = stack.residuals.square().mean()
    assert float(size) < 0.3 * float(outputs.var())
    network_residuals = outputs - stack.center - stack.network.held_out
    parts = (stack.process_residuals, stack.tree_residuals, network_residuals)
    assert float(size) <= 1.001 * float(min(part.square().mean() for part in parts))
    fresh, truth = evaluated(FUNCTIONS[name], n=400, seed=1)
    error = float((stack.predict(fresh) - truth).square().mean())
    # Networks are nearly exact on a linear function, but for a few rows far out.
    assert 0.3 * float(size) < error < 2 * float(size) + 1e-3 * float(outputs.var())


def test_a_player_without_a_column_has_no_part_and_changes_nothing():
    encoded, outputs = evaluated(FUNCTIONS["smooth"])
    answers = []
    for n_players in (M, M + 1):
        stack = SurrogateStack(default_parameters(M), torch.arange(M), n_players)
        stack.fit(encoded, outputs).set_background(encoded[:6])
        able = torch.ones(5, n_players, dtype=torch.bool)
        values = stack.shapley(encoded[:5], able)
        std = stack.process.shapley_std(values.reading)
        answers.append((values.process, values.trees, values.network, std))
    for without, beside in zip(*answers, strict=True):
        torch.testing.assert_close(beside[:, :M], without, rtol=1e-5, atol=1e-6)
        assert float(beside[:, M].abs().max()) < 1e-6  # networks are in single precision


def test_effort_is_a_share_of_the_usual_work():
    encoded, outputs = evaluated(FUNCTIONS["sharp"])
    usual, quick = (
        SurrogateStack(default_parameters(M), torch.arange(M), M, tree_effort=effort).fit(
            encoded, outputs
        )
        for effort in (1.0, 0.5)
    )
    assert quick.trees.n_trees == usual.trees.n_trees / 2
    assert quick.trees.learning_rate == 2 * usual.trees.learning_rate
    # Fewer and larger steps arrive at much the same.
    error = (quick.tree_residuals.square().mean() / usual.tree_residuals.square().mean()).item()
    assert 0.5 < error < 1.5


@pytest.mark.parametrize(
    ("n", "n_outputs", "most_leaves", "most_players"),
    [(200, 1, 8, 5), (300, 3, 12, 5), (300, 4, 12, 4), (1000, 1, 48, 5), (6000, 1, 128, 5)],
)
def test_more_rows_have_more_leaves_and_more_outputs_smaller_tables(
    n, n_outputs, most_leaves, most_players
):
    rows = torch.randn(n, M, 2, generator=torch.Generator().manual_seed(0)).double()
    outputs = (rows[:, :1, 1] + torch.arange(n_outputs)).sin()
    stack = SurrogateStack(
        default_parameters(M),
        torch.arange(M),
        M,
        networks=False,
        n_folds=10,
        tree_effort=0.1,
        max_inducing=16,
    ).fit(rows, outputs)
    assert stack.trees.splits.shape[2] + 1 == most_leaves
    assert stack.trees.most_players == most_players
    # Two of four columns may split a leaf: the one that matters is not always among them.
    assert 0 < (stack.trees.splits[:, 0, 0, 0] == 0).mean() < 1
    assert stack.trees.learning_rate <= 0.5


def test_surrogates_that_are_fitted_in_threads_are_the_same():
    encoded, outputs = evaluated(FUNCTIONS["sharp"])
    alone, others = (
        SurrogateStack(default_parameters(M), torch.arange(M), M).fit(
            encoded, outputs, n_jobs=n_jobs
        )
        for n_jobs in (None, 3)
    )
    assert torch.equal(alone.weights, others.weights)
    assert torch.equal(alone.residuals, others.residuals)
    assert torch.equal(alone.predict(encoded), others.predict(encoded))


def test_sharp_models_lean_on_trees_and_smooth_ones_on_the_others():
    sharp, smooth = fitted("sharp")[0].weights[0], fitted("smooth")[0].weights[0]
    assert float(sharp[1]) > float(sharp[0] + sharp[2])
    assert float(smooth[0] + smooth[2]) > 2 * float(smooth[1])


@pytest.mark.parametrize("name", ["smooth", "sharp"])
def test_shapley_values_equal_enumeration_of_process_and_trees(name, enumerate_by_hand):
    stack, encoded, _ = fitted(name, networks=False)
    rows = encoded[50:52]
    values = stack.combine(stack.shapley(rows, torch.ones(2, M, dtype=torch.bool)))
    for row, value in zip(rows, values, strict=True):
        expected = enumerate_by_hand(stack.predict, row, encoded[:6], torch.arange(M), M)
        torch.testing.assert_close(value, expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", ["smooth", "sharp"])
def test_shapley_values_with_networks_are_close_to_enumeration(name, enumerate_by_hand):
    stack, encoded, _ = fitted(name)
    rows = encoded[50:58]
    values = stack.combine(stack.shapley(rows, torch.ones(8, M, dtype=torch.bool)))
    players = torch.arange(M)
    expected = torch.stack(
        [enumerate_by_hand(stack.predict, row, encoded[:6], players, M) for row in rows]
    )
    assert float((values - expected).square().sum()) < 1e-3 * float(expected.square().sum())


@pytest.mark.parametrize(
    ("n_rows", "given", "n_folds"), [(250, {}, 10), (250, {"networks": False}, 5), (1000, {}, 5)]
)
def test_few_rows_are_left_out_in_smaller_folds(n_rows, given, n_folds):
    encoded, outputs = evaluated(FUNCTIONS["linear"], n_rows)
    stack = SurrogateStack(default_parameters(M), torch.arange(M), M, **given)
    stack.fit(encoded, outputs)
    bags = stack.bags(stack.process.predict(encoded), encoded)
    assert [len(bag) for bag in bags] == [1, n_folds, n_folds][: len(bags)]
    # What a member says of a row of its own fold is what is held out.
    rows = torch.arange(n_rows)
    told = bags[1][rows % n_folds, rows] + stack.center
    torch.testing.assert_close(outputs - told, stack.tree_residuals, rtol=0, atol=1e-4)


def test_weights_are_those_of_the_means_of_bags():
    encoded, outputs = evaluated(FUNCTIONS["sharp"])
    outputs = outputs + 0.3 * torch.randn(
        outputs.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64
    )
    stack = SurrogateStack(default_parameters(M), torch.arange(M), M).fit(encoded, outputs)
    centred = outputs - stack.center
    missed = (stack.process_residuals, stack.tree_residuals, stack.network_residuals)
    guesses = torch.stack([centred - part for part in missed], -1)
    unseen = cross(encoded, stack.network.order)
    bags = stack.bags(stack.process.predict(unseen), unseen)
    # The same whatever the truth is: take the output of a constant model.
    excess = [(bag - 1).square().mean() - (bag.mean(0) - 1).square().mean() for bag in bags]
    expected = stacking_weights(guesses, centred, torch.stack(excess)[None])
    torch.testing.assert_close(stack.weights, expected)
    plain = stacking_weights(guesses, centred, torch.zeros(1, 3, dtype=torch.float64))
    assert float(stack.weights[0, 0]) < float(plain[0, 0]) - 0.02


def test_closed_values_sum_and_spare_players_that_cannot_matter():
    stack, encoded, outputs = fitted("smooth")
    able = torch.ones(5, M, dtype=torch.bool)
    able[2, 1] = False
    base = outputs[:6].mean(0)
    values = stack.shapley(encoded[50:55], able)
    closed, explained = stack.close(encoded[50:55], values, outputs[50:55] + 1.0, base)
    torch.testing.assert_close(closed.sum(1), outputs[50:55] + 1.0 - base)
    assert float(closed[2, 1].abs()) == 0
    assert bool((explained >= 0).all())


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_closing_a_gap(seed):
    generator = torch.Generator().manual_seed(seed)
    able = torch.rand(3, M, generator=generator) < 0.6
    able[0] = True
    values = torch.randn(3, M, 2, generator=generator, dtype=torch.float64) * able[..., None]
    gap = torch.randn(3, 2, generator=generator, dtype=torch.float64)
    closed = close_gap(values, gap, able)
    some = able.any(1)
    torch.testing.assert_close((closed - values).sum(1)[some], gap[some])
    assert not closed[~able].any()
    # What is equally large gets equally much, whatever its sign.
    even = close_gap(values.sign() * able[..., None], gap, able) - values.sign() * able[..., None]
    for row in range(3):
        received = even[row][able[row]]
        torch.testing.assert_close(received, received[:1].expand_as(received))


def test_search_improves_the_likelihood_and_finds_the_column_that_matters():
    encoded, _ = evaluated(FUNCTIONS["smooth"])
    outputs = torch.sin(3 * encoded[:, :1, 0])
    outputs = (outputs - outputs.mean()) / outputs.std()
    found = search_kernel(encoded, outputs, n_steps=20)
    start = default_parameters(M)
    after, before = (negative_log_likelihood(kernel, encoded, outputs) for kernel in (found, start))
    assert float(after) < float(before)
    assert int(found.weight.argmax()) == 0


@pytest.mark.parametrize(
    ("n", "options", "moves"),
    [(200, {"own_lengths": True}, True), (200, {}, False), (1000, {"own_lengths": True}, False)],
)
def test_the_process_looks_for_its_own_lengths_of_few_rows_if_told_to(n, options, moves):
    encoded, outputs = evaluated(lambda z: (3 * z[:, 0]).sin(), n=n)
    proposed = default_parameters(M)
    stack = SurrogateStack(
        proposed, torch.arange(M), M, networks=False, tree_effort=0.1, **options
    ).fit(encoded, outputs)
    assert bool((stack.process.kernel.parameters.smooth == proposed.smooth).all()) != moves
    assert stack.process_residuals.equal(stack.process.loo_residuals)
    found = stack.process.kernel.parameters.smooth
    assert stack.fit(encoded, outputs).process.kernel.parameters.smooth.equal(found)


def test_few_rows_are_explained_more_closely_than_many():
    m, efforts = 12, []
    generator = torch.Generator().manual_seed(0)
    levels = torch.randn(1000, m, generator=generator, dtype=torch.float64)
    encoded = levels[..., None].expand(-1, m, 2).contiguous()
    noise = 1.5 * torch.randn(1000, generator=generator, dtype=torch.float64)
    outputs = (levels[:, 0] * levels[:, 1] + levels[:, 2:].sum(1).tanh() + noise)[:, None]
    for n in (999, 1000):
        stack = SurrogateStack(
            default_parameters(m), torch.arange(m), m, n_folds=5, tree_effort=0.1, max_inducing=64
        )
        stack.fit(encoded[:n], outputs[:n]).set_background(encoded[:200])
        efforts.append((stack.network_shapley.n_pairs, stack.process.n_enough))
    (few_pairs, few_background), (many_pairs, many_background) = efforts
    assert few_pairs > 4 * many_pairs
    assert few_background > 2 * many_background


def test_no_time_is_spent_on_a_surrogate_without_a_weight():
    encoded, outputs = evaluated(FUNCTIONS["smooth"])
    stack = SurrogateStack(default_parameters(M), torch.arange(M), M, tree_effort=0.1)
    stack.fit(encoded, outputs)
    stack.weights = torch.tensor([[0.0, 1.0, 0.0]], dtype=torch.float64)
    stack.set_background(encoded[:40])
    assert (stack.network_shapley.n_pairs, stack.process.n_enough) == (0, 8)
    rows, able = encoded[50:52], torch.ones(2, M, dtype=torch.bool)
    values = stack.shapley(rows, able)
    assert values.network is None
    torch.testing.assert_close(stack.combine(values), values.trees)


def test_rows_come_in_the_order_of_what_they_share_with_a_background_row():
    background = torch.zeros(2, 4, 2, dtype=torch.float64)
    background[1] = 1.0
    shares = [3, 0, 2, 0, 4, 1]
    rows = 2.0 + torch.arange(6.0, dtype=torch.float64)[:, None, None].expand(6, 4, 2).clone()
    for i, n_shared in enumerate(shares):
        rows[i, :n_shared] = background[i % 2, :n_shared]
    # Of two background rows the one that shares more counts, and half a cell is none.
    rows[5, 1], rows[3, :, 0] = background[0, 1], 0.0
    assert _unlike(rows, background).equal(rows[[1, 3, 5, 2, 0, 4]])
