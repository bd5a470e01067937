"""PrototypeClassifier: distances by hand, and Shapley values by enumeration."""

import warnings
from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import log_softmax, softmax

from sklearn_metaexplain import PrototypeClassifier
from tests.selfexplaining.tables import clouds, mixed_frame
from tests.small_explainers import exact_shapley


def logits_of(classifier, X):
    """Centred, as `decision_function` gives them, of two classes both."""
    decision = classifier.decision_function(X)
    return np.column_stack([-decision, decision]) if decision.ndim == 1 else decision


def interventional_shapley(classifier, row, background):
    """Of the logits, by putting the row's cells into the background's rows."""
    coalitions = np.array(list(product([False, True], repeat=background.shape[1])))
    hybrids = np.where(coalitions[:, None], row, background).reshape(-1, background.shape[1])
    outputs = logits_of(classifier, hybrids).reshape(len(coalitions), len(background), -1)
    return exact_shapley(outputs.mean(axis=1), coalitions)


def assert_interventional(classifier, X, n_rows):
    """Exact Shapley values of the first rows, with all rows in the background."""
    explanation = classifier.explain(X[:n_rows])
    for row, values in zip(X, explanation.values, strict=False):
        expected = interventional_shapley(classifier, row, X)
        np.testing.assert_allclose(values, expected, rtol=0, atol=1e-8)
    expected = logits_of(classifier, X).mean(axis=0)
    np.testing.assert_allclose(explanation.base_values[0], expected, rtol=0, atol=1e-8)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("n_support", [512, 12])
def test_values_are_interventional_shapley_values(n_classes, n_support):
    X, y = clouds(30, 4, n_classes)
    X[::9, 1] = np.nan
    classifier = PrototypeClassifier(n_support=n_support, random_state=0).fit(X, y)
    assert_interventional(classifier, X, 3)


def of_many_towns():
    """A column of more than ten categories, beside one that tells the class."""
    rng = np.random.RandomState(0)
    towns = np.array([f"town {i}" for i in range(15)], dtype=object)
    X = np.column_stack([towns[rng.randint(15, size=60)], rng.normal(size=60)])
    return X, (X[:, 1] + rng.normal(size=60) > 0).astype(int)


def test_values_are_interventional_shapley_values_of_a_column_of_many_categories():
    X, y = of_many_towns()
    classifier = PrototypeClassifier(n_prototypes=1, random_state=0).fit(X, y)
    assert_interventional(classifier, X, 2)


def test_prototypes_and_their_rows_are_out_of_fold_where_categories_are_many():
    X, y = of_many_towns()
    classifier = PrototypeClassifier(n_prototypes=1, random_state=0).fit(X, y)
    learned_from = classifier._in_chunks(classifier._embed_blocks, classifier._encoder.encoded_)
    embedded = learned_from.reshape(len(X), -1)
    for label, prototype in enumerate(classifier.prototypes_):
        own = np.flatnonzero(y == label)
        np.testing.assert_allclose(prototype, embedded[own].mean(axis=0), rtol=0, atol=1e-12)
        closest = np.square(embedded[own] - prototype).sum(axis=1).argsort()[:3]
        np.testing.assert_array_equal(classifier.prototype_rows_[label], own[closest])
        assert np.abs(prototype - classifier.embed(X)[y == label].mean(axis=0)).max() > 0.01


@given(st.integers(2, 4), st.integers(1, 3), st.integers(0, 1000))
@settings(max_examples=10, deadline=None)
def test_log_odds_are_squared_distances_of_embeddings(n_classes, n_prototypes, seed):
    X, y = clouds(25, 3, n_classes, seed=seed)
    classifier = PrototypeClassifier(n_prototypes=n_prototypes, random_state=0).fit(X, y)
    rows = clouds(10, 3, n_classes, seed=seed + 1)[0]
    gap = classifier.embed(rows)[:, None] - classifier.prototypes_
    squared = (gap**2).sum(-1)
    of_class = classifier.prototype_classes_ == np.arange(n_classes)[:, None]
    nearest = np.array([squared[:, mask].min(1) for mask in of_class]).T
    expected = np.log(np.bincount(y) / len(y)) - nearest
    proba = classifier.predict_proba(rows)
    np.testing.assert_allclose(proba, softmax(expected, axis=1), rtol=0, atol=1e-9)
    expected -= expected.mean(1, keepdims=True)
    decisions = 2 * expected if n_classes == 2 else expected
    np.testing.assert_allclose(logits_of(classifier, rows), decisions, rtol=0, atol=1e-9)
    np.testing.assert_array_equal(classifier.predict(rows), proba.argmax(1))


