"""A fit that fails leaves nothing half-written, and fails early where it can."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.utils.validation import check_is_fitted

from sklearn_metaexplain import LimeExplainer, LoggedExplainer, MetaExplainer, ShapExplainer

X, y = make_classification(60, 4, n_informative=3, n_redundant=0, random_state=0)
SMALL = {"n_support": 64, "background": 10, "random_state": 0}


class CountsFits(RegressorMixin, BaseEstimator):
    """A model that says how often it was fitted."""

    fits = 0

    def fit(self, X, y):
        type(self).fits += 1
        self.fitted_ = True
        return self

    def predict(self, X):
        return np.asarray(X)[:, 0]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_support": 20}, "n_support=20 is too small for 10 background rows"),
        ({"tol": 0.1}, "tol=0.1 needs a budget"),
        ({"speed": "fast", "budget": 5}, 'speed="fast" asks nothing .* budget=0, not 5'),
        ({"speed": "fast", "tol": 0.1}, 'speed="fast" asks nothing .* tol=None, not 0.1'),
        ({"device": "abacus"}, "device"),
        ({"pretrained": "nowhere"}, "pretrained"),
    ],
)
def test_parameters_are_refused_before_the_model_is_fitted(parameters, message):
    CountsFits.fits = 0
    with pytest.raises(ValueError, match=message):
        MetaExplainer(CountsFits(), **(SMALL | parameters)).fit(X, y)
    assert CountsFits.fits == 0


@pytest.mark.parametrize("kind", [MetaExplainer, ShapExplainer, LimeExplainer])
def test_an_output_that_no_regressor_has_is_refused_before_the_model_is_fitted(kind):
    CountsFits.fits = 0
    with pytest.raises(ValueError, match="CountsFits is a regressor; output='log_odds' needs"):
        kind(CountsFits(), output="log_odds").fit(X, y)
    assert CountsFits.fits == 0


def test_classes_of_a_regressor_are_refused_before_it_is_fitted():
    CountsFits.fits = 0
    with pytest.raises(ValueError, match='discretizer="entropy" separates classes, and CountsFits'):
        LimeExplainer(CountsFits(), discretizer="entropy").fit(X, y)
    assert CountsFits.fits == 0


class CountedTrees(RandomForestClassifier):
    """A forest that says how often it was fitted."""

    fits = 0

    def fit(self, X, y):
        type(self).fits += 1
        return super().fit(X, y)


@pytest.mark.parametrize(
    ("model", "parameters", "message"),
    [
        (CountsFits(), {}, "algorithm=.tree. explains bare decision trees, .* not CountsFits"),
        (CountedTrees(3), {"output": "log_odds"}, "explains output='probability' of CountedTrees"),
        (CountedTrees(3), {"feature_groups": [[0, 1]]}, "cannot explain feature_groups"),
        (CountedTrees(3), {"feature_groups": [[9]]}, "names 9, which is none of the columns"),
    ],
)
def test_what_trees_cannot_be_read_for_is_refused_before_they_are_grown(model, parameters, message):
    type(model).fits = 0
    with pytest.raises(ValueError, match=message):
        ShapExplainer(model, algorithm="tree", **parameters).fit(X, y)
    assert type(model).fits == 0


@pytest.mark.parametrize(
    ("explainer", "message"),
    [
        (MetaExplainer(LogisticRegression(), **(SMALL | {"n_support": 20})), "n_support=20"),
        (ShapExplainer(LogisticRegression(), algorithm="tree"), "tree"),
        (LimeExplainer(Ridge(), discretizer="entropy"), "discretizer"),
    ],
    ids=["meta", "shap", "lime"],
)
def test_after_a_failed_fit_nothing_is_fitted(explainer, message):
    with pytest.raises(ValueError, match=message):
        explainer.fit(X, y)
    with pytest.raises(NotFittedError):
        check_is_fitted(explainer)
    for method in ("predict", "explain", "transform"):
        with pytest.raises(NotFittedError):
            getattr(explainer, method)(X[:2])


def test_a_failed_refit_is_not_mixed_with_the_first():
    explainer = MetaExplainer(LogisticRegression(), **SMALL).fit(X, y)
    before = explainer.explain(X[:2])
    with pytest.raises(ValueError, match="n_support"):
        explainer.set_params(n_support=12).fit(X, 1 - y)
    with pytest.raises(NotFittedError):
        explainer.explain(X[:2])
    again = explainer.set_params(n_support=64).fit(X, y).explain(X[:2])
    np.testing.assert_array_equal(again.values, before.values)


@pytest.mark.parametrize("parameters", [{"device": "abacus"}, {"pretrained": "nowhere"}])
def test_logged_outputs_too(parameters):
    explainer = LoggedExplainer(background=5, random_state=0)
    with pytest.raises(ValueError, match=next(iter(parameters.values()))):
        explainer.set_params(**parameters).fit(X, X[:, 0])
    for method in ("predict", "explain", "transform"):
        with pytest.raises(NotFittedError):
            getattr(explainer, method)(X[:2])
    explainer.set_params(device="cpu", pretrained=None).fit(X, X[:, 0]).explain(X[:2])
    with pytest.raises(ValueError, match="at least 8 logged rows"):
        explainer.fit(X[:3], X[:3, 0])
    with pytest.raises(NotFittedError):
        explainer.explain(X[:2])
