"""The few-shot and consistency benchmarks: what they report must be what they measured."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression

from sklearn_metaexplain import Explanation, LimeExplainer, MetaExplainer, PrototypeClassifier
from sklearn_metaexplain.nets._classifier_weights import NETWORKS, save_classifier
from tests.benchmark_scripts import NAMES, import_scripts

SIZES = {"width": 8, "n_heads": 2, "n_layers": 1}


@pytest.fixture(scope="module")
def bench():
    with import_scripts(
        *(name for name in NAMES if name.startswith(("few_shot", "consistency")))
    ) as scripts:
        yield scripts


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Files of small networks that nobody trained."""
    folder = tmp_path_factory.mktemp("weights")
    for kind, network in NETWORKS.items():
        save_classifier(folder / f"{kind}.safetensors", kind, network(encoder=SIZES), {})
    return folder


def parameter_count(network):
    return sum(part.numel() for part in network.parameters())


# Tables and draws


def test_tables_have_the_promised_classes_and_enough_rows(bench):
    tables = {name: bench.few_shot_tables.load_table(name) for name in bench.few_shot_tables.TABLES}
    for name, table in tables.items():
        counts = np.unique(table.y, return_counts=True)[1]
        # Some of every class are left to be judged.
        assert counts.min() >= max(table.shots) + 5, name
        assert len(table.X) == len(table.y)
    few = [tables[name].n_classes for name in bench.few_shot_tables.FEW_CLASSES]
    assert set(few) == {2, 3, 4, 5}
    many = [tables[name].n_classes for name in bench.few_shot_tables.MANY_CLASSES]
    assert many == [10, 20]


def test_answer_is_no_column_of_the_mixed_tables(bench):
    for name, answer in (("penguins", "species"), ("penguins_sex", "sex")):
        table = bench.few_shot_tables.load_table(name)
        assert answer not in table.X
        assert table.X.select_dtypes("number").shape[1] == 5


@pytest.mark.parametrize("n_shots", [1, 5])
def test_draws_give_each_class_its_rows(bench, n_shots):
    y = np.repeat(["a", "b", "c"], [8, 600, 40])
    support, test = bench.few_shot_draws.draw_shots(y, n_shots, 3)
    assert np.unique(y[support], return_counts=True)[1].tolist() == [n_shots] * 3
    assert len(set(support)) == 3 * n_shots
    assert not set(support) & set(test)
    assert len(set(test)) == len(test) == 500
    for again, same in ((3, True), (4, False)):
        repeated = bench.few_shot_draws.draw_shots(y, n_shots, again)
        assert all(map(np.array_equal, repeated, (support, test))) == same