def test_prototypes_are_means_of_the_embedded_rows():
    X, y = clouds(40, 3, 3)
    classifier = PrototypeClassifier(n_support=20, random_state=0).fit(X, y)
    embedded = classifier.embed(X)
    means = [embedded[y == label].mean(axis=0) for label in range(3)]
    np.testing.assert_allclose(classifier.prototypes_, means, rtol=0, atol=1e-12)
    assert classifier.prototype_classes_.tolist() == [0, 1, 2]


def test_several_prototypes_are_centres_of_their_class():
    X, y = clouds(60, 3, 2)
    X[::4] += 8.0
    X, y = np.vstack([X, X[:30], X[:10]]), np.concatenate([y, y[:30], y[:10]])  # some repeated
    classifier = PrototypeClassifier(n_prototypes=4, random_state=0).fit(X, y)
    embedded = classifier.embed(X)
    assert classifier.prototype_classes_.tolist() == [0] * 4 + [1] * 4
    for label in (0, 1):
        own = embedded[y == label]
        centres = classifier.prototypes_[classifier.prototype_classes_ == label]
        nearest = ((own[:, None] - centres) ** 2).sum(-1).argmin(1)
        # Lloyd's algorithm has come to rest.
        for k in range(4):
            np.testing.assert_allclose(centres[k], own[nearest == k].mean(0), rtol=0, atol=1e-6)


def test_no_more_prototypes_than_different_rows_and_no_warning():
    X, y = clouds(6, 3, 2)
    repeated, labels = np.repeat(X, 20, axis=0), np.repeat(y, 20)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        classifier = PrototypeClassifier(n_prototypes=50, random_state=0).fit(repeated, labels)
    assert classifier.prototype_classes_.tolist() == [0] * 3 + [1] * 3
    expected = np.unique(classifier.embed(X).round(6), axis=0)
    found = np.unique(classifier.prototypes_.round(6), axis=0)
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-6)


def test_closest_rows_are_of_the_class_and_in_order():
    X, y = clouds(20, 3, 3)
    classifier = PrototypeClassifier(n_neighbors=4, random_state=0).fit(X, y)
    embedded = classifier.embed(X)
    assert classifier.prototype_rows_.shape == (3, 4)
    for label in range(3):
        distance = ((embedded - classifier.prototypes_[label]) ** 2).sum(1)
        distance[y != label] = np.inf
        assert classifier.prototype_rows_[label].tolist() == np.argsort(distance)[:4].tolist()


def test_support_names_the_nearest_prototype_of_the_predicted_class():
    X, y = clouds(40, 3, 3, separation=1.0)
    classifier = PrototypeClassifier(n_prototypes=2, n_neighbors=3, random_state=0).fit(X, y)
    support = classifier.explain(X).support
    embedded, predicted = classifier.embed(X), classifier.predict(X)
    assert (predicted != y).any()
    for i in range(len(X)):
        distance = ((classifier.prototypes_ - embedded[i]) ** 2).sum(1)
        distance[classifier.prototype_classes_ != predicted[i]] = np.inf
        nearest = distance.argmin()
        assert support["prototype"][i] == nearest
        rows = classifier.prototype_rows_[nearest]
        np.testing.assert_array_equal(support["prototypes"][i], rows)
        gap = ((embedded[rows] - classifier.prototypes_[nearest]) ** 2).sum(1)
        np.testing.assert_allclose(support["weights"][i], softmax(-gap), rtol=0, atol=1e-9)


def test_few_rows_are_repeated_among_the_closest():
    X, y = clouds(5, 2, 2)
    classifier = PrototypeClassifier(n_neighbors=4, random_state=0).fit(X, y)
    rows = classifier.prototype_rows_[1]
    assert set(rows) == {1, 3}
    assert rows[1] == rows[2] == rows[3]
    # Nearness is shared among different rows: the two are equally far from their mean.
    weights = classifier.explain(X[y == 1]).support["weights"]
    np.testing.assert_allclose(weights, [[0.5, 0.5, 0, 0]] * 2)


