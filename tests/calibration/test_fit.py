"""Calibration from cases whose law is known, and from a few real ones."""

import hashlib
import json
import os
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from sklearn_metaexplain import MetaExplainer
from sklearn_metaexplain.calibration import Case, fit_calibration, measure_case
from sklearn_metaexplain.calibration import __main__ as command
from sklearn_metaexplain.calibration.__main__ import main
from sklearn_metaexplain.calibration._fit import summarise
from sklearn_metaexplain.learners import MAML, learner_record
from sklearn_metaexplain.learners._stored import load_learner
from sklearn_metaexplain.nets._checkpoint import (
    REGISTRY,
    Pretrained,
    load_pretrained,
    save_pretrained,
)
from sklearn_metaexplain.nets._kernel_network import KernelNetwork
from sklearn_metaexplain.prior import sample_task
from sklearn_metaexplain.shapley._error import estimate_error


def made_up(n, *, seed=0, spread=0.6):
    rng = np.random.default_rng(seed)
    cases = []
    for _ in range(n):
        evidence = {
            "raw": np.exp(rng.normal(-4, 1)),
            "roughness": np.exp(rng.normal(-3, 1)),
            "residual": np.exp(rng.normal(-3, 1)),
            "sparsity": np.exp(rng.normal(-4, 0.5)),
        }
        noise = np.exp(rng.normal(0, spread, size=2))
        error = 0.9 * evidence["raw"] ** 0.7 * evidence["roughness"] ** 0.2 * noise[0]
        error *= evidence["sparsity"] ** 0.3
        row_raw = np.exp(rng.normal(-5, 1))
        reaches = np.abs(rng.standard_t(4, size=(2, 3))) * [[1.0], [2.0]]
        cases.append(
            Case("made up", evidence, error, *reaches.tolist(), row_raw, 2 * row_raw * noise[1])
        )
    return cases


def test_the_law_of_the_errors_is_found():
    calibration = fit_calibration(made_up(3000))
    task = calibration["task"]
    assert task["slopes"] == pytest.approx(
        {"raw": 0.7, "roughness": 0.2, "sparsity": 0.3}, abs=0.05
    )
    assert task["spread"] == pytest.approx(0.6, abs=0.03)
    # The mean of a log-normal is above its median.
    assert task["log_factor"] == pytest.approx(0.6**2 / 2, abs=0.05)
    assert calibration["row"]["slopes"] == pytest.approx({"raw": 1.0, "residual": 0.0}, abs=0.05)
    assert min(calibration["row"]["slopes"].values()) >= 0
    # The medians of raw errors of rows and tasks are exp(-5) and exp(-4).
    assert calibration["usually_taken"] == pytest.approx(1 - np.exp(-1), abs=0.03)


def test_a_task_of_which_nothing_is_known_does_not_count():
    cases = made_up(300)
    unknown = {"raw": np.inf, "roughness": 1.0, "residual": 1.0, "sparsity": 0.01}
    calibration = fit_calibration([*cases, replace(cases[0], evidence=unknown, row_raw=np.inf)])
    expected = fit_calibration(cases)
    for name in ("task", "row"):
        slopes, told = calibration[name].pop("slopes"), expected[name].pop("slopes")
        assert slopes == pytest.approx(told)
        assert calibration[name] == pytest.approx(expected[name])
    assert calibration["usually_taken"] == expected["usually_taken"]


def test_estimates_are_right_on_average_and_cover():
    calibration = fit_calibration(made_up(2000))["task"]
    new = made_up(2000, seed=1)
    told = np.array([estimate_error(case.evidence, calibration) for case in new])
    errors = np.array([case.error for case in new])
    found = summarise(new, {"task": calibration})
    assert found["mean_error"] == pytest.approx(errors.mean())
    assert found["covered"] == (np.abs(told[:, 0] - errors) <= 1.64 * told[:, 1]).mean()
    wrong = {**calibration, "intercept": calibration["intercept"] - 5}
    assert summarise(new, {"task": wrong})["covered"] < 0.2
    assert told[:, 0].mean() == pytest.approx(errors.mean(), rel=0.05)
    assert (np.abs(told[:, 0] - errors) <= 1.64 * told[:, 1]).mean() > 0.85


@pytest.mark.parametrize(
    ("name", "attribute"), [("quantiles", "reach"), ("quantiles_asked", "reach_asked")]
)
def test_quantiles_cover_new_cases(name, attribute):
    quantiles = fit_calibration(made_up(2000))[name]
    new = np.array([getattr(case, attribute) for case in made_up(4000, seed=2)])
    assert [share for share, _ in quantiles][-1] == 0.975
    for share, multiple in quantiles:
        assert (new <= multiple).mean() == pytest.approx(share, abs=0.03)


