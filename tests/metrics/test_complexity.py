from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sklearn_metaexplain.metrics import effective_number, entropy, sparsity
from tests.metrics.explanations import attributed, nothing_but_rounding
from tests.small_explainers import made_up_explanation

ALL = (sparsity, entropy, effective_number)


def explained(*rows):
    values = np.asarray(rows, dtype=float)[:, :, None]
    return attributed(values, None, values.sum(axis=1))


def test_by_hand():
    # Shares 0.1, 0.2, 0.3, 0.4: the Gini index as twice the area above the Lorenz curve.
    lorenz = np.array([0.0, 0.1, 0.3, 0.6, 1.0])
    gini = 1 - 2 * ((lorenz[1:] + lorenz[:-1]) / 2 * 0.25).sum()
    explanation = explained([2.0, -4.0, 1.0, 3.0])
    assert sparsity(explanation) == pytest.approx(gini)
    bits = -sum(p * np.log(p) for p in (0.1, 0.2, 0.3, 0.4))
    assert entropy(explanation) == pytest.approx(bits)
    assert effective_number(explanation) == pytest.approx(np.exp(bits))


def test_what_quantus_gives():
    # Quantus 0.6.0, Sparseness and Complexity of the same sizes; it adds 1e-7 to each.
    values = np.random.RandomState(0).normal(size=(20, 6))
    assert sparsity(explained(*values)) == pytest.approx(0.3361900840719044, abs=1e-6)
    assert entropy(explained(*values)) == pytest.approx(1.5694708042609649, abs=1e-9)


@pytest.mark.parametrize("m", [1, 2, 5])
def test_equal_shares(m):
    explanation = explained([1.0] * m + [0.0] * (5 - m))
    assert effective_number(explanation) == pytest.approx(m)
    assert entropy(explanation) == pytest.approx(np.log(m))
    assert sparsity(explanation) == pytest.approx(1 - m / 5)


@pytest.mark.parametrize("metric", ALL)
def test_missing_attributions_are_refused(metric):
    with pytest.raises(ValueError, match="explanation has NaN"):
        metric(explained([1.0, 2.0], [np.nan, 3.0]))


@given(
    arrays(float, (3, 4), elements=st.floats(-5, 5).filter(lambda x: x == 0 or abs(x) > 1e-3)),
    st.floats(0.01, 100),
    st.permutations(range(4)),
)
def test_scale_sign_and_order_do_not_count(values, scale, order):
    values[:, 0] = 1.0
    for metric in ALL:
        score = metric(explained(*values))
        assert metric(explained(*(-scale * values[:, order]))) == pytest.approx(score)
    assert 0 <= sparsity(explained(*values)) <= 0.75 + 1e-12
    assert 1 - 1e-12 <= effective_number(explained(*values)) <= 4 + 1e-12


@pytest.mark.parametrize("metric", ALL)
def test_rows_of_zeros_are_left_out(metric):
    row = [3.0, 1.0, 0.0]
    assert metric(explained(row, [0.0] * 3)) == metric(explained(row))
    assert np.isnan(metric(explained([0.0] * 3)))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("unit", [1e-12, 1.0])
@pytest.mark.parametrize("metric", ALL)
def test_rounding_is_as_zero(metric, unit):
    assert np.isnan(metric(nothing_but_rounding(unit)))
    row = np.array([3.0, 1.0, 0.0])
    assert metric(explained(unit * row)) == pytest.approx(metric(explained(row)))
    # A row that nothing was found in, beside one that tells how large outputs are.
    noise = 1e-17 * np.array([0.0, 1.0, 1.0])
    assert metric(explained(unit * row, unit * row, unit * noise)) == metric(explained(unit * row))
    assert np.isnan(metric(explained(row)[:0]))


@pytest.mark.parametrize("metric", ALL)
def test_which_outputs(metric):
    explanation = made_up_explanation()
    expected = np.mean(
        [metric(explained(row.for_predicted().values[0, :, 0])) for row in explanation]
    )
    assert metric(explanation) == pytest.approx(expected)
    targets = replace(explanation, estimator_type="regressor")
    alone = [metric(targets.for_output(label)) for label in targets.output_names]
    assert metric(targets) == pytest.approx(np.mean(alone))
    with pytest.raises(TypeError, match="explanation"):
        metric(explanation.values)
