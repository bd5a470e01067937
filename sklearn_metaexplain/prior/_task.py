"""Tasks: a random table and a random model of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sklearn_metaexplain.prior._fitted import (
    ESTIMATORS,
    FittedModel,
    fit_model,
    sample_training_rows,
)
from sklearn_metaexplain.prior._functions import sample_function
from sklearn_metaexplain.prior._links import LinkedModel, link_function
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


@dataclass(frozen=True)
class Task:
    """A table and a model to be explained.

    Parameters
    ----------
    table : ndarray of shape (n_rows, n_columns)
        Numbers in float64, on raw scales, NaN where missing.
    model : callable, (n, n_columns) -> (n,)
        A pure function with finite float64 outputs, also on hybrid rows and missing cells.
    family : str
        Out of `FAMILIES`.
    """

    table: np.ndarray
    model: LinkedModel | FittedModel
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
    family = allowed[rng.choice(len(allowed), p=shares / shares.sum())]
    width = n_columns
    if width is None:
        # Half a column beyond either end, so that the ends are not rarer than their neighbours.
        width = round(math.exp(rng.uniform(math.log(1.5), math.log(_MOST_COLUMNS + 0.5))))
        width = min(max(width, 2), _MOST_COLUMNS)
    for _ in range(_ATTEMPTS):
        try:
            table, model = _sample_pair(rng, family, width, n_rows)
        except np.linalg.LinAlgError:
            # Some estimators refuse classes with fewer rows than columns.
            continue
        if _varies(model(table)):
            return Task(table, model, family)
    raise RuntimeError(f"No model of family {family!r} varied over its table.")


def _sample_pair(
    rng: np.random.Generator, family: str, n_columns: int, n_rows: int
) -> tuple[np.ndarray, LinkedModel | FittedModel]:
    if family.startswith(_FITTED):
        name = family.removeprefix(_FITTED)
        n_training = sample_training_rows(rng, name)
        rows = sample_table(rng, n_rows=max(n_rows, n_training), n_columns=n_columns).values
        model = fit_model(rng, rows[:n_training], name)
        return rows[rng.permutation(len(rows))[:n_rows]], model
    table = sample_table(rng, n_rows=n_rows, n_columns=n_columns).values
    n_outputs = int(rng.integers(2, 5)) if rng.random() < _SOFTMAX_SHARE else 1
    function = sample_function(rng, table, family, n_outputs)
    return table, link_function(rng, function, table)


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
