"""The report as a file: complete, self-contained, and safe whatever names and cells hold."""

import os
import re
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression

from sklearn_metaexplain import Explanation
from sklearn_metaexplain.inspection import report
from sklearn_metaexplain.pipeline import make_pipeline
from tests.inspection.report_pages import Page, cells_of, decode, mixed_explanation
from tests.small_explainers import ExactExplainer

HOSTILE = "<script>window.ran=1</script></script></title><!-- {{data}} $x \" ' & \\u003c \n\x00"


@pytest.fixture
def written(tmp_path):
    def write(explanation, **params):
        return Page(report(explanation, tmp_path / "report.html", **params))

    return write


class TestContent:
    def test_numbers_come_back(self, written):
        explanation = mixed_explanation()
        data = written(explanation).data
        shape = (3, 4, 60)
        for name in ("values", "std"):
            ours = getattr(explanation, name).transpose(2, 1, 0).astype(np.float32)
            np.testing.assert_array_equal(decode(data[name], shape), ours)
        exact = {"base": "base_values", "predictions": "predictions", "residual": "residual"}
        for name, attribute in exact.items():
            np.testing.assert_array_equal(
                decode(data[name], (3, 60)), getattr(explanation, attribute).T
            )
        assert data["features"] == ["age", "port", "fare", "day"]
        assert data["outputs"] == ["no", "yes", "perhaps"]
        labels = np.array(data["outputs"])[decode(data["predicted"])]
        assert labels.tolist() == explanation.predicted_labels.tolist()

    def test_cells_come_back(self, written):
        explanation = mixed_explanation()
        data = written(explanation).data
        frame = explanation.data
        assert cells_of(data["index"]) == frame.index.tolist()
        for encoded, name in zip(data["columns"], frame.columns, strict=True):
            expected = [
                None if pd.isna(cell) else str(cell.date()) if name == "day" else cell
                for cell in frame[name]
            ]
            assert encoded["name"] == name
            assert cells_of(encoded) == expected

    def test_importances_are_those_of_the_explanation(self, written):
        explanation = mixed_explanation()
        data = written(explanation).data
        importance = decode(data["importance"], (4, 4))
        np.testing.assert_allclose(importance[:3], np.abs(explanation.values).mean(axis=0).T)
        rows = np.arange(60)
        of_predicted = explanation.values[rows, :, explanation.predictions.argmax(axis=1)]
        np.testing.assert_allclose(importance[3], np.abs(of_predicted).mean(axis=0))
        # made_up: a standard deviation is a fifth of its attribution
        np.testing.assert_allclose(decode(data["importance_std"], (4, 4)), importance / 5)

    @pytest.mark.parametrize("size", [1e60, 1e-60])
    def test_sizes_beyond_single_precision_survive(self, written, size):
        explanation = mixed_explanation(std=None, additive=False)
        explanation = replace(explanation, values=explanation.values * size)
        values = decode(written(explanation).data["values"], (3, 4, 60))
        np.testing.assert_allclose(values.transpose(2, 1, 0), explanation.values, rtol=1e-6)

    def test_listed_rows_are_spaced_evenly_and_importances_keep_all(self, written):
        explanation = mixed_explanation()
        data = written(explanation, max_rows=7).data
        kept = [0, 8, 17, 25, 34, 42, 51]
        assert (data["n_rows"], data["n_total"]) == (7, 60)
        assert cells_of(data["index"]) == explanation.index[kept].tolist()
        np.testing.assert_array_equal(
            decode(data["values"], (3, 4, 7)),
            explanation.values[kept].transpose(2, 1, 0).astype(np.float32),
        )
        everything = written(explanation, max_rows=None).data
        assert data["importance"] == everything["importance"]

    def test_labels_and_wrong_predictions(self, written):
        explanation = mixed_explanation()
        y = explanation.predicted_labels.astype(object)
        y[3], y[5] = ("no" if y[3] != "no" else "yes"), None
        data = written(explanation, y=y).data
        assert cells_of(data["truth"][0]) == y.tolist()
        assert np.flatnonzero(decode(data["is_wrong"])).tolist() == [3]

    @pytest.mark.parametrize(
        ("classes", "y", "actual"),
        [
            (["no", "yes"], ["no", np.nan, "yes", np.nan, "no", "yes"], ["no", "yes"]),
            ([1, "one"], [1, np.nan, "one", np.nan, 1, "one"], ["1", "one"]),
            ([0, 1], [0.0, np.nan, 1.0, np.nan, 0.0, 1.0], ["0", "1"]),
            ([0, 1], pd.array([False, None, True, None, False, True]), ["0", "1"]),
            ([False, True], [0.0, np.nan, 1.0, np.nan, 0.0, 1.0], ["False", "True"]),
        ],
    )
    def test_labels_are_read_as_the_classes_are(self, written, classes, y, actual):
        values = np.tile([[-0.3, 0.3], [0.3, -0.3]], (3, 1))[:, None]
        explanation = Explanation(
            values, [0.5, 0.5], 0.5 + values[:, 0], feature_names=["a"], output_names=classes,
            output="probability", n_evaluations=0, estimator_type="classifier",
        )  # fmt: skip
        data = written(explanation, y=y).data
        first, second = actual
        assert cells_of(data["truth"][0]) == [first, None, second, None, first, second]
        assert decode(data["is_wrong"]).tolist() == [1, 0, 0, 0, 1, 1]

    def test_targets(self, written):
        explanation = mixed_explanation(output_names=["y"])
        y = np.linspace(0, 1, 60)
        data = written(explanation, y=y).data
        assert not data["has_classes"]
        assert cells_of(data["truth"][0]) == y.tolist()
        assert data["is_wrong"] is None
        two = mixed_explanation(output_names=["a", "b"], estimator_type="regressor", output="raw")
        data = written(two, y=np.column_stack([y, -y])).data
        assert [cells_of(column)[1] for column in data["truth"]] == [y[1], -y[1]]

    @pytest.mark.parametrize(
        "table", [np.eye(3), sparse.csr_array(np.eye(3)), pd.DataFrame(np.eye(3))]
    )
    def test_tables_of_all_kinds(self, written, table):
        explanation = mixed_explanation(n=3, data=None)
        explanation = replace(
            explanation,
            values=explanation.values[:, :3],
            std=None,
            feature_names=["a", "b", "c"],
            additive=False,
            data=table,
        )
        data = written(explanation).data
        assert [cells_of(column) for column in data["columns"]] == np.eye(3).tolist()
        assert data["columns_of_feature"] == [[0], [1], [2]]
        # A table without labels goes by the names of the features.
        assert [column["name"] for column in data["columns"]] == ["a", "b", "c"]
        assert data["std"] is None
        assert np.isnan(decode(data["residual"])).all()

    def test_columns_keep_their_own_names(self, written):
        explanation = mixed_explanation(feature_names=["A", "B", "C", "D"])
        names = [column["name"] for column in written(explanation).data["columns"]]
        assert names == ["age", "port", "fare", "day"]

    def test_without_data(self, written):
        data = written(mixed_explanation(data=None, index=None)).data
        assert data["columns"] == []
        assert data["columns_of_feature"] == [[], [], [], []]
        assert cells_of(data["index"]) == list(range(60))

    def test_groups(self, written):
        X = pd.DataFrame({"a": [0, 1, 2, 3.0], "b": [1, 0, 1, 0], "c": [3, 1, 1, 0.5]})
        explainer = ExactExplainer(
            LogisticRegression(), feature_groups={"ends": ["a", "c"]}, random_state=0
        )
        pipeline = make_pipeline(explainer).fit(X, [0, 0, 1, 1])
        explanation = pipeline.explain(X)
        assert written(explanation).data["columns_of_feature"] == [[0, 2], [1]]
        # Of an explanation that does not say which columns a group has, the explainer knows.
        explanation = replace(explanation, feature_of_column=None)
        assert written(explanation).data["columns_of_feature"] == [[], [1]]
        page = written(explanation, explainer=pipeline)
        assert page.data["columns_of_feature"] == [[0, 2], [1]]
        assert "ExactExplainer" in page.statements["Error of the explainer"]


