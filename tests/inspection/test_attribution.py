import re
from dataclasses import replace
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from matplotlib.colors import to_hex

from sklearn_metaexplain import Explanation
from sklearn_metaexplain.inspection import AttributionDisplay
from sklearn_metaexplain.inspection._style import LOWERS, RAISES
from tests.inspection.explanations import (
    SPECIES,
    binary_explanation,
    mixed_explanation,
    regression_explanation,
    wide_explanation,
)


def widths(bars):
    return [bar.get_width() for bar in bars]


def tick_texts(ax):
    return [label.get_text() for label in ax.get_yticklabels()]


# One row


def test_bars_of_a_row_are_its_attributions_largest_first_with_its_cells():
    explanation = binary_explanation()
    row = explanation.for_output("yes").values[0, :, 0]
    order = np.argsort(-np.abs(row))
    display = AttributionDisplay.from_explanation(explanation[0])
    np.testing.assert_allclose(widths(display.bars_[0]), row[order])
    colors = [to_hex(bar.get_facecolor()).upper() for bar in display.bars_[0]]
    assert colors == [LOWERS if value < 0 else RAISES for value in row[order]]
    X = explanation.data
    expected = {
        "bill": f"bill = {X['bill'].iloc[0]:g}",
        "island": "island = missing",
        "size": f"size = {X['size'].iloc[0]}",
        "seen": f"seen = {X['seen'].iloc[0]:%Y-%m-%d}",
        "mass": f"mass = {X['mass'].iloc[0]}",
    }
    names = explanation.feature_names[order]
    assert tick_texts(display.ax_) == [expected[name] for name in names]
    # The first is on top.
    assert display.ax_.get_ylim()[0] > display.ax_.get_ylim()[1]


def test_error_bars_are_one_standard_deviation():
    explanation = binary_explanation()[3]
    display = AttributionDisplay.from_explanation(explanation)
    order = np.argsort(-np.abs(explanation.values[0, :, 1]))
    segments = display.errorbars_[0].lines[2][0].get_segments()
    half = [np.ptp(segment[:, 0]) / 2 for segment in segments]
    np.testing.assert_allclose(half, explanation.std[0, order, 1])
    centres = [segment[:, 0].mean() for segment in segments]
    np.testing.assert_allclose(centres, explanation.values[0, order, 1])
    without = AttributionDisplay.from_explanation(replace(explanation, std=None))
    assert without.errorbars_ == []
    assert "standard deviation" not in without.ax_.get_xlabel()


def test_numbers_stand_at_the_ends_of_the_bars():
    explanation = regression_explanation([[3.0, -2.0, 0.5]])
    display = AttributionDisplay.from_explanation(explanation)
    assert [text.get_text() for text in display.texts_] == ["+3.00", "−2.00", "+0.50"]
    assert [text.xy for text in display.texts_] == [(3.0, 0), (-2.0, 1), (0.5, 2)]


def test_several_outputs_of_a_row_have_bars_side_by_side():
    explanation = mixed_explanation()[1]
    display = AttributionDisplay.from_explanation(explanation, output=SPECIES)
    order = np.argsort(-np.abs(explanation.values[0]).sum(axis=1))
    for k, bars in enumerate(display.bars_):
        np.testing.assert_allclose(widths(bars), explanation.values[0, order, k])
    tops = [[bar.get_y() for bar in bars] for bars in display.bars_]
    assert np.all(np.diff(tops, axis=0) > 0)  # they do not cover each other
    assert [text.get_text() for text in display.legend_.get_texts()] == SPECIES


def test_outputs_that_share_axes_are_said_to_be_probabilities_or_log_odds():
    explanation = mixed_explanation()
    row = AttributionDisplay.from_explanation(explanation[1], output=SPECIES)
    assert row.ax_.get_xlabel() == "added to the probability\n(± one standard deviation)"
    rows = AttributionDisplay.from_explanation(explanation, output=SPECIES)
    assert " ".join(rows.ax_.get_xlabel().split()) == (
        "mean size of what is added to the probability, summed over the classes"
    )
    odds = AttributionDisplay.from_explanation(wide_explanation()[0], output=list("ABC"))
    assert odds.ax_.get_xlabel() == "added to the log-odds"


# Global importance


def test_global_bars_are_mean_sizes_with_the_mean_error():
    explanation = binary_explanation()
    display = AttributionDisplay.from_explanation(explanation)
    importance = explanation.global_importance()["yes"].sort_values(ascending=False)
    np.testing.assert_allclose(widths(display.bars_[0]), importance)
    assert tick_texts(display.ax_) == list(importance.index)
    order = [list(explanation.feature_names).index(name) for name in importance.index]
    errors = explanation.std[:, order, 1].mean(axis=0)
    upper = [segment[:, 0].max() for segment in display.errorbars_[0].lines[2][0].get_segments()]
    np.testing.assert_allclose(upper, importance.to_numpy() + errors)
    assert display.base_value is None


