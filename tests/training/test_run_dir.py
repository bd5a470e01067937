"""Which runs go on in a folder, and which do not."""

import os
import subprocess
import sys
from copy import deepcopy
from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from sklearn_metaexplain.learners import (
    MAML,
    Episodic,
    InContext,
    LearnedOptimizer,
    SupervisedObjective,
)
from sklearn_metaexplain.nets._labelled import LabelledEpisode
from sklearn_metaexplain.training.__main__ import main
from sklearn_metaexplain.training._fingerprints import fingerprint, in_words
from tests.training.families import TINY, Lines, OneColumnTells, tiny_trainer

OTHER = r"run_dir=.* other settings \({}\); give what it was begun with"


trainer = partial(tiny_trainer, n_steps=2, steps_per_epoch=1, meta_batch_size=1, lr=0.02)


class Line(nn.Module):
    """A slope, on whatever a function makes of the rows."""

    def __init__(self, slope=0.0, bend=torch.tanh):
        super().__init__()
        self.slope = nn.Parameter(torch.tensor([slope]))
        self.bend = bend

    def forward(self, rows):
        return self.slope * self.bend(rows)


def on_lines(network=Line, loss=F.mse_loss, **changes):
    objective = loss if isinstance(loss, nn.Module) else SupervisedObjective(loss)
    return trainer(network, objective=objective, network_params=None, lr=0.3, **changes)


class Weighted(SupervisedObjective):
    """A loss with a number and a tensor of its own."""

    def __init__(self, power=1.0, scale=1.0):
        super().__init__(F.mse_loss)
        self.power = power
        self.register_buffer("scale", torch.tensor(scale))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (F.mse_loss, F.l1_loss),
        (
            lambda *args, **options: F.mse_loss(*args, **options),
            lambda *args, **options: F.l1_loss(*args, **options),
        ),
        (partial(F.huber_loss, delta=1.0), partial(F.huber_loss, delta=2.0)),
        (Weighted(), Weighted(power=2.0)),
        (Weighted(), Weighted(scale=2.0)),
    ],
    ids=["function", "lambda", "partial", "number", "buffer"],
)
def test_a_run_does_not_go_on_with_another_loss(first, second, tmp_path):
    on_lines(loss=first, run_dir=tmp_path).fit(Lines())
    assert on_lines(loss=first, run_dir=tmp_path, n_steps=3).fit(Lines()).n_steps_ == 3
    with pytest.raises(ValueError, match=OTHER.format("objective")):
        on_lines(loss=second, run_dir=tmp_path).fit(Lines())


@pytest.mark.parametrize(
    "other",
    [Line(slope=1.0), Line(bend=torch.sin), nn.Sequential(Line()), nn.Linear(1, 1)],
    ids=["values", "function", "layers", "class"],
)
def test_a_run_does_not_go_on_with_another_network(other, tmp_path):
    on_lines(Line(), run_dir=tmp_path).fit(Lines())
    assert on_lines(Line(), run_dir=tmp_path).fit(Lines()).n_steps_ == 2
    with pytest.raises(ValueError, match=OTHER.format("network")):
        on_lines(other, run_dir=tmp_path).fit(Lines())


def test_losses_on_other_tasks_are_not_compared(tmp_path):
    trainer(run_dir=tmp_path).fit(OneColumnTells())
    for changed in ({"validation_tasks": 1}, {"validation_tasks": 3}):
        with pytest.raises(ValueError, match=OTHER.format("validation tasks")):
            trainer(run_dir=tmp_path, n_steps=4, **changed).fit(OneColumnTells())

    class LastTaskDiffers(OneColumnTells):
        n_drawn = 0

        def sample(self, rng):
            self.n_drawn += 1
            episode = super().sample(rng)
            return episode._replace(query=episode.query + 1) if self.n_drawn == 2 else episode

    with pytest.raises(ValueError, match=OTHER.format("validation tasks")):
        trainer(run_dir=tmp_path).fit(OneColumnTells(), validation=LastTaskDiffers())


def test_the_order_of_parameters_is_no_setting(tmp_path):
    reverse = {"encoder": dict(reversed(TINY["encoder"].items()))}
    trainer(run_dir=tmp_path).fit(OneColumnTells())
    assert trainer(run_dir=tmp_path, network_params=reverse).fit(OneColumnTells()).n_steps_ == 2


