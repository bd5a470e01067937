"""Episodes of explanation out of a user's own models."""

from __future__ import annotations

from copy import copy
from typing import Any, NamedTuple

import numpy as np

from sklearn_metaexplain._rows import take_rows
from sklearn_metaexplain.masking import MaskedModel
from sklearn_metaexplain.training._evaluated_model import LEAST_SPREAD, Episode, evaluate_model
from sklearn_metaexplain.training._task_distributions import (
    check_count,
    check_task_table,
    named_pairs,
)

_ATTEMPTS = 20
# Rows of which not all may have the same output.
_N_PROBED = 1000
_HELD_OUT_SHARE = 0.25


class _Model(NamedTuple):
    name: str
    X: Any
    model: MaskedModel
    varying: np.ndarray  # outputs that vary over the table


class ModelTasks:
    """Fitted models of one's own, each a family of episodes for explainers.

    A draw takes one of the models, all equally likely, one of its outputs, and background and
    query rows; the model is asked about hybrid rows, as `MetaExplainer` does, and about all that
    the query's Shapley values need: exactly up to 8 columns, by 32 antithetic walks a background
    row beyond.

    Parameters
    ----------
    tasks : list of pairs, or mapping of str to pair
        Each ``(X, model)``: a table as the model takes it, and a fitted classifier, regressor or
        Pipeline that ends in one.
    n_support : int, default=512
        Evaluations that the network reads, background included.
    n_query : int, default=6
        Rows with known Shapley values.
    n_background : int, default=8
        Background rows.
    output : {"auto", "probability", "log_odds", "raw"}, default="auto"
        What is explained. "auto": probabilities where there is `predict_proba`, else "raw".

    Raises
    ------
    TypeError
        If `tasks` are no pairs, or a model is no classifier or regressor.
    ValueError
        If a table cannot be read, or a model's outputs do not vary over it; the message names the
        task.

    See Also
    --------
    SyntheticModels : Models of the prior.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.linear_model import Ridge
    >>> from sklearn_metaexplain.training import ModelTasks
    >>> X, y = load_diabetes(return_X_y=True)
    >>> tasks = ModelTasks([(X[:, :4], Ridge().fit(X[:, :4], y))], n_support=64)
    >>> episode = tasks.sample(np.random.default_rng(0))
    >>> episode.outputs.shape, episode.values.shape
    (torch.Size([64]), torch.Size([6, 4]))
    """

    def __init__(
        self,
        tasks: Any,
        *,
        n_support: int = 512,
        n_query: int = 6,
        n_background: int = 8,
        output: str = "auto",
    ) -> None:
        self.n_background = check_count("n_background", n_background, 1)
        self.n_support = check_count("n_support", n_support, n_background + 16)
        self.n_query = check_count("n_query", n_query, 1)
        self.output = output
        self._models = [_read(*task, output) for task in named_pairs(tasks, "(X, fitted model)")]

    def __repr__(self) -> str:
        return f"ModelTasks({[model.name for model in self._models]})"

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

        Raises
        ------
        ValueError
            If the model's outputs are constant on the hybrid rows.
        """
        task = self._models[rng.integers(len(self._models))]
        output = task.varying[rng.integers(len(task.varying))]
        for _ in range(_ATTEMPTS):
            episode = evaluate_model(
                rng,
                task.X,
                lambda rows: task.model.predict(rows)[:, output],
                n_support=self.n_support,
                n_query=self.n_query,
                n_background=self.n_background,
                family=task.name,
                probabilities=task.model.output == "probability",
            )
            if episode is not None:
                return episode
        raise ValueError(
            f"Task {task.name!r}: the model's outputs were constant on {_ATTEMPTS} draws of "
            f"{self.n_support} hybrid rows; leave the task out, or raise n_support."
        )

    def hold_out(self, rng: np.random.Generator) -> tuple[ModelTasks, ModelTasks]:
        """Set a quarter of the rows aside, for tasks that share none with the others.

        Tables of which a quarter is fewer than `n_background` + `n_query` rows, or over whose parts
        the model does not vary, are too small: all of their rows stay.

        Parameters
        ----------
        rng : numpy.random.Generator
            Draws the rows.

        Returns
        -------
        trained, held_out : ModelTasks
            Tasks out of the rows that stay, of all tables, and out of those set aside.

        Raises
        ------
        ValueError
            If all tables are too small.
        """
        trained, held_out = copy(self), copy(self)
        trained._models, held_out._models = [], []
        least = self.n_background + self.n_query
        for task in self._models:
            shuffled = rng.permutation(task.X.shape[0])
            n_rows = int(_HELD_OUT_SHARE * len(shuffled))
            parts = [np.sort(part) for part in np.split(shuffled, [n_rows])]
            aside, stay = (_take(task, part) for part in parts) if n_rows >= least else (task, task)
            if n_rows < least or not (len(aside.varying) and len(stay.varying)):
                trained._models.append(task)
                continue
            trained._models.append(stay)
            held_out._models.append(aside)
        if not held_out._models:
            raise ValueError(
                f"No table has {least} rows (n_background + n_query) in a quarter, over which its "
                "model varies, that could be held out for validation; give other models by "
                "validation, or the same ones, to be judged by rows that are trained on."
            )
        return trained, held_out


def _take(task: _Model, rows: np.ndarray) -> _Model:
    X = take_rows(task.X, rows)
    outputs = task.model.predict(take_rows(X, np.arange(min(len(rows), _N_PROBED))))
    return task._replace(X=X, varying=_varying(outputs))


def _varying(outputs: np.ndarray) -> np.ndarray:
    return np.flatnonzero(outputs.std(0) > LEAST_SPREAD * np.abs(outputs).max(0))


def _read(name: str, X: Any, estimator: Any, output: str) -> _Model:
    try:
        X = check_task_table(X, "ModelTasks")
        rows = np.arange(min(X.shape[0], _N_PROBED))
        model = MaskedModel(estimator, take_rows(X, rows), output=output)
    except (TypeError, ValueError) as error:
        raise type(error)(f"Task {name!r}: {error}") from error
    varying = _varying(model.background_outputs)
    if not len(varying):
        raise ValueError(
            f"Task {name!r}: the outputs of {type(estimator).__name__} are the same for all rows, "
            "so there is nothing to explain; leave the task out."
        )
    return _Model(name, X, model, varying)
