"""LIME's local linear model around one row."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from sklearn.utils.parallel import Parallel, delayed

from sklearn_metaexplain._cells import numbers_like, with_columns
from sklearn_metaexplain._columns import as_float, columns_of
from sklearn_metaexplain.posthoc._lime_columns import LimeColumns

__all__ = ["LocalModel", "fit_local_model"]


class LocalModel(NamedTuple):
    """What LIME fitted around a row, for each output that is computed."""

    values: np.ndarray  # (n_features, n_computed), coefficients times what they multiply
    intercept: np.ndarray  # (n_computed,)
    score: np.ndarray  # (n_computed,), weighted R^2
    n_evaluations: int  # rows that the model was asked for


def fit_local_model(
    lime_tabular: Any,
    columns: LimeColumns,
    row: Any,
    groups: np.ndarray,
    can_matter: np.ndarray,
    prediction: np.ndarray,
    predict: Callable[[Any], np.ndarray],
    *,
    n_samples: int,
    n_features: int | None,
    kernel_width: float,
    batch_size: int,
    n_jobs: int | None,
    seed: int,
) -> LocalModel:
    """Sample around a row, ask the model, and fit LIME's weighted linear model.

    Parameters
    ----------
    lime_tabular : module
        That of the lime library.
    columns : LimeColumns
        What training has shown of the columns.
    row : table of one row
        The explained row.
    groups : ndarray of int of shape (n_features,)
        Its groups in `columns`.
    can_matter : ndarray of bool of shape (n_features,)
        The columns that are perturbed; others keep the row's value.
    prediction : ndarray of shape (n_computed,)
        The model's outputs for the row.
    predict : callable
        From a table of n rows to outputs of shape (n, n_computed).
    n_samples : int
        Rows to fit to, of which the explained row is one.
    n_features : int or None
        Most columns with a coefficient. None: all.
    kernel_width : float
        Width of the kernel over distances between interpretable features.
    batch_size : int
        Rows built at once by each thread.
    n_jobs : int or None
        Threads that build and ask for them.
    seed : int
        Seed of all draws.
    """
    moving = np.flatnonzero(can_matter & _can_move(columns, groups))
    values = np.zeros((len(groups), len(prediction)))
    if len(moving) == 0:
        return LocalModel(values, prediction.copy(), np.ones(len(prediction)), 0)
    lime_seed, cell_seed = np.random.RandomState(seed).randint(np.iinfo(np.int32).max, size=2)
    is_number = np.array([columns.columns[j].kind == "numbers" and groups[j] == 0 for j in moving])
    explainer = _make_lime(
        lime_tabular, columns, groups, moving, is_number, kernel_width, n_features, lime_seed
    )
    samples = _Samples(columns, row, moving, is_number, predict, batch_size, n_jobs, cell_seed)
    fits: dict[int, Any] = {}
    fit_one = explainer.base.explain_instance_with_data

    def fit_and_keep(
        data: Any, labels: Any, distances: Any, output: int, *rest: Any, **kwargs: Any
    ):
        # Not what LIME drew: integers are rounded and stay within the limits of their dtype.
        mean, scale = explainer.scaler.mean_[is_number], explainer.scaler.scale_[is_number]
        data[1:, is_number] = (np.concatenate(samples.numbers) - mean) / scale
        # LIME itself keeps the score of the last output only.
        fits[output] = fit_one(data, labels, distances, output, *rest, **kwargs)
        return fits[output]

    def ask(drawn: np.ndarray) -> np.ndarray:
        outputs = np.concatenate([prediction[None], *samples.ask(drawn[1:])])
        # LIME insists on outputs that sum to one; the column added is not explained.
        return np.column_stack([outputs, 1.0 - outputs.sum(axis=1)])

    explainer.base.explain_instance_with_data = fit_and_keep
    numbers = columns.numbers_of(row)[0]
    point = np.where(is_number, numbers[moving], groups[moving]).astype(np.float64)
    explainer.explain_instance(
        point,
        ask,
        labels=range(len(prediction)),
        num_features=len(moving) if n_features is None else n_features,
        num_samples=n_samples,
    )
    multiplied = np.where(is_number, (point - explainer.scaler.mean_) / explainer.scaler.scale_, 1)
    for output, (_, coefficients, _, _) in fits.items():
        for feature, coefficient in coefficients:
            values[moving[feature], output] = coefficient * multiplied[feature]
    intercept = np.array([fits[k][0] for k in range(len(prediction))])
    score = np.array([fits[k][2] for k in range(len(prediction))])
    return LocalModel(values, intercept, score, n_samples - 1)


class _Samples:
    """Rows near a row, by what LIME draws of their moving columns.

    Parameters
    ----------
    columns : LimeColumns
        What training has shown of the columns.
    row : table of one row
        Gives the cells that do not move.
    moving : ndarray of int of shape (n_moving,)
        Columns that LIME draws.
    is_number : ndarray of bool of shape (n_moving,)
        Those of which it draws numbers; of others it draws groups.
    predict, batch_size, n_jobs
        As of `fit_local_model`.
    seed : int
        Of the cells that are drawn from groups.

    Attributes
    ----------
    numbers : list of ndarray of shape (n, n_numbers)
        What became of the numbers in the rows that were asked about, batch by batch.
    """

    def __init__(
        self,
        columns: LimeColumns,
        row: Any,
        moving: np.ndarray,
        is_number: np.ndarray,
        predict: Callable[[Any], np.ndarray],
        batch_size: int,
        n_jobs: int | None,
        seed: int,
    ) -> None:
        self._columns, self._row, self._predict = columns, row, predict
        self._moving, self._is_number = moving, is_number
        self._batch_size, self._n_jobs = batch_size, n_jobs
        self._rng = np.random.RandomState(seed)
        self.numbers: list[np.ndarray] = []

    def ask(self, drawn: np.ndarray) -> list[np.ndarray]:
        """The model's outputs of rows drawn, (n, n_moving), batch by batch."""
        n_columns = len(self._columns.columns)
        batches = (
            drawn[start : start + self._batch_size]
            for start in range(0, len(drawn), self._batch_size)
        )
        # Drawn here and row by row: neither threads nor batches change what is drawn.
        tasks = (
            delayed(self._ask_batch)(batch, self._rng.random_sample((len(batch), n_columns)))
            for batch in batches
        )
        parallel = Parallel(n_jobs=self._n_jobs, require="sharedmem")
        answers, numbers = zip(*parallel(tasks), strict=True)
        self.numbers.extend(numbers)
        return list(answers)

    def _ask_batch(self, batch: np.ndarray, uniform: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        groups = np.full(uniform.shape, -1)
        groups[:, self._moving] = np.where(self._is_number, 0, batch).astype(np.int64)
        table = self._columns.draw(groups, self._row, uniform)
        numeric = np.flatnonzero(self._is_number)
        cells = columns_of(table) if len(numeric) else []
        new = {
            j: numbers_like(cells[j], batch[:, k], whole=self._columns.columns[j].whole)
            for k, j in zip(numeric, self._moving[numeric].tolist(), strict=True)
        }
        numbers = np.empty((len(batch), len(numeric)))
        for k, column in enumerate(new.values()):
            numbers[:, k] = as_float(column)
        return self._predict(with_columns(table, new)), numbers


def _can_move(columns: LimeColumns, groups: np.ndarray) -> np.ndarray:
    moves = []
    for column, group in zip(columns.columns, groups, strict=True):
        others = column.shares > 0
        if group < len(others) and (column.kind != "numbers" or group == 1):
            others = np.delete(others, group)
        moves.append(others.any())
    return np.array(moves)


def _make_lime(
    lime_tabular: Any,
    columns: LimeColumns,
    groups: np.ndarray,
    moving: np.ndarray,
    is_number: np.ndarray,
    kernel_width: float,
    n_features: int | None,
    seed: int,
) -> Any:
    """A LimeTabularExplainer of the moving columns, from their frequencies alone."""
    categorical = np.flatnonzero(~is_number).tolist()
    frequent = {}
    shares = {}
    for k in categorical:
        column = columns.columns[moving[k]]
        frequent[k] = np.flatnonzero(column.shares > 0)
        shares[k] = column.shares[frequent[k]]
    # With these statistics LIME looks at the shape of the training data alone.
    statistics: dict[str, Any] = {"means": {}, "mins": {}, "maxs": {}, "stds": {}}
    statistics |= {"feature_values": frequent, "feature_frequencies": shares}
    explainer = lime_tabular.LimeTabularExplainer(
        np.zeros((1, len(moving))),
        categorical_features=categorical,
        kernel_width=kernel_width,
        feature_selection="none" if n_features is None else "auto",
        discretize_continuous=False,
        random_state=int(seed),
        training_data_stats=statistics,
    )
    for k in np.flatnonzero(is_number).tolist():
        explainer.scaler.mean_[k] = columns.columns[moving[k]].mean
        explainer.scaler.scale_[k] = columns.columns[moving[k]].scale
    return explainer
