"""The benchmark's peers of MetaExplainer: each against an enumeration or a closed form."""

from importlib.util import find_spec

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from sklearn_metaexplain.shapley._enumeration import all_coalitions, shapley_from_coalitions
from tests.benchmark_scripts import import_scripts

WANTED = ("games", "leverage", "shapiq_peers", "surrogates", "fastshap", "measures", "tables")


@pytest.fixture(scope="module")
def bench():
    with import_scripts(*WANTED, "tasks", "truth", "whole", "parts", "boosted") as scripts:
        yield scripts


@pytest.fixture(scope="module")
def additive(bench):
    """Splines of four columns, added up."""
    return bench.tasks.make_task(bench.tables.load_table("friedman2"), "bayes", 4)


@pytest.fixture(scope="module")
def task(bench):
    return bench.tasks.make_task(bench.tables.load_table("iris"), "forest", 3)


def error(bench, task, result):
    return bench.measures.record(task, result)["error"]


@pytest.mark.parametrize("n_players", [2, 3, 5, 6, 9])
def test_leverage_regression_is_exact_on_all_coalitions(bench, n_players):
    rng = np.random.RandomState(0)
    game = rng.standard_normal((2**n_players, 2))
    coalitions, weights = bench.leverage.draw_paired_coalitions(rng, n_players, 2**n_players - 2)
    assert len(np.unique(coalitions, axis=0)) == 2**n_players - 2
    codes = coalitions @ (1 << np.arange(n_players))
    values = bench.leverage.solve_regression(coalitions, weights, game[codes], game[0], game[-1])
    np.testing.assert_allclose(values, shapley_from_coalitions(game), atol=1e-10)


@pytest.mark.parametrize(("n_players", "n"), [(4, 4), (8, 20), (9, 64), (10, 500), (30, 64)])
def test_coalitions_are_paired_and_different(bench, n_players, n):
    coalitions, weights = bench.leverage.draw_paired_coalitions(
        np.random.RandomState(1), n_players, n
    )
    assert len(coalitions) == len(weights) == n
    assert (weights > 0).all()
    lines = {tuple(line) for line in coalitions.tolist()}
    assert len(lines) == n
    assert {tuple(not member for member in line) for line in lines} == lines


def test_sizes_of_coalitions_are_equally_frequent(bench):
    coalitions, _ = bench.leverage.draw_paired_coalitions(np.random.RandomState(0), 31, 600)
    # Of size 1 there are 31 only, all of which are drawn.
    counts = np.bincount(coalitions.sum(1), minlength=32)
    assert counts[0] == counts[31] == 0
    np.testing.assert_allclose(counts[1:31], 20, atol=1)


def test_leverage_estimates_are_unbiased(bench):
    rng = np.random.RandomState(0)
    game = rng.standard_normal((2**6, 1))
    codes = 1 << np.arange(6)

    def estimate():
        coalitions, weights = bench.leverage.draw_paired_coalitions(rng, 6, 40)
        outputs = game[coalitions @ codes]
        return bench.leverage.solve_regression(coalitions, weights, outputs, game[0], game[-1])

    estimates = np.array([estimate() for _ in range(400)])
    truth = shapley_from_coalitions(game)
    bias = np.abs(estimates.mean(0) - truth).max()
    assert bias < 0.2 * estimates.std(0).max()


@pytest.mark.parametrize(("whole", "budget", "spent"), [(True, 100, 100), (False, 100, 100)])
def test_game_spends_its_budget_once(bench, task, whole, budget, spent):
    game = bench.games.CoalitionGame(task, 1, budget, whole=whole)
    coalitions = all_coalitions(4)[1:-1][: game.n_coalitions]
    first = game(coalitions[:3])
    np.testing.assert_array_equal(game(coalitions)[:3], first)
    assert game.asked == spent
    ends = game(np.array([[0, 0, 0, 0], [1, 1, 1, 1]]))
    np.testing.assert_array_equal(ends, [task.base, task.predictions[1]])
    assert game.asked == spent
    if whole:
        hybrids = np.where(coalitions[2], task.rows[1], task.background)
        np.testing.assert_allclose(first[2], task.masked.predict(hybrids).mean(0))


