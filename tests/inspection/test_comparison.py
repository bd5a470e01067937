from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sklearn_metaexplain import Explanation
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


def test_mean_sizes_are_never_negative_and_attributions_of_a_row_may_be():
    rows = regression_explanation([[3.0, -2.0], [1.0, -4.0]], std=np.full((2, 2, 1), 2.5))
    for one, middles, lowest in (
        (rows, [3.0, 2.0], [0.5, 0.0]),
        (rows[0], [3.0, -2.0], [0.5, -4.5]),
    ):
        display = ComparisonDisplay.from_explanations({"one": one})
        assert widths(display.bars_[0]) == middles
        ends = np.array(display.errorbars_[0].lines[2][0].get_segments())[:, :, 0]
        np.testing.assert_allclose(ends, np.transpose([lowest, np.add(middles, 2.5)]))


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


SHARED = [0.5, 0.3, 0.2]


def of_classes(*predictions, labels=("a", "b", "c")):
    """Probabilities of rows, of which the first column takes all that they add."""
    predictions = np.asarray(predictions)
    values = np.stack([predictions - SHARED[: len(labels)], 0 * predictions], axis=1)
    return Explanation(
        values,
        SHARED[: len(labels)],
        predictions,
        feature_names=["u", "v"],
        output_names=list(labels),
        output="probability",
        n_evaluations=0,
        estimator_type="classifier",
    )


def test_the_class_that_the_first_predicts_is_taken_of_all():
    one, other = of_classes([0.6, 0.3, 0.1]), of_classes([0.2, 0.7, 0.1])
    display = ComparisonDisplay.from_explanations({"one": one, "other": other})
    assert display.xlabel == "added to the probability of a"
    np.testing.assert_allclose(display.table.loc["u"], [0.6 - 0.5, 0.2 - 0.5])
    # What is left of a class by name is as good as all classes.
    alone = ComparisonDisplay.from_explanations({"one": one, "other": other.for_output("a")})
    pd.testing.assert_frame_equal(alone.table, display.table)
    with pytest.raises(ValueError, match=r"the classes \['a'\] .*, and 'other' has \['b'\]"):
        ComparisonDisplay.from_explanations({"one": one, "other": other.for_output("b")})
    with pytest.raises(
        ValueError, match=r"the classes \['a'\] .*, and 'other' has \['predicted'\]"
    ):
        ComparisonDisplay.from_explanations({"one": one, "other": other.for_predicted()})


def test_of_several_rows_each_has_the_class_that_the_first_predicts():
    one = of_classes([0.6, 0.3, 0.1], [0.1, 0.1, 0.8])
    other = of_classes([0.2, 0.7, 0.1], [0.1, 0.7, 0.2])
    display = ComparisonDisplay.from_explanations({"one": one, "other": other})
    sizes = [np.mean([0.6 - 0.5, 0.8 - 0.2]), np.mean([0.5 - 0.2, 0.0])]
    np.testing.assert_allclose(display.table.loc["u"], sizes)
    assert "the class that one predicts" in display.xlabel
    agreed = ComparisonDisplay.from_explanations({"one": one, "other": one.for_predicted()})
    assert agreed.xlabel.endswith("probability of the predicted class")
    np.testing.assert_allclose(agreed.table.loc["u"], sizes[:1] * 2)
    kept = ComparisonDisplay.from_explanations({"one": one.for_predicted(), "other": other})
    pd.testing.assert_frame_equal(kept.table, display.table)
    lone = ComparisonDisplay.from_explanations({"one": one[0].for_predicted(), "other": other[0]})
    assert lone.xlabel == "added to the probability of the class that one predicts"


def test_rows_in_another_order_have_other_classes_than_the_first_predicts():
    one = replace(of_classes([0.6, 0.3, 0.1], [0.1, 0.1, 0.8]), index=["p", "q"])
    message = "'other' explains the rows in another order than 'one'"
    for other in (one[[1, 0]], one[[1, 0]].for_predicted()):
        with pytest.raises(ValueError, match=message):
            ComparisonDisplay.from_explanations({"one": one, "other": other})
    # One class, or other rows, are what they are.
    display = ComparisonDisplay.from_explanations({"one": one, "other": one[[1, 0]]}, output="a")
    np.testing.assert_allclose(display.table["one"], display.table["other"])
    alike = one[[0, 0]]
    alike, turned = (replace(alike, index=index) for index in (["p", "q"], ["q", "p"]))
    ComparisonDisplay.from_explanations({"one": alike, "other": turned})
    ComparisonDisplay.from_explanations({"one": one, "other": replace(one, index=["r", "s"])})


