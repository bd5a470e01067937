"""Words for what attributions add to."""

from dataclasses import replace

import pytest

from sklearn_metaexplain.inspection import (
    AttributionDisplay,
    BeeswarmDisplay,
    ComparisonDisplay,
    DependenceDisplay,
    HeatmapDisplay,
    ScatterDisplay,
)
from sklearn_metaexplain.inspection._quantity import several_outputs, what_is_drawn
from tests.inspection.explanations import SPECIES, binary_explanation, mixed_explanation


@pytest.mark.parametrize(
    ("quantities", "names", "expected"),
    [
        (["probability of a", "probability of of b"], ["a", "of b"], ("probability", "classes")),
        (["log-odds of a", "log-odds of b"], ["a", "b"], ("log-odds", "classes")),
        (["prediction of y0", "prediction"], ["y0", "y"], ("prediction", "targets")),
        (["output of 0", "output of 1"], ["0", "1"], ("output", "outputs")),
        (["speed", "height"], ["a", "b"], ("output", "outputs")),
    ],
)
def test_outputs_that_share_axes_are_called_what_all_are(quantities, names, expected):
    assert several_outputs(quantities, names) == expected


def test_what_does_not_add_up_is_not_said_to_be_added():
    both = what_is_drawn("prediction", additive={"shap": True, "lime": False})
    assert both == "attribution to the prediction\n(those of lime do not add up to it)"
    none = what_is_drawn("prediction", additive=False, is_global=True)
    assert none == "mean size of attributions to the prediction\n(they do not add up to it)"
    assert what_is_drawn("prediction", additive={"a": True}) == "added to the prediction"


def words_on_axes(display):
    return " ".join(ax.get_xlabel() + ax.get_ylabel() for ax in display.figure_.axes)


def test_coefficients_of_lime_are_not_said_to_be_added():
    adding = binary_explanation()
    lime = replace(adding, additive=False)
    pair = {"ShapExplainer": adding, "LimeExplainer": lime}
    xlabel = ComparisonDisplay.from_explanations(pair).ax_.get_xlabel()
    assert xlabel.endswith("(those of LimeExplainer do not add up to it)")
    several = mixed_explanation(additive=False)
    for display in (
        ComparisonDisplay.from_explanations({"LimeExplainer": lime}),
        AttributionDisplay.from_explanation(lime),
        AttributionDisplay.from_explanation(lime[0]),
        AttributionDisplay.from_explanation(several, output=SPECIES),
        AttributionDisplay.from_explanation(several[0], output=SPECIES),
        BeeswarmDisplay.from_explanation(lime),
        HeatmapDisplay.from_explanation(lime),
        DependenceDisplay.from_explanation(lime, "bill"),
        ScatterDisplay.from_explanation(lime, ("bill", "island")),
    ):
        words = words_on_axes(display)
        assert "attribution" in words, words
        assert "added" not in words, words
        assert "both add" not in words, words
