"""Tables as numbers."""

import warnings
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from scipy.stats import rankdata

from sklearn_metaexplain._encoder import TableEncoder


def mixed():
    return pd.DataFrame(
        {
            "number": [1.0, 2.0, np.nan, 4.0, 10.0, 3.0],
            "text": ["x", "y", "x", None, "z", "y"],
            "category": pd.Categorical(["u", "v", "w", "u", "v", "w"]),
            "date": pd.to_datetime(
                ["2020-01-01", "2021-01-01", None, "2022-01-01", "2020-01-01", "2019-01-01"]
            ),
            "nullable": pd.array([1, None, 3, 4, 5, 6], dtype="Int64"),
            "flag": [True, False, True, True, False, True],
            "constant": 1,
        }
    )


def fitted(table, outputs=None):
    encoder = TableEncoder().fit(table)
    if outputs is not None:
        encoder.place_categories(encoder.code(table), outputs)
    return encoder


def test_columns_and_their_sources():
    outputs = np.random.RandomState(0).normal(size=(6, 1))
    encoder = fitted(mixed(), outputs)
    # Missing numbers get an indicator beside them; one output places categories on one axis.
    assert encoder.source_.tolist() == [0, 0, 1, 2, 3, 3, 4, 4, 5, 6]
    encoded = encoder.encode(encoder.code(mixed()))
    assert encoded.shape == (6, 10, 2)
    assert np.isfinite(encoded).all()
    assert not encoded[:, 9].any()
    several = fitted(mixed(), np.random.RandomState(0).normal(size=(6, 3)))
    assert several.source_.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 6]


def test_ignored_columns_are_read_and_not_encoded():
    table = pd.DataFrame({"a": [1.0, np.nan, 3.0], "b": list("xyx"), "c": [3, 1, 2]})
    encoder = TableEncoder().fit(table)
    coded = encoder.code(table)
    encoder.place_categories(coded, np.arange(3.0)[:, None])
    everything, source = encoder.encode(coded), encoder.source_
    encoder.ignore(np.array([True, False, False]))
    np.testing.assert_array_equal(encoder.encode(coded), everything[:, source > 0])
    assert encoder.source_.tolist() == [1, 2]
    with pytest.raises(ValueError, match="Column 'a' held numbers"):
        encoder.code(table.assign(a=list("uvw")))


def test_standardised_and_rank_versions():
    values = np.random.RandomState(0).lognormal(size=(2000, 1))
    encoder = fitted(values)
    standardised, rank = encoder.encode(encoder.code(values))[:, 0].T
    inside = np.abs(standardised) < 4
    expected = (values[:, 0] - values.mean()) / values.std()
    np.testing.assert_allclose(standardised[inside], expected[inside])
    assert np.abs(standardised).max() <= 4
    assert abs(rank.mean()) < 0.01
    assert rank.std() == pytest.approx(1, abs=0.01)
    order = np.argsort(values[:, 0])
    assert (np.diff(rank[order]) >= 0).all()


def test_equal_numbers_share_their_mean_rank():
    values = np.array([2.0, 1.0, 5.0, 1.0, 5.0, 1.0, 7.0])
    encoder = fitted(values[:, None])
    ranks = encoder.encode(encoder.code(values[:, None]))[:, 0, 1]
    # Uniform from 0 to 1 has the standard deviation 1 / sqrt(12).
    uniform = (rankdata(values) - 0.5) / 7
    np.testing.assert_allclose(ranks, (uniform - 0.5) * np.sqrt(12))


def test_missing_numbers_are_average_ones_and_told_apart_by_a_standardised_column():
    values = np.random.RandomState(0).lognormal(size=(40, 1))
    values[::4] = np.nan
    encoder = fitted(values)
    number, missing = encoder.encode(encoder.code(values)).transpose(1, 2, 0)
    assert not number[:, ::4].any()
    for version in missing:
        assert version.mean() == pytest.approx(0)
        assert version.std() == pytest.approx(1)
        assert (version > 0).tolist() == np.isnan(values[:, 0]).tolist()


