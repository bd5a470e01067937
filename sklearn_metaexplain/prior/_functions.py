"""The families of random functions."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sklearn_metaexplain.prior._additive import sample_additive
from sklearn_metaexplain.prior._bayes import sample_naive_bayes, sample_quadratic
from sklearn_metaexplain.prior._columns import RawFunction
from sklearn_metaexplain.prior._combined import combine
from sklearn_metaexplain.prior._forests import sample_boosting, sample_forest, sample_oblivious
from sklearn_metaexplain.prior._kernels import sample_kernel_machine, sample_neighbours
from sklearn_metaexplain.prior._networks import sample_network

#: sampler(rng, table, n_outputs) of a function (n, n_columns) -> (n, n_outputs).
Sampler = Callable[[np.random.Generator, np.ndarray, int], RawFunction]

_SMOOTH: dict[str, Sampler] = {
    "network": sample_network,
    "kernel": sample_kernel_machine,
    "neighbours": sample_neighbours,
    "additive": sample_additive,
    "bayes": sample_naive_bayes,
    "quadratic": sample_quadratic,
}
_TREES = {
    "forest": sample_forest,
    "boosting": sample_boosting,
    "oblivious": sample_oblivious,
}
#: Families of random functions.
FUNCTION_FAMILIES = (*_SMOOTH, *_TREES, "combined")
# Functions of the table that the trees of one forest may follow.
_N_TARGETS = 6


def sample_function(
    rng: np.random.Generator, table: np.ndarray, family: str, n_outputs: int = 1
) -> RawFunction:
    """Draw a function of the columns of a table.

    Parameters
    ----------
    rng : numpy.random.Generator
    table : ndarray of shape (n_rows, n_columns)
        Rows to which scales, thresholds, centres and neighbours refer; NaN where missing.
    family : str
        Out of `FUNCTION_FAMILIES`.
    n_outputs : int, default=1

    Returns
    -------
    function : callable, (n, n_columns) -> (n, n_outputs)
        Not standardised; finite for any cells, missing ones too.
    """
    if family == "combined":
        simple = FUNCTION_FAMILIES[:-1]
        first, second = (
            sample_function(rng, table, simple[i], n_outputs)
            for i in rng.integers(len(simple), size=2)
        )
        gate = None
        if rng.random() < 0.5:
            gate = sample_function(rng, table, simple[rng.integers(len(simple))])
        return combine(rng, table, first, second, gate)
    if family in _SMOOTH:
        return _SMOOTH[family](rng, table, n_outputs)
    followed = _SMOOTH[list(_SMOOTH)[rng.integers(len(_SMOOTH))]](rng, table, _N_TARGETS)
    targets = followed(table)
    targets = (targets - targets.mean(0)) / (targets.std(0) + 1e-9)
    return _TREES[family](rng, table, targets, n_outputs)
