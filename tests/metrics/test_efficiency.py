from dataclasses import replace

import numpy as np
import pytest

from sklearn_metaexplain import LimeExplainer
from sklearn_metaexplain.metrics import efficiency_residual
from tests.metrics.explanations import attributed, nothing_but_rounding
from tests.posthoc.tables import mixed_pipeline, mixed_table
from tests.small_explainers import made_up_explanation


def test_by_hand():
    # Sums 3 and -1; predictions 4 and -3 from a base of zero.
    explanation = attributed([[[1.0], [2.0]], [[1.0], [-2.0]]], None, [4.0, -3.0])
    assert efficiency_residual(explanation) == pytest.approx((1 + 2) / (4 + 3))
    assert efficiency_residual(replace(explanation, values=np.zeros((2, 2, 1)))) == 1.0
    twice = replace(explanation, values=2 * explanation.values, predictions=[[8.0], [-6.0]])
    assert efficiency_residual(twice) == pytest.approx(3 / 7)


def test_nothing_to_explain():
    explanation = attributed(np.zeros((2, 2, 1)), None, [0.0, 0.0])
    assert efficiency_residual(explanation) == 0.0
    assert efficiency_residual(replace(explanation, values=np.ones((2, 2, 1)))) == np.inf


@pytest.mark.parametrize("unit", [1e-9, 1.0, 1e9])
def test_rounding_of_the_outputs_is_nothing_to_explain(unit):
    rounding = nothing_but_rounding(unit)
    assert np.abs(rounding.values).max() > 0
    assert efficiency_residual(rounding) == 0.0
    # The mean of equal outputs may differ from them in the last digit.
    base = [np.nextafter(0.4 * unit, np.inf)]
    assert efficiency_residual(replace(rounding, values=np.zeros((4, 3, 1)), base_values=base)) == 0
    assert efficiency_residual(replace(rounding, values=np.full((4, 3, 1), 1e-9 * unit))) == np.inf


def test_explanations_that_are_not_there():
    explanation = attributed(np.ones((2, 2, 1)), None, [2.0, 2.0])
    assert np.isnan(efficiency_residual(explanation[[]]))
    for part in ("values", "base_values", "predictions"):
        missing = replace(explanation, **{part: getattr(explanation, part) * np.nan})
        with pytest.raises(ValueError, match="NaN or infinite"):
            efficiency_residual(missing)


def test_additive_explanations_have_none():
    explanation = made_up_explanation()
    assert efficiency_residual(explanation) < 1e-12
    # Of the classes, only the predicted ones count.
    predicted = explanation.predictions.argmax(axis=1)[:, None, None]
    values = np.where(np.arange(3) == predicted, explanation.values, 99.0)
    assert efficiency_residual(replace(explanation, values=values)) < 1e-12


def test_targets_are_averaged():
    values = np.ones((1, 1, 2))
    explanation = attributed(values, None, [[2.0, 1000.0]])
    assert efficiency_residual(explanation) == pytest.approx((1 / 2 + 999 / 1000) / 2)


def test_what_does_not_claim_to_add_up_is_measured_all_the_same():
    X, y = mixed_table()
    explanation = (
        LimeExplainer(mixed_pipeline(), n_samples=200, random_state=0).fit(X, y).explain(X[:10])
    )
    assert not explanation.additive
    assert 0.01 < efficiency_residual(explanation) < 1