def test_categories_are_ordered_by_the_outputs():
    table = pd.DataFrame({"c": ["a", "b", "c"] * 20})
    outputs = np.array([3.0, 1.0, 2.0] * 20)[:, None]
    encoder = fitted(table, outputs)
    encoded = encoder.encode(encoder.code(pd.DataFrame({"c": ["b", "c", "a"]})))
    for version in (0, 1):
        assert (np.diff(encoded[:, 0, version]) > 0).all()


def test_places_of_categories_are_centred_scaled_and_uncorrelated_over_the_rows():
    words = np.repeat(list("abcd"), [30, 20, 12, 8])
    random = np.random.RandomState(0)
    outputs = random.normal(size=(4, 3))[np.repeat(range(4), [30, 20, 12, 8])]
    encoder = fitted(words[:, None], outputs)
    encoded = encoder.encode(encoder.code(words[:, None]))
    assert encoder.source_.tolist() == [0, 0]
    np.testing.assert_allclose(encoded.mean(axis=0), 0, atol=1e-12)
    standardised = encoded[..., 0]
    np.testing.assert_allclose(standardised.T @ standardised / 70, np.eye(2), atol=1e-12)
    # Neither axis depends on which row comes first.
    for seed in range(8):
        order = np.random.RandomState(seed).permutation(70)
        other = fitted(words[order, None], outputs[order])
        again = other.encode(other.code(words[order, None]))
        np.testing.assert_allclose(again, encoded[order], atol=1e-12)


def test_a_rare_category_is_placed_with_care():
    words = np.array(["low"] * 50 + ["high"] * 50 + ["rare"])[:, None]
    outputs = np.array([0.0] * 50 + [10.0] * 51)[:, None]
    encoder = fitted(words, outputs)
    low, high, rare = encoder.encode(encoder.code(words))[[0, 50, 100], 0, 0]
    assert low < 0 < rare < high / 2


def test_unseen_category_is_an_average_one():
    table = pd.DataFrame({"c": ["a", "b"] * 20})
    encoder = fitted(table, np.tile([[0.0], [1.0]], (20, 1)))
    coded = encoder.code(pd.DataFrame({"c": ["new", "a"]}))
    assert coded[0].tolist() == [-1, 0]
    assert not encoder.encode(coded)[0].any()


def test_containers_agree():
    values = np.random.RandomState(0).poisson(1, size=(30, 3)).astype(float)
    expected = None
    for table in (values, pd.DataFrame(values), sparse.csr_array(values), values.astype(object)):
        encoder = fitted(table)
        encoded = encoder.encode(encoder.code(table))
        expected = encoded if expected is None else expected
        np.testing.assert_allclose(encoded, expected)


def test_hybrids_encode_to_hybrids_of_encodings():
    table = mixed()
    encoder = fitted(table, np.arange(6.0)[:, None])
    coded = encoder.code(table)
    inside = np.random.RandomState(0).rand(6, table.shape[1]) < 0.5
    other = [column[::-1] for column in coded]
    hybrids = [np.where(mine, a, b) for mine, a, b in zip(inside.T, coded, other, strict=True)]
    expected = np.where(
        inside[:, encoder.source_, None], encoder.encode(coded), encoder.encode(other)
    )
    np.testing.assert_array_equal(encoder.encode(hybrids), expected)


@pytest.mark.parametrize("value", [np.nan, 7.0])
def test_column_of_one_value_encodes_to_zero(value):
    table = np.full((5, 1), value)
    encoder = fitted(table)
    assert not encoder.encode(encoder.code(table)).any()


def test_large_constant_is_constant_in_spite_of_rounding():
    table = np.full((7, 1), 0.1) + 1e9
    encoder = fitted(table)
    assert not encoder.encode(encoder.code(table)).any()