def test_priors_are_added_to_the_logits():
    X, y = clouds(30, 3, 3, separation=0.5)
    even = PrototypeClassifier(priors=[1 / 3] * 3, random_state=0).fit(X, y)
    given_ = PrototypeClassifier(priors=[0.7, 0.2, 0.1], random_state=0).fit(X, y)
    odds = np.log(given_.predict_proba(X)) - np.log(even.predict_proba(X))
    expected = np.log([0.7, 0.2, 0.1])
    np.testing.assert_allclose(odds - odds[:, :1], np.tile(expected - expected[0], (30, 1)))
    np.testing.assert_allclose(given_.explain(X).values, even.explain(X).values, atol=1e-12)
    own = PrototypeClassifier(random_state=0).fit(X[:25], y[:25])
    shares = PrototypeClassifier(priors=np.bincount(y[:25]) / 25, random_state=0).fit(
        X[:25], y[:25]
    )
    np.testing.assert_array_equal(own.predict_proba(X), shares.predict_proba(X))


@pytest.mark.parametrize("classes", [["no", "oui", "yes"], [7, 8, 9], [False, True]])
def test_priors_of_a_series_are_found_by_its_labels(classes):
    X, y = clouds(30, 3, len(classes), separation=0.5)
    labels = np.array(classes)[y]
    shares = [0.7, 0.2, 0.1] if len(classes) == 3 else [0.7, 0.3]
    in_order = PrototypeClassifier(priors=shares, random_state=0).fit(X, labels)
    for index in (classes[::-1], pd.Categorical(classes[::-1]), None):
        priors = pd.Series(shares if index is None else shares[::-1], index=index)
        labelled = PrototypeClassifier(priors=priors, random_state=0).fit(X, labels)
        np.testing.assert_array_equal(labelled.predict_proba(X), in_order.predict_proba(X))


@pytest.mark.parametrize("index", [["a", "b", "c"], [0, 1, 1], [1, 2, 3]])
def test_priors_of_a_series_that_is_labelled_otherwise_are_refused(index):
    priors = pd.Series([0.7, 0.2, 0.1], index=index)
    with pytest.raises(ValueError, match=r"priors is a Series labelled with .* not the classes"):
        PrototypeClassifier(priors=priors, random_state=0).fit(*clouds())


@pytest.mark.parametrize(
    ("priors", "message"),
    [
        ([0.5, 0.5], r"priors must have one number for each of the 3 classes; got shape \(2,\)"),
        ([0.5, 0.4, 0.3], r"priors must be positive and sum to 1; got \[0.5, 0.4, 0.3\]"),
        ([1.0, 0.0, 0.0], "priors must be positive"),
        ([1.2, -0.1, -0.1], "priors must be positive"),
        ({0: 0.5, 1: 0.5}, r"numbers, one for each of the 3 classes in the order of classes_"),
        (["a", "b", "c"], "priors must be numbers"),
    ],
)
def test_bad_priors(priors, message):
    with pytest.raises(ValueError, match=message):
        PrototypeClassifier(priors=priors, random_state=0).fit(*clouds())


def test_a_block_depends_on_its_own_cell():
    frame, y = mixed_frame()
    classifier = PrototypeClassifier(random_state=0).fit(frame, y)
    changed = frame[:6].assign(count=9)
    before, after = classifier.explain(frame[:6]).values, classifier.explain(changed).values
    others = frame.columns != "count"
    np.testing.assert_allclose(after[:, others], before[:, others], rtol=0, atol=1e-9)
    assert np.abs(after[:, ~others] - before[:, ~others]).max() > 1e-3


def test_two_classes_have_opposite_attributions():
    X, y = clouds(20, 3, 2)
    explanation = PrototypeClassifier(random_state=0).fit(X, y).explain(X)
    np.testing.assert_allclose(explanation.values[..., 0], -explanation.values[..., 1], atol=1e-12)
    classifier = PrototypeClassifier(random_state=0).fit(X, y)
    logit = np.diff(log_softmax(np.log(classifier.predict_proba(X)), axis=1))[:, 0]
    np.testing.assert_allclose(explanation.predictions[:, 1], logit, rtol=1e-6, atol=1e-6)
