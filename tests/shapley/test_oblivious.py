"""Oblivious trees and their tables."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sklearn_metaexplain.shapley._oblivious import ObliviousBoosting

PLAYERS = torch.tensor([0, 1, 1, 2, 3, 4])


def data(n, seed=0, n_columns=6):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n, n_columns, generator=generator, dtype=torch.float64)
    return x, x[:, 0] * x[:, 1] + (x[:, 2] > 0) + x[:, 3] ** 2


@pytest.fixture(scope="module")
def boosting():
    x, y = data(300)
    weights = torch.ones(2, len(x), dtype=torch.float64)
    return ObliviousBoosting(n_trees=40).fit(x, torch.stack([y, -2 * y]), weights)


def test_learns(boosting):
    x, y = data(300)
    error = (boosting.predict(x)[0] - y).square().mean()
    assert float(error) < 0.15 * float(y.var())
    torch.testing.assert_close(boosting.predict(x), boosting.fitted, rtol=1e-4, atol=1e-5)


def test_a_column_may_split_several_levels(boosting):
    levels = boosting.columns.flatten(0, 1)
    assert any(len(set(tree.tolist())) < len(tree) for tree in levels)


def test_tables_equal_enumeration_of_the_trees(boosting, enumerate_by_hand):
    x, _ = data(3, seed=1)
    background, _ = data(7, seed=2)
    values = boosting.tabulate(background, PLAYERS, 5).shapley(x)
    for i, row in enumerate(x):
        expected = enumerate_by_hand(
            lambda hybrids: boosting.predict(hybrids).T, row, background, PLAYERS, 5
        )
        torch.testing.assert_close(values[:, i].T, expected, rtol=0, atol=1e-9)


@settings(max_examples=20, deadline=None)
@given(
    depth=st.integers(1, 6),
    n_columns=st.integers(1, 4),
    seed=st.integers(0, 1000),
)
def test_efficiency_and_dummy(depth, n_columns, seed):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(60, n_columns + 1, generator=generator, dtype=torch.float64)
    # Nothing depends on the last column, and it is constant: no tree can split it.
    x[:, -1] = 1.0
    y = (x[:, :n_columns] > 0.3).double().sum(1) + x[:, 0].sin()
    boosting = ObliviousBoosting(depth=depth, n_trees=8).fit(
        x, y[None], torch.ones(1, 60, dtype=torch.float64)
    )
    background = x[:9]
    boosting.tabulate(background, torch.arange(n_columns + 1), n_columns + 1)
    values = boosting.shapley(x)[0]
    total = boosting.predict(x)[0] - boosting.predict(background)[0].mean()
    torch.testing.assert_close(values.sum(1), total, rtol=0, atol=1e-10)
    assert bool((values[:, -1] == 0).all())


def test_rows_of_no_weight_do_not_count():
    x, y = data(200)
    weights = (torch.arange(200) < 120).double()[None]
    changed = torch.where(torch.arange(200) < 120, y, 1e3)
    kept = ObliviousBoosting(n_trees=10).fit(x, y[None], weights)
    other = ObliviousBoosting(n_trees=10).fit(x, changed[None], weights)
    torch.testing.assert_close(kept.leaf_values, other.leaf_values)
    torch.testing.assert_close(kept.predict(x), other.predict(x))
