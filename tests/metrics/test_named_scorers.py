import pickle

import numpy as np
import pytest
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_metaexplain import LimeExplainer, explain, metrics
from sklearn_metaexplain.metrics import (
    dummy_violation,
    get_explanation_scorer,
    get_explanation_scorer_names,
    make_explanation_scorer,
    max_sensitivity,
    sparsity,
)
from tests.metrics.test_scorers import RandomExplainer
from tests.posthoc.tables import mixed_pipeline, mixed_table
from tests.small_explainers import ExactExplainer, ExplainedLeastSquares

NAMES = get_explanation_scorer_names()
# Exact attributions of a model must score better than attributions by chance.
EXACT_WINS = [
    "comprehensiveness",
    "faithfulness",
    "insertion_auc",
    "monotonicity",
    "neg_adversarial_sensitivity",
    "neg_deletion_auc",
    "neg_dummy_violation",
    "neg_infidelity",
    "neg_local_lipschitz",
    "neg_max_sensitivity",
    "neg_prediction_gap_unimportant",
    "neg_sufficiency",
    "neg_symmetry_violation",
    "prediction_gap_important",
    "seed_stability",
]
# These say nothing of whether attributions are right: the same noise every time is stable.
OTHERS = ["neg_effective_number", "neg_entropy", "sparsity", "retraining_stability"]


def small(name, n_samples=4):
    """The named scorer for fewer rows."""
    scorer = get_explanation_scorer(name)
    kinds = {
        "ExplanationScorer": "model",
        "ExplanationAloneScorer": "explanation",
        "ExplainerScorer": "explainer",
    }
    return make_explanation_scorer(
        scorer.metric,
        needs=kinds[type(scorer).__name__],
        greater_is_better=scorer.greater_is_better,
        n_samples=n_samples,
    )


def noisy_table():
    """A mixed table with two columns of numbers that nothing depends on."""
    X, y = mixed_table()
    noise = np.random.RandomState(0).normal(size=(2, 80))
    return X.assign(one=noise[0], other=noise[1]), y


def test_which_metrics_have_one():
    named = {name.removeprefix("neg_") for name in NAMES}
    alone = {"shapley_error", "rank_agreement", "sign_agreement", "top_k_jaccard"}
    alone |= {"feature_agreement", "consistency"}  # these need more than one explanation
    functions = {
        name
        for name in metrics.__all__
        if name.islower() and "scorer" not in name and not name.endswith(("_curve", "_search"))
    }
    assert named - {"faithfulness"} | {"faithfulness_score"} == functions - alone
    assert set(EXACT_WINS) | set(OTHERS) | {"neg_efficiency_residual"} == set(NAMES)


@pytest.mark.parametrize("name", EXACT_WINS)
def test_exact_attributions_beat_chance(name):
    X, y = noisy_table()
    model = FrozenEstimator(mixed_pipeline().fit(X, y))
    exact, chance = (
        kind(model, background=4, random_state=0).fit(X[:50], y[:50])
        for kind in (ExactExplainer, RandomExplainer)
    )
    scorer = small(name)
    fold, labels = X[50:66], y[50:66]
    scores = [scorer(each, fold, labels) for each in (exact, chance)]
    assert all(isinstance(score, float) for score in scores)
    assert scores[0] > scores[1]


@pytest.mark.parametrize("name", NAMES)
def test_a_scorer_is_its_metric_with_the_sign_for_maximising(name):
    scorer = get_explanation_scorer(name)
    assert scorer.greater_is_better == (not name.startswith("neg_"))
    metric = "faithfulness_score" if name == "faithfulness" else name.removeprefix("neg_")
    assert scorer.metric is getattr(metrics, metric)


def test_a_name_without_its_sign_gets_a_hint():
    with pytest.raises(ValueError, match="'neg_deletion_auc' turns its sign"):
        get_explanation_scorer("deletion_auc")


@pytest.mark.parametrize("name", NAMES)
def test_regressors_that_explain_themselves_in_a_pipeline(name):
    X = np.random.RandomState(0).normal(size=(40, 4))
    y = np.sin(X[:, 0]) + X @ [1.0, 2.0, 0.0, -1.0]
    pipeline = make_pipeline(StandardScaler(), ExplainedLeastSquares())
    result = cross_validate(pipeline, X, y, cv=2, scoring={name: small(name)}, error_score="raise")
    assert np.isfinite(result[f"test_{name}"]).all()


def test_search_by_several_at_once():
    X, y = mixed_table()
    names = ["faithfulness", "neg_max_sensitivity", "sparsity", "neg_efficiency_residual"]
    search = GridSearchCV(
        LimeExplainer(mixed_pipeline(), random_state=0),
        {"n_samples": [20, 400]},
        cv=2,
        scoring={"accuracy": "accuracy", **{name: small(name) for name in names}},
        refit="faithfulness",
        error_score="raise",
    ).fit(X, y)
    for name in names:
        scores = search.cv_results_[f"mean_test_{name}"]
        assert np.isfinite(scores).all()
        assert scores[0] != scores[1]
    assert search.best_params_ == {"n_samples": 400}
    assert len(explain(search, X[:3])) == 3