def test_dates_mean_the_same_in_any_unit():
    dates = pd.DataFrame({"seen": pd.date_range("2024-01-01", periods=40, freq="13h")})
    encoder = TableEncoder().fit(dates)
    expected = encoder.encode(encoder.code(dates))
    for unit in ("s", "ms", "us"):
        rows = dates.astype(f"datetime64[{unit}]")
        np.testing.assert_allclose(encoder.encode(encoder.code(rows)), expected, atol=1e-12)


@pytest.mark.parametrize("offset", [0.0, 1e9, 1e10, 1e15])
def test_numbers_far_from_zero_are_told_apart(offset):
    values = np.repeat(np.arange(6.0), 4)[:, None]
    near, far = (fitted(table).encode([table[:, 0]]) for table in (values, values + offset))
    np.testing.assert_allclose(far, near, atol=1e-6)


@pytest.mark.parametrize("power", [-1074, -1070, -450, 490, 1021])
def test_numbers_of_any_size_are_encoded_as_ordinary_ones(power):
    numbers = np.array([-4.0, -3, 0, 1, 1, 5, 7, 7])[:, None] * 32
    # Whole numbers of subnormal ones are exact; fewer than eight units apart they are rounding.
    sizes = np.ldexp(numbers, power - 5 if power > 0 else power)
    rows = np.vstack([sizes, [[np.nan]]])
    encoder, ordinary = TableEncoder().fit(sizes), TableEncoder().fit(numbers)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        encoded = encoder.encode(encoder.code(rows))
        far = encoder.encode(encoder.code(np.array([[-1.7e308], [1.7e308]])))
    expected = ordinary.encode(ordinary.code(np.vstack([numbers, [[np.nan]]])))
    np.testing.assert_allclose(encoded, expected, rtol=1e-12, atol=1e-12)
    assert np.isfinite(far).all()
    assert (far[0] < far[1]).all()


def test_numbers_that_differ_by_rounding_are_one():
    values = np.where(np.arange(10) % 2, 0.1 + 0.2, 0.3)[:, None]
    assert np.ptp(values) > 0
    encoder = fitted(values)
    assert not encoder.encode(encoder.code(values)).any()


DATES = pd.date_range("2024-03-01", periods=40, freq="13h")


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        (DATES.astype(object), DATES),
        (DATES.to_pydatetime(), DATES),
        (DATES.date, DATES.normalize()),
        (DATES.to_period("D"), DATES.normalize()),
        (DATES.to_period("D").astype(object), DATES.normalize()),
        (DATES.tz_localize("UTC").astype(object), DATES),
        ((DATES - DATES[0]).to_pytimedelta(), DATES - DATES[0]),
        ([Decimal(i) / 8 for i in range(40)], np.arange(40) / 8),
        ([Fraction(i, 8) for i in range(40)], np.arange(40) / 8),
    ],
    ids=[
        "timestamps",
        "datetimes",
        "dates",
        "periods",
        "periods in objects",
        "zoned",
        "timedeltas",
        "decimals",
        "ratios",
    ],
)
def test_objects_that_are_dates_or_numbers_are_read_as_such(cells, numbers):
    dtype = None if isinstance(cells, pd.PeriodIndex) else object
    encoded = []
    for column in (pd.Series(list(cells), dtype=dtype), pd.Series(numbers)):
        column = column.copy()
        column[3] = None
        table = column.to_frame()
        encoder = fitted(table)
        encoded.append(encoder.encode(encoder.code(table)))
    np.testing.assert_allclose(encoded[0], encoded[1], atol=1e-9)


