"""Metrics that ask the model replace the columns that were explained, and no others."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklearn_metaexplain import explain
from sklearn_metaexplain.metrics import comprehensiveness, faithfulness_score, infidelity
from tests.small_explainers import ExactExplainer

NAMES = ["a", "b", "c", "d"]
RANDOM = np.random.RandomState(0)
ARRAY = RANDOM.normal(size=(40, 4))
FRAME = pd.DataFrame(ARRAY, columns=NAMES)
Y = ARRAY @ [3.0, -1.0, 0.5, 2.0] + ARRAY[:, 0] * ARRAY[:, 1]


def explained(X, feature_groups=None):
    """An explainer of a fitted model, and what it says of five rows."""
    explainer = ExactExplainer(
        RandomForestRegressor(5, random_state=0),
        background=6,
        feature_groups=feature_groups,
        random_state=0,
    ).fit(X, Y)
    return explainer, explainer.explain(X[:5])


def score(explainer, explanation, background, feature_groups=None):
    return faithfulness_score(
        explanation,
        explainer.predict,
        background=background,
        feature_groups=feature_groups,
        n_coalitions=20,
        random_state=0,
    )


@pytest.mark.parametrize("metric", [faithfulness_score, infidelity, comprehensiveness])
def test_other_groups_of_as_many_names_are_refused(metric):
    explainer, explanation = explained(FRAME, {"ab": ["a", "b"]})
    for groups in ({"cd": ["c", "d"]}, {"ab": ["a", "c"]}, [["a", "b"]], {"ab": ["c", "d"]}):
        with pytest.raises(ValueError, match=r"Feature \d of the explanation is .* pass the feat"):
            metric(explanation, explainer.predict, background=FRAME[30:], feature_groups=groups)
    with pytest.raises(ValueError, match=r"0 of the explanation is 'ab', .*'cd'.*, 'a' \(3 of 3"):
        metric(
            explanation,
            explainer.predict,
            background=FRAME[30:],
            feature_groups={"cd": ["c", "d"]},
        )


def test_columns_in_another_order_than_the_names_are_refused():
    explainer, explanation = explained(FRAME)
    turned = replace(explanation, data=explanation.data[NAMES[::-1]])

    def predict(table):
        return explainer.predict(table[NAMES])

    message = r"is 'a', .* 'd' \(4 of 4 names differ\); put the columns .* in the order"
    with pytest.raises(ValueError, match=message):
        faithfulness_score(turned, predict, background=FRAME[30:][NAMES[::-1]], random_state=0)


@pytest.mark.parametrize("groups", [[["b", "a"]], [["a", "b"], ["d", "c"]]])
def test_a_group_is_the_same_in_whatever_order_its_columns_are_listed(groups):
    explainer, explanation = explained(FRAME, groups)
    expected = score(explainer, explanation, FRAME[30:], groups)
    turned = [members[::-1] for members in groups]
    assert score(explainer, explanation, FRAME[30:], turned) == expected


@pytest.mark.parametrize("groups", [None, {"ab": [0, 1]}, [[0, 1]]])
def test_rows_without_names_are_taken_by_position(groups):
    explainer, explanation = explained(FRAME, groups)
    found = faithfulness_score(
        replace(explanation, data=ARRAY[:5]),
        lambda table: explainer.predict(pd.DataFrame(table, columns=NAMES)),
        background=ARRAY[30:],
        feature_groups=groups,
        n_coalitions=20,
        random_state=0,
    )
    assert found == pytest.approx(score(explainer, explanation, FRAME[30:], groups))


@pytest.mark.parametrize(
    ("ours", "others"),
    [
        ({"ab": [0, 1]}, {"cd": [2, 3]}),
        ({"ab": [0, 1], "cd": [2, 3]}, {"ac": [0, 2], "bd": [1, 3]}),
        ([[0, 1]], [[2, 3]]),
        ([[0, 1]], [[0, 2]]),
    ],
)
def test_groups_of_arrays(ours, others):
    explainer, explanation = explained(ARRAY, ours)
    assert np.isfinite(score(explainer, explanation, ARRAY[30:], ours))
    with pytest.raises(ValueError, match="pass the feature_groups of the explainer"):
        score(explainer, explanation, ARRAY[30:], others)


def test_frames_explained_by_numbers():
    explainer, explanation = explained(ARRAY)
    named = replace(explanation, data=FRAME[:5])
    assert named.feature_names.tolist() == ["x0", "x1", "x2", "x3"]
    found = faithfulness_score(
        named,
        lambda table: explainer.predict(table.to_numpy()),
        background=FRAME[30:],
        n_coalitions=20,
        random_state=0,
    )
    assert found == pytest.approx(score(explainer, explanation, ARRAY[30:]))


@pytest.mark.parametrize("labels", [range(4), [2000, 2001, 2002, 2003]])
def test_labels_that_are_no_text(labels):
    frame = FRAME.set_axis(list(labels), axis=1)
    explainer, explanation = explained(frame)
    expected = score(*explained(ARRAY), ARRAY[30:])
    for told in (explanation, replace(explanation, feature_names=list(labels))):
        assert score(explainer, told, frame[30:]) == pytest.approx(expected)


def test_names_that_steps_of_a_pipeline_give_to_an_array():
    def reorder(X):
        return X[:, ::-1]

    step = FunctionTransformer(reorder, feature_names_out=lambda _, names: names[::-1])
    explainer = ExactExplainer(LinearRegression(), background=6, random_state=0)
    pipeline = make_pipeline(step, explainer).fit(ARRAY, Y)
    explanation = explain(pipeline, ARRAY[:5])
    assert explanation.feature_names.tolist() == ["x3", "x2", "x1", "x0"]
    assert score(pipeline[-1], explanation, reorder(ARRAY[30:])) > 0.9