class TestSelfContained:
    def test_nothing_is_fetched(self, written):
        page = written(mixed_explanation(), title="http://example.com")
        addresses = {
            attributes[name]
            for _, attributes in page.elements
            for name in ("src", "href", "srcset", "action", "data", "poster")
            if name in attributes
        }
        assert addresses == {"data:,", "#rows"}
        assert not any(
            name.startswith("on") for _, attributes in page.elements for name in attributes
        )
        assert re.findall(r"url\(|@import|\bfetch\(|XMLHttpRequest|eval\(", page.source) == []
        # The only address in the code names a vocabulary.
        code = page.texts["style"][0] + page.texts["script"][1]
        assert re.findall(r"https?://[^\"']*", code) == ["http://www.w3.org/2000/svg"]

    def test_the_policy_admits_the_pages_own_code_alone(self, written):
        page = written(mixed_explanation())
        policy = next(
            attributes["content"]
            for tag, attributes in page.elements
            if attributes.get("http-equiv") == "Content-Security-Policy"
        )
        rules = dict(rule.split(" ", 1) for rule in policy.split("; "))

        def own(text):
            return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"

        assert rules["default-src"] == "'none'"
        assert rules["script-src"] == own(page.texts["script"][1])
        assert rules["style-src"] == own(page.texts["style"][0])
        assert "unsafe" not in policy

    def test_names_for_those_who_do_not_see(self, written):
        page = written(mixed_explanation())
        by_id = {attributes["id"]: tag for tag, attributes in page.elements if "id" in attributes}
        labelled = {a["for"] for tag, a in page.elements if tag == "label"}
        controls = {id for id, tag in by_id.items() if tag in ("select", "input")}
        assert controls == labelled
        assert dict(page.elements)["html"] == {"lang": "en"}
        assert {"header", "main", "nav", "footer"} <= {tag for tag, _ in page.elements}
        for _, attributes in page.elements:
            assert attributes.get("aria-labelledby", "rows-heading") in by_id

    @settings(max_examples=25, deadline=None)
    @given(st.lists(st.text(max_size=30) | st.just(HOSTILE), min_size=6, max_size=6))
    def test_any_text_is_text(self, texts):
        name, other, cell, label, row, title = texts
        assume(name != other)
        explanation = mixed_explanation(
            n=2, output_names=[label + "1", label + "2"], additive=False
        )
        explanation = replace(
            explanation,
            values=explanation.values[:, :2],
            std=None,
            index=None,
            feature_names=[name, other],
            data=pd.DataFrame([[cell, 1], [None, 2]], index=[row, 0]).set_axis(
                [name, other], axis=1
            ),
        )
        with TemporaryDirectory() as folder:
            page = Page(report(explanation, Path(folder) / "page.html", title=title))
        assert [tag for tag, _ in page.elements].count("script") == 2
        data = page.data
        assert data["features"] == [name, other]
        assert data["outputs"] == [label + "1", label + "2"]
        assert cells_of(data["columns"][0]) == [cell, None]
        assert cells_of(data["index"]) == [row, "0"]
        # HTML knows one way to end a line.
        heading, said = (
            text.replace("\r\n", "\n").replace("\r", "\n") for text in (page.texts["h1"][0], title)
        )
        assert heading == said

    def test_halves_of_characters_do_not_stop_it(self, written):
        page = written(mixed_explanation(value_function="\ud800"), title="a\udc80b")
        assert page.texts["h1"] == ["a?b"]


