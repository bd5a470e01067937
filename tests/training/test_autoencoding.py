"""Training of the task autoencoder: its tasks, its objective, and its command."""

import argparse
import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sklearn.datasets import load_iris

from sklearn_metaexplain.nets._autoencoder_file import load_autoencoder
from sklearn_metaexplain.nets._prior_reference import KINDS, N_HYBRIDS
from sklearn_metaexplain.nets._task_autoencoder import Reconstruction, SetAutoencoder
from sklearn_metaexplain.tasks import TaskAutoencoder
from sklearn_metaexplain.training._autoencoder_tasks import (
    DrawnTask,
    draw_group,
    draw_task,
    view_twice,
)
from sklearn_metaexplain.training._autoencoding import (
    AutoencodingObjective,
    add_command,
    make_reference,
    recognition_loss,
    reconstruction_loss,
)


def drawn(kind, seed=0, **options):
    options = {"n_rows": 80, "n_columns": 3, "families": ("network",), **options}
    return draw_task(np.random.default_rng(seed), kind, **options)


@pytest.mark.parametrize("kind", KINDS)
def test_drawn_tasks_are_seeded_and_vary(kind):
    task, again, other = drawn(kind), drawn(kind), drawn(kind, seed=1)
    assert task.kind == kind
    assert task.rows.shape == (80, 3)
    assert len(task.outputs) == 80
    assert np.isfinite(task.outputs).all()
    assert (task.outputs.std(0) > 0).all()
    np.testing.assert_array_equal(task.outputs, again.outputs)
    np.testing.assert_array_equal(task.rows, again.rows)
    assert not np.array_equal(task.rows, other.rows)


def test_labels_are_classes():
    seen = set()
    for seed in range(12):
        outputs = drawn("labels", seed).outputs
        assert set(np.unique(outputs)) == {0, 1}
        np.testing.assert_array_equal(outputs.sum(1), 1)
        seen.add(outputs.shape[1])
    assert seen == {2, 3, 4}


def test_few_rows_of_one_class_are_drawn_again():
    for seed in range(30):
        outputs = drawn("labels", seed, n_rows=3).outputs
        assert (np.ptp(outputs, axis=0) == 1).all()


def test_only_targets_and_labels_are_noisy():
    # A fitted tree gives rows of the same leaf the same output.
    for kind, few in (("model", True), ("targets", False)):
        outputs = drawn(kind, families=("fitted:DecisionTreeClassifier",)).outputs[:, -1]
        assert (len(np.unique(outputs)) < 40) == few


def test_hybrids_mix_rows_cell_by_cell():
    hybrids = drawn("hybrids", n_rows=400).rows
    # Of few background rows: cells come back, though rows are combined anew.
    assert len(np.unique(hybrids, axis=0)) > 300
    rows = drawn("model", n_rows=400).rows
    repeats = [np.mean([len(np.unique(c)) for c in table.T]) for table in (hybrids, rows)]
    assert repeats[0] < 0.9 * repeats[1]


def test_two_views_of_one_task():
    rng = np.random.default_rng(0)
    rows = np.stack([np.arange(10.0), np.ones(10)], 1)
    outputs = np.concatenate([[-1.0, 1.0, -1.0, 1.0], 3 + np.arange(6.0)])[:, None]
    views = view_twice(rng, DrawnTask(rows, outputs, "model"), 4)
    assert (len(views.read), len(views.judged), len(views.own)) == (4, 6, 6)
    torch.testing.assert_close(views.read_outputs, torch.tensor([-1.0, 1.0, -1.0, 1.0]))
    # Judged rows are in the units of those read; as a task of their own, in their own.
    torch.testing.assert_close(views.judged_outputs, 3 + torch.arange(6.0))
    assert float(views.own_outputs.mean()) == pytest.approx(0, abs=1e-6)
    assert float(views.own_outputs.std(correction=0)) == pytest.approx(1)
    center, scale = rows[:4, 0].mean(), rows[:4, 0].std()
    expected = np.clip((rows[4:, 0] - center) / scale, -4, 4)
    np.testing.assert_allclose(views.judged[:, 0, 0], expected, rtol=1e-6)
    assert float(views.own[:, 0, 0].mean()) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("part", [slice(0, 4), slice(4, None)])
def test_a_part_without_variation_is_no_view(part):
    outputs = np.arange(10.0)[:, None]
    outputs[part] = 1.0
    task = DrawnTask(np.random.default_rng(0).normal(size=(10, 2)), outputs, "model")
    assert view_twice(np.random.default_rng(0), task, 4) is None


def test_groups_are_seeded():
    group, again = (draw_group(np.random.default_rng(0), size=3) for _ in range(2))
    assert len(group) == 3
    for task, same in zip(group, again, strict=True):
        assert task.read.equal(same.read)
        assert task.own_outputs.equal(same.own_outputs)


