"""The benchmark of tables with text, categories and gaps."""

import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVR

from tests.benchmark_scripts import import_scripts


@pytest.fixture(scope="module")
def bench():
    with import_scripts("mixed", "mixed_tables", "measures", "whole") as scripts:
        yield scripts


@pytest.fixture(scope="module")
def task(bench):
    """Additive but for its one interaction."""
    table = bench.mixed_tables.load_mixed_table("lettered")
    return bench.mixed.make_mixed_task(table._replace(X=table.X[["x0", "x1", "x3"]]), "svm")


@pytest.mark.parametrize("name", ["penguins", "lettered"])
def test_tables_have_categories_and_numbers(bench, name):
    table = bench.mixed_tables.load_mixed_table(name)
    kinds = {"category" if kind == "category" else kind.kind for kind in table.X.dtypes}
    assert kinds == {"category", "f"}
    assert table.X.isna().any(axis=None) == (name == "penguins")
    assert len(table.X) == len(table.y)


@pytest.mark.parametrize("name", ["forest", "ordinal forest", "boosting", "svm"])
def test_models_take_what_they_have_not_seen(bench, name):
    table = bench.mixed_tables.load_mixed_table("penguins")
    model = bench.mixed_tables.CLASSIFIERS[name]().fit(table.X, table.y)
    rows = table.X[:3].assign(island=pd.Categorical([None, "nowhere", "Dream"]))
    if name != "boosting":  # which has categories of its own
        assert model.predict_proba(rows).shape == (3, 3)
    assert model.score(table.X, table.y) > 0.95


def test_text_is_read_as_indicators(bench):
    table = bench.mixed_tables.load_mixed_table("lettered")
    read = bench.mixed_tables.one_hot().fit_transform(table.X)
    assert read.shape == (800, 12 + 6 + 20 + 8 + 3)
    np.testing.assert_array_equal(read[:, :12].sum(1), 1)
    # The order of the letters says nothing about the order of the numbers they were made of.
    plain = make_pipeline(bench.mixed_tables.one_hot(), SVR()).fit(table.X, table.y)
    assert plain.score(table.X, table.y) > 0.5


def test_surrogates_learn_from_drawn_hybrids(bench, task):
    before = task.model.rows
    hybrids = bench.mixed.draw_hybrids(task, 400)
    assert len(hybrids) == 400 == task.model.rows - before
    assert (hybrids.dtypes == task.X_train.dtypes).all()
    for column in hybrids:
        assert set(hybrids[column]) <= set(task.X_train[column])
    errors = {}
    for method in (bench.mixed.BOOSTED, bench.mixed.NETWORK):
        result = bench.mixed.explain_surrogate(task, method, hybrids)
        np.testing.assert_allclose(
            result.values.sum(1), task.predictions - task.base, atol=1e-8 * np.ptp(task.truth)
        )
        errors[method] = bench.measures.record(task, result)["error"]
    assert max(errors.values()) < 0.1


@pytest.mark.parametrize(("algorithm", "most"), [("kernel", 1e-12), ("permutation", 1e-3)])
def test_sampling_three_columns_comes_close(bench, task, algorithm, most):
    result = bench.mixed.explain_sampled(task, algorithm, algorithm, 800)
    assert bench.measures.record(task, result)["error"] < most
    assert 0 < result.evaluations <= 800


def test_explainer_is_compared_with_the_truth_of_raw_columns(bench, task):
    fitted = bench.whole.fit_meta(task, 400, "default")
    assert isinstance(fitted.hybrids, pd.DataFrame)
    result = bench.whole.explain_meta(task, fitted, 0)
    assert result.values.shape == task.truth.shape == (20, 3, 1)
    line = bench.measures.record(task, result)
    assert line["error"] < 0.05
    assert 0 <= line["covered_90"] <= 1


def test_page_compares_with_the_best_surrogate(bench):
    mixed = bench.mixed
    lines = [
        {
            "task": f"{table}/{model}",
            "method": method,
            "n_support": n_support,
            "budget": 0,
            "error": error * (1 + (model == "svm")),
            "error_expected": 1.0 if model == "svm" else 0.02,
            "covered_90": 0.8 if method == mixed.UNTRAINED else 0.9,
            "evaluations": 0.0,
            "seconds_per_1000": 1.0,
            "seconds_fit": 1.0,
            "seconds_kernel": np.nan,
        }
        for table in ("cars", "bikes")
        for model in ("svm", "forest")
        for n_support in mixed.SUPPORTS
        for method, error in (
            (bench.whole.META, 0.01),
            (mixed.UNTRAINED, 0.02),
            (mixed.BOOSTED, 0.05),
            (mixed.NETWORK, 0.025),
            (mixed.AVERAGE, 0.03),
        )
    ]
    results = pd.DataFrame(lines)
    best = mixed.best_peer(results)
    assert best["peer"].tolist() == [mixed.NETWORK] * 3
    np.testing.assert_allclose(best["ratio"], 0.4)
    page = mixed.make_page(results)
    assert f"| 512 | 0.0150 | {mixed.NETWORK} | 0.0375 | 0.40 | 0.40 |" in page
    assert "| svm | 0.0200 | 0.0400 | 0.1000 | 0.0500 | 0.0600 |" in page
    assert f"| {bench.whole.META} | 2,048 | 0.900 | 0.50 |" in page
    assert f"| {mixed.UNTRAINED} | 2,048 | 0.800 | 0.50 |" in page
