"""The report in a browser: what a reader clicks, types and hears."""

import json
import struct
import time
from base64 import b64decode
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from sklearn_metaexplain import Explanation
from sklearn_metaexplain.inspection import report
from tests.inspection.headless_browser import DOWN, ENTER, IS_INSTALLED, SPACE, TAB, Browser
from tests.inspection.report_pages import mixed_explanation

# Where there is no Chromium there are no such tests, rather than skipped ones.
__test__ = IS_INSTALLED

ROWS = "#table tbody tr"
LABELS = f"{ROWS} th"
FOCUSED = "return document.activeElement.textContent"


@pytest.fixture(scope="module")
def browser():
    with Browser() as started:
        yield started


@pytest.fixture(scope="module")
def explanation():
    return mixed_explanation()


@pytest.fixture(scope="module")
def path(explanation, tmp_path_factory):
    y = explanation.predicted_labels.copy()
    y[[4, 7]] = ["no" if label != "no" else "yes" for label in y[[4, 7]]]
    return report(explanation, tmp_path_factory.mktemp("page") / "report.html", title="All", y=y)


@pytest.fixture
def page(browser, path):
    browser.open(path)
    yield browser
    assert browser.log("browser") == []  # neither errors nor breaches of the policy


def column_of(page, name):
    """Text of a column on the page of the table that is shown."""
    names = page.texts("#table thead .name")
    return page.texts(f"{ROWS} > :nth-child({names.index(name) + 1})")


def header(page, name):
    return f"#table thead th:nth-child({page.texts('#table thead .name').index(name) + 1})"


def number(text):
    return float(text.replace("\N{MINUS SIGN}", "-").replace("+", ""))


def test_opens_without_a_word_to_the_network(page):
    sent = [json.loads(entry["message"])["message"] for entry in page.log("performance")]
    addresses = {
        event["params"]["request"]["url"].split(":")[0]
        for event in sent
        if event["method"] == "Network.requestWillBeSent"
        and event["params"]["documentURL"].startswith("file:")
    }
    assert addresses <= {"file", "data"}
    fetching = "return fetch('http://127.0.0.1:9/').then(() => 'sent', () => 'refused')"
    assert page.run(fetching) == "refused"
    assert any("Content Security Policy" in entry["message"] for entry in page.log("browser"))


def test_first_sight(page, explanation):
    assert page.text("title") == "All"
    assert page.text("#summary") == "60 rows, 4 columns, 3 outputs."
    assert page.texts(LABELS) == [f"passenger {i}" for i in range(25)]
    mean = explanation.for_predicted().global_importance()["predicted"]
    order = mean.sort_values(ascending=False)
    assert page.texts("#importance-bars tbody .label") == order.index.tolist()
    shown = page.texts("#importance-bars tbody .amount")
    assert [number(text.split(" ±")[0]) for text in shown] == pytest.approx(order, abs=6e-4)
    assert column_of(page, "port")[:25] == [
        "missing" if pd.isna(cell) else cell for cell in explanation.data["port"][:25]
    ]


def test_a_click_explains_a_row(page, explanation):
    page.click(f"{ROWS}:nth-child(3) td:nth-child(4)")
    row = explanation[2].for_predicted()
    assert page.text("#row-heading") == "Row passenger 2"
    first, *middle, last = page.texts("#row-bars tbody .amount")
    assert number(first) == pytest.approx(row.base_values.item(), abs=6e-4)
    assert number(last) == pytest.approx(row.predictions.item(), abs=6e-4)
    order = np.argsort(-np.abs(row.values.ravel()))
    amounts = [[number(part) for part in text.split(" ± ")] for text in middle]
    expected = np.column_stack([row.values.ravel(), row.std.ravel()])[order]
    np.testing.assert_allclose(amounts, expected, atol=6e-4)
    names = page.texts("#row-bars tbody .label .line")
    assert names == explanation.feature_names[order].tolist()
    assert page.texts(f"{ROWS}.chosen th") == ["passenger 2"]
    assert "passenger 2: prediction" in page.text("#announcement")


