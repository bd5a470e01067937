"""MatchingClassifier: votes, and what columns add to them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import softmax

from sklearn_metaexplain import MatchingClassifier
from tests.selfexplaining.tables import clouds, mixed_frame

METRICS = ["euclidean", "cosine"]


def fitted(X, y, **settings):
    return MatchingClassifier(random_state=0, **settings).fit(X, y)


@pytest.mark.parametrize("metric", METRICS)
@given(seed=st.integers(0, 1000), n_classes=st.integers(2, 5), n_support=st.sampled_from([8, 512]))
@settings(max_examples=8, deadline=None)
def test_probabilities_are_votes_of_the_support(metric, seed, n_classes, n_support):
    X, y = clouds(26, 3, n_classes, seed=seed)
    classifier = fitted(X, y, metric=metric, n_support=n_support)
    rows = clouds(9, 3, n_classes, seed=seed + 1)[0]
    votes = classifier.votes(rows)
    assert votes.shape == (9, min(26, n_support))
    assert (votes >= 0).all()
    np.testing.assert_allclose(votes.sum(1), 1, rtol=0, atol=1e-12)
    one_hot = np.eye(n_classes)[y[classifier.support_indices_]]
    np.testing.assert_array_equal(classifier.support_classes_, y[classifier.support_indices_])
    np.testing.assert_allclose(classifier.predict_proba(rows), votes @ one_hot, atol=1e-12)


def test_votes_are_a_softmax_of_squared_distances():
    X, y = clouds()
    classifier = fitted(X, y)
    embedded = classifier.embed(X)
    squared = ((embedded[:, None] - embedded) ** 2).sum(-1)
    np.testing.assert_allclose(classifier.votes(X), softmax(-squared, axis=1), rtol=0, atol=1e-9)


def test_votes_are_a_softmax_of_cosines():
    X, y = clouds()
    classifier = fitted(X, y, metric="cosine")
    embedded = classifier.embed(X)
    # Embeddings have one length, whose square is what cosines are multiplied by.
    lengths = np.linalg.norm(embedded, axis=1)
    np.testing.assert_allclose(lengths, lengths[0], rtol=1e-6)
    cosines = embedded @ embedded.T / lengths[0] ** 2
    assert np.abs(cosines).max() == pytest.approx(1, abs=1e-9)
    np.testing.assert_allclose(
        classifier.votes(X), softmax(lengths[0] ** 2 * cosines, axis=1), rtol=0, atol=1e-9
    )


def test_metrics_differ():
    X, y = clouds()
    euclidean, cosine = (fitted(X, y, metric=metric).predict_proba(X) for metric in METRICS)
    assert np.abs(euclidean - cosine).max() > 1e-3


@pytest.mark.parametrize("metric", METRICS)
def test_explanation_starts_from_the_shares_of_the_voters(metric):
    X, y = clouds(31, 3, 3)
    classifier = fitted(X, y, metric=metric)
    explanation = classifier.explain(X)
    assert explanation.output == "probability"
    np.testing.assert_allclose(explanation.base_values[0], np.bincount(y) / 31, atol=1e-12)
    np.testing.assert_allclose(explanation.predictions, classifier.predict_proba(X), atol=1e-12)
    np.testing.assert_allclose(explanation.residual, 0, rtol=0, atol=1e-10)
    np.testing.assert_allclose(explanation.values.sum(-1), 0, rtol=0, atol=1e-9)


@pytest.mark.parametrize("metric", METRICS)
def test_named_voters_have_the_largest_votes_and_their_scores_make_them(metric):
    X, y = clouds(30, 4, 3, separation=0.5)
    X[:, 2] = 1.0
    classifier = fitted(X, y, metric=metric, n_voters=5, n_support=20)
    assert len(set(classifier.support_weights_)) == 2
    support = classifier.explain(X[:6]).support
    votes = classifier.votes(X[:6])
    order = np.argsort(-votes, axis=1, kind="stable")[:, :5]
    np.testing.assert_array_equal(support["prototypes"], classifier.support_indices_[order])
    expected = np.take_along_axis(votes, order, axis=1)
    np.testing.assert_allclose(support["weights"], expected, rtol=0, atol=1e-12)
    assert support["column_scores"].shape == (6, 5, 4)
    assert not support["column_scores"][:, :, 2].any()
    # Scores of columns add up to those of which the votes are the softmax, once voters count.
    positions = {row: i for i, row in enumerate(classifier.support_indices_)}
    places = np.vectorize(positions.get)(support["prototypes"])
    scores = support["column_scores"].sum(-1) + np.log(classifier.support_weights_[places])
    ratio = np.log(support["weights"][:, :1] / support["weights"])
    np.testing.assert_allclose(ratio, scores[:, :1] - scores, rtol=0, atol=1e-8)
    if metric == "euclidean":
        assert (support["column_scores"] <= 0).all()


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("n_support", [5, 13, 40, 61])
def test_classes_vote_by_their_shares_in_the_table_whoever_was_drawn(metric, n_support):
    X, y = clouds(61, 3, 2)
    y = np.where(np.arange(61) < 2, 2, y)  # a class of two rows
    shares = np.bincount(y) / 61
    classifier = fitted(X, y, metric=metric, n_support=n_support)
    weights, voters = classifier.support_weights_, classifier.support_classes_
    assert len(voters) == n_support
    np.testing.assert_allclose([weights[voters == c].sum() for c in range(3)], n_support * shares)
    if n_support == 61:
        assert (weights == 1).all()
    explanation = classifier.explain(X)
    np.testing.assert_allclose(explanation.base_values[0], shares, rtol=0, atol=1e-12)
    np.testing.assert_allclose(explanation.residual, 0, rtol=0, atol=1e-10)
    np.testing.assert_allclose(classifier.votes(X).sum(1), 1, rtol=0, atol=1e-12)
    # Where no column says anything, neither does who was drawn.
    silent = fitted(np.ones((61, 2)), y, metric=metric, n_support=n_support)
    np.testing.assert_allclose(silent.predict_proba([[1.0, 1.0]])[0], shares, rtol=0, atol=1e-12)


def test_columns_of_missing_values_are_scored_with_their_column():
    frame, y = mixed_frame()
    classifier = fitted(frame, y, n_voters=3)
    support = classifier.explain(frame[:5]).support
    embedded = classifier.embed(frame).reshape(len(frame), len(classifier._encoder.source_), -1)
    rows = support["prototypes"]
    squared = ((embedded[:5, None] - embedded[rows]) ** 2).sum(-1)
    for j in range(frame.shape[1]):
        expected = -squared[:, :, classifier._encoder.source_ == j].sum(-1)
        np.testing.assert_allclose(support["column_scores"][:, :, j], expected, atol=1e-9)


def test_a_row_seen_before_votes_most_for_itself():
    X, y = clouds(20, 3, 2)
    support = fitted(X, y).explain(X).support
    assert support["prototypes"][:, 0].tolist() == list(range(20))


def test_two_copies_of_a_row_have_equal_votes_in_the_order_of_the_rows():
    X, y = clouds(20, 3, 2)
    classifier = fitted(np.vstack([X, X[3:4]]), np.append(y, y[3]))
    votes = classifier.votes(X)
    np.testing.assert_allclose(votes[:, 3], votes[:, 20], rtol=1e-9)
    named = classifier.explain(X).support["prototypes"]
    for row in named.tolist():
        assert row.index(3) == row.index(20) - 1 if 20 in row else True


def test_no_more_voters_than_rows():
    X, y = clouds(6, 2, 2)
    support = fitted(X, y, n_voters=50).explain(X).support
    assert support["prototypes"].shape == (6, 6)
    np.testing.assert_allclose(support["weights"].sum(1), 1)


def test_path_beside_a_hard_decision():
    # A cell far from all others: its scores are large, and sums are as exact as ever.
    X, y = clouds(40, 3, 2, separation=6.0)
    classifier = fitted(X, y)
    rows = X[:4].copy()
    rows[:, 0] = 1e9
    np.testing.assert_allclose(classifier.explain(rows).residual, 0, rtol=0, atol=1e-10)
