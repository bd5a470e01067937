"""Scores that have no unit are the same in any."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from sklearn_metaexplain import ShapExplainer, metrics


class InUnits(LinearRegression):
    """A column times another, in some unit."""

    def __init__(self, unit=1.0):
        super().__init__()
        self.unit = unit

    def predict(self, X):
        return self.unit * (X[:, 0] * X[:, 1] + np.sin(X[:, 2]))


def scores(unit):
    X = np.random.default_rng(0).normal(size=(40, 3))
    explainer = ShapExplainer(InUnits(unit), background=6, random_state=0).fit(X, X[:, 0])
    truth = explainer.explain(X[:6])
    off = unit * np.random.default_rng(1).normal(scale=0.2, size=truth.values.shape)
    judged = replace(truth, values=truth.values + off)
    drawn = {"random_state": 0}
    lipschitz = metrics.local_lipschitz(explainer, X[:6], **drawn)
    return {
        "faithfulness": metrics.faithfulness_score(
            judged, explainer.predict, background=X[20:30], **drawn
        ),
        "shapley_error": metrics.shapley_error(truth, judged),
        "consistency": metrics.consistency([truth, judged]),
        "max_sensitivity": metrics.max_sensitivity(explainer, X[:6], **drawn),
        "adversarial": metrics.adversarial_sensitivity(explainer, X[:6], **drawn),
        "seed_stability": metrics.seed_stability(explainer, X, n_samples=5, **drawn),
        "lipschitz": lipschitz / unit,
    }


# Powers of two, in which nothing is rounded otherwise, and whose squares no float holds.
@pytest.mark.parametrize("unit", [2.0**-700, 2.0**700])
def test_units_change_no_score(unit):
    assert scores(unit) == pytest.approx(scores(1.0), rel=1e-9)
