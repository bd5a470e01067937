"""Classifiers with a threshold of their own are judged by the class that they predict."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import FixedThresholdClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_metaexplain.metrics import (
    adversarial_search,
    comprehensiveness,
    deletion_auc,
    faithfulness_score,
    retraining_stability,
)
from tests.small_explainers import ExactExplainer


@pytest.fixture
def judged():
    """An explainer, rows, and explanations of those whose class is not the largest output."""
    rng = np.random.RandomState(0)
    X = pd.DataFrame(rng.normal(size=(200, 4)), columns=list("abcd"))
    score = X["a"] + 0.5 * X["b"] - 1.2 + 0.5 * rng.normal(size=200)
    model = FixedThresholdClassifier(LogisticRegression(), threshold=0.1)
    explainer = ExactExplainer(model, background=X[:10], random_state=0)
    explainer.fit(X, np.where(score > 0, "yes", "no"))
    explanation = explainer.explain(X[:60])
    largest = explanation.output_names[explanation.predictions.argmax(axis=1)]
    doubted = explanation[explanation.predicted_labels != largest]
    assert len(doubted) > 5
    assert set(doubted.predicted_labels) == {"yes"}
    return explainer, X, doubted


@pytest.mark.parametrize("metric", [comprehensiveness, deletion_auc])
def test_what_is_erased_counts_in_the_predicted_class(judged, metric):
    explainer, X, doubted = judged
    one = doubted.for_output("yes")

    def probability_of_yes(rows):
        return explainer.predict_proba(rows)[:, [1]]

    expected = metric(one, probability_of_yes, background=X[:10])
    found = metric(doubted, explainer.predict_proba, background=X[:10])
    assert found == pytest.approx(expected)


def test_rows_of_a_search_keep_the_class_that_is_predicted(judged):
    explainer, X, _ = judged
    found = adversarial_search(explainer, X, n_samples=40, n_rounds=2, random_state=0, radius=0.3)
    assert (found.before.predicted_labels == found.after.predicted_labels).all()


def test_models_that_are_trained_anew_predict_for_themselves(judged):
    explainer, X, _ = judged
    y = explainer.predict(X)
    score = retraining_stability(explainer, X, y, n_repeats=2, n_samples=10, random_state=0)
    assert 0.5 < score < 1


def test_rows_are_not_changed_by_a_model_that_writes_over_them():
    X = np.random.default_rng(0).normal(size=(60, 3)) * [1.0, 10.0, 100.0]
    model = make_pipeline(StandardScaler(copy=False), Ridge())
    explainer = ExactExplainer(model, background=5, random_state=0).fit(X.copy(), X[:, 0])
    rows, background = X[:6].copy(), X[10:15].copy()
    explanation = explainer.explain(rows)
    first, again = (
        faithfulness_score(explanation, explainer.predict, background=background, random_state=0)
        for _ in range(2)
    )
    assert first == again
    np.testing.assert_array_equal(rows, X[:6])
    np.testing.assert_array_equal(background, X[10:15])
