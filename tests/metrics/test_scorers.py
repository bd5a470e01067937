import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.base import BaseEstimator, clone
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from sklearn_metaexplain import LimeExplainer, MetaExplainer, ShapExplainer
from sklearn_metaexplain.metrics import (
    faithfulness_score,
    get_explanation_scorer,
    get_explanation_scorer_names,
    make_explanation_scorer,
)
from sklearn_metaexplain.posthoc import PosthocExplainer
from tests.posthoc.tables import mixed_pipeline, mixed_table
from tests.small_explainers import ExactExplainer, ExplainedCentroids, ExplainedLeastSquares

QUICK = make_explanation_scorer(
    faithfulness_score, n_samples=10, n_background=8, metric_params={"n_coalitions": 30}
)


class RandomExplainer(PosthocExplainer):
    """Attributions that have nothing to do with the model."""

    def _explain(self, X):
        model = self._masked_model_
        predictions = model.predict(X)
        gap = predictions - model.background_outputs.mean(axis=0)
        noise = np.random.RandomState(self._seed_).normal(size=(len(X), model.n_players, 1))
        values = noise * np.ones(model.n_computed)
        values += (gap - values.sum(axis=1))[:, None] / model.n_players
        return self._assemble(
            X, values, predictions, model.background_outputs.mean(axis=0), n_evaluations=0
        )


def perturbations(explanation, predict, *, background, feature_groups, random_state):
    """A metric that returns a number for the tables it is handed, and nothing else."""
    cells = pd.concat([explanation.data, background])
    return float(pd.util.hash_pandas_object(cells, index=True).astype(float).sum() + random_state)


def n_evaluations(explanation, predict, *, background, feature_groups, random_state, scale=1.0):
    """A metric to be kept small."""
    return scale * explanation.n_evaluations.mean()


def encode():
    return make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["port", "sex"]),
        (StandardScaler(), ["age", "fare"]),
    )


def forest():
    return RandomForestClassifier(10, random_state=0)


# In searches and cross-validation


def test_grid_search_over_the_explainer_at_the_end_of_a_pipeline():
    X, y = mixed_table(150)
    explainer = MetaExplainer(forest(), background=20, random_state=0)
    search = GridSearchCV(
        Pipeline([("encode", encode()), ("explain", explainer)]),
        {"explain__n_support": [36, 240]},
        cv=2,
        scoring={"faithfulness": QUICK, "accuracy": "accuracy"},
        refit="faithfulness",
        error_score="raise",
    ).fit(X, y)
    results = search.cv_results_
    # The model is the same for both settings; its explanations are not.
    assert len(set(results["mean_test_accuracy"])) == 1
    assert len(set(results["mean_test_faithfulness"])) == 2
    assert (results["mean_test_faithfulness"] > 0.5).all()
    assert search.best_index_ == results["mean_test_faithfulness"].argmax()

    alone = clone(search.estimator).set_params(**search.best_params_).fit(X, y)
    assert QUICK(search, X) == QUICK(alone, X) == QUICK(search.best_estimator_, X)
    assert QUICK(FrozenEstimator(search), X) == QUICK(alone, X)


def test_grid_search_over_an_explainer_around_a_raw_pipeline():
    X, y = mixed_table()
    search = GridSearchCV(
        LimeExplainer(mixed_pipeline(forest()), random_state=0),
        {"n_samples": [20, 500]},
        cv=2,
        scoring=QUICK,
        error_score="raise",
    ).fit(X, y)
    few, many = search.cv_results_["mean_test_score"]
    assert many > few
    assert search.best_params_ == {"n_samples": 500}


def test_cross_validate_in_two_processes():
    X, y = mixed_table()
    explainer = ExactExplainer(mixed_pipeline(), background=5, random_state=0)
    scoring = {"faithfulness": QUICK, "cost": make_explanation_scorer(n_evaluations, n_samples=5)}
    here, there = (
        cross_validate(explainer, X, y, cv=2, scoring=scoring, n_jobs=n_jobs, error_score="raise")
        for n_jobs in (None, 2)
    )
    for name in ("test_faithfulness", "test_cost"):
        np.testing.assert_allclose(here[name], there[name], rtol=1e-12)
    assert (here["test_faithfulness"] > 0.5).all()


