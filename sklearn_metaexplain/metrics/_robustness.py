"""How much explanations change when rows hardly do."""

from __future__ import annotations

from collections.abc import Iterator
from numbers import Integral, Real
from typing import Any, NamedTuple

import numpy as np
from sklearn.utils._param_validation import Interval, validate_params

from sklearn_metaexplain._arrays import unit_of
from sklearn_metaexplain._rows import take_rows
from sklearn_metaexplain._validation import draw_seed
from sklearn_metaexplain.base import explain
from sklearn_metaexplain.metrics._neighbours import Neighbourhood
from sklearn_metaexplain.metrics._outputs import (
    attributions_of,
    chosen_outputs,
    mean_over_chosen,
    of_outputs,
)
from sklearn_metaexplain.metrics._similarity import relative_distance

__all__ = ["ROBUSTNESS_CONSTRAINTS", "draw_rows", "local_lipschitz", "max_sensitivity"]

ROBUSTNESS_CONSTRAINTS: dict[str, list[Any]] = {
    "radius": [Interval(Real, 0, None, closed="neither")],
    "n_samples": [Interval(Integral, 1, None, closed="left"), None],
    "random_state": ["random_state"],
}
_CONSTRAINTS = {
    **ROBUSTNESS_CONSTRAINTS,
    "n_neighbors": [Interval(Integral, 1, None, closed="left")],
}


@validate_params(_CONSTRAINTS, prefer_skip_nested_validation=True)
def local_lipschitz(
    explainer: Any,
    X: Any,
    y: Any = None,
    *,
    radius: float = 0.1,
    n_neighbors: int = 10,
    n_samples: int | None = None,
    reference: Any = None,
    random_state: Any = None,
) -> float:
    """Largest change of attributions relative to the change of the row, averaged over rows.

    Around each row neighbours are drawn: all its numbers move by independent uniform amounts of at
    most `radius` standard deviations of their column, within the column's range. Text, categories,
    booleans, dates and missing values stay as they are, integers stay integers.

    Parameters
    ----------
    explainer : fitted estimator
        An explainer, or a Pipeline that ends in one, a search over one, or a FrozenEstimator around
        one.
    X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
        Rows, as `explainer` takes them.
    y : object, default=None
        Not used, present for API consistency by convention.
    radius : float, default=0.1
        Largest move of a number, in standard deviations of its column.
    n_neighbors : int, default=10
        Neighbours drawn of each row.
    n_samples : int, default=None
        Most rows that are explained, drawn from `X`. None: all.
    reference : table of shape (n_reference, n_features), default=None
        Rows that give the standard deviations and ranges. None: `X`.
    random_state : int, RandomState or None, default=None
        Seed of rows and neighbours.

    Returns
    -------
    constant : float
        In units of the output a standard deviation, not negative, lower is better. Of the class
        that is predicted for the row, or each target of a regressor. NaN if no row has moved.

    Raises
    ------
    ValueError
        If `X` has no column of numbers that vary.
    TypeError
        If there is no explainer in `explainer`.
    RuntimeError
        If the explainer returns attributions that are NaN or infinite.

    See Also
    --------
    max_sensitivity : Relative to the attributions, whatever the change of the row.
    adversarial_search : Neighbours are searched for, categories swapped.

    Notes
    -----
    This is the mean over rows of the local Lipschitz estimate of [1]_, with neighbours that are
    drawn instead of optimised, and Euclidean norms; distances of rows are in standard deviations,
    and neighbours that rounding leaves where they were do not count. A model that
    itself changes steeply, as trees do, has no explanation that is both faithful and smooth:
    compare explainers of the same model.

    References
    ----------
    .. [1] D. Alvarez-Melis and T. S. Jaakkola, "On the robustness of interpretability methods",
       WHI workshop, ICML, 2018. https://arxiv.org/abs/1806.08049

    Examples
    --------
    A linear model whose columns have the spread 1 and weights 3 and 4:

    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> from sklearn_metaexplain import ShapExplainer
    >>> from sklearn_metaexplain.metrics import local_lipschitz
    >>> X = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
    >>> explainer = ShapExplainer(LinearRegression(), random_state=0).fit(X, X @ [3.0, 4.0])
    >>> round(local_lipschitz(explainer, X, random_state=0), 1)
    4.0
    """
    largest = []
    for cloud in _clouds(explainer, X, radius, n_neighbors, n_samples, reference, random_state):
        changes = cloud.attributions - cloud.own[:, None]
        unit = unit_of(changes)
        changes = np.linalg.norm(changes / unit, axis=2) * unit
        slopes = changes / np.where(cloud.distances > 0, cloud.distances, 1.0)
        largest.append(_largest_of_moved(slopes, cloud))
    return mean_over_chosen(np.concatenate(largest))


