"""Trees grown leaf by leaf, and their tables."""

import pickle

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sklearn_metaexplain.shapley._leafwise import LeafwiseBoosting

PLAYERS = torch.tensor([0, 1, 1, 2, 3, 4])


def data(n, seed=0, n_columns=6):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n, n_columns, generator=generator, dtype=torch.float64)
    return x, x[:, 0] * x[:, 1] + (x[:, 2] > 0) + x[:, 3] ** 2


def boost(columns, targets, kept=None, players=None, n_jobs=None, **parameters):
    targets = torch.atleast_2d(targets)
    kept = torch.ones_like(targets, dtype=torch.bool) if kept is None else kept
    players = torch.arange(columns.shape[1]) if players is None else players
    return LeafwiseBoosting(**parameters).fit(columns, targets, kept, players, n_jobs=n_jobs)


@pytest.fixture(scope="module")
def boosting():
    x, y = data(300)
    return boost(x, torch.stack([y, -2 * y]), players=PLAYERS, n_trees=40)


def test_learns(boosting):
    x, y = data(300)
    error = (boosting.predict(x)[0] - y).square().mean()
    assert float(error) < 0.1 * float(y.var())
    torch.testing.assert_close(boosting.predict(x), boosting.fitted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("most_players", [1, 2, 5])
def test_tables_equal_enumeration_of_the_trees(most_players, enumerate_by_hand):
    x, y = data(300)
    targets = torch.stack([y, -2 * y])
    boosting = boost(x, targets, players=PLAYERS, n_trees=40, most_players=most_players)
    rows, _ = data(3, seed=1)
    background, _ = data(7, seed=2)
    values = boosting.tabulate(background, 5).shapley(rows)
    for i, row in enumerate(rows):
        expected = enumerate_by_hand(
            lambda hybrids: boosting.predict(hybrids).T, row, background, PLAYERS, 5
        )
        torch.testing.assert_close(values[:, i].T, expected, rtol=0, atol=1e-9)


@settings(max_examples=20, deadline=None)
@given(
    most_leaves=st.integers(2, 20),
    n_columns=st.integers(1, 4),
    seed=st.integers(0, 1000),
)
def test_efficiency_and_dummy(most_leaves, n_columns, seed):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(60, n_columns + 1, generator=generator, dtype=torch.float64)
    # Nothing depends on the last column, and it is constant: no tree can split it.
    x[:, -1] = 1.0
    y = (x[:, :n_columns] > 0.3).double().sum(1) + x[:, 0].sin()
    boosting = boost(x, y, most_leaves=most_leaves, least_rows=3, n_trees=8)
    background = x[:9]
    values = boosting.tabulate(background, n_columns + 1).shapley(x)[0]
    total = boosting.predict(x)[0] - boosting.predict(background)[0].mean()
    torch.testing.assert_close(values.sum(1), total, rtol=0, atol=1e-10)
    assert bool((values[:, -1] == 0).all())


def test_tables_are_made_again_rather_than_stored(boosting):
    x, _ = data(50)
    values = boosting.tabulate(x[:9], 5).shapley(x)
    stored = pickle.dumps(boosting)
    assert len(stored) < sum(tables[-1].nbytes for tables in boosting._tables) / 3
    assert torch.equal(pickle.loads(stored).shapley(x), values)


def leaves_of(boosting, x):
    """What each tree adds for each row, by differences of predictions: (n_rows, n_trees)."""
    told = []
    for tree in range(boosting.n_trees):
        one = LeafwiseBoosting(n_trees=1)
        one.edges, one.offset = boosting.edges, torch.zeros(1)
        one.splits = boosting.splits[:1, tree : tree + 1]
        one.leaf_values = boosting.leaf_values[:1, tree : tree + 1]
        told.append(one.predict(x)[0])
    return torch.stack(told, 1)


@pytest.mark.parametrize(("most_leaves", "least_rows"), [(6, 1), (31, 20), (31, 5)])
def test_leaves_are_so_many_and_of_so_many_rows(most_leaves, least_rows):
    x, y = data(300)
    boosting = boost(x, y, most_leaves=most_leaves, least_rows=least_rows, n_trees=10)
    for tree in leaves_of(boosting, x).T:
        _, counts = tree.unique(return_counts=True)
        assert len(counts) <= most_leaves
        assert int(counts.min()) >= least_rows


@pytest.mark.parametrize("most_players", [1, 2, 3])
def test_a_path_has_so_many_players(most_players):
    x, y = data(300)
    boosting = boost(x, y, players=PLAYERS, n_trees=20, most_players=most_players, least_rows=3)
    found = []
    for tree in boosting.splits[0]:
        players = {0: set()}
        for node, (column, _, left, right) in enumerate(tree.tolist()):
            if column >= 0:
                there = players[node] | {int(PLAYERS[column])}
                found.append(len(there))
                players |= dict.fromkeys((left, right), there)
    assert max(found) == most_players


def test_the_leaf_that_gains_most_is_split_first():
    # The right half has the larger steps, so both of its splits come before that of the left.
    x = torch.linspace(0, 1, 80, dtype=torch.float64)[:, None]
    steps = torch.tensor([0.0, 1.0, 20.0, 26.0]).double()
    y = steps[(4 * x[:, 0]).long().clamp_max(3)]
    boosting = boost(x, y, most_leaves=3, n_trees=1, learning_rate=1.0, l2=1e-6)
    assert len(boosting.predict(x)[0].unique()) == 3
    expected = torch.where(x[:, 0] < 0.5, 0.5, y)
    torch.testing.assert_close(boosting.predict(x)[0], expected, rtol=0, atol=1e-4)


def test_of_splits_that_gain_as_much_the_first_is_taken():
    x = torch.tensor([0.0, 1.0, 2.0, 3.0], dtype=torch.float64)[:, None]
    y = torch.tensor([1.0, 0.0, 0.0, 1.0], dtype=torch.float64)
    boosting = boost(x, y, most_leaves=2, least_rows=1, n_trees=1)
    assert boosting.splits[0, 0, 0, :2].tolist() == [0, 0]


def test_a_leaf_may_have_just_the_least_rows():
    x = torch.arange(20, dtype=torch.float64)[:, None]
    y = (x[:, 0] >= 10).double()
    boosting = boost(x, y, least_rows=10, n_trees=1, learning_rate=1.0, l2=1e-6)
    torch.testing.assert_close(boosting.predict(x)[0], y, rtol=0, atol=1e-4)


def test_a_path_that_is_full_still_splits_its_players():
    x = torch.linspace(0, 1, 80, dtype=torch.float64)[:, None]
    y = torch.tensor([0.0, 1.0, 20.0, 26.0]).double()[(4 * x[:, 0]).long().clamp_max(3)]
    boosting = boost(x, y, most_players=1, n_trees=1, learning_rate=1.0, l2=1e-6)
    torch.testing.assert_close(boosting.predict(x)[0], y, rtol=0, atol=1e-3)


def test_the_penalty_counts_of_the_leaf_that_is_split():
    x = torch.arange(40, dtype=torch.float64)[:, None]
    y = torch.tensor([-1.0] * 20 + [0.2] * 10 + [1.8] * 10).double()
    boosting = boost(x, y, most_leaves=3, least_rows=5, n_trees=1, l2=10.0)
    assert len(boosting.predict(x)[0].unique()) == 3


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"most_leaves": 1}, r"most_leaves=1 splits nothing"),
        ({"most_players": 9}, r"most_players=9 must be from 1 to 8"),
        ({"most_players": 0}, r"most_players=0 must be from 1 to 8"),
    ],
)
def test_what_would_leave_memory_is_refused(parameters, message):
    with pytest.raises(ValueError, match=message):
        LeafwiseBoosting(**parameters)


