"""What can be done with a network that was meta-trained."""

from __future__ import annotations

from numbers import Integral
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils import Bunch
from sklearn.utils.validation import check_is_fitted
from torch import nn

from sklearn_metaexplain._fitted import CompleteFitMixin
from sklearn_metaexplain._validation import draw_seed
from sklearn_metaexplain.learners import Learner, learner_record
from sklearn_metaexplain.nets._checkpoint import Pretrained, save_pretrained
from sklearn_metaexplain.nets._classifier_weights import save_classifier
from sklearn_metaexplain.nets._kernel_network import KernelNetwork
from sklearn_metaexplain.training._learner_net import LearnerNet, draw_tasks, judge, summarise
from sklearn_metaexplain.training._networks import check_episode, settings_of
from sklearn_metaexplain.training._own_tasks import as_distribution, drawable


class MetaTrainedMixin(CompleteFitMixin):
    """Mixin of what has meta-trained a network: judges it on tasks and saves it."""

    network: Any
    init: str | PathLike | None
    device: str
    network_: nn.Module
    learner_: Learner
    state_: nn.Module | None
    objective_: nn.Module
    net_: LearnerNet
    history_: Any
    n_steps_: int
    initial_loss_: float
    validation_loss_: float

    def evaluate(self, tasks: Any, n_tasks: int = 100, *, random_state: Any = 0) -> Bunch:
        """Judge the network on tasks, each after adaptation to its support.

        Parameters
        ----------
        tasks : TaskDistribution, list of pairs, or mapping of str to pair
            As for `fit`.
        n_tasks : int, default=100
            How many are drawn.
        random_state : int, RandomState or None, default=0
            Seed of the draws: trainers judged with the same seed see the same tasks.

        Returns
        -------
        result : Bunch
            `loss`, the mean query loss, and `loss_se`, its standard error over the tasks drawn;
            `accuracy` and `accuracy_se`, NaN if the objective has none; `losses` and
            `accuracies` of shape (n_tasks,).

        Raises
        ------
        NotFittedError
            If `fit` was not called.
        TypeError, ValueError
            If the tasks do not suit the network.
        """
        check_is_fitted(self)
        distribution = drawable(as_distribution(tasks), self.learner_)
        if not isinstance(n_tasks, Integral) or n_tasks < 1:
            raise ValueError(f"n_tasks={n_tasks!r} must be a whole number from 1 on.")
        # Never the seeds that `fit` draws tasks with.
        (seed,) = np.random.SeedSequence([draw_seed(random_state), 1]).generate_state(1)
        episodes = draw_tasks(distribution, int(seed), n_tasks)
        check_episode(self.network, self.learner_, episodes[0])
        return summarise(*judge(self.net_.module_, self.objective_, episodes, self.device))

    def save(self, path: str | PathLike[str]) -> str:
        """Write the network, and what its learner has learned, to a weights file.

        Parameters
        ----------
        path : str or path
            The file, ``.safetensors`` by custom; its folder is made if need be. The estimator
            whose network it is takes it as ``pretrained=path``. `MetaExplainer` then corrects
            nothing, and its estimate of its own error is not calibrated.

        Returns
        -------
        sha256 : str
            Of the file's bytes.

        Raises
        ------
        NotFittedError
            If `fit` was not called.
        ValueError
            If the network or the learner is none of this package's.
        """
        check_is_fitted(self)
        if not isinstance(self.network, str):
            raise ValueError(
                f"save writes networks of this package; {type(self.network_).__name__} is one of "
                "your own: keep network_.state_dict() by torch.save."
            )
        record = {
            "learner": learner_record(self.learner_),
            "settings": settings_of(self.network, self.network_),
            "init": None if self.init is None else str(self.init),
            "steps": self.n_steps_,
            "minutes": round(sum(row["dur"] for row in self.history_) / 60, 1),
            "initial_loss": round(self.initial_loss_, 4),
            "valid_loss": round(self.validation_loss_, 4),
        }
        if self.network == "kernel":
            assert isinstance(self.network_, KernelNetwork)
            return save_pretrained(
                Pretrained(self.network_, training=record), Path(path), self.state_
            )
        return save_classifier(path, self.network, self.network_, record, self.state_)
