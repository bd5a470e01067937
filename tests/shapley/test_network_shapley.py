"""Shapley values of networks: exact or close, and as much work as it takes."""

import itertools

import numpy as np
import pytest
import torch
from sklearn.linear_model import LinearRegression

from sklearn_metaexplain import MetaExplainer
from sklearn_metaexplain.shapley import _network_shapley
from sklearn_metaexplain.shapley._network import NetworkBag
from sklearn_metaexplain.shapley._network_shapley import NetworkShapley, _draw_walks
from tests.shapley.networks import M, evaluated, fitted

PLAYERS = torch.arange(M)


def explained(n_outputs=1, n_background=6, players=PLAYERS, bounded=False):
    """What explains a bag, its rows, and the bag."""
    if bounded:
        encoded, outputs = evaluated(n_outputs=n_outputs)
        outputs = torch.sigmoid(3 * outputs)
        bounds = torch.tensor([[0.0], [1.0]]).expand(2, n_outputs) - outputs.mean(0)
        bag = NetworkBag().fit(encoded, outputs - outputs.mean(0), bounds)
    else:
        bag, encoded = fitted(n_outputs)
    n_players = int(players.max()) + 1
    return NetworkShapley(bag, encoded[:n_background], players, n_players), encoded, bag


@pytest.fixture(scope="module")
def plain():
    return explained()


@pytest.fixture
def only_walks(monkeypatch):
    monkeypatch.setattr(_network_shapley, "_FEW_STEPS", 0)
    monkeypatch.setattr(_network_shapley, "_MOST_ENUMERATED", 0)


@pytest.mark.parametrize("bounded", [False, True])
@pytest.mark.parametrize("n_outputs", [1, 2])
@pytest.mark.parametrize("share", [0, 100])
def test_values_sum_to_the_prediction(n_outputs, share, bounded, monkeypatch):
    monkeypatch.setattr(_network_shapley, "_FEW_STEPS", 0)
    monkeypatch.setattr(_network_shapley, "_MOST_ENUMERATED", share)
    shapley, encoded, bag = explained(n_outputs, bounded=bounded)
    rows = encoded[50:60]
    gap = bag.predict(rows) - bag.predict(encoded[:6]).mean(0)
    # Every network walks from every background row, so that nothing is left to chance.
    torch.testing.assert_close(shapley(rows).sum(1), gap, rtol=0, atol=1e-5)


@pytest.mark.parametrize("bounded", [False, True])
def test_values_of_few_players_are_exact(bounded, enumerate_by_hand):
    shapley, encoded, bag = explained(bounded=bounded)
    for row, values in zip(encoded[50:54], shapley(encoded[50:54]), strict=True):
        expected = enumerate_by_hand(bag.predict, row, encoded[:6], PLAYERS, M)
        torch.testing.assert_close(values, expected, rtol=0, atol=1e-5)


def test_where_all_networks_are_too_many_each_background_row_asks_one(monkeypatch):
    shapley, encoded, _ = explained(n_background=10)
    expected = shapley(encoded[50:60])
    # Enough for one network a background row, and not for two.
    monkeypatch.setattr(_network_shapley, "_FEW_STEPS", 10 << M)
    monkeypatch.setattr(_network_shapley, "_MOST_ENUMERATED", 0)
    monkeypatch.setattr(shapley, "_walk", None)
    values = shapley(encoded[50:60])
    error = (values - expected).square().sum() / expected.square().sum()
    assert 0 < float(error) < 1e-2


def test_few_background_rows_do_not_speak_for_all_networks(monkeypatch):
    shapley, encoded, bag = explained(n_background=2)
    monkeypatch.setattr(_network_shapley, "_FEW_STEPS", 2 << M)
    monkeypatch.setattr(_network_shapley, "_MOST_ENUMERATED", 0)
    rows = encoded[50:60]
    gap = bag.predict(rows) - bag.predict(encoded[:2]).mean(0)
    # With a network each two of five would be asked, and the sums be those of these two.
    torch.testing.assert_close(shapley(rows).sum(1), gap, rtol=0, atol=1e-5)


def test_games_of_more_players_than_a_block_are_those_of_hybrids():
    generator = torch.Generator().manual_seed(0)
    encoded = torch.randn(200, 10, 2, generator=generator, dtype=torch.float64)
    bag = NetworkBag().fit(encoded, encoded[:, 9, :1].clone())
    shapley = NetworkShapley(bag, encoded[:2], torch.arange(10), 10)
    (values,) = shapley(encoded[50:51], thorough=True)
    gap = bag.predict(encoded[50:51]) - bag.predict(encoded[:2]).mean(0)
    torch.testing.assert_close(values.sum(0), gap[0], rtol=0, atol=1e-5)
    assert float(values[9].abs()) > 0.9 * float(values.abs().sum())


