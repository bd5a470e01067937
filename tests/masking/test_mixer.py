"""Hybrid rows against cell-by-cell loops, for every dtype."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import sparse

from sklearn_metaexplain.masking import RowPool, hybrid_index

COLUMNS = {
    "float": pd.Series([0.5, np.nan, -1.0, 0.5, 2.0, np.nan]),
    "float32": pd.Series([0.5, np.nan, -1.0, 0.5, 2.0, 0.0], dtype="float32"),
    "int": pd.Series([3, 1, 3, 2, 0, 1]),
    "int8": pd.Series([3, 1, 3, 2, 0, 1], dtype="int8"),
    "bool": pd.Series([True, False, True, True, False, False]),
    "object": pd.Series(["a", None, "b", np.nan, "a", pd.NA], dtype=object),
    "str": pd.Series(["a", None, "b", "c", "a", None], dtype="str"),
    "category": pd.Series(["u", "v", None, "u", "w", "v"], dtype="category"),
    "ordered": pd.Series(
        pd.Categorical(["lo", "hi", "lo", None, "hi", "hi"], categories=["lo", "hi"], ordered=True)
    ),
    "Int64": pd.Series([1, None, 3, 1, None, 2], dtype="Int64"),
    "boolean": pd.Series([True, None, False, True, None, True], dtype="boolean"),
    "Float64": pd.Series([1.5, None, 3.0, 1.5, None, 2.0], dtype="Float64"),
    "string": pd.Series(["x", None, "y", "x", "z", "y"], dtype="string"),
    "datetime": pd.to_datetime(
        pd.Series(["2020-01-01", None, "2021-05-05", "2020-01-01", "2022-01-01", None])
    ),
    "datetime_tz": pd.to_datetime(
        pd.Series(["2020-01-01", None, "2021-05-05", "2020-01-01", "2022-01-01", None])
    ).dt.tz_localize("Europe/Paris"),
    "timedelta": pd.to_timedelta(pd.Series([1, None, 3, 1, 2, 2]), unit="D"),
}


def same_cell(a, b):
    if pd.isna(a) or pd.isna(b):
        return bool(pd.isna(a)) and bool(pd.isna(b))
    return a == b and type(a) is type(b)


@pytest.fixture
def index():
    return np.random.default_rng(0).integers(0, 6, size=(40, len(COLUMNS)))


def test_frame_takes_every_dtype_from_the_right_cell(index):
    frame = pd.DataFrame(COLUMNS)
    pool = RowPool(frame.iloc[:2], frame.iloc[2:])
    taken = pool.take(index)
    pd.testing.assert_series_equal(taken.dtypes, frame.dtypes)
    assert list(taken.columns) == list(frame.columns)
    assert taken.index.equals(pd.RangeIndex(40))
    for i in range(40):
        for j in range(frame.shape[1]):
            assert same_cell(taken.iat[i, j], frame.iat[index[i, j], j])


@pytest.mark.parametrize("name", COLUMNS)
def test_single_column_frames_keep_their_dtype(name):
    frame = pd.DataFrame({name: COLUMNS[name]})
    taken = RowPool(frame.iloc[:1], frame.iloc[1:4], frame.iloc[4:]).rows(np.arange(6))
    pd.testing.assert_frame_equal(taken, frame)


def test_codes_are_the_first_equal_row():
    frame = pd.DataFrame(COLUMNS)
    codes = RowPool(frame.iloc[:3], frame.iloc[3:]).codes()
    assert codes.dtype == np.int64
    for j in range(frame.shape[1]):
        cells = [frame.iat[i, j] for i in range(6)]
        expected = [
            next(k for k in range(6) if same_cell(cells[k], cell) and type(cells[k]) is type(cell))
            for cell in cells
        ]
        assert codes[:, j].tolist() == expected, frame.columns[j]


def test_codes_of_object_arrays_tell_none_nan_nat_and_na_apart():
    cells = ["a", None, np.nan, pd.NaT, pd.NA, "a", np.float64("nan"), None, pd.NaT, pd.NA]
    cells = np.array(cells, dtype=object)[:, None]
    assert RowPool(cells).codes().ravel().tolist() == [0, 1, 2, 3, 4, 0, 2, 1, 3, 4]


def test_codes_of_object_arrays_tell_equal_cells_of_several_types_apart():
    cells = [1, 1.0, True, "1", np.int64(1), np.float32(1), np.bool_(True), np.str_("1"), 2, None]
    array = np.empty((len(cells), 1), dtype=object)
    array[:, 0] = cells
    assert RowPool(array).codes().ravel().tolist() == [0, 1, 2, 3, 0, 1, 2, 3, 8, 9]


@pytest.mark.parametrize("dtype", [float, np.float32, int, bool, object, "U3"])
def test_arrays_keep_their_dtype(dtype):
    array = np.array([[0, 1], [1, 1], [0, 0]]).astype(dtype)
    pool = RowPool(array[:1], array[1:])
    taken = pool.take(np.array([[2, 0], [1, 2]]))
    assert taken.dtype == array.dtype
    np.testing.assert_array_equal(taken, [[array[2, 0], array[0, 1]], [array[1, 0], array[2, 1]]])


@pytest.mark.parametrize("width", [1, 2])
def test_objects_that_are_all_strings_stay_objects(width):
    frame = pd.DataFrame({"a": ["u", "v"], "b": ["w", "x"]}, dtype=object).iloc[:, :width]
    taken = RowPool(frame, frame.to_numpy()).rows(np.array([0, 3]))
    assert taken.dtypes.tolist() == [np.dtype(object)] * width
    mixed = frame.assign(n=[1, 2])
    assert RowPool(mixed).rows(np.array([0, 1])).dtypes.tolist() == mixed.dtypes.tolist()


def test_numbers_are_not_turned_into_strings():
    taken = RowPool(np.array([["a"]]), np.array([[1.5]])).rows(np.array([0, 1]))
    assert taken.dtype == object
    assert taken.ravel().tolist() == ["a", 1.5]


@pytest.mark.parametrize("unit", ["ns", "us"])
def test_dates_stay_dates_beside_objects(unit):
    dates = np.array([["2024-01-01", "2024-01-02"]], dtype=f"M8[{unit}]")
    rows = np.array([[pd.Timestamp("2024-01-01"), "late"]], dtype=object)
    cells = RowPool(dates, rows).rows([0])
    assert cells.tolist() == [[pd.Timestamp("2024-01-01"), pd.Timestamp("2024-01-02")]]


def test_categories_that_differ_are_joined():
    a = pd.DataFrame({"c": pd.Categorical(["x", "y"], categories=["y", "x"])})
    b = pd.DataFrame({"c": pd.Categorical(["z", "x", None])})
    taken = RowPool(a, b).rows(np.arange(5))
    assert taken["c"].cat.categories.tolist() == ["y", "x", "z"]
    assert taken["c"].isna().tolist() == [False] * 4 + [True]
    assert taken["c"].iloc[:4].tolist() == ["x", "y", "z", "x"]


def test_strings_join_a_categorical_column():
    a = pd.DataFrame({"c": pd.Categorical(["x", "y"])})
    taken = RowPool(a, pd.DataFrame({"c": ["new", "x"]})).rows(np.arange(4))
    assert isinstance(taken["c"].dtype, pd.CategoricalDtype)
    assert taken["c"].tolist() == ["x", "y", "new", "x"]


@pytest.mark.parametrize("container", [sparse.csr_array, sparse.csr_matrix, sparse.csc_array])
def test_sparse_tables(container):
    rng = np.random.default_rng(1)
    dense = rng.integers(0, 3, size=(8, 5)) * 1.5
    index = rng.integers(0, 8, size=(20, 5))
    pool = RowPool(container(dense[:3]), container(dense[3:]))
    taken = pool.take(index)
    assert sparse.issparse(taken)
    assert taken.format == "csr"
    np.testing.assert_array_equal(taken.toarray(), np.take_along_axis(dense, index, axis=0))
    np.testing.assert_array_equal(pool.codes(), RowPool(dense).codes())
    assert pool.take(np.empty((0, 5), dtype=int)).shape == (0, 5)


def test_container_is_that_of_the_first_table():
    frame = pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]})
    array = np.array([[5.0, 6.0]])
    pd.testing.assert_frame_equal(
        RowPool(frame, array).rows(np.array([2, 0])),
        pd.DataFrame({"a": [5.0, 1.0], "b": [6.0, 3.0]}),
    )
    assert RowPool(array, frame).rows(np.array([1])).tolist() == [[1.0, 3.0]]
    assert RowPool(sparse.csr_array(array), frame).rows(np.array([1])).toarray().tolist() == [
        [1.0, 3.0]
    ]


def test_duplicate_column_names_are_taken_by_position():
    frame = pd.DataFrame([[1, "x"], [2, "y"]], columns=["a", "a"])
    taken = RowPool(frame).take(np.array([[1, 0]]))
    assert taken.to_numpy().tolist() == [[2, "x"]]


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_hybrids_take_each_column_from_the_row_its_player_says(data):
    n_rows, n_columns, n = (data.draw(st.integers(1, 6)) for _ in range(3))
    values = data.draw(
        hnp.arrays(float, (n_rows, n_columns), elements=st.sampled_from([0.0, 1.0, np.nan, -2.5]))
    )
    n_players = data.draw(st.integers(1, n_columns))
    player_of_column = data.draw(hnp.arrays(int, n_columns, elements=st.integers(0, n_players - 1)))
    rows = data.draw(hnp.arrays(int, n, elements=st.integers(0, n_rows - 1)))
    background = data.draw(hnp.arrays(int, n, elements=st.integers(0, n_rows - 1)))
    coalitions = data.draw(hnp.arrays(bool, (n, n_players)))
    taken = RowPool(values).take(hybrid_index(rows, background, coalitions, player_of_column))
    for i in range(n):
        for j in range(n_columns):
            source = rows[i] if coalitions[i, player_of_column[j]] else background[i]
            np.testing.assert_equal(taken[i, j], values[source, j])


def test_a_cell_that_cannot_be_compared_is_refused_by_column():
    frame = pd.DataFrame({"fine": [1, 2], "lists": [[1], [2]]})
    with pytest.raises(TypeError, match="'lists'"):
        RowPool(frame).codes()


def test_tables_of_different_widths_are_refused():
    with pytest.raises(ValueError, match="different numbers of columns"):
        RowPool(np.zeros((1, 2)), np.zeros((1, 3)))


def test_taking_rows_costs_memory_for_the_result_alone():
    pool = RowPool(np.zeros((1000, 30)))
    index = np.zeros((10_000, 30), dtype=np.intp)
    tracemalloc.start()
    pool.take(index)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 6 * index.nbytes