def test_metadata_routing_may_be_on():
    X, y = mixed_table()
    explainer = ShapExplainer(mixed_pipeline(), background=5, random_state=0)
    expected = cross_validate(explainer, X, y, cv=2, scoring={"faithfulness": QUICK})
    with config_context(enable_metadata_routing=True):
        routed = cross_validate(
            explainer, X, y, cv=2, scoring={"faithfulness": QUICK}, error_score="raise"
        )
    assert routed["test_faithfulness"].tolist() == expected["test_faithfulness"].tolist()


# What it says


def test_explainers_of_one_model_are_compared_and_random_loses():
    X, y = mixed_table(150)
    model = FrozenEstimator(mixed_pipeline(forest()).fit(X[:100], y[:100]))
    scorer = make_explanation_scorer(faithfulness_score, n_samples=20)
    explainers = {
        "exact": ExactExplainer(model, background=20, random_state=0),
        "meta": MetaExplainer(model, n_support=240, background=20, random_state=0),
        "shap": ShapExplainer(model, background=20, random_state=0),
        "lime": LimeExplainer(model, n_samples=500, random_state=0),
        "random": RandomExplainer(model, random_state=0),
    }
    scores = {
        name: scorer(explainer.fit(X[:100], y[:100]), X[100:], y[100:])
        for name, explainer in explainers.items()
    }
    random = scores.pop("random")
    assert min(scores.values()) > random + 0.5
    assert scores["meta"] == pytest.approx(scores["exact"], abs=0.05)
    assert scores["exact"] == pytest.approx(scores["shap"], abs=1e-9)


def test_groups_of_columns_are_replaced_together():
    X, y = mixed_table()
    grouped = ExactExplainer(
        mixed_pipeline(), background=8, feature_groups=[["age", "port"]], random_state=0
    ).fit(X, y)
    assert QUICK(grouped, X) > 0.8


def test_output_of_the_explainer_is_the_one_asked():
    X, y = mixed_table()
    # Log odds of this model are additive: exact values would score 1 on their own background.
    explainer = ExactExplainer(mixed_pipeline(), output="log_odds", background=X).fit(
        X[:60], y[:60]
    )
    scorer = make_explanation_scorer(faithfulness_score, n_background=80, n_samples=5)
    assert scorer(explainer, X) == pytest.approx(1.0, abs=1e-9)


def test_self_explaining_regressors_are_asked_themselves():
    random = np.random.RandomState(0)
    X = random.normal(size=(80, 4))
    model = ExplainedLeastSquares().fit(X, X @ [1.0, 2.0, 0.0, -1.0])
    assert QUICK(model, X) > 0.9
    scaled = make_pipeline(StandardScaler(), ExplainedLeastSquares()).fit(X, X @ [1, 2, 0, -1])
    assert QUICK(scaled, X) > 0.9


def test_self_explaining_classifiers_need_the_method_of_their_output():
    X, y = load_iris(return_X_y=True)

    class Scoring(ExplainedCentroids):
        def decision_function(self, X):
            return self.explain(X).predictions

    assert QUICK(Scoring().fit(X, y), X) > 0.9
    with pytest.raises(TypeError, match="no decision_function"):
        QUICK(ExplainedCentroids().fit(X, y), X)


# Perturbations


def test_perturbations_depend_on_the_fold_and_the_seed_alone():
    X, y = mixed_table()
    settings = [
        {"random_state": 0},
        {"random_state": 7, "background": 3},
        {"random_state": 0, "background": X[:5], "n_samples": 100},
    ]
    explainers = [
        LimeExplainer(mixed_pipeline(), **{"n_samples": 50, **changes}).fit(X, y)
        for changes in settings
    ]
    scorer = make_explanation_scorer(perturbations, n_samples=10)
    assert len({scorer(explainer, X[30:]) for explainer in explainers}) == 1
    other_seed = make_explanation_scorer(perturbations, n_samples=10, random_state=1)
    assert other_seed(explainers[0], X[30:]) != scorer(explainers[0], X[30:])
    assert scorer(explainers[0], X[:50]) != scorer(explainers[0], X[30:])


