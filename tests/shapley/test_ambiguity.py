"""Where the surrogates of a stack disagree."""

import numpy as np
import pytest
import torch

from sklearn_metaexplain.shapley._ambiguity import ambiguity
from sklearn_metaexplain.shapley._kernel import default_parameters
from sklearn_metaexplain.shapley._stack import SurrogateStack


def rows(n, n_columns=3, seed=0):
    columns = np.random.default_rng(seed).uniform(-1.7, 1.7, (n, n_columns))
    return torch.from_numpy(np.stack([columns, columns], -1))


def step(encoded):
    return torch.where(encoded[:, :1, 0] > 0.4, 1.0, -1.0)


def fit(encoded, outputs):
    return SurrogateStack(default_parameters(3), torch.arange(3), 3).fit(encoded, outputs)


@pytest.fixture(scope="module")
def stack():
    encoded = rows(400)
    return fit(encoded, torch.cat([step(encoded), 3 * encoded[:, 1:2, 0]], 1))


def test_ambiguity_is_the_weighted_variance_of_the_members(stack):
    encoded = rows(50, seed=1)
    trees = stack.trees.predict(encoded[..., 1]).view(2, stack.n_folds, -1)
    for output in range(2):
        bags = [
            stack.process.predict(encoded)[None, :, output],
            trees[output] - stack.center[output],
            stack.network.predict_each(encoded)[..., output],
        ]
        members = np.concatenate([bag.numpy() for bag in bags])
        shares = [float(w) / len(bag) for w, bag in zip(stack.weights[output], bags, strict=True)]
        weights = np.repeat(shares, [len(bag) for bag in bags])
        mean = np.average(members, axis=0, weights=weights)
        expected = np.average((members - mean) ** 2, axis=0, weights=weights)
        np.testing.assert_allclose(ambiguity(stack, encoded)[:, output], expected, rtol=1e-9)


def test_members_disagree_where_the_step_is(stack):
    encoded = rows(2000, seed=2)
    near = (encoded[:, 0, 0] - 0.4).abs() < 0.1
    doubtful = ambiguity(stack, encoded)[:, 0]
    assert doubtful[near].mean() > 5 * doubtful[~near].mean()


def test_a_row_alone_is_as_ambiguous_as_among_others(stack):
    encoded = rows(1500, seed=3)
    together = ambiguity(stack, encoded)
    alone = torch.cat([ambiguity(stack, encoded[i : i + 1]) for i in (0, 700, 1499)])
    torch.testing.assert_close(together[[0, 700, 1499]], alone, rtol=1e-9, atol=1e-15)


def test_nobody_doubts_a_constant():
    encoded = rows(100)
    quiet = fit(encoded, torch.zeros(100, 1, dtype=torch.float64))
    assert float(ambiguity(quiet, rows(20, seed=4)).max()) == pytest.approx(0.0, abs=1e-12)
