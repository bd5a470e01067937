"""What all Displays promise."""

import pickle
import subprocess
import sys
from inspect import Parameter, signature

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.cbook import is_math_text
from sklearn.linear_model import LinearRegression

from sklearn_metaexplain import Explanation, inspection
from sklearn_metaexplain.inspection import AttributionDisplay, BeeswarmDisplay, EmbeddingDisplay
from tests.inspection.explanations import (
    mixed_explanation,
    mixed_frame,
    regression_explanation,
    wide_explanation,
)
from tests.inspection.pictures import FACETS, ON_ONE_AXES, SumOfColumns
from tests.inspection.visible_text import cut_off, drawn_texts, overlapping
from tests.posthoc.tables import mixed_pipeline, mixed_table
from tests.small_explainers import ExactExplainer

DISPLAYS = [getattr(inspection, name) for name in inspection.__all__ if name.endswith("Display")]


# One picture of each Display.
OF_EACH = {
    AttributionDisplay: "bar_of_a_row",
    inspection.AdaptationDisplay: "adaptation",
    inspection.ALEDisplay: "ale_of_categories",
    BeeswarmDisplay: "beeswarm",
    inspection.ComparisonDisplay: "comparison",
    inspection.CurveDisplay: "curves",
    inspection.DependenceDisplay: "dependence_on_numbers",
    EmbeddingDisplay: "embedding",
    inspection.HeatmapDisplay: "heatmap",
    inspection.PrototypeDisplay: "prototypes",
    inspection.ScatterDisplay: "scatter",
}


def test_every_display_has_a_picture():
    assert set(OF_EACH) == set(DISPLAYS)
    assert set(OF_EACH.values()) < set(ON_ONE_AXES)


@pytest.mark.parametrize("name", [*ON_ONE_AXES, *FACETS])
def test_displays_are_pickled_with_their_figures(name):
    display = FACETS[name]() if name in FACETS else ON_ONE_AXES[name](None)
    again = pickle.loads(pickle.dumps(display))
    pictures = []
    for figure in (display.figure_, again.figure_):
        figure.canvas.draw()
        pictures.append(np.asarray(figure.canvas.buffer_rgba()))
    np.testing.assert_array_equal(*pictures)


@pytest.mark.parametrize(("kind", "name"), OF_EACH.items())
def test_axes_given_are_used_and_no_figure_is_left(kind, name):
    figure, ax = plt.subplots()
    plt.close(figure)
    display = ON_ONE_AXES[name](ax)
    assert type(display) is kind
    assert display.ax_ is ax
    assert display.figure_ is figure
    assert figure.axes[0] is ax
    assert plt.get_fignums() == []


@pytest.mark.parametrize("name", OF_EACH.values())
def test_a_new_figure_is_made_and_plot_returns_the_display(name):
    display = ON_ONE_AXES[name](None)
    assert len(plt.get_fignums()) == 1
    assert type(display.figure_.get_layout_engine()).__name__ == "ConstrainedLayoutEngine"
    first = display.figure_
    assert display.plot() is display
    assert display.figure_ is not first


SMALL, LARGE = (4, 3), (10, 5.5)  # 400 and 1,000 pixels across
CROWDED = [name for name in ON_ONE_AXES if "40_columns" in name or "three" in name]


@pytest.mark.parametrize(
    ("name", "size"),
    [
        *((name, SMALL) for name in ON_ONE_AXES),
        *((name, LARGE) for name in (*OF_EACH.values(), *CROWDED)),
    ],
)
def test_texts_neither_overlap_nor_are_cut_off(name, size):
    figure, ax = plt.subplots(figsize=size, dpi=100, layout="constrained")
    ON_ONE_AXES[name](ax)
    assert overlapping(figure) == []
    assert cut_off(figure) == []


@pytest.mark.parametrize("name", FACETS)
def test_texts_of_facets_neither_overlap_nor_are_cut_off(name):
    figure = FACETS[name]().figure_
    assert overlapping(figure) == []
    assert cut_off(figure) == []


@pytest.mark.parametrize("n_rows", [1, 30])
@pytest.mark.parametrize(
    "display", [AttributionDisplay, BeeswarmDisplay, inspection.HeatmapDisplay]
)
def test_one_column_has_room_for_its_texts(display, n_rows):
    explanation = wide_explanation(n_rows, d=1, labels="ABC")
    figure = display.from_explanation(explanation).figure_
    assert overlapping(figure) == []
    assert cut_off(figure) == []


