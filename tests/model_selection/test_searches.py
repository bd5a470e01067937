"""Explainers in scikit-learn's own searches and cross-validation."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_iris
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    KFold,
    RandomizedSearchCV,
    cross_validate,
)
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from sklearn_metaexplain import MetaExplainer, ShapExplainer, explain
from sklearn_metaexplain.datasets import load_penguins, make_switch
from sklearn_metaexplain.metrics import get_explanation_scorer
from sklearn_metaexplain.model_selection import cross_val_explain

SCORING = {"accuracy": "accuracy", "faithfulness": get_explanation_scorer("faithfulness")}
GRID = {"explain__n_support": [40, 100], "explain__budget": [0, 10]}


def penguins():
    """Strings, numbers and missing cells, one species against the others."""
    X, y = load_penguins(return_X_y=True)
    y = y.where(y == "Adelie", "other")
    return X[["island", "sex", "bill_length_mm", "body_mass_g"]][::6], y[::6]


def pipeline():
    strings = make_pipeline(
        SimpleImputer(strategy="most_frequent"),
        OneHotEncoder(handle_unknown="ignore", sparse_output=False),
    )
    prep = make_column_transformer((strings, ["island", "sex"]), remainder=SimpleImputer())
    tree = DecisionTreeClassifier(max_depth=4, random_state=0)
    explainer = MetaExplainer(tree, background=8, random_state=0)
    return Pipeline([("prep", prep), ("explain", explainer)])


def searches():
    settings = {"scoring": SCORING, "refit": "faithfulness", "cv": 2, "error_score": "raise"}
    # A halving search has one score; each of its rounds has more rows.
    halving = settings | {"scoring": SCORING["faithfulness"], "refit": True}
    return {
        "grid": GridSearchCV(pipeline(), GRID, **settings),
        "randomized": RandomizedSearchCV(pipeline(), GRID, n_iter=2, random_state=0, **settings),
        "halving": HalvingGridSearchCV(
            pipeline(),
            {"explain__n_support": [40, 100]},
            factor=2,
            min_resources=28,
            random_state=0,
            **halving,
        ),
    }


@pytest.mark.parametrize("kind", ["grid", "randomized", "halving"])
def test_searches_over_a_pipeline_that_ends_in_an_explainer(kind):
    X, y = penguins()
    search = searches()[kind].fit(X, y)
    scores = [name for name in search.cv_results_ if "test_" in name and "rank" not in name]
    assert scores
    for name in scores:
        assert np.isfinite(search.cv_results_[name]).all()
    score = "faithfulness" if kind != "halving" else "score"
    last = search.cv_results_.get("iter", np.zeros(len(search.cv_results_["params"])))
    candidates = np.flatnonzero(last == last.max())
    means = search.cv_results_[f"mean_test_{score}"]
    assert search.best_index_ == candidates[means[candidates].argmax()]
    assert means[search.best_index_] > 0.5
    if kind == "grid":  # the model is the same for all settings; its explanations are not
        assert len(set(search.cv_results_["mean_test_accuracy"])) == 1
        assert len(set(means)) == 4

    explanation = explain(search.best_estimator_, X[:5])
    assert explanation.output_names.tolist() == ["Adelie", "other"]
    assert explanation.index.equals(X.index[:5])
    assert np.abs(explanation.residual).max() < 1e-9
    np.testing.assert_array_equal(explain(search, X[:5]).values, explanation.values)
    np.testing.assert_allclose(search.predict_proba(X[:5]), explanation.predictions)


def test_cross_validate_in_two_processes():
    X, y = penguins()
    explainer = pipeline().set_params(explain__n_support=40)
    results = [
        cross_validate(explainer, X, y, cv=2, scoring=SCORING, n_jobs=n_jobs, error_score="raise")
        for n_jobs in (None, 2)
    ]
    for name in ("test_accuracy", "test_faithfulness"):
        np.testing.assert_allclose(results[0][name], results[1][name], rtol=1e-6)
        assert (results[0][name] > 0.5).all()


def test_regressors_are_searched_and_explained_out_of_fold():
    X, y = make_switch(120, n_features=5, n_branch=1, random_state=0, return_X_y=True)
    search = GridSearchCV(
        MetaExplainer(DecisionTreeRegressor(max_depth=4, random_state=0), background=10),
        {"n_support": [40, 100], "random_state": [0]},
        scoring={"r2": "r2", "faithfulness": SCORING["faithfulness"]},
        refit="faithfulness",
        cv=2,
        error_score="raise",
    ).fit(X, y)
    few, many = search.cv_results_["mean_test_faithfulness"]
    assert many > few
    explanation = cross_val_explain(search.best_estimator_, X, y, cv=3)
    importance = explanation.global_importance()["y"]
    assert importance.drop(["irrelevant_0", "irrelevant_1"]).min() > importance["irrelevant_0"]


# Newer versions of scikit-learn pass weights to scorers and say which do not take them.
@pytest.mark.filterwarnings("ignore:The scoring .* does not support sample_weight:UserWarning")
@pytest.mark.parametrize("scoring", [SCORING, SCORING["faithfulness"]])
def test_weights_of_a_search_reach_the_model_and_not_the_scorer(scoring):
    X, y = load_iris(return_X_y=True)
    weights = np.where(y == 1, 5.0, 0.1)
    explainer = ShapExplainer(LogisticRegression(), background=3, random_state=0)
    cv = KFold(3, shuffle=True, random_state=0)
    several = isinstance(scoring, dict)
    search = GridSearchCV(
        explainer, {}, scoring=scoring, refit="faithfulness" if several else True, cv=cv
    ).fit(X, y, sample_weight=weights)
    name = "faithfulness" if several else "score"
    for fold, (train, test) in enumerate(cv.split(X)):
        alone = clone(explainer).fit(X[train], y[train], sample_weight=weights[train])
        expected = SCORING["faithfulness"](alone, X[test], y[test])
        np.testing.assert_allclose(search.cv_results_[f"split{fold}_test_{name}"], expected)