@pytest.mark.parametrize("bounded", [False, True])
def test_walks_are_close_to_enumeration_and_closer_the_more_there_are(bounded, monkeypatch):
    shapley, encoded, _ = explained(bounded=bounded)
    expected = shapley(encoded[50:70])
    monkeypatch.setattr(_network_shapley, "_FEW_STEPS", 0)
    monkeypatch.setattr(_network_shapley, "_MOST_ENUMERATED", 0)
    shapley.n_pairs = 250

    def error(**parameters):
        values = shapley(encoded[50:70], **parameters)
        return float((values - expected).square().sum() / expected.square().sum())

    assert 0 < error() < 1e-3
    assert error(thorough=True) < error() / 3


@pytest.mark.parametrize("tolerated", [1e-3, 1e-4])
def test_it_walks_as_often_as_it_takes(tolerated, only_walks, monkeypatch):
    monkeypatch.setattr(_network_shapley, "_MOST_PAIRS", 100_000)
    monkeypatch.setattr(_network_shapley, "_MOST_PAIRS_THOROUGH", 10**6)
    shapley, encoded, _ = explained(n_background=10)
    shapley.set_effort(encoded[60:76], torch.tensor([tolerated]))
    assert 10 < shapley.n_pairs < 100_000
    rows = encoded[100:200]
    error = (shapley(rows) - shapley(rows, thorough=True)).square().mean((0, 1))
    share = float(error / shapley(rows, thorough=True).square().mean((0, 1)))
    assert share < 2.5 * tolerated


def test_the_most_demanding_output_decides(only_walks):
    shapley, encoded, _ = explained(n_outputs=2)
    rows, needed = encoded[60:76], []
    for tolerated in ([1e-3, torch.inf], [torch.inf, 1e-3], [1e-3, 1e-3]):
        needed.append(shapley.set_effort(rows, torch.tensor(tolerated)).n_pairs)
    assert needed[2] == max(needed[:2])
    assert needed[0] != needed[1]
    assert shapley.set_effort(rows, torch.tensor([1e-30, 1e-30])).n_pairs == 1000


def test_a_table_of_one_row_is_walked_from_once(only_walks):
    shapley, encoded, _ = explained(n_outputs=2, n_background=1)
    assert shapley.set_effort(encoded[:1], torch.tensor([1e-3, torch.inf])).n_pairs == 1


def test_values_that_are_not_needed_cost_nothing(monkeypatch):
    shapley, encoded, _ = explained()
    monkeypatch.setattr(shapley, "_of_players", None)
    shapley.set_effort(encoded[:4], torch.tensor([torch.inf]))
    assert shapley.n_pairs == 0
    assert not shapley(encoded[50:52]).any()


def test_of_many_background_rows_some_are_walked_from(plain, monkeypatch):
    _, encoded, bag = plain
    monkeypatch.setattr(_network_shapley, "_MOST_STARTS", 40)
    every = NetworkShapley(bag, encoded[:400], PLAYERS, M)
    assert every._background.shape[0] == 40
    gap = bag.predict(encoded[50:60]) - bag.predict(encoded[0:400:10]).mean(0)
    torch.testing.assert_close(every(encoded[50:60]).sum(1), gap, rtol=0, atol=1e-5)


def test_a_row_with_evaluations_of_its_own_is_explained_thoroughly(monkeypatch):
    asked = []
    call = NetworkShapley.__call__

    def record(shapley, encoded, *, thorough=False):
        asked.append(thorough)
        return call(shapley, encoded, thorough=thorough)

    monkeypatch.setattr(NetworkShapley, "__call__", record)
    X = evaluated(n=200)[0][..., 0].numpy()
    model = LinearRegression().fit(X, np.tanh(X[:, 0] + X[:, 1]))
    explainer = MetaExplainer(model, background=4, n_support=64, random_state=0).fit(X, X[:, 0])
    explainer._surrogate_.stack.network_shapley.n_pairs = 4
    asked.clear()
    explainer.explain(X[:2])
    assert asked == [False]
    asked.clear()
    explainer.explain(X[:2], budget=8)
    assert asked == [True]


def test_walks_of_two_players_are_exact(enumerate_by_hand, only_walks):
    players = torch.tensor([0, 1, 1, 0, 1])
    shapley, encoded, bag = explained(players=players)
    for row, values in zip(encoded[50:54], shapley(encoded[50:54]), strict=True):
        expected = enumerate_by_hand(bag.predict, row, encoded[:6], players, 2)
        torch.testing.assert_close(values, expected, rtol=0, atol=1e-5)


