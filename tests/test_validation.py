"""Tables as they come in."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.linear_model import Ridge

from sklearn_metaexplain import PrototypeClassifier, ShapExplainer
from sklearn_metaexplain._arrays import as_array
from sklearn_metaexplain._validation import check_table, match_container


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