def test_game_refuses_more_than_its_budget(bench, task):
    game = bench.games.CoalitionGame(task, 0, 100, whole=True)
    with pytest.raises(RuntimeError, match="14 more coalitions"):
        game(all_coalitions(4)[1:-1])


def test_leverage_is_exact_where_it_must_be(bench, additive, task):
    all_of_it = 14 * 25
    for peer in (bench.leverage.explain_leverage, bench.leverage.explain_leverage_one):
        assert error(bench, task, peer(task, all_of_it)) < 1e-20
    # An additive game is exact as soon as its coalitions span the columns.
    assert error(bench, additive, bench.leverage.explain_leverage(additive, 250)) < 1e-20


# Left out rather than skipped where the extra `bench` is not installed.
def _shapiq_is_exact_where_it_must_be(bench, additive, task):
    for result in bench.shapiq_peers.explain_shapiq(task, 14 * 25):
        assert error(bench, task, result) < 1e-8, result.method
        assert result.evaluations == 14 * 25
    results = list(bench.shapiq_peers.explain_shapiq(additive, 250))
    assert tuple(result.method for result in results) == bench.shapiq_peers.SHAPIQ
    assert error(bench, additive, results[0]) < 1e-8


if find_spec("shapiq") is not None:
    test_shapiq_is_exact_where_it_must_be = _shapiq_is_exact_where_it_must_be


def test_values_of_a_surrogate_are_exact(bench, additive, monkeypatch):
    hybrids = additive.X_train
    model = LinearRegression().fit(hybrids, hybrids @ np.ones((4, 2)))
    expected = (additive.rows - additive.background.mean(0))[..., None] * np.ones(2)
    for most in (13, 0):
        monkeypatch.setattr(bench.surrogates, "MOST_ENUMERATED", most)
        values = bench.surrogates.surrogate_values(additive, model)
        np.testing.assert_allclose(values, expected, rtol=1e-6, atol=1e-6)


def test_surrogates_come_near_an_additive_model(bench, additive):
    fitted = bench.whole.fit_meta(additive, 256, "default")
    support = bench.whole.support_of(additive, fitted)
    process = bench.parts.Parts(additive, fitted.explainer, support).default_process()[0]
    boosted = bench.boosted.explain_boosted(additive, support)
    network, mean = bench.surrogates.explain_surrogates(additive, support, process, boosted)
    assert error(bench, additive, network) < 0.02
    np.testing.assert_allclose(mean.values, (network.values + process.values + boosted.values) / 3)
    for result in (network, mean):
        np.testing.assert_allclose(
            result.values.sum(1), additive.predictions - additive.base, atol=1e-6
        )


def test_fastshap_learns_within_its_evaluations(bench, additive):
    for n_support in (128, 1024):
        games = bench.fastshap.Games(additive, n_support)
        assert 0.9 * n_support < games.n_evaluations <= n_support
        assert not (games.coalitions.all(2) | ~games.coalitions.any(2)).any()
    asked = additive.model.rows
    result = bench.fastshap.explain_fastshap(additive, 1024)
    assert additive.model.rows - asked <= 1024 - len(additive.background)
    assert error(bench, additive, result) < 0.15


def test_sampled_truth_knows_its_error(bench, monkeypatch):
    task = bench.tasks.make_task(bench.tables.load_table("iris"), "bayes", 2)
    monkeypatch.setattr(bench.truth, "_CONTROL_ROWS", 1000)
    sampled, expected = bench.truth.sample_shapley(
        task.masked, task.X_train, task.rows, task.predictions, 1e-4
    )
    np.testing.assert_allclose(sampled.sum(1), task.predictions - task.base, atol=1e-9)
    missed = np.square(sampled - task.truth).sum() / np.square(task.truth).sum()
    assert 0 < expected <= 1e-4
    assert missed < 4 * expected
