"""Weights of surrogates."""

import numpy as np
import pytest
import torch
from scipy.optimize import nnls

from sklearn_metaexplain.shapley._stacking import cross, stacking_weights


def normal(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def test_where_no_bag_takes_part_they_are_those_of_least_squares():
    guesses = normal(300, 2, 3)
    targets = guesses @ torch.tensor([0.5, 0.3, -0.2], dtype=torch.float64) + normal(300, 2, seed=1)
    targets = targets.clamp(-2, 2)  # none is extreme
    weights = stacking_weights(guesses, targets, torch.zeros(2, 3, dtype=torch.float64))
    for output in range(2):
        expected, _ = nnls(guesses[:, output].numpy(), targets[:, output].numpy())
        np.testing.assert_allclose(weights[output], expected, atol=1e-8)


def test_a_few_extreme_outputs_do_not_decide():
    target, noise = normal(500), 0.1 * normal(500, seed=1)
    good = target + noise
    target[:2], good[:2] = 100.0, 0.0
    # The other guess knows the two extreme outputs, and is noise elsewhere.
    other = torch.where(target == 100.0, target, normal(500, seed=2))
    guesses = torch.stack([good, other], 1)
    plain, _ = nnls(guesses.numpy(), target.numpy())
    weights = stacking_weights(guesses[:, None], target[:, None], torch.zeros(1, 2))[0]
    assert plain[1] > 0.95
    assert float(weights[1]) < 0.65
    assert float(weights[0]) > 0.95


def test_a_bag_is_weighed_by_its_mean_not_by_its_members():
    n, n_members = 20_000, 5
    target = normal(n)
    single = target + 0.5 * normal(n, seed=1)
    bag = target + 0.5 * normal(n, seed=2) + 0.5 * normal(n_members, n, seed=3)
    unseen = bag[torch.arange(n) % n_members, torch.arange(n)]
    excess = torch.tensor([[0.0, float(bag.var(0, correction=0).mean())]], dtype=torch.float64)
    guesses = torch.stack([single, unseen], -1)
    weights = stacking_weights(guesses[:, None], target[:, None], excess)[0]
    means = torch.stack([single, bag.mean(0)], -1)
    expected, _ = nnls(means.numpy(), target.numpy())
    np.testing.assert_allclose(weights, expected, atol=0.02)
    naive = stacking_weights(guesses[:, None], target[:, None], torch.zeros(1, 2))[0]
    assert float(naive[1]) < float(weights[1]) - 0.1


def test_what_says_nothing_gets_nothing_and_no_excess_makes_an_error_negative():
    target = normal(200)
    guesses = torch.stack([torch.zeros(200), target + 0.1 * normal(200, seed=1)], -1)[:, None]
    huge = torch.full((1, 2), 100.0, dtype=torch.float64)
    weights = stacking_weights(guesses, target[:, None], huge)[0]
    assert float(weights[0]) < 1e-6
    assert 0.9 < float(weights[1]) < 1.1
    silent = stacking_weights(torch.zeros_like(guesses), target[:, None], huge)
    assert torch.equal(silent, torch.zeros(1, 2, dtype=torch.float64))


@pytest.mark.parametrize(("scale", "smaller"), [(1.0, "errors"), (0.1, "said")])
def test_at_most_half_of_the_mean_square_counts_as_excess(scale, smaller):
    target = normal(400).clamp(-2, 2)  # none is extreme
    guess = scale * (target + 0.4 * normal(400, seed=1))
    squares = {"errors": (guess - target).square().mean(), "said": guess.square().mean()}
    assert min(squares, key=squares.get) == smaller
    huge = torch.full((1, 1), 100.0, dtype=torch.float64)
    weight = stacking_weights(guess[:, None, None], target[:, None], huge)[0, 0]
    expected = (guess * target).mean() / (squares["said"] - squares[smaller] / 2)
    torch.testing.assert_close(weight, expected)


def test_crosses_come_of_neighbours_whatever_the_order_of_columns():
    encoded = normal(40, 5, 2)
    order = torch.tensor([2, 0, 4, 1, 3])
    crossed = cross(encoded, order)
    mine = (crossed == encoded).all(-1)
    other = (crossed == encoded.roll(1, 0)).all(-1)
    assert bool((mine ^ other).all())
    assert 0.4 < float(mine.double().mean()) < 0.6
    shuffle = torch.tensor([3, 1, 0, 4, 2])
    # Column j of the shuffled table is column shuffle[j] of the first.
    moved = cross(encoded[:, shuffle], shuffle.argsort()[order])
    torch.testing.assert_close(moved, crossed[:, shuffle], rtol=0, atol=0)
