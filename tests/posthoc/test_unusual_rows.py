"""Rows whose output is unlike anything that was seen: their deviations say so."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression

from sklearn_metaexplain import MetaExplainer
from sklearn_metaexplain.exceptions import ToleranceWarning
from sklearn_metaexplain.posthoc._promise import Promise


class Function(RegressorMixin, BaseEstimator):
    def __init__(self, function):
        self.function = function

    def fit(self, X, y=None):
        self.fitted_ = True
        return self

    def predict(self, X):
        return self.function(X)


@pytest.fixture(scope="module")
def X():
    return np.random.RandomState(0).standard_normal((500, 4))


def fit(X, function, **options):
    options = {"background": 20, "n_support": 512, "random_state": 0, **options}
    return MetaExplainer(Function(function), **options).fit(X)


@pytest.fixture(scope="module")
def linear(X):
    return fit(X, lambda X: X[:, 0] + 3 * X[:, 1])


@pytest.fixture
def rows(X):
    rows = X[:3].copy()
    rows[0, 0], rows[1, 1] = 1e6, 100.0
    return rows


@pytest.mark.parametrize("speed", ["default", "fast"])
def test_their_intervals_hold_what_is_one_column_s(X, rows, speed):
    explainer = fit(X, lambda X: X[:, 0] + 3 * X[:, 1], speed=speed)
    explanation = explainer.explain(rows)
    truth = (rows - explainer.background_.mean(0)) * [1.0, 3.0, 0.0, 0.0]
    low, high = explanation.interval(0.9)
    assert bool((low[:2, :2, 0] <= truth[:2, :2]).all())
    assert bool((high[:2, :2, 0] >= truth[:2, :2]).all())
    # Those of a usual row stay as narrow as they were.
    np.testing.assert_allclose(explanation.std[2], explainer.explain(rows[2:]).std[0])
    assert explanation.std[2].max() < 0.5


def test_columns_that_never_mattered_are_not_known_not_to(linear, rows):
    assert linear.dummies_.tolist() == [False, False, True, True]
    explanation = linear.explain(rows)
    assert not explanation.values[:, 2:].any()
    assert bool((explanation.std[:2, 2:] > 0).all())
    assert not explanation.std[2, 2:].any()


def test_a_tolerance_asks_about_them(linear, rows):
    explanation = linear.explain(rows, budget=200, tol=0.01)
    spent = explanation.n_evaluations
    assert bool((spent[:2] >= 8).all())
    assert spent[2] == 0
    truth = (rows - linear.background_.mean(0)) * [1.0, 3.0, 0.0, 0.0]
    error = np.square(explanation.values[..., 0] - truth).sum(1) / np.square(truth).sum(1)
    assert error.max() < 0.01


def test_evaluations_make_up_for_it(linear, rows):
    free, asked = linear.explain(rows).std, linear.explain(rows, budget=40).std
    assert bool((asked[:2, :2] < 0.3 * free[:2, :2]).all())


@pytest.mark.parametrize("speed", ["default", "fast"])
def test_a_model_that_was_constant_so_far(X, speed):
    known = X[X[:, 3] < 1.5]
    explainer = fit(known, lambda X: 20.0 * (X[:, 3] > 1.5), speed=speed)
    explanation = explainer.explain(np.array([[0.0, 0.0, 0.0, 3.0]]))
    assert explanation.std.min() > 5
    if speed == "default":
        asked = explainer.explain(np.array([[0.0, 0.0, 0.0, 3.0]]), budget=100, tol=0.01)
        assert asked.n_evaluations[0] >= 8
        np.testing.assert_allclose(asked.values[0, :, 0], [0, 0, 0, 20], atol=2)
    usual = explainer.explain(known[:2])
    assert not usual.values.any()
    assert not usual.std.any()


def test_rows_of_fit_are_others_once_a_column_that_never_mattered_does(X):
    explainer = fit(X[:100], lambda X: X[:, 0] + X[:, 1] + np.where(X[:, 3] > 50, 9.0, 0.0))
    assert explainer.dummies_.tolist() == [False, False, True, True]
    rows = X[:40].copy()
    rows[:, 3] = 100.0
    assert bool((explainer.explain(rows).std[:, 3] > 1).all())
    assert not explainer.explain(X[:40]).std[:, 3].any()
    with pytest.warns(ToleranceWarning, match="40 of 40 rows"):
        asked = explainer.explain(rows, budget=20, tol=0.01)
    assert bool((asked.n_evaluations == 20).all())


def test_they_stay_unusual_where_all_that_was_asked_is_taken_for_noise():
    rng = np.random.RandomState(2)
    X = rng.standard_normal((500, 5))
    X[:25, 0] *= 20  # so that the process is sure of the largest numbers
    X[:, 1] = rng.rand(500) < 0.3
    explainer = fit(X, lambda X: X[:, 0] + 0.3 * X[:, 1], background=X[100:110])
    assert explainer.dummies_.tolist() == [False, False, True, True, True]
    row = X[200:201].copy()
    row[0, :2] = 1e6, 1.0
    explanation = explainer.explain(row, budget=100)
    assert explanation.n_evaluations[0] < 20  # all hybrids of two columns
    low, high = explanation.interval(0.9)
    assert low[0, 0, 0] <= 1e6 <= high[0, 0, 0]
    assert low[0, 1, 0] <= 0.3 <= high[0, 1, 0]
    with pytest.warns(ToleranceWarning, match="1 of 1 rows"):
        explainer.explain(row, budget=100, tol=0.01)


@pytest.mark.parametrize("speed", ["default", "fast"])
def test_what_only_columns_that_never_mattered_can_account_for_is_theirs(X, speed):
    def model(X):
        return 0.1 * X[:, 0] + X[:, 1] + np.where(X[:, 3] > 50, 5.0, 0.0)

    # Equal background rows, whose mean is rounded.
    explainer = fit(X, model, background=np.repeat(X[:1], 3, axis=0), speed=speed)
    assert explainer.dummies_.tolist() == [False, False, True, True]
    rows = np.repeat(X[:1], 4, axis=0)
    rows[:, 3] = [100.0, 100.0, 1.0, X[0, 3]]
    rows[1, 2] = -1.0
    explanation = explainer.explain(rows)
    values, std = explanation.values[..., 0], explanation.std[..., 0]
    np.testing.assert_allclose(values[0], [0, 0, 0, 5], atol=1e-9)
    np.testing.assert_allclose(values[1], [0, 0, 2.5, 2.5], atol=1e-9)
    np.testing.assert_allclose(std[1], [0, 0, 2.5, 2.5], atol=0.5)
    assert not values[2:].any()
    assert not std[2:].any()
    if speed == "default":
        asked = explainer.explain(rows, budget=9, tol=0.5).values[..., 0]
        np.testing.assert_allclose(asked[0], values[0], atol=1e-9)
        # With an evaluation in which they change places it is known whose it is.
        np.testing.assert_allclose(asked[1], [0, 0, 0, 5], atol=1e-9)


def test_fast_students_do_not_know_either_of_columns_that_never_mattered(X, rows):
    explainer = fit(X, lambda X: X[:, 0] + 3 * X[:, 1], speed="fast")
    explanation = explainer.explain(rows)
    assert not explanation.values[:, 2:].any()
    assert bool((explanation.std[:2, 2:] > 0).all())
    assert not explanation.std[2, 2:].any()


def test_rounding_is_not_unusual(X):
    explanation = fit(X, lambda X: np.full(len(X), 0.1)).explain(X[:5])
    assert not explanation.std.any()


@pytest.mark.parametrize("speed", ["default", "fast"])
def test_what_one_column_alone_changes_is_known(speed):
    rng = np.random.RandomState(0)
    X = rng.normal(size=(300, 3))
    X[:20] = X[0]
    model = FrozenEstimator(LinearRegression().fit(X, rng.normal(size=300)))
    explainer = MetaExplainer(
        model, background=X[:20], n_support=300, speed=speed, random_state=0
    ).fit(X)
    rows = np.repeat(X[:1], 3, axis=0)
    rows[0, 1], rows[1, 1:] = 0.3, -0.4
    explanation = explainer.explain(rows)
    alone, two, none = explanation.std[..., 0] > 0
    assert not alone.any()
    assert two.tolist() == [False, True, True]
    assert not none.any()
    change = model.predict(rows[:1]) - model.predict(X[:1])
    np.testing.assert_allclose(explanation.values[0, 1], change)


@pytest.mark.parametrize(("explained", "lasting"), [(0.0, 1.0), (0.5, 0.5), (1.0, 0.0)])
def test_their_deviations_last_as_long_as_answers_do_not_explain_them(
    linear, rows, explained, lasting
):
    surrogate = linear._surrogate_
    encoded, predictions = linear._encode(rows), torch.from_numpy(linear.predict(rows)[:, None])
    before = surrogate.explain(encoded, predictions, surrogate.able(3))
    unusual = before.unusual[:1]
    assert unusual.max() > 1
    told = []
    goal = SimpleNamespace(is_met=lambda values, std, *rest: told.append((std, *rest)) or True)
    reading = surrogate.stack.process.read(encoded, thorough=True)
    promise = Promise(goal, surrogate, before, reading, 0)
    # Eight answers were as expected; at most so much of what is unusual is left of any of them.
    nothing = np.zeros(4)
    questions = SimpleNamespace(
        innovations=torch.zeros(8, 1, dtype=torch.float64),
        posterior=SimpleNamespace(explained=nothing),
        move=torch.zeros(4, 1, dtype=torch.float64),
        left=surrogate.usual.most + torch.from_numpy((1 - explained) * unusual[0]),
    )
    assert promise.is_kept(questions, nothing, np.full(8, 1e-3))
    std, of_before, still = told[0]
    np.testing.assert_allclose(still, lasting * unusual, atol=1e-12)
    assert (std >= lasting * of_before).all()
    assert explained < 1 or std.max() < 0.1 * of_before.max()
