"""Exact values: which rows can have them, and what is asked for them."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, RegressorMixin

from sklearn_metaexplain.masking import MaskedModel
from sklearn_metaexplain.masking._probes import Probes
from sklearn_metaexplain.shapley._enumeration import (
    all_coalitions,
    can_enumerate,
    enumerate_shapley,
)


class Product(RegressorMixin, BaseEstimator):
    """The product of the first two columns, and the sum of all; counts rows."""

    def __init__(self):
        self.n_asked = 0

    def fit(self, X, y=None):
        return self

    def __sklearn_is_fitted__(self):
        return True

    def predict(self, X):
        self.n_asked += len(X)
        return X[:, 0] * X[:, 1] + X.sum(axis=1)


def test_as_many_evaluations_as_there_are_hybrids():
    background = np.zeros((3, 5))
    rows = np.array([[1.0, 2, 0, 0, 0], [1.0, 2, 3, 0, 0], [0.0] * 5, [1.0] + [0.0] * 4])
    model = MaskedModel(Product(), background)
    for budget, expected in (
        (0, [False, False, True, True]),
        (5, [False, False, True, True]),
        (6, [True, False, True, True]),
        (18, [True, True, True, True]),
    ):
        assert can_enumerate(model, rows, budget).tolist() == expected


def test_coalitions_that_would_not_fit_are_not_held():
    # Each background row shares all but two columns with the row, another two each.
    row = np.ones((1, 40))
    background = np.ones((20, 40))
    for i in range(20):
        background[i, 2 * i : 2 * i + 2] = 0.0
    model = MaskedModel(Product(), background)
    assert not can_enumerate(model, row, 40)[0]
    # Of eight of them there are 2**16 coalitions, which do.
    few = MaskedModel(Product(), background[:8])
    assert can_enumerate(few, row, 16)[0]
    values, n_evaluations = enumerate_shapley(few, row, few.predict(row))
    assert n_evaluations.tolist() == [16]
    expected = np.full(16, 1 / 8)
    expected[:2] += 0.5 / 8  # the first background row lacks both factors
    np.testing.assert_allclose(values[0, :16, 0], expected)
    np.testing.assert_allclose(values[0, 16:], 0)


@pytest.mark.parametrize("batch_size", [7, 10_000])
def test_rows_together_are_rows_alone_and_what_is_known_is_not_asked(batch_size):
    rng = np.random.default_rng(0)
    background, rows = rng.normal(size=(4, 3)), rng.normal(size=(5, 3))
    rows[1, 2] = background[2, 2]
    rows[3] = background[0]
    estimator = Product()
    model = MaskedModel(estimator, background, batch_size=batch_size)
    predictions = model.predict(rows)
    estimator.n_asked = 0
    together, n_evaluations = enumerate_shapley(model, rows, predictions)
    assert estimator.n_asked == n_evaluations.sum()
    for i in range(5):
        alone, _ = enumerate_shapley(model, rows[[i]], predictions[[i]])
        np.testing.assert_allclose(alone[0], together[i], atol=1e-12)
    # All hybrids with the second background row are known of each row.
    inner = all_coalitions(3)[1:-1]
    probes = Probes(np.zeros(6, dtype=int), np.ones(6, dtype=int), inner)
    known = []
    for row in rows:
        hybrids = np.where(inner, row, background[1])
        known.append((probes, estimator.predict(hybrids)[:, None]))
    estimator.n_asked = 0
    again, further = enumerate_shapley(model, rows, predictions, known)
    assert estimator.n_asked == further.sum()
    np.testing.assert_array_equal(n_evaluations - further, 6)
    np.testing.assert_allclose(again, together, atol=1e-12)
