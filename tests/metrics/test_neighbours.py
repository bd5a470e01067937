import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from sklearn_metaexplain.metrics._neighbours import Neighbourhood


def every_kind(n=30):
    random = np.random.RandomState(0)
    X = pd.DataFrame(
        {
            "float": random.normal(size=n),
            "single": random.normal(size=n).astype(np.float32),
            "count": random.randint(0, 500, size=n),
            "small": random.randint(0, 255, size=n).astype(np.uint8),
            "nullable": pd.array(random.randint(0, 90, size=n), dtype="Int64"),
            "missing": np.where(random.random_sample(n) < 0.3, np.nan, random.normal(size=n)),
            "objects": np.array([None, 1.5, 2.5] * (n // 3), dtype=object),
            "constant": 1.0,
            "flag": random.random_sample(n) < 0.5,
            "text": random.choice(["a", "b"], size=n),
            "category": pd.Categorical(random.choice(["u", "v", "w"], size=n)),
            "date": pd.date_range("2020-01-01", periods=n),
            "empty": np.array([None] * n, dtype=object),
        },
        index=[f"row {i}" for i in range(n)],
    )
    X.loc["row 3", ["nullable", "text", "category"]] = None
    return X


MOVING = ["float", "single", "count", "small", "nullable", "missing", "objects"]
SWAPPING = ["flag", "text", "category"]


def moved(X, size=0.5, **options):
    near = Neighbourhood(X, **options)
    rows = np.arange(near.table.shape[0])
    shifts = np.full((len(rows), X.shape[1]), size)
    return near, *near.move(rows, shifts)


def test_which_columns_move_and_which_are_swapped():
    X = every_kind()
    near = Neighbourhood(X)
    assert X.columns[near.can_move].tolist() == MOVING
    assert X.columns[near.can_swap].tolist() == SWAPPING


@pytest.mark.parametrize("size", [0.5, -0.5])
def test_dtypes_and_missing_cells_stay_and_numbers_move_by_their_spread(size):
    X = every_kind()
    _, table, steps = moved(X, size)
    assert table.dtypes.equals(X.dtypes)
    assert (table.isna().to_numpy() == X.isna().to_numpy()).all()
    for name in set(X) - set(MOVING):
        assert table[name].tolist() == X[name].tolist() or name in ("text", "category", "empty")
    for j, name in enumerate(X):
        if name in MOVING:
            present = X[name].notna().to_numpy()
            before = X[name][present].astype(float).to_numpy()
            change = table[name][present].astype(float).to_numpy() - before
            spread = before.std()
            np.testing.assert_allclose(steps[present, j] * spread, change, atol=1e-5)
            assert (steps[~present, j] == 0).all()
            assert (np.abs(change) <= abs(size) * spread + 1e-5).all()
            edge = before.max() if size > 0 else before.min()
            inside = np.sign(size) * np.minimum(np.abs(edge - before), np.abs(size * spread))
            whole = name in ("count", "small", "nullable")
            np.testing.assert_allclose(change, np.trunc(inside) if whole else inside, rtol=1e-4)
        else:
            assert (steps[:, j] == 0).all()


def test_numbers_stay_in_the_range_of_their_column_or_where_they_are():
    X = every_kind()
    for size, limit in ((50.0, "max"), (-50.0, "min")):
        _, table, _ = moved(X, size)
        for name in MOVING:
            present = X[name].notna()
            edge = getattr(X[name].dropna().astype(float), limit)()
            assert (np.abs(table[name][present.to_numpy()].astype(float) - edge) < 1 + 1e-6).all()
    beyond = pd.DataFrame({"a": [100.0, 5.0]})
    _, table, steps = moved(beyond, 1.0, reference=pd.DataFrame({"a": [0.0, 2.0, 7.0]}))
    assert table["a"].tolist() == [100.0, 7.0]
    assert steps[0] == 0


def test_moves_too_small_for_integers_leave_them():
    X = np.array([[0], [1], [2]])
    near, table, steps = moved(X, 0.5)
    assert near.can_move.tolist() == [True]
    assert table.dtype == X.dtype
    assert (table == X).all()
    assert (steps == 0).all()


def test_arrays_of_numbers_and_of_objects():
    X = np.array([[1.0, np.nan], [3.0, 5.0], [5.0, 9.0]])
    _, table, steps = moved(X, 1.0)
    spread = np.std([1, 3, 5])
    np.testing.assert_allclose(table - X, [[spread, np.nan], [spread, 2.0], [0.0, 0.0]])
    np.testing.assert_allclose(steps, [[1, 0], [1, 1], [0, 0]])
    objects = np.array([[1.0, "a"], [3.0, "b"], [5.0, None]], dtype=object)
    near, table, _ = moved(objects, 1.0)
    assert near.can_move.tolist() == [True, False]
    assert near.can_swap.tolist() == [False, True]
    assert table[:, 1].tolist() == ["a", "b", None]
    np.testing.assert_allclose(table[:, 0].astype(float), [1 + spread, 3 + spread, 5])


def test_steps_that_rounding_undoes_are_none():
    X = np.array([[1e8], [1e8 + 8], [1e8 + 16], [1e8 + 24]], dtype=np.float32)  # 8 apart
    _, table, steps = moved(X, 0.1)
    np.testing.assert_array_equal(table, X)
    np.testing.assert_array_equal(steps, np.zeros((4, 1)))


@pytest.mark.parametrize("shift", [-0.1, 0.1])
def test_zeros_of_sparse_tables_stay(shift):
    X = sparse.csr_array(np.array([[0.0, 2.0], [3.0, 0.0], [0.0, 4.0]]))
    _, table, steps = moved(X, shift)
    assert sparse.issparse(table)
    dense, before = table.toarray(), X.toarray()
    spread = before.std(axis=0)
    # The largest of a column have nowhere to go but down.
    after = np.minimum(before + shift * spread, before.max(axis=0)) * (before != 0)
    np.testing.assert_allclose(dense, after)
    np.testing.assert_allclose(steps, (after - before) / spread, atol=1e-12)


def test_dates_and_durations_of_any_kind_stay():
    days = pd.date_range("2020-01-01", periods=8)
    X = pd.DataFrame(
        {
            "objects": pd.Series(days.date, dtype=object),
            "periods": days.to_period("M"),
            "zoned": days.tz_localize("Europe/Paris"),
            "durations": pd.Series((days - days[0]).to_pytimedelta(), dtype=object),
            "number": np.arange(8.0),
        }
    )
    near, table, _ = moved(X, 0.5)
    assert near.can_move.tolist() == [False] * 4 + [True]
    pd.testing.assert_frame_equal(table.iloc[:, :4], X.iloc[:, :4])


def test_the_reference_gives_spread_and_categories():
    X = pd.DataFrame({"a": [1.0], "b": ["x"]})
    reference = pd.DataFrame({"a": [0.0, 4.0], "b": ["y", None]})
    near, table, _ = moved(X, 0.5, reference=reference)
    assert table["a"].tolist() == [2.0]
    cell = near.draw_category(np.random.RandomState(0), 0, 1)
    swapped, _ = near.move(np.array([0]), np.zeros((1, 2)), np.array([[-1, cell]]))
    assert swapped["b"].tolist() == ["y"]
    with pytest.raises(ValueError, match=r"reference has the columns \['b', 'a'\]; X has"):
        Neighbourhood(pd.DataFrame({"a": [1.0], "b": [2.0]}), pd.DataFrame({"b": [1], "a": [2]}))
    with pytest.raises(ValueError, match="reference has 1 columns and X 2"):
        Neighbourhood(X, reference[["a"]])


def test_categories_are_swapped_and_missing_ones_stay():
    X = every_kind()
    near = Neighbourhood(X)
    random = np.random.RandomState(0)
    for name in SWAPPING:
        column = list(X).index(name)
        drawn = [near.draw_category(random, 5, column) for _ in range(40)]
        cells = np.full((40, X.shape[1]), -1)
        cells[:, column] = drawn
        table, steps = near.move(np.full(40, 5), np.zeros(cells.shape), cells)
        assert set(table[name]) == set(X[name].dropna())
        assert table.dtypes.equals(X.dtypes)
        assert (steps == 0).all()
        others = table.drop(columns=name)
        assert others.duplicated().sum() == 39
    assert near.draw_category(random, 3, list(X).index("text")) == -1


def test_lists_of_text_and_numbers_are_rows_of_both():
    rows = [["x", 1.0, 2], ["y", 3.0, 2], ["x", 5.0, 4]]
    near, same = Neighbourhood(rows), Neighbourhood(np.array(rows, dtype=object))
    assert near.can_move.tolist() == same.can_move.tolist() == [False, True, True]
    assert near.can_swap.tolist() == [True, False, False]
    moves = np.arange(3), np.full((3, 3), 0.5)
    assert near.move(*moves)[0].tolist() == same.move(*moves)[0].tolist()


def test_a_cell_is_swapped_if_it_holds_another_value():
    near = Neighbourhood(pd.DataFrame({"a": ["x", "y", "x"], "b": [None, "u", "v"]}))
    cells = np.array([[2, -1], [1, 1], [-1, 2]])
    swapped = near.is_swapped(np.array([0, 0, 2]), cells)
    assert swapped.tolist() == [[False, False], [True, True], [False, False]]