@pytest.mark.parametrize(("n_rows", "n_used"), [(200, 200), (2000, 250)])
def test_splits_keep_shares(bench, n_rows, n_used):
    y = np.tile([0, 0, 0, 1], n_rows // 4)
    train, test = bench.few_shot_draws.split_all(y, 100, 0)
    assert len(set(train) | set(test)) == len(train) + len(test) == n_used
    assert len(test) == pytest.approx(0.3 * n_used, abs=1)
    assert y[train].mean() == pytest.approx(0.25, abs=0.01)
    assert y[test].mean() == pytest.approx(0.25, abs=0.01)


# Methods


def test_from_scratch_is_the_same_network(bench, weights):
    methods = bench.few_shot_methods.few_shot_methods(np.zeros((1, 2)), 7, weights)
    X = np.random.RandomState(0).standard_normal((12, 2))
    y = np.arange(12) % 2
    for kind in bench.few_shot_methods.KINDS:
        meta = methods[bench.few_shot_methods.name_of(kind, "meta-trained")]
        scratch = methods[bench.few_shot_methods.name_of(kind, "from scratch")]
        adapted = methods[bench.few_shot_methods.name_of(kind, "meta-trained and adapted")]
        assert scratch.pretrained is None
        assert adapted.pretrained == meta.pretrained
        assert adapted.max_epochs == scratch.max_epochs > 0
        assert meta.max_epochs == 0
        same = set(meta.get_params()) - {"pretrained", "max_epochs", *SIZES}
        assert all(getattr(meta, name) == getattr(scratch, name) for name in same)
        networks = [meta.fit(X, y)._network, scratch.set_params(max_epochs=1).fit(X, y)._network]
        networks[1].encoder.task_columns = None
        assert parameter_count(networks[0]) == parameter_count(networks[1])


def test_methods_of_all_rows_start_from_the_same_weights(bench, weights):
    methods = bench.few_shot_methods.all_rows_methods(np.zeros((1, 2)), 0, weights)
    own = [method for name, method in methods.items() if hasattr(method, "pretrained")]
    assert len(own) == 10
    assert {Path(method.pretrained).parent for method in own} == {weights}
    assert sorted(method.max_epochs for method in own) == [0] * 5 + [50] * 5


def test_usual_methods_take_strings_and_missing_values(bench):
    table = bench.few_shot_tables.load_table("penguins")
    assert table.X.isna().to_numpy().any()
    support, test = bench.few_shot_draws.draw_shots(table.y, 20, 0)
    for name, method in bench.few_shot_methods.usual_methods(table.X, 0).items():
        method.fit(table.X.iloc[support], table.y[support])
        assert method.score(table.X.iloc[test], table.y[test]) > 0.9, name


def test_usual_methods_do_not_depend_on_units(bench):
    table = bench.few_shot_tables.load_table("wine")
    support, test = bench.few_shot_draws.draw_shots(table.y, 5, 0)
    units = 10.0 ** np.arange(-6, 7)
    for name, method in bench.few_shot_methods.usual_methods(table.X, 0).items():
        predicted = [
            method.fit(X[support], table.y[support]).predict(X[test])
            for X in (table.X, table.X * units)
        ]
        assert np.mean(predicted[0] == predicted[1]) > 0.98, name


# Comparison


def results(methods, shots="5", table="iris"):
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "table": table,
                    "shots": shots,
                    "draw": np.arange(len(accuracies)),
                    "method": method,
                    "accuracy": accuracies,
                    "seconds": 0.5,
                }
            )
            for method, accuracies in methods.items()
        ]
    )


def test_summary(bench):
    lines = pd.concat(
        [
            results({"a": [0.8, 0.6], "b": [0.7, 0.7]}),
            results({"a": [1.0, 1.0], "b": [0.8, 0.8]}, table="wine"),
            results({"a": [0.0, 0.0], "b": [1.0, 1.0]}, table="moons"),
            results({"a": [0.0, 0.0], "b": [1.0, 1.0]}, shots="20"),
        ]
    )
    accuracies = bench.few_shot_compare.select(lines, "5", ["iris", "wine"])
    summary = bench.few_shot_compare.summarise(accuracies)
    assert summary.index.tolist() == ["a", "b"]
    np.testing.assert_allclose(summary["accuracy"], [0.85, 0.75])
    np.testing.assert_allclose(summary["se_tables"], [0.15, 0.05])
    np.testing.assert_allclose(summary["behind"], [0.0, 0.1])
    # Differences: 0.1 and -0.1 on one table, with standard error 0.1; 0.2 twice on the other.
    np.testing.assert_allclose(summary["se_behind"], [0.0, 0.05], atol=1e-12)
    difference = bench.few_shot_compare.subtract(accuracies, "a", "b")
    assert difference.se_tables == pytest.approx(0.1)
    # 0.3 and 0.1 + 0.2 are level.
    accuracies["a"], accuracies["b"] = 0.3, 0.1 + 0.2
    assert (bench.few_shot_compare.subtract(accuracies, "b", "a").by_table == 0).all()


