from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sklearn_metaexplain.inspection import ComparisonDisplay
from tests.inspection.explanations import mixed_explanation, regression_explanation
from tests.inspection.pictures import scores, several_explanations


def widths(bars):
    return [bar.get_width() for bar in bars]


def test_explanations_of_several_rows_are_compared_by_importance():
    explanations = several_explanations()
    display = ComparisonDisplay.from_explanations(explanations, output="Adelie")
    importance = explanations["MetaExplainer"].global_importance()["Adelie"]
    order = importance.sort_values(ascending=False)
    assert list(display.table.index) == list(order.index)
    for bars in display.bars_:
        np.testing.assert_allclose(widths(bars), order)
    assert [text.get_text() for text in display.legend_.get_texts()] == list(explanations)
    assert len(display.errorbars_) == 1  # one of them knows its errors


def test_explanations_of_one_row_are_compared_with_signs_and_others_summed():
    one = regression_explanation([[3.0, -2.0, 0.5, 0.25]])
    other = regression_explanation([[1.0, -4.0, 0.5, 0.5]])
    display = ComparisonDisplay.from_explanations({"one": one, "other": other}, max_display=2)
    assert list(display.table.index) == ["x1", "x0", "2 other columns"]
    assert widths(display.bars_[0]) == [-2.0, 3.0, 0.75]
    assert widths(display.bars_[1]) == [-4.0, 1.0, 1.0]


def test_explanations_that_cannot_be_compared():
    one = regression_explanation([[3.0, -2.0]])
    with pytest.raises(TypeError, match="mapping of names to Explanations"):
        ComparisonDisplay.from_explanations([one, one])
    with pytest.raises(ValueError, match="is empty"):
        ComparisonDisplay.from_explanations({})
    for change, message in (
        ({"feature_names": ["a", "b"]}, r"'one' has feature_names .* and 'other' has \['a', 'b'\]"),
        ({"output": "log_odds"}, "output raw and 'other' has log_odds"),
    ):
        with pytest.raises(ValueError, match=message):
            ComparisonDisplay.from_explanations({"one": one, "other": replace(one, **change)})
    rows = mixed_explanation()
    with pytest.raises(ValueError, match="'a' explains 30 rows and 'b' 4"):
        ComparisonDisplay.from_explanations({"a": rows, "b": rows[:4]})
    with pytest.raises(ValueError, match=r"told apart by colour; pass at most 7 explanations\."):
        ComparisonDisplay.from_explanations({str(k): one for k in range(8)})


def test_scores_have_axes_each_with_their_spread():
    frame = scores()
    display = ComparisonDisplay.from_frame(frame)
    assert [ax.get_title(loc="left") for ax in display.ax_] == [
        "faithfulness",
        "fit_time",
        "n_evaluations_row",
    ]
    assert widths(display.bars_[0]) == list(frame["faithfulness"])
    segments = display.errorbars_[0].lines[2][0].get_segments()
    halves = [np.ptp(segment[:, 0]) / 2 for segment in segments]
    np.testing.assert_allclose(halves, frame["faithfulness_std"])
    # What is not known is a dash, not a zero.
    assert [text.get_text() for text in display.texts_[3:6]] == ["1.25", "–", "0.001"]


def test_scores_that_are_chosen():
    display = ComparisonDisplay.from_frame(scores(), metrics="fit_time")
    assert display.ax_.get_title(loc="left") == "fit_time"
    with pytest.raises(ValueError, match=r"There are no scores \['speed'\]"):
        ComparisonDisplay.from_frame(scores(), metrics=["speed"])
    with pytest.raises(ValueError, match="'kind' is not numeric"):
        ComparisonDisplay.from_frame(scores().assign(kind="a"), metrics=["kind"])
    with pytest.raises(ValueError, match="There are no scores"):
        ComparisonDisplay.from_frame(pd.DataFrame({"kind": ["a"]}))
    with pytest.raises(TypeError, match="must be a DataFrame; got dict"):
        ComparisonDisplay.from_frame({"faithfulness": [1.0]})
