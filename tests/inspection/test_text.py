import matplotlib.pyplot as plt
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sklearn_metaexplain.inspection import AttributionDisplay, ComparisonDisplay, PrototypeDisplay
from sklearn_metaexplain.inspection._text import (
    fit_labels,
    fit_text,
    number_formatter,
    with_minus,
)
from tests.inspection.explanations import regression_explanation


@given(text=st.text(st.characters(exclude_characters="$"), max_size=80), width=st.integers(4, 60))
def test_texts_are_no_longer_than_the_width_and_keep_their_ends(text, width):
    fitted = fit_text(text, width)
    line = " ".join(text.split())
    assert len(fitted) <= width
    if len(line) <= width:
        assert fitted == line
    else:
        first, last = fitted.split("…") if fitted.count("…") == 1 else (fitted[:1], fitted[-1:])
        assert line.startswith(first)
        assert line.endswith(last)


def test_long_labels_keep_what_tells_them_apart():
    ax = plt.subplots(figsize=(4, 3))[1]
    labels = [f"a_very_long_measurement_{k:02d}_in_milligrams_per_litre" for k in (3, 17, 38)]
    fitted = fit_labels(ax, [*labels, "short"])
    assert len(set(fitted)) == 4
    assert all(f"{k:02d}" in text for k, text in zip((3, 17, 38), fitted, strict=False))
    assert fitted[3] == "short"
    assert max(map(len, fitted)) <= 22
    # Where they nearly fit nothing is written twice.
    nearly = fit_labels(ax, ["a_measurement_03_in_mg", "a_measurement_17_in_mg"], share=0.48)
    assert nearly == ["a_measurement_03_in_mg", "a_measurement_17_in_mg"]
    nearly = fit_labels(ax, ["a_measurement_03_in_mg", "a_measurement_17_in_mg"], share=0.41)
    assert nearly == ["a_measure…03_in_mg", "a_measure…17_in_mg"]
    # The same names stay the same.
    twice = fit_labels(ax, [labels[0], labels[0]])
    assert twice[0] == twice[1]


def test_names_give_way_to_cells():
    ax = plt.subplots(figsize=(4, 3))[1]
    fitted = fit_labels(
        ax, ["a_long_name_of_a_column", "b", "rest"], ["Torgersen", "a long text in a cell", None]
    )
    assert fitted[0].endswith(" = Torgersen")
    assert "…" in fitted[0]
    assert fitted[1].startswith("b = a long")
    assert fitted[2] == "rest"


@pytest.mark.parametrize(
    ("numbers", "texts"),
    [
        ([0.5, -0.0312], ["+0.500", "−0.031"]),
        ([12.0, -3.456], ["+12.0", "−3.5"]),
        ([1234567.0, -5.0], ["+1,234,567", "−5"]),
        ([1e12, 1.0], ["+1.00e+12", "+1.00e+00"]),
        ([1e-9], ["+1.00e-09".replace("-", "−")]),
        ([0.0], ["+0"]),
    ],
)
def test_numbers_have_the_digits_that_the_largest_needs(numbers, texts):
    write = number_formatter(numbers, signed=True)
    assert [write(number) for number in numbers] == texts


def test_numbers_have_one_minus_sign_and_words_keep_their_hyphens():
    texts = ["-6.635", "-1.23e-05", "2.5e-06", "-inf", "2024-03-01", "x-ray", "-", "-1-2"]
    assert [with_minus(text) for text in texts] == [
        *("−6.635", "−1.23e−05", "2.5e−06", "−inf"),
        *("2024-03-01", "x-ray", "-", "-1-2"),
    ]


def test_cells_and_bars_of_a_picture_use_the_same_sign():
    X = pd.DataFrame({"a": [-6.635], "b": ["x-ray"]})
    explanation = regression_explanation([[-2.0, 1.0]], X, names=["a", "b"])
    for kind in ("bar", "waterfall"):
        ax = AttributionDisplay.from_explanation(explanation, kind=kind).ax_
        names = {label.get_text() for label in ax.get_yticklabels()}
        assert {"a = −6.635", "b = x-ray"} <= names
        assert "−2.00" in {text.get_text() for text in ax.texts}
    scores = pd.DataFrame({"faithfulness": [-0.25]}, index=["random"])
    assert ComparisonDisplay.from_frame(scores).texts_[0].get_text() == "−0.25"
    rows = PrototypeDisplay.from_rows(X, X, weights=[1.0])
    assert [text.get_text() for text in rows.texts_][1:] == ["−6.635"] * 2 + ["x-ray"] * 2