def test_global_bars_of_several_outputs_are_stacked():
    explanation = mixed_explanation()
    display = AttributionDisplay.from_explanation(explanation, output=SPECIES)
    importance = explanation.global_importance()
    order = np.argsort(-importance.sum(axis=1).to_numpy())
    ends = [[bar.get_x() + bar.get_width() for bar in bars] for bars in display.bars_]
    np.testing.assert_allclose(ends, importance.to_numpy()[order].cumsum(axis=1).T)


def test_facets_show_the_same_as_one_output_alone():
    explanation = mixed_explanation()
    display = AttributionDisplay.from_explanation(explanation, output=SPECIES, layout="facets")
    assert display.ax_.shape == (3,)
    for label, ax, bars in zip(SPECIES, display.ax_, display.bars_, strict=True):
        alone = AttributionDisplay.from_explanation(explanation, output=label)
        assert sorted(widths(bars)) == pytest.approx(sorted(widths(alone.bars_[0])))
        assert ax.get_title(loc="left") == label


def test_facets_on_axes_of_the_caller():
    figure, axes = plt.subplots(1, 3)
    explanation = mixed_explanation()
    display = AttributionDisplay.from_explanation(
        explanation, output=SPECIES, layout="facets", ax=axes
    )
    assert list(display.ax_) == list(axes)
    assert display.figure_ is figure
    with pytest.raises(ValueError, match="ax must be 3 Axes"):
        AttributionDisplay.from_explanation(
            explanation, output=SPECIES, layout="facets", ax=axes[:2]
        )


def test_more_than_seven_outputs_need_facets():
    explanation = wide_explanation(labels="ABCDEFGH", d=5)
    with pytest.raises(ValueError, match='layout="facets"'):
        AttributionDisplay.from_explanation(explanation, output=list("ABCDEFGH"))
    display = AttributionDisplay.from_explanation(
        explanation, output=list("ABCDEFGH"), layout="facets"
    )
    assert len(display.bars_) == 8


# Columns that are not shown


def test_other_columns_are_summed():
    explanation = wide_explanation()[0]
    display = AttributionDisplay.from_explanation(explanation, output="A", max_display=3)
    row = explanation.values[0, :, 0]
    assert len(display.labels) == 4
    assert display.labels[-1] == "37 other columns"
    assert sum(widths(display.bars_[0])) == pytest.approx(row.sum())
    everything = AttributionDisplay.from_explanation(explanation, output="A", max_display=None)
    assert len(everything.labels) == 40


def test_one_other_column_is_shown_itself():
    explanation = regression_explanation([[3.0, 2.0, 1.0]])
    display = AttributionDisplay.from_explanation(explanation, max_display=2)
    assert display.labels == ["x0", "x1", "x2"]


def test_the_sum_of_other_columns_has_no_error_bar():
    explanation = wide_explanation(std=np.ones((40, 40, 7)))[0]
    display = AttributionDisplay.from_explanation(explanation, output="A", max_display=3)
    assert len(display.errorbars_[0].lines[2][0].get_segments()) == 3


# Waterfall


@settings(max_examples=15, deadline=None)
@given(
    values=arrays(float, st.integers(1, 15), elements=st.floats(-1e3, 1e3, width=32)),
    base=st.floats(-1e3, 1e3, width=32),
    missed=st.sampled_from([0.0, 5.0, -700.0]),
)
def test_a_waterfall_goes_from_base_value_to_prediction(values, base, missed):
    explanation = regression_explanation([values], base=base)
    explanation = replace(explanation, predictions=explanation.predictions + missed)
    display = AttributionDisplay.from_explanation(explanation, kind="waterfall", max_display=4)
    bars = list(display.bars_[0])
    assert bars[0].get_x() == pytest.approx(base)
    for above, below in pairwise(bars):
        assert above.get_x() + above.get_width() == pytest.approx(below.get_x(), abs=1e-6)
    end = bars[-1].get_x() + bars[-1].get_width()
    assert end == pytest.approx(explanation.predictions[0, 0], abs=1e-9)
    assert display.totals_.get_offsets()[:, 0].tolist() == pytest.approx([base, end])
    texts = tick_texts(display.ax_)
    assert texts[0] == "base value"
    assert texts[-1] == "prediction"
    assert ("not explained" in texts) == (missed != 0)
    plt.close(display.figure_)