def test_stability_is_seen_by_a_search():
    X, y = mixed_table()
    search = GridSearchCV(
        LimeExplainer(mixed_pipeline(), random_state=0),
        {"n_samples": [20, 400]},
        cv=2,
        scoring=small("seed_stability"),
        error_score="raise",
    ).fit(X, y)
    assert search.best_params_ == {"n_samples": 400}


@pytest.mark.parametrize("name", ["sparsity", "neg_max_sensitivity", "retraining_stability"])
def test_same_numbers_twice_and_pickled(name):
    X, y = mixed_table()
    explainer = ExactExplainer(mixed_pipeline(), background=3, random_state=0).fit(X, y)
    scorer = small(name)
    score = scorer(explainer, X, y)
    assert scorer(explainer, X, y) == score
    assert pickle.loads(pickle.dumps(scorer))(explainer, X, y) == score


# What the metric is called with


def test_metrics_of_the_explainer_get_the_fold_and_its_targets():
    X, y = mixed_table()
    explainer = ExactExplainer(mixed_pipeline(), background=3, random_state=0).fit(X, y)
    seen = {}

    def metric(explainer, X, y, *, n_samples, random_state, factor):
        seen.update(explainer=explainer, X=X, y=y, n_samples=n_samples, random_state=random_state)
        return factor

    scorer = make_explanation_scorer(
        metric,
        needs="explainer",
        greater_is_better=False,
        n_samples=7,
        random_state=3,
        metric_params={"factor": 2},
    )
    assert scorer(explainer, X[5:20], y[5:20]) == -2.0
    assert seen["explainer"] is explainer
    assert seen["X"].equals(X[5:20])
    assert seen["y"].tolist() == y[5:20].tolist()
    assert (seen["n_samples"], seen["random_state"]) == (7, 3)


def test_metrics_of_the_explanation_get_nothing_else():
    X, y = mixed_table()
    explainer = ExactExplainer(mixed_pipeline(), background=3, random_state=0).fit(X, y)
    scorer = make_explanation_scorer(
        lambda explanation, power=1: len(explanation) ** power,
        needs="explanation",
        n_samples=3,
        metric_params={"power": 2},
    )
    assert scorer(explainer, X) == 9.0
    # The same rows as all other scorers explain.
    rows = X.iloc[np.random.RandomState(0).permutation(80)[:3]]
    expected = sparsity(explainer.explain(rows))
    assert make_explanation_scorer(sparsity, needs="explanation", n_samples=3)(
        explainer, X
    ) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("metric", "needs", "options", "message"),
    [
        (sparsity, "model", {}, r"metric\(explanation, predict.*needs='model'"),
        (max_sensitivity, "explanation", {"radius": 1}, r"needs='explanation'"),
        (sparsity, "explainer", {}, r"metric\(explainer, X, y, n_samples=.*needs='explainer'"),
        (dummy_violation, "model", {"columns": ["a"]}, "columns"),
    ],
)
def test_metrics_that_need_something_else_are_refused(metric, needs, options, message):
    with pytest.raises(TypeError, match=message):
        make_explanation_scorer(metric, needs=needs, metric_params=options)


def test_bad_needs_and_parameters_that_the_scorer_passes():
    with pytest.raises(ValueError, match="'needs' parameter"):
        make_explanation_scorer(sparsity, needs="rows")
    with pytest.raises(ValueError, match=r"must not set \['n_samples'\]"):
        make_explanation_scorer(max_sensitivity, needs="explainer", metric_params={"n_samples": 5})


@pytest.mark.parametrize("name", ["sparsity", "neg_max_sensitivity", "seed_stability"])
def test_what_is_no_explainer_is_refused(name):
    X = np.random.RandomState(0).normal(size=(9, 2))
    with pytest.raises(TypeError, match="is not an explainer"):
        get_explanation_scorer(name)(LinearRegression().fit(X, X[:, 0]), X, X[:, 0])


@pytest.mark.parametrize("name", ["neg_max_sensitivity", "neg_adversarial_sensitivity"])
def test_what_cannot_move_is_not_taken_for_robust(name):
    X = np.random.RandomState(0).randint(0, 4, size=(30, 3))
    scorer = get_explanation_scorer(name)
    explainer = ExactExplainer(LinearRegression(), background=2, random_state=0)
    assert np.isnan(scorer(explainer.fit(X, X[:, 0]), X))
    assert scorer(explainer.fit(X * 1.0, X[:, 0]), X * 1.0) < 0