@pytest.mark.parametrize(("number", "classifier"), [(0, True), (6, False)])
def test_probabilities_are_explained_as_those_of_a_classifier(number, classifier, monkeypatch):
    fitted = []
    fit = MetaExplainer.fit
    monkeypatch.setattr(MetaExplainer, "fit", lambda self, X: fitted.append(self) or fit(self, X))
    measure_case(number)
    assert hasattr(fitted[0], "classes_") == classifier


def test_tasks_are_fitted_models_of_which_a_third_read_categories(monkeypatch):
    drawn = []

    def remember(rng, **options):
        drawn.append(sample_task(rng, **options))
        raise StopIteration

    monkeypatch.setattr("sklearn_metaexplain.calibration._cases.sample_task", remember)
    for number in range(60):
        with pytest.raises(StopIteration):
            measure_case(number)
    assert {task.family.split(":")[0] for task in drawn} == {"fitted"}
    assert 10 <= sum(isinstance(task.table, pd.DataFrame) for task in drawn) <= 30
    # Tables of a few rows, of a hundred and of a thousand.
    rows = np.array([len(task.table) for task in drawn])
    assert rows.min() < 50
    assert rows.max() > 700
    assert 80 < np.median(rows) < 300


def test_models_that_read_categories_are_explained_by_these(monkeypatch):
    tables = []
    fit = MetaExplainer.fit
    monkeypatch.setattr(MetaExplainer, "fit", lambda self, X: tables.append(X) or fit(self, X))
    case = measure_case(5)
    assert case.categories
    assert "category" in tables[0].dtypes.astype(str).tolist()
    assert 0 < case.error < 0.05
    assert np.isfinite(case.reach).all()


def test_tables_with_categories_have_quantiles_of_their_own():
    cases = made_up(400)
    wider = [
        replace(case, categories=True, reach=[2 * reach for reach in case.reach]) for case in cases
    ]
    found = fit_calibration(cases + wider)
    assert found["quantiles"] == fit_calibration(cases)["quantiles"]
    for (share, multiple), (same, other) in zip(
        found["quantiles"], found["quantiles_categories"], strict=True
    ):
        assert (share, 2 * multiple) == (same, pytest.approx(other))
    assert found["quantiles_asked_categories"] == found["quantiles_asked"]
    # Of one kind alone, it serves for both.
    assert "quantiles_categories" not in fit_calibration(cases)
    alone = fit_calibration(wider)
    assert alone["quantiles"] == alone["quantiles_categories"] == found["quantiles_categories"]


def test_few_cases_give_no_far_quantiles():
    shares = [share for share, _ in fit_calibration(made_up(12))["quantiles"]]
    assert max(shares) <= 12 / 13
    # Where all is known there is no reach.
    cases = [replace(case, reach=[]) for case in made_up(30)]
    expected = fit_calibration(made_up(30))["quantiles"]
    np.testing.assert_allclose(fit_calibration(cases + made_up(30))["quantiles"], expected)


def test_values_of_a_task_count_as_one():
    cases = made_up(200)
    many = [
        replace(case, reach=[9.0] * 40 if i % 4 == 0 else case.reach)
        for i, case in enumerate(cases)
    ]
    one = [replace(case, reach=case.reach * 5) for case in cases]
    quantiles = dict(fit_calibration(many)["quantiles"])
    # A quarter of the tasks is beyond all others, though most of the values are.
    assert quantiles[0.7] < quantiles[0.8] == 9.0
    expected = fit_calibration(cases)["quantiles"]
    np.testing.assert_allclose(fit_calibration(one)["quantiles"], expected)


def test_rows_that_were_enumerated_do_not_count():
    cases = made_up(200)
    exact = [replace(case, row_raw=0.0, row_error=0.0) for case in made_up(50, seed=1)]
    expected, found = fit_calibration(cases), fit_calibration(cases + exact)
    for name in ("row", "usually_taken"):
        assert found[name] == expected[name]
    assert found["task"] != expected["task"]


def test_a_case_is_one_of_its_number():
    case = measure_case(2)
    assert case == measure_case(2)
    assert 0 < case.error < 0.1
    assert 0 < case.row_error < case.error * 10


@pytest.fixture
def made_up_cases(monkeypatch):
    """The command measures these, without explaining anything."""
    cases = made_up(40)
    monkeypatch.setattr(command, "measure_case", lambda number, weights: cases[number])


def test_the_command_goes_on_and_writes_the_same_networks(tmp_path, capsys, monkeypatch):
    out = tmp_path / "calibrated.safetensors"
    kept = tmp_path / "cases.jsonl"
    with monkeypatch.context() as patched:
        patched.setattr(command, "measure_case", lambda number, weights: made_up(40)[number])
        main(["--tasks", "40", "--cases", str(kept), "--out", str(out)])
    capsys.readouterr()
    main(["--tasks", "41", "--cases", str(kept), "--out", str(out)])
    assert len(kept.read_text().splitlines()) == 41
    told = json.loads(capsys.readouterr().out)
    written, shipped = load_pretrained(out), load_pretrained("default")
    assert written.calibration == told["calibration"]
    assert written.calibration["n_tasks"] in (40, 41)
    for name, value in shipped.kernel.state_dict().items():
        np.testing.assert_array_equal(written.kernel.state_dict()[name], value)


