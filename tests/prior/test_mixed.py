"""Tables with categories: what models read of them, and in which kinds they come."""

import pickle
from collections import Counter

import numpy as np
import pandas as pd
import pytest

from sklearn_metaexplain.prior import FAMILIES, _task, sample_task
from sklearn_metaexplain.prior._fitted import fit_model
from sklearn_metaexplain.prior._mixed import read_numbers, sample_categories
from sklearn_metaexplain.prior._tables import sample_table


def draw(seed, n_rows=256, n_columns=6):
    rng = np.random.default_rng(seed)
    values = sample_table(rng, n_rows=n_rows, n_columns=n_columns).values
    return values, *sample_categories(rng, values)


def hybrids(rng, table, n):
    """Cells of random rows, column by column."""
    columns = {
        name: column.iloc[rng.integers(len(table), size=n)].array for name, column in table.items()
    }
    return pd.DataFrame(columns)


@pytest.mark.parametrize("seed", range(20))
def test_numbers_are_those_of_each_category(seed):
    values, table, numbers = draw(seed)
    assert table.shape == values.shape
    assert (table.dtypes == "category").any()
    read = read_numbers(numbers, table)
    assert len(read) == len(table)
    start = 0
    for j, of_category in enumerate(numbers):
        column = table.iloc[:, j]
        if of_category is None:
            own = read[:, start]
            kept = ~np.isnan(own)
            np.testing.assert_array_equal(own[kept], values[kept, j])
            start += 1
            continue
        labels = column.cat.categories
        assert list(labels) == sorted(labels)
        assert 2 <= len(labels) <= 30
        own = read[:, start : start + of_category.shape[1]]
        for code, label in enumerate(labels):
            mine = own[(column == label).to_numpy()]
            np.testing.assert_array_equal(mine, np.broadcast_to(of_category[code], mine.shape))
        start += of_category.shape[1]
    assert start == read.shape[1]


def test_categories_follow_the_column_that_they_are_cut_from():
    shared = []
    for seed in range(40):
        values, table, numbers = draw(seed, n_columns=4)
        for j, of_category in enumerate(numbers):
            if of_category is None or np.isnan(values[:, j]).any() or np.ptp(values[:, j]) == 0:
                continue
            groups = pd.Series(values[:, j]).groupby(table.iloc[:, j].array, observed=True)
            spans = groups.agg(["min", "max"]).sort_values(["min", "max"]).to_numpy()
            # Categories are intervals; ties may fall on both sides of a cut.
            assert (spans[1:, 0] >= spans[:-1, 1]).all()
            shared.append(len(spans))
    assert len(shared) > 40
    assert len(set(shared)) > 8


def test_models_read_categories_in_all_ways():
    ways, levels, with_gaps = Counter(), [], 0
    for seed in range(200):
        values, table, numbers = draw(seed, n_columns=5)
        given = [part for part in numbers if part is not None]
        levels += [len(part) for part in given]
        for part in given:
            if part.shape[1] == 1 and np.array_equal(part[:, 0], np.arange(len(part))):
                ways["places"] += 1
            elif set(np.unique(part)) <= {0.0, 1.0}:
                ways["indicators"] += 1
            else:
                ways["latent"] += 1
        left = [j for j, part in enumerate(numbers) if part is None]
        gone = table.iloc[:, left].isna().to_numpy(dtype=bool) & ~np.isnan(values[:, left])
        with_gaps += bool(gone.any())
        assert gone.mean() < 0.1 if left else True
    shares = {way: count / sum(ways.values()) for way, count in ways.items()}
    # Two categories read by their places may be those of an indicator.
    assert 0.38 < shares["indicators"] < 0.56
    assert 0.2 < shares["latent"] < 0.4
    assert 0.12 < shares["places"] < 0.3
    assert min(levels) == 2
    assert max(levels) > 25
    assert 0.1 < np.mean(np.array(levels) == 2) < 0.35
    assert 30 < with_gaps < 90


@pytest.mark.parametrize("family", FAMILIES)
def test_a_task_with_categories_of_each_family(family):
    seed = [FAMILIES.index(family), 2]
    options = {"families": [family], "n_rows": 64, "n_columns": 4, "categories": True}
    rng = np.random.default_rng(seed)
    task = sample_task(rng, **options)
    assert task.family == family
    assert task.table.shape == (64, 4)
    assert (task.table.dtypes == "category").any()
    outputs = task.model(task.table)
    assert outputs.shape == (64,)
    assert outputs.std() > 1e-3 * np.sqrt((outputs**2).mean())
    if task.probabilities:
        assert outputs.min() >= 0
        assert outputs.max() <= 1
    rows = hybrids(rng, task.table, 12)
    before = rows.copy()
    batch = task.model(rows)
    assert np.isfinite(batch).all()
    pd.testing.assert_frame_equal(rows, before)
    alone = np.concatenate([task.model(rows.iloc[i : i + 1]) for i in range(12)])
    np.testing.assert_allclose(alone, batch, rtol=1e-7, atol=1e-7 * outputs.std())
    again = pickle.loads(pickle.dumps(sample_task(np.random.default_rng(seed), **options)))
    pd.testing.assert_frame_equal(again.table, task.table)
    np.testing.assert_array_equal(again.model(rows), batch)


def test_two_thirds_of_models_with_categories_are_fitted():
    rng = np.random.default_rng(0)
    options = {"n_rows": 32, "n_columns": 2, "categories": True}
    tasks = [sample_task(rng, **options) for _ in range(120)]
    fitted = np.mean([task.family.startswith("fitted:") for task in tasks])
    assert 0.52 < fitted < 0.8


def test_labels_depend_mostly_on_what_categories_were_cut_from(monkeypatch):
    given = []

    def fit(rng, table, name, told_by=None):
        given.append((table, told_by))
        return fit_model(rng, table, name, told_by)

    monkeypatch.setattr(_task, "fit_model", fit)
    options = {"families": ["fitted:Ridge"], "n_columns": 4, "n_rows": 100, "categories": True}
    for seed in range(60):
        sample_task(np.random.default_rng([seed, 3]), **options)
    hidden = [(table, told_by) for table, told_by in given if told_by is not None]
    assert 0.5 < len(hidden) / len(given) < 0.9
    n_same = 0
    for table, told_by in hidden:
        assert told_by.shape == (len(table), 4)
        for column in told_by.T:
            # What was not cut is read as it is, but for gaps.
            same = (table == column[:, None]) | np.isnan(table) | np.isnan(column)[:, None]
            n_same += bool(same.all(0).any())
    assert n_same > len(hidden)


def test_what_labels_depend_on_tells_a_model_as_far_as_it_sees_it():
    ratios = []
    for seed in range(20):
        hidden = np.random.default_rng(seed).normal(size=(300, 2))
        spreads = []
        for table in (hidden.round(), hidden[::-1].round()):
            model = fit_model(np.random.default_rng([seed, 4]), table, "Ridge", hidden)
            spreads.append(model(table).std())
        ratios.append(spreads[0] / spreads[1])
    assert np.median(ratios) > 2
