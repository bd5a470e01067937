"""Calibration of explanations from logged outputs, on errors that are made up and on tasks."""

import json

import numpy as np
import pytest
import torch

from sklearn_metaexplain.shapley._error import LOGGED_CALIBRATION, scaled_error
from sklearn_metaexplain.training.__main__ import main
from sklearn_metaexplain.training._logged_calibration import (
    Answer,
    LoggedTask,
    calibrate_method,
    draw_logged_episode,
    random_cells,
    relative_errors,
)


def made_up(multiple, n_tasks=400):
    """Tasks whose errors are normal, with `multiple` times the standard deviation they tell."""
    random = np.random.RandomState(0)
    tasks = []
    for _ in range(n_tasks):
        truth = torch.from_numpy(random.normal(size=(4, 5)))
        std = torch.from_numpy(random.uniform(0.01, 0.1) * np.ones((4, 5)))
        error = torch.from_numpy(random.normal(size=(4, 5))) * std * multiple
        able = torch.ones(4, 5, dtype=torch.bool)
        able[:, 4] = False  # of which nothing is to be learned
        error[:, 4] = 0.0
        tasks.append(LoggedTask("made up", 100, {"one": Answer(truth + error, std)}, truth, able))
    return tasks


@pytest.mark.parametrize("multiple", [0.5, 1.0, 4.0])
def test_multiple_is_found(multiple):
    calibration = calibrate_method(made_up(multiple), "one")
    assert calibration["std"] == pytest.approx(multiple, rel=0.05)
    assert calibration["power"] == pytest.approx(1.0, abs=0.1)
    assert calibration["spread"] < 0.6


def test_the_mean_of_the_estimates_is_that_of_the_errors():
    tasks = made_up(3.0, 60)
    # One is far worse than no values at all.
    truth, able = tasks[0].truth, tasks[0].can_matter
    tasks[0] = LoggedTask("worse", 100, {"one": Answer(9 * truth, 9 * truth.abs())}, truth, able)
    calibration = calibrate_method(tasks, "one")
    answers = [task.answers["one"] for task in tasks]
    expected = [
        scaled_error(answer.values[..., None].numpy(), answer.std[..., None].numpy(), calibration)
        for answer in answers
    ]
    errors = relative_errors(tasks, "one").clip(max=1.0)
    assert np.mean(expected) == pytest.approx(errors.mean())


def test_a_cell_of_each_task_counts_alike():
    tasks = made_up(1.0, 30)
    assert random_cells(tasks, "one").shape == (20, 30)
    assert (random_cells(tasks, "one") > 0).all()  # none of the column that cannot matter


def test_relative_error():
    truth = torch.tensor([[3.0, 4.0]])
    answer = Answer(truth + torch.tensor([[1.0, 0.0]]), truth)
    task = LoggedTask("made up", 1, {"one": answer}, truth, truth > 0)
    assert relative_errors([task], "one").tolist() == [1 / 25]


@pytest.mark.parametrize("n_rows", [(64, 2048), (8, 8), (13, 40)])
def test_logged_rows_are_rows_of_the_table(n_rows):
    episode = draw_logged_episode(np.random.default_rng(4), n_rows)
    assert n_rows[0] <= len(episode.support) <= n_rows[1]
    # The background is among the logged rows, and so is half of the rows to explain.
    logged = {tuple(row) for row in episode.support.flatten(1).tolist()}
    assert all(tuple(row) in logged for row in episode.background.flatten(1).tolist())
    query = [tuple(row) in logged for row in episode.query.flatten(1).tolist()]
    assert sum(query) >= 2
    torch.testing.assert_close(episode.values.sum(1), episode.gap)


@pytest.mark.slow
def test_command_prints_what_is_shipped(capsys):
    main(["calibrate-logged", "--tasks", "3", "--quiet"])
    printed = capsys.readouterr().out
    assert "prior tasks, outputs logged on their rows alone" in printed
    calibration = json.loads(printed[printed.index("{") :])
    for kernel, known in LOGGED_CALIBRATION:
        found = calibration[f"{kernel}, {known}"]
        assert set(found) == set(LOGGED_CALIBRATION[kernel, known])
        assert all(np.isfinite(value) for value in found.values())


@pytest.mark.parametrize(
    ("rows", "message"), [(("1", "8"), "must be at least 2, got 1"), (("9", "8"), "least first")]
)
def test_numbers_of_rows_that_make_no_sense_are_refused(rows, message, capsys):
    with pytest.raises(SystemExit) as refused:
        main(["calibrate-logged", "--rows", *rows])
    assert message in f"{refused.value}{capsys.readouterr().err}"


def test_logs_are_those_of_fitted_models():
    families = {
        draw_logged_episode(np.random.default_rng(seed), (8, 40)).family for seed in range(8)
    }
    assert len(families) > 3
    assert all(family.startswith("fitted") for family in families)
