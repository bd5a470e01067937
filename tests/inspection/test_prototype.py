from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from sklearn_metaexplain.inspection import PrototypeDisplay
from tests.inspection.explanations import binary_explanation, mixed_frame

WEIGHTS = np.array([0.1, -0.6, 0.3])


def supported(**support):
    explanation = binary_explanation()[1]
    return replace(explanation, support={name: np.array([part]) for name, part in support.items()})


def test_supporting_rows_by_position_in_a_table():
    X = mixed_frame()
    explanation = supported(rows=[4, 7, 9], votes=WEIGHTS)
    display = PrototypeDisplay.from_explanation(explanation, rows="rows", weights="votes", X=X)
    # The heaviest first, the row itself before them.
    assert list(display.cells.columns) == ["this row", "bird 7", "bird 9", "bird 4"]
    np.testing.assert_allclose(display.weights, [-0.6, 0.3, 0.1])
    heights = np.array([-bar.get_height() for bar in display.bars_])
    np.testing.assert_allclose(heights / heights.max(), [1, 0.5, 1 / 6])
    assert display.cells.loc["island", "this row"] == X["island"].iloc[1]
    assert display.cells.loc["mass", "bird 9"] == str(X["mass"].iloc[9])
    # Columns that add most come first.
    sizes = np.abs(explanation.values[0, :, 1])
    assert list(display.cells.index) == list(X.columns[np.argsort(-sizes)])


def test_supporting_rows_by_their_cells_with_labels():
    X = mixed_frame()
    cells = X.iloc[[4, 7, 9]].to_numpy(dtype=object)
    explanation = supported(prototypes=cells, weights=WEIGHTS, names=["a", "b", "c"])
    display = PrototypeDisplay.from_explanation(explanation, labels="names", max_rows=2)
    assert list(display.cells.columns) == ["this row", "b", "c"]
    assert display.cells.loc["bill", "b"] == f"{X['bill'].iloc[7]:g}"


def test_closeness_of_cells():
    X = pd.DataFrame(
        {
            "number": [10.0, 10.0, 20.0, 15.0, np.nan],
            "level": ["a", "b", "a", None, "a"],
            "gone": [np.nan, 1.0, np.nan, 2.0, 3.0],
        }
    )
    display = PrototypeDisplay.from_rows(X.iloc[[0]], X.iloc[1:], weights=[4, 3, 2, 1])
    expected = [[1, 0, 0.5, 0], [0, 1, 0, 1], [0, 1, 0, 0]]
    np.testing.assert_allclose(display.closeness, expected)
    assert display.cells.loc["gone"].tolist() == ["missing", "1", "missing", "2", "3"]
    assert display.image_.get_array()[:, 1:].tolist() == expected


def test_columns_that_are_not_shown_are_counted():
    X = np.arange(36.0).reshape(3, 12)
    display = PrototypeDisplay.from_rows(X[:1], X[1:], weights=[1, 2], max_display=5)
    assert display.cells.shape == (5, 3)
    assert display.ax_.get_xlabel() == "7 other columns are not shown"


def test_arrays_and_sparse_rows():
    X = np.arange(12.0).reshape(3, 4)
    dense = PrototypeDisplay.from_rows(X[:1], X[1:], weights=[1, 2])
    thin = PrototypeDisplay.from_rows(
        sparse.csr_array(X[:1]), sparse.csr_array(X[1:]), weights=[1, 2]
    )
    pd.testing.assert_frame_equal(dense.cells, thin.cells)


def test_what_is_refused():
    explanation = supported(prototypes=[4, 7, 9], weights=WEIGHTS)
    with pytest.raises(ValueError, match=r"has 30.*explanation\[0\]"):
        PrototypeDisplay.from_explanation(binary_explanation())
    with pytest.raises(ValueError, match=r"rows='voters' is no entry .* it has \['prototypes'"):
        PrototypeDisplay.from_explanation(explanation, rows="voters")
    with pytest.raises(ValueError, match="pass the table they are in as X"):
        PrototypeDisplay.from_explanation(explanation)
    with pytest.raises(ValueError, match="keeps no data"):
        PrototypeDisplay.from_explanation(replace(explanation, data=None))
    with pytest.raises(ValueError, match=r"must have shapes \(1, n_columns\)"):
        PrototypeDisplay.from_rows(np.ones((1, 2)), np.ones((3, 2)), weights=[1, 2])
    with pytest.raises(ValueError, match="rows and columns"):
        PrototypeDisplay.from_rows(np.ones(2), np.ones((3, 2)), weights=[1, 2, 3])
    with pytest.raises(ValueError, match="max_rows must be an int"):
        PrototypeDisplay.from_rows(np.ones((1, 2)), np.ones((2, 2)), weights=[1, 2], max_rows=0)
