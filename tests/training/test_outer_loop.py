"""Which epoch is kept, and tasks that cannot be computed."""

import warnings
from typing import ClassVar

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from sklearn.exceptions import ConvergenceWarning
from torch import nn

from sklearn_metaexplain.inspection import AdaptationDisplay
from sklearn_metaexplain.learners import InContext, Reptile, SupervisedObjective
from sklearn_metaexplain.nets._episodic import EpisodeBatch, EpisodicNet
from sklearn_metaexplain.training import MetaTrainer
from sklearn_metaexplain.training._learner_net import LearnerNet, MetaLearned
from tests.training.families import TINY, Lines, OneColumnTells


class Scripted(InContext):
    """Losses of one task held out, as they come."""

    losses: ClassVar[list[float]] = []

    def query_loss(self, loss, episode, *, state=None):
        return self.losses.pop(0)


@pytest.mark.parametrize(
    ("first", "second", "kept"),
    [
        # skorch itself would mark the first epoch of the second sitting.
        ([5.0, 3.0, 1.0], [5.0, 2.0, 4.0], 2),
        ([5.0, 3.0, 1.0], [5.0, 2.0, 0.5], 4),
        ([1.0, 3.0, 2.0], [1.0, 2.0, 1.0], 0),
        ([1.0, np.nan, np.nan], [1.0, 2.0, np.nan], 0),
        ([np.nan, np.nan, 7.0], [np.nan, 8.0, 9.0], 2),
        ([1.0, np.nan, np.nan], [1.0, np.nan, np.nan], 0),
    ],
)
def test_the_epoch_that_was_kept_is_known_over_all_sittings(first, second, kept, tmp_path):
    settings = {"learner": Scripted(), "validation_tasks": 1, "steps_per_epoch": 1, "lr": 0.05}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for n_steps, losses in ((2, first), (4, second)):
            Scripted.losses = list(losses)
            fitted = MetaTrainer(
                run_dir=tmp_path, n_steps=n_steps, network_params=TINY, random_state=0, **settings
            ).fit(OneColumnTells())
            assert not Scripted.losses
    losses = [first[0], *first[1:], *second[1:]]
    assert fitted.net_.kept_epoch_ == kept
    assert fitted.validation_loss_ == losses[kept]
    display = AdaptationDisplay.from_explainer(fitted)
    told = f"kept: epoch {kept}" if kept else "kept: the start"
    assert display.legend_.get_texts()[-1].get_text() == told
    plt.close(display.figure_)


@pytest.mark.parametrize("seed", range(4))
def test_a_network_that_has_not_changed_is_not_better(seed):
    settings = {"n_steps": 1, "lr": 1e-30, "validation_tasks": 11, "network_params": TINY}
    with pytest.warns(ConvergenceWarning, match="the start is kept"):
        fitted = MetaTrainer(random_state=seed, **settings).fit(OneColumnTells())
    assert fitted.net_.kept_epoch_ == 0
    assert fitted.history_[0]["valid_loss"] == fitted.initial_loss_


class Line(nn.Module):
    """A slope."""

    def __init__(self):
        super().__init__()
        self.slope = nn.Parameter(torch.zeros(1))

    def forward(self, rows):
        return self.slope * rows


class Fragile(SupervisedObjective):
    """Cannot be computed on some tasks, as where a kernel is not positive definite."""

    def __init__(self):
        super().__init__(nn.functional.mse_loss)
        self.accuracy = 1.0

    def forward(self, network, episode):
        if episode.support[0] < 0:
            torch.linalg.cholesky(-torch.eye(2))
        return super().forward(network, episode)


def test_a_task_that_cannot_be_computed_does_not_end_the_training():
    settings = {
        "objective": Fragile(),
        "validation_tasks": 1,
        "n_steps": 12,
        "steps_per_epoch": 12,
        "meta_batch_size": 1,
        "random_state": 0,
    }
    for each in (InContext(), Reptile(inner_lr=0.1, n_inner_steps=1)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            fitted = MetaTrainer(Line, learner=each, lr=0.3, **settings).fit(Lines())
        losses = np.array([row["train_loss"] for row in fitted.history_[0]["batches"][:12]])
        accuracies = [row["train_accuracy"] for row in fitted.history_[0]["batches"][:12]]
        assert 0 < np.isnan(losses).sum() < 12
        np.testing.assert_array_equal(np.isnan(losses), np.isnan(accuracies))
        judged = fitted.evaluate(Lines(), 12)
        assert 0 < np.isnan(judged.losses).sum() < 12
        np.testing.assert_array_equal(np.isnan(judged.losses), np.isnan(judged.accuracies))


def test_no_step_is_taken_on_a_part_of_a_batch():
    rng = np.random.default_rng(0)
    tasks = sorted((Lines().sample(rng) for _ in range(9)), key=lambda task: -task.support[0])
    assert tasks[0].support[0] > 0 > tasks[-1].support[0]
    for net in (
        EpisodicNet(Line, Fragile),
        LearnerNet(MetaLearned(Line(), InContext()), Fragile()),
    ):
        net.initialize()
        net.history.new_epoch()
        for batch, is_whole in ((tasks[:1], True), ([tasks[0], tasks[-1]], False)):
            net.history.new_batch()
            net.module_.zero_grad()
            step = net.train_step_single(EpisodeBatch(batch))
            (slope,) = net.module_.parameters()
            assert (slope.grad is not None) == is_whole
            assert bool(step["loss"].isfinite()) == is_whole
            judged = net.validation_step(EpisodeBatch(batch))
            assert bool(judged["loss"].isfinite()) == is_whole
