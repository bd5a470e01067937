from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import OneHotEncoder

from sklearn_metaexplain import MatchingClassifier, PrototypeClassifier
from sklearn_metaexplain.inspection import PrototypeDisplay
from sklearn_metaexplain.pipeline import make_pipeline
from tests.inspection.explanations import binary_explanation, mixed_frame
from tests.inspection.visible_text import drawn_texts, overlapping

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


def test_columns_that_a_pipeline_makes_are_called_as_it_calls_them():
    X, labels = mixed_frame()[["bill", "mass", "island"]], ["no", "yes"] * 15
    encode = make_column_transformer(
        (SimpleImputer(), ["bill", "mass"]),
        (OneHotEncoder(sparse_output=False), ["island"]),
        verbose_feature_names_out=False,
    )
    pipeline = make_pipeline(encode, MatchingClassifier(random_state=0)).fit(X, labels)
    display = PrototypeDisplay.from_explainer(pipeline, X[:1], X_train=encode.transform(X))
    assert set(display.cells.index) == set(encode.get_feature_names_out())
    assert display.cells.loc["mass", "this row"] == str(X["mass"].iloc[0])


def test_near_and_far_are_measured_by_the_spread_of_the_column():
    X = pd.DataFrame(
        {
            "number": [10.0, 10.0, 20.0, 15.0, np.nan],
            "level": ["a", "b", "a", None, "a"],
            "gone": [np.nan, 1.0, np.nan, 2.0, 3.0],
        }
    )
    # Between the 5th and the 95th of 100 are 20; one that is far out changes nothing.
    numbers = np.linspace(0, 20 / 0.9, 101)
    numbers[-1] = 1e9
    table = pd.DataFrame({"number": numbers, "level": "a", "gone": np.arange(101.0)})
    rows, others, weights = X.iloc[[0]], X.iloc[1:], [4, 3, 2, 1]
    display = PrototypeDisplay.from_rows(rows, others, weights=weights, X=table)
    expected = [[1, 0.5, 0.75, 0], [0, 1, 0, 1], [0, 1, 0, 0]]
    np.testing.assert_allclose(display.closeness, expected)
    assert display.cells.loc["gone"].tolist() == ["missing", "1", "missing", "2", "3"]
    np.testing.assert_allclose(display.image_.get_array()[:, 1:].tolist(), expected)
    # Other rows, or columns in a sparse matrix, change no shade.
    one = PrototypeDisplay.from_rows(rows, others[1:2], weights=[1], X=table)
    np.testing.assert_allclose(one.closeness[:, 0], [0.5, 1, 1])
    numbers = X[["number", "gone"]].fillna(10.0).to_numpy()
    thin = PrototypeDisplay.from_rows(
        numbers[:1], numbers[1:], weights=weights, X=sparse.csr_array(table[["number", "gone"]])
    )
    np.testing.assert_allclose(thin.closeness[0], [1, 0.5, 0.75, 1])


def test_rows_that_hardly_differ_are_near_and_a_constant_column_is_equal_or_not():
    X = np.array([[50.0, 1.0], [50.0, 1.0], [50.0001, 1.0], [50.0002, 3.0]])
    table = np.column_stack([np.linspace(0, 100, 50), np.ones(50)])
    display = PrototypeDisplay.from_rows(X[:1], X[1:], weights=[3, 2, 1], X=table)
    np.testing.assert_allclose(display.closeness, [[1, 1, 1], [1, 1, 0]], atol=1e-5)
    assert display.closeness[0, 1] > display.closeness[0, 2]
    # Without a table nothing says what is far: what reads the same has a shade.
    alone = PrototypeDisplay.from_rows(X[:1], X[1:], weights=[3, 2, 1])
    np.testing.assert_array_equal(alone.closeness, [[1, 1, 1], [1, 1, 0]])
    table[:, 0] = np.nan
    unknown = PrototypeDisplay.from_rows(X[:1], X[1:], weights=[3, 2, 1], X=table)
    np.testing.assert_array_equal(unknown.closeness[0], [1, 0, 0])


