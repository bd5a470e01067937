"""Other numbers in the columns of a table: dtypes, limits, missing cells."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from sklearn_metaexplain._cells import is_boolean, is_whole, numbers_like, with_columns

INTEGERS = ["int8", "uint8", "int64", "uint64", "UInt8", "Int64"]


@pytest.mark.parametrize("dtype", INTEGERS)
def test_integers_stay_within_what_their_dtype_holds(dtype):
    cells = pd.Series([1, 2, 3], dtype=dtype)
    limits = np.iinfo(dtype.lower())
    column = numbers_like(cells, np.array([-1e30, 2.6, 1e30]), whole=True)
    assert column.dtype == cells.dtype
    low, middle, high = column.tolist()
    assert (low, middle) == (limits.min, 3)
    # Below the highest by no more than floats of that size are apart.
    assert limits.max - 2048 <= high <= limits.max


def test_missing_cells_stay_and_objects_are_numbers_of_python():
    nullable = pd.Series([1, None, 3], dtype="Int64")
    column = numbers_like(nullable, np.array([4.0, np.nan, 5.0]), whole=True)
    pd.testing.assert_series_equal(column, pd.Series([4, None, 5], dtype="Int64"))
    objects = np.array([1, None, 3], dtype=object)
    assert numbers_like(objects, np.array([1.7, np.nan, 1e20]), whole=True).tolist() == [
        2,
        None,
        10**20,
    ]
    assert numbers_like(objects, np.array([1.7, np.nan, 3.0]), whole=False).tolist() == [
        1.7,
        None,
        3.0,
    ]
    assert objects.tolist() == [1, None, 3]


def test_sparse_columns_of_frames():
    cells = pd.Series([0, 1, 0], dtype=pd.SparseDtype("uint8"))
    column = numbers_like(cells, np.array([-3.0, 1.0, 300.0]), whole=True)
    assert column.dtype == cells.dtype
    assert column.tolist() == [0, 1, 255]


@pytest.mark.parametrize(
    ("cells", "boolean", "whole"),
    [
        ([True, None, np.bool_(False)], True, False),
        ([1, None, np.int8(2)], False, True),
        ([1, 2.0], False, False),
        ([Decimal(1), Fraction(1, 2)], False, False),
        (["a"], False, False),
    ],
)
def test_kinds_of_objects(cells, boolean, whole):
    for column in (pd.Series(cells, dtype=object), np.array(cells, dtype=object)):
        assert is_boolean(column) == boolean
        assert is_whole(column) == whole


@pytest.mark.parametrize(
    "table",
    [
        np.arange(6.0).reshape(3, 2),
        sparse.csr_array(np.arange(6.0).reshape(3, 2)),
        pd.DataFrame({"a": [0, 1, 2], "b": [0.5, 1.5, 2.5]}),
        pd.DataFrame([[0, "u"], [1, "v"], [2, "w"]], columns=["same", "same"]),
    ],
)
def test_columns_are_put_into_a_copy(table):
    before = table.copy()
    new = with_columns(table, {0: np.array([7.0, 8.0, 9.0])})
    assert type(new) is type(table)
    first, second = (
        np.asarray(t.toarray() if sparse.issparse(t) else t, dtype=object) for t in (new, table)
    )
    assert first[:, 0].tolist() == [7, 8, 9]
    assert first[:, 1].tolist() == second[:, 1].tolist()
    if isinstance(table, pd.DataFrame):
        assert new.columns.equals(table.columns)
        pd.testing.assert_frame_equal(table, before)