def test_the_command_calibrates_the_search(tmp_path, capsys, monkeypatch):
    out, asked = tmp_path / "folder" / "search.json", []

    def measure(number, weights):
        asked.append(weights)
        return made_up(40)[number]

    monkeypatch.setattr(command, "measure_case", measure)
    main(["--weights", "none", "--tasks", "40", "--out", str(out)])
    assert set(asked) == {None}
    told = json.loads(capsys.readouterr().out)
    content = out.read_bytes()
    assert json.loads(content) == told["calibration"] == fit_calibration(made_up(40))
    assert told["sha256"] == hashlib.sha256(content).hexdigest()
    # What was measured of it says nothing of networks.
    kept = str(out.with_suffix(".cases.jsonl"))
    with pytest.raises(SystemExit, match="measured of other networks"):
        main(["--tasks", "40", "--cases", kept, "--out", str(tmp_path / "weights")])


@pytest.mark.usefixtures("made_up_cases")
def test_what_was_measured_of_other_networks_is_not_gone_on_from(tmp_path, capsys):
    weights, kept = tmp_path / "weights", tmp_path / "weights.cases.jsonl"
    same = ["--weights", str(weights), "--out", str(weights), "--tasks", "40"]
    for width in (8, 8, 12):
        torch.manual_seed(0)
        # As a training does that writes to the same file again.
        save_pretrained(Pretrained(KernelNetwork(width=width, n_layers=1)), weights)
        if width == 12:
            with pytest.raises(SystemExit, match="measured of other networks than those of --weig"):
                main(same)
            kept.unlink()
        main(same)
        # The calibration in the file says nothing of its networks.
        main(same)
    kept.write_text("[0, null]\n")
    with pytest.raises(SystemExit, match="does not say of which; remove it"):
        main(same)
    assert load_pretrained(weights).calibration["n_tasks"] == 40


@pytest.mark.usefixtures("made_up_cases")
@pytest.mark.parametrize("name", ["POWERS", "LOG_FACTORS", "TASK_EVIDENCE", "ROW_EVIDENCE"])
def test_what_was_measured_with_other_deviations_is_not_gone_on_from(name, tmp_path, monkeypatch):
    same = ["--tasks", "40", "--out", str(tmp_path / "weights")]
    main(same)
    monkeypatch.setattr(command, name, "another")
    with pytest.raises(SystemExit, match=r"or with other deviations, .* remove it"):
        main(same)


@pytest.mark.usefixtures("made_up_cases")
def test_a_death_spoils_no_measurements(tmp_path, monkeypatch):
    out, kept = tmp_path / "calibrated", tmp_path / "cases.jsonl"
    same = ["--tasks", "40", "--cases", str(kept), "--out", str(out)]

    def die(source, target):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", die)
        with pytest.raises(KeyboardInterrupt):
            main(same)
    assert not kept.exists()
    main(same)
    calibration = load_pretrained(out).calibration
    content = kept.read_text()
    kept.write_text(content[: len(content) // 2 + 9])
    with pytest.raises(SystemExit, match=r"cases\.jsonl cannot be read .* remove it"):
        main(same)
    kept.unlink()
    main(same)
    assert load_pretrained(out).calibration == calibration


@pytest.mark.usefixtures("made_up_cases")
def test_the_command_writes_what_the_learner_of_the_networks_has_learned(tmp_path):
    weights, out = tmp_path / "weights", tmp_path / "calibrated"
    kernel, learner = KernelNetwork(width=8, n_layers=1), MAML(learn_lr=True)
    rates = learner.make_state(kernel)
    with torch.no_grad():
        for rate in rates.parameters():
            rate += 0.25
    record = {"learner": learner_record(learner)}
    save_pretrained(Pretrained(kernel, training=record), weights, rates)
    main(["--weights", str(weights), "--tasks", "40", "--out", str(out)])
    stored = load_learner(out, REGISTRY, load_pretrained(out).kernel)
    for name, rate in rates.state_dict().items():
        torch.testing.assert_close(stored.state.state_dict()[name], rate, rtol=0, atol=0)


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [("--tasks", "0", "must be at least 1"), ("--out", ".", "is a folder; give a file")],
)
def test_options_that_make_no_sense_are_refused_before_anything_is_measured(
    option, value, message, capsys
):
    with pytest.raises(SystemExit):
        main([option, value])
    told = capsys.readouterr().err
    assert f"argument {option}: " in told
    assert message in told


def test_a_value_that_is_off_by_more_than_its_size_is_as_good_as_none():
    cases = made_up(100)
    far, useless = (
        [replace(case, error=error) if k % 10 == 0 else case for k, case in enumerate(cases)]
        for error in (50.0, 1.0)
    )
    assert fit_calibration(far)["task"] == fit_calibration(useless)["task"]
