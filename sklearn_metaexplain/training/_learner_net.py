"""skorch over a learner's meta-gradients."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from sklearn.utils import Bunch
from skorch.callbacks import PassthroughScoring
from torch import nn

from sklearn_metaexplain.learners import EpisodeLoss, Learner
from sklearn_metaexplain.nets._episodic import EpisodeBatch, EpisodicNet
from sklearn_metaexplain.training._task_distributions import TaskDistribution


class MetaLearned(nn.Module):
    """A network and what its learner learns beside it: all that meta-training moves.

    Parameters
    ----------
    network : Module
        The network.
    learner : Learner
        How it learns from a task.
    """

    def __init__(self, network: nn.Module, learner: Learner) -> None:
        super().__init__()
        self.network = network
        self.state = learner.make_state(network)
        self.learner = learner

    def accumulate(self, objective: nn.Module, episode: Any, scale: float) -> float:
        """Add `scale` times an episode's meta-gradient; return its query loss."""
        loss = EpisodeLoss(self.network, objective)
        return self.learner.accumulate(loss, episode, state=self.state, scale=scale)

    def query_loss(self, objective: nn.Module, episode: Any) -> float:
        """Query loss of an episode after adaptation to its support."""
        loss = EpisodeLoss(self.network, objective)
        return self.learner.query_loss(loss, episode, state=self.state)


class LearnerNet(EpisodicNet):
    """skorch net that trains a `MetaLearned`; losses are those after adaptation.

    Its history also has accuracies where the objective has.
    """

    @property
    def _default_callbacks(self) -> list[tuple[str, Any]]:
        callbacks = super()._default_callbacks
        if not hasattr(self.criterion, "accuracy"):
            return callbacks
        return [
            *callbacks,
            ("train_accuracy", PassthroughScoring("train_accuracy", on_train=True)),
            ("valid_accuracy", PassthroughScoring("valid_accuracy")),
        ]

    def train_step_single(self, batch: EpisodeBatch, **fit_params: Any) -> dict[str, Any]:
        """Accumulate the mean meta-gradient of the batch's episodes, and note the accuracy."""
        self._accuracy = math.nan
        step = super().train_step_single(batch, **fit_params)
        self._note("train_accuracy", self._accuracy)
        return step

    def accumulate(self, batch: EpisodeBatch) -> float:
        """Add the mean meta-gradient of the batch's episodes; return their query loss."""
        scale = 1 / len(batch)
        loss, accuracy = 0.0, 0.0
        for episode in batch.episodes:
            moved = to_device(episode, self.device)
            loss += scale * self.module_.accumulate(self.criterion_, moved, scale)
            accuracy += scale * getattr(self.criterion_, "accuracy", 0.0)
        self._accuracy = accuracy
        return loss

    def validation_step(self, batch: EpisodeBatch, **fit_params: Any) -> dict[str, Any]:
        """Mean query loss of the batch's episodes after adaptation."""
        self._set_training(False)
        losses, accuracies = judge(self.module_, self.criterion_, batch.episodes, self.device)
        self._note("valid_accuracy", sum(accuracies) / len(batch))
        # In double precision, in which it is compared with the loss of the start.
        loss = torch.tensor(float(np.mean(losses)), dtype=torch.float64)
        return {"loss": loss, "y_pred": torch.empty(0)}

    def _note(self, name: str, accuracy: float) -> None:
        if hasattr(self.criterion_, "accuracy"):
            self.history.record_batch(name, accuracy)


def judge(
    module: MetaLearned, objective: nn.Module, episodes: list[Any], device: str
) -> tuple[list[float], list[float]]:
    """Query losses and accuracies of episodes after adaptation.

    NaN where there is no accuracy, and of a task whose kernel is not positive definite.

    Parameters
    ----------
    module : MetaLearned
        The network and its learner.
    objective : Module
        The loss.
    episodes : list of episodes
        Tasks.
    device : str
        Where the network is.
    """
    losses, accuracies = [], []
    for episode in episodes:
        try:
            loss = module.query_loss(objective, to_device(episode, device))
        except torch.linalg.LinAlgError:
            loss, accuracy = math.nan, math.nan
        else:
            accuracy = getattr(objective, "accuracy", math.nan)
        losses.append(loss)
        accuracies.append(accuracy)
    return losses, accuracies


def summarise(losses: list[float], accuracies: list[float]) -> Bunch:
    """Means and standard errors of what `judge` found, and what it found."""
    result = Bunch(losses=np.array(losses), accuracies=np.array(accuracies))
    for name, values in (("loss", result.losses), ("accuracy", result.accuracies)):
        result[name] = float(values.mean())
        n_tasks = len(values)
        error = values.std(ddof=1) / np.sqrt(n_tasks) if n_tasks > 1 else np.nan
        result[f"{name}_se"] = float(error)
    return result


def draw_tasks(tasks: TaskDistribution, seed: int, n_tasks: int) -> list[Any]:
    """Draw tasks, of which a longer list begins with a shorter one."""
    return [tasks.sample(np.random.default_rng([seed, task])) for task in range(n_tasks)]


def to_device(episode: Any, device: str) -> Any:
    """Move the tensors of a NamedTuple; other kinds of episodes are left as they are."""
    if not hasattr(episode, "_replace"):
        return episode
    return episode._replace(
        **{
            name: value.to(device)
            for name, value in episode._asdict().items()
            if isinstance(value, torch.Tensor)
        }
    )
