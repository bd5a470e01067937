"""Where meta-training's tasks come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from typing import Any, Protocol

import numpy as np
from sklearn.base import BaseEstimator

from sklearn_metaexplain._validation import check_table
from sklearn_metaexplain.nets._labelled import LabelledEpisode
from sklearn_metaexplain.training._episodes import draw_episode
from sklearn_metaexplain.training._evaluated_model import Episode
from sklearn_metaexplain.training._labelled_episodes import draw_labelled_episode

_LEAST_SUPPORT = 65
_LEAST_LABELLED = 10
_MOST_CLASSES = 20


class TaskDistribution(Protocol):
    """Anything that draws tasks, each as an episode.

    An episode is what the objective takes: of the networks of this package, a table with labels
    or the evaluations of a model, split into support and query.

    See Also
    --------
    SyntheticTables : Labelled tables of the prior.
    TableTasks : Tables of one's own.
    SyntheticModels : Models of the prior.
    ModelTasks : Models of one's own.
    """

    def sample(self, rng: np.random.Generator) -> Any:
        """Draw a task.

        Parameters
        ----------
        rng : numpy.random.Generator
            The only source of randomness.

        Returns
        -------
        episode : object
            The task.
        """


class SyntheticTables:
    """Labelled tables of the prior: what the shipped classifiers were meta-trained on.

    Half of the tables are N-way K-shot, with equally many support rows in each class. Of tables
    whose labels can hardly be told from their columns, three in four are drawn anew.

    Parameters
    ----------
    max_support : int, default=256
        Most support rows.
    max_classes : int, default=None
        Most classes, at most half of `max_support`; three tables in ten have up to so many, the
        others have up to 6. None: 20, or half of `max_support` if that is less.

    Raises
    ------
    TypeError, ValueError
        If a number is too small, no whole number, or `max_classes` too large for `max_support`.

    See Also
    --------
    TableTasks : Tables of one's own.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_metaexplain.training import SyntheticTables
    >>> episode = SyntheticTables(max_classes=3).sample(np.random.default_rng(0))
    >>> episode.n_classes <= 3 and len(episode.support) == len(episode.labels)
    True
    """

    def __init__(self, *, max_support: int = 256, max_classes: int | None = None) -> None:
        self.max_support = check_count("max_support", max_support, _LEAST_LABELLED)
        most = self.max_support // 2
        if max_classes is None:
            max_classes = min(_MOST_CLASSES, most)
        self.max_classes = check_count("max_classes", max_classes, 2)
        if self.max_classes > most:
            raise ValueError(
                f"max_classes={max_classes} is more than half of max_support={max_support}, so not "
                f"every class could have two support rows; give at most {most} classes, or "
                f"max_support={2 * max_classes} or more."
            )

    def sample(self, rng: np.random.Generator) -> LabelledEpisode:
        """Draw a labelled table.

        Parameters
        ----------
        rng : numpy.random.Generator
            The only source of randomness.

        Returns
        -------
        episode : LabelledEpisode
            Its rows, encoded, split into support and query.
        """
        return draw_labelled_episode(
            rng, max_support=self.max_support, max_classes=self.max_classes
        )


class SyntheticModels:
    """Models of the prior on hybrid rows: what the shipped explainer was meta-trained on.

    Parameters
    ----------
    max_support : int, default=512
        Most evaluations of a model; 64 is the least.
    mixed_share : float, default=0.0
        Share of tasks in whose tables some columns are of categories. The shipped explainer was
        trained on numbers alone.

    Raises
    ------
    TypeError, ValueError
        If a number is too small, too large or none.

    See Also
    --------
    ModelTasks : Models of one's own.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_metaexplain.training import SyntheticModels
    >>> episode = SyntheticModels(max_support=100).sample(np.random.default_rng(0))
    >>> 64 <= len(episode.outputs) <= 100
    True
    """

    def __init__(self, *, max_support: int = 512, mixed_share: float = 0.0) -> None:
        self.max_support = check_count("max_support", max_support, _LEAST_SUPPORT)
        self.mixed_share = _check_share("mixed_share", mixed_share)

    def sample(self, rng: np.random.Generator) -> Episode:
        """Draw a model and evaluate it.

        Parameters
        ----------
        rng : numpy.random.Generator
            The only source of randomness.

        Returns
        -------
        episode : Episode
            Evaluations, and rows whose Shapley values are known.
        """
        return draw_episode(rng, max_support=self.max_support, mixed_share=self.mixed_share)


def check_task_table(X: Any, owner: str) -> Any:
    """Check the table of a task, as `check_table` does.

    Parameters
    ----------
    X : {array-like, DataFrame} of shape (n_samples, n_features)
        The table.
    owner : str
        Whose task it is, for messages.
    """
    # Takes what is noted of the table; a new one for each, as columns differ.
    notes = type(owner, (BaseEstimator,), {})()
    return check_table(notes, X, reset=True)


def check_count(name: str, value: Any, least: int) -> int:
    """Check a whole number; TypeError or ValueError that names it."""
    if not isinstance(value, Integral) or isinstance(value, bool):
        raise TypeError(f"{name}={value!r} must be a whole number.")
    if value < least:
        raise ValueError(f"{name}={value} is too small; give {least} or more.")
    return int(value)


def _check_share(name: str, value: Any) -> float:
    if not isinstance(value, Real) or isinstance(value, bool):
        raise TypeError(f"{name}={value!r} must be a number from 0 to 1.")
    if not 0 <= float(value) <= 1:
        raise ValueError(f"{name}={value} is no share; give a number from 0 to 1.")
    return float(value)


def named_pairs(tasks: Any, kind: str) -> list[tuple[str, Any, Any]]:
    """Read a list of pairs, or a mapping of names to pairs.

    Parameters
    ----------
    tasks : list or mapping
        The tasks.
    kind : str
        What a pair should be, in words.

    Returns
    -------
    named : list of (str, object, object)
        Name and pair; in a list, names are "task0", "task1", ...

    Raises
    ------
    TypeError
        If `tasks` is no list or mapping of pairs.
    ValueError
        If it is empty.
    """
    if isinstance(tasks, Mapping):
        named = [(str(name), task) for name, task in tasks.items()]
    elif isinstance(tasks, Sequence) and not isinstance(tasks, str | bytes):
        named = [(f"task{i}", task) for i, task in enumerate(tasks)]
    else:
        raise TypeError(
            f"tasks must be a list of pairs {kind}, or a mapping of names to such pairs; got "
            f"{type(tasks).__name__}."
        )
    if not named:
        raise ValueError(f"tasks is empty; give at least one pair {kind}.")
    for name, task in named:
        if not isinstance(task, tuple | list) or len(task) != 2:
            raise TypeError(
                f"Task {name!r} is no pair {kind} but {type(task).__name__}; a single task goes "
                "into a list, too."
            )
    return [(name, *task) for name, task in named]
