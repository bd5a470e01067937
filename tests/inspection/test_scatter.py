import numpy as np
import pytest

from sklearn_metaexplain.inspection import HeatmapDisplay, ScatterDisplay
from tests.inspection.explanations import binary_explanation, mixed_explanation


def test_places_are_cells_and_colours_what_both_add():
    explanation = binary_explanation()
    display = ScatterDisplay.from_explanation(explanation, ("mass", "bill"))
    points = np.asarray(display.points_.get_offsets())
    X = explanation.data
    np.testing.assert_allclose(points[:, 0], X["mass"])
    known = X["bill"].notna().to_numpy()
    np.testing.assert_allclose(points[known, 1], X["bill"][known])
    assert (points[~known, 1] > X["bill"].max()).all()
    added = explanation.values[:, 4, 1] + explanation.values[:, 0, 1]
    np.testing.assert_allclose(display.points_.get_array(), added)
    low, high = display.points_.get_clim()
    assert -low == high == np.abs(added).max()


def test_categories_have_a_place_each():
    explanation = binary_explanation()
    display = ScatterDisplay.from_explanation(explanation, ("size", "island"))
    texts = [label.get_text() for label in display.ax_.get_yticklabels()]
    assert texts == ["Biscoe", "Dream", "Torgersen", "missing"]
    places = np.asarray(display.points_.get_offsets())[:, 1].round().astype(int)
    assert [texts[place] for place in places] == list(explanation.data["island"].fillna("missing"))


def test_wrong_columns():
    explanation = binary_explanation()
    with pytest.raises(ValueError, match="features must be two columns"):
        ScatterDisplay.from_explanation(explanation, ("mass",))
    with pytest.raises(ValueError, match="features must be two columns"):
        ScatterDisplay.from_explanation(explanation, "ab")
    with pytest.raises(ValueError, match="'mass' is given twice"):
        ScatterDisplay.from_explanation(explanation, ("mass", "mass"))
    with pytest.raises(ValueError, match="features names 'weight'"):
        ScatterDisplay.from_explanation(explanation, ("mass", "weight"))


def test_scales_say_in_full_what_they_are_of():
    explanation = mixed_explanation()
    for display in (
        ScatterDisplay.from_explanation(explanation, ("bill", "island")),
        HeatmapDisplay.from_explanation(explanation),
    ):
        words = " ".join(display.colorbar_.ax.get_ylabel().split())
        assert words.endswith("to the probability of the predicted class")
