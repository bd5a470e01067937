"""Words for what attributions add to."""

import pytest

from sklearn_metaexplain.inspection._quantity import several_outputs, what_is_drawn


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
