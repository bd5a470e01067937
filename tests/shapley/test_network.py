"""Networks of folds: what they learn, and their Shapley values."""

import itertools
from copy import copy

import numpy as np
import pytest
import torch
from sklearn.linear_model import LinearRegression

from sklearn_metaexplain import MetaExplainer
from sklearn_metaexplain.shapley import _network
from sklearn_metaexplain.shapley._network import NetworkBag, _draw_walks

M = 5


def evaluated(n=400, seed=0, n_outputs=1):
    generator = torch.Generator().manual_seed(seed)
    z = torch.randn(n, M, generator=generator, dtype=torch.float64)
    first = torch.tanh(2 * (z[:, 0] + z[:, 1] - z[:, 2])) + 0.3 * z[:, 3]
    outputs = torch.stack([first, z[:, 0] * z[:, 4]][:n_outputs], 1)
    return torch.stack([z, torch.special.ndtr(z)], -1), outputs


def fitted(n_outputs=1, background=slice(0, 6), players=None):
    encoded, outputs = evaluated(n_outputs=n_outputs)
    bag = NetworkBag().fit(encoded, outputs - outputs.mean(0))
    players = torch.arange(M) if players is None else players
    return bag.set_background(encoded[background], players, int(players.max()) + 1), encoded


@pytest.fixture(scope="module")
def bag_and_rows():
    return fitted()


@pytest.fixture
def only_walks(monkeypatch):
    monkeypatch.setattr(_network, "_MOST_ENUMERATED", 0)


def test_held_out_predictions_are_as_good_as_on_new_rows(bag_and_rows):
    bag, _ = bag_and_rows
    _, outputs = evaluated()
    held_out = (outputs - outputs.mean(0) - bag.held_out).square().mean()
    rows, truth = evaluated(n=1000, seed=1)
    new = (truth - outputs.mean(0) - bag.predict(rows)).square().mean()
    assert float(held_out) < 0.05 * float(outputs.var())
    # The mean of five networks is better than one that has seen four fifths.
    assert 0.3 < float(new / held_out) < 1.2


@pytest.mark.parametrize("n_outputs", [1, 2])
@pytest.mark.parametrize("share", [0, 100])
def test_values_sum_to_the_prediction(n_outputs, share, monkeypatch):
    monkeypatch.setattr(_network, "_MOST_ENUMERATED", share)
    bag, encoded = fitted(n_outputs)
    rows = encoded[50:60]
    gap = bag.predict(rows) - bag.predict(encoded[:6]).mean(0)
    # Every network walks from every background row, so that nothing is left to chance.
    torch.testing.assert_close(bag.shapley(rows).sum(1), gap, rtol=0, atol=1e-5)


def test_values_of_few_players_are_exact(bag_and_rows, enumerate_by_hand):
    bag, encoded = bag_and_rows
    for row, values in zip(encoded[50:54], bag.shapley(encoded[50:54]), strict=True):
        expected = enumerate_by_hand(bag.predict, row, encoded[:6], torch.arange(M), M)
        torch.testing.assert_close(values, expected, rtol=0, atol=1e-5)


def test_games_of_more_players_than_a_block_are_those_of_hybrids():
    generator = torch.Generator().manual_seed(0)
    encoded = torch.randn(200, 10, 2, generator=generator, dtype=torch.float64)
    bag = NetworkBag().fit(encoded, encoded[:, 9, :1].clone())
    bag.set_background(encoded[:2], torch.arange(10), 10)
    (values,) = bag.shapley(encoded[50:51], thorough=True)
    gap = bag.predict(encoded[50:51]) - bag.predict(encoded[:2]).mean(0)
    torch.testing.assert_close(values.sum(0), gap[0], rtol=0, atol=1e-5)
    assert float(values[9].abs()) > 0.9 * float(values.abs().sum())


def test_walks_are_close_to_enumeration_and_closer_the_more_there_are(bag_and_rows, monkeypatch):
    bag, encoded = bag_and_rows
    expected = bag.shapley(encoded[50:70])
    monkeypatch.setattr(_network, "_MOST_ENUMERATED", 0)

    def error(**parameters):
        values = bag.shapley(encoded[50:70], **parameters)
        return float((values - expected).square().sum() / expected.square().sum())

    assert 0 < error() < 1e-3
    assert error(thorough=True) < error() / 3


def test_of_many_background_rows_some_are_walked_from(bag_and_rows, monkeypatch):
    bag, encoded = bag_and_rows
    monkeypatch.setattr(_network, "_MOST_STARTS", 40)
    every = copy(bag).set_background(encoded[:400], torch.arange(M), M)
    assert every._background.shape[0] == 40
    gap = bag.predict(encoded[50:60]) - bag.predict(encoded[0:400:10]).mean(0)
    torch.testing.assert_close(every.shapley(encoded[50:60]).sum(1), gap, rtol=0, atol=1e-5)


