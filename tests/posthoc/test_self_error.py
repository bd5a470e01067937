"""Multiples of deviations, by what was spent on rows."""

import numpy as np
import pytest
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression

from sklearn_metaexplain import MetaExplainer
from sklearn_metaexplain.posthoc._self_error import n_rows_judged, quantiles_of
from sklearn_metaexplain.shapley._deviation import sparsity

FREE = [[0.5, 0.7], [0.9, 1.6], [0.95, 2.1]]
ASKED = [[0.5, 0.6], [0.9, 1.4]]
CALIBRATION = {"quantiles": FREE, "quantiles_asked": ASKED}


@pytest.mark.parametrize(("asked", "expected"), [(False, FREE), (True, ASKED)])
def test_all_rows_alike_have_one_table(asked, expected):
    assert quantiles_of(CALIBRATION, np.full(3, asked)).tolist() == expected


def test_rows_have_as_many_levels_as_both_tables():
    found = quantiles_of(CALIBRATION, np.array([True, False, True]))
    assert found.tolist() == [ASKED, FREE[:2], ASKED]
    turned = {"quantiles": ASKED, "quantiles_asked": FREE}
    assert quantiles_of(turned, np.array([True, False])).tolist() == [FREE[:2], ASKED]


@pytest.mark.parametrize("asked", [[False, False], [True, True]])
def test_without_calibration_there_are_none(asked):
    assert quantiles_of({}, np.array(asked)) is None


@pytest.mark.parametrize(("n_background", "n_rows"), [(1, 64), (100, 64), (200, 32), (5000, 8)])
def test_of_many_background_rows_fewer_rows_are_judged(n_background, n_rows):
    assert n_rows_judged(n_background) == n_rows


@pytest.mark.parametrize(("n_rows", "seen"), [(25, 25), (90, 90), (500, 160)])
def test_a_table_is_as_sparse_as_the_rows_that_fit_has_seen(n_rows, seen):
    X = np.random.RandomState(0).normal(size=(n_rows, 3))
    model = FrozenEstimator(LinearRegression().fit(X, X[:, 0]))
    explainer = MetaExplainer(model, background=5, n_support=160, random_state=0).fit(X)
    assert explainer._surrogate_.n_rows_seen == seen
    assert explainer._evidence_["sparsity"] == pytest.approx(sparsity(seen))