def test_methods_measured_on_some_draws_are_put_beside_the_others(bench):
    # On the first draw, which is hard, "c" is 0.1 above the mean of the others.
    lines = results({"a": [0.4, 0.8], "b": [0.6, 1.0], "c": [0.6]})
    accuracies = bench.few_shot_compare.select(lines, "5", ["iris"])
    means = bench.few_shot_compare.table_means(accuracies).loc["iris"]
    assert means.to_dict() == pytest.approx({"a": 0.6, "b": 0.8, "c": 0.8})


def complete(bench, **accuracies):
    """Lines of every few-shot method: 0.5 but where told otherwise."""
    kinds = bench.few_shot_methods.KINDS
    names = [
        bench.few_shot_methods.name_of(kind, how)
        for kind in kinds
        for how in ("meta-trained", "from scratch")
    ]
    methods = dict.fromkeys([*names, "SVC", "RandomForest"], (0.5, 0.5))
    return results({**methods, **accuracies})


@pytest.mark.parametrize(
    ("ours", "measured", "reached"),
    [
        ([0.70, 0.70], 0.0, True),  # the best
        ([0.60, 0.58], 0.5, True),  # 0.01 behind, and 0.02 is the standard error
        ([0.60, 0.53], 7.0, False),  # 0.035 behind, and 0.005
    ],
)
def test_best_or_within_one_standard_error(bench, ours, measured, reached):
    meta = bench.few_shot_methods.name_of("Matching, cosine", "meta-trained")
    lines = complete(bench, **{meta: ours, "SVC": [0.63, 0.57]})
    aim = bench.few_shot_compare.check_aims(lines)[0]
    assert aim.measured == pytest.approx(measured)
    assert aim.reached == reached
    assert meta in aim.detail


def test_attention_is_a_rival_of_the_two(bench):
    attention = bench.few_shot_methods.name_of("Attention, shared sigmoid", "meta-trained")
    aim = bench.few_shot_compare.check_aims(complete(bench, **{attention: [0.8, 0.7]}))[0]
    assert not aim.reached
    assert attention in aim.detail


def test_what_was_adapted_is_meta_trained_as_well(bench):
    adapted = bench.few_shot_methods.name_of("Prototype", "meta-trained and adapted")
    aims = bench.few_shot_compare.check_aims(complete(bench, **{adapted: [0.8, 0.7]}))
    assert aims[0].reached
    assert adapted in aims[0].detail
    above = {aim.text.split(":")[0]: aim.measured for aim in aims[1:]}
    assert above[adapted] == 1.0
    assert above["Prototype, meta-trained"] == 0.0


def test_tables_that_were_not_measured_count_for_nothing(bench):
    names = [
        bench.few_shot_methods.name_of("Prototype", how) for how in ("meta-trained", "from scratch")
    ]
    lines = complete(bench, **{names[0]: [0.8, 0.7]})
    partly = complete(bench).assign(table="wine")
    lines = pd.concat([lines, partly[partly["method"] != names[1]]])
    found = dict(bench.few_shot_compare.gains(lines, "Prototype", "meta-trained", "from scratch"))
    assert found["5"].by_table.to_dict() == pytest.approx({"iris": 0.25})
    aims = bench.few_shot_compare.check_aims(lines)
    aim = next(aim for aim in aims if aim.text.startswith(names[0]))
    assert aim.measured == 1.0
    assert "1 of 1, level on 0" in aim.detail
    apart = pd.concat([results({names[0]: [0.8]}), results({names[1]: [0.7]}, table="wine")])
    for part in (lines[lines["method"] != names[1]], apart):
        kind, *hows = "Prototype", "meta-trained", "from scratch"
        assert not list(bench.few_shot_compare.gains(part, kind, *hows))


def test_page_tells_what_adapting_adds_on_the_draws_that_both_saw(bench):
    meta, adapted = (
        bench.few_shot_methods.name_of("Prototype", how)
        for how in ("meta-trained", "meta-trained and adapted")
    )
    lines = complete(bench, **{meta: [0.8, 0.6], adapted: [0.9]})
    page = bench.few_shot_page.make_page(lines.assign(weights="shipped"))
    section = page.split("## What adapting is worth")[1]
    assert "| Prototype, 5 | +10.0 (nan) | +10.0 (nan) |" in section


