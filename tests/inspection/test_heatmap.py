from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sklearn_metaexplain.inspection import HeatmapDisplay
from tests.inspection.explanations import binary_explanation, regression_explanation


def test_cells_are_the_attributions():
    explanation = binary_explanation()
    display = HeatmapDisplay.from_explanation(explanation, order=None)
    frame = explanation.to_frame("yes")[display.labels]
    np.testing.assert_allclose(display.image_.get_array(), frame.to_numpy().T)
    assert display.row_labels == list(explanation.index)
    low, high = display.image_.get_clim()
    assert low == -high  # white is zero


def test_rows_stay_together_under_any_order():
    explanation = binary_explanation()
    for order in ("cluster", "prediction", None):
        display = HeatmapDisplay.from_explanation(explanation, order=order)
        frame = explanation.to_frame("yes").loc[display.row_labels, display.labels]
        np.testing.assert_allclose(display.values, frame)
        assert sorted(display.row_labels) == sorted(explanation.index)


def test_rows_by_prediction_ascend():
    explanation = binary_explanation()
    display = HeatmapDisplay.from_explanation(explanation, order="prediction")
    predictions = dict(zip(explanation.index, explanation.predictions[:, 1], strict=True))
    ordered = [predictions[label] for label in display.row_labels]
    assert ordered == sorted(ordered)
    two = explanation[np.argsort(-explanation.predictions[:2, 1])]
    pair = HeatmapDisplay.from_explanation(two, order="prediction")
    assert list(pair.row_labels) == list(two.index)[::-1]


def test_clusters_stand_together():
    random = np.random.RandomState(0)
    cluster = random.permutation(np.repeat([0, 1, 2], 10))
    centres = np.array([[5.0, 0, 0], [0, 5, 0], [0, 0, 5]])
    values = centres[cluster] + 0.1 * random.normal(size=(30, 3))
    display = HeatmapDisplay.from_explanation(regression_explanation(values))
    together = cluster[[int(label) for label in display.row_labels]]
    assert (np.diff(together) != 0).sum() == 2


def test_a_few_extreme_cells_do_not_leave_the_others_pale():
    values = np.random.RandomState(0).uniform(0, 1, size=(300, 2))
    values[0, 0] = 1e6
    display = HeatmapDisplay.from_explanation(regression_explanation(values))
    assert display.image_.get_clim()[1] < 2
    assert display.colorbar_.extend == "max"


def test_too_many_rows_to_cluster():
    explanation = regression_explanation(np.ones((5001, 2)))
    with pytest.raises(ValueError, match="5,001 rows are too many to cluster"):
        HeatmapDisplay.from_explanation(explanation)
    HeatmapDisplay.from_explanation(explanation, order=None)
    with pytest.raises(ValueError, match="order must be one of"):
        HeatmapDisplay.from_explanation(explanation, order="index")


def test_one_row_and_zeros():
    display = HeatmapDisplay.from_explanation(regression_explanation([[0.0, 0.0]]))
    assert display.image_.get_array().shape == (2, 1)


@pytest.mark.parametrize(
    ("index", "row_labels", "drawn"),
    [
        (
            pd.date_range("2020-01-01", periods=3),
            ["2020-01-01", "2020-01-02", "2020-01-03"],
            ["2020-01-01", "2020-01-02", "2020-01-03"],
        ),
        (
            pd.date_range("2020-01-01 07:00", periods=3),
            ["2020-01-01 07:00", "2020-01-02 07:00", "2020-01-03 07:00"],
            ["2020-01-01 07:00", "2020-01-02 07:00", "2020-01-03 07:00"],
        ),
        (
            pd.MultiIndex.from_tuples([(2020, "a"), (2020, "b"), (2021, None)]),
            ["2020, a", "2020, b", "2021, missing"],
            ["2020, a", "2020, b", "2021, …ssing"],
        ),
        (pd.Index([0.5, 2.0, np.nan]), ["0.5", "2.0", "missing"], ["0.5", "2.0", "missing"]),
        (None, ["0", "1", "2"], ["0", "1", "2"]),
        (
            pd.Index([f"customer number {k} of the north" for k in range(3)]),
            [f"customer number {k} of the north" for k in range(3)],
            [f"customer …{k}…he north" for k in range(3)],
        ),
    ],
)
def test_rows_are_called_as_in_the_report(index, row_labels, drawn):
    explanation = replace(regression_explanation(np.arange(6.0).reshape(3, 2)), index=index)
    display = HeatmapDisplay.from_explanation(explanation, order=None)
    assert display.row_labels == row_labels
    assert [text.get_text() for text in display.ax_.get_xticklabels()] == drawn
