import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from sklearn_metaexplain.inspection import ALEDisplay, accumulated_local_effects
from tests.inspection.pictures import fitted_sum
from tests.posthoc.tables import mixed_pipeline, mixed_table


def test_lines_are_the_effects():
    model, X = fitted_sum()
    display = ALEDisplay.from_estimator(model, X, ["bill", "island", ("bill", "mass")], n_bins=7)
    assert display.ax_.shape == (3,)
    line, points = display.lines_
    expected = accumulated_local_effects(model, X, "bill", n_bins=7)
    np.testing.assert_array_equal(line.get_xdata(), expected.grid_values[0])
    np.testing.assert_array_equal(line.get_ydata(), expected.effects[:, 0])
    islands = accumulated_local_effects(model, X, "island")
    np.testing.assert_array_equal(points.get_ydata(), islands.effects[:, 0])
    assert points.get_linestyle() == "None"
    ticks = [label.get_text() for label in display.ax_[1].get_xticklabels()]
    assert ticks == list(islands.grid_values[0])
    pair = accumulated_local_effects(model, X, ("bill", "mass"), n_bins=7).effects[:, :, 0]
    np.testing.assert_array_equal(display.images_[0].get_array(), pair.T)
    low, high = display.images_[0].get_clim()
    assert low == -high == -np.abs(pair).max()


def test_default_output_of_two_classes_is_the_second_and_of_more_all():
    X, y = mixed_table()
    model = mixed_pipeline().fit(X, y)
    display = ALEDisplay.from_estimator(model, X, ["age"])
    assert display.outputs == [1]
    assert display.ax_.get_ylabel().replace("\n", " ") == "effect on the probability of yes"
    assert display.legend_ is None
    y = np.where(X["port"] == "C", "one", np.where(X["age"] > 45, "two", "three"))
    model = mixed_pipeline(LogisticRegression()).fit(X, y)
    display = ALEDisplay.from_estimator(model, X, ["age"])
    assert [text.get_text() for text in display.legend_.get_texts()] == ["one", "three", "two"]
    assert len(display.lines_) == 3
    display = ALEDisplay.from_estimator(model, X, ["age"], output="two", units="log_odds")
    assert display.outputs == [2]
    assert "log-odds of two" in display.ax_.get_ylabel().replace("\n", " ")


def test_wrong_calls():
    X, y = mixed_table()
    y = np.where(X["port"] == "C", "one", np.where(X["age"] > 45, "two", "three"))
    model = mixed_pipeline().fit(X, y)
    with pytest.raises(ValueError, match="features must be a list"):
        ALEDisplay.from_estimator(model, X, "age")
    with pytest.raises(ValueError, match=r"There are no outputs \['four'\]"):
        ALEDisplay.from_estimator(model, X, ["age"], output="four")
    with pytest.raises(ValueError, match="shows one output"):
        ALEDisplay.from_estimator(model, X, [("age", "fare")])
