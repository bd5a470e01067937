"""``speed="fast"``: trees that have learned from the surrogates."""

import pickle
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.datasets import load_iris, load_wine
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.svm import SVR

from sklearn_metaexplain import MetaExplainer
from sklearn_metaexplain.exceptions import ExplanationWarning
from sklearn_metaexplain.posthoc._fast import Student
from tests.posthoc.tables import mixed_pipeline, mixed_table

pytestmark = pytest.mark.filterwarnings(
    f"ignore::{ExplanationWarning.__module__}.{ExplanationWarning.__name__}"
)
SMALL = {"background": 12, "n_support": 240, "random_state": 0}
D = 7
EXACT = (2**D - 2) * 12


@pytest.fixture(scope="module")
def wine():
    X, y = load_wine(return_X_y=True)
    return X[:, :D], y


@pytest.fixture(scope="module")
def pair(wine):
    X, y = wine
    forest = FrozenEstimator(RandomForestClassifier(20, random_state=0).fit(X, y))
    return [
        MetaExplainer(forest, **SMALL, speed=speed).fit(X[::2]) for speed in ("default", "fast")
    ]


def distance(values, truth):
    return np.square(values - truth).sum() / np.square(truth).sum()


def test_values_are_close_to_those_of_the_default(pair, wine):
    default, fast = pair
    X = wine[0][1::4]
    slow, quick = default.explain(X), fast.explain(X)
    truth = default.explain(X, budget=EXACT).values
    assert distance(quick.values, slow.values) < 0.05
    assert distance(quick.values, truth) < distance(slow.values, truth) + 0.05
    assert (quick.n_evaluations == 0).all()


def test_it_says_how_far_it_is_from_the_default(pair, wine):
    default, fast = pair
    X = wine[0][1::4]
    found = distance(fast.explain(X).values, default.explain(X).values)
    assert fast.student_error_ == pytest.approx(found, rel=2.0)
    assert fast.shapley_error_ > fast.student_error_ > 0
    assert fast.shapley_error_ - fast.student_error_ == pytest.approx(default.shapley_error_)
    assert not hasattr(default, "student_error_")


def test_sums_and_rows_alone(pair, wine):
    _, fast = pair
    X = wine[0][:9]
    explanation = fast.explain(X)
    assert np.abs(explanation.residual).max() < 1e-10
    np.testing.assert_allclose(explanation.values.sum(2), 0.0, atol=1e-12)
    np.testing.assert_allclose(fast.explain(X[[4]]).values[0], explanation.values[4], atol=1e-12)
    again = pickle.loads(pickle.dumps(fast)).explain(X)
    np.testing.assert_array_equal(again.values, explanation.values)


def test_one_deviation_for_all_usual_rows_and_it_covers(pair, wine):
    default, fast = pair
    X = wine[0][1::4]
    explanation = fast.explain(X)
    usual = np.median(explanation.std, axis=0)
    assert (explanation.std == usual).all(axis=(1, 2)).mean() > 0.9
    assert (explanation.std >= usual).all()
    low, high = explanation.interval(0.9)
    truth = default.explain(X, budget=EXACT).values
    assert ((low <= truth) & (truth <= high)).mean() > 0.7


def test_its_deviation_is_that_of_the_trees_where_the_surrogates_are_nearly_exact():
    X = np.random.default_rng(0).normal(size=(200, 4))
    y = X @ [1.0, -2.0, 0.5, 3.0]
    default, fast = (
        MetaExplainer(LinearRegression(), **SMALL, speed=speed).fit(X[:100], y[:100])
        for speed in ("default", "fast")
    )
    explanation = fast.explain(X[100:])
    truth = (X[100:] - fast.background_.mean(axis=0)) * fast.estimator_.coef_
    off = np.sqrt(np.square(explanation.values[..., 0] - truth).mean())
    # Deviations of unusual rows are larger, whatever the usual one is.
    told = np.sqrt(np.square(np.median(explanation.std, axis=0)).mean())
    assert 0.5 * off < told < 2 * off
    assert default.explain(X[100:]).std.max() < 0.1 * told


def test_columns_that_cannot_matter_get_nothing():
    X, y = load_iris(return_X_y=True)
    X = np.column_stack([X, np.ones(len(X))])
    explainer = MetaExplainer(LogisticRegression(max_iter=1000), **SMALL, speed="fast")
    explanation = explainer.fit(X, y).explain(X[:20])
    assert (explanation.values[:, 4] == 0).all()
    assert (explanation.std[:, 4] == 0).all()


def test_mixed_tables_and_groups():
    X, y = mixed_table()
    names = list(X.columns)
    groups = {"both": names[:2]}
    explainer = MetaExplainer(mixed_pipeline(), **SMALL, feature_groups=groups, speed="fast")
    explanation = explainer.fit(X, y).explain(X[:6])
    assert isinstance(explanation.data, pd.DataFrame)
    assert explanation.values.shape[1] == len(names) - 1
    assert np.abs(explanation.residual).max() < 1e-10


def test_nothing_can_be_asked(pair, wine):
    X, y = wine
    with pytest.raises(ValueError, match=r'speed="fast" asks nothing .*pass budget=0, not 10'):
        pair[1].explain(X[:2], budget=10)
    with pytest.raises(ValueError, match='speed="fast" asks nothing'):
        MetaExplainer(LogisticRegression(max_iter=5000), speed="fast", budget=10).fit(X, y)


def test_refitted_at_default_speed_it_forgets(pair, wine):
    fast = pickle.loads(pickle.dumps(pair[1])).set_params(speed="default").fit(wine[0][::2])
    assert not hasattr(fast, "student_error_")
    expected = pair[0].explain(wine[0][:3]).values
    np.testing.assert_allclose(fast.explain(wine[0][:3]).values, expected)


def test_it_is_judged_by_rows_that_it_does_not_learn_from(monkeypatch):
    learned = []

    def stop(self, encoded, probes):
        learned.append(encoded)
        raise InterruptedError

    monkeypatch.setattr(Student, "_ask", stop)
    encoded = torch.randn(40, 3, 2, generator=torch.Generator().manual_seed(0))
    teacher = SimpleNamespace(
        scale=None, base=None, n_players=3, stack=SimpleNamespace(background=encoded[:4])
    )
    with pytest.raises(InterruptedError):
        Student(teacher).fit(encoded, encoded[:20], encoded[:20, 0], np.random.RandomState(0))
    # A quarter is kept to judge by.
    assert torch.equal(learned[0], encoded[10:])


def test_the_student_follows_a_smooth_model():
    rng = np.random.RandomState(0)
    X = rng.normal(size=(300, 5))
    y = np.sin(X[:, 0]) * X[:, 1] + X[:, 2] ** 2 / 2
    explainer = MetaExplainer(SVR(C=10), **SMALL, speed="fast").fit(X, y)
    # Trees of fewer leaves, or fewer trees, miss twice as much.
    assert explainer.student_error_ < 0.0035


def test_tables_of_few_distinct_rows():
    rng = np.random.default_rng(0)
    X = rng.integers(0, 2, size=(200, 3)).astype(float)
    y = X @ [1.0, -2.0, 0.5]
    explainer = MetaExplainer(LinearRegression(), **SMALL, speed="fast").fit(X, y)
    expected = (X[:8] - explainer.background_.mean(axis=0)) * [1.0, -2.0, 0.5]
    np.testing.assert_allclose(explainer.explain(X[:8]).values[..., 0], expected, atol=0.02)
    assert explainer.student_error_ < 0.01