def test_names_tell_how_methods_came_about(bench, weights):
    table = np.zeros((1, 2))
    methods = bench.few_shot_methods.few_shot_methods(table, 0, weights)
    methods |= bench.few_shot_methods.all_rows_methods(table, 0, weights)
    found = [bench.few_shot_methods.how_of(name) for name in methods]
    counts = [found.count(how) for how in bench.few_shot_methods.HOWS]
    assert counts == [5, 5, 5, 5, 4]


def test_other_lines_stay_as_they_are_kept(bench, weights, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    given = ["--weights", str(weights), "--out", "report", "--tables", "iris", "--draws", "2"]
    bench.few_shot.main([*given, "--how", "usual"])
    path = tmp_path / "runs/few-shot/iris-5.csv"
    lines = pd.read_csv(path)
    usual = bench.few_shot_methods.usual_methods(np.zeros((1, 2)), 0)
    assert set(lines["method"]) == set(usual)
    lines.assign(accuracy=0.25).to_csv(path, index=False)
    for _ in range(2):  # the second time in the place of the first
        bench.few_shot.main([*given, "--how", "meta-trained"])
    both = pd.read_csv(path)
    assert (both.groupby("method")["draw"].apply(list).map(sorted).map(tuple) == (0, 1)).all()
    assert len(both["method"].unique()) == 9
    assert (both.loc[both["method"].isin(usual), "accuracy"] == 0.25).all()
    assert (both.loc[~both["method"].isin(usual), "accuracy"] != 0.25).all()


def test_above_from_scratch_means_everywhere(bench):
    meta, scratch = (
        bench.few_shot_methods.name_of("Prototype", how) for how in ("meta-trained", "from scratch")
    )
    lines = complete(bench, **{meta: [0.8, 0.8], scratch: [0.7, 0.6]})
    more = complete(bench, **{meta: [0.8, 0.8], scratch: [0.82, 0.80]}).assign(shots="20")
    for part, share in ((lines, 1.0), (pd.concat([lines, more]), 0.5)):
        aims = bench.few_shot_compare.check_aims(part)
        aim = next(aim for aim in aims if aim.text.startswith("Prototype"))
        assert aim.measured == share
        assert aim.reached == (share == 1.0)
    assert "least iris, 20 rows a class: -1.00" in aim.detail
    assert "1 of 2, level on 0; on 0 more than two standard errors" in aim.detail
    level = next(aim for aim in aims if aim.text.startswith("Matching, cosine"))
    assert level.measured == 0.0
    assert "0 of 2, level on 2;" in level.detail


@pytest.mark.parametrize(("behind", "reached"), [(0.019, True), (0.021, False)])
def test_near_the_forest_with_all_rows(bench, behind, reached):
    kinds, name_of = bench.few_shot_methods.KINDS, bench.few_shot_methods.name_of
    ours = {
        name_of(kind, how): [0.9 - behind] * 2
        for kind in kinds
        for how in ("meta-trained", "trained on the table")
    }
    lines = results({**ours, "RandomForest": [0.9, 0.9]}, shots="all")
    aims = bench.few_shot_compare.check_aims(lines)
    assert len(aims) == 10
    assert {aim.reached for aim in aims} == {reached}
    assert aims[0].measured == pytest.approx(-100 * behind)


def test_measures_keeps_and_reports(bench, weights, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(bench.few_shot_methods, "SCRATCH_EPOCHS", 1)
    monkeypatch.setattr(bench.few_shot_methods, "TABLE_EPOCHS", 1)
    given = ["--weights", str(weights), "--out", "report"]
    bench.few_shot.main([*given, "--tables", "iris", "--draws", "2"])
    few = (tmp_path / "report/few_shot.md").read_text()
    bench.few_shot.main([*given, "--tables", "iris", "--draws", "1", "--all-rows"])
    both = (tmp_path / "report/few_shot.md").read_text()
    assert "## All rows" in both
    assert "## All rows" not in few
    for section in ("## 5 rows a class", "## 20 rows a class", "## Aims", "- iris: 150 rows"):
        assert section in few
        assert section in both
    assert f"weights: {weights}." in both
    wide = pd.read_csv(tmp_path / "report/few_shot.csv").set_index(["shots", "table", "draw"])
    assert wide.index.tolist() == [
        ("20", "iris", 0),
        ("20", "iris", 1),
        ("5", "iris", 0),
        ("5", "iris", 1),
        ("all", "iris", 0),
    ]
    usual = wide[["LogisticRegression", "KNeighbors", "RandomForest", "SVC"]]
    assert usual.to_numpy().min() > 0.7
    # What is reported is what these rows give.
    table = bench.few_shot_tables.load_table("iris")
    support, test = bench.few_shot_draws.draw_shots(table.y, 5, 1)
    method = bench.few_shot_methods.few_shot_methods(table.X, 1, weights)["Prototype, meta-trained"]
    accuracy = method.fit(table.X[support], table.y[support]).score(table.X[test], table.y[test])
    assert wide.loc[("5", "iris", 1), "Prototype, meta-trained"] == round(accuracy, 4)
    bench.few_shot.main([*given, "--tables"])
    assert (tmp_path / "report/few_shot.md").read_text() == both
    assert capsys.readouterr().out.endswith(both + "\n")


def test_draws_before_the_first_stay_as_they_are(bench, tmp_path):
    path = tmp_path / "iris-5.csv"

    def lines(method, draws, accuracy):
        rows = {"table": "iris", "shots": "5", "draw": draws, "method": method}
        return pd.DataFrame({**rows, "accuracy": accuracy})

    ours, usual = "Prototype, from scratch", "SVC"
    first = pd.concat([lines(ours, [0, 1, 2], 0.5), lines(usual, [0, 1, 2], 0.6)])
    bench.few_shot.keep(first, path, ["from scratch", "usual"], 0)
    bench.few_shot.keep(lines(ours, [1, 2, 3], 0.7), path, ["from scratch"], 1)
    kept = pd.read_csv(path).pivot(index="draw", columns="method", values="accuracy")
    assert kept[ours].tolist() == [0.5, 0.7, 0.7, 0.7]
    assert kept[usual].tolist()[:3] == [0.6] * 3


# Consistency


@pytest.fixture
def cheap(bench, weights, monkeypatch):
    """A quick model and explainers, the first exact without shap's compiler."""

    def explainers(model, background, seed):
        given = {"background": background, "random_state": seed}
        frozen = FrozenEstimator(model)
        return {
            "exact Shapley values": MetaExplainer(frozen, n_support=64, budget=350, **given),
            "LIME": LimeExplainer(frozen, n_samples=30, **given),
        }

    monkeypatch.setattr(bench.consistency_explainers, "posthoc_explainers", explainers)
    monkeypatch.setitem(bench.consistency.MODELS, "linear", lambda: LogisticRegression(C=0.1))

    def classifiers(seed):
        given = {"pretrained": weights / "prototype.safetensors", "random_state": seed}
        return {"PrototypeClassifier": PrototypeClassifier(**given)}

    monkeypatch.setattr(bench.consistency_explainers, "selfexplaining_models", classifiers)


def test_samples_have_no_row_in_common(bench):
    samples = bench.consistency_explainers.draw_samples("hastie", 50)
    parts = [samples.one.X, samples.other.X, samples.rows]
    assert [len(part) for part in parts] == [275, 275, 50]
    assert len(np.unique(np.vstack(parts), axis=0)) == 600


def explanation(values, predictions):
    return Explanation(
        np.array(values, dtype=float)[..., None] * [-1.0, 1.0],
        [0.5, 0.5],
        predictions,
        feature_names=["a", "b"],
        output_names=["no", "yes"],
        output="probability",
        n_evaluations=0,
        estimator_type="classifier",
    )


def test_compare(bench):
    predictions = [[0.2, 0.8], [0.7, 0.3]]
    one = explanation([[3.0, 0.0], [0.0, 4.0]], predictions)
    other = explanation([[1.0, 0.0], [1.0, 0.0]], predictions)
    found = bench.consistency_explainers.compare(one, other)
    # (3, 4) and (1, 0); rows that are parallel and rows that are orthogonal.
    assert found == {"importances": pytest.approx(0.6), "rows": pytest.approx(0.5)}
    mirrored = explanation([[-3.0, 0.0], [0.0, -4.0]], predictions)
    found = bench.consistency_explainers.compare(one, mirrored)
    assert found == {"importances": pytest.approx(1.0), "rows": pytest.approx(-1.0)}


def test_explainers_that_aims_are_about_are_there(bench):
    explainers = bench.consistency_explainers
    made = explainers.posthoc_explainers(LogisticRegression(), np.eye(3), 5)
    assert {explainers.SMALL, explainers.LARGE, *explainers.RIVALS, explainers.EXACT} <= set(made)
    assert {explainer.random_state for explainer in made.values()} == {5}


@pytest.mark.usefixtures("cheap")
def test_consistency_is_measured(bench):
    lines = bench.consistency.measure((("iris", "linear"),), n_rows=6)
    assert lines["explainer"].tolist() == [
        "exact Shapley values",
        "LIME",
        "LIME",
        "PrototypeClassifier",
    ]
    assert lines["changed"].tolist() == ["other sample"] * 2 + ["other seed", "other sample"]
    assert lines["model"].tolist() == ["linear"] * 3 + ["itself"]
    assert lines["importances"].between(0, 1).all()
    # A stiff linear model hardly depends on the sample.
    assert lines.loc[0, "importances"] > 0.98
    assert lines.loc[2, "rows"] < 0.9999


def cosines(rows):
    names = ["table", "model", "explainer", "changed", "importances", "rows"]
    return pd.DataFrame(rows, columns=names)


def test_consistency_is_averaged_and_held_against_the_aims(bench):
    meta = bench.consistency.LARGE
    rivals = bench.consistency.RIVALS
    values = {meta: (1.0, 0.8), **dict.fromkeys(rivals, (0.9, 0.6)), rivals[-1]: (0.6, 1.0)}
    rows = [
        (table, "forest", name, changed, value, value - 0.4)
        for name, both in values.items()
        for table, value in zip(("iris", "wine"), both, strict=True)
        for changed in ("other sample", "other seed")
    ]
    lines = cosines([*rows, ("iris", "itself", "PrototypeClassifier", "other sample", 0.3, 0.2)])
    averages = bench.consistency.average(lines)
    assert averages.index.tolist() == [*values, "PrototypeClassifier"]
    assert averages.loc[meta, ("other sample", "importances", "mean")] == pytest.approx(0.9)
    assert averages.loc[meta, ("other seed", "rows", "mean")] == pytest.approx(0.5)
    assert averages.loc[meta, ("other seed", "rows", "sem")] == pytest.approx(0.1)
    aims = bench.consistency.check_aims(lines)
    assert len(aims) == 2 * 2 * len(rivals)
    assert aims[0].measured == pytest.approx(0.15)
    assert aims[0].reached
    assert "paired standard error 0.050; higher on 2 of 2" in aims[0].detail
    assert aims[len(rivals) - 1].measured == pytest.approx(0.1)
    assert "higher on 1 of 2" in aims[len(rivals) - 1].detail
    page = bench.consistency.make_page(lines, 3.0)
    assert f"| {meta} | 2 | 0.900 ± 0.100 | 0.500 ± 0.100 |" in page
    assert "NOT reached" not in page
    worse = lines.assign(importances=1 - lines["importances"])
    assert "NOT reached" in bench.consistency.make_page(worse, 3.0)