@pytest.mark.filterwarnings("ignore:No epoch of meta-training")
@pytest.mark.parametrize(
    "make",
    [
        lambda random: Episodic(n_way=2, n_shot=2, random_state=random),
        lambda random: LearnedOptimizer(n_inner_steps=2, random_state=random),
    ],
    ids=["episodic", "learned optimizer"],
)
def test_a_random_state_gives_way_to_a_number(make, tmp_path):
    random = np.random.RandomState(0)
    learner = make(random)
    before = random.get_state()[1].copy()
    settings = {"learner": learner, "lr": 1e-12, "run_dir": tmp_path / "run"}
    fitted = trainer(**settings).fit(OneColumnTells())
    assert isinstance(fitted.learner_.random_state, int)
    assert learner.random_state is random
    np.testing.assert_array_equal(random.get_state()[1], before)
    # The weights stay, so the tasks held out would change if the losses did.
    losses = [fitted.initial_loss_, *fitted.history_[:, "valid_loss"]]
    assert losses == pytest.approx([losses[0]] * 3, abs=1e-6)
    fitted.save(tmp_path / "file.safetensors")
    # In another process: the same learner goes on, another does not.
    settings = {**settings, "n_steps": 3, "learner": make(np.random.RandomState(0))}
    assert trainer(**settings).fit(OneColumnTells()).n_steps_ == 3
    with pytest.raises(ValueError, match=OTHER.format("learner")):
        trainer(**{**settings, "learner": make(np.random.RandomState(1))}).fit(OneColumnTells())


CLASSIFIERS = (
    *("train-classifiers", "--width", "8", "--batch-size", "1", "--steps-per-epoch", "2"),
    *("--validation-tasks", "2", "--evaluation-tasks", "1", "--epochs", "1", "--workers", "0"),
    *("--minutes", "5", "--quiet", "--out-dir"),
)


def test_classifiers_are_not_trained_on_in_the_folder_of_another_run(tmp_path):
    main([*CLASSIFIERS, str(tmp_path)])
    before = {path.name: path.read_bytes() for path in tmp_path.glob("*.safetensors")}
    for option, value, differing in (
        ("--seed", "2", "seed, network"),
        ("--width", "12", "network"),
        ("--lr", "0.1", "lr"),
        ("--init", "default", "network"),
        ("--batch-size", "2", "batch_size"),
        ("--steps-per-epoch", "3", "steps_per_epoch"),
        ("--validation-tasks", "3", "validation tasks"),
    ):
        with pytest.raises(ValueError, match=OTHER.format(differing)):
            main([*CLASSIFIERS, str(tmp_path), option, value])
    assert {path.name: path.read_bytes() for path in tmp_path.glob("*.safetensors")} == before
    main([*CLASSIFIERS, str(tmp_path), "--minutes", "6", "--epochs", "2"])


@pytest.mark.parametrize(
    ("command", "changes"),
    [
        (
            (
                *("train", "--batch-size", "1", "--validation-tasks", "2", "--workers", "0"),
                *("--kernel-share", "0.5"),
            ),
            (("--seed", "2", "seed, network"), ("--lr", "0.1", "lr"), ("--init", "default", ".*")),
        ),
        (
            (
                *("train-autoencoder", "--group-size", "2", "--validation-groups", "1"),
                *("--reference-tasks", "2"),
            ),
            (("--seed", "2", "seed, network"), ("--lr", "0.1", "lr"), ("--group-size", "3", ".*")),
        ),
    ],
    ids=["train", "train-autoencoder"],
)
def test_commands_refuse_the_folder_of_another_run(command, changes, tmp_path):
    out = tmp_path / "new" / "weights.safetensors"
    command = [
        *command,
        *("--steps-per-epoch", "1", "--epochs", "1", "--minutes", "5", "--quiet"),
        *("--out", str(out)),
    ]
    main(command)
    # Its folder was made.
    before = out.read_bytes()
    for option, value, differing in changes:
        with pytest.raises(ValueError, match=OTHER.format(differing)):
            main([*command, option, value])
    assert out.read_bytes() == before


def test_the_folder_of_the_other_network_is_asked_before_any_is_trained(tmp_path):
    command = [
        *("train", "--steps-per-epoch", "1", "--batch-size", "1", "--validation-tasks", "2"),
        *("--epochs", "1", "--minutes", "5", "--workers", "0", "--quiet"),
        *("--out", str(tmp_path / "weights"), "--run-dir", str(tmp_path / "run")),
    ]
    main(command)
    before = (tmp_path / "run/kernel/checkpoint.pt").read_bytes()
    with pytest.raises(ValueError, match=r"corrector'.*\(repeats\)"):
        main([*command, "--repeats", "1"])
    with pytest.raises(ValueError, match=r"corrector'.*\(kernel network is trained\)"):
        main([*command, "--kernel-share", "0"])
    assert (tmp_path / "run/kernel/checkpoint.pt").read_bytes() == before


