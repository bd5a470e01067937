import datetime
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from sklearn_metaexplain.inspection._column_view import column_view, format_cell
from sklearn_metaexplain.inspection._read import largest_first, select_outputs
from tests.inspection.explanations import regression_explanation


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (None, "missing"),
        (np.nan, "missing"),
        (pd.NA, "missing"),
        (pd.NaT, "missing"),
        ("Biscoe", "Biscoe"),
        ("", ""),
        (True, "True"),
        (np.bool_(False), "False"),
        (2007, "2007"),
        (np.int64(-3), "-3"),
        (3750.0, "3750"),
        (-0.0, "0"),
        (39.10000001, "39.1"),
        (0.123456, "0.1235"),
        (-12345.678, "-12346"),
        (1234567.5, "1.23e+06"),
        (0.00001234, "1.23e-05"),
        (np.inf, "inf"),
        (-(10**400), "-1.00e+400"),
        (pd.Timestamp("2024-03-01"), "2024-03-01"),
        (pd.Timestamp("2024-03-01 12:30"), "2024-03-01 12:30"),
        (pd.Timestamp("2024-03-01 12:30:05"), "2024-03-01 12:30:05"),
        (pd.Timestamp("2024-03-01 12:30", tz="Asia/Tokyo"), "2024-03-01 12:30+09:00"),
        # The clocks were changed at midnight: there was none, or there were two.
        (pd.Timestamp("2018-11-04 12:30", tz="America/Sao_Paulo"), "2018-11-04 12:30-02:00"),
        (pd.Timestamp("2020-11-01 12:30", tz="America/Havana"), "2020-11-01 12:30-05:00"),
        (pd.Timedelta(days=-3), "-3 days"),
        (pd.Timedelta(hours=24) / 7, "0 days 03:25:43"),
        (pd.Timedelta(seconds=10) / 7, "0 days 00:00:01.429"),
        (pd.Timedelta(1428571, unit="ns"), "0 days 00:00:00.001429"),
        (pd.Timedelta(123, unit="ns"), "0 days 00:00:00.000000123"),
        (pd.Timedelta.max, "106751 days 23:47:16.854775807"),
    ],
)
def test_cells_are_written_short(cell, text):
    assert format_cell(cell) == text


def test_columns_of_all_types_have_places():
    view = column_view(pd.Series([3, None, 1], dtype="Int64"), "a")
    np.testing.assert_array_equal(view.numbers, [3, np.nan, 1])
    assert view.levels is None
    view = column_view(np.array(["b", None, "a"], dtype=object), "a")
    assert (view.levels, view.ordered) == (["a", "b"], False)
    np.testing.assert_array_equal(view.numbers, [1, np.nan, 0])
    view = column_view(np.array([1.5, 2, np.nan], dtype=object), "a")
    assert view.levels is None
    view = column_view(pd.Series([True, False]), "a")
    assert (view.levels, view.ordered) == (["False", "True"], True)
    view = column_view(pd.Series(pd.Categorical(["x", "z"], ["z", "y", "x"])), "a")
    assert view.levels == ["z", "x"]
    view = column_view(pd.Series(["1970-01-03", None], dtype="datetime64[ns, UTC]"), "a")
    np.testing.assert_array_equal(view.numbers, [2, np.nan])
    assert view.is_date
    view = column_view(pd.to_timedelta(["36h", None]), "a")
    np.testing.assert_array_equal(view.numbers, [1.5, np.nan])
    assert view.label == "a (days)"
    view = column_view(np.array(["text", 1, datetime.date(2024, 1, 1)], dtype=object), "a")
    assert sorted(view.levels) == ["1", "2024-01-01", "text"]


@pytest.mark.parametrize(
    ("cells", "numbers", "is_date"),
    [
        ([Decimal("2.5"), None, Decimal("10")], [2.5, np.nan, 10], False),
        ([Fraction(1, 4), 2, np.nan], [0.25, 2, np.nan], False),
        ([3, pd.NA, 10], [3, np.nan, 10], False),
        ([datetime.date(1970, 1, 3), None, datetime.date(1969, 12, 31)], [2, np.nan, -1], True),
        ([datetime.timedelta(hours=36), None, datetime.timedelta(0)], [1.5, np.nan, 0], False),
        (pd.PeriodIndex(["1970-02", "NaT", "1970-01"], freq="M"), [31, np.nan, 0], True),
    ],
)
def test_objects_of_one_kind_are_numbers_and_dates(cells, numbers, is_date):
    column = cells if isinstance(cells, pd.PeriodIndex) else pd.Series(cells, dtype=object)
    view = column_view(column, "a")
    np.testing.assert_array_equal(view.numbers, numbers)
    assert (view.levels, view.ordered, view.is_date) == (None, True, is_date)


