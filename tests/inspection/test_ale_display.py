import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from sklearn_metaexplain import ShapExplainer
from sklearn_metaexplain.inspection import ALEDisplay, accumulated_local_effects
from tests.inspection.pictures import SumOfColumns, fitted_sum
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


class TenClasses(ClassifierMixin, BaseEstimator):
    """Scores of 10 classes rise along a column by 10 different slopes."""

    slopes = np.array([0.0, 9.0, -1.0, 8.0, -7.0, 6.0, 2.0, -5.0, 3.0, 4.0])

    def fit(self, X, y=None):
        self.classes_, self.n_features_in_ = np.array(list("abcdefghij")), X.shape[1]
        return self

    def decision_function(self, X):
        return X[:, :1] * self.slopes + X[:, 1:]

    def predict(self, X):
        return self.classes_[self.decision_function(X).argmax(axis=1)]


def test_of_many_classes_those_of_the_widest_effects_are_drawn():
    X = np.random.RandomState(0).normal(size=(50, 2))
    model = TenClasses().fit(X)
    display = ALEDisplay.from_estimator(model, X, [0])
    assert display.outputs == [1, 3, 4, 5, 7, 8, 9]
    assert [text.get_text() for text in display.legend_.get_texts()] == list("bdefhij")
    assert display.legend_.get_title().get_text() == "widest 7 of 10"
    slopes = [np.ptp(line.get_ydata()) / np.ptp(line.get_xdata()) for line in display.lines_]
    np.testing.assert_allclose(slopes, np.abs(model.slopes[display.outputs]))
    # The other column adds the same to all classes.
    facets = ALEDisplay.from_estimator(model, X, [1, 0])
    assert facets.outputs == [1, 3, 4, 5, 7, 8, 9]
    # Above the axes, where so many outputs cover no line.
    legend, axes = facets.legend_, facets.ax_[0]
    facets.figure_.draw_without_rendering()
    assert legend.axes is axes
    assert legend.get_window_extent().y0 >= axes.get_window_extent().y1 - 1
    named = ALEDisplay.from_estimator(model, X, [0], output=["a", "c"])
    assert named.outputs == [0, 2]
    assert named.legend_.get_title().get_text() == ""
    with pytest.raises(ValueError, match=r"pass at most 7 labels as output\.$"):
        ALEDisplay.from_estimator(model, X, [0], output=list("abcdefgh"))


@pytest.mark.parametrize(
    "labels",
    [
        pd.MultiIndex.from_tuples([("price", 2020), ("price", 2021), ("rent", 2020)]),
        pd.DatetimeIndex(["2020-01-01", "2021-01-01", "2022-01-01"]).as_unit("ns"),
    ],
)
def test_targets_are_found_by_labels_of_several_levels_and_by_dates(labels):
    X = np.random.RandomState(0).normal(size=(30, 2))
    targets = pd.DataFrame(X[:, :1] * [1.0, 2.0, 3.0], columns=labels)
    explainer = ShapExplainer(LinearRegression(), background=2, random_state=0).fit(X, targets)
    for output, places in [
        (labels[1], [1]),
        ([labels[2], labels[0]], [2, 0]),
        (labels[:2], [0, 1]),
    ]:
        assert ALEDisplay.from_estimator(explainer, X, [0], output=output).outputs == places


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


class MassOrZero(SumOfColumns):
    """Takes missing values in all columns."""

    def predict(self, X):
        return super().predict(X.fillna({"mass": 0.0}))


def test_rows_that_are_left_out_are_counted_on_the_axis():
    model, X = MassOrZero(), fitted_sum()[1].astype({"mass": float})
    model.fit(X)
    X.iloc[[3, 4], X.columns.get_loc("bill")] = np.nan
    X.iloc[[4, 9], X.columns.get_loc("mass")] = np.nan
    display = ALEDisplay.from_estimator(model, X, ["bill", "island", ("bill", "mass"), "seen"])
    # Long lines are broken.
    labels = [ax.get_xlabel().split("\n", 1) for ax in display.ax_]
    assert [[text.replace("\n", " ") for text in label] for label in labels] == [
        ["bill", "3 rows without a value left out"],
        ["island", "2 rows without a value left out"],
        ["bill", "4 rows without a value left out"],
        ["seen"],
    ]
    assert [result.n_left_out for result in display.results] == [3, 2, 4, 0]
    one = ALEDisplay.from_estimator(model, X[:3], ["bill"])
    assert one.ax_.get_xlabel() == "bill\n1 row without a value left out"


def test_years_are_written_without_fractions():
    model, X = fitted_sum()
    X["mass"] = np.arange(len(X)) % 3 + 2007.0
    display = ALEDisplay.from_estimator(model, X, ["mass", ("bill", "mass")])
    display.figure_.draw_without_rendering()
    years = [*display.ax_[0].get_xticks(), *display.ax_[1].get_yticks()]
    assert all(year == round(year) for year in years)


@pytest.mark.parametrize(("n_levels", "length"), [(40, 8), (300, 12), (20, 8), (30, 1)])
def test_names_of_many_levels_do_not_run_together(n_levels, length):
    towns = [chr(192 + k) + "x" * (length - 1) for k in range(n_levels)]
    X = pd.DataFrame({"town": np.tile(towns, 2)})
    y = np.arange(len(X)) % 7 > 2
    model = make_pipeline(OneHotEncoder(), LogisticRegression()).fit(X, y)
    display = ALEDisplay.from_estimator(model, X, ["town"])
    display.figure_.draw_without_rendering()
    labels = display.ax_.get_xticklabels()
    ends = display.ax_.transData.transform([[0, 0], [display.ax_.get_xticks()[1], 0]])
    apart = 72 / display.figure_.dpi * np.diff(ends[:, 0])[0]
    upright = labels[0].get_rotation() == 0
    assert apart >= (6 * length if upright else labels[0].get_fontsize() / np.sin(np.deg2rad(40)))
    assert len(labels) > 10  # as many as have room
    order = accumulated_local_effects(model, X, "town").grid_values[0]
    every = round(display.ax_.get_xticks()[1])
    assert [label.get_text() for label in labels] == list(order[::every])
    note = f"{n_levels} levels, one in {every} is named"
    assert (note in display.ax_.get_xlabel()) == (every > 1)
    assert len(display.lines_[0].get_xdata()) == n_levels