def test_what_cannot_be_written_is_refused_before_the_training(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    for command in ("train", "train-autoencoder"):
        for out, message in (
            (tmp_path, "is a folder; give a file"),
            (tmp_path / "file" / "new" / "weights", "is a file, no folder"),
        ):
            with pytest.raises(SystemExit):
                main([command, "--out", str(out)])
            assert message in capsys.readouterr().err
    for options in (["--out-dir", "{}"], ["--out-dir", "new", "--run-dir", "{}"]):
        for folder in (tmp_path / "file", tmp_path / "file" / "new"):
            with pytest.raises(SystemExit):
                main(["train-classifiers", *(each.format(folder) for each in options)])
            assert "is a file, no folder" in capsys.readouterr().err


@pytest.mark.parametrize("below", ["", "new"])
def test_a_file_in_place_of_the_folder_is_refused(below, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match=r"run_dir=.*file' is a file; give a folder"):
        trainer(run_dir=tmp_path / "file" / below).fit(OneColumnTells())


def test_words_hold_no_addresses_and_tell_values_apart():
    class Thing:
        def __init__(self, size):
            self.size = size

    values = [
        *(1, 1.5, True, "1", None, [1, 2], {"a": 1}, {"a": 2}, Thing(1), Thing(2)),
        *(nn.CrossEntropyLoss(), nn.CrossEntropyLoss(label_smoothing=0.1)),
        *(torch.zeros(2), torch.zeros(3), torch.zeros(2, dtype=torch.float64), np.zeros(2)),
        *(torch.zeros(2, dtype=torch.bfloat16), torch.ones(2, dtype=torch.bfloat16)),
        *(F.relu, torch.relu, len, Line, Line(), Line(slope=2.0), partial(F.huber_loss, delta=1)),
        *({1, 2}, {1, 3}, torch.float32, torch.float64, range(3), object(), b"1", b"2"),
        *(InContext(), MAML(), MAML(inner_lr=0.5), np.array([None, 1]), np.array([None, 2])),
        *(lambda x: x + 1, lambda x: x + 2, lambda x, by=2: x + by, lambda x, by=3: x + by),
    ]
    words = [in_words(value) for value in values]
    assert len(set(words)) == len(words)
    assert not any(" at 0x" in each for each in words)
    assert in_words({"b": 1, "a": 2}) == in_words({"a": 2, "b": 1})
    assert in_words((np.int64(3), np.float64(0.5))) == in_words([3, 0.5])

    def adding(number):
        return lambda x: x + number

    assert fingerprint(adding(1)) == fingerprint(adding(1)) != fingerprint(adding(2))
    itself = Thing(1)
    itself.size = itself
    assert fingerprint(itself) == fingerprint(itself)


def test_episodes_are_known_by_all_that_they_hold():
    rows, labels = torch.zeros(4, 1, 2), torch.tensor([0, 0, 1, 1])
    episode = LabelledEpisode(rows, labels, rows, labels, 2)
    changed = [
        episode._replace(support=rows + 1),
        episode._replace(query_labels=1 - labels),
        episode._replace(n_classes=3),
    ]
    assert len({fingerprint([each]) for each in [episode, *changed]}) == 4
    assert fingerprint([[episode]]) == fingerprint([[episode._replace(support=rows.clone())]])


def test_what_objectives_note_is_no_setting():
    first, second = Weighted(), Weighted()
    second.accuracy = 0.5
    second.eval()
    assert fingerprint(first) == fingerprint(second)


class _Scaled:
    def __init__(self, factor):
        self.factor = factor

    def loss(self, told, true):
        return self.factor * (told - true).abs().mean()


def test_fingerprints_tell_apart_what_is_not_the_same():
    pairs = [
        (_Scaled(1).loss, _Scaled(5).loss),
        (pd.DataFrame({"a": [1, 2]}), pd.DataFrame({"a": [1, 3]})),
        (np.random.RandomState(0), np.random.RandomState(1)),
        ({1: "a"}, {"1": "a"}),
    ]
    for one, other in pairs:
        assert fingerprint(one) != fingerprint(other)
        assert fingerprint(one) == fingerprint(deepcopy(one))


def test_fingerprints_are_the_same_in_another_process():
    code = (
        "from sklearn_metaexplain.training._fingerprints import fingerprint\n"
        "print(fingerprint([lambda x: x in {'a', 'b', 'c', 'd'}, {'e', 'f', 'g'}]))"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": str(seed)},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in (1, 2)
    }
    assert len(found) == 1


def test_what_has_no_value_yet_or_cannot_be_pickled_has_a_fingerprint():
    def outer():
        def inner():
            return later

        print_of = fingerprint(inner)
        later = 1
        return print_of, later

    assert outer()[0]
    assert fingerprint([object(), torch.eye(2).to_sparse(), np.array(None, dtype=object)])
