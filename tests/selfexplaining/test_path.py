"""Aumann-Shapley shares of a softmax vote, against numerical integration and closed forms."""

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.integrate import quad
from scipy.special import expit, softmax

from sklearn_metaexplain.selfexplaining._path import path_shares

ONE_HOT = np.eye(3)[[0, 1, 2, 0, 1]]


WEIGHTS = np.array([2.0, 0.5, 1.0, 0.3, 1.2])


def shares_of(scores, votes=ONE_HOT, weights=None):
    """Of one row, (n_columns, n_classes)."""
    weights = np.ones(len(votes)) if weights is None else weights
    parts = (torch.as_tensor(part) for part in (scores[None], votes, weights))
    return path_shares(*parts)[0].numpy()


def change_of(scores, votes=ONE_HOT, weights=1.0):
    """What all columns together change in the probabilities."""
    at_end, at_start = (softmax(t * scores.sum(1) + np.log(weights)) for t in (1, 0))
    return (at_end - at_start) @ votes


def integrated(scores, column, label, votes=ONE_HOT, weights=1.0):
    """The definition: the column's part of the derivative by t, integrated over log t."""

    def derivative(log_t):
        t = np.exp(log_t)
        vote = softmax(t * scores.sum(1) + np.log(weights))
        of_class = votes[:, label]
        slope = vote @ (scores[:, column] * (of_class - vote @ of_class))
        return t * slope

    return sum(
        quad(derivative, low, low + 2, limit=200, epsabs=1e-12)[0] for low in np.arange(-40, 0, 2)
    )


@pytest.mark.parametrize("scale", [0.3, 10.0, 1e3])
@pytest.mark.parametrize("weights", [np.ones(5), WEIGHTS], ids=["equal", "weighted"])
def test_integral_of_the_definition(scale, weights):
    scores = scale * np.random.RandomState(0).normal(size=(5, 2))
    shares = shares_of(scores, weights=weights)
    for column in range(2):
        for label in range(3):
            expected = integrated(scores, column, label, weights=weights)
            assert shares[column, label] == pytest.approx(expected, abs=1e-8)


differences = arrays(float, 3, elements=st.floats(-1e3, 1e3).map(lambda x: x + 1e-3 * (x == 0)))


@given(differences)
@settings(max_examples=50, deadline=None)
def test_two_voters_in_closed_form(difference):
    # The derivative is that of a logistic curve, of which each column has its part of the slope.
    total = difference.sum()
    scores = np.stack([0 * difference, difference])
    if abs(total) < 1e-6:
        return
    expected = difference / total * (expit(total) - 0.5)
    shares = shares_of(scores, np.eye(2))
    scale = max(1.0, np.abs(expected).max())
    np.testing.assert_allclose(shares[:, 1], expected, rtol=0, atol=1e-8 * scale)
    np.testing.assert_allclose(shares[:, 0], -expected, rtol=0, atol=1e-8 * scale)


@example(255, 1e6, 2)
@given(st.integers(0, 10**6), st.sampled_from([1e-6, 1.0, 50.0, 1e3, 1e6]), st.integers(1, 4))
@settings(max_examples=30, deadline=None)
def test_sums_are_exact_whatever_the_range(seed, scale, n_columns):
    scores = scale * np.random.RandomState(seed).standard_cauchy(size=(5, n_columns))
    for weights in (np.ones(5), WEIGHTS):
        shares, change = shares_of(scores, weights=weights), change_of(scores, weights=weights)
        assert np.isfinite(shares).all()
        size = max(1.0, np.abs(shares).sum(0).max())
        np.testing.assert_allclose(shares.sum(0), change, rtol=0, atol=1e-12 * size)
        # Over classes nothing is distributed: what is left are the scores' own rounding errors.
        rounding = 10 * np.finfo(float).eps * np.abs(scores).max()
        np.testing.assert_allclose(shares.sum(1), 0, rtol=0, atol=1e-8 * size + rounding)


def test_one_column_has_all_of_it():
    for scores in ([0, 0, 0, 0, 0], [0, 1, 5, -3, 2], [0, 1e5, 0, 0, 0], [-1e5, 0, 0, 0, 0]):
        scores = np.array(scores, dtype=float)[:, None]
        np.testing.assert_allclose(shares_of(scores)[0], change_of(scores), rtol=0, atol=1e-13)


def test_a_column_that_says_the_same_of_all_voters_has_no_share():
    scores = np.random.RandomState(1).normal(size=(5, 3))
    scores[:, 1] = 0
    assert (shares_of(scores)[1] == 0).all()
    scores[:, 1] = 7.0
    np.testing.assert_allclose(shares_of(scores)[1], 0, rtol=0, atol=1e-12)


def test_a_voter_that_counts_twice_is_two_voters():
    scores = 3 * np.random.RandomState(4).normal(size=(5, 2))
    rows = [0, 0, 1, 2, 2, 2, 3, 4]
    repeated = shares_of(scores[rows], ONE_HOT[rows])
    weighted = shares_of(scores, weights=np.array([2.0, 1, 3, 1, 1]))
    np.testing.assert_allclose(weighted, repeated, rtol=0, atol=1e-9)


def test_a_column_split_in_two_splits_its_share():
    scores = 3 * np.random.RandomState(2).normal(size=(5, 2))
    split = np.column_stack([0.25 * scores[:, 0], 0.75 * scores[:, 0], scores[:, 1]])
    whole, parts = shares_of(scores), shares_of(split)
    np.testing.assert_allclose(parts[:2], np.outer([0.25, 0.75], whole[0]).reshape(2, 3), atol=1e-9)
    np.testing.assert_allclose(parts[2], whole[1], atol=1e-9)


def test_rows_are_told_apart_from_their_neighbours():
    scores = (
        np.random.RandomState(3).normal(size=(4, 5, 2)) * np.array([1, 1e4, 0, 30])[:, None, None]
    )
    parts = (torch.from_numpy(part) for part in (scores, ONE_HOT, np.ones(5)))
    together = path_shares(*parts).numpy()
    for row, shares in zip(scores, together, strict=True):
        np.testing.assert_allclose(shares, shares_of(row), rtol=0, atol=1e-12)