def test_periods_that_come_as_objects_are_those_of_fit():
    table = pd.DataFrame({"month": DATES.to_period("M"), "n": range(40)})
    encoder = fitted(table)
    as_objects = encoder.code(table.astype(object))
    for ours, theirs in zip(as_objects, encoder.code(table), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    ("seen", "now", "culprit"),
    [
        ([1.5, 2.5, 3.5], [2.5, "abc", None], "numbers .* 'abc'.*pandas.to_numeric"),
        ([1.5, 2.5, 3.5], ["1,5", "2,5", "3,5"], "numbers .* '1,5'"),
        ([True, False, True], ["True", "False", None], "numbers .* 'True'"),
        ([1.5, 2.5, 3.5], [None, *DATES[:2]], "numbers .* Timestamp"),
        (list(DATES[:3]), ["2024-03-01"] * 3, "dates .* '2024-03-01'.*pandas.to_datetime"),
        (list(DATES[:3]), [1, 2, 3], "dates .* 1;"),
        (["1", "2", "1"], [1, 2, 1], "text .* 1; correct .* type, or"),
        (pd.Categorical([1, 2, 1]), ["1", "2", "1"], "numbers .* '1'"),
    ],
)
def test_cells_of_another_kind_are_refused_by_name(seen, now, culprit):
    encoder = fitted(pd.DataFrame({"c": [0, 0, 1], "amount": seen}))
    with pytest.raises(ValueError, match=f"Column 'amount' held {culprit}"):
        encoder.code(pd.DataFrame({"c": [0, 0, 1], "amount": pd.Series(now, dtype=object)}))


@pytest.mark.parametrize("unit", [1e-13, 1e13])
def test_categories_are_placed_alike_in_any_unit_of_the_outputs(unit):
    table = pd.DataFrame({"word": list("abcd") * 5})
    encoder = TableEncoder().fit(table)
    coded = encoder.code(table)
    outputs = np.random.RandomState(0).normal(size=(20, 2))
    expected = encoder.place_categories(coded, outputs).encode(coded)
    assert np.ptp(expected) > 1
    found = encoder.place_categories(coded, unit * outputs).encode(coded)
    np.testing.assert_allclose(found, expected)


def test_text_that_spells_numbers_and_missing_cells_are_read():
    encoder = fitted(
        pd.DataFrame({"amount": [1.5, 2.5, 3.5], "when": DATES[:3], "word": list("aba")})
    )
    nothing = pd.DataFrame(
        {"amount": ["2.5", " 3 "], "when": [None, pd.NaT], "word": [None, "new"]}
    )
    amount, when, word = encoder.code(nothing)
    assert amount.tolist() == [2.5, 3.0]
    assert np.isnan(when).all()
    assert word.tolist() == [-1, -1]


def test_cells_that_cannot_be_compared():
    with pytest.raises(TypeError, match="Column 'tags' holds values that cannot be compared"):
        fitted(pd.DataFrame({"tags": [["a"], ["b", "c"]]}))


def test_equal_cells_of_several_types_are_categories_of_their_own():
    cells = np.array([1, "a", 1.0, True, "a", 1, np.int64(1)], dtype=object)[:, None]
    encoder = TableEncoder().fit(cells)
    assert encoder.code(cells)[0].tolist() == [0, 1, 2, 3, 1, 0, 0]
    # Where the type was not seen, that of equal cells seen most often.
    assert encoder.code(np.array([1 + 0j, 2, "b"], dtype=object)[:, None])[0].tolist() == [
        0,
        -1,
        -1,
    ]


def test_missing_cells_of_several_kinds_are_categories_of_their_own():
    cells = np.array(["a", None, np.nan, None, "a", np.nan, None], dtype=object)
    table = pd.DataFrame({"c": pd.Series(cells, dtype=object)})
    encoder = TableEncoder().fit(table)
    (codes,) = encoder.code(table)
    assert codes.tolist() == [0, 1, 2, 1, 0, 2, 1]
    # One that was not seen is that which was missing most often.
    (codes,) = encoder.code(pd.DataFrame({"c": pd.Series([pd.NaT, "b"], dtype=object)}))
    assert codes.tolist() == [1, -1]
    one_kind = TableEncoder().fit(pd.DataFrame({"c": pd.Series(["a", np.nan], dtype=object)}))
    (codes,) = one_kind.code(pd.DataFrame({"c": pd.Series([None, pd.NA], dtype=object)}))
    assert codes.tolist() == [1, 1]
    (codes,) = encoder.code(pd.DataFrame({"c": pd.Series(["b"], dtype=object)}))
    assert codes.tolist() == [-1]
