"""Multiples of deviations, by what was spent on rows."""

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.dummy import DummyRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeRegressor

from sklearn_metaexplain import MetaExplainer
from sklearn_metaexplain.nets._checkpoint import load_pretrained
from sklearn_metaexplain.posthoc._self_error import calibration_of, n_rows_judged, quantiles_of
from sklearn_metaexplain.shapley._deviation import sparsity

FREE = [[0.5, 0.7], [0.9, 1.6], [0.95, 2.1]]
ASKED = [[0.5, 0.6], [0.9, 1.4]]
CALIBRATION = {"quantiles": FREE, "quantiles_asked": ASKED}


@pytest.mark.parametrize(("asked", "expected"), [(False, FREE), (True, ASKED)])
def test_all_rows_alike_have_one_table(asked, expected):
    assert quantiles_of(CALIBRATION, np.full(3, asked)).tolist() == expected


def test_tables_with_categories_have_multiples_of_their_own():
    wide = [[0.5, 0.9], [0.9, 2.4]]
    calibration = {**CALIBRATION, "quantiles_categories": wide}
    free, asked = np.full(2, False), np.full(2, True)
    assert quantiles_of(calibration, free).tolist() == FREE
    assert quantiles_of(calibration, free, categories=True).tolist() == wide
    # Where there are none of their own, those of others serve.
    assert quantiles_of(calibration, asked, categories=True).tolist() == ASKED
    found = quantiles_of(calibration, np.array([True, False]), categories=True)
    assert found.tolist() == [ASKED, wide]


@pytest.mark.parametrize("text", [False, True])
def test_intervals_are_those_of_the_kind_of_table(text, monkeypatch):
    told = []
    monkeypatch.setattr(
        "sklearn_metaexplain.posthoc._meta.quantiles_of",
        lambda calibration, asked, *, categories: told.append(categories),
    )
    X = pd.DataFrame({"number": np.arange(20.0), "word": list("ab") * 10 if text else 1.0})
    model = FrozenEstimator(DummyRegressor().fit(X, X["number"]))
    MetaExplainer(model, background=5, n_support=64, random_state=0).fit(X).explain(X[:2])
    assert told == [text]


def test_rows_have_as_many_levels_as_both_tables():
    found = quantiles_of(CALIBRATION, np.array([True, False, True]))
    assert found.tolist() == [ASKED, FREE[:2], ASKED]
    turned = {"quantiles": ASKED, "quantiles_asked": FREE}
    assert quantiles_of(turned, np.array([True, False])).tolist() == [FREE[:2], ASKED]


@pytest.mark.parametrize("asked", [[False, False], [True, True]])
def test_without_calibration_there_are_none(asked):
    assert quantiles_of({}, np.array(asked)) is None


@pytest.mark.parametrize(("n_background", "n_rows"), [(1, 64), (100, 64), (200, 32), (5000, 8)])
def test_of_many_background_rows_fewer_rows_are_judged(n_background, n_rows):
    assert n_rows_judged(n_background) == n_rows


@pytest.mark.parametrize(("n_rows", "seen"), [(25, 25), (90, 90), (500, 160)])
def test_a_table_is_as_sparse_as_the_rows_that_fit_has_seen(n_rows, seen):
    X = np.random.RandomState(0).normal(size=(n_rows, 3))
    model = FrozenEstimator(LinearRegression().fit(X, X[:, 0]))
    explainer = MetaExplainer(model, background=5, n_support=160, random_state=0).fit(X)
    assert explainer._surrogate_.n_rows_seen == seen
    assert explainer._evidence_["sparsity"] == pytest.approx(sparsity(seen))


@pytest.mark.parametrize("text", [False, True])
def test_the_search_has_figures_of_its_own(text):
    random = np.random.RandomState(0)
    X = pd.DataFrame(random.normal(size=(80, 3)), columns=list("abc"))
    target = X["a"] * X["b"] + np.abs(X["c"])
    numbers = make_column_transformer(("passthrough", ["a", "b", "c"]))
    model = make_pipeline(numbers, DecisionTreeRegressor(random_state=0))
    if text:
        X["word"] = list("abcd") * 20
    told = {}
    for pretrained in ("default", None):
        explainer = MetaExplainer(
            model, pretrained=pretrained, background=5, n_support=300, random_state=0
        ).fit(X, target)
        explanation = explainer.explain(X[:4])
        half = (explanation.interval(0.9)[1] - explanation.values)[:, 0, 0]
        told[pretrained] = half / explanation.std[:, 0, 0]
        assert explainer.shapley_error_se_ > 2 * explainer.shapley_error_
    # Multiples of one table, neither those of the networks nor of a normal error.
    assert np.ptp(told[None]) < 1e-9
    assert abs(told[None][0] / told["default"][0] - 1) > 0.02
    assert told[None][0] > 1.7


def test_figures_of_the_search_are_as_many_as_those_of_the_networks():
    shipped, search = calibration_of(load_pretrained("default")), calibration_of(None)
    assert search.keys() == shipped.keys()
    for name, figure in search.items():
        if name.startswith("quantiles"):
            np.testing.assert_array_equal(np.array(figure)[:, 0], np.array(shipped[name])[:, 0])
            assert (np.diff(np.array(figure)[:, 1]) > 0).all()
    for name in ("task", "row"):
        assert search[name]["slopes"].keys() == shipped[name]["slopes"].keys()
    assert search["n_tasks"] >= 300
