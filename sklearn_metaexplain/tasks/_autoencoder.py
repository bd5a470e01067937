"""Tasks as vectors, and which of them are alike."""

from __future__ import annotations

from numbers import Integral, Real
from os import PathLike
from typing import Any, ClassVar

import numpy as np
import torch
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import Bunch, Tags
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from sklearn_metaexplain._validation import draw_seed
from sklearn_metaexplain.nets._autoencoder_file import PretrainedAutoencoder, load_autoencoder
from sklearn_metaexplain.nets._task_autoencoder import task_vector
from sklearn_metaexplain.tasks._judging import JudgingMixin
from sklearn_metaexplain.tasks._read import read_task
from sklearn_metaexplain.tasks._table import LEAST_ROWS, TaskTable, check_task, name_tasks


class TaskAutoencoder(
    JudgingMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator
):
    """Describe tasks by vectors, find like ones, and reconstruct their outputs.

    A task is a pair: a table and its target, ``(X, y)``, or a table and a fitted model,
    ``(X, model)``. A network trained across tables reads the rows with their outputs as a set
    and turns them into a vector; a decoder that knows nothing of the task but its code predicts
    the outputs of rows from it. Tables may have any columns (text, categories, missing values)
    and any number of outputs. The vector does not depend on the order of rows, columns or
    classes, on how classes or columns are called, or on the units of numbers.

    The network is pretrained, so `fit` only keeps a library of tasks, which `nearest_tasks`
    searches. The other methods need no `fit`.

    Parameters
    ----------
    pretrained : str or path, default="default"
        The name of shipped weights, or a file written by
        ``python -m sklearn_metaexplain.training train-autoencoder``.
    max_rows : int, default=256
        Most rows of a task that are read, drawn at random from a longer table. Up to this length
        all are read, in whatever order.
    target_type : {"auto", "labels", "targets"}, default="auto"
        What `y` holds. "auto": labels where it is text, boolean or categorical, or has at most 30
        different values, all of them whole numbers; numeric targets otherwise, and wherever `y`
        has several columns.
    off_prior_quantile : float, default=0.95
        Score above which a task is off the prior.
    random_state : int, RandomState or None, default=None
        Seed of which rows are read of a table of more than `max_rows`, and of which are read and
        which are judged.

    Attributes
    ----------
    vectors_ : ndarray of shape (n_tasks, 64)
        The library's vectors, of length 1.
    names_ : ndarray of str of shape (n_tasks,)
        Names of the tasks: keys of a mapping, otherwise "task0", "task1", ...
    kinds_ : ndarray of str of shape (n_tasks,)
        "labels", "targets" or "model".

    Notes
    -----
    A decoder that knows a task by one vector alone cannot tell its columns apart. The code it is
    given has, for each output, the vector and 16 numbers for each column; similarity and
    `transform` use the vector alone.

    The network was trained to predict outputs of rows that it did not read, and to recognise a
    task by other rows of it, on tasks of a prior: synthetic tables with random functions and
    fitted models, up to 30 columns. See the record in the weights file.

    References
    ----------
    Garnelo et al., Conditional neural processes, 2018; Jomaa, Schmidt-Thieme and Grabocka,
    Dataset2Vec: learning dataset meta-features, 2021; van den Oord, Li and Vinyals,
    Representation learning with contrastive predictive coding, 2018.

    Examples
    --------
    The half of a table that is most like the other half:

    >>> from sklearn.datasets import load_diabetes, load_iris, load_wine
    >>> from sklearn_metaexplain.tasks import TaskAutoencoder
    >>> tables = {
    ...     "diabetes": load_diabetes(return_X_y=True),
    ...     "iris": load_iris(return_X_y=True),
    ...     "wine": load_wine(return_X_y=True),
    ... }
    >>> first = {name: (X[::2], y[::2]) for name, (X, y) in tables.items()}
    >>> autoencoder = TaskAutoencoder(random_state=0).fit(first)
    >>> X, y = tables["iris"]
    >>> autoencoder.nearest_tasks((X[1::2], y[1::2]), n_neighbors=2).names[0]
    'iris'
    >>> autoencoder.reconstruct((X, y)).shape
    (150, 3)
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "pretrained": [str, PathLike],
        "max_rows": [Interval(Integral, LEAST_ROWS, None, closed="left")],
        "target_type": [StrOptions({"auto", "labels", "targets"})],
        "off_prior_quantile": [Interval(Real, 0, 1, closed="both")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        pretrained: str | PathLike = "default",
        *,
        max_rows: int = 256,
        target_type: str = "auto",
        off_prior_quantile: float = 0.95,
        random_state: Any = None,
    ) -> None:
        self.pretrained = pretrained
        self.max_rows = max_rows
        self.target_type = target_type
        self.off_prior_quantile = off_prior_quantile
        self.random_state = random_state

    def fit(self, tasks: Any, y: Any = None) -> TaskAutoencoder:
        """Keep a library of tasks.

        Parameters
        ----------
        tasks : list of pairs, or mapping of str to pair
            Tasks, each ``(X, y)`` or ``(X, fitted model)``.
        y : None
            Not used.

        Returns
        -------
        self : TaskAutoencoder
            With the library.

        Raises
        ------
        TypeError
            If `tasks` are no pairs, or a model is no classifier or regressor.
        ValueError
            If a table or a target cannot be read; the message names the task.
        """
        pretrained = self._load_weights()
        names, kinds, vectors = self._describe(tasks, pretrained, draw_seed(self.random_state))
        # What a library is compared with comes from the network that made its vectors.
        self._pretrained_ = pretrained
        self.names_ = np.asarray(names, dtype=object)
        self.kinds_ = np.asarray(kinds, dtype=object)
        self.vectors_ = vectors
        self._n_features_out = vectors.shape[1]
        return self

    def transform(self, tasks: Any) -> np.ndarray:
        """Turn tasks into vectors.

        Parameters
        ----------
        tasks : list of pairs, or mapping of str to pair
            As for `fit`.

        Returns
        -------
        vectors : ndarray of shape (n_tasks, 64)
            Of length 1: the squared distance of two is twice one minus their cosine.

        Raises
        ------
        TypeError, ValueError
            As `fit`.
        """
        return self._describe(tasks, *self._load())[2]

    def fit_transform(self, tasks: Any, y: Any = None) -> np.ndarray:
        """Keep a library of tasks and return its vectors.

        Parameters
        ----------
        tasks : list of pairs, or mapping of str to pair
            As for `fit`.
        y : None
            Not used.

        Returns
        -------
        vectors : ndarray of shape (n_tasks, 64)
            As of `transform`.
        """
        # Not through `transform`, which would read all tasks again.
        return self.fit(tasks).vectors_.copy()

    def nearest_tasks(self, task: Any, n_neighbors: int = 5) -> Bunch:
        """Find the tasks of the library that are most like a task.

        Parameters
        ----------
        task : pair
            ``(X, y)`` or ``(X, fitted model)``.
        n_neighbors : int, default=5
            How many.

        Returns
        -------
        nearest : Bunch
            `distances`, `indices` (positions in the library) and `names`, each of shape
            (n_neighbors,), nearest first. Distances are from 0 to 2.

        Raises
        ------
        NotFittedError
            If there is no library.
        ValueError
            If the library has fewer tasks than `n_neighbors`.
        """
        check_is_fitted(self, "vectors_")
        n_tasks = len(self.names_)
        if not isinstance(n_neighbors, Integral) or not 1 <= n_neighbors <= n_tasks:
            raise ValueError(
                f"n_neighbors={n_neighbors!r} must be from 1 to the number of tasks in the "
                f"library, {n_tasks}; pass a smaller number, or fit on more tasks."
            )
        vector = self.transform([task])[0]
        distances = np.linalg.norm(self.vectors_ - vector, axis=1)
        indices = np.argsort(distances, kind="stable")[:n_neighbors]
        return Bunch(distances=distances[indices], indices=indices, names=self.names_[indices])

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        # What is transformed are tasks, not a table, and weights come ready made.
        tags.input_tags.two_d_array = False
        tags.no_validation = True
        tags.requires_fit = False
        return tags

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "vectors_")

    def _load_weights(self) -> PretrainedAutoencoder:
        self._validate_params()
        pretrained = load_autoencoder(self.pretrained)
        # In double precision, in which the order of sums does not matter.
        pretrained.network.double()
        return pretrained

    def _load(self) -> tuple[PretrainedAutoencoder, int]:
        self._validate_params()
        pretrained = getattr(self, "_pretrained_", None) or self._load_weights()
        return pretrained, draw_seed(self.random_state)

    def _prepare(self, task: Any) -> tuple[PretrainedAutoencoder, TaskTable, int]:
        pretrained, seed = self._load()
        return pretrained, check_task(self, task, self.target_type), seed

    def _describe(
        self, tasks: Any, pretrained: PretrainedAutoencoder, seed: int
    ) -> tuple[list[str], list[str], np.ndarray]:
        named = name_tasks(tasks)
        kinds, vectors = [], []
        nothing = np.empty(0, dtype=np.intp)
        for name, task in named:
            try:
                table = check_task(self, task, self.target_type)
                reading = read_task(table, self._rows_read(len(table), seed), nothing)
            except (TypeError, ValueError) as error:
                raise type(error)(f"Task {name!r}: {error}") from error
            with torch.no_grad():
                codes = [pretrained.network.encode(*each) for each in reading.passes]
            vectors.append(task_vector(codes).numpy())
            kinds.append(table.kind)
        return [name for name, _ in named], kinds, np.stack(vectors)

    def _rows_read(self, n_rows: int, seed: int) -> np.ndarray:
        if n_rows <= self.max_rows:
            return np.arange(n_rows)
        return np.random.RandomState(seed).permutation(n_rows)[: self.max_rows]
