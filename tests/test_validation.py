"""Tables as they come in."""

import warnings
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder

from sklearn_metaexplain import LimeExplainer, MetaExplainer, PrototypeClassifier, ShapExplainer
from sklearn_metaexplain._arrays import as_array
from sklearn_metaexplain._containers import match_container
from sklearn_metaexplain._validation import check_table


def test_a_list_keeps_numbers_beside_text():
    rows = [[0.5, "a", None], [1, "b", 2.0]]
    X = check_table(BaseEstimator(), rows, reset=True)
    assert X.dtype == object
    assert X.tolist() == rows
    assert check_table(BaseEstimator(), [[1, 2.5]], reset=True).dtype == float


def test_a_list_of_mixed_rows_is_what_an_array_of_objects_is():
    rng = np.random.RandomState(0)
    number = rng.normal(size=60)
    rows = [[x, str(rng.choice(["a", "b"]))] for x in number.tolist()]
    labels = (number > 0).astype(int)
    listed, array = (
        PrototypeClassifier(random_state=0).fit(X[:30], labels[:30]).predict_proba(X[30:])
        for X in (rows, np.array(rows, dtype=object))
    )
    np.testing.assert_array_equal(listed, array)


def test_missing_nullable_numbers_become_nan_in_arrays():
    frame = pd.DataFrame(
        {
            "whole": pd.array([1, None, 3], dtype="Int64"),
            "flag": pd.array([True, False, None], dtype="boolean"),
            "plain": [0.5, 1.5, 2.5],
        },
        index=[7, 7, 8],
    )
    array = as_array(frame)
    assert array.dtype == float
    np.testing.assert_array_equal(array, [[1, 1, 0.5], [np.nan, 0, 1.5], [3, np.nan, 2.5]])
    assert as_array(frame[["whole"]].dropna()).dtype.kind == "i"
    np.testing.assert_array_equal(match_container(frame, like=np.zeros((1, 3))), array)
    mixed = as_array(frame.assign(text=["x", None, "y"]))
    assert mixed.dtype == object
    assert isinstance(mixed[1, 0], float)


@pytest.mark.parametrize(
    ("dtype", "cell", "found"),
    [
        (np.float64, 1.5, np.float64),
        (np.float64, None, np.float64),
        (np.int64, 3, np.int64),
        (np.int64, 1.5, np.float64),
        (np.float32, 0.1, np.float64),
        (np.float64, "1.5", object),
        (np.float64, 2**60 + 1, object),
    ],
)
def test_truth_values_and_numbers_are_numbers_beside_numbers(dtype, cell, found):
    cells = np.array([[True, cell]], dtype=object)
    matched = match_container(cells, np.zeros((1, 2), dtype))
    assert matched.dtype == found
    expected = cells if found is object else cells.astype(float)
    np.testing.assert_array_equal(matched, expected)


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
def test_a_frame_with_truth_values_is_the_array_that_was_fitted(container):
    X = np.random.RandomState(0).normal(size=(60, 3))
    X[:, 2] = 1
    forest = RandomForestRegressor(3, random_state=0)
    explainer = MetaExplainer(forest, n_support=64, background=5, random_state=0)
    explainer.fit(container(X), X[:, 0] * X[:, 1])
    frame = pd.DataFrame({"a": X[:2, 0], "b": X[:2, 1], "c": [True, True]})
    explained, expected = explainer.explain(frame), explainer.explain(X[:2])
    np.testing.assert_array_equal(explained.values, expected.values)
    assert not explained.values[:, 2].any()


def test_text_given_to_a_model_of_numbers_is_named():
    X = np.random.RandomState(0).normal(size=(30, 4))
    explainer = ShapExplainer(Ridge(), random_state=0).fit(X, X[:, 0])
    with pytest.raises(ValueError, match="cannot convert 'b' in column 'x1' to a number"):
        explainer.explain(np.array([["1", "b", "3", "4"]]))


def test_columns_of_which_everything_is_missing_get_the_type_that_is_wanted():
    like = pd.DataFrame(
        {
            "text": ["a", None],
            "kind": pd.Categorical(["a", "b"]),
            "day": pd.to_datetime(["2024-01-01", None]),
            "count": pd.array([1, None], dtype="Int64"),
            "whole": [1, 2],
            "share": [0.5, 0.25],
        }
    )
    missing = pd.DataFrame(np.nan, index=[7], columns=like.columns)
    matched = match_container(missing, like)
    assert matched.drop(columns="whole").dtypes.equals(like.drop(columns="whole").dtypes)
    assert matched["whole"].dtype == np.float64  # whole numbers have no missing value
    assert matched.isna().all().all()
    assert matched.index.tolist() == [7]
    assert (missing.dtypes == np.float64).all()
    assert match_container(like, like) is like
    some = like.assign(share=["a", None])
    assert match_container(some, like) is some