def test_outputs_in_another_order_are_taken_by_name():
    one = of_classes([0.6, 0.4], labels=("no", "yes"))
    other = of_classes([0.4, 0.6], labels=("yes", "no"))
    display = ComparisonDisplay.from_explanations({"one": one, "other": other})
    assert display.xlabel == "added to the probability of yes"
    np.testing.assert_allclose(display.table.loc["u"], [0.4 - 0.3, 0.4 - 0.5])
    # Of a row that is predicted to be "no", the predicted class is no "yes".
    yes, no = of_classes([0.3, 0.7], labels=("no", "yes")), one
    agreed = ComparisonDisplay.from_explanations({"one": one, "other": yes.for_predicted()})
    np.testing.assert_allclose(agreed.table.loc["u"], [0.4 - 0.3, 0.7 - 0.3])
    with pytest.raises(ValueError, match=r"the output 'yes' .* 'other' has \['predicted'\]"):
        ComparisonDisplay.from_explanations({"one": one, "other": no.for_predicted()})


@pytest.mark.parametrize("output", [None, "yes"])
def test_an_output_that_another_explanation_lacks(output):
    one = of_classes([0.6, 0.4], labels=("no", "yes"))
    other = of_classes([0.6, 0.4], labels=("no", "maybe"))
    with pytest.raises(
        ValueError, match=r"Of 'one' the output 'yes' .* 'other' has \['no', 'maybe'\]"
    ):
        ComparisonDisplay.from_explanations({"one": one, "other": other}, output=output)


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


@pytest.mark.parametrize("worst", [0.02, -0.9])
@pytest.mark.parametrize("best", [0.8, 0.95, 1.0])
def test_no_tick_stands_where_no_score_can_be(worst, best):
    frame = scores()
    frame["faithfulness"] = [best, 0.5, worst]
    frame["faithfulness_std"] = [0.1, 0.1, 0.3]
    ax = ComparisonDisplay.from_frame(frame, metrics="faithfulness").ax_
    ax.figure.draw_without_rendering()
    assert -1 <= min(ax.get_xticks()) <= worst
    assert best <= max(ax.get_xticks()) + 1e-9
    assert max(ax.get_xticks()) <= 1 + 1e-9
    assert ax.get_xlim()[1] > best + 0.1  # the number and the error bar have their room


def test_costs_have_units():
    assert [ax.get_xlabel() for ax in ComparisonDisplay.from_frame(scores()).ax_] == [
        "",
        "seconds",
        "rows asked per row",
    ]


def test_scores_that_are_chosen():
    display = ComparisonDisplay.from_frame(scores(), metrics="fit_time")
    assert display.ax_.get_title(loc="left") == "fit_time"
    with pytest.raises(ValueError, match=r"There are no scores \['speed'\]"):
        ComparisonDisplay.from_frame(scores(), metrics=["speed"])
    with pytest.raises(ValueError, match="'kind' is not numeric"):
        ComparisonDisplay.from_frame(scores().assign(kind="a"), metrics=["kind"])
    with pytest.raises(ValueError, match="There are no scores"):
        ComparisonDisplay.from_frame(pd.DataFrame({"kind": ["a"]}, index=["random"]))
    with pytest.raises(TypeError, match="must be a DataFrame; got dict"):
        ComparisonDisplay.from_frame({"faithfulness": [1.0]})


def test_tables_without_scores_are_no_comparison():
    explanation = mixed_explanation()
    attributions = pd.DataFrame(explanation.values[:, :, 0], columns=explanation.feature_names)
    named = attributions.set_axis(explanation.data.index)
    importance = explanation.global_importance()
    for frame, problem in (
        (attributions, "its rows are not named after explainers"),
        (named, "it has no row 'random'"),
        (importance, "it has no row 'random'"),
        (pd.concat([scores(), scores()]), "some of its rows have the same name"),
    ):
        with pytest.raises(ValueError, match=f"as compare_explainers makes it: {problem}") as error:
            ComparisonDisplay.from_frame(frame)
        assert "ComparisonDisplay.from_explanations" in str(error.value)
    with pytest.raises(ValueError, match="not named after explainers"):
        ComparisonDisplay.from_frame(attributions, metrics=["bill"])


def test_parts_of_a_comparison_and_tables_of_ones_own():
    table = scores().drop("random")
    for part in (table[["faithfulness"]], table[["fit_time"]], scores()[["n_evaluations_row"]]):
        assert widths(ComparisonDisplay.from_frame(part).bars_[0]) == [
            0.0 if np.isnan(score) else score for score in part.iloc[:, 0]
        ]
    spread = pd.DataFrame({"own": [1.0, 2.0], "own_std": [0.1, 0.2]}, index=["a", "b"])
    assert len(ComparisonDisplay.from_frame(spread).bars_) == 1
    own = spread[["own"]]
    with pytest.raises(ValueError, match="name the columns of a table of your own in metrics"):
        ComparisonDisplay.from_frame(own)
    assert widths(ComparisonDisplay.from_frame(own, metrics="own").bars_[0]) == [1.0, 2.0]
    numbered = pd.DataFrame({"own": [1.0, 2.0]}, index=[1, "random"])
    assert widths(ComparisonDisplay.from_frame(numbered).bars_[0]) == [1.0, 2.0]