def test_walks_give_a_player_that_agrees_with_the_background_nothing(plain, only_walks):
    _, encoded, bag = plain
    background = encoded[:6].clone()
    background[:, 1] = encoded[50, 1]
    values = NetworkShapley(bag, background, PLAYERS, M)(encoded[50:51])
    assert abs(float(values[0, 1])) < 1e-7  # the stack makes it exactly nothing
    assert float(values[0, 0].abs()) > 0.01


def test_rows_alone_get_what_they_get_together(plain):
    shapley, encoded, _ = plain
    together = shapley(encoded[50:60])
    for i in (0, 4, 9):
        alone = shapley(encoded[50 + i : 51 + i])[0]
        torch.testing.assert_close(alone, together[i], rtol=0, atol=1e-7)


@pytest.mark.parametrize("share", [0, 100])
def test_values_move_with_the_columns(plain, share, monkeypatch):
    monkeypatch.setattr(_network_shapley, "_FEW_STEPS", 0)
    monkeypatch.setattr(_network_shapley, "_MOST_ENUMERATED", share)
    shapley, encoded, _ = plain
    order = torch.tensor([3, 0, 4, 2, 1])
    _, outputs = evaluated()
    moved = NetworkBag().fit(encoded[:, order], outputs - outputs.mean(0))
    moved = NetworkShapley(moved, encoded[:6, order], PLAYERS, M)
    values = shapley(encoded[50:60])[:, order]
    torch.testing.assert_close(moved(encoded[50:60, order]), values, rtol=0, atol=1e-6)


@pytest.mark.parametrize("n_turns", [1, 3, 10])
@pytest.mark.parametrize("n_background", [1, 7, 25, 100, 130, 301])
@pytest.mark.parametrize("n_players", [1, 2, 7])
def test_walks_are_balanced(n_background, n_players, n_turns):
    starts, orders = _draw_walks(n_background, n_players, 5, n_turns, 0)
    assert (np.sort(orders, axis=2) == np.arange(n_players)).all()
    half = starts.shape[1] // 2
    assert (starts[:, :half] == starts[:, half:]).all()
    assert (orders[:, :half] == orders[:, half:, ::-1]).all()
    times = np.bincount(starts.ravel(), minlength=n_background)
    assert times.min() >= 2 * n_turns
    # Of many, a few more often, so that networks walk equally often.
    assert (times > times.min()).sum() <= (0 if n_background <= 50 else 4)
    if n_background <= 50 and n_turns == 10:
        of_each = [np.bincount(own, minlength=n_background) for own in starts]
        assert all((own == of_each[0]).all() for own in of_each)


@pytest.mark.parametrize(("n_background", "n_turns"), [(5, 2), (25, 4), (2, 5), (8, 5)])
def test_ten_networks_walk_from_few_background_rows_equally_often(n_background, n_turns):
    # As many walks as ten networks can share, but not from each row.
    starts, _ = _draw_walks(n_background, 12, 10, n_turns, 0)
    assert len(set(np.bincount(starts.ravel(), minlength=n_background))) == 1


def test_values_of_ten_networks_sum_to_the_prediction(only_walks):
    encoded, outputs = evaluated()
    bag = NetworkBag(n_folds=10).fit(encoded, outputs - outputs.mean(0))
    shapley = NetworkShapley(bag, encoded[:5], PLAYERS, M)
    shapley.n_pairs = 10
    gap = bag.predict(encoded[50:60]) - bag.predict(encoded[:5]).mean(0)
    torch.testing.assert_close(shapley(encoded[50:60]).sum(1), gap, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("n_turns", "taken"), [(0.2, 5), (4.4, 5), (7.4, 5), (7.6, 10), (12.6, 15)]
)
def test_turns_are_the_nearest_that_every_network_can_share(n_turns, taken):
    starts, _ = _draw_walks(7, 4, 5, n_turns, 0)
    assert starts.size == 2 * 7 * taken


def test_every_player_is_equally_often_in_every_place():
    _, orders = _draw_walks(10, 5, 5, 25, 0)
    for player, place in itertools.product(range(5), range(5)):
        assert (orders[..., place] == player).sum() == orders[..., 0].size // 5


def test_other_seeds_walk_otherwise():
    (_, first), (_, second) = (_draw_walks(10, 5, 5, 5, seed) for seed in (1, 2))
    assert (first != second).any()
