"""Players: columns and groups of columns."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_metaexplain import ShapExplainer, explain
from sklearn_metaexplain.masking import resolve_feature_groups

NAMES = ["a", "b", "c", "d"]


def test_without_groups_every_column_is_a_player():
    players = resolve_feature_groups(None, np.asarray(NAMES, dtype=object))
    assert players.names.tolist() == NAMES
    assert players.player_of_column.tolist() == [0, 1, 2, 3]
    assert players.names_for(list("pqrs")).tolist() == list("pqrs")


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


@pytest.mark.parametrize("kind", [set, frozenset])
def test_groups_that_are_sets_are_in_the_order_of_the_table(kind):
    """That of the set itself is another one in each process."""
    columns = [f"column {j}" for j in range(12)]
    resolved = resolve_feature_groups([kind(columns[:11])], columns)
    assert resolved.names.tolist() == ["+".join(columns[:11]), "column 11"]
    assert resolved.names_for(list("abcdefghijkl")).tolist() == ["a+b+c+d+e+f+g+h+i+j+k", "l"]


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ([["a", "zip"]], "'zip'"),
        ([[4]], "names 4, which is none"),
        ([[-1]], "names -1, which is none"),
        ([["a", "b"], ["c", "b"]], "'b' is named twice"),
        ([["a", "a"]], "'a' is named twice"),
        ([["a", 0]], "'a' is named twice"),
        ({"g": ["b", "b"]}, "'b' is named twice .* group 'g' and again in 'g'"),
        ({"f": ["a"], "g": ["b", "b"]}, "'b' is named twice .* group 'g' and again in 'g'"),
        ({"g": []}, "'g' of feature_groups is empty"),
        ({"a": ["b", "c"]}, "two players the name 'a'"),
    ],
)
def test_bad_groups_are_named(groups, message):
    with pytest.raises(ValueError, match=message):
        resolve_feature_groups(groups, NAMES)


@pytest.mark.parametrize(
    ("groups", "names"),
    [
        ([["d", "a"], ["c"]], ["s+p", "q", "r"]),
        ([[0, 1]], ["p+q", "r", "s"]),
        ({"where": ["b", 3]}, ["p", "where", "r"]),
        # A group may have the name of one of its columns, as of others.
        ({"a": ["a", "b"]}, ["a", "r", "s"]),
        ({"a+b": ["a", "b"]}, ["a+b", "r", "s"]),
        ([["a"]], list("pqrs")),
    ],
)
def test_names_follow_the_columns_unless_the_user_gave_them(groups, names):
    players = resolve_feature_groups(groups, NAMES)
    own = players.names.tolist()
    assert players.names_for(list("pqrs")).tolist() == names
    assert players.names_for(NAMES).tolist() == own == players.names.tolist()


def test_a_pipeline_names_groups_after_its_columns():
    X = pd.DataFrame(np.random.RandomState(0).normal(size=(20, 4)), columns=NAMES)
    y = X["a"] + X["b"]
    for groups, names in (([[1, 0]], ["b+a", "c", "d"]), ({"x2": ["x2", 0]}, ["x2", "b", "d"])):
        explainer = ShapExplainer(LinearRegression(), feature_groups=groups, background=5)
        pipeline = make_pipeline(StandardScaler(), explainer).fit(X, y)
        assert explain(pipeline, X[:2]).feature_names.tolist() == names
        assert pipeline.get_feature_names_out().tolist() == names


@pytest.mark.parametrize("groups", ["ab", 3, ["ab"], {"g": "ab"}, [1, 2]])
def test_groups_of_the_wrong_kind_are_refused(groups):
    with pytest.raises(TypeError, match=r"feature_groups must be|must be a list of columns"):
        resolve_feature_groups(groups, NAMES)


@pytest.mark.parametrize("name", [("u", 1), ("u", 2, None), frozenset({"u"}), b"u", None, True])
def test_a_group_with_a_strange_name_is_refused_before_the_model_is_fitted(name):
    class Unfitted(LinearRegression):
        def fit(self, X, y):
            raise AssertionError("fitted")

    X = np.random.RandomState(0).normal(size=(20, 4))
    explainer = ShapExplainer(Unfitted(), feature_groups={"v": [0, 1], name: [2, 3]})
    with pytest.raises(TypeError, match=r"feature_groups names a group .*; name groups by text"):
        explainer.fit(X, X[:, 0])


def test_groups_may_be_named_by_numbers():
    assert resolve_feature_groups({5: ["a", "b"], "v": ["d"]}, NAMES).names.tolist() == [
        5,
        "c",
        "v",
    ]


def test_duplicate_columns_must_be_named_by_position():
    with pytest.raises(ValueError, match="by position"):
        resolve_feature_groups([["a", "b"]], ["a", "a", "b"])