def test_bars_end_where_the_next_begins(page, explanation):
    page.click(f"{ROWS}:nth-child(5) button")
    script = """return Array.from(document.querySelectorAll("#row-bars rect"), (bar) => [
        bar.getAttribute("class"), parseFloat(bar.getAttribute("x")),
        parseFloat(bar.getAttribute("x")) + parseFloat(bar.getAttribute("width"))])"""
    bars = page.run(script)
    ends = [(low, high) if kind == "more" else (high, low) for kind, low, high in bars]
    for (_, end), (start, _) in pairwise(ends):
        assert end == pytest.approx(start, abs=0.3)  # the least width of a bar is 0.2 %
    places = (
        "return [...document.querySelectorAll('#row-bars .mark')].map(m => m.getAttribute('x1'))"
    )
    marks = [float(text.rstrip("%")) for text in page.run(places)]
    assert [ends[0][0], ends[-1][1]] == pytest.approx(marks, abs=0.3)


@pytest.mark.parametrize("name", ["age", "port", "fare", "probability", "row"])
def test_sorting(page, explanation, name):
    everything = {
        **{column: explanation.data[column] for column in ("age", "port", "fare")},
        "probability": pd.Series(explanation.predictions.max(axis=1), index=explanation.index),
        "row": explanation.index.to_series(),
    }
    for way in ("ascending", "descending"):
        page.click(f"{header(page, name)} button")
        assert page.run(f"return document.querySelector({header(page, name)!r}).ariaSort") == way
        ordered = everything[name].sort_values(
            ascending=way == "ascending", kind="stable", na_position="last"
        )
        assert page.texts(LABELS) == ordered.index[:25].tolist()
        assert f"ordered by {name}, {way}" in page.text("#count")


def test_filters(page, explanation):
    predicted = explanation.predicted_labels
    page.choose("#predicted", "yes")
    assert f"{(predicted == 'yes').sum()} of 60 rows match" in page.text("#count")
    assert set(column_of(page, "predicted")) == {"yes"}
    mean = np.abs(explanation.for_predicted().values[predicted == "yes", :, 0]).mean(axis=0)
    shown = [number(t.split(" ±")[0]) for t in page.texts("#importance-bars tbody .amount")]
    assert shown == pytest.approx(sorted(mean, reverse=True), abs=6e-4)
    page.click("#clear")
    page.click("#wrong")
    assert page.texts(LABELS) == ["passenger 4", "passenger 7"]
    page.click("#clear")
    assert page.text("#count") == "60 rows."


def test_search(page, explanation):
    page.type("#query", "QUEENS")
    page.wait_for("return document.getElementById('count').textContent.includes('match')")
    found = explanation.index[explanation.data["port"] == "Queenstown"]
    assert page.texts(LABELS) == found[:25].tolist()
    page.click("#clear")
    page.type("#query", "passenger 33")
    page.wait_for("return document.querySelectorAll('#table tbody tr').length === 1")
    assert page.texts(LABELS) == ["passenger 33"]
    page.type("#query", "?")
    page.wait_for("return document.querySelectorAll('#table tbody tr').length === 0")
    assert page.text("#page") == "no rows"


def test_another_class_and_attributions_in_the_table(page, explanation):
    page.choose("#output", "yes")
    page.choose("#shows", "attributions")
    shown = [number(text) for text in column_of(page, "fare")]
    assert shown == pytest.approx(explanation.values[:25, 2, 1], abs=6e-4)
    prediction = [number(text) for text in column_of(page, "probability of yes")]
    assert prediction == pytest.approx(explanation.predictions[:25, 1], abs=6e-4)
    assert "probability of yes" in page.text("#importance-caption")


def test_pages(page):
    page.click("#next-page")
    page.click("#next-page")
    assert page.texts(LABELS) == [f"passenger {i}" for i in range(50, 60)]
    assert page.text("#page") == "51–60 of 60"
    assert page.run("return document.getElementById('next-page').disabled")
    page.click("#next-row")  # the row after the first is on the first page
    assert page.texts(f"{ROWS}.chosen th") == ["passenger 1"]