def test_a_row_with_evaluations_of_its_own_is_explained_thoroughly(monkeypatch):
    asked = []
    shapley = NetworkBag.shapley

    def record(bag, encoded, *, thorough=False):
        asked.append(thorough)
        return shapley(bag, encoded, thorough=thorough)

    monkeypatch.setattr(NetworkBag, "shapley", record)
    X = evaluated(n=60)[0][..., 0].numpy()
    model = LinearRegression().fit(X, X[:, 0])
    explainer = MetaExplainer(model, background=4, n_support=64, random_state=0).fit(X, X[:, 0])
    asked.clear()
    explainer.explain(X[:2])
    assert asked == [False]
    asked.clear()
    explainer.explain(X[:2], budget=8)
    assert asked == [True]


def test_walks_of_two_players_are_exact(enumerate_by_hand, only_walks):
    players = torch.tensor([0, 1, 1, 0, 1])
    bag, encoded = fitted(players=players)
    for row, values in zip(encoded[50:54], bag.shapley(encoded[50:54]), strict=True):
        expected = enumerate_by_hand(bag.predict, row, encoded[:6], players, 2)
        torch.testing.assert_close(values, expected, rtol=0, atol=1e-5)


def test_walks_give_a_player_that_agrees_with_the_background_exactly_nothing(only_walks):
    encoded, outputs = evaluated()
    bag = NetworkBag().fit(encoded, outputs - outputs.mean(0))
    background = encoded[:6].clone()
    background[:, 1] = encoded[50, 1]
    values = bag.set_background(background, torch.arange(M), M).shapley(encoded[50:51])
    assert float(values[0, 1]) == 0
    assert float(values[0, 0].abs()) > 0.01


def test_rows_alone_get_what_they_get_together(bag_and_rows):
    bag, encoded = bag_and_rows
    together = bag.shapley(encoded[50:60])
    for i in (0, 4, 9):
        alone = bag.shapley(encoded[50 + i : 51 + i])[0]
        torch.testing.assert_close(alone, together[i], rtol=0, atol=1e-7)


@pytest.mark.parametrize("share", [0, 100])
def test_values_move_with_the_columns(bag_and_rows, share, monkeypatch):
    monkeypatch.setattr(_network, "_MOST_ENUMERATED", share)
    bag, encoded = bag_and_rows
    order = torch.tensor([3, 0, 4, 2, 1])
    _, outputs = evaluated()
    moved = NetworkBag().fit(encoded[:, order], outputs - outputs.mean(0))
    moved.set_background(encoded[:6, order], torch.arange(M), M)
    values = bag.shapley(encoded[50:60])[:, order]
    torch.testing.assert_close(moved.shapley(encoded[50:60, order]), values, rtol=0, atol=1e-6)


def test_a_fit_is_repeated_exactly_and_leaves_global_randomness_alone(bag_and_rows):
    bag, encoded = bag_and_rows
    state = torch.get_rng_state()
    again, _ = fitted()
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(again.predict(encoded), bag.predict(encoded))


def test_networks_that_diverge_say_nothing(monkeypatch):
    monkeypatch.setattr(_network, "_LEARNING_RATE", 1e30)
    bag, encoded = fitted()
    assert not bag.held_out.any()
    assert not bag.shapley(encoded[50:52]).any()


def test_a_constant_output_is_learned():
    encoded, outputs = evaluated()
    bag = NetworkBag().fit(encoded, torch.zeros_like(outputs))
    assert float(bag.predict(encoded).abs().max()) < 1e-3


@pytest.mark.parametrize("n_background", [1, 7, 25, 100, 130, 300])
@pytest.mark.parametrize("n_players", [1, 2, 7])
def test_walks_are_balanced(n_background, n_players):
    starts, orders = _draw_walks(n_background, n_players, 5, 250)
    assert (np.sort(orders, axis=2) == np.arange(n_players)).all()
    half = starts.shape[1] // 2
    assert (starts[:, :half] == starts[:, half:]).all()
    assert (orders[:, :half] == orders[:, half:, ::-1]).all()
    times = np.bincount(starts.ravel(), minlength=n_background)
    assert times.min() > 0
    assert times.max() - times.min() <= (0 if n_background <= 50 else 2)
    if n_background <= 50:
        of_each = [np.bincount(own, minlength=n_background) for own in starts]
        assert all((own == of_each[0]).all() for own in of_each)


def test_every_player_is_equally_often_in_every_place():
    _, orders = _draw_walks(10, 5, 5, 250)
    for player, place in itertools.product(range(5), range(5)):
        assert (orders[..., place] == player).sum() == orders[..., 0].size // 5
