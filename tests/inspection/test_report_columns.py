"""Columns in a report: exact, in a natural order, whatever they hold."""

import datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from sklearn_metaexplain.inspection._report_columns import (
    encode_array,
    encode_column,
    encode_index,
    table_columns,
)
from tests.inspection.report_pages import cells_of, decode

NUMBERS = st.lists(
    st.one_of(st.floats(allow_nan=False), st.integers(-(2**53), 2**53), st.none()), min_size=1
)


@given(NUMBERS)
def test_numbers_are_exact(numbers):
    column = pd.Series(numbers, dtype=object).astype(float)
    expected = [None if pd.isna(cell) else cell for cell in column]
    assert cells_of(encode_column(column)) == expected


@given(st.lists(st.one_of(st.text(), st.none()), min_size=1))
def test_text_is_exact_and_in_order(texts):
    encoded = encode_column(pd.Series(texts, dtype=object))
    if any(text is not None for text in texts):
        assert cells_of(encoded) == texts
        assert encoded["labels"] == sorted({text for text in texts if text is not None})
    else:
        assert cells_of(encoded) == [None] * len(texts)


@pytest.mark.parametrize(
    ("numbers", "kind"),
    [([1, 2, 3], "f4"), ([0.5, np.nan], "f4"), ([0.1], "f8"), ([2**24 + 1], "f8")],
)
def test_single_precision_only_where_nothing_is_lost(numbers, kind):
    assert encode_column(pd.Series(numbers))["type"] == kind


@pytest.mark.parametrize(
    ("column", "labels", "cells"),
    [
        (pd.Series([True, False, True]), ["False", "True"], ["True", "False", "True"]),
        (pd.Series([True, None], dtype="boolean"), ["True"], ["True", None]),
        (
            pd.Series(pd.Categorical(["low", None, "high"], ["low", "middle", "high"], True)),
            ["low", "high"],
            ["low", None, "high"],
        ),
        (pd.Series(["b", "a"], dtype="category"), ["a", "b"], ["b", "a"]),
        (
            pd.Series([10.0, 9.0, np.nan], dtype="category"),
            ["9.0", "10.0"],
            ["10.0", "9.0", None],
        ),
        (
            pd.Series(pd.to_datetime(["2024-02-01", None, "2023-12-31"])),
            ["2023-12-31", "2024-02-01"],
            ["2024-02-01", None, "2023-12-31"],
        ),
        (
            pd.Series(pd.to_datetime(["2024-02-01 10:30", "2024-02-01 09:00"])),
            ["2024-02-01 09:00", "2024-02-01 10:30"],
            ["2024-02-01 10:30", "2024-02-01 09:00"],
        ),
        (
            pd.Series(pd.to_datetime(["2024-02-01 10:30:00.5", "2024-02-01 00:00:00.0"])),
            ["2024-02-01", "2024-02-01 10:30:00.500000"],
            ["2024-02-01 10:30:00.500000", "2024-02-01"],
        ),
        (
            # There was no midnight on this day.
            pd.Series(pd.to_datetime(["2018-11-04 10:30"])).dt.tz_localize("America/Sao_Paulo"),
            ["2018-11-04 10:30-02:00"],
            ["2018-11-04 10:30-02:00"],
        ),
        (
            # There were two midnights on this day.
            pd.Series(pd.to_datetime(["2020-11-01T04Z", "2020-11-01T05Z"])).dt.tz_convert(
                "America/Havana"
            ),
            ["2020-11-01", "2020-11-01 00:00-05:00"],
            ["2020-11-01", "2020-11-01 00:00-05:00"],
        ),
        (
            pd.Series([datetime.date(2024, 2, 1), datetime.date(2023, 1, 1)]),
            ["2023-01-01", "2024-02-01"],
            ["2024-02-01", "2023-01-01"],
        ),
        (
            pd.Series([2**63 - 1, 2**63 - 2]),
            ["9223372036854775806", "9223372036854775807"],
            ["9223372036854775807", "9223372036854775806"],
        ),
        (pd.Series([Decimal("10"), Decimal("9")]), ["9", "10"], ["10", "9"]),
        (pd.Series(["b", 3, None], dtype=object), ["3", "b"], ["b", "3", None]),
        (
            pd.Series([1, True, "a", None, 1.0, np.int64(1), True], dtype=object),
            ["1", "1.0", "True", "a"],
            ["1", "True", "a", None, "1.0", "1", "True"],
        ),
        (pd.Series([["x"], ["a"], ["x"]]), ["['a']", "['x']"], ["['x']", "['a']", "['x']"]),
        (pd.Series([1, None], dtype="Int64"), None, [1.0, None]),
        (pd.Series([1, None, 2.5], dtype=object), None, [1.0, None, 2.5]),
        (pd.Series([None, None], dtype=object), [], [None, None]),
    ],
)
def test_types(column, labels, cells):
    encoded = encode_column(column)
    assert encoded.get("labels") == labels
    assert cells_of(encoded) == cells


@pytest.mark.parametrize(("n", "kind"), [(255, "u1"), (256, "u2"), (65_536, "u4")])
def test_codes_take_the_room_they_need(n, kind):
    texts = [f"{i:06}" for i in range(n)]
    encoded = encode_column(pd.Series(texts))
    assert encoded["type"] == kind
    assert cells_of(encoded) == texts


def test_arrays_are_little_endian():
    assert encode_array(np.array([1], dtype=">f8"), "<f8")["data"] == "AAAAAAAA8D8="


@pytest.mark.parametrize(
    "table",
    [
        np.arange(6.0).reshape(3, 2),
        pd.DataFrame(np.arange(6.0).reshape(3, 2), columns=["x0", "x1"]),
        sparse.csr_array(np.arange(6.0).reshape(3, 2)),
        sparse.coo_matrix(np.arange(6.0).reshape(3, 2)),
    ],
)
def test_tables_of_all_kinds(table):
    columns = [decode(encode_column(cells)).tolist() for cells in table_columns(table)]
    assert columns == [[0, 2, 4], [1, 3, 5]]


def test_columns_of_the_same_name_stay_apart():
    table = pd.DataFrame([[1, "a"], [2, "b"]], columns=["x", "x"])
    assert [cells_of(encode_column(cells)) for cells in table_columns(table)] == [
        [1, 2],
        ["a", "b"],
    ]


@pytest.mark.parametrize(
    ("index", "name", "cells"),
    [
        (None, "row", [0, 1]),
        (pd.Index(["a", "b"], name="id"), "id", ["a", "b"]),
        (pd.MultiIndex.from_tuples([("a", 1), ("b", 2)], names=["x", None]), "x", ["a, 1", "b, 2"]),
        (pd.DatetimeIndex(["2024-01-02", "2024-01-01"]), "row", ["2024-01-02", "2024-01-01"]),
        (pd.CategoricalIndex(["b", "a"]), "row", ["b", "a"]),
    ],
)
def test_row_labels(index, name, cells):
    encoded = encode_index(index, 2)
    assert encoded["name"] == name
    assert cells_of(encoded) == cells
