"""Pipelines that explain, and otherwise are scikit-learn's."""

import numpy as np
import pytest
from sklearn import pipeline as sklearn_pipeline
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.preprocessing import StandardScaler

from sklearn_metaexplain import explain, is_explainer
from sklearn_metaexplain.pipeline import Pipeline, make_pipeline
from tests.small_explainers import ExactExplainer, OcclusionExplainer

X, Y = load_iris(return_X_y=True)


def explainer(**settings):
    return ExactExplainer(LogisticRegression(), **{"background": 3, "random_state": 0, **settings})


def test_explain_is_that_of_the_function():
    pipe = make_pipeline(StandardScaler(), explainer()).fit(X, Y)
    expected = explain(sklearn_pipeline.make_pipeline(StandardScaler(), explainer()).fit(X, Y), X)
    np.testing.assert_array_equal(pipe.explain(X).values, expected.values)


def test_options_reach_the_explainer():
    pipe = make_pipeline(StandardScaler(), OcclusionExplainer(LogisticRegression(), background=3))
    assert pipe.fit(X, Y).explain(X[:1], n_background=1).n_evaluations.tolist() == [4]


@pytest.mark.parametrize(
    "steps",
    [
        [StandardScaler(), LogisticRegression()],
        [explainer(), LogisticRegression()],
        [StandardScaler()],
        [FrozenEstimator(LogisticRegression())],
    ],
)
def test_explain_is_only_there_where_the_last_step_explains(steps):
    pipe = make_pipeline(*steps)
    assert not hasattr(pipe, "explain")
    assert not is_explainer(pipe)


@pytest.mark.parametrize(
    "last", [explainer(), FrozenEstimator(explainer()), make_pipeline(explainer())]
)
def test_explain_is_there_before_fit(last):
    assert hasattr(make_pipeline(StandardScaler(), last), "explain")


def test_everything_else_is_scikit_learns():
    ours = make_pipeline(StandardScaler(), LogisticRegression(), memory=None, verbose=False)
    theirs = sklearn_pipeline.make_pipeline(StandardScaler(), LogisticRegression())
    assert isinstance(ours, sklearn_pipeline.Pipeline)
    assert list(ours.get_params()) == list(theirs.get_params())
    assert repr(ours) == repr(theirs)
    assert set(dir(Pipeline)) - set(dir(sklearn_pipeline.Pipeline)) == {"explain"}
    np.testing.assert_array_equal(
        ours.fit(X, Y).predict_proba(X), theirs.fit(X, Y).predict_proba(X)
    )
    assert isinstance(clone(ours), Pipeline)
    assert isinstance(ours[:1], Pipeline)


def test_in_cross_validation_and_search():
    pipe = Pipeline([("scale", StandardScaler()), ("explainer", explainer())])
    plain = sklearn_pipeline.make_pipeline(StandardScaler(), LogisticRegression())
    np.testing.assert_array_equal(cross_val_score(pipe, X, Y), cross_val_score(plain, X, Y))
    search = GridSearchCV(pipe, {"explainer__estimator__C": [0.1, 1.0]}, cv=3).fit(X, Y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    alone = clone(pipe).set_params(**search.best_params_).fit(X, Y)
    np.testing.assert_array_equal(explain(search, X).values, alone.explain(X).values)
