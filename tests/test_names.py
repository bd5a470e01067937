import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from sklearn_metaexplain._names import names_of_table, position_of


@pytest.mark.parametrize(
    ("given", "names", "negative", "position"),
    [
        ("b", ["a", "b"], False, 1),
        (1, ["a", "b"], False, 1),
        (np.int64(0), ["a", "b"], False, 0),
        (-1, ["a", "b", "c"], True, 2),
        (-1, [0, 1, -1], True, 2),
        (1, ["01", "02"], False, 1),  # text that begins with a zero is no number
        ("5", [0, 2, 5], False, 2),
        (0, [0, 2, 5], False, 0),
        (1, [0, 2, 5], False, 1),
        (1.0, [1.0, 0.0, 2.0], False, 0),
        (("a", "b"), [("a", "a"), ("a", "b")], False, 1),
        (("a", np.int64(2)), ["('a', 1)", "('a', 2)"], False, 1),
        (("a", 2), [("a", np.int64(1)), ("a", np.int64(2))], False, 1),
        (pd.Timestamp("2024-01-01"), [pd.Timestamp("2024-01-01")], False, 0),
        (1, ["a", "a"], False, 1),
    ],
)
def test_columns_are_given_by_name_or_position(given, names, negative, position):
    assert position_of(given, names, "feature", negative=negative) == position


@pytest.mark.parametrize("negative", [False, True])
@pytest.mark.parametrize(
    ("given", "names", "message"),
    [
        (
            2,
            [0, 2, 5],
            "names 2, which is the label of one .* position of .* '5'; .*'2'",
        ),
        (5, [0, 2, 5], "names 5, which is the label of one column and no position; .* text, '5'"),
        (-1, [-1, 0, 1], "names -1, which is the label of one column and .* labels as text, '-1'"),
        (1, [1.0, 0.0, 2.0], "names 1, .* labelled '0.0'; write labels as text, '1.0'"),
        ("a", ["a", "b", "a"], "names 'a', as 2 columns are called; name it by position"),
        ("c", ["a", "b"], r"names 'c', which is none of the columns \['a', 'b'\]"),
        (2, ["a", "b"], "names 2, which is none of the columns"),
        (-3, ["a", "b"], "names -3, which is none of the columns"),
        (True, ["a", "b"], "names True, which is none of the columns"),
        (10**40, ["a", "b"], "names 10+, which is none of the columns"),
        (
            "heights",
            ["height", *(f"column {j}" for j in range(80))],
            r"names 'heights', .* the 81 columns, of which \['height', .*\] are most like it\.$",
        ),
        (99, [f"column {j}" for j in range(81)], r"names 99, which is none of the 81 columns\.$"),
        (
            "pipe__sex",
            ["x0", "x1"],
            r"names 'pipe__sex', .* columns x0 to x1; .* give positions, or .*set_output\(",
        ),
    ],
)
def test_what_names_no_column_or_two_is_refused(given, names, message, negative):
    with pytest.raises(ValueError, match=f"^feature {message}"):
        position_of(given, names, "feature", negative=negative)


def test_tables_without_labels_have_numbered_names():
    table = np.zeros((3, 2))
    for unnamed in (table, pd.DataFrame(table), sparse.csr_array(table)):
        assert names_of_table(unnamed) == ["x0", "x1"]
    assert names_of_table(pd.DataFrame(table, columns=[1, 0])) == ["1", "0"]


def test_labels_of_several_levels_name_their_columns():
    columns = pd.MultiIndex.from_tuples([("a", 1), ("a", 2.5)])
    names = names_of_table(pd.DataFrame(np.zeros((3, 2)), columns=columns))
    # pandas gives numbers of numpy's where it is asked for one label.
    assert [position_of(columns[j], names, "feature") for j in range(2)] == [0, 1]
    assert [position_of(label, names, "feature") for label in columns.tolist()] == [0, 1]
