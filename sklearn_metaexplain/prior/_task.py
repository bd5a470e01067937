"""Tasks: a random table and a random model of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sklearn_metaexplain.prior._fitted import (
    ESTIMATORS,
    FittedModel,
    fit_model,
    sample_training_rows,
)
from sklearn_metaexplain.prior._functions import sample_function
from sklearn_metaexplain.prior._links import LinkedModel, link_function
from sklearn_metaexplain.prior._mixed import ReadModel, read_numbers, sample_categories
from sklearn_metaexplain.prior._tables import sample_table

_FITTED = "fitted:"
#: Mean share of each family of models among tasks: a third are fitted.
FAMILY_SHARES = {
    "network": 0.12,
    "forest": 0.09,
    "boosting": 0.08,
    "oblivious": 0.05,
    "kernel": 0.08,
    "neighbours": 0.05,
    "additive": 0.08,
    "bayes": 0.05,
    "quadratic": 0.03,
    "combined": 0.04,
} | {_FITTED + name: 0.33 / len(ESTIMATORS) for name in ESTIMATORS}
#: Every family of models.
FAMILIES = tuple(FAMILY_SHARES)

_MOST_COLUMNS = 30
_LEAST_ROWS = 16
# Where softmax takes the place of the other links.
_SOFTMAX_SHARE = 0.15
_ATTEMPTS = 100
# Fitted models of tables with categories whose labels depend on what was cut into these.
_HIDDEN_SHARE = 0.7
# How much likelier models are fitted where there are categories: two thirds are.
_FITTED_WEIGHT = 4.0


@dataclass(frozen=True)
class Task:
    """A table and a model to be explained.

    Parameters
    ----------
    table : ndarray or DataFrame of shape (n_rows, n_columns)
        Numbers in float64, on raw scales, NaN where missing; a DataFrame has columns of
        categories, too.
    model : callable, (n, n_columns) -> (n,)
        A pure function with finite float64 outputs, also on hybrid rows and missing cells.
    family : str
        Out of `FAMILIES`.
    """

    table: Any
    model: LinkedModel | FittedModel | ReadModel
    family: str

    @property
    def probabilities(self) -> bool:
        """Whether the outputs are probabilities."""
        return self.model.gives_probabilities


def sample_task(
    rng: np.random.Generator,
    *,
    n_columns: int | None = None,
    n_rows: int = 256,
    families: Sequence[str] | None = None,
    categories: bool = False,
) -> Task:
    """Draw a task: a table of many kinds of columns and a model of one of many families.

    Parameters
    ----------
    rng : numpy.random.Generator
        The only source of randomness: the same state gives the same task.
    n_columns : int, default=None
        By default log-uniform from 2 to 30.
    n_rows : int, default=256
        Rows of the table, at least 16.  A fitted model has seen up to 1,000, most of these among
        them.
    families : sequence of str, default=None
        Out of `FAMILIES`, or "fitted" for all fitted ones; by default all, in the proportions of
        `FAMILY_SHARES`.
    categories : bool, default=False
        Whether some columns, one at least, are of categories: the model reads these as numbers
        of its own, and the table is a DataFrame.

    Returns
    -------
    task : Task
        Its model's outputs over the table have a standard deviation above a thousandth of their
        root mean square.

    Raises
    ------
    ValueError
        If a family is not known, or `n_columns` or `n_rows` is too small.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_metaexplain.prior import sample_task
    >>> task = sample_task(np.random.default_rng(0), n_columns=3, families=["network"])
    >>> task.family, task.table.shape, task.model(task.table[:5]).shape
    ('network', (256, 3), (5,))
    """
    allowed = _resolve(families)
    if n_rows < _LEAST_ROWS:
        raise ValueError(f"n_rows={n_rows} is too small: give at least {_LEAST_ROWS}.")
    if n_columns is not None and n_columns < 1:
        raise ValueError(f"n_columns={n_columns} is too small: give at least 1.")
    shares = np.array([FAMILY_SHARES[name] for name in allowed])
    if categories:
        shares[[name.startswith(_FITTED) for name in allowed]] *= _FITTED_WEIGHT
    family = allowed[rng.choice(len(allowed), p=shares / shares.sum())]
    width = n_columns
    if width is None:
        # Half a column beyond either end, so that the ends are not rarer than their neighbours.
        width = round(math.exp(rng.uniform(math.log(1.5), math.log(_MOST_COLUMNS + 0.5))))
        width = min(max(width, 2), _MOST_COLUMNS)
    for _ in range(_ATTEMPTS):
        try:
            table, model = _sample_pair(rng, family, width, n_rows, categories)
        except np.linalg.LinAlgError:
            # Some estimators refuse classes with fewer rows than columns.
            continue
        if _varies(model(table)):
            return Task(table, model, family)
    raise RuntimeError(f"No model of family {family!r} varied over its table.")


def _sample_pair(
    rng: np.random.Generator, family: str, n_columns: int, n_rows: int, categories: bool
) -> tuple[Any, LinkedModel | FittedModel | ReadModel]:
    name = family.removeprefix(_FITTED)
    is_fitted = name != family
    n_training = sample_training_rows(rng, name) if is_fitted else n_rows
    values = sample_table(rng, n_rows=max(n_rows, n_training), n_columns=n_columns).values
    table: Any = values
    read, numbers = values, None
    if categories:
        table, numbers = sample_categories(rng, values)
        read = read_numbers(numbers, table)
    model: LinkedModel | FittedModel
    if is_fitted:
        # Categories show coarsely what labels depend on.
        hidden = values[:n_training] if categories and rng.random() < _HIDDEN_SHARE else None
        model = fit_model(rng, read[:n_training], name, hidden)
        rows = rng.permutation(len(read))[:n_rows]
        table = table[rows] if numbers is None else table.iloc[rows].reset_index(drop=True)
    else:
        n_outputs = int(rng.integers(2, 5)) if rng.random() < _SOFTMAX_SHARE else 1
        model = link_function(rng, sample_function(rng, read, family, n_outputs), read)
    return table, model if numbers is None else ReadModel(numbers, model)


def _resolve(families: Sequence[str] | None) -> list[str]:
    if families is None:
        return list(FAMILIES)
    allowed: list[str] = []
    for name in families:
        matching = [known for known in FAMILIES if known == name or known.split(":")[0] == name]
        if not matching:
            raise ValueError(
                f"Unknown family {name!r}: choose among 'fitted' and {', '.join(FAMILIES)}."
            )
        allowed += matching
    if not allowed:
        raise ValueError("families is empty: name at least one, or leave it out.")
    return allowed


def _varies(outputs: np.ndarray) -> bool:
    return bool(outputs.std() > max(1e-3 * np.sqrt((outputs**2).mean()), 1e-9))
