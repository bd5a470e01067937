"""What deviations are read off: a law that is known is found, and real tasks are measured."""

import json

import numpy as np
import pytest

from sklearn_metaexplain.calibration.__main__ import main
from sklearn_metaexplain.calibration._deviations import (
    SeenErrors,
    fit_deviations,
    measure_deviations,
)
from sklearn_metaexplain.shapley._deviation import EVIDENCE, LEAST_VARIANCE, POWERS


def test_the_laws_of_the_deviations_are_found():
    rng = np.random.default_rng(0)
    laws = {
        "free": ([0.4, 0.3, 0.1, 0.2, -0.2, 0.5], -1.5),
        "asked": ([0.4, 0.3, 0.6, 0.0, 0.2, -0.5], -3.0),
    }
    tasks = []
    for _ in range(500):
        was_asked = np.arange(24) < 12
        seen = rng.normal(size=(24, len(EVIDENCE)))
        variance = np.empty(24)
        for kind, (powers, factor) in laws.items():
            mine = was_asked == (kind == "asked")
            columns = [EVIDENCE.index(name) for name in POWERS[kind]]
            variance[mine] = np.exp(seen[mine][:, columns] @ powers + factor)
        tasks.append(SeenErrors(seen, variance * rng.normal(size=24) ** 2, was_asked))
    # Of these nothing is seen, and nothing is wrong: no law goes through them.
    nothing = np.full(len(EVIDENCE), np.log(LEAST_VARIANCE))
    known = SeenErrors(np.tile(nothing, (24, 1)), np.zeros(24), np.arange(24) < 12)
    found = fit_deviations([*tasks, *[known] * 500])
    for kind, (powers, factor) in laws.items():
        assert list(found["powers"][kind]) == list(POWERS[kind])
        np.testing.assert_allclose(list(found["powers"][kind].values()), powers, atol=0.08)
        assert found["log_factors"][kind] == pytest.approx(factor, abs=0.1)
    assert found["n_tasks"] == 500


@pytest.mark.parametrize("was_asked", [False, True])
def test_tasks_count_alike_however_many_values_they_have(was_asked):
    rng = np.random.default_rng(1)
    kind = "asked" if was_asked else "free"
    tasks = []
    for task in range(200):
        n, scale = (4, 1.0) if task % 2 else (60, 0.1)
        seen = rng.normal(size=(n + 1, len(EVIDENCE)))
        # One value of the other kind, without which there were no law for it.
        kinds = np.arange(n + 1) < n if was_asked else np.arange(n + 1) == n
        tasks.append(SeenErrors(seen, np.square(scale * rng.normal(size=n + 1)), kinds))
    found = fit_deviations(tasks)
    powers = np.array([found["powers"][kind].get(name, 0.0) for name in EVIDENCE])
    within = [
        np.mean(task.squares <= 1.645**2 * np.exp(task.seen @ powers + found["log_factors"][kind]))
        for task in tasks
    ]
    assert np.mean(within) == pytest.approx(0.9, abs=0.02)


@pytest.fixture
def _few_evaluations(monkeypatch):
    monkeypatch.setattr("sklearn_metaexplain.calibration._cases._MOST_SUPPORT", 250)


@pytest.mark.usefixtures("_few_evaluations")
def test_a_task_is_measured_without_and_with_evaluations():
    found = measure_deviations(2)
    asked, free = found.was_asked, ~found.was_asked
    assert 0 < free.sum() == asked.sum() <= 16
    assert (found.seen[free][:, EVIDENCE.index("move")] == 0).all()
    assert (found.seen[asked][:, EVIDENCE.index("move")] > 0).any()
    assert np.median(found.squares[asked]) < np.median(found.squares[free])
    again = measure_deviations(2)
    np.testing.assert_array_equal(found.squares, again.squares)


@pytest.mark.usefixtures("_few_evaluations")
def test_the_command_prints_them(capsys):
    main(["--deviations", "--tasks", "3"])
    found = json.loads(capsys.readouterr().out)
    assert found["n_tasks"] <= 3
    assert {kind: list(powers) for kind, powers in found["powers"].items()} == {
        kind: list(powers) for kind, powers in POWERS.items()
    }
