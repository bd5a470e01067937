from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sklearn_metaexplain.inspection import AttributionDisplay, DependenceDisplay, ScatterDisplay
from tests.inspection.explanations import (
    SPECIES,
    mixed_explanation,
    mixed_frame,
    regression_explanation,
)


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
    with pytest.raises(ValueError, match=r"feature='weight' is none of the features \['bill'"):
        DependenceDisplay.from_explanation(explanation, "weight")
    with pytest.raises(ValueError, match="color_by=9"):
        DependenceDisplay.from_explanation(explanation, "mass", color_by=9)
    with pytest.raises(ValueError, match=r"'mass' has no column of values.*keeps no data"):
        DependenceDisplay.from_explanation(replace(explanation, data=None), "mass")
    grouped = replace(explanation, feature_names=["bill", "island", "size", "seen", "weight"])
    grouped = replace(grouped, data=explanation.data.assign(extra=1))
    with pytest.raises(ValueError, match="does not say its columns"):
        DependenceDisplay.from_explanation(grouped, "weight")


def test_columns_whose_labels_are_numbers():
    frame = pd.DataFrame(np.arange(12.0).reshape(3, 4), columns=[1, 0, 30, 40])
    explanation = regression_explanation(np.ones((3, 4)), frame, names=["1", "0", "30", "40"])
    assert DependenceDisplay.from_explanation(explanation, "1").column.numbers[0] == 0.0
    assert DependenceDisplay.from_explanation(explanation, 3).column.name == "40"
    with pytest.raises(ValueError, match="feature names 1, which is the position of the column"):
        DependenceDisplay.from_explanation(explanation, 1)
    # Beside a group the others are found by their labels.
    grouped = regression_explanation(np.ones((3, 3)), frame, names=["both", "30", "40"])
    display = DependenceDisplay.from_explanation(grouped, "30", color_by="40")
    assert display.column.numbers.tolist() == [2.0, 6.0, 10.0]
    assert display.color_by.numbers.tolist() == [3.0, 7.0, 11.0]
    unnamed = regression_explanation(
        np.ones((3, 3)), frame.set_axis(range(4), axis=1), names=["both", "x2", "x3"]
    )
    display = DependenceDisplay.from_explanation(unnamed, "x3")
    assert display.column.numbers.tolist() == [3.0, 7.0, 11.0]


def test_numbers_that_are_a_label_and_another_position_are_refused():
    """Of columns 0, 2 and 5 the third is at 2, where the second is meant."""
    labelled = replace(mixed_explanation(), feature_names=["0", "2", "5", "7", "9"])
    message = "names 2, which is the position of the column labelled '5' and the label of another"
    with pytest.raises(ValueError, match=f"^feature {message}; write labels as text, '2'"):
        DependenceDisplay.from_explanation(labelled, 2)
    with pytest.raises(ValueError, match=f"^features {message}"):
        ScatterDisplay.from_explanation(labelled, (0, 2))
    assert DependenceDisplay.from_explanation(labelled, "2").column.name == "2"
    assert DependenceDisplay.from_explanation(labelled, 0).column.name == "0"
    assert DependenceDisplay.from_explanation(labelled, 3).column.name == "7"


def test_columns_labelled_by_numbers_keep_their_cells_beside_groups():
    X = mixed_frame().set_axis([0, 2, 5, 7, 9], axis=1)
    values = np.random.RandomState(0).normal(size=(len(X), 4))
    grouped = regression_explanation(values, X, names=["0", "a group", "7", "9"])
    display = DependenceDisplay.from_explanation(grouped, "9")
    np.testing.assert_array_equal(points_of(display)[:, 0], X[9])
    bars = AttributionDisplay.from_explanation(grouped[0])
    cells = dict(zip(bars.labels, bars.cells, strict=True))
    assert cells["9"] == str(X.loc["bird 0", 9])
    assert cells["a group"] is None


def test_a_column_that_is_missing_everywhere():
    X = pd.DataFrame({"a": [np.nan, np.nan]})
    explanation = regression_explanation([[1.0], [2.0]], X, names=["a"])
    display = DependenceDisplay.from_explanation(explanation, "a")
    assert tick_texts(display.ax_) == ["missing"]