@pytest.mark.parametrize("unit", [1e-9, 1.0, 1e9])
def test_what_a_waterfall_leaves_unexplained_is_judged_in_any_unit(unit):
    explanation = regression_explanation([[3 * unit, -2 * unit]], base=unit)
    for missed in (5 * unit, 1e-9 * unit):
        one = replace(explanation, predictions=explanation.predictions + missed)
        display = AttributionDisplay.from_explanation(one, kind="waterfall")
        assert ("not explained" in tick_texts(display.ax_)) == (missed == 5 * unit)
        lengths = [bar.get_width() for bar in display.bars_[0]]
        np.testing.assert_allclose(lengths[:2], [3 * unit, -2 * unit], rtol=1e-6)


def test_a_waterfall_has_cells_and_numbers():
    explanation = binary_explanation()[0]
    display = AttributionDisplay.from_explanation(explanation, kind="waterfall")
    assert "island = missing" in tick_texts(display.ax_)
    numbers = [text.get_text().replace("−", "-") for text in display.texts_]
    values = explanation.values[0, :, 1]
    expected = [0.5, *values[np.argsort(-np.abs(values))], explanation.predictions[0, 1]]
    np.testing.assert_allclose([float(number) for number in numbers], expected, atol=6e-4)


def test_what_a_waterfall_refuses():
    explanation = binary_explanation()
    with pytest.raises(ValueError, match=r"the explanation has 30.*explanation\[0\]"):
        AttributionDisplay.from_explanation(explanation, kind="waterfall")
    with pytest.raises(ValueError, match="one output"):
        AttributionDisplay.from_explanation(explanation[0], kind="waterfall", output=["no", "yes"])
    with pytest.raises(ValueError, match="not meant to add up"):
        AttributionDisplay.from_explanation(
            replace(explanation[0], additive=False), kind="waterfall"
        )


def test_wrong_choices():
    with pytest.raises(ValueError, match="kind must be one of"):
        AttributionDisplay.from_explanation(binary_explanation(), kind="pie")
    with pytest.raises(ValueError, match="layout must be one of"):
        AttributionDisplay.from_explanation(binary_explanation(), layout="grid")
    with pytest.raises(ValueError, match="empty list"):
        AttributionDisplay.from_explanation(binary_explanation(), output=[])


# Unusual explanations


def test_without_data_and_with_groups_names_stand_alone():
    explanation = binary_explanation()
    display = AttributionDisplay.from_explanation(replace(explanation, data=None, index=None)[0])
    assert set(tick_texts(display.ax_)) == set(explanation.feature_names)
    grouped = replace(
        explanation,
        values=explanation.values[:, :4],
        std=None,
        feature_names=["beak", "island", "size", "seen"],
    )
    grouped = replace(grouped, predictions=grouped.base_values + grouped.values.sum(axis=1))
    texts = tick_texts(AttributionDisplay.from_explanation(grouped[1]).ax_)
    assert "beak" in texts
    assert any(text.startswith("island = ") for text in texts)


def test_attributions_of_zero_are_drawn():
    display = AttributionDisplay.from_explanation(regression_explanation([[0.0, 0.0]]))
    assert widths(display.bars_[0]) == [0, 0]
    display = AttributionDisplay.from_explanation(
        regression_explanation([[0.0, 0.0]]), kind="waterfall"
    )
    display.figure_.draw_without_rendering()


def test_names_with_dollars_and_line_breaks_are_no_mathematics():
    names = [r"price_$ per $unit", "two\nlines", r"\frac{$"]
    explanation = regression_explanation([[1.0, 2.0, 3.0]], names=names)
    display = AttributionDisplay.from_explanation(explanation)
    display.figure_.draw_without_rendering()
    assert tick_texts(display.ax_)[1] == "two lines"
    assert tick_texts(display.ax_)[2] == r"price_\$ per \$unit"


@pytest.mark.parametrize("prediction", [0.97, 0.03])
def test_a_waterfall_of_a_probability_has_no_ticks_beyond_0_and_1(prediction):
    explanation = Explanation(
        [[[prediction - 0.5]]],
        [0.5],
        [[prediction]],
        feature_names=["a"],
        output_names=["yes"],
        output="probability",
        n_evaluations=0,
    )
    display = AttributionDisplay.from_explanation(explanation, kind="waterfall")
    ticks = display.ax_.get_xticks()
    assert 0 <= ticks.min() <= min(0.5, prediction) + 1e-9
    assert max(0.5, prediction) - 1e-9 <= ticks.max() <= 1


def test_the_base_value_stands_on_a_line_with_its_number():
    ax = AttributionDisplay.from_explanation(mixed_explanation()[0]).ax_
    *_, last = ax.get_title(loc="left").split("\n")
    assert re.search(r"base\svalue\s0\.333$", last)