def test_keyboard_alone(page):
    page.press(TAB)
    assert page.run(FOCUSED) == "Skip to the rows"
    page.press(ENTER)
    for _ in range(30):
        page.press(TAB)
        if page.run(FOCUSED).startswith("age"):
            break
    page.press(SPACE)
    assert page.run(f"return document.querySelector({header(page, 'age')!r}).ariaSort") == (
        "ascending"
    )
    assert page.run(FOCUSED).startswith("age")  # the focus stays where the reader was
    page.press([TAB] * 20)
    focused = page.run(FOCUSED)
    assert focused in page.texts(LABELS)
    page.press(DOWN)
    below = page.texts(LABELS)[page.texts(LABELS).index(focused) + 1]
    assert page.run(FOCUSED) == below
    page.press(ENTER)
    assert page.text("#row-heading") == f"Row {below}"
    assert page.run("return document.activeElement.getAttribute('aria-current')") == "true"


def test_dependence_in_words_and_points(page, explanation):
    page.choose("#output", "yes")
    page.choose("#dependence-column", "port")
    label = page.run("return document.getElementById('scatter').ariaLabel")
    ports = explanation.data["port"]
    for port in ports.dropna().unique():
        mean = explanation.values[ports == port, 1, 1].mean()
        said = label.split(f"{port} ")[1].split(",")[0].split(". ")[0].rstrip(".")
        assert number(said) == pytest.approx(mean, abs=6e-4)
    assert f"Missing in {ports.isna().sum()} rows" in label
    painted = """
        const canvas = document.getElementById("scatter");
        const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
        return pixels.some((value) => value > 0)"""
    assert page.run(painted)


@pytest.mark.parametrize("width", [1280, 420])
def test_fits_the_width(browser, path, width):
    browser.open(path, width=width)
    assert browser.run("return document.documentElement.scrollWidth <= window.innerWidth")
    picture = b64decode(browser.command("Page.captureScreenshot", format="png")["data"])
    assert struct.unpack(">II", picture[16:24]) == (width, 900)
    assert len(picture) > 20_000  # something is painted


@pytest.mark.parametrize("width", [1280, 420])
@pytest.mark.parametrize("size", [4e12, 3e7, 5e-9])
def test_numbers_of_any_size_are_shown_whole(browser, tmp_path, width, size):
    values = size * np.array([[[-0.7], [0.2]], [[0.6], [-0.3]]])
    large = Explanation(
        values, [size], size + values.sum(axis=1), std=0.1 * np.abs(values), output="raw",
        feature_names=["age", "fare"], output_names=["y"], n_evaluations=0,
        estimator_type="regressor",
    )  # fmt: skip
    browser.open(report(large, tmp_path / "report.html"), width=width)
    amounts = browser.texts("#row-bars tbody .amount")
    assert len([text for text in amounts if "±" in text]) == 2
    cut = """
        return [...document.querySelectorAll(".bars tbody .amount, #row")]
            .filter((box) => box.scrollWidth > box.clientWidth).map((box) => box.textContent)"""
    assert browser.run(cut) == []


@pytest.mark.parametrize("unit", [1e-9, 1.0])
def test_what_is_not_explained_is_judged_in_any_unit(browser, tmp_path, unit):
    values = unit * np.array([[[3.0], [-2.0]], [[1.0], [1.0]]])
    for missed in (5 * unit, 1e-9 * unit):
        explanation = Explanation(
            values, [unit], unit + values.sum(axis=1) + [[missed], [0]], output="raw",
            feature_names=["age", "fare"], output_names=["y"], n_evaluations=0,
            estimator_type="regressor",
        )  # fmt: skip
        browser.open(report(explanation, tmp_path / "report.html"))
        is_said = missed == 5 * unit
        assert ("not explained" in browser.texts("#row-bars tbody .label")) == is_said
        assert ("not explained" in browser.texts("#table thead .name")) == is_said
        assert (browser.texts("#row-facts dd")[-1] == "0") != is_said
        browser.click(f"{ROWS}:nth-child(2) button")
        assert "not explained" not in browser.texts("#row-bars tbody .label")


