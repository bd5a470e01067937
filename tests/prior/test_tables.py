"""Random tables have the kinds of columns that they claim."""

import numpy as np
import pytest

from sklearn_metaexplain.prior._tables import COLUMN_KINDS, sample_table


@pytest.fixture(scope="module")
def tables():
    rng = np.random.default_rng(0)
    return [sample_table(rng, n_rows=200, n_columns=12) for _ in range(150)]


def columns_of(tables, kind):
    for table in tables:
        for j in np.flatnonzero(np.array(table.kinds) == kind):
            yield table.values[:, j][~np.isnan(table.values[:, j])]


def test_shapes_and_observed_cells(tables):
    for table in tables:
        assert table.values.shape == (200, 12)
        assert table.values.dtype == np.float64
        assert len(table.kinds) == 12
        assert not np.isinf(table.values).any()
        assert (~np.isnan(table.values)).sum(0).min() >= 20


@pytest.mark.parametrize("kind", COLUMN_KINDS)
def test_every_kind_appears(tables, kind):
    assert len(list(columns_of(tables, kind))) >= 5


def test_kinds_are_what_they_say(tables):
    assert all(np.ptp(column) == 0 for column in columns_of(tables, "constant"))
    assert all(len(np.unique(column)) == 2 for column in columns_of(tables, "binary"))
    assert all(len(np.unique(column)) <= 12 for column in columns_of(tables, "discrete"))
    counts = list(columns_of(tables, "count"))
    whole = [(column >= 0).all() and (column == np.round(column)).all() for column in counts]
    assert np.mean(whole) > 0.6
    inflated = list(columns_of(tables, "zero_inflated"))
    assert np.mean([(column == column.min()).mean() > 0.15 for column in inflated]) > 0.9


def test_one_hot_rows_have_at_most_one_indicator():
    rng = np.random.default_rng(1)
    seen = 0
    for _ in range(200):
        table = sample_table(rng, n_rows=60, n_columns=4)
        if table.kinds == ("one_hot",) * 4 and not np.isnan(table.values).any():
            # Four columns are one block of four or two of two.
            seen += 1
            assert set(np.unique(table.values)) <= {0.0, 1.0}
            assert table.values.sum(1).max() <= 2
    assert seen


def test_duplicates_follow_another_column():
    rng = np.random.default_rng(2)
    tables = [sample_table(rng, n_rows=200, n_columns=12) for _ in range(150)]
    strongest = []
    for table in tables:
        if np.isnan(table.values).any():
            continue
        for j in np.flatnonzero(np.array(table.kinds) == "duplicate"):
            others = np.delete(table.values, j, axis=1)
            others = others[:, np.ptp(others, axis=0) > 0]
            if np.ptp(table.values[:, j]) > 0:
                correlation = np.corrcoef(others.T, table.values[:, j])[-1, :-1]
                strongest.append(np.abs(correlation).max())
    assert len(strongest) >= 5
    assert min(strongest) > 0.95


def test_columns_are_correlated_heavy_tailed_and_unscaled(tables):
    complete = [table for table in tables if not np.isnan(table.values).any()]
    normal = [list(columns_of([table], "normal")) for table in complete]
    correlations = [np.corrcoef(columns) for columns in normal if len(columns) > 1]
    strongest = [np.abs(np.triu(matrix, 1)).max() for matrix in correlations]
    assert np.mean(np.array(strongest) > 0.5) > 0.2
    reach = [
        np.abs(column - np.median(column)).max() / column.std()
        for column in columns_of(tables, "heavy_tailed")
    ]
    assert np.median(reach) > 4.5
    spreads = [column.std() for column in columns_of(tables, "normal")]
    assert np.quantile(spreads, 0.9) / np.quantile(spreads, 0.1) > 100


def test_a_fifth_has_missing_cells_some_depending_on_other_columns(tables):
    rng = np.random.default_rng(3)
    with_missing = []
    for _ in range(400):
        table = sample_table(rng, n_rows=100, n_columns=6).values
        if np.isnan(table).any():
            with_missing.append(table)
    assert 0.13 < len(with_missing) / 400 < 0.27
    dependent = 0
    for table in with_missing:
        complete = table[:, ~np.isnan(table).any(0)]
        complete = complete[:, np.ptp(complete, axis=0) > 0] if complete.size else complete
        ranks = complete.argsort(0).argsort(0)
        for missing in np.isnan(table).T:
            if 15 < missing.sum() < 85 and complete.shape[1]:
                gap = ranks[missing].mean(0) - ranks[~missing].mean(0)
                dependent += np.abs(gap).max() > 30
    assert dependent >= 3


def test_one_column_and_same_seed():
    first, second = (
        sample_table(np.random.default_rng(5), n_rows=50, n_columns=1) for _ in range(2)
    )
    np.testing.assert_array_equal(first.values, second.values)
    assert first.kinds == second.kinds
