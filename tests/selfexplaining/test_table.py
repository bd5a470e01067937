"""Tables as the classifiers read them: columns, categories, the rows that are chosen."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sklearn_metaexplain import MatchingClassifier, PrototypeClassifier
from sklearn_metaexplain._encoder import TableEncoder
from sklearn_metaexplain.datasets import load_penguins
from sklearn_metaexplain.nets._labelled_table import (
    LabelledEncoder,
    choose_support,
    draw_support,
)
from sklearn_metaexplain.selfexplaining._table import add_up_columns
from tests.selfexplaining.tables import clouds, mixed_frame


def test_encoded_columns_are_added_up():
    parts = np.arange(8.0).reshape(2, 4)
    sums = add_up_columns(parts, np.array([0, 2, 2, 3]), 5)
    np.testing.assert_array_equal(sums, [[0, 0, 3, 3, 0], [4, 0, 11, 7, 0]])
    by_class = add_up_columns(np.stack([parts, -parts], -1), np.array([0, 2, 2, 3]), 5)
    np.testing.assert_array_equal(by_class, np.stack([sums, -sums], -1))


def test_columns_of_numbers_are_those_of_the_package_s_encoder():
    X = np.random.RandomState(0).normal(size=(20, 3))
    X[:, 1] = 4.0
    encoder = LabelledEncoder(X, np.arange(20) % 2, 2)
    assert encoder.source_.tolist() == [0, 2]
    assert not encoder.is_constant_
    plain = TableEncoder().fit(X)
    np.testing.assert_array_equal(encoder.encoded_, plain.encode(plain.code(X))[:, [0, 2]])
    np.testing.assert_array_equal(encoder.encode(X), encoder.encoded_)
    other = X[:5] + np.array([0.1, 9.0, 0.0])
    np.testing.assert_array_equal(encoder.encode(other), plain.encode(plain.code(other))[:, [0, 2]])


def test_missing_values_have_a_column_of_their_own():
    X = np.array([[1.0, 5.0], [np.nan, 5.0], [2.0, np.nan], [3.0, 5.0]])
    encoder = LabelledEncoder(X, np.array([0, 1, 0, 1]), 2)
    # The second column is constant but for what is missing.
    assert encoder.source_.tolist() == [0, 0, 1]
    flag = encoder.encoded_[:, 2, 0].numpy()
    assert flag[2] > flag[0] == flag[1] == flag[3]


def test_a_table_that_says_nothing_is_read_as_zeros():
    X = np.full((6, 3), 2.7)
    encoder = LabelledEncoder(X, np.arange(6) % 2, 2)
    assert encoder.is_constant_
    assert encoder.source_.tolist() == [0]
    assert not encoder.encode(X + np.arange(6)[:, None]).any()


@pytest.mark.parametrize("n_classes", [2, 3])
def test_categories_lie_where_their_classes_are_and_names_of_classes_do_not_matter(n_classes):
    random = np.random.RandomState(0)
    frame = pd.DataFrame({"letter": random.choice(list("abcd"), 60)})
    labels = np.where(frame["letter"].isin(["a", "b"]), 0, random.randint(1, n_classes, size=60))
    encoded = LabelledEncoder(frame, labels, n_classes).encoded_.numpy()
    place = {letter: encoded[frame["letter"] == letter][0, 0, 0] for letter in "abcd"}
    within = max(abs(place["a"] - place["b"]), abs(place["c"] - place["d"]))
    assert within < 0.6 * min(abs(place[one] - place[other]) for one in "ab" for other in "cd")
    for renamed in ([1, 0, 2], [2, 1, 0]) if n_classes == 3 else ([1, 0],):
        other = LabelledEncoder(frame, np.array(renamed)[labels], n_classes)
        np.testing.assert_allclose(other.encoded_, encoded, rtol=0, atol=1e-12)


def test_places_of_categories_do_not_depend_on_the_order_of_rows():
    random = np.random.RandomState(0)
    frame = pd.DataFrame({"letter": random.choice(list("abc"), 25)})
    labels = (random.random_sample(25) < 0.4 + 0.2 * (frame["letter"] == "a")).astype(int)
    expected = LabelledEncoder(frame, labels, 2).encoded_
    for seed in range(20):
        order = np.random.RandomState(seed).permutation(25)
        encoded = LabelledEncoder(frame.iloc[order], labels[order], 2).encoded_
        np.testing.assert_allclose(encoded, expected[order], rtol=0, atol=1e-9)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_nor_where_classes_are_as_frequent_and_categories_alike(n_classes):
    random = np.random.RandomState(0)
    letters = np.repeat(list("abcdef"), 6)
    labels = np.tile(np.arange(n_classes), 36 // n_classes)
    # Of two letters all is as it was: each has as many of each class as the others.
    labels[:24] = random.permutation(labels[:24])
    frame = pd.DataFrame({"letter": letters, "x": random.normal(size=36)})
    expected = LabelledEncoder(frame, labels, n_classes).encoded_
    assert np.ptp(expected[24:, 0], axis=0).max() == 0
    assert np.ptp(expected[:, 0], axis=0).min() > 1
    for seed in range(20):
        order = np.random.RandomState(seed).permutation(36)
        encoded = LabelledEncoder(frame.iloc[order], labels[order], n_classes).encoded_
        np.testing.assert_allclose(encoded, expected[order], rtol=0, atol=1e-9)


def test_unseen_category_is_the_average_one():
    frame, labels = mixed_frame()
    encoder = LabelledEncoder(frame, (labels == "yes").astype(int), 2)
    strange = frame[:3].assign(town="Oz")
    towns = encoder.source_ == frame.columns.get_loc("town")
    assert towns.any()
    assert not encoder.encode(strange)[:, towns].any()
    np.testing.assert_array_equal(
        encoder.encode(strange)[:, ~towns], encoder.encode(frame[:3])[:, ~towns]
    )


some_labels = st.lists(st.integers(0, 4), min_size=2, max_size=60).map(
    lambda labels: np.unique(labels, return_inverse=True)[1]
)


both_ways = pytest.mark.parametrize("choose", [choose_support, draw_support])


@both_ways
@given(labels=some_labels, n_support=st.integers(2, 40), seed=st.integers(0, 1000))
def test_support_has_each_class_and_no_more_rows_than_asked(choose, labels, n_support, seed):
    chosen = choose(labels, n_support, np.random.RandomState(seed))
    n_classes = labels.max() + 1
    assert len(chosen) == min(len(labels), max(n_support, n_classes))
    assert (np.diff(chosen) > 0).all()
    assert set(labels[chosen]) == set(range(n_classes))
    again = choose(labels, n_support, np.random.RandomState(seed))
    np.testing.assert_array_equal(chosen, again)
    # What classes are called is no matter.
    renamed = choose(labels.max() - labels, n_support, np.random.RandomState(seed))
    np.testing.assert_array_equal(chosen, renamed)


@both_ways
def test_support_is_drawn_from_all_rows(choose):
    labels = np.repeat([0, 1], [300, 100])
    drawn = [choose(labels, 40, np.random.RandomState(seed)) for seed in range(60)]
    shares = np.mean([(labels[rows] == 1).mean() for rows in drawn])
    assert shares == pytest.approx(0.25, abs=0.04)
    counts = np.bincount(np.concatenate(drawn), minlength=400)
    assert np.mean(counts > 0) > 0.98


@given(st.lists(st.integers(1, 40), min_size=2, max_size=5), st.floats(0, 1), st.integers(0, 99))
def test_classes_keep_their_shares_up_to_rounding(counts, part, seed):
    labels = np.repeat(np.arange(len(counts)), counts)
    n_support = max(2, int(part * len(labels)))
    chosen = choose_support(labels, n_support, np.random.RandomState(seed))
    counts, drawn = np.bincount(labels), np.bincount(labels[chosen])
    # Classes too small for a row have one; the others share the rest in proportion.
    expected, small = counts * len(chosen) / len(labels), np.zeros(len(counts), dtype=bool)
    while (expected < 1 - 1e-9).any():
        small |= expected < 1
        left = len(chosen) - small.sum()
        expected = np.where(small, 1.0, counts * left / max(1, counts[~small].sum()))
    assert (np.abs(drawn - expected) < 1).all()
    # The larger class never has fewer rows.
    order = np.argsort(counts, kind="stable")
    larger = np.diff(counts[order]) > 0
    assert (np.diff(drawn[order])[larger] >= 0).all()


def test_rounding_is_by_the_largest_remainders_and_chance():
    labels = np.repeat([0, 1, 2, 3], [52, 25, 22, 1])
    # 5.2, 2.5, 2.2 and 0.1 of 10; once the last has one, 4.7, 2.3 and 2 of 9 are left.
    counts = np.bincount(labels[choose_support(labels, 10, np.random.RandomState(0))])
    assert counts.tolist() == [5, 2, 2, 1]
    equal = np.arange(30) % 3
    drawn = [
        tuple(np.bincount(equal[choose_support(equal, 10, np.random.RandomState(seed))]))
        for seed in range(30)
    ]
    assert set(drawn) == {(4, 3, 3), (3, 4, 3), (3, 3, 4)}


@pytest.mark.parametrize("classifier", [PrototypeClassifier, MatchingClassifier])
def test_identifiers_tell_nothing(classifier):
    X, y = load_penguins(return_X_y=True)
    order = np.random.RandomState(0).permutation(len(X))
    X, y = X.iloc[order], y.iloc[order]
    named = X.assign(ring=[f"R{number:04d}" for number in range(len(X))])
    plain = classifier(random_state=0).fit(X[:24], y[:24])
    ringed = classifier(random_state=0).fit(named[:24], y[:24])
    np.testing.assert_allclose(ringed.predict_proba(named), plain.predict_proba(X), atol=1e-12)
    assert not ringed.explain(named).values[:, -1].any()


def test_a_category_of_two_rows_counts():
    table = pd.DataFrame({"kind": ["a", "a", "b", "b", "c"]})
    encoder = LabelledEncoder(table, np.array([0, 0, 1, 1, 0]), 2)
    first, _, second, _, single = encoder.encoded_[:, 0, 0].tolist()
    assert first != second
    unseen = encoder.encode(pd.DataFrame({"kind": ["never"]}))
    assert single == unseen[0, 0, 0]


@pytest.mark.parametrize("classifier", [PrototypeClassifier, MatchingClassifier])
def test_many_categories_that_tell_nothing_do_not_mislead(classifier):
    accuracies = []
    for seed in range(4):
        X, y = clouds(600, 4, 2, separation=0.5, seed=seed)
        plain = pd.DataFrame(X, columns=list("abcd"))
        towns = np.random.RandomState(seed).randint(100, size=600)
        frames = [plain, plain.assign(town=[f"t{i}" for i in towns])]
        fitted = [classifier(random_state=0).fit(frame[:200], y[:200]) for frame in frames]
        accuracies.append(
            [each.score(frame[200:], y[200:]) for each, frame in zip(fitted, frames, strict=True)]
        )
    without, beside = np.mean(accuracies, axis=0)
    assert beside > without - 0.015