@validate_params(_CONSTRAINTS, prefer_skip_nested_validation=True)
def max_sensitivity(
    explainer: Any,
    X: Any,
    y: Any = None,
    *,
    radius: float = 0.1,
    n_neighbors: int = 10,
    n_samples: int | None = None,
    reference: Any = None,
    random_state: Any = None,
) -> float:
    """Largest relative change of attributions near a row, averaged over rows.

    Around each row neighbours are drawn: all its numbers move by independent uniform amounts of at
    most `radius` standard deviations of their column, within the column's range. Text, categories,
    booleans, dates and missing values stay as they are, integers stay integers.

    Parameters
    ----------
    explainer : fitted estimator
        An explainer, or a Pipeline that ends in one, a search over one, or a FrozenEstimator around
        one.
    X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
        Rows, as `explainer` takes them.
    y : object, default=None
        Not used, present for API consistency by convention.
    radius : float, default=0.1
        Largest move of a number, in standard deviations of its column.
    n_neighbors : int, default=10
        Neighbours drawn of each row.
    n_samples : int, default=None
        Most rows that are explained, drawn from `X`. None: all.
    reference : table of shape (n_reference, n_features), default=None
        Rows that give the standard deviations and ranges. None: `X`.
    random_state : int, RandomState or None, default=None
        Seed of rows and neighbours.

    Returns
    -------
    sensitivity : float
        Not negative, lower is better: Euclidean norm of the change over that of the row's own
        attributions, of the class that is predicted for the row, or each target of a regressor.
        NaN if no row has moved.

    Raises
    ------
    ValueError
        If `X` has no column of numbers that vary.
    TypeError
        If there is no explainer in `explainer`.
    RuntimeError
        If the explainer returns attributions that are NaN or infinite.

    See Also
    --------
    local_lipschitz : Relative to the change of the row.
    adversarial_search : Neighbours are searched for, categories swapped.

    Notes
    -----
    The max-sensitivity of [1]_, estimated from neighbours drawn, and divided by the norm of the
    row's own attributions as in captum, so that units do not count. Attributions of zero are
    divided by one. Neighbours that rounding leaves where they were do not count.

    References
    ----------
    .. [1] C.-K. Yeh et al., "On the (in)fidelity and sensitivity of explanations", NeurIPS, 2019.
       https://arxiv.org/abs/1901.09392

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> from sklearn_metaexplain import ShapExplainer
    >>> from sklearn_metaexplain.metrics import max_sensitivity
    >>> X = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
    >>> explainer = ShapExplainer(LinearRegression(), random_state=0).fit(X, X @ [3.0, 4.0])
    >>> max_sensitivity(explainer, X, radius=0.1, random_state=0) <= 0.1
    True
    """
    largest = []
    for cloud in _clouds(explainer, X, radius, n_neighbors, n_samples, reference, random_state):
        changes = relative_distance(cloud.attributions, cloud.own[:, None])
        largest.append(_largest_of_moved(changes, cloud))
    return mean_over_chosen(np.concatenate(largest))


class _Cloud(NamedTuple):
    """Attributions of one output of rows and of their neighbours."""

    own: np.ndarray  # (n_samples, n_features)
    attributions: np.ndarray  # (n_samples, n_neighbors, n_features)
    distances: np.ndarray  # (n_samples, n_neighbors), of the rows, in standard deviations


def _largest_of_moved(changes: np.ndarray, cloud: _Cloud) -> np.ndarray:
    """Largest of each row's neighbours, which say nothing where they are the row itself."""
    moved = cloud.distances > 0
    return np.where(moved, changes, -np.inf).max(axis=1)[moved.any(axis=1)]


def draw_rows(random: np.random.RandomState, n_rows: int, n_samples: int | None) -> np.ndarray:
    """Positions of at most n_samples rows; None: of all, in order."""
    if n_samples is None or n_samples >= n_rows:
        return np.arange(n_rows)
    return random.permutation(n_rows)[:n_samples]


def _clouds(
    explainer: Any,
    X: Any,
    radius: float,
    n_neighbors: int,
    n_samples: int | None,
    reference: Any,
    random_state: Any,
) -> Iterator[_Cloud]:
    """Explain rows and their neighbours; one cloud for each chosen output."""
    near = Neighbourhood(X, reference)
    if not near.can_move.any():
        raise ValueError(
            "X has no column of numbers that vary, so there is nothing to move; pass rows that "
            "differ as reference, or use adversarial_search, which swaps categories."
        )
    random = np.random.RandomState(draw_seed(random_state))
    rows = draw_rows(random, near.table.shape[0], n_samples)
    shifts = radius * random.uniform(-1.0, 1.0, size=(len(rows) * n_neighbors, len(near.can_move)))
    neighbours, moved = near.move(np.repeat(rows, n_neighbors), shifts)
    own = explain(explainer, take_rows(near.table, rows))
    theirs = explain(explainer, neighbours)
    distances = np.linalg.norm(moved, axis=1).reshape(len(rows), n_neighbors)
    of_rows, of_neighbours = attributions_of(own), attributions_of(theirs)
    for outputs in chosen_outputs(own).T:
        attributions = of_outputs(of_neighbours, np.repeat(outputs, n_neighbors))
        yield _Cloud(
            of_outputs(of_rows, outputs),
            attributions.reshape(len(rows), n_neighbors, -1),
            distances,
        )