@pytest.mark.parametrize(("names", "repeated"), [("aba", "'a'"), ("aabb", "'a', 'b'"), ([7, 7], 7)])
def test_columns_of_one_name_are_refused_by_it(names, repeated):
    frame = pd.DataFrame(np.arange(6.0)[:, None] + np.zeros(len(names)), columns=list(names))
    message = rf"more than one column named {repeated}; .*Classifier tells columns.* rename them"
    classifier = PrototypeClassifier(random_state=0)
    with pytest.raises(ValueError, match=message):
        classifier.fit(frame, [0, 1] * 3)
    distinct = frame.loc[:, ~frame.columns.duplicated()]
    classifier.fit(distinct, [0, 1] * 3)
    with pytest.raises(ValueError, match=message):
        classifier.predict(frame)
    with pytest.raises(ValueError, match=rf"named {repeated}; ShapExplainer"):
        ShapExplainer(Ridge().fit(np.asarray(frame), range(6))).fit(frame)


@pytest.mark.parametrize(
    ("fitted", "given", "dtype"),
    [
        ([True, False], [1, 0], bool),
        ([1, 2], [True, False], np.int64),
        ([1, 2], [3.0, 4.0], np.int64),
        ([1.5, 2.5], [3, 4], np.float64),
        ([1, 2], pd.array([3, 4], dtype="Int64"), np.int64),
        (pd.array([1, None], dtype="Int64"), [3, 4], "Int64"),
        (pd.Categorical(["a", "b"]), pd.Categorical(["b"] * 2), pd.CategoricalDtype(["a", "b"])),
        (
            pd.Categorical(["a", "b"]),
            pd.Categorical(["a", "b"], ["b", "a"]),
            pd.CategoricalDtype(["a", "b"]),
        ),
        (
            pd.Categorical([1, 2]),
            pd.Categorical([2, 1], [2, 1], ordered=True),
            pd.CategoricalDtype([1, 2]),
        ),
        (pd.Series(["a", "b"], dtype=object), pd.array(["b", "c"], dtype="str"), object),
        (pd.Categorical(["a", "b"]), ["c", "a"], pd.CategoricalDtype(["a", "b", "c"])),
        (
            pd.Categorical(["a", "b"], ["b", "a"], ordered=True),
            ["c", "a"],
            pd.CategoricalDtype(["b", "a", "c"], ordered=True),
        ),
        (np.array(["2024-01-01"] * 2, "M8[s]"), np.array(["2024-02-01"] * 2, "M8[ns]"), "M8[s]"),
    ],
)
def test_columns_get_the_type_that_they_had_if_they_lose_nothing(fitted, given, dtype):
    like, frame = pd.DataFrame({"a": fitted}), pd.DataFrame({"a": given}, index=[5, 3])
    matched = match_container(frame, like)["a"]
    assert matched.dtype == dtype
    if isinstance(dtype, pd.CategoricalDtype):
        assert matched.cat.categories.tolist() == dtype.categories.tolist()
    assert matched.tolist() == frame["a"].tolist()
    assert matched.index.tolist() == [5, 3]


@pytest.mark.parametrize(
    ("fitted", "given"),
    [
        ([1, 2], [3.5, 4.0]),
        ([1, 2], [3.0, np.nan]),
        ([True, False], [1, 2]),
        (pd.array(["1", "2"], dtype="string"), [1, 2]),
        ([1, 2], pd.array(["1", "2"], dtype="string")),
        (np.array(["2024-01-01"] * 2, "M8[s]"), [1, 2]),
        ([1, 2], np.array(["2024-01-01"] * 2, "M8[s]")),
        (np.array(["2024-01-01"] * 2, "M8[s]"), np.array(["2024-01-01T00:00:00.5"] * 2, "M8[ns]")),
        ([1, 2], np.array(["1", "2"], dtype=object)),
        (pd.Categorical(["a", "b"]), [["a"], ["b"]]),
    ],
)
def test_columns_keep_their_type_where_cells_would_change(fitted, given):
    frame = pd.DataFrame({"a": given})
    assert match_container(frame, pd.DataFrame({"a": fitted})) is frame


def _by_code(table):
    return table.assign(c=table["c"].cat.codes)


@pytest.mark.parametrize("categories", ["yz", "zyx", "yxz"])
def test_rows_with_other_categories_are_explained_as_those_of_fit(categories):
    rng = np.random.RandomState(0)
    table = pd.DataFrame(
        {"c": pd.Categorical(rng.choice(list("xyz"), 90)), "b": rng.normal(size=90)}
    )
    model = make_pipeline(FunctionTransformer(_by_code), LinearRegression())
    explainer = ShapExplainer(model, background=table[:20])
    explainer.fit(table, 10.0 * table["c"].cat.codes + table["b"])
    rows = pd.DataFrame({"c": pd.Categorical(["y", "z"], list(categories)), "b": [0.0, 1.0]})
    background = table[:20]
    expected = np.stack(
        [
            10 * (np.array([1, 2]) - background["c"].cat.codes.mean()),
            rows["b"] - background["b"].mean(),
        ],
        axis=1,
    )
    np.testing.assert_allclose(explainer.explain(rows).values[..., 0], expected, atol=1e-9)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # an array has no names
        array = explainer.explain(rows.to_numpy())
    np.testing.assert_allclose(array.values[..., 0], expected, atol=1e-9)