@pytest.mark.parametrize("width", [1280, 420])
def test_names_are_shown_whole(browser, tmp_path, width):
    names = [f"measurement no. {k} of the sensor array (mm)" for k in range(12)]
    names += ["age", "a_name_of_letters_without_any_place_to_break_it_but_underscores"[:60]]
    values = np.random.RandomState(0).normal(size=(3, len(names), 1))
    explanation = Explanation(
        values, [0], values.sum(1), output="raw", feature_names=names, output_names=["y"],
        n_evaluations=0, estimator_type="regressor", data=values[..., 0],
    )  # fmt: skip
    browser.open(report(explanation, tmp_path / "report.html"), width=width)
    cut = """
        return [...document.querySelectorAll(".bars .line *, .bars .line, #table thead .name *")]
            .filter((box) => box.scrollWidth > box.clientWidth + 1).map((box) => box.textContent)"""
    assert browser.run(cut) == []
    assert set(browser.texts("#row-bars tbody .label .line")) == set(names)


def test_cells_have_all_digits_before_the_point(browser, tmp_path):
    cells = [1234567.8, -98765432.1, 123456.78, 0.000123456789, 3.0, 123456789012.5]
    values = np.ones((6, 1, 1))
    explanation = Explanation(
        values, [0], values[:, 0], output="raw", feature_names=["price"], output_names=["y"],
        n_evaluations=0, estimator_type="regressor", data=np.array(cells)[:, None],
    )  # fmt: skip
    browser.open(report(explanation, tmp_path / "report.html"))
    shown = [float(text) for text in column_of(browser, "price")]
    assert shown == [1234568, -98765432, 123457, 0.000123457, 3, 123456789013]


def test_text_of_others_stays_text(browser, explanation, tmp_path):
    run = "<script>window.ran = 1</script>"
    image = "<img src=x onerror='window.ran = 2'>"
    data = pd.DataFrame(
        {run: ["</script>" + run, image, None], "{{data}}": ['"', "\n", "&amp;"]},
        index=["</title>" + run, image, "__proto__"],
    )
    hostile = replace(
        mixed_explanation(n=3, output_names=[run, image], additive=False),
        values=np.ones((3, 2, 2)),
        std=None,
        feature_names=data.columns,
        data=data,
        index=None,
    )
    browser.open(report(hostile, tmp_path / "report.html", title=run, y=[run, image, "__proto__"]))
    assert browser.run("return window.ran === undefined")
    assert browser.text("h1") == run
    assert browser.text("title") == run
    assert browser.texts(LABELS) == data.index.tolist()
    assert column_of(browser, run) == ["</script>" + run, image, "missing"]
    assert browser.texts("#output option")[1:] == [run, image]
    assert browser.texts("img") == []
    assert browser.log("browser") == []


def test_without_data_and_sum(browser, explanation, tmp_path):
    bare = replace(explanation, data=None, index=None, std=None, additive=False)
    browser.open(report(bare.for_output("no"), tmp_path / "report.html"))
    assert browser.texts(LABELS)[:2] == ["0", "1"]
    assert not any("prediction" in text for text in browser.texts("#row-bars .label"))
    assert browser.run("return document.getElementById('dependence').hidden")
    shown = [number(text) for text in column_of(browser, "fare")]
    assert shown == pytest.approx(explanation.values[:25, 2, 0], abs=6e-4)
    assert browser.log("browser") == []


@pytest.mark.slow
def test_ten_thousand_rows_open_and_answer_soon(browser, tmp_path):
    n, d = 10_000, 30
    random = np.random.RandomState(0)
    values = random.normal(size=(n, d, 2))
    data = pd.DataFrame(random.normal(size=(n, d))).add_prefix("column ")
    data["column 3"] = random.choice(["low", "high"], n)
    large = Explanation(
        values, [0, 0], values.sum(axis=1), std=np.abs(values), data=data, output="log_odds",
        feature_names=data.columns, output_names=["a", "b"], n_evaluations=0,
    )  # fmt: skip
    path = report(large, tmp_path / "report.html")
    start = time.monotonic()
    browser.open(path)
    assert browser.text("#count") == "10,000 rows."
    opened = time.monotonic() - start
    start = time.monotonic()
    browser.type("#query", "low")
    browser.wait_for("return document.getElementById('count').textContent.includes('match')")
    browser.click(f"{header(browser, 'column 0')} button")
    browser.click(f"{ROWS}:nth-child(2) button")
    answered = time.monotonic() - start
    assert browser.run("return document.querySelectorAll('tr').length") < 100
    assert max(opened, answered) < 3