def test_rows_and_background_come_from_the_fold_and_are_capped():
    X, y = mixed_table()
    seen = {}

    def metric(explanation, predict, *, background, feature_groups, random_state):
        seen.update(rows=explanation.index, background=background.index, seed=random_state)
        return len(explanation)

    explainer = LimeExplainer(mixed_pipeline(), n_samples=50, random_state=0).fit(X[:40], y[:40])
    scorer = make_explanation_scorer(metric, n_samples=7, n_background=9, random_state=5)
    assert scorer(explainer, X[40:]) == 7.0
    assert len(seen["background"]) == 9
    assert seen["seed"] == 5
    assert set(seen["rows"]) | set(seen["background"]) <= set(X.index[40:])
    assert not set(seen["rows"]) & set(seen["background"])
    assert make_explanation_scorer(metric, n_samples=70)(explainer, X[40:]) == 40.0


def test_same_numbers_twice_pickled_and_without_global_generators():
    X, y = mixed_table()
    explainer = ShapExplainer(mixed_pipeline(), background=5, random_state=0).fit(X, y)
    before = np.random.get_state()[1].tolist()
    score = QUICK(explainer, X, y)
    assert isinstance(score, float)
    assert QUICK(explainer, X) == score
    assert pickle.loads(pickle.dumps(QUICK))(explainer, X) == score
    assert np.random.get_state()[1].tolist() == before


@pytest.mark.parametrize("n_rows", [1, 2])
def test_small_folds(n_rows):
    X, y = mixed_table()
    explainer = ShapExplainer(mixed_pipeline(), background=5, random_state=0).fit(X, y)
    score = QUICK(explainer, X[:n_rows])
    # A row alone is its own background: nothing changes.
    assert np.isnan(score) if n_rows == 1 else -1 <= score <= 1


# Making them


def test_sign_and_parameters_of_the_metric():
    X, y = mixed_table()
    explainer = LimeExplainer(mixed_pipeline(), n_samples=50, random_state=0).fit(X, y)
    scorer = make_explanation_scorer(
        n_evaluations, greater_is_better=False, metric_params={"scale": 2.0}
    )
    assert scorer(explainer, X) == -98.0


def test_names():
    assert "faithfulness" in get_explanation_scorer_names()
    X, y = mixed_table()
    explainer = ShapExplainer(mixed_pipeline(), background=5, random_state=0).fit(X, y)
    named = get_explanation_scorer("faithfulness")
    assert named(explainer, X) == make_explanation_scorer(faithfulness_score)(explainer, X)
    with pytest.raises(
        ValueError, match=r"'faithful'; there are \['comprehensiveness', 'faithfulness',"
    ):
        get_explanation_scorer("faithful")


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"n_samples": 0}, ValueError, "n_samples"),
        ({"n_background": 1.5}, ValueError, "n_background"),
        ({"random_state": None}, ValueError, "random_state"),
        ({"metric_params": {"n_coalition": 5}}, TypeError, "n_coalition"),
        ({"metric_params": {"random_state": 5}}, ValueError, "random_state"),
    ],
)
def test_bad_options(options, error, message):
    with pytest.raises(error, match=message):
        make_explanation_scorer(faithfulness_score, **options)


def test_bad_metrics():
    with pytest.raises(TypeError, match="metric"):
        make_explanation_scorer("faithfulness")
    with pytest.raises(TypeError, match=r"cannot be called as metric\(explanation, predict"):
        make_explanation_scorer(lambda explanation: 1.0)


def test_what_is_no_explainer_is_refused():
    X, y = load_iris(return_X_y=True)
    for model in (
        LogisticRegression(max_iter=500),
        make_pipeline(StandardScaler(), Ridge()),
        BaseEstimator(),
    ):
        if hasattr(model, "fit"):
            model.fit(X, y)
        with pytest.raises(TypeError, match="is not an explainer"):
            QUICK(model, X, y)
