from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler

from sklearn_metaexplain.inspection import AttributionDisplay, DependenceDisplay, ScatterDisplay
from sklearn_metaexplain.pipeline import make_pipeline
from tests.inspection.explanations import (
    SPECIES,
    mixed_explanation,
    mixed_frame,
    regression_explanation,
)
from tests.small_explainers import ExactExplainer


def tick_texts(ax):
    return [label.get_text() for label in ax.get_xticklabels()]


def points_of(display):
    return np.concatenate([np.asarray(part.get_offsets()) for part in display.points_])


def test_points_are_values_and_attributions_with_missing_ones_apart():
    explanation = mixed_explanation()
    display = DependenceDisplay.from_explanation(explanation, "bill", output="Gentoo")
    bill = explanation.data["bill"].to_numpy()
    known = ~np.isnan(bill)
    points = points_of(display)
    np.testing.assert_allclose(points[known, 0], bill[known])
    np.testing.assert_allclose(points[:, 1], explanation.values[:, 0, 2])
    assert (points[~known, 0] > bill[known].max()).all()
    assert "missing" in [text.get_text() for text in display.ax_.texts]


def test_categories_have_a_place_each():
    explanation = mixed_explanation()
    display = DependenceDisplay.from_explanation(explanation, "island", output="Gentoo")
    assert tick_texts(display.ax_) == ["Biscoe", "Dream", "Torgersen", "missing"]
    places = points_of(display)[:, 0].round().astype(int)
    islands = explanation.data["island"].fillna("missing")
    assert [tick_texts(display.ax_)[place] for place in places] == list(islands)
    display = DependenceDisplay.from_explanation(explanation, "size", output="Gentoo")
    assert tick_texts(display.ax_) == ["S", "M", "L"]  # the order of the dtype, not of letters


def test_rare_categories_share_a_place():
    levels = np.repeat([f"level {k:02d}" for k in range(20)], np.arange(20, 0, -1))
    X = pd.DataFrame({"a": levels})
    explanation = regression_explanation(np.zeros((len(X), 1)), X, names=["a"])
    display = DependenceDisplay.from_explanation(explanation, "a")
    assert tick_texts(display.ax_) == [f"level {k:02d}" for k in range(11)] + ["others"]
    places = points_of(display)[:, 0].round().astype(int)
    assert (places == 11).sum() == np.arange(1, 10).sum()


def test_dates_are_written_as_dates():
    display = DependenceDisplay.from_explanation(mixed_explanation(), "seen", output="Gentoo")
    display.figure_.draw_without_rendering()
    assert {"May", "Jul"} & set(tick_texts(display.ax_))


def test_colour_by_numbers_and_by_categories():
    explanation = mixed_explanation()
    display = DependenceDisplay.from_explanation(
        explanation, "mass", color_by="bill", output="Gentoo"
    )
    bill = explanation.data["bill"].dropna()
    np.testing.assert_allclose(display.points_[0].get_array(), bill)
    assert display.colorbar_ is not None
    assert [text.get_text() for text in display.legend_.get_texts()] == ["missing"]
    display = DependenceDisplay.from_explanation(
        explanation, "mass", color_by="island", output="Gentoo"
    )
    texts = [text.get_text() for text in display.legend_.get_texts()]
    assert texts == ["Biscoe", "Dream", "Torgersen", "missing"]
    counts = explanation.data["island"].value_counts()
    assert [len(part.get_offsets()) for part in display.points_] == [*counts[texts[:3]], 2]


def test_several_outputs_share_axes_or_have_facets():
    explanation = mixed_explanation()
    display = DependenceDisplay.from_explanation(explanation, "mass", output=SPECIES)
    assert [text.get_text() for text in display.legend_.get_texts()] == SPECIES
    assert display.ax_.get_ylabel() == "added to the probability"
    for k, part in enumerate(display.points_):
        np.testing.assert_allclose(part.get_offsets()[:, 1], explanation.values[:, 4, k])
    with pytest.raises(ValueError, match='layout="facets"'):
        DependenceDisplay.from_explanation(explanation, "mass", output=SPECIES, color_by="bill")
    display = DependenceDisplay.from_explanation(
        explanation, "mass", output=SPECIES, layout="facets"
    )
    assert [ax.get_title(loc="left") for ax in display.ax_] == SPECIES


def test_columns_by_position_and_wrong_ones():
    explanation = mixed_explanation()
    display = DependenceDisplay.from_explanation(explanation, -1)
    assert display.column.name == "mass"
    with pytest.raises(ValueError, match=r"names 'weight', which is none of the columns \['bill'"):
        DependenceDisplay.from_explanation(explanation, "weight")
    with pytest.raises(ValueError, match="color_by names 9"):
        DependenceDisplay.from_explanation(explanation, "mass", color_by=9)
    with pytest.raises(ValueError, match=r"'mass' has no column of values.*keeps no data"):
        DependenceDisplay.from_explanation(replace(explanation, data=None), "mass")
    grouped = replace(explanation, feature_names=["bill", "island", "size", "seen", "weight"])
    grouped = replace(grouped, data=explanation.data.assign(extra=1))
    with pytest.raises(ValueError, match="does not say its columns"):
        DependenceDisplay.from_explanation(grouped, "weight")