def test_half_of_the_groups_are_equally_wide(monkeypatch):
    asked = []

    def record(rng, kind, *, n_rows, n_columns):
        asked.append((kind, n_columns))
        return DrawnTask(rng.normal(size=(n_rows, 2)), rng.normal(size=(n_rows, 1)), kind)

    monkeypatch.setattr("sklearn_metaexplain.training._autoencoder_tasks.draw_task", record)
    for seed in range(60):
        draw_group(np.random.default_rng(seed), size=2)
    kinds, widths = zip(*asked, strict=True)
    assert set(kinds) == set(KINDS)
    assert widths[::2] == widths[1::2]
    assert 15 < sum(width is None for width in widths[::2]) < 45
    assert {width for width in widths if width is not None} <= set(range(2, 31))


def test_reconstruction_loss_is_the_normal_density_with_linear_tails():
    def loss(mean, log_std, outputs):
        stub = SimpleNamespace(
            decode=lambda code, rows: Reconstruction(torch.tensor(mean), torch.tensor(log_std))
        )
        task = SimpleNamespace(judged=None, judged_outputs=torch.tensor(outputs))
        return float(reconstruction_loss(stub, task, None))

    assert loss([1.0], [0.0], [1.0]) == 0
    assert loss([0.0, 0.0], [math.log(2)] * 2, [2.0, 0.0]) == pytest.approx(math.log(2) + 0.25)
    # 5 (20 - 2.5) instead of 200.
    assert loss([0.0], [0.0], [20.0]) == pytest.approx(87.5)


def test_recognition_loss_in_closed_form():
    vectors = torch.eye(4)
    assert float(recognition_loss(vectors, vectors)) == pytest.approx(
        math.log(1 + 3 * math.exp(-10)), rel=1e-3
    )
    assert float(recognition_loss(vectors, vectors.roll(1, 0))) == pytest.approx(
        10 + math.log(1 + 3 * math.exp(-10)), rel=1e-6
    )
    same = torch.ones(4, 2) / 2**0.5
    assert float(recognition_loss(same, same)) == pytest.approx(math.log(4))


def test_a_few_steps_lower_both_parts_of_the_objective():
    rng = np.random.default_rng(3)
    group = [view_twice(rng, drawn("model", seed), 40) for seed in (3, 4)]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = SetAutoencoder(width=16, n_layers=1)
    objective = AutoencodingObjective()
    optimizer = torch.optim.Adam(network.parameters(), lr=5e-3)
    losses, parts = [], []
    for _ in range(20):
        codes = [network.encode(task.read, task.read_outputs) for task in group]
        others = [network.encode(task.own, task.own_outputs).vector for task in group]
        density = sum(
            float(reconstruction_loss(network, task, code).detach())
            for task, code in zip(group, codes, strict=True)
        )
        likeness = recognition_loss(torch.stack([c.vector for c in codes]), torch.stack(others))
        parts.append((density / 2, float(likeness.detach())))
        optimizer.zero_grad()
        loss = objective(network, group)
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[0] == pytest.approx(parts[0][0] + 0.3 * parts[0][1], rel=1e-4)
    assert parts[-1][0] < parts[0][0] - 0.05
    assert parts[-1][1] < parts[0][1] - 0.05


def test_reference_has_every_kind():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = SetAutoencoder(width=16, n_layers=1).eval()
    read = []
    encode = network.encode
    network.encode = lambda encoded, outputs: read.append(len(outputs)) or encode(encoded, outputs)
    reference = make_reference(network, 2)
    torch.testing.assert_close(reference.vectors.norm(dim=-1), torch.ones(len(KINDS), 2))
    assert bool((reference.errors > 0).all())
    # Hybrids, the last, are read in one pass each.
    assert read[-2:] == [N_HYBRIDS] * 2


def run(*arguments):
    parser = argparse.ArgumentParser()
    add_command(parser.add_subparsers(required=True))
    parsed = parser.parse_args(["train-autoencoder", *map(str, arguments)])
    parsed.run(parsed)


def test_command_trains_goes_on_and_the_estimator_takes_the_file(tmp_path):
    out = tmp_path / "tiny.safetensors"
    tiny = (
        *("--out", out, "--minutes", 5, "--epochs", 1, "--steps-per-epoch", 2, "--quiet"),
        *("--group-size", 2, "--validation-groups", 1, "--reference-tasks", 2),
    )
    run(*tiny)
    first = load_autoencoder(out)
    assert first.training["steps"] == 2
    run(*tiny, "--run-dir", out.with_suffix(".run"))
    assert load_autoencoder(out).training["steps"] == 4
    X, y = load_iris(return_X_y=True)
    vectors = TaskAutoencoder(out, random_state=0).fit_transform([(X, y)])
    assert vectors.shape == (1, first.network.n_dims)
