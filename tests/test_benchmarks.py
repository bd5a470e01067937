"""The benchmark's own arithmetic: what it reports must be what it measured."""

import numpy as np
import pandas as pd
import pytest

from sklearn_metaexplain.masking import MaskedModel
from sklearn_metaexplain.posthoc._shap_tree import TreeValues
from sklearn_metaexplain.shapley._enumeration import enumerate_shapley
from tests.benchmark_scripts import NAMES, import_scripts


@pytest.fixture(scope="module")
def bench():
    with import_scripts(*NAMES) as scripts:
        yield scripts


@pytest.fixture(scope="module")
def task(bench):
    return bench.tasks.make_task(bench.tables.load_table("iris"), "bayes", 3)


def result(bench, task, values):
    return bench.measures.Result("method", values, seconds=0.5)


def test_columns_are_few_and_named(bench):
    for name in (*bench.tables.OLD_NAMES, *bench.more_tables.LOCAL):
        table = bench.tables.load_table(name)
        most = {"wine_13": 13, "breast_cancer_30": 30}.get(name, 10)
        assert 4 <= table.X.shape[1] <= most
        assert np.isfinite(table.X).all()


def test_explained_rows_are_held_out(task):
    assert not (task.rows[:, None] == task.X_train[None]).all(2).any()
    assert (task.background[:, None] == task.X_train[None]).all(2).any(1).all()


def test_truth_adds_up(task):
    np.testing.assert_allclose(task.truth.sum(1), task.predictions - task.base, atol=1e-9)


@pytest.mark.parametrize(("factor", "error"), [(1.0, 0.0), (0.0, 1.0), (1.5, 0.25)])
def test_record(bench, task, factor, error):
    line = bench.measures.record(task, result(bench, task, factor * task.truth))
    assert line["error"] == pytest.approx(error)
    assert line["seconds_per_1000"] == pytest.approx(0.5 / 3 * 1000)


def lines(method, errors, n_support=512, budget=0):
    return pd.DataFrame(
        {
            "task": list(errors),
            "method": method,
            "n_support": n_support,
            "budget": budget,
            "error": list(errors.values()),
            "seconds_per_1000": 1.0,
            "seconds_fit": 1.0,
            "seconds_kernel": 1.0,
            "evaluations": 0.0,
            "n_rows": 3,
        }
    )


def test_average(bench):
    frame = pd.concat([lines("a", {"s": 0.1, "t": 0.4, "u": 0.2}), lines("b", {"s": 1.0})])
    averages = bench.measures.average(frame).set_index("method")
    assert averages.loc["a", "mean"] == pytest.approx(0.7 / 3)
    assert averages.loc["a", "median"] == pytest.approx(0.2)
    assert averages.loc["a", "geometric"] == pytest.approx(0.2)
    assert averages["tasks"].to_dict() == {"a": 3, "b": 1}


def test_side_by_side_compares_the_same_tasks(bench):
    frame = pd.concat([lines("a", {"s": 0.1, "t": 9.0}), lines("b", {"u": 5.0, "s": 0.2})])
    one, other = ({"method": m, "n_support": 512, "budget": 0} for m in "ab")
    both = bench.measures.side_by_side(frame, one, other)
    assert both.to_dict("index") == {"s": {"one": 0.1, "other": 0.2}}


@pytest.mark.parametrize(("ours", "reached"), [(0.06, True), (0.08, False)])
def test_targets(bench, ours, reached):
    tasks = ("iris/forest", "iris/svm")
    frame = pd.concat(
        [
            lines(bench.whole.META, dict.fromkeys(tasks, ours)),
            lines(bench.boosted.BOOSTED, dict.fromkeys(tasks, 0.1)),
            lines(bench.whole.ONE_ROUND, dict.fromkeys(tasks, ours)),
            lines(bench.parts.STACK, dict.fromkeys(tasks, ours)),
        ]
    )
    targets = bench.targets.check_targets(frame, pd.DataFrame())
    assert [target.reached for target in targets] == [reached, False, False]
    assert targets[0].measured == pytest.approx(ours / 0.1)
    page = bench.report.make_report(frame, pd.DataFrame(), targets)
    assert f"| {'reached' if reached else 'NOT reached'} |" in page


def test_kernel_with_one_background_row_becomes_exact(bench, task):
    errors = []
    for budget in (50, 14 * 25):
        made = bench.libraries.explain_kernel_one(task, budget)
        assert made.evaluations == budget
        errors.append(bench.measures.record(task, made)["error"])
    assert errors[0] > 1e-4
    assert errors[1] < 1e-12


def test_sampled_game_draws_different_background_rows(bench, task):
    asked = []

    class Spy:
        n_background = task.masked.n_background

        def evaluate(self, row, row_index, background_index, coalitions):
            asked.append((background_index, coalitions))
            return np.zeros((len(background_index), task.truth.shape[2]))

    game = bench.libraries.SampledGame(task, 0, 7, np.random.RandomState(0))
    game.masked = Spy()
    game(np.array([[1, 0, 0, 0], [0, 1, 1, 0], [1, 1, 1, 1]]))
    background, coalitions = asked[0]
    assert len(background) == 7
    for coalition in np.unique(coalitions, axis=0):
        rows = background[(coalitions == coalition).all(1)]
        assert len(rows) in (3, 4)
        assert len(set(rows)) == len(rows)


