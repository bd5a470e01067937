"""Outputs whose squares no float holds."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import BaseEstimator, RegressorMixin

from sklearn_metaexplain import LoggedExplainer, MetaExplainer
from sklearn_metaexplain.posthoc._output_scale import OutputScale


class InUnits(RegressorMixin, BaseEstimator):
    """Numbers and categories that interact, in some unit."""

    def __init__(self, unit=1.0):
        self.unit = unit

    def fit(self, X, y=None):
        self.is_fitted_ = True
        return self

    def predict(self, X):
        level = X["kind"].map({"a": -1.0, "b": 0.5, "c": 2.0}).to_numpy()
        return self.unit * (X["x"] * X["y"] + np.sin(X["y"]) * level).to_numpy()


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    numbers = pd.DataFrame(rng.normal(size=(80, 3)), columns=["x", "y", "z"])
    return numbers.assign(kind=rng.choice(list("abc"), 80))


# Powers of two, in which nothing is rounded otherwise.
UNITS = [2.0**-560, 2.0**1000]


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize(
    "options",
    [{}, {"speed": "fast"}, {"budget": 60, "tol": 0.02}, {"pretrained": None, "budget": 9}],
)
@pytest.mark.filterwarnings("ignore::sklearn_metaexplain.exceptions.ToleranceWarning")
def test_units_change_nothing(table, unit, options):
    settings = {"background": 8, "n_support": 240, "random_state": 0, **options}
    first, other = (MetaExplainer(InUnits(u), **settings).fit(table) for u in (1.0, unit))
    expected, explanation = first.explain(table[:6]), other.explain(table[:6])
    assert other.shapley_error_ == first.shapley_error_ > 0
    np.testing.assert_array_equal(other.dummies_, first.dummies_)
    np.testing.assert_array_equal(explanation.n_evaluations, expected.n_evaluations)
    np.testing.assert_array_equal(explanation.values / unit, expected.values)
    np.testing.assert_array_equal(explanation.std / unit, expected.std)


@pytest.mark.parametrize("unit", UNITS)
def test_units_of_a_log_change_nothing(table, unit):
    explained = []
    for factor in (1.0, unit):
        outputs = InUnits(factor).predict(table)
        explainer = LoggedExplainer(random_state=0).fit(table, outputs)
        explained.append(explainer.explain(table[:6], outputs=outputs[:6]))
    expected, explanation = explained
    np.testing.assert_array_equal(explanation.values / unit, expected.values)
    np.testing.assert_array_equal(explanation.std / unit, expected.std)


def test_the_scale_is_mean_and_deviation():
    outputs = torch.from_numpy(np.random.default_rng(0).normal(3.0, [1e-3, 1.0, 1e6], (50, 3)))
    scale = OutputScale.of(outputs)
    assert torch.equal(scale.center, outputs.mean(0))
    assert torch.equal(scale.spread, outputs.std(0, correction=0))
    assert OutputScale.of(torch.zeros(4, 1)).varies.tolist() == [False]
    # Beside their mean, a billionth is little, and what rounding makes of equal numbers nothing.
    moved = 1.0 + torch.tensor([[0.0, 0.0], [1e-9, 4e-16]], dtype=torch.float64)
    assert OutputScale.of(moved).varies.tolist() == [True, False]
    largest = OutputScale.of(torch.tensor([[1e308], [-1e308]], dtype=torch.float64))
    assert largest.varies.all()
    assert largest.spread.item() == pytest.approx(1e308)
