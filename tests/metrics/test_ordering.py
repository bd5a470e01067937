"""Metrics rank the truth before good, good before noisy, and noisy before random attributions."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression

from sklearn_metaexplain import metrics
from tests.small_explainers import ExactExplainer

# Whether more is better.
OF_THE_MODEL = {
    "faithfulness_score": True,
    "deletion_auc": False,
    "insertion_auc": True,
    "comprehensiveness": True,
    "sufficiency": False,
    "infidelity": False,
    "monotonicity": True,
    "prediction_gap_important": True,
    "prediction_gap_unimportant": False,
}
OF_THE_TRUTH = {
    "shapley_error": False,
    "rank_agreement": True,
    "sign_agreement": True,
    "top_k_jaccard": True,
    "feature_agreement": True,
}
# Shapley values do not reach its largest value, as its documentation says.
ALMOST_BEST = {"prediction_gap_important"}


class Known(RegressorMixin, BaseEstimator):
    """A regressor that is a given function."""

    def __init__(self, function=None):
        self.function = function

    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        return self

    def predict(self, X):
        return self.function(np.asarray(X))


def linear(X):
    return X @ [2.0, -1.5, 1.0, 0.5, -0.25, 0.0]


def interacting(X):
    return X[:, 0] * X[:, 1] + 2 * X[:, 2] + np.sin(X[:, 3]) + 0.5 * X[:, 4]


@cache
def candidates(game):
    """Explanations from the truth to chance, a model's predict, and a background."""
    random = np.random.RandomState(0)
    X, background = random.normal(size=(120, 6)), random.normal(size=(10, 6))
    if game == "classes":
        model = LogisticRegression().fit(X, np.digitize(interacting(X), [-1.0, 1.0]))
        predict = model.predict_proba
    else:
        model = Known(linear if game == "linear" else interacting).fit(X)
        predict = model.predict
    explainer = ExactExplainer(FrozenEstimator(model), background=background).fit(X)
    truth = explainer.explain(X)
    size = truth.values.std()
    noise = [random.normal(size=truth.values.shape) for _ in range(3)]
    values = {
        "truth": truth.values,
        "good": truth.values + 0.3 * size * noise[0],
        "noisy": truth.values + 1.0 * size * noise[1],
        "random": size * noise[2],
    }
    return {name: replace(truth, values=part) for name, part in values.items()}, predict, background


@pytest.mark.parametrize("game", ["linear", "interacting", "classes"])
@pytest.mark.parametrize("name", [*OF_THE_MODEL, *OF_THE_TRUTH])
def test_better_attributions_score_better(name, game):
    explanations, predict, background = candidates(game)
    metric = getattr(metrics, name)
    if name in OF_THE_MODEL:
        scores = [
            metric(each, predict, background=background, random_state=0)
            for each in explanations.values()
        ]
    else:
        scores = [metric(explanations["truth"], each) for each in explanations.values()]
    better = OF_THE_MODEL[name] if name in OF_THE_MODEL else OF_THE_TRUTH[name]
    truth, good, noisy, chance = scores if better else [-score for score in scores]
    assert good > noisy > chance
    if name in ALMOST_BEST:
        assert truth > noisy
    else:
        assert truth > good
