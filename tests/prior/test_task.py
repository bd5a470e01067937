"""Tasks: reproducible, pure, finite, of every family in the documented shares."""

import pickle
import random
from collections import Counter

import numpy as np
import pytest

from sklearn_metaexplain.prior import FAMILIES, Task, sample_task
from sklearn_metaexplain.prior._task import FAMILY_SHARES


def hybrid_rows(rng, task, n, share_missing=0.0):
    """Cells of random rows of the table, column by column."""
    n_rows, n_columns = task.table.shape
    rows = task.table[rng.integers(n_rows, size=(n, n_columns)), np.arange(n_columns)]
    rows[rng.random(rows.shape) < share_missing] = np.nan
    return rows


@pytest.mark.parametrize("family", FAMILIES)
def test_a_task_of_each_family(family):
    for seed in range(2 if family.startswith("fitted") else 6):
        rng = np.random.default_rng([seed, 1])
        task = sample_task(rng, families=[family], n_rows=64)
        assert isinstance(task, Task)
        assert task.family == family
        assert task.table.dtype == np.float64
        assert 2 <= task.table.shape[1] <= 30
        outputs = task.model(task.table)
        assert outputs.shape == (64,)
        assert outputs.dtype == np.float64
        assert outputs.std() > 1e-3 * np.sqrt((outputs**2).mean())
        rows = hybrid_rows(rng, task, 12, share_missing=0.1)
        before = rows.copy()
        batch = task.model(rows)
        assert np.isfinite(batch).all()
        np.testing.assert_array_equal(rows, before)
        # Pure: a row alone, again, and in another order gives what it gives in a batch.
        alone = np.concatenate([task.model(rows[i : i + 1]) for i in range(12)])
        np.testing.assert_allclose(alone, batch, rtol=1e-7, atol=1e-7 * outputs.std())
        reverse = task.model(rows[::-1])[::-1]
        np.testing.assert_allclose(reverse, batch, rtol=1e-7, atol=1e-7 * outputs.std())
        # The same state, the same task.
        again = sample_task(np.random.default_rng([seed, 1]), families=[family], n_rows=64)
        np.testing.assert_array_equal(again.table, task.table)
        np.testing.assert_array_equal(again.model(rows), batch)


def test_shares_and_widths_as_documented():
    rng = np.random.default_rng(0)
    tasks = [sample_task(rng, n_rows=32) for _ in range(200)]
    kinds = Counter(task.family.split(":")[0] for task in tasks)
    assert abs(sum(FAMILY_SHARES.values()) - 1) < 1e-9
    assert 0.22 < kinds["fitted"] / 200 < 0.44
    for family in ("network", "forest", "boosting", "kernel", "additive"):
        expected = 200 * FAMILY_SHARES[family]
        assert abs(kinds[family] - expected) < 3.5 * np.sqrt(expected)
    widths = np.array([task.table.shape[1] for task in tasks])
    assert widths.min() == 2
    assert widths.max() > 25
    assert 5 <= np.median(widths) <= 11
    assert 0.1 < np.mean([np.isnan(task.table).any() for task in tasks]) < 0.3
    in_unit = [((out := task.model(task.table)) > 0).all() and (out < 1).all() for task in tasks]
    assert 0.5 < np.mean(in_unit) < 0.95


def test_width_families_and_rows_are_obeyed():
    rng = np.random.default_rng(1)
    assert sample_task(rng, n_columns=7, n_rows=40).table.shape == (40, 7)
    assert sample_task(rng, n_columns=1, n_rows=40, families=["kernel"]).table.shape == (40, 1)
    assert sample_task(rng, n_columns=2, n_rows=600, families=["fitted:SVC"]).table.shape[0] == 600
    drawn = {sample_task(rng, families=["fitted"], n_rows=20).family for _ in range(12)}
    assert len(drawn) > 3
    assert all(name.startswith("fitted:") for name in drawn)


def test_global_generators_are_untouched():
    np_state, py_state = np.random.get_state(), random.getstate()
    for name in FAMILIES:
        sample_task(np.random.default_rng(2), families=[name], n_rows=20, n_columns=3)
    assert random.getstate() == py_state
    for before, after in zip(np_state, np.random.get_state(), strict=True):
        np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("family", ["network", "forest", "combined", "fitted:SVC"])
def test_tasks_travel_between_processes(family):
    task = sample_task(np.random.default_rng(3), families=[family], n_rows=32)
    copy = pickle.loads(pickle.dumps(task))
    np.testing.assert_array_equal(copy.model(task.table), task.model(task.table))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"families": ["networks"]}, "Unknown family 'networks'"),
        ({"families": []}, "families is empty"),
        ({"n_rows": 3}, "n_rows=3 is too small"),
        ({"n_columns": 0}, "n_columns=0 is too small"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        sample_task(np.random.default_rng(0), **options)
