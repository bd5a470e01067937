"""Weights that turn coalition values into Shapley values."""

import itertools
import math

import numpy as np
import pytest

from sklearn_metaexplain.shapley._weights import shapley_matrix


@pytest.mark.parametrize("n_players", [1, 2, 3, 5])
def test_agrees_with_averaging_over_orders(n_players):
    games = np.random.default_rng(0).normal(size=1 << n_players)
    expected = np.zeros(n_players)
    for order in itertools.permutations(range(n_players)):
        coalition = 0
        for player in order:
            expected[player] += games[coalition | 1 << player] - games[coalition]
            coalition |= 1 << player
    expected /= math.factorial(n_players)
    np.testing.assert_allclose(games @ shapley_matrix(n_players), expected, atol=1e-12)


def test_is_cached_and_read_only():
    with pytest.raises(ValueError, match="read-only"):
        shapley_matrix(3)[0, 0] = 1.0
