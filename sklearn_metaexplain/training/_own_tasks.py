"""A user's tasks, as a distribution or as a list."""

from __future__ import annotations

from typing import Any

from sklearn_metaexplain.training._model_tasks import ModelTasks
from sklearn_metaexplain.training._table_tasks import TableTasks
from sklearn_metaexplain.training._task_distributions import TaskDistribution, named_pairs

_PAIRS = "(X, y) or (X, fitted model)"


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