def three_classes():
    """Two clouds, and a row of a class of its own."""
    X = np.r_[np.random.RandomState(0).normal(size=(20, 3)), [[12.0, 12.0, 12.0]]]
    X[10:20] += 4.0
    return X, np.repeat(["one", "two", "three"], [10, 10, 1])


def test_rows_nearest_to_a_prototype_are_named_so_and_each_once():
    X, y = three_classes()
    classifier = PrototypeClassifier(random_state=0).fit(X, y)
    display = PrototypeDisplay.from_explainer(classifier, X[-1:], X_train=X)
    assert list(display.cells.columns) == ["this row", "20"]
    np.testing.assert_allclose(display.weights, [1.0])
    assert display.ax_.get_title(loc="left") == "rows nearest to the prototype"
    explanation = classifier.explain(X[:1])
    display = PrototypeDisplay.from_explanation(explanation, X=X)
    np.testing.assert_allclose(display.weights, np.sort(explanation.support["weights"][0])[::-1])
    # Of a class of two rows, the nearest has the share that it has of these two.
    support = {"prototypes": [7, 4, 4], "weights": [0.6, 0.2, 0.2]}
    explanation = supported(**support, names=["a", "b", "b"])
    explanation.support["prototype"] = np.array([0])
    display = PrototypeDisplay.from_explanation(explanation, labels="names", X=mixed_frame())
    assert list(display.cells.columns) == ["this row", "a", "b"]
    np.testing.assert_allclose(display.weights, [0.75, 0.25])


def test_rows_that_vote_are_drawn_as_they_are():
    X, y = three_classes()
    classifier = MatchingClassifier(random_state=0).fit(X, y)
    display = PrototypeDisplay.from_explainer(classifier, X[:1], X_train=X)
    np.testing.assert_allclose(display.weights, classifier.explain(X[:1]).support["weights"][0, :4])
    assert display.ax_.get_title(loc="left") == ""
    explanation = supported(prototypes=[7, 4, 4], weights=WEIGHTS)
    display = PrototypeDisplay.from_explanation(explanation, X=mixed_frame())
    np.testing.assert_allclose(display.weights, [-0.6, 0.3, 0.1])


def test_many_rows_are_wide_enough_to_read():
    X = np.arange(39.0).reshape(13, 3) + 0.125
    X[4, 1] = np.nan
    display = PrototypeDisplay.from_rows(X[:1], X[1:], weights=np.ones(12), max_rows=12)
    assert overlapping(display.figure_) == []
    texts = {text for text, _ in drawn_texts(display.figure_)}
    assert {"missing", "12.12", *(str(k) for k in range(12))} <= texts


def test_columns_that_are_not_shown_are_counted():
    X = np.arange(36.0).reshape(3, 12)
    display = PrototypeDisplay.from_rows(X[:1], X[1:], weights=[1, 2], max_display=5)
    assert display.cells.shape == (5, 3)
    assert display.ax_.get_xlabel() == "7 other columns are not shown"


def test_labels_of_several_levels_are_written_as_elsewhere():
    X = pd.DataFrame(np.eye(3), columns=pd.MultiIndex.from_product([["a"], [1, 2, 3]]))
    display = PrototypeDisplay.from_rows(X[:1], X[1:], weights=[1, 2])
    assert list(display.cells.index) == ["('a', 1)", "('a', 2)", "('a', 3)"]


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
    with pytest.raises(ValueError, match="as X_train to from_explainer or as X to from"):
        PrototypeDisplay.from_explanation(explanation)
    with pytest.raises(ValueError, match=r"names row 9, of a table of 5 rows: pass the table that"):
        PrototypeDisplay.from_explanation(explanation, X=np.ones((5, 2)))
    with pytest.raises(ValueError, match=r"X has shape \(3, 3\); .* with the 2 columns of row"):
        PrototypeDisplay.from_rows(np.ones((1, 2)), np.ones((1, 2)), weights=[1], X=np.ones((3, 3)))
    with pytest.raises(ValueError, match="keeps no data"):
        PrototypeDisplay.from_explanation(replace(explanation, data=None))
    with pytest.raises(ValueError, match=r"must have shapes \(1, n_columns\)"):
        PrototypeDisplay.from_rows(np.ones((1, 2)), np.ones((3, 2)), weights=[1, 2])
    with pytest.raises(ValueError, match="rows and columns"):
        PrototypeDisplay.from_rows(np.ones(2), np.ones((3, 2)), weights=[1, 2, 3])
    with pytest.raises(ValueError, match="max_rows must be an int"):
        PrototypeDisplay.from_rows(np.ones((1, 2)), np.ones((2, 2)), weights=[1, 2], max_rows=0)


