"""A user's tasks, as a distribution or as a list, and what of them is trained on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from sklearn_metaexplain.learners import Episodic, InnerLoopLearner, Learner
from sklearn_metaexplain.nets._labelled import LabelledEpisode
from sklearn_metaexplain.nets._table_objective import TableObjective
from sklearn_metaexplain.training._model_tasks import ModelTasks
from sklearn_metaexplain.training._table_tasks import TableTasks
from sklearn_metaexplain.training._task_distributions import TaskDistribution, named_pairs

_PAIRS = "(X, y) or (X, fitted model)"
_ATTEMPTS = 100


def as_distribution(tasks: Any) -> TaskDistribution:
    """Make a distribution of a list or mapping of pairs; a distribution stays what it is.

    Parameters
    ----------
    tasks : TaskDistribution, list of pairs, or mapping of str to pair
        Pairs are all ``(X, y)`` or all ``(X, fitted model)``.

    Raises
    ------
    TypeError
        If they are neither, or of both kinds.
    ValueError
        If a table, its labels or a model cannot be read.
    """
    if hasattr(tasks, "sample") and not hasattr(tasks, "iloc"):
        return tasks
    named = named_pairs(tasks, _PAIRS)
    are_models = [hasattr(target, "predict") for _, _, target in named]
    if any(are_models) and not all(are_models):
        raise TypeError(
            "Some of the tasks are tables with labels and others with models; a network learns "
            "from one kind of them."
        )
    return ModelTasks(tasks) if all(are_models) else TableTasks(tasks)


def hold_out(tasks: TaskDistribution, seed: int) -> tuple[TaskDistribution, TaskDistribution]:
    """Split a distribution of given rows in two that share none; others draw new tasks anyway.

    Parameters
    ----------
    tasks : TaskDistribution
        With a method ``hold_out(rng)`` if its rows are given.
    seed : int
        Of the split.

    Returns
    -------
    trained, held_out : TaskDistribution
        To train on, and to judge by.

    Raises
    ------
    ValueError
        If no table is large enough.
    """
    if not hasattr(tasks, "hold_out"):
        return tasks, tasks
    return tasks.hold_out(np.random.default_rng(seed))


class SuitableTasks:
    """Those tables of a distribution that a learner can learn from.

    Parameters
    ----------
    tasks : TaskDistribution
        Where tasks come from; of other kinds than labelled tables all are taken.
    suits : callable
        Tells whether an episode will do.
    need : str
        What the others lack, for a message.
    """

    def __init__(
        self, tasks: TaskDistribution, suits: Callable[[LabelledEpisode], bool], need: str
    ) -> None:
        self.tasks, self.suits, self.need = tasks, suits, need

    def sample(self, rng: np.random.Generator) -> Any:
        """Draw tasks until one will do."""
        for _ in range(_ATTEMPTS):
            episode = self.tasks.sample(rng)
            if not isinstance(episode, LabelledEpisode) or self.suits(episode):
                return episode
        raise ValueError(f"None of {_ATTEMPTS} tasks drawn has {self.need}")


def adaptable(tasks: TaskDistribution, learner: Learner, objective: Any) -> TaskDistribution:
    """Leave out tasks on which a learner's inner steps would do nothing."""
    if isinstance(learner, InnerLoopLearner) and isinstance(objective, TableObjective):
        need = (
            "two support rows of a class, which inner steps need to tell one by the other; draw "
            "more support rows, or use InContext()."
        )
        return SuitableTasks(tasks, objective.has_support_loss, need)
    return tasks


def drawable(tasks: TaskDistribution, learner: Learner) -> TaskDistribution:
    """Leave out tasks of which a learner cannot draw N-way K-shot episodes."""
    if isinstance(learner, Episodic):
        need = (
            "two classes with support rows as well as query rows, of which Episodic draws n_way; "
            "give larger tables, draw more query rows, or leave n_way out."
        )
        return SuitableTasks(tasks, learner.can_draw, need)
    return tasks


def divide_tasks(
    tasks: Any, validation: Any, learner: Learner, objective: Any, *, seed: int
) -> tuple[TaskDistribution, TaskDistribution]:
    """Tasks to train on and tasks to judge by, those that suit a learner.

    Parameters
    ----------
    tasks, validation
        As for `MetaTrainer.fit`.
    learner : Learner
        What learns from them.
    objective : Module
        Its loss.
    seed : int
        Of the split, where `validation` is None.

    Raises
    ------
    TypeError, ValueError
        If they cannot be read, or no table is large enough to be split.
    """
    trained = as_distribution(tasks)
    if validation is None:
        trained, held_out = hold_out(trained, seed)
    else:
        held_out = as_distribution(validation)
    trained, held_out = (
        drawable(adaptable(each, learner, objective), learner) for each in (trained, held_out)
    )
    return trained, held_out
