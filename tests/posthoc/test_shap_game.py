"""What shap makes of games in units that it was not written for."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, RegressorMixin

from sklearn_metaexplain import ShapExplainer


class TwoTargets(RegressorMixin, BaseEstimator):
    """Interactions in some unit, and one column as it is."""

    def __init__(self, unit=1.0):
        self.unit = unit

    def fit(self, X, y=None):
        self.is_fitted_ = True
        return self

    def predict(self, X):
        interactions = X[:, 0] * X[:, 1] + np.sin(X[:, 2]) * X[:, 3]
        return np.column_stack([self.unit * interactions, X[:, 0]])


@pytest.mark.filterwarnings("ignore:Linear regression equation is singular")
@pytest.mark.parametrize("unit", [1e-290, 1e-9, 1e-5, 1e9])
@pytest.mark.parametrize("budget", [70, None])
def test_kernel_keeps_attributions_of_any_unit(unit, budget):
    X = np.random.default_rng(0).normal(size=(60, 4))
    settings = {"algorithm": "kernel", "budget": budget, "background": 8, "random_state": 0}
    explained = [
        ShapExplainer(TwoTargets(factor), **settings).fit(X).explain(X[:5])
        for factor in (1.0, unit)
    ]
    expected, values = (explanation.values for explanation in explained)
    np.testing.assert_allclose(values / [unit, 1.0], expected, atol=1e-12)
