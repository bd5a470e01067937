"""The explainer that a report is given is the one that the explanation comes from."""

import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression

from sklearn_metaexplain import LoggedExplainer, explain
from sklearn_metaexplain.inspection import report
from sklearn_metaexplain.pipeline import make_pipeline
from tests.inspection.report_pages import Page, mixed_explanation
from tests.small_explainers import ExactExplainer


@pytest.fixture
def written(tmp_path):
    def write(explanation, **params):
        return Page(report(explanation, tmp_path / "report.html", **params))

    return write


def grouped(feature_groups, columns="abcd"):
    X = np.random.RandomState(0).normal(size=(20, 4))
    X = pd.DataFrame(X, columns=list(columns)) if columns else X
    explainer = ExactExplainer(
        LogisticRegression(), background=5, feature_groups=feature_groups, random_state=0
    )
    return explainer.fit(X, np.arange(20) % 2), X


@pytest.mark.parametrize(
    ("ours", "others"),
    [
        ({"ab": ["a", "b"]}, {"cd": ["c", "d"]}),
        ([["a", "b"]], [["a", "c"]]),
        ({"g": ["a", "b"]}, {"g": ["a", "c"]}),
    ],
)
def test_an_explainer_of_other_groups_is_refused(tmp_path, ours, others):
    explainer, X = grouped(ours)
    other, _ = grouped(others)
    message = r"Feature \d of the explanation is .*; pass the explainer that the expl"
    with pytest.raises(ValueError, match=message):
        report(explainer.explain(X), tmp_path / "report.html", explainer=other)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("other_columns", ["badc", "abce"])
def test_an_explainer_of_other_columns_is_refused(tmp_path, other_columns):
    explainer, X = grouped(None)
    other, _ = grouped(None, other_columns)
    with pytest.raises(ValueError, match=r"names differ\); pass the explainer"):
        report(explainer.explain(X), tmp_path / "report.html", explainer=other)


def test_groups_of_arrays_are_compared_too(tmp_path):
    explainer, X = grouped({"ab": [0, 1]}, None)
    for others in ({"cd": [2, 3]}, {"ac": [0, 2]}):
        with pytest.raises(ValueError, match="of explainer"):
            report(
                explainer.explain(X), tmp_path / "report.html", explainer=grouped(others, None)[0]
            )


@pytest.mark.parametrize("groups", [None, {"first": [0, 1]}, [[0, 1]]])
def test_columns_that_a_pipeline_names(written, groups):
    X, y = np.random.RandomState(0).normal(size=(20, 4)), np.arange(20) % 2
    explainer = ExactExplainer(
        LogisticRegression(), background=5, feature_groups=groups, random_state=0
    )
    pipeline = make_pipeline(PCA(3), explainer).fit(X, y)
    explanation = explain(pipeline, X)
    assert explanation.feature_names[-1] == "pca2"
    expected = [[0], [1], [2]] if groups is None else [[0, 1], [2]]
    for passed in (pipeline, pipeline[-1]):
        page = written(explanation, explainer=passed)
        assert page.data["columns_of_feature"] == expected


def test_groups_of_an_explainer_that_asks_no_model(written):
    X = pd.DataFrame(np.random.RandomState(0).normal(size=(20, 3)), columns=list("abc"))
    explainer = LoggedExplainer(feature_groups=[["c", "a"]], pretrained=None, random_state=0)
    explanation = explainer.fit(X, X["a"] + X["b"]).explain(X[:3])
    for passed in (explainer, None):
        page = written(explanation, explainer=passed)
        assert page.data["columns_of_feature"] == [[0, 2], [1]]


def test_the_explainer_of_another_table_is_refused(tmp_path):
    X = np.random.RandomState(0).normal(size=(20, 2))
    explainer = ExactExplainer(LogisticRegression(), random_state=0).fit(X, X[:, 0] > 0)
    with pytest.raises(ValueError, match="2 columns and the explanation to 4"):
        report(mixed_explanation(), tmp_path / "report.html", explainer=explainer)
