"""Explainers are compared on the same model, rows and perturbations."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.feature_selection import SelectKBest
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, KFold, StratifiedKFold, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sklearn_metaexplain import LimeExplainer, LoggedExplainer, MetaExplainer, explain
from sklearn_metaexplain.datasets import load_penguins, make_additive, make_interaction, make_switch
from sklearn_metaexplain.metrics import (
    faithfulness_score,
    get_explanation_scorer,
    make_explanation_scorer,
)
from sklearn_metaexplain.metrics._outputs import chosen_outputs
from sklearn_metaexplain.model_selection import compare_explainers
from sklearn_metaexplain.model_selection._judge import _make_random
from sklearn_metaexplain.model_selection._models import _is_equal, freeze_models
from sklearn_metaexplain.model_selection._random import RandomExplainer
from tests.posthoc.tables import mixed_pipeline, mixed_table
from tests.small_explainers import ExactExplainer, ExplainedLeastSquares, OcclusionExplainer

COSTS = ["fit_time", "explain_time", "n_evaluations_fit", "n_evaluations_row"]
QUICK = make_explanation_scorer(
    faithfulness_score, n_samples=10, n_background=8, metric_params={"n_coalitions": 30}
)

FITS = []  # tags of the models fitted in this process


class CountedModel(LogisticRegression):
    """A model that says when it is fitted."""

    def __init__(self, tag="", C=1.0):
        super().__init__()
        self.tag = tag
        self.C = C

    def fit(self, X, y, sample_weight=None):
        FITS.append(self.tag)
        return super().fit(X, y)


def iris(**settings):
    X, y = load_iris(return_X_y=True, **settings)
    return (X - X.mean(axis=0)) / X.std(axis=0), y


@pytest.fixture
def fits():
    FITS.clear()
    return FITS


def exact(model, **settings):
    return ExactExplainer(model, background=5, random_state=0, **settings)


def occlusion(model, **settings):
    return OcclusionExplainer(model, background=5, random_state=0, **settings)


def positions(explainer, X, y):
    """A scorer that tells the rows it is handed."""
    return float(pd.util.hash_pandas_object(pd.DataFrame(X)).astype(float).sum())


# The table


def test_flagship_and_baselines_beat_random_on_a_table_of_strings_and_gaps():
    X, y = load_penguins(return_X_y=True)
    numeric = X.select_dtypes("number").columns
    prep = FunctionTransformer(lambda X: X[numeric].fillna(0.0))
    model = make_pipeline(prep, RandomForestClassifier(10, random_state=0))
    comparison = compare_explainers(
        {
            "meta": MetaExplainer(model, background=10, n_support=200, random_state=0),
            "lime": LimeExplainer(model, n_samples=200, random_state=0),
        },
        X,
        y,
        n_samples=10,
    )
    assert comparison.index.tolist() == ["meta", "lime", "random"]
    assert comparison.index.name == "explainer"
    assert comparison.columns.tolist() == ["faithfulness", *COSTS]
    assert np.isfinite(comparison.to_numpy()).all()
    assert comparison["faithfulness"].idxmin() == "random"
    assert comparison.loc["meta", ["n_evaluations_fit", "n_evaluations_row"]].tolist() == [200, 0]
    assert comparison.loc["lime", "n_evaluations_row"] == 199
    assert (comparison[["fit_time", "explain_time"]] > 0).all(axis=None)


def test_where_columns_interact_only_exact_values_are_right():
    problem = make_interaction(200, n_features=5, random_state=0)
    # With nothing linear to find LIME's coefficients are noise, hence the seed.
    lime = LimeExplainer(problem.model, n_samples=2000, random_state=0)
    comparison = compare_explainers(
        {"exact": exact(problem.model), "lime": lime}, problem.data, problem.target, n_samples=20
    )
    scores = comparison["faithfulness"]
    assert scores["exact"] > 0.05 + max(scores["lime"], scores["random"])


def test_scores_are_those_of_the_scorer_on_held_out_rows():
    X, y = mixed_table(80)
    train, test = train_test_split(np.arange(80), stratify=y, random_state=3)
    explainers = {"exact": exact(mixed_pipeline()), "occlusion": occlusion(mixed_pipeline())}
    comparison = compare_explainers(
        explainers, X, y, metrics={"quick": QUICK, "rows": positions}, random_state=3
    )
    for name, explainer in explainers.items():
        fitted = clone(explainer).fit(X.iloc[train], y[train])
        np.testing.assert_allclose(comparison.loc[name, "quick"], QUICK(fitted, X.iloc[test]))
    assert comparison["rows"].tolist() == [positions(None, X.iloc[test], None)] * 3


def test_named_scorers_take_the_seed_and_the_number_of_rows():
    X, y = mixed_table(80)
    fitted = {"exact": exact(mixed_pipeline()).fit(X[:40], y[:40])}
    comparison = compare_explainers(fitted, X[40:], n_samples=6, random_state=4)
    scorer = make_explanation_scorer(faithfulness_score, n_samples=6, random_state=4)
    np.testing.assert_allclose(
        comparison.loc["exact", "faithfulness"], scorer(fitted["exact"], X[40:])
    )
    one = make_explanation_scorer(faithfulness_score, n_samples=6)
    assert one(fitted["exact"], X[40:]) != comparison.loc["exact", "faithfulness"]


def test_scorers_explain_as_many_rows_as_they_do_by_themselves():
    X, y = iris()
    fitted = exact(LogisticRegression()).fit(X, y)
    names = ["faithfulness", "seed_stability", "sparsity"]
    comparison = compare_explainers({"exact": fitted}, X, metrics=names)
    assert comparison.columns.tolist() == [*names, *COSTS]
    for name in names:
        np.testing.assert_allclose(
            comparison.loc["exact", name], get_explanation_scorer(name)(fitted, X)
        )


def test_splits_are_averaged():
    X, y = mixed_table(60)
    explainers = {"exact": exact(mixed_pipeline())}
    comparison = compare_explainers(explainers, X, y, metrics={"quick": QUICK}, cv=3)
    scores = [
        QUICK(clone(explainers["exact"]).fit(X.iloc[train], y[train]), X.iloc[test])
        for train, test in StratifiedKFold(3).split(X, y)
    ]
    assert comparison.columns.tolist() == ["quick", "quick_std", *COSTS]
    np.testing.assert_allclose(comparison.loc["exact", "quick"], np.mean(scores))
    np.testing.assert_allclose(comparison.loc["exact", "quick_std"], np.std(scores))


def test_splits_without_a_score_are_told():
    X, y = load_iris(return_X_y=True)
    # The first split has one class to learn from: nothing to be faithful to.
    splits = [(np.arange(40), np.arange(40, 50)), (np.arange(0, 150, 2), np.arange(1, 150, 2))]
    model = RandomForestClassifier(5, random_state=0)
    explainers = {"mine": OcclusionExplainer(model)}
    with pytest.warns(
        UserWarning, match="score is NaN in some of the 2 splits .*'mine': 1"
    ) as told:
        both = compare_explainers(explainers, X, y, metrics=QUICK, cv=splits)
    assert told[0].filename == __file__
    one = compare_explainers(explainers, X, y, metrics=QUICK, cv=splits[1:])
    assert both.loc["mine", "score"] == pytest.approx(one.loc["mine", "score"])


def test_two_processes_give_the_same_scores():
    X, y = mixed_table(60)
    explainers = {"exact": exact(mixed_pipeline()), "occlusion": occlusion(mixed_pipeline())}
    here, there = (
        compare_explainers(explainers, X, y, n_samples=8, cv=KFold(2), n_jobs=n_jobs)
        for n_jobs in (None, 2)
    )
    for name in ("faithfulness", "n_evaluations_row"):
        np.testing.assert_allclose(here[name], there[name])


# Models


def test_equal_models_are_fitted_once(fits):
    X, y = iris()
    comparison = compare_explainers(
        {
            "exact": exact(CountedModel("a")),
            "occlusion": occlusion(CountedModel("a")),
            "other": exact(CountedModel("b", C=10.0)),
        },
        X,
        y,
        metrics=QUICK,
    )
    assert fits == ["a", "b"]
    assert comparison.columns[0] == "score"
    fits.clear()
    compare_explainers({"exact": exact(CountedModel("c"))}, X, y, metrics=QUICK, cv=3)
    assert fits == ["c"] * 3


def test_pipelines_share_their_steps_as_well():
    X, y = iris(as_frame=True)
    explainers = {
        "exact": make_pipeline(StandardScaler(), exact(CountedModel("a"))),
        "occlusion": make_pipeline(StandardScaler(), occlusion(CountedModel("a"))),
        "selected": make_pipeline(SelectKBest(k=2), "passthrough", exact(CountedModel("a"))),
        "alone": exact(CountedModel("a")),
    }
    FITS.clear()
    frozen = freeze_models(explainers, X, y)
    assert FITS == ["a"] * 3
    one, other = frozen["exact"], frozen["occlusion"]
    assert one[0].estimator is other[0].estimator
    assert one[-1].estimator.estimator is other[-1].estimator.estimator
    assert one[-1].estimator.estimator is not frozen["alone"].estimator.estimator
    assert frozen["selected"][1] == "passthrough"
    comparison = compare_explainers(explainers, X, y, metrics=QUICK)
    assert np.isfinite(comparison.to_numpy()[:, 0]).all()


def test_searches_and_explainers_of_their_own_model():
    problem = make_additive(100, n_features=4, n_informative=3, random_state=0)
    search = GridSearchCV(exact(Ridge()), {"estimator__alpha": [0.1, 10.0]}, cv=2)
    explainers = {"itself": ExplainedLeastSquares(), "search": search}
    for order in (explainers, dict(reversed(explainers.items()))):
        comparison = compare_explainers(order, problem.data, problem.target, metrics=QUICK)
        assert comparison.index.tolist() == [*order, "random"]
        scores = comparison["score"]
        assert min(scores["itself"], scores["search"]) > 0.5 + scores["random"]
    assert np.isnan(comparison.loc["itself", "n_evaluations_fit"])


def test_fitted_explainers_are_used_as_they_are(fits):
    X, y = iris()
    fitted = {
        "exact": exact(CountedModel()).fit(X[::2], y[::2]),
        "frozen": FrozenEstimator(occlusion(CountedModel()).fit(X[::2], y[::2])),
    }
    fits.clear()
    comparison = compare_explainers(fitted, X[1::2], metrics={"quick": QUICK, "rows": positions})
    assert not fits
    for name, explainer in fitted.items():
        assert comparison.loc[name, "quick"] == QUICK(explainer, X[1::2])
        assert comparison.loc[name, "rows"] == positions(None, X[1::2], None)
    assert comparison.loc[["exact", "frozen"], "fit_time"].isna().all()
    compare_explainers({"exact": fitted["exact"]}, X, y, metrics=QUICK, cv=2)
    assert len(fits) == 2


def test_a_frozen_model_needs_no_targets():
    X, y = iris()
    model = FrozenEstimator(LogisticRegression(max_iter=500).fit(X, y))
    comparison = compare_explainers(
        {"exact": exact(model), "occlusion": occlusion(model)}, X, metrics=QUICK
    )
    assert comparison["score"].idxmin() == "random"


@pytest.mark.parametrize(
    ("method", "n_classes", "of_second"),
    [("predict_proba", 2, True), ("predict_proba", 3, False), ("decision_function", 2, False)],
)
def test_random_attributions_of_logged_classes_are_judged_by_the_predicted_one(
    method, n_classes, of_second
):
    X, y = iris()
    y = np.minimum(y, n_classes - 1)
    logged = getattr(LogisticRegression().fit(X, y), method)(X)
    logged = logged[:, 1] if of_second else logged
    explained = []

    def keep(explainer, X, y):
        explained.append(explain(explainer, X[:10]))
        return 0.0

    explainer = LoggedExplainer(
        output="probability" if method == "predict_proba" else "log_odds",
        background=10,
        n_support=40,
        pretrained=None,
        random_state=0,
    )
    compare_explainers({"logged": explainer}, X, logged, metrics={"keep": keep})
    own, random = explained
    assert random.output_names.tolist() == own.output_names.tolist()
    np.testing.assert_allclose(random.predictions, own.predictions, atol=1e-6)
    np.testing.assert_allclose(chosen_outputs(random), chosen_outputs(own))


@pytest.mark.parametrize(("cv", "n_splits"), [(None, 1), (2, 2)])
def test_random_attributions_are_judged_once_a_split_for_the_first_explainer(cv, n_splits):
    X, y = iris()
    judged = []

    def keep(explainer, X, y):
        judged.append(explainer)
        return float(len(judged))

    explainers = {
        "exact": exact(LogisticRegression()),
        "occlusion": occlusion(LogisticRegression(C=0.1)),
    }
    comparison = compare_explainers(explainers, X, y, metrics={"keep": keep}, cv=cv)
    kinds = [type(explainer) for explainer in judged]
    assert kinds == [ExactExplainer, RandomExplainer, OcclusionExplainer] * n_splits
    # It is the only one, not a mean with those of the others.
    places = [i + 1 for i, kind in enumerate(kinds) if kind is RandomExplainer]
    assert comparison.loc["random", "keep"] == np.mean(places)
    for first, random in zip(judged[::3], judged[1::3], strict=True):
        np.testing.assert_allclose(
            random.explain(X[:5]).predictions, explain(first, X[:5]).predictions, atol=1e-6
        )


def test_random_attributions_are_not_stable():
    X, y = iris()
    stability = get_explanation_scorer("retraining_stability")
    explainers = {"exact": exact(LogisticRegression())}
    scores = compare_explainers(explainers, X, y, metrics={"same": stability})["same"]
    # What the shift to the predictions has in common remains.
    assert scores["random"] < scores["exact"] - 0.1


def test_explainers_and_table_stay_as_they_are():
    X, y = mixed_table(60)
    before = X.copy()
    explainer = exact(mixed_pipeline())
    settings = repr(explainer.get_params())
    compare_explainers({"exact": explainer}, X, y, metrics=QUICK)
    pd.testing.assert_frame_equal(X, before)
    assert repr(explainer.get_params()) == settings
    with pytest.raises(NotFittedError):
        explainer.explain(X)
    with pytest.raises(NotFittedError):
        explainer.estimator.predict(X)


def test_the_same_rows_are_explained_once():
    calls = []

    class Calling(ExactExplainer):
        def explain(self, X):
            calls.append(len(X))
            return super().explain(X)

    X, y = mixed_table(60)
    for wrap in (
        lambda explainer: explainer,
        lambda explainer: make_pipeline("passthrough", explainer),
    ):
        calls.clear()
        comparison = compare_explainers(
            {"calling": wrap(Calling(mixed_pipeline(), background=5, random_state=0))},
            X,
            y,
            metrics={
                "one": QUICK,
                "two": QUICK,
                "three": make_explanation_scorer(faithfulness_score, n_samples=3),
            },
            n_samples=10,
        )
        # One row to warm up and, after random's, one for its units; the rows; and other rows.
        assert calls == [1, 10, 3, 1]
        assert comparison.loc["calling", "one"] == comparison.loc["calling", "two"]


# Wrong calls


@pytest.mark.parametrize(
    ("explainers", "changes", "error", "complaint"),
    [
        ({}, {}, ValueError, "empty"),
        ({"random": exact(Ridge())}, {}, ValueError, '"random" is taken'),
        ({"a": Ridge()}, {}, TypeError, r"explainers\['a'\] is a Ridge"),
        ({"a": exact(Ridge())}, {"metrics": "nonsense"}, ValueError, "no explanation scorer"),
        ({"a": exact(Ridge())}, {"metrics": []}, ValueError, "metrics is empty"),
        ({"a": exact(Ridge())}, {"metrics": [QUICK]}, TypeError, "has no name"),
        ({"a": exact(Ridge())}, {"metrics": {"fit_time": QUICK}}, ValueError, r"\['fit_time'\]"),
        ({"a": exact(Ridge())}, {"metrics": {"explainer": QUICK}}, ValueError, "of its own"),
        (
            {"a": exact(Ridge())},
            {"metrics": {"b": QUICK, "b_std": QUICK}, "cv": 2},
            ValueError,
            r"\['b_std'\]: with several splits",
        ),
        ({"a": exact(Ridge())}, {"metrics": {"b": 3}}, TypeError, r"metrics\['b'\] must be"),
        ({"a": exact(Ridge())}, {"n_samples": 0}, ValueError, "'n_samples' parameter"),
        ({"a": exact(Ridge())}, {"random_state": None}, ValueError, "'random_state' parameter"),
        ([exact(Ridge())], {}, ValueError, "'explainers' parameter"),
    ],
)
def test_wrong_calls_say_what_is_wrong(explainers, changes, error, complaint):
    problem = make_switch(40, n_features=3, n_branch=1, random_state=0)
    with pytest.raises(error, match=complaint):
        compare_explainers(explainers, problem.data, problem.target, **changes)


def test_columns_that_a_model_cannot_take_are_named():
    X, y = mixed_table(40)
    with pytest.raises(ValueError, match="in column 'port'"):
        compare_explainers({"exact": exact(LogisticRegression())}, X, y)


def test_fitted_and_unfitted_explainers_are_not_mixed():
    problem = make_switch(40, n_features=3, n_branch=1, random_state=0)
    explainers = {"one": exact(problem.model).fit(problem.data), "two": exact(problem.model)}
    with pytest.raises(ValueError, match=r"\['two'\] are not fitted"):
        compare_explainers(explainers, problem.data)


# Parts


def test_random_attributions_add_up_and_are_the_row_s_own():
    X, y = mixed_table(40)
    for model in (LogisticRegression(), RandomForestClassifier(5, random_state=0)):
        random = RandomExplainer(mixed_pipeline(model), background=10, random_state=0).fit(X, y)
        explanation = random.explain(X)
        assert np.abs(explanation.residual).max() < 1e-9
        order = np.random.RandomState(0).permutation(40)
        again = random.explain(X.iloc[order])
        np.testing.assert_allclose(again.values, explanation.values[order], atol=1e-12)
        np.testing.assert_allclose(random.explain(X[3:4]).values, again.values[order == 3])
        other = clone(random).set_params(random_state=1).fit(X, y).explain(X)
        assert np.abs(other.values - explanation.values).max() > 0.01
        retrained = clone(random).set_params(background=X[:10]).fit(X[:-1], y[:-1]).explain(X)
        assert np.abs(retrained.values - explanation.values).max() > 0.01
        # Columns are as good as each other.
        importance = explanation.global_importance().iloc[:, 0]
        assert importance.max() < 2 * importance.min()


def double(X):
    return 2 * X


SAME = LogisticRegression().fit([[0.0], [1.0]], [0, 1])
LAMBDA = lambda X: X  # noqa: E731


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        (Ridge(), Ridge(), True),
        (Ridge(), Ridge(alpha=2.0), False),
        (Ridge(), LogisticRegression(), False),
        (Ridge(), clone(Ridge()).fit([[0.0], [1.0]], [0.0, 1.0]), True),
        (mixed_pipeline(), mixed_pipeline(), True),
        (mixed_pipeline(), mixed_pipeline(LogisticRegression(C=3.0)), False),
        (make_pipeline(StandardScaler(), Ridge()), make_pipeline(Ridge()), False),
        (FrozenEstimator(SAME), FrozenEstimator(SAME), True),
        (FrozenEstimator(SAME), FrozenEstimator(clone(SAME)), False),
        (FunctionTransformer(double), FunctionTransformer(double), True),
        (FunctionTransformer(LAMBDA), FunctionTransformer(LAMBDA), True),
        (FunctionTransformer(lambda X: X), FunctionTransformer(lambda X: X), False),
        (LogisticRegression(class_weight={0: 1}), LogisticRegression(class_weight={0: 1}), True),
        (LogisticRegression(class_weight={0: 1}), LogisticRegression(class_weight={0: 2}), False),
        (exact(Ridge(), feature_groups=[["a"]]), exact(Ridge(), feature_groups=[["b"]]), False),
        (
            GridSearchCV(Ridge(), {"alpha": np.arange(3)}),
            GridSearchCV(Ridge(), {"alpha": np.arange(3)}),
            True,
        ),
        (
            GridSearchCV(Ridge(), {"alpha": np.arange(3)}),
            GridSearchCV(Ridge(), {"alpha": np.arange(4)}),
            False,
        ),
    ],
)
def test_models_are_equal_if_their_settings_are(one, other, equal):
    assert _is_equal(one, other) is equal


def test_random_attributions_start_from_the_explainer_s_own_background():
    random_state = np.random.RandomState(0)
    X = random_state.normal(size=(200, 3))
    fitted = exact(Ridge()).fit(X, X[:, 0])
    explanation = fitted.explain(X[:4])
    random = _make_random(fitted, X, explanation, random_state=0)
    np.testing.assert_array_equal(random.background_, fitted.background_)
    np.testing.assert_allclose(
        random.explain(X[:4]).base_values, explanation.base_values, rtol=0, atol=1e-12
    )


def test_the_outputs_of_a_log_are_no_classes():
    rng = np.random.RandomState(0)
    X = rng.normal(size=(80, 4))
    of_yes = 1 / (1 + np.exp(-2 * X[:, 0] - X[:, 1] * X[:, 2]))
    logged = LoggedExplainer(n_support=40, output="probability", random_state=0)
    table = compare_explainers(
        {"log": logged}, X, of_yes, metrics=["retraining_stability"], n_samples=5, random_state=0
    )
    # Were every row a class of its own, all bootstraps would be of the same rows.
    assert table.loc["random", "retraining_stability"] < 0.9
