import dataclasses

import numpy as np
import pytest

from sklearn_metaexplain.metrics import shapley_error
from tests.metrics.explanations import nothing_but_rounding
from tests.small_explainers import made_up_explanation


def test_all_rows_columns_and_outputs_count_together():
    truth = np.array([[[1.0, -1.0], [2.0, -2.0]], [[0.0, 0.0], [3.0, -3.0]]])
    values = truth.copy()
    values[0, 0, 0] += 1.0
    values[1, 1, 1] -= 2.0
    assert shapley_error(truth, values) == pytest.approx((1 + 4) / (1 + 1 + 4 + 4 + 9 + 9))


def test_perfect_attributions_and_none():
    truth = np.random.RandomState(0).normal(size=(4, 3, 2))
    assert shapley_error(truth, truth) == 0.0
    assert shapley_error(truth, np.zeros_like(truth)) == pytest.approx(1.0)
    assert shapley_error(1000 * truth, 1100 * truth) == pytest.approx(0.01)


def test_true_values_of_zero():
    zero = np.zeros((2, 3, 1))
    assert shapley_error(zero, zero) == 0.0
    assert shapley_error(zero, zero + 1e-3) == np.inf


def test_rounding_of_the_outputs_is_no_error():
    nothing = nothing_but_rounding()
    zero = dataclasses.replace(nothing, values=np.zeros((4, 3, 1)))
    assert shapley_error(nothing, zero) == 0.0
    assert shapley_error(zero, nothing) == 0.0


def test_explanations_and_arrays_agree():
    truth = made_up_explanation()
    judged = dataclasses.replace(truth, values=truth.values + 0.1)
    expected = 0.01 * truth.values.size / np.sum(np.square(truth.values))
    assert shapley_error(truth, judged) == pytest.approx(expected)
    assert shapley_error(truth.values, judged) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"output": "log_odds"}, "log_odds"),
        ({"feature_names": ["b", "a", "c"]}, "feature_names"),
        ({"output_names": ["z", "y", "x"]}, "output_names"),
        ({"index": list("qrstuv")}, "different labels"),
    ],
)
def test_explanations_of_something_else_are_refused(changes, message):
    truth = made_up_explanation(index=list("rqstuv"))
    with pytest.raises(ValueError, match=message):
        shapley_error(truth, dataclasses.replace(truth, **changes))


def test_bad_arrays_are_refused():
    truth = np.ones((2, 3, 1))
    with pytest.raises(ValueError, match=r"\(2, 3, 1\).*\(3, 1\)"):
        shapley_error(truth, truth[0])
    with pytest.raises(ValueError, match="true_values"):
        shapley_error(truth * np.nan, truth)