@pytest.mark.parametrize("size", [3e-8, 4e7])
@pytest.mark.parametrize(
    "draw",
    [
        lambda one, _: AttributionDisplay.from_explanation(one),
        lambda one, _: AttributionDisplay.from_explanation(one[0], kind="waterfall"),
        lambda one, _: BeeswarmDisplay.from_explanation(one),
        lambda one, _: inspection.DependenceDisplay.from_explanation(
            one, "seen", color_by="island"
        ),
        lambda one, _: inspection.DependenceDisplay.from_explanation(one, "mass", color_by="bill"),
        lambda one, _: inspection.HeatmapDisplay.from_explanation(one[:8]),
        lambda one, _: inspection.ScatterDisplay.from_explanation(one, ("mass", "island")),
        lambda _, curves: inspection.AdaptationDisplay(curves=curves).plot(),
        lambda _, curves: inspection.CurveDisplay.from_curves(
            {name: (np.linspace(0, 1, len(curve)), curve) for name, curve in curves.items()}
        ),
    ],
    ids=[
        "bar",
        "waterfall",
        "beeswarm",
        "dates",
        "numbers",
        "heatmap",
        "scatter",
        "steps",
        "curve",
    ],
)
def test_powers_of_ten_of_large_and_small_numbers_can_be_read(draw, size):
    X = mixed_frame()
    values = size * np.random.RandomState(0).normal(size=X.shape)
    curves = {"train_loss": size * np.array([3.0, 2.0, 1.0, 1.1])}
    one = regression_explanation(values, X, base=size, names=X.columns)
    figure = draw(one, curves).figure_
    assert overlapping(figure) == []
    assert cut_off(figure) == []


@pytest.mark.parametrize("size", [2e-4, 9e4, 2e5])
def test_long_numbers_do_not_run_into_each_other(size):
    X = mixed_frame()
    X["mass"] = X["mass"] * size / 1e3
    values = size * np.random.RandomState(0).normal(size=(*X.shape, 3))
    one = Explanation(
        values, size * np.ones(3), size + values.sum(axis=1), data=X, feature_names=X.columns,
        output_names=["a", "b", "c"], output="raw", n_evaluations=0, estimator_type="regressor",
    )  # fmt: skip
    several = {"output": ["a", "b", "c"]}
    displays = [
        AttributionDisplay.from_explanation(one, **several, layout="facets"),
        AttributionDisplay.from_explanation(one[0], **several, layout="facets"),
        AttributionDisplay.from_explanation(one[0], **several),
        BeeswarmDisplay.from_explanation(one, output="a"),
        BeeswarmDisplay.from_explanation(one, **several),
        inspection.DependenceDisplay.from_explanation(one, "mass", output="a"),
        inspection.ScatterDisplay.from_explanation(one, ("mass", "bill"), output="a"),
    ]
    for display in displays:
        assert overlapping(display.figure_) == []
        assert cut_off(display.figure_) == []


def test_long_numbers_below_effects_do_not_run_into_each_other():
    X = mixed_frame()
    X["mass"] = 1e5 * np.linspace(1, 7, len(X))
    axes = plt.subplots(1, 2, figsize=(5, 3), layout="constrained")[1]
    inspection.ALEDisplay.from_estimator(
        SumOfColumns().fit(X), X, ["mass", ("mass", "bill")], ax=axes
    )
    assert overlapping(axes[0].figure) == []


@pytest.mark.parametrize("names", [["$20-$50", "$50-$90"], ["$_$", "$^$"]], ids=["text", "broken"])
def test_dollars_in_names_of_classes_are_no_mathematics(names):
    explanation = mixed_explanation(labels=names)
    several = {"output": names, "layout": "facets"}
    figures = [
        AttributionDisplay.from_explanation(explanation[0], output=names[1]).figure_,
        AttributionDisplay.from_explanation(explanation[0], kind="waterfall").figure_,
        AttributionDisplay.from_explanation(explanation, **several).figure_,
        BeeswarmDisplay.from_explanation(explanation, output=names).figure_,
        inspection.DependenceDisplay.from_explanation(explanation, "bill", **several).figure_,
    ]
    for figure in figures:
        figure.draw_without_rendering()
        texts = [text.replace(r"\$", "$") for text, _ in drawn_texts(figure) if "$" in text]
        assert any(names[1] in text for text in texts)
        assert all(not is_math_text(text) for text, _ in drawn_texts(figure))