class TestFile:
    def test_same_input_same_bytes(self, tmp_path):
        explanation = mixed_explanation()
        pages = [report(explanation, tmp_path / name).read_bytes() for name in ("a", "b")]
        assert pages[0] == pages[1]

    def test_a_failure_leaves_what_was_there(self, tmp_path, monkeypatch):
        path = tmp_path / "report.html"
        path.write_text("old")

        def fail(descriptor):
            raise OSError("No space left on device")

        monkeypatch.setattr(os, "fsync", fail)
        with pytest.raises(OSError, match="No space"):
            report(mixed_explanation(), path)
        assert path.read_text() == "old"
        assert [item.name for item in tmp_path.iterdir()] == ["report.html"]

    def test_path_may_be_text_and_is_replaced(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        Path("report.html").write_text("old")
        assert report(mixed_explanation(), "report.html") == Path("report.html")
        assert Path("report.html").stat().st_size > 10_000
        Path("new").write_text("")  # the mode that any new file gets
        assert Path("report.html").stat().st_mode == Path("new").stat().st_mode

    def test_places_that_cannot_be_written(self, tmp_path):
        with pytest.raises(FileNotFoundError, match="missing' of path does not exist"):
            report(mixed_explanation(), tmp_path / "missing" / "report.html")
        with pytest.raises(IsADirectoryError, match="name a file in it"):
            report(mixed_explanation(), tmp_path)


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        ({"explanation": np.zeros((2, 2))}, TypeError, "explain"),
        ({"explanation": mixed_explanation()[:0]}, ValueError, "no rows"),
        (
            {"explanation": mixed_explanation(std=np.full((60, 4, 3), np.nan))},
            ValueError,
            "std of the explanation are NaN or infinite in row 0",
        ),
        ({"path": 3}, ValueError, "path"),
        ({"title": None}, ValueError, "title"),
        ({"max_rows": 0}, ValueError, "max_rows"),
        ({"explainer": LogisticRegression()}, TypeError, "LogisticRegression"),
        ({"explainer": ExactExplainer(LogisticRegression())}, NotFittedError, "not fitted"),
        ({"y": [1, 2]}, ValueError, r"y must have shape \(60,\).*\(2,\)"),
        ({"y": np.zeros((60, 2))}, ValueError, r"y must have shape \(60,\)"),
    ],
)
def test_wrong_calls(tmp_path, params, error, message):
    call = {"explanation": mixed_explanation(), "path": tmp_path / "report.html", **params}
    with pytest.raises(error, match=message):
        report(call.pop("explanation"), call.pop("path"), **call)
    assert list(tmp_path.iterdir()) == []


def test_true_labels_of_the_rows_in_another_order_are_refused(tmp_path):
    explanation = mixed_explanation()[:3]
    explanation = replace(explanation, index=["p", "q", "r"])
    y = pd.Series(explanation.predicted_labels, index=["p", "q", "r"])
    path = tmp_path / "report.html"
    for others in (y[::-1], y[::-1].to_frame()):
        with pytest.raises(ValueError, match="y has the labels of the explained rows in another"):
            report(explanation, path, y=others)
    assert not path.exists()
    # Other labels than those of the rows say nothing of their order.
    for same in (y, y.reset_index(drop=True), y[::-1].to_numpy()):
        report(explanation, path, y=same)
    report(replace(explanation, index=None), path, y=y[::-1])