def test_numbers_that_are_a_label_and_another_position_are_refused():
    """Of columns 0, 2 and 5 the third is at 2, where the second is meant."""
    labelled = replace(mixed_explanation(), feature_names=["0", "2", "5", "7", "9"])
    message = "names 2, which is the label of one column and the position of the column labelled"
    with pytest.raises(ValueError, match=f"^feature {message} '5'; write labels as text, '2'"):
        DependenceDisplay.from_explanation(labelled, 2)
    with pytest.raises(ValueError, match=f"^features {message}"):
        ScatterDisplay.from_explanation(labelled, (0, 2))
    assert DependenceDisplay.from_explanation(labelled, "2").column.name == "2"
    assert DependenceDisplay.from_explanation(labelled, 0).column.name == "0"
    assert DependenceDisplay.from_explanation(labelled, 3).column.name == "7"
    assert DependenceDisplay.from_explanation(labelled, -1).column.name == "9"


@pytest.mark.parametrize("named", [["0", "a group", "7", "9"], [0, "a group", 7, 9]])
@pytest.mark.parametrize("labels", [[0, 2, 5, 7, 9], ["0", "2", "5", "7", "9"]])
def test_columns_labelled_by_numbers_keep_their_cells_beside_groups(named, labels):
    X = mixed_frame().set_axis(labels, axis=1)
    values = np.random.RandomState(0).normal(size=(len(X), 4))
    grouped = regression_explanation(values, X, names=named)
    display = DependenceDisplay.from_explanation(grouped, "9", color_by="7")
    np.testing.assert_array_equal(points_of(display)[:, 0], X.iloc[:, 4])
    assert display.color_by.is_date
    bars = AttributionDisplay.from_explanation(grouped[0])
    cells = dict(zip(map(str, bars.labels), bars.cells, strict=True))
    assert cells["9"] == str(X.iloc[0, 4])
    assert cells["a group"] is None


@pytest.mark.parametrize("named", [["both", "x2", "x3"], ["both", 2, 3]])
def test_columns_without_labels_are_found_beside_groups(named):
    frame = pd.DataFrame(np.arange(12.0).reshape(3, 4))
    unnamed = regression_explanation(np.ones((3, 3)), frame, names=named)
    display = DependenceDisplay.from_explanation(unnamed, str(named[2]))
    assert display.column.numbers.tolist() == [3.0, 7.0, 11.0]


def test_a_group_that_is_called_as_a_column_is_not_drawn_as_that_column():
    X = pd.DataFrame(np.arange(12.0).reshape(3, 4), columns=["day", "month", "c", "d"])
    settings = {"background": X, "random_state": 0}
    groups = {"day": ["day", "month"]}
    explainer = ExactExplainer(Ridge(), feature_groups=groups, **settings).fit(X, X["c"])
    explanation = explainer.explain(X)
    with pytest.raises(ValueError, match=r"'day' has no column of values.* has a group there"):
        DependenceDisplay.from_explanation(explanation, "day")
    bars = AttributionDisplay.from_explanation(explanation[1])
    assert dict(zip(bars.labels, bars.cells, strict=True)) == {"day": None, "c": "6", "d": "7"}
    # Of names that change places, the columns count.
    groups = {"month": ["day"], "x": ["month"], "both": ["c", "d"]}
    explainer = ExactExplainer(Ridge(), feature_groups=groups, **settings).fit(X, X["c"])
    explanation = explainer.explain(X)
    for name, column in (("month", "day"), ("x", "month")):
        display = DependenceDisplay.from_explanation(explanation, name)
        assert display.column.numbers.tolist() == X[column].tolist()


def test_columns_that_a_pipeline_makes_are_found_beside_groups():
    X = pd.DataFrame(np.random.RandomState(0).normal(size=(20, 3)), columns=list("abc"))
    explainer = ExactExplainer(Ridge(), feature_groups=[[0, 1]], background=5, random_state=0)
    pipeline = make_pipeline(StandardScaler(), explainer).fit(X, X["a"])
    display = DependenceDisplay.from_explanation(pipeline.explain(X), "c")
    np.testing.assert_allclose(display.column.numbers, pipeline[:-1].transform(X)[:, 2])


def test_a_column_that_is_missing_everywhere():
    X = pd.DataFrame({"a": [np.nan, np.nan]})
    explanation = regression_explanation([[1.0], [2.0]], X, names=["a"])
    display = DependenceDisplay.from_explanation(explanation, "a")
    assert tick_texts(display.ax_) == ["missing"]


@pytest.mark.filterwarnings("error")
def test_infinite_values_are_left_out():
    X = pd.DataFrame({"a": [1.0, np.inf, 3.0, np.nan], "b": [1.0, 2.0, -np.inf, 4.0]})
    explanation = regression_explanation(np.ones((4, 2)), X, names=["a", "b"])
    display = DependenceDisplay.from_explanation(explanation, "a")
    assert np.isfinite(points_of(display)[:, 0]).tolist() == [True, False, True, True]
    both = ScatterDisplay.from_explanation(explanation, ("a", "b"))
    drawn = np.isfinite(np.asarray(both.points_.get_offsets())).all(axis=1)
    assert drawn.tolist() == [True, False, False, True]
    for each in (display, both):
        each.figure_.draw_without_rendering()