def test_objects_with_offsets_are_placed_by_the_moment_and_zoned_columns_by_local_time():
    texts = ["1970-01-02T00:00+09:00", "1970-01-01T15:00+00:00"]
    moments = [datetime.datetime.fromisoformat(text) for text in texts]
    np.testing.assert_array_equal(column_view(pd.Series(moments, dtype=object), "a").numbers, 0.625)
    zoned = pd.Series(pd.to_datetime(moments, utc=True)).dt.tz_convert("Asia/Tokyo")
    np.testing.assert_array_equal(column_view(zoned, "a").numbers, 1)


def test_booleans_beside_missing_cells_have_an_order():
    view = column_view(np.array([True, None, False], dtype=object), "a")
    np.testing.assert_array_equal(view.numbers, [1, np.nan, 0])
    assert (view.levels, view.ordered) == (["False", "True"], True)


@pytest.mark.parametrize(
    ("longest", "unit", "number"),
    [
        ("36h", "days", 1.5),
        ("-90min", "hours", -1.5),
        ("90s", "minutes", 1.5),
        ("1ms", "seconds", 1e-3),
    ],
)
def test_durations_are_counted_in_a_unit_that_suits_them(longest, unit, number):
    view = column_view(pd.to_timedelta([longest, "0s", None]), "a")
    np.testing.assert_allclose(view.numbers, [number, 0, np.nan])
    assert (view.unit, view.label) == (unit, f"a ({unit})")
    assert column_view(pd.to_timedelta([None]), "a").unit == "seconds"


def test_scaling_needs_an_order():
    assert np.isnan(column_view(np.array(["a", "b"]), "a").scaled()).all()
    assert np.isnan(column_view(np.array([np.nan, np.nan]), "a").scaled()).all()
    rare = np.zeros(100)
    rare[0] = 1  # the percentiles agree
    np.testing.assert_array_equal(column_view(rare, "a").scaled(), rare)


def test_largest_first_keeps_ties_in_order():
    shown, others = largest_first(np.array([1.0, 3.0, 1.0, 1.0, 0.5]), 2)
    assert shown.tolist() == [1, 0]
    assert others.tolist() == [2, 3, 4]


def test_nullable_booleans_are_those_of_numpy():
    seen = [True, False, True, False]
    plain = column_view(pd.Series(seen), "b")
    nullable = column_view(pd.Series([*seen, None], dtype="boolean"), "b")
    np.testing.assert_array_equal(nullable.numbers[:4], plain.numbers)
    assert np.isnan(nullable.numbers[4])
    assert nullable.levels == plain.levels == ["False", "True"]
    assert nullable.ordered


def test_booleans_of_arrow_have_the_order_of_others():
    pytest.importorskip("pyarrow")
    view = column_view(pd.Series([True, None, False], dtype="bool[pyarrow]"), "b")
    np.testing.assert_array_equal(view.numbers, [1, np.nan, 0])
    assert (view.levels, view.ordered) == (["False", "True"], True)


def test_a_target_labelled_by_several_levels_is_no_list_of_targets():
    labels = pd.MultiIndex.from_tuples([("price", 2020), ("price", 2021), ("rent", 2020)])
    one = regression_explanation(np.eye(4))
    explanation = replace(
        one,
        values=np.arange(48.0).reshape(4, 4, 3),
        base_values=np.zeros(3),
        predictions=np.arange(48.0).reshape(4, 4, 3).sum(axis=1),
        output_names=labels.to_numpy(),
    )
    for output, places in [
        (labels[1], [1]),
        ([labels[2], labels[0]], [2, 0]),
        ((labels[2], labels[0]), [2, 0]),
        (labels[:2], [0, 1]),
        (labels.to_numpy()[1:], [1, 2]),
    ]:
        chosen = [part.explanation.values[..., 0] for part in select_outputs(explanation, output)]
        np.testing.assert_array_equal(np.stack(chosen, axis=2), explanation.values[..., places])
