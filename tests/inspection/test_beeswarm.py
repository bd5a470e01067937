import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sklearn_metaexplain.inspection import BeeswarmDisplay
from sklearn_metaexplain.inspection._swarm import swarm_offsets
from tests.inspection.explanations import (
    SPECIES,
    binary_explanation,
    mixed_explanation,
    regression_explanation,
    wide_explanation,
)


def all_points(display, k=0):
    parts = [display.points_[k], display.unordered_[k], display.missing_[k]]
    return np.concatenate([np.asarray(part.get_offsets()) for part in parts])


def test_points_are_the_attributions_line_by_line():
    explanation = binary_explanation()
    display = BeeswarmDisplay.from_explanation(explanation)
    points = all_points(display)
    assert len(points) == 30 * 5
    values = explanation.values[:, :, 1]
    order = np.argsort(-np.abs(values).mean(axis=0))
    assert display.labels == list(explanation.feature_names[order])
    for line, j in enumerate(order):
        on_line = points[np.abs(points[:, 1] - line) < 0.5]
        np.testing.assert_allclose(np.sort(on_line[:, 0]), np.sort(values[:, j]))


def test_colours_are_the_scaled_values_of_the_columns():
    X = np.column_stack([np.arange(101.0), np.full(101, 7.0)])
    X[-1, 0] = 1e9  # an outlier does not leave the others in one colour
    explanation = regression_explanation(np.ones((101, 2)) * [2, 1], X)
    display = BeeswarmDisplay.from_explanation(explanation)
    colors = np.asarray(display.colors)
    assert colors[:, 0].min() == 0
    assert colors[:, 0].max() == 1
    assert np.all(np.diff(colors[:, 0]) >= 0)
    assert colors[50, 0] == pytest.approx(0.5, abs=0.01)
    assert set(colors[:, 1]) == {0.5}
    assert [label.get_text() for label in display.colorbar_.ax.get_yticklabels()] == ["low", "high"]


def test_missing_values_and_categories_are_marked():
    explanation = mixed_explanation()
    display = BeeswarmDisplay.from_explanation(explanation, output="Adelie")
    assert len(display.missing_[0].get_offsets()) == explanation.data.isna().to_numpy().sum() == 3
    assert len(display.unordered_[0].get_offsets()) == explanation.data["island"].notna().sum()
    ordered = display.labels.index("size")
    codes = explanation.data["size"].cat.codes.to_numpy()
    np.testing.assert_allclose(np.asarray(display.colors)[:, ordered], codes / 2)
    texts = [text.get_text() for text in display.legend_.get_texts()]
    assert texts == ["no order", "missing"]


def test_without_data_there_is_no_colour_bar():
    display = BeeswarmDisplay.from_explanation(regression_explanation([[1.0, 2.0], [0.0, 1.0]]))
    assert display.colorbar_ is None
    assert len(display.unordered_[0].get_offsets()) == 4


def test_other_columns_are_summed_row_by_row():
    explanation = wide_explanation()
    display = BeeswarmDisplay.from_explanation(explanation, output="B", max_display=3)
    assert display.labels[-1] == "37 other columns"
    np.testing.assert_allclose(
        display.values.sum(axis=1)[:, 0], explanation.values[:, :, 1].sum(axis=1)
    )


def test_several_outputs_have_axes_each():
    explanation = mixed_explanation()
    display = BeeswarmDisplay.from_explanation(explanation, output=SPECIES)
    assert display.ax_.shape == (3,)
    for k in range(3):
        np.testing.assert_allclose(
            np.sort(all_points(display, k)[:, 0]), np.sort(explanation.values[:, :, k].ravel())
        )


@settings(max_examples=30, deadline=None)
@given(values=arrays(float, st.integers(1, 60), elements=st.floats(-1, 1)))
def test_points_of_a_swarm_that_are_near_are_apart(values):
    offsets = swarm_offsets(values, -1.0, 1.0)
    assert np.all(np.abs(offsets) <= 1)
    pairs = np.stack([np.floor((values + 1) / 2 * 80).clip(max=79), offsets.round(9)], axis=1)
    assert len(np.unique(pairs, axis=0)) == len(values)
    np.testing.assert_array_equal(offsets, swarm_offsets(values, -1.0, 1.0))


def test_a_point_alone_is_in_the_middle():
    np.testing.assert_array_equal(swarm_offsets(np.array([0.0, 1.0]), 0.0, 1.0), [0, 0])
    np.testing.assert_array_equal(swarm_offsets(np.array([]), 0.0, 1.0), [])


def test_crosses_of_missing_values_hide_no_values():
    random = np.random.RandomState(0)
    X = np.where(random.rand(3000, 2) < 0.5, np.nan, random.normal(size=(3000, 2)))
    values = random.normal(size=X.shape)
    display = BeeswarmDisplay.from_explanation(regression_explanation(values, X))
    assert len(display.missing_[0].get_offsets()) == np.isnan(X).sum()
    below = display.missing_[0].get_zorder()
    assert below < min(display.points_[0].get_zorder(), display.unordered_[0].get_zorder())


def test_a_few_points_are_not_spread_over_the_whole_width():
    np.testing.assert_array_equal(np.sort(swarm_offsets(np.zeros(3), -1.0, 1.0)), [-0.25, 0, 0.25])
    assert np.abs(swarm_offsets(np.zeros(40), -1.0, 1.0)).max() == 1.0
