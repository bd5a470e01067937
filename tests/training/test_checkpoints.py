"""Runs that stop at the wrong moment, and folders that hold what they should not."""

import json
import os
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from sklearn_metaexplain.learners import SupervisedObjective
from sklearn_metaexplain.training import _checkpoints, _classifiers
from sklearn_metaexplain.training.__main__ import main
from sklearn_metaexplain.training._labelled_episodes import draw_labelled_episode
from tests.training.families import Interrupted, Lines, OneColumnTells, tiny_trainer

# Tasks drawn before training: two held out, eight by which a run is known.
BEFORE, EPOCH = 10, 4


trainer = partial(tiny_trainer, n_steps=6, steps_per_epoch=2, meta_batch_size=2, lr=0.05)


def result(fitted):
    """What must not depend on an interruption."""
    weights = [value.tolist() for value in fitted.network_.parameters()]
    losses = [(row["train_loss"], row["valid_loss"]) for row in fitted.history_]
    return weights, losses, fitted.validation_loss_, fitted.net_.kept_epoch_


@pytest.fixture(scope="module")
def straight():
    return result(trainer().fit(OneColumnTells()))


@pytest.mark.parametrize("n_drawn", [1, EPOCH + 1, 3 * EPOCH - 1])
def test_ctrl_c_comes_out_of_fit_and_the_run_goes_on(n_drawn, straight, tmp_path):
    stopped = trainer(run_dir=tmp_path)
    tasks = Interrupted(OneColumnTells(), BEFORE + n_drawn, KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        stopped.fit(tasks)
    assert not hasattr(stopped, "network_")
    assert (tmp_path / "checkpoint.pt").exists() == (n_drawn > EPOCH)
    assert result(trainer(run_dir=tmp_path).fit(OneColumnTells())) == straight


def test_ctrl_c_comes_out_of_a_command_and_the_run_goes_on(tmp_path, monkeypatch, capsys):
    command = [
        *("train-classifiers", "--out-dir", str(tmp_path), "--width", "8", "--epochs", "1"),
        *("--steps-per-epoch", "2", "--batch-size", "1", "--workers", "0"),
        *("--validation-tasks", "2", "--evaluation-tasks", "2", "--quiet"),
    ]
    main(command)
    # Two tasks held out, and one of the second epoch.
    drawing = Interrupted(SimpleNamespace(sample=draw_labelled_episode), 3, KeyboardInterrupt)
    with monkeypatch.context() as patched:
        patched.setattr(_classifiers, "draw_labelled_episode", drawing.sample)
        with pytest.raises(KeyboardInterrupt):
            main(command)
    capsys.readouterr()
    main(command)
    assert json.loads(capsys.readouterr().out)["training"]["steps"] == 4


class Death(BaseException):
    """The process is killed."""


@pytest.mark.parametrize("epoch", [1, 2])
@pytest.mark.parametrize("moment", ["half written", "written", "renamed"])
def test_a_death_at_any_moment_changes_nothing(moment, epoch, straight, tmp_path, monkeypatch):
    n_files = []

    def replace(source, target, original=os.replace):
        n_files.append(target)
        # The first file has the settings.
        if len(n_files) == 1 + epoch:
            if moment == "half written":
                with open(source, "r+b") as file:
                    file.truncate(os.path.getsize(source) // 2)
            if moment == "renamed":
                original(source, target)
            raise Death
        original(source, target)

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", replace)
        with pytest.raises(Death):
            trainer(run_dir=tmp_path).fit(OneColumnTells())
    assert result(trainer(run_dir=tmp_path).fit(OneColumnTells())) == straight


def test_a_death_before_the_settings_are_noted_leaves_a_folder_that_is_free(tmp_path, monkeypatch):
    def die(source, target):
        raise Death

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", die)
        with pytest.raises(Death):
            trainer(run_dir=tmp_path).fit(OneColumnTells())
    assert trainer(run_dir=tmp_path, random_state=1).fit(OneColumnTells()).n_steps_ == 6


@pytest.mark.parametrize("random_state", [0, None])
@pytest.mark.parametrize(
    ("name", "spoil"),
    [
        ("checkpoint.pt", lambda content: content[: len(content) // 2]),
        ("checkpoint.pt", lambda content: b""),
        ("checkpoint.pt", lambda content: b"no checkpoint"),
        ("settings.json", lambda content: b""),
        ("settings.json", lambda content: b"[1]"),
        ("settings.json", lambda content: b"\xff"),
    ],
)
def test_a_folder_that_cannot_be_read_is_named(name, spoil, random_state, tmp_path):
    settings = {"run_dir": tmp_path, "random_state": random_state, "n_steps": 2}
    trainer(**settings).fit(OneColumnTells())
    path = tmp_path / name
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(ValueError, match=rf"run_dir=.*: {name} cannot be read .* delete the fold"):
        trainer(**settings).fit(OneColumnTells())


@pytest.mark.parametrize("name", ["checkpoint.pt", "last_params.pt"])
def test_checkpoints_of_an_unknown_run_are_left_alone(name, tmp_path):
    path = tmp_path / name
    path.write_bytes(b"of somebody")
    with pytest.raises(ValueError, match=rf"holds {name}, but no settings\.json"):
        trainer(run_dir=tmp_path).fit(OneColumnTells())
    assert path.read_bytes() == b"of somebody"


def test_checkpoints_of_another_network_are_named(tmp_path):
    trainer(run_dir=tmp_path, n_steps=2).fit(OneColumnTells())
    path = tmp_path / "checkpoint.pt"
    kept = torch.load(path, weights_only=True)
    kept["module"].popitem()
    torch.save(kept, path)
    with pytest.raises(ValueError, match=r"checkpoint\.pt cannot be read \(RuntimeError\)"):
        trainer(run_dir=tmp_path).fit(OneColumnTells())


def test_the_best_epoch_is_the_first_of_the_least_losses_that_are_numbers():
    def best(*losses):
        return _checkpoints.best_epoch([{"valid_loss": loss} for loss in losses])

    assert best(3.0, 1.0, 2.0, 1.0) == 1
    assert best(np.nan, 3.0, -np.inf, np.inf) == 1
    assert best(np.nan, np.inf) is None
    assert best() is None


class Forgetful(torch.nn.Linear):
    """Draws numbers of its own."""

    def forward(self, rows):
        return super().forward(torch.nn.functional.dropout(rows, 0.5, self.training))


def test_what_networks_draw_does_not_depend_on_where_a_run_was_cut(tmp_path):
    def fit(tasks=None, **changes):
        objective = SupervisedObjective(torch.nn.functional.mse_loss)
        torch.manual_seed(0)
        network = Forgetful(1, 1)
        state = torch.get_rng_state()
        options = {"objective": objective, "network_params": None, **changes}
        fitted = trainer(network=network, **options).fit(tasks or Lines())
        assert torch.equal(torch.get_rng_state(), state)
        return result(fitted)

    straight = fit()
    torch.manual_seed(1)
    assert fit() == straight
    with pytest.raises(KeyboardInterrupt):
        fit(Interrupted(Lines(), BEFORE + EPOCH + 1, KeyboardInterrupt), run_dir=tmp_path)
    assert (tmp_path / "checkpoint.pt").exists()
    torch.rand(3)
    assert fit(run_dir=tmp_path) == straight
