import warnings

import numpy as np
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_metaexplain import MetaExplainer, explain
from sklearn_metaexplain.exceptions import LargeErrorWarning, ToleranceWarning
from sklearn_metaexplain.pipeline import make_pipeline as make_explaining_pipeline


class Rough(RegressorMixin, BaseEstimator):
    """Nothing is learned of it from a hundred rows."""

    def fit(self, X, y=None):
        self.is_fitted_ = True
        return self

    def predict(self, X):
        return np.sin(1e4 * np.asarray(X)).sum(axis=1)


X = np.random.RandomState(0).normal(size=(40, 5))


def rough_explainer():
    return MetaExplainer(
        Rough(), background=5, n_support=80, n_rounds=1, budget=5, tol=1e-6, random_state=0
    )


@pytest.mark.parametrize(
    "fit",
    [
        lambda explainer: explainer.fit(X),
        lambda explainer: explainer.fit_transform(X),
        lambda explainer: make_pipeline(StandardScaler(), explainer).fit(X),
        lambda explainer: GridSearchCV(
            explainer, {"budget": [5]}, cv=2, scoring=lambda *_: 0.0, refit=True
        ).fit(X),
    ],
)
def test_warnings_of_fit_point_at_whoever_calls_it_however_it_is_wrapped(fit):
    with pytest.warns(LargeErrorWarning) as caught:
        fit(rough_explainer())
    assert {warning.filename for warning in caught} == {__file__}


@pytest.mark.parametrize(
    "explain_rows",
    [
        lambda pipeline: pipeline[-1].explain(X[:2]),
        lambda pipeline: pipeline.explain(X[:2]),
        lambda pipeline: pipeline.transform(X[:2]),
        lambda pipeline: explain(pipeline, X[:2]),
    ],
)
def test_warnings_of_explain_point_at_whoever_calls_it_however_it_is_wrapped(explain_rows):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LargeErrorWarning)
        pipeline = make_explaining_pipeline(StandardScaler(), rough_explainer()).fit(X)
    with pytest.warns(ToleranceWarning) as caught:
        explain_rows(pipeline)
    assert {warning.filename for warning in caught} == {__file__}