def test_shades_and_bars_are_explained():
    X = mixed_frame()
    others = X.iloc[[1, 7, 9]]
    display = PrototypeDisplay.from_rows(X.iloc[[1]], others, weights=WEIGHTS, X=X, max_display=3)
    words = ["as in this row", "near it", "far from it, or different", "weight below zero"]
    assert [text.get_text() for text in display.legend_.get_texts()] == words
    patches = display.legend_.get_patches()
    shade = display.image_.cmap
    assert [patch.get_facecolor() for patch in patches[:3]] == [shade(1.0), shade(0.5), shade(0.0)]
    blue = display.bars_[int(np.argmin(display.weights))]
    assert patches[3].get_facecolor() == blue.get_facecolor()
    assert "weight" in {label.get_text() for label in display.ax_.get_yticklabels()}
    assert overlapping(display.figure_) == []
    # Without a table nothing is near, and weights are mostly positive.
    plain = PrototypeDisplay.from_rows(X.iloc[[1]], X.iloc[[7]], weights=[1.0])
    assert [text.get_text() for text in plain.legend_.get_texts()] == [words[0], words[2]]


@pytest.mark.parametrize("zone", [None, "Europe/Zurich"])
def test_times_are_written_whole(zone):
    X = mixed_frame()
    X["seen"] = pd.date_range("2024-03-01 23:00", periods=len(X), freq="27h", tz=zone)
    display = PrototypeDisplay.from_rows(X.iloc[[0]], X.iloc[1:5], weights=[4, 3, 2, 1], X=X)
    shown = {text for text, _ in drawn_texts(display.figure_)}
    for time in X["seen"].iloc[:5]:
        assert f"{time:%Y-%m-%d %H:%M}" in shown
    assert overlapping(display.figure_) == []


def test_rows_under_dates_are_called_by_the_day():
    days = pd.date_range("2020-01-01", periods=3)
    X = pd.DataFrame({"a": [1.0, 2.0, 3.0]}, index=days)
    display = PrototypeDisplay.from_rows(X[:1], X[1:], weights=[2, 1])
    assert display.cells.columns.tolist() == ["this row", "2020-01-02", "2020-01-03"]


def test_tables_with_the_columns_in_another_order_are_refused():
    X = mixed_frame()
    other = X[X.columns[::-1]]
    for rows, spread, name in ((other[1:4], None, "rows"), (X[1:4], other, "X")):
        with pytest.raises(ValueError, match=rf"^{name} has the columns of the row in another"):
            PrototypeDisplay.from_rows(X[:1], rows, weights=WEIGHTS, X=spread)
    explanation = supported(rows=[4, 7, 9], votes=WEIGHTS)
    with pytest.raises(ValueError, match=r"^X has the columns of the row in another order"):
        PrototypeDisplay.from_explanation(explanation, rows="rows", weights="votes", X=other)
    # Rows that call them otherwise take the names of the row.
    renamed = X[1:4].rename(columns=str.upper)
    display = PrototypeDisplay.from_rows(X[:1], renamed, weights=WEIGHTS)
    assert display.cells.index.tolist() == X.columns.tolist()
