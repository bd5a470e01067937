from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from sklearn_metaexplain.inspection import CurveDisplay
from sklearn_metaexplain.metrics import deletion_auc, perturbation_curve
from tests.inspection.explanations import regression_explanation


@pytest.fixture
def linear():
    random = np.random.RandomState(0)
    X, weights = random.normal(size=(12, 4)), np.array([3.0, 2.0, 1.0, 0.5])
    model = LinearRegression().fit(X, X @ weights)
    background = X[:5]
    values = (X - background.mean(axis=0)) * weights
    explanation = regression_explanation(values, X, base=background.mean(axis=0) @ weights)
    return explanation, model, background


def test_curve_of_an_explanation_is_that_of_the_metric(linear):
    explanation, model, background = linear
    display = CurveDisplay.from_explanation(
        explanation, model.predict, background=background, random_state=0
    )
    curve = perturbation_curve(explanation, model.predict, background=background, random_state=0)
    np.testing.assert_array_equal(display.lines_[0].get_xdata(), curve.fractions)
    np.testing.assert_array_equal(display.lines_[0].get_ydata(), curve.outputs)
    area = deletion_auc(explanation, model.predict, background=background, random_state=0)
    assert display.aucs["deletion"] == pytest.approx(area)
    assert f"{area:.3g}" in display.legend_.get_texts()[0].get_text()
    assert display.ax_.get_xlabel() == "share of columns removed"
    assert display.ax_.get_ylabel() == "mean prediction"


def test_better_explanations_fall_earlier(linear):
    explanation, model, background = linear
    opposite = replace(explanation, values=-explanation.values, additive=False)
    display = CurveDisplay.from_explanation(
        {"right": explanation, "wrong": opposite}, model.predict, background=background
    )
    assert display.aucs["right"] < display.aucs["wrong"]
    assert len(display.lines_) == 2
    assert display.fill_ is None
    inserted = CurveDisplay.from_explanation(
        {"right": explanation, "wrong": opposite},
        model.predict,
        background=background,
        order="insertion",
    )
    assert inserted.aucs["right"] > inserted.aucs["wrong"]
    assert inserted.ax_.get_xlabel() == "share of columns inserted"


def test_curves_that_are_known():
    result = SimpleNamespace(fractions=[0, 0.5, 1], outputs=[1.0, 0.25, 0.0], order="deletion")
    display = CurveDisplay.from_curves(result)
    assert display.order == "deletion"
    assert display.aucs == {"deletion": pytest.approx(0.375)}
    assert display.fill_ is not None
    # Far from zero an area down to zero would flatten the curve.
    far = CurveDisplay.from_curves({"a": ([0, 1], [100.0, 101.0])})
    assert far.fill_ is None


def test_wrong_curves():
    good = ([0, 0.5, 1], [1, 0.5, 0])
    deleted = SimpleNamespace(fractions=[0, 1], outputs=[1, 0], order="deletion")
    inserted = SimpleNamespace(fractions=[0, 1], outputs=[0, 1], order="insertion")
    with pytest.raises(ValueError, match="different ways"):
        CurveDisplay.from_curves({"a": deleted, "b": inserted})
    with pytest.raises(ValueError, match="different ways"):
        CurveDisplay.from_curves({"a": deleted}, order="insertion")
    with pytest.raises(ValueError, match="order must be one of"):
        CurveDisplay.from_curves({"a": good}, order="up")
    with pytest.raises(ValueError, match="is empty"):
        CurveDisplay.from_curves({})
    with pytest.raises(ValueError, match=r"Curve 'a' has fractions of shape \(3,\)"):
        CurveDisplay.from_curves({"a": ([0, 0.5, 1], [1, 0])})
    with pytest.raises(ValueError, match="Curve 'a' must have"):
        CurveDisplay.from_curves({"a": ["zero", "one"]})
    with pytest.raises(ValueError, match=r"told apart by colour; pass at most 7 curves\."):
        CurveDisplay.from_curves({str(k): good for k in range(8)})
    with pytest.raises(TypeError, match="must be an Explanation"):
        CurveDisplay.from_explanation({"a": good}, None, background=None)