def test_tables_of_eight_players_equal_enumeration_too(enumerate_by_hand):
    x, _ = data(400, n_columns=8)
    y = (x > -1.2).all(1).double()
    boosting = boost(x, y, most_players=8, most_leaves=40, least_rows=1, n_trees=2)
    rows, background, players = x[:2], x[2:8], torch.arange(8)
    values = boosting.tabulate(background, 8).shapley(rows)
    first_player = boosting._tables[0][2]
    assert np.diff(first_player).max() == 8
    for i, row in enumerate(rows):
        expected = enumerate_by_hand(
            lambda hybrids: boosting.predict(hybrids).T, row, background, players, 8
        )
        torch.testing.assert_close(values[:, i].T, expected, rtol=0, atol=1e-9)


def test_a_row_alone_is_a_row_of_a_batch(boosting):
    x, _ = data(30)
    batch = boosting.tabulate(x[:9], 5).shapley(x)
    assert torch.equal(torch.cat([boosting.shapley(x[i : i + 1]) for i in range(30)], 1), batch)
    assert boosting.shapley(x[:0]).shape == (2, 0, 5)


def test_rows_left_out_do_not_count():
    x, y = data(200)
    first = (torch.arange(200) < 120)[None]
    changed = torch.where(torch.arange(200) < 120, y, 1e3)
    one, other = (boost(x, target, first, n_trees=10) for target in (y, changed))
    torch.testing.assert_close(one.predict(x), other.predict(x))
    # They are told what the trees say all the same.
    torch.testing.assert_close(one.fitted, one.predict(x), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("seed", range(40))
def test_first_split_is_the_best_by_brute_force(seed):
    generator = torch.Generator().manual_seed(seed)
    columns = torch.randn(30, 4, generator=generator, dtype=torch.float64)
    # Mostly noise, so that the penalty decides between splits.
    target = torch.randn(30, generator=generator, dtype=torch.float64) + 0.3 * columns[:, 0]
    kept = torch.rand(30, generator=generator) < 0.8
    weight = kept.double()
    boosting = boost(
        columns,
        target,
        kept[None],
        most_leaves=2,
        least_rows=1,
        n_trees=1,
        learning_rate=1.0,
        n_bins=16,
        l2=10.0,
    )
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
    boosting = boost(columns, target, n_trees=5)
    assert boosting.predict(columns).unique().tolist() == [4.5]
    assert bool((boosting.tabulate(columns, 2).shapley(columns) == 0).all())


def test_infinite_cells_share_the_last_bin():
    columns = torch.tensor([0.0, 1.0, 2.0, torch.inf, torch.inf], dtype=torch.float64)[:, None]
    target = torch.tensor([0.0, 0.0, 5.0, 5.0, 5.0], dtype=torch.float64)
    boosting = boost(columns, target, least_rows=1, n_trees=1, learning_rate=1.0, l2=1e-6)
    torch.testing.assert_close(boosting.predict(columns)[0], target, rtol=0, atol=1e-5)


def test_a_share_of_the_columns_is_drawn_for_each_leaf_and_target():
    x, y = data(300)
    some = boost(x, torch.stack([y, y]), n_trees=60, column_share=0.1)
    split = torch.from_numpy(some.splits[..., 0])
    # One of six columns each time: all are split about as often, useless ones included.
    shares = torch.bincount(split[split >= 0], minlength=6) / (split >= 0).sum()
    assert 0.1 < float(shares.min()) <= float(shares.max()) < 0.25
    assert not torch.equal(split[0], split[1])
    error = (some.predict(x)[0] - y).square().mean()
    assert float(error) < 0.3 * float(y.var())
    # Half of three columns are two: the one that matters is among them two times in three.
    first = boost(x[:, :3], x[:, 0], n_trees=90, column_share=0.5, learning_rate=0.01).splits
    assert 0.55 < (first[0, :, 0, 0] == 0).mean() < 0.8


@pytest.mark.parametrize("share", [0.3, 1.0])
def test_the_order_of_columns_does_not_matter(share):
    x, y = data(300)
    shuffle = torch.tensor([3, 0, 5, 1, 4, 2])
    one, other = (
        boost(table, y, players=players, n_trees=20, column_share=share)
        for table, players in ((x, PLAYERS), (x[:, shuffle], PLAYERS[shuffle]))
    )
    assert torch.equal(one.predict(x), other.predict(x[:, shuffle]))
    values = [
        trees.tabulate(table[:7], 5).shapley(table)
        for trees, table in ((one, x), (other, x[:, shuffle]))
    ]
    torch.testing.assert_close(*values, rtol=0, atol=1e-12)


def test_targets_that_are_boosted_in_threads_are_the_same():
    torch.manual_seed(0)
    x = torch.randn(200, 3, dtype=torch.float64)
    targets = torch.stack([x[:, 0], x[:, 1] * x[:, 2], x[:, 2].sign()])
    alone, others = (
        boost(x, targets, n_trees=30, column_share=0.5, n_jobs=n_jobs) for n_jobs in (None, 2)
    )
    assert torch.equal(alone.predict(x), others.predict(x))
    assert (alone.splits == others.splits).all()
