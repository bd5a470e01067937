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
    kept = torch.ones(2, len(x), dtype=torch.bool)
    return ObliviousBoosting(n_trees=40).fit(x, torch.stack([y, -2 * y]), kept)


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
        x, y[None], torch.ones(1, 60, dtype=torch.bool)
    )
    background = x[:9]
    boosting.tabulate(background, torch.arange(n_columns + 1), n_columns + 1)
    values = boosting.shapley(x)[0]
    total = boosting.predict(x)[0] - boosting.predict(background)[0].mean()
    torch.testing.assert_close(values.sum(1), total, rtol=0, atol=1e-10)
    assert bool((values[:, -1] == 0).all())


def test_rows_left_out_do_not_count():
    x, y = data(200)
    first = (torch.arange(200) < 120)[None]
    changed = torch.where(torch.arange(200) < 120, y, 1e3)
    kept = ObliviousBoosting(n_trees=10).fit(x, y[None], first)
    other = ObliviousBoosting(n_trees=10).fit(x, changed[None], first)
    torch.testing.assert_close(kept.leaf_values, other.leaf_values)
    torch.testing.assert_close(kept.predict(x), other.predict(x))


@pytest.mark.parametrize("seed", range(40))
def test_first_split_is_the_best_by_brute_force(seed):
    generator = torch.Generator().manual_seed(seed)
    columns = torch.randn(30, 4, generator=generator, dtype=torch.float64)
    # Mostly noise, so that the penalty decides between splits.
    target = torch.randn(30, generator=generator, dtype=torch.float64) + 0.3 * columns[:, 0]
    kept = torch.rand(30, generator=generator) < 0.8
    weight = kept.double()
    settings = {"depth": 1, "n_trees": 1, "learning_rate": 1.0, "n_bins": 16, "l2": 10.0}
    boosting = ObliviousBoosting(**settings).fit(columns, target[None], kept[None])
    offset = (target * weight).sum() / weight.sum()

    def predictions(right):
        sums = [(weight * (target - offset))[side].sum() for side in (~right, right)]
        values = [
            total / (weight[side].sum() + 10.0)
            for total, side in zip(sums, (~right, right), strict=False)
        ]
        return offset + torch.where(right, values[1], values[0])

    def penalised_error(right):
        fitted = predictions(right)
        # Ridge: the penalty counts as well.
        penalty = sum((fitted[side][0] - offset) ** 2 for side in (~right, right) if side.any())
        return float((weight * (target - fitted) ** 2).sum() + 10.0 * penalty)

    edges = [(j, float(edge)) for j in range(4) for edge in boosting.edges[j].unique()]
    splits = [columns[:, j] >= edge for j, edge in edges]
    best = min(splits, key=penalised_error)
    # Splits that differ in rows left out alone are equally good.
    for fitted in (boosting.predict(columns)[0], boosting.fitted[0]):
        torch.testing.assert_close(fitted[kept], predictions(best)[kept], rtol=1e-5, atol=1e-5)


def test_constant_columns_give_the_mean():
    columns = torch.ones(10, 2, dtype=torch.float64)
    target = torch.arange(10, dtype=torch.float64)
    boosting = ObliviousBoosting(depth=3, n_trees=5).fit(
        columns, target[None], torch.ones(1, 10).bool()
    )
    assert boosting.predict(columns).unique().tolist() == [4.5]


def test_infinite_cells_share_the_last_bin():
    columns = torch.tensor([0.0, 1.0, 2.0, torch.inf, torch.inf], dtype=torch.float64)[:, None]
    target = torch.tensor([0.0, 0.0, 5.0, 5.0, 5.0], dtype=torch.float64)
    boosting = ObliviousBoosting(depth=2, n_trees=1, learning_rate=1.0, l2=1e-6).fit(
        columns, target[None], torch.ones(1, 5).bool()
    )
    torch.testing.assert_close(boosting.predict(columns)[0], target, rtol=0, atol=1e-5)


def test_a_share_of_the_columns_is_drawn_for_each_level_and_target():
    x, y = data(300)
    kept = torch.ones(2, len(x), dtype=torch.bool)
    some = ObliviousBoosting(n_trees=60, column_share=0.1).fit(x, torch.stack([y, y]), kept)
    # One of six columns each time: all are split about as often, useless ones included.
    shares = torch.bincount(some.columns.flatten(), minlength=6) / some.columns.numel()
    assert 0.1 < float(shares.min()) <= float(shares.max()) < 0.25
    assert not torch.equal(some.columns[0], some.columns[1])
    error = (some.predict(x)[0] - y).square().mean()
    assert float(error) < 0.3 * float(y.var())


@pytest.mark.parametrize("share", [0.3, 1.0])
def test_the_order_of_columns_does_not_matter(share):
    x, y = data(300)
    shuffle = torch.tensor([3, 0, 5, 1, 4, 2])
    kept = torch.ones(1, len(x), dtype=torch.bool)
    one, other = (
        ObliviousBoosting(n_trees=20, column_share=share).fit(table, y[None], kept)
        for table in (x, x[:, shuffle])
    )
    assert torch.equal(one.predict(x), other.predict(x[:, shuffle]))
    assert torch.equal(one.columns, shuffle[other.columns])


def test_targets_that_are_boosted_in_threads_are_the_same():
    torch.manual_seed(0)
    x = torch.randn(200, 3, dtype=torch.float64)
    targets = torch.stack([x[:, 0], x[:, 1] * x[:, 2], x[:, 2].sign()])
    alone, others = (
        ObliviousBoosting(n_trees=30, column_share=0.5).fit(
            x, targets, torch.ones_like(targets, dtype=torch.bool), n_jobs=n_jobs
        )
        for n_jobs in (None, 2)
    )
    assert torch.equal(alone.predict(x), others.predict(x))
    assert torch.equal(alone.columns, others.columns)
