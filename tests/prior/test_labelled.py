"""Labelled tables: sizes, classes, that labels can be told from the columns."""

import random
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline

from sklearn_metaexplain.prior import sample_labelled_table
from sklearn_metaexplain.prior._labelled import LABEL_FAMILIES

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # functions may overflow


@given(
    seed=st.integers(0, 10**6),
    n_columns=st.integers(1, 12),
    n_classes=st.integers(2, 8),
    least=st.integers(1, 4),
    extra=st.integers(0, 60),
)
@settings(max_examples=40, deadline=None)
def test_sizes_and_classes(seed, n_columns, n_classes, least, extra):
    n_rows = 2 * n_classes * least + extra
    sizes = {"n_rows": n_rows, "n_columns": n_columns, "n_classes": n_classes}
    rng = np.random.default_rng(seed)
    labelled = sample_labelled_table(rng, least_in_class=least, **sizes)
    assert labelled.table.shape == (n_rows, n_columns)
    assert labelled.table.dtype == np.float64
    assert not np.isinf(labelled.table).any()
    assert labelled.labels.shape == (n_rows,)
    assert labelled.n_classes == n_classes
    assert np.bincount(labelled.labels, minlength=n_classes).min() >= least
    assert labelled.family in LABEL_FAMILIES
    again = sample_labelled_table(np.random.default_rng(seed), least_in_class=least, **sizes)
    np.testing.assert_array_equal(again.table, labelled.table)
    np.testing.assert_array_equal(again.labels, labelled.labels)


@pytest.fixture(scope="module")
def tables():
    with np.errstate(all="ignore"):
        return [
            sample_labelled_table(
                np.random.default_rng([5, i]), n_rows=90, n_columns=6, n_classes=3
            )
            for i in range(80)
        ]


def test_half_are_clusters_and_others_of_any_family(tables):
    families = Counter(one.family for one in tables)
    assert 0.3 < families["clusters"] / 80 < 0.6
    assert 0.1 < families["bands"] / 80 < 0.35
    assert len(families) >= 5


def test_columns_tell_the_classes(tables):
    model = make_pipeline(
        SimpleImputer(keep_empty_features=True), RandomForestClassifier(15, random_state=0)
    )
    gains = {"clusters": [], "bands": [], "function": []}
    for one in tables:
        of_kind = gains.get(one.family, gains["function"])
        if len(of_kind) < 15:
            accuracy = cross_val_score(model, one.table, one.labels, cv=2).mean()
            of_kind.append(accuracy - np.bincount(one.labels).max() / 90)
    for kind, of_kind in gains.items():
        assert np.mean(of_kind) > 0.05, kind
        assert np.std(of_kind) > 0.05, kind  # easy ones and hard ones


def test_some_bands_are_shells():
    found = []
    for seed in range(150):
        one = sample_labelled_table(
            np.random.default_rng([3, seed]), n_rows=200, n_columns=3, n_classes=2
        )
        if one.family != "bands" or np.isnan(one.table).any():
            continue
        places = (one.table - np.median(one.table, 0)) / one.table.std(0)
        distance = np.linalg.norm(places, axis=1)
        halves = [distance[one.labels == label] for label in (0, 1)]
        # The share of pairs of rows of unlike class that the distance puts in the same order.
        share = np.mean(halves[0][:, None] < halves[1])
        found.append(max(share, 1 - share))
    assert len(found) > 15
    assert 0.1 < np.mean(np.array(found) > 0.85) < 0.7


def test_no_class_runs_out_and_rows_come_in_no_order():
    tables = [
        sample_labelled_table(
            np.random.default_rng([9, seed]),
            n_rows=40,
            n_columns=2,
            n_classes=2,
            least_in_class=10,
        )
        for seed in range(120)
    ]
    # Of some tables some labels are wrong.
    assert min(np.bincount(one.labels, minlength=2).min() for one in tables) >= 10
    assert np.mean([len(set(one.labels[:10])) > 1 for one in tables]) > 0.9


def test_balanced_clusters():
    counts = []
    for balanced in (True, False):
        spread = []
        for i in range(40):
            labelled = sample_labelled_table(
                np.random.default_rng([7, i]), n_rows=300, n_columns=2, n_classes=3,
                balanced=balanced,
            )  # fmt: skip
            if labelled.family == "clusters":
                spread.append(np.bincount(labelled.labels).std())
        counts.append(np.mean(spread))
    assert counts[0] < 15 < counts[1]


def test_global_generators_are_untouched():
    np_state, py_state = np.random.get_state(), random.getstate()
    for seed in range(4):
        sample_labelled_table(np.random.default_rng(seed), n_rows=40, n_columns=3, n_classes=2)
    assert random.getstate() == py_state
    np.testing.assert_array_equal(np_state[1], np.random.get_state()[1])


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"n_classes": 1}, "n_classes=1 is too small: give at least 2"),
        ({"n_rows": 11}, "n_rows=11 is too small for 3 classes of at least 2 rows: give 12 or"),
    ],
)
def test_bad_sizes(sizes, message):
    with pytest.raises(ValueError, match=message):
        sample_labelled_table(
            np.random.default_rng(0), **{"n_rows": 40, "n_columns": 2, "n_classes": 3, **sizes}
        )
