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
from sklearn_metaexplain.shapley._deviation import POWERS


def test_the_law_of_the_deviations_is_found():
    rng = np.random.default_rng(0)
    powers = np.array([0.4, 0.3, 0.6, 0.0, 0.2, -0.5])
    tasks = []
    for _ in range(400):
        seen = rng.normal(size=(12, len(POWERS)))
        std = np.exp((seen @ powers - 1.5) / 2)
        tasks.append(SeenErrors(seen, np.square(std * rng.normal(size=12))))
    found = fit_deviations(tasks)
    assert list(found["powers"]) == list(POWERS)
    np.testing.assert_allclose(list(found["powers"].values()), powers, atol=0.06)
    assert found["log_factor"] == pytest.approx(-1.5, abs=0.1)
    assert found["n_tasks"] == 400


def test_tasks_count_alike_however_many_values_they_have():
    rng = np.random.default_rng(1)
    tasks = []
    for task in range(300):
        n, scale = (4, 1.0) if task % 2 else (60, 0.1)
        seen = rng.normal(size=(n, len(POWERS)))
        tasks.append(SeenErrors(seen, np.square(scale * rng.normal(size=n))))
    found = fit_deviations(tasks)
    powers = np.array(list(found["powers"].values()))
    within = [
        np.mean(task.squares <= 1.645**2 * np.exp(task.seen @ powers + found["log_factor"]))
        for task in tasks
    ]
    assert np.mean(within) == pytest.approx(0.9, abs=0.02)


@pytest.fixture
def _few_evaluations(monkeypatch):
    monkeypatch.setattr("sklearn_metaexplain.calibration._cases._MOST_SUPPORT", 250)


@pytest.mark.usefixtures("_few_evaluations")
def test_a_task_is_measured_without_and_with_evaluations():
    found = measure_deviations(4)
    told = found.seen[:, list(POWERS).index("n_evaluations")]
    free = told == told.min()
    asked = ~free
    assert 0 < free.sum() == asked.sum() <= 16
    assert np.median(found.squares[asked]) < np.median(found.squares[free])
    again = measure_deviations(4)
    np.testing.assert_array_equal(found.squares, again.squares)


@pytest.mark.usefixtures("_few_evaluations")
def test_the_command_prints_them(capsys):
    main(["--deviations", "--tasks", "3"])
    found = json.loads(capsys.readouterr().out)
    assert found["n_tasks"] <= 3
    assert list(found["powers"]) == list(POWERS)