def test_overlapping_and_cut_off_texts_would_be_seen():
    figure, ax = plt.subplots()
    ax.text(0.5, 0.5, "one")
    ax.text(0.51, 0.5, "other")
    ax.text(2.0, 0.5, "outside")
    assert overlapping(figure) == [("one", "other")]
    assert cut_off(figure) == ["outside"]
    assert {"one", "other", "outside"} <= {text for text, _ in drawn_texts(figure)}


@pytest.mark.parametrize("display", DISPLAYS, ids=lambda display: display.__name__)
def test_parameters_are_keywords_stored_as_they_are(display):
    parameters = list(signature(display).parameters.values())
    assert all(parameter.kind is Parameter.KEYWORD_ONLY for parameter in parameters)
    values = {parameter.name: object() for parameter in parameters}
    made = display(**values)
    assert all(getattr(made, name) is value for name, value in values.items())
    plot = signature(display.plot).parameters
    assert all(p.kind is Parameter.KEYWORD_ONLY for name, p in plot.items() if name != "self")


@pytest.mark.parametrize("name", OF_EACH.values())
def test_what_stands_in_the_way_of_drawing(name, monkeypatch):
    display = ON_ONE_AXES[name](plt.subplots()[1])
    with pytest.raises((TypeError, ValueError), match="ax must be"):
        display.plot(ax=display.figure_)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"pip install sklearn-metaexplain\[plots\]"):
        display.plot()


def test_importing_the_module_does_not_import_matplotlib():
    program = "import sys, sklearn_metaexplain.inspection; print('matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "False", done.stderr


# From an explainer


def test_from_explainer_explains_and_passes_parameters_on():
    X, y = mixed_table()
    explainer = ExactExplainer(mixed_pipeline(), background=5, random_state=0).fit(X, y)
    display = BeeswarmDisplay.from_explainer(explainer, X[:6], output="no", max_display=2)
    explanation = explainer.explain(X[:6]).for_output("no")
    order = np.argsort(-np.abs(explanation.values[:, :, 0]).mean(axis=0))
    np.testing.assert_allclose(display.values[:, :2, 0], explanation.values[:, order[:2], 0])
    assert display.labels == [*X.columns[order[:2]], "2 other columns"]
    with pytest.raises(TypeError, match="no_such"):
        BeeswarmDisplay.from_explainer(explainer, X[:6], no_such=1)
    with pytest.raises(TypeError, match="is not an explainer"):
        AttributionDisplay.from_explainer(LinearRegression(), X[:6])


# Which output


def test_default_output_of_two_classes_is_the_second_and_of_more_the_predicted():
    three, two = mixed_explanation(), mixed_explanation(labels=["no", "yes"])
    assert AttributionDisplay.from_explanation(two).output_names == ["yes"]
    assert AttributionDisplay.from_explanation(three).output_names == ["predicted"]
    row = AttributionDisplay.from_explanation(three[4])
    assert row.output_names == [three.predicted_labels[4]]
    assert row.quantities == [f"probability of {three.predicted_labels[4]}"]
    np.testing.assert_allclose(row.prediction, three.predictions[4].max())


def test_outputs_of_regressors():
    one = regression_explanation([[1.0, 2.0], [3.0, 4.0]])
    assert AttributionDisplay.from_explanation(one).quantities == ["prediction"]
    several = mixed_explanation(labels=["y0", "y1"], output="raw", estimator_type="regressor")
    assert AttributionDisplay.from_explanation(several, output="y1").quantities == [
        "prediction of y1"
    ]
    with pytest.raises(ValueError, match="several targets"):
        AttributionDisplay.from_explanation(several)


@pytest.mark.parametrize("display", [AttributionDisplay, BeeswarmDisplay, EmbeddingDisplay])
def test_wrong_calls(display):
    explanation = mixed_explanation()
    with pytest.raises(TypeError, match="must be an Explanation; got ndarray"):
        display.from_explanation(explanation.values)
    with pytest.raises(ValueError, match="no rows"):
        display.from_explanation(explanation[[]])
    with pytest.raises(ValueError, match="No output 'Emperor'"):
        display.from_explanation(explanation, output="Emperor")


@pytest.mark.parametrize("max_display", [0, -1, 2.5, True, "all"])
def test_wrong_max_display(max_display):
    with pytest.raises(ValueError, match="max_display must be an int"):
        AttributionDisplay.from_explanation(mixed_explanation(), max_display=max_display)
