"""Players: columns and groups of columns."""

import numpy as np
import pytest

from sklearn_metaexplain.masking import resolve_feature_groups

NAMES = ["a", "b", "c", "d"]


def test_without_groups_every_column_is_a_player():
    names, player_of_column = resolve_feature_groups(None, np.asarray(NAMES, dtype=object))
    assert names.tolist() == NAMES
    assert player_of_column.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("groups", "names", "players"),
    [
        ([["b", "d"]], ["a", "b+d", "c"], [0, 1, 2, 1]),
        ([["d", "a"], ["c", "b"]], ["d+a", "c+b"], [0, 1, 1, 0]),
        ({"where": ["b", 3]}, ["a", "where", "c"], [0, 1, 2, 1]),
        ({"all": range(4)}, ["all"], [0, 0, 0, 0]),
        ([np.array(["a"]), (1, np.int64(2))], ["a", "b+c", "d"], [0, 1, 1, 2]),
        ([], NAMES, [0, 1, 2, 3]),
        ({"a": ["a", "b"]}, ["a", "c", "d"], [0, 0, 1, 2]),
    ],
)
def test_players_are_ordered_by_first_column(groups, names, players):
    resolved = resolve_feature_groups(groups, NAMES)
    assert resolved.names.tolist() == names
    assert resolved.player_of_column.tolist() == players


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ([["a", "zip"]], "'zip'"),
        ([[4]], "position 4"),
        ([[-1]], "position -1"),
        ([["a", "b"], ["c", "b"]], "'b' is named twice"),
        ([["a", "a"]], "'a' is named twice"),
        ([["a", 0]], "'a' is named twice"),
        ({"g": []}, "'g' of feature_groups is empty"),
        ({"a": ["b", "c"]}, "two players the name 'a'"),
    ],
)
def test_bad_groups_are_named(groups, message):
    with pytest.raises(ValueError, match=message):
        resolve_feature_groups(groups, NAMES)


@pytest.mark.parametrize("groups", ["ab", 3, ["ab"], {"g": "ab"}, [1, 2]])
def test_groups_of_the_wrong_kind_are_refused(groups):
    with pytest.raises(TypeError, match=r"feature_groups must be|must be a list of columns"):
        resolve_feature_groups(groups, NAMES)


def test_duplicate_columns_must_be_named_by_position():
    with pytest.raises(ValueError, match="by position"):
        resolve_feature_groups([["a", "b"]], ["a", "a", "b"])
