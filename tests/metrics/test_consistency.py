from dataclasses import replace

import numpy as np
import pytest

from sklearn_metaexplain.metrics import consistency
from tests.metrics.explanations import attributed
from tests.small_explainers import made_up_explanation


def with_importances(*importances, scale=1.0):
    """Two rows of a regressor whose mean sizes are the importances."""
    values = scale * np.array([importances, importances]) * [[0.5], [-1.5]]
    return attributed(values[:, :, None], None, values.sum(axis=1))


def test_by_hand():
    first, second, third = (
        with_importances(3.0, 4.0),
        with_importances(4.0, 3.0, scale=100.0),
        with_importances(0.0, 1.0),
    )
    assert consistency([first, second]) == pytest.approx(24 / 25)
    assert consistency([first, second, third]) == pytest.approx((24 / 25 + 4 / 5 + 3 / 5) / 3)
    assert consistency({"a": first, "b": first[0]}) == pytest.approx(1.0)
    assert consistency(iter([first, third, third])) == pytest.approx((4 / 5 + 4 / 5 + 1) / 3)
    assert consistency([with_importances(1.0, 0.0), third]) == 0.0


def test_zeros_are_like_zeros():
    first, nothing = with_importances(3.0, 4.0), with_importances(0.0, 0.0)
    assert consistency([first, nothing]) == 0.0
    assert consistency([nothing, nothing]) == 1.0


def test_a_target_that_never_changes_has_no_importances():
    values = np.array([[[3.0, 1e-17], [4.0, 0.0]]])
    first = attributed(values, None, [[7.0, 0.4]])
    other = replace(first, values=values * [[[1.0, 0.0]]])
    assert consistency([first, other]) == pytest.approx(1.0)
    # A second target that says something counts half.
    nothing = replace(first, values=values * [[[0.0, 1.0]]])
    assert consistency([first, nothing]) == 0.0


def test_the_predicted_class_decides():
    first = made_up_explanation()
    predicted = first.predictions.argmax(axis=1)
    others = np.arange(3) != predicted[:, None, None]
    assert consistency([first, replace(first, values=first.values * ~others)]) == pytest.approx(1.0)
    assert consistency([first, replace(first, values=first.values * others)]) == 0.0


def test_targets_in_other_units_count_alike():
    random = np.random.RandomState(0)
    values = np.abs(random.normal(size=(4, 3, 2)))
    first = attributed(values, None, values.sum(axis=1))
    scaled = attributed(values * [1.0, 1000.0], None, values.sum(axis=1))
    assert consistency([first, scaled]) == pytest.approx(1.0)


def test_bad_input():
    first = made_up_explanation()
    with pytest.raises(ValueError, match="At least two explanations are compared; got 1"):
        consistency([first])
    with pytest.raises(TypeError, match="pass a list of them"):
        consistency(first)
    with pytest.raises(TypeError, match="'b' is a ndarray"):
        consistency({"a": first, "b": first.values})
    with pytest.raises(ValueError, match=r"Explanation 1 has the features \['a', 'b', 'd'\]"):
        consistency([first, replace(first, feature_names=["a", "b", "d"])])
    missing = replace(first, values=first.values * np.nan)
    with pytest.raises(ValueError, match="Explanation 'second' has NaN or infinite values"):
        consistency({"first": first, "second": missing})
    with pytest.raises(ValueError, match="Explanation 1 has no rows"):
        consistency([first, first[[]]])