class _Weighted(RegressorMixin, BaseEstimator):
    """Reads columns by labels that are no text."""

    def fit(self, X, y):
        self.fitted_ = True
        return self

    def predict(self, X):
        return (X[10] + 10 * X[20] + 100 * X[30]).to_numpy()


def test_columns_whose_labels_are_no_text():
    frame = pd.DataFrame(np.random.RandomState(0).normal(size=(60, 3)), columns=[10, 20, 30])
    explainer = ShapExplainer(_Weighted(), random_state=0).fit(frame, frame[10])
    assert explainer.explain(frame[:2]).feature_names.tolist() == ["10", "20", "30"]
    for other, got in (
        (frame[[20, 10, 30]], "20, 10, 30"),
        (frame.rename(columns={30: 9}), "10, 20, 9"),
    ):
        with pytest.raises(
            ValueError, match=f"in the same order: got {got} where fit had 10, 20, 30"
        ):
            explainer.explain(other)
    array = explainer.explain(frame[:2].to_numpy())
    np.testing.assert_allclose(array.values, explainer.explain(frame[:2]).values)
    grouped = ShapExplainer(_Weighted(), feature_groups=[["30", "10"]], random_state=0)
    names = grouped.fit(frame, frame[10]).explain(frame[:2]).feature_names
    assert names.tolist() == ["30+10", "20"]
    swapped = ShapExplainer(Ridge(), feature_groups=[[0, 1]], random_state=0)
    with pytest.raises(ValueError, match=r"names 0, .* the position of the column labelled '2'"):
        swapped.fit(frame.set_axis([2, 0, 1], axis=1), frame[10])


def test_columns_without_labels_are_numbered():
    frame = pd.DataFrame(np.random.RandomState(0).normal(size=(60, 2)))
    explainer = ShapExplainer(Ridge(), feature_groups=[[0, 1]], random_state=0)
    explanation = explainer.fit(frame, frame[0]).explain(frame[:2])
    assert explanation.feature_names.tolist() == ["x0+x1"]


def test_missing_cells_of_several_kinds_are_told_apart_as_the_model_does():
    rng = np.random.RandomState(0)
    cells = np.array(["a", None, np.nan], dtype=object)[rng.randint(3, size=90)]
    table = pd.DataFrame({"c": pd.Series(cells, dtype=object), "x": rng.normal(size=90)})
    is_none = np.array([cell is None for cell in cells])
    is_nan = np.array([isinstance(cell, float) for cell in cells])
    model = make_pipeline(
        make_column_transformer((OneHotEncoder(), ["c"]), remainder="passthrough"),
        LinearRegression(),
    )
    explainer = ShapExplainer(model, background=table[is_nan], random_state=0)
    explanation = explainer.fit(table, 10.0 * is_none + table["x"]).explain(table[is_none][:3])
    np.testing.assert_allclose(explanation.values[:, 0, 0], 10, atol=1e-6)
    assert not explainer.explain(table[is_nan][:3]).values[:, 0].any()


@pytest.mark.parametrize("make", [pd.DataFrame, np.asarray])
@pytest.mark.parametrize("kind", [MetaExplainer, ShapExplainer, LimeExplainer])
def test_numbers_in_the_other_order_of_bytes_are_the_same_numbers(kind, make):
    table = np.random.RandomState(0).normal(size=(60, 3))
    native, swapped = make(table), make(table.astype(table.dtype.newbyteorder()))

    def values(X, background, rows):
        explainer = kind(LinearRegression(), background=background, random_state=0)
        return explainer.fit(X, table.sum(axis=1)).explain(rows[:2]).values

    expected = values(native, native[:10], native)
    np.testing.assert_array_equal(values(swapped, swapped[:10], swapped), expected)
    np.testing.assert_array_equal(values(native, swapped[:10], swapped), expected)


def test_only_columns_in_the_other_order_of_bytes_are_converted():
    frame = pd.DataFrame({"a": [1.5, 2.5], "b": ["x", "y"], "c": [1, 2]}, index=[3, 7])
    assert check_table(BaseEstimator(), frame, reset=True) is frame
    columns = {name: frame[name].to_numpy() for name in "ac"}
    swapped = {name: part.astype(part.dtype.newbyteorder()) for name, part in columns.items()}
    given = pd.DataFrame({**frame, **swapped}, index=frame.index)
    assert not given["a"].dtype.isnative
    pd.testing.assert_frame_equal(check_table(BaseEstimator(), given, reset=True), frame)
    assert not given["a"].dtype.isnative
    array = check_table(BaseEstimator(), swapped["a"][:, None], reset=True)
    assert array.dtype == np.float64
    assert array.ravel().tolist() == [1.5, 2.5]


@pytest.mark.parametrize("make", [pd.DataFrame, np.array])
def test_infinite_decimals_are_infinite(make):
    cells = [[Decimal("1.5"), Decimal("NaN")], [Decimal("-Infinity"), None]]
    with pytest.raises(ValueError, match=r"infinity in column (0|'x0');"):
        check_table(BaseEstimator(), make(cells), reset=True)
    check_table(BaseEstimator(), make(cells[:1]), reset=True)