def test_boosted_surrogate_is_read_exactly(bench, task):
    rng = np.random.RandomState(0)
    hybrids = task.X_train[rng.randint(len(task.X_train), size=300)]
    model = bench.boosted._fit(hybrids, task.model.predict_proba(hybrids)[:, 0])
    masked = MaskedModel(model, task.background)
    truth, _ = enumerate_shapley(masked, task.rows, masked.predict(task.rows))
    np.testing.assert_allclose(TreeValues(masked).explain(task.rows), truth, atol=1e-5)


@pytest.mark.filterwarnings("ignore:Linear regression equation is singular")
def test_every_method_runs(bench, task):
    groups = set(bench.run.GROUPS) - {"speed"}
    results = list(bench.run.explain_all(task, groups, (96,), "default", (100,)))
    frame = pd.DataFrame([bench.measures.record(task, result) for result in results])
    assert np.isfinite(frame["error"]).all()
    assert not frame.duplicated(["method", "n_support", "budget"]).any()
    meta = frame[(frame["method"] == bench.whole.META) & (frame["budget"] == 0)]
    assert (meta["error"] < 0.2).all()
    for one in results:
        if one.n_support:
            np.testing.assert_allclose(
                one.values.sum(1), task.predictions - task.base, atol=1e-8, err_msg=one.method
            )


def test_some_methods_run_without_the_others(bench, task):
    results = bench.run.explain_all(task, {"meta", "fastshap"}, (96,), "default", (100,))
    assert {one.group for one in results} == {"meta", "fastshap"}


def test_draws_have_other_evaluations_of_the_same_task(bench):
    both = pd.DataFrame(bench.draws.measure("iris", "bayes", 96, range(2)))
    errors = both.pivot(index="method", columns="draw", values="error")
    assert {bench.whole.META, bench.surrogates.AVERAGE} < set(errors.index)
    assert (errors[0] != errors[1]).all()
    assert both["n_rows"].eq(bench.run.N_ROWS).all()


def test_stability_is_compared_by_ratios(bench):
    scores = {"accuracy": [0.9, 0.8, 0.7], "local Lipschitz": [4.0, 2.0, 1.0]}
    results = pd.DataFrame(
        {
            "table": "iris",
            "adversarial_eps": bench.stability.EPSILONS,
            "seed": 0,
            **scores,
            "max sensitivity": [0.5, 0.5, 1.0],
        }
    )
    page = bench.stability.report(results)
    assert "adversarial_eps=0.1 the local Lipschitz estimate is 0.50" in page
    assert "adversarial_eps=0.3 the local Lipschitz estimate is 0.25" in page
    assert (
        "relative change 2.00 (geometric means over tables), and accuracy changes by -20.0" in page
    )


@pytest.mark.parametrize("name", ["linear", "additive", "interaction"])
def test_known_values_of_many_columns_are_the_shapley_values(bench, name):
    rng = np.random.RandomState(0)
    known = bench.columns.known_model(name, 6, rng)
    rows, background = rng.randn(3, 6), rng.randn(4, 6)
    model = bench.columns.KnownModel(known).fit(rows, known.function(rows))
    truth, _ = enumerate_shapley(MaskedModel(model, background), rows, model.predict(rows)[:, None])
    np.testing.assert_allclose(known.shapley(rows, background), truth[:, :, 0], atol=1e-12)


def test_exponent_of_time_in_columns(bench):
    results = pd.DataFrame({"columns": [10, 64, 200], "fit": [50.0, 64**1.5, 200**1.5]})
    assert bench.columns.exponent(results, "fit") == pytest.approx(1.5)


def test_correlation_is_pearsons_of_each_row(bench):
    random = np.random.RandomState(0)
    truth, values = random.normal(size=(2, 4, 5, 2))
    rows = [np.corrcoef(truth[i, :, k], values[i, :, k])[0, 1] for i in range(4) for k in range(2)]
    assert bench.model_free.correlation(truth, values) == pytest.approx(np.mean(rows))
    truth[0] = 0.0  # nothing to be correlated with
    assert bench.model_free.correlation(truth, values) == pytest.approx(np.mean(rows[2:]))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["columns", "learners", "stability", "model_free"])
def test_quick_run_leaves_its_page(bench, name, tmp_path, capsys):
    out = tmp_path if name in ("columns", "stability") else tmp_path / f"{name}.md"
    getattr(bench, name).main(["--quick", "--out", str(out)])
    page = (tmp_path / f"{name}.md").read_text(encoding="utf-8")
    assert page.startswith("# ")
    assert "nan" not in page
    assert page.strip() in capsys.readouterr().out
