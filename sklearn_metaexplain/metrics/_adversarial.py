"""Search for rows near a row that are predicted alike and explained differently."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils._param_validation import Interval, validate_params

from sklearn_metaexplain._explanation import Explanation
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
from sklearn_metaexplain.metrics._robustness import ROBUSTNESS_CONSTRAINTS, draw_rows
from sklearn_metaexplain.metrics._same_prediction import is_same_prediction, tolerances
from sklearn_metaexplain.metrics._similarity import relative_distance

__all__ = ["AdversarialRows", "adversarial_search", "adversarial_sensitivity"]


@dataclass(frozen=True, eq=False)
class AdversarialRows:
    """What `adversarial_search` returns.

    Parameters
    ----------
    rows : {ndarray, CSR, DataFrame} of shape (n_samples, n_features)
        The rows that were found; a row itself where none is explained differently.
    positions : ndarray of int of shape (n_samples,)
        Rows of `X` that the search started from.
    before, after : Explanation
        Of these rows, and of those found.
    distances : ndarray of shape (n_samples,)
        Euclidean norm of the attributions' change over that of the attributions before, of the
        class that is predicted; mean over a regressor's targets. NaN for rows that no candidate
        differed from.

    Attributes
    ----------
    score : float
        Mean of the `distances` that are not NaN; NaN if all are.
    """

    rows: Any
    positions: np.ndarray
    before: Explanation
    after: Explanation
    distances: np.ndarray

    @property
    def score(self) -> float:
        """Mean distance; lower is more robust."""
        return mean_over_chosen(self.distances)


_CONSTRAINTS: dict[str, list[Any]] = {
    **ROBUSTNESS_CONSTRAINTS,
    "n_swaps": [Interval(Integral, 0, None, closed="left")],
    "tolerance": [Interval(Real, 0, None, closed="neither"), None],
    "n_rounds": [Interval(Integral, 1, None, closed="left")],
    "n_candidates": [Interval(Integral, 1, None, closed="left")],
}


@validate_params(_CONSTRAINTS, prefer_skip_nested_validation=True)
def adversarial_search(
    explainer: Any,
    X: Any,
    *,
    radius: float = 0.1,
    n_swaps: int = 1,
    tolerance: float | None = None,
    n_rounds: int = 5,
    n_candidates: int = 10,
    n_samples: int | None = None,
    reference: Any = None,
    random_state: Any = None,
) -> AdversarialRows:
    """Search, near each row, for one that is predicted alike and explained most differently.

    The search is greedy. In each round candidates are made of the best row so far by moving some
    of its numbers, by at most `radius` standard deviations from the original row and within the
    column's range, and by swapping some of its text, categories or booleans. Of the candidates
    whose prediction stays, the one whose attributions differ most from the original row's is kept.

    Parameters
    ----------
    explainer : fitted estimator
        An explainer, or a Pipeline that ends in one, a search over one, or a FrozenEstimator around
        one.
    X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
        Rows, as `explainer` takes them.
    radius : float, default=0.1
        Largest move of a number, in standard deviations of its column. Integers stay integers,
        missing values and dates stay as they are.
    n_swaps : int, default=1
        Most cells of a row that take another category. 0: numbers alone move.
    tolerance : float, default=None
        Largest change of the prediction, in units of the output; the predicted class must stay as
        well. None: 0.05 for probabilities, else 0.05 standard deviations of the predictions for
        the rows, of each target of a regressor.
    n_rounds : int, default=5
        Rounds of the search.
    n_candidates : int, default=10
        Candidates for each row in each round.
    n_samples : int, default=None
        Most rows searched around, drawn from `X`. None: all.
    reference : table of shape (n_reference, n_features), default=None
        Rows that give the standard deviations, ranges and categories. None: `X`.
    random_state : int, RandomState or None, default=None
        Seed of rows and candidates.

    Returns
    -------
    found : AdversarialRows
        With the `rows`, both explanations, `distances` and their mean, `score`: lower is more
        robust. Rows in which nothing moved, such as small integers, do not count.

    Raises
    ------
    ValueError
        If there is nothing to move or to swap, or no `tolerance` can be derived from the
        predictions.
    TypeError
        If there is no explainer in `explainer`.
    RuntimeError
        If the explainer returns attributions that are NaN or infinite.

    See Also
    --------
    adversarial_sensitivity : The score alone.
    max_sensitivity : Neighbours are drawn, not searched for.

    Notes
    -----
    Ghorbani et al. [1]_ follow gradients; this search needs none, and finds less than the worst
    case. It explains ``n * (n_candidates * n_rounds + 2)`` rows.

    References
    ----------
    .. [1] A. Ghorbani, A. Abid and J. Zou, "Interpretation of neural networks is fragile", AAAI,
       2019. https://doi.org/10.1609/aaai.v33i01.33013681

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_metaexplain import ShapExplainer
    >>> from sklearn_metaexplain.metrics import adversarial_search
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> explainer = ShapExplainer(LogisticRegression(max_iter=500), background=10, random_state=0)
    >>> explainer = explainer.fit(X, y)
    >>> found = adversarial_search(explainer, X, n_samples=3, n_rounds=2, random_state=0)
    >>> found.rows.shape
    (3, 4)
    >>> bool((found.before.predicted_labels == found.after.predicted_labels).all())
    True
    """
    near = Neighbourhood(X, reference)
    if not near.can_move.any() and (n_swaps == 0 or not near.can_swap.any()):
        raise ValueError(
            "X has no column of numbers that vary and no category to swap; pass rows that differ "
            "as reference."
        )
    random = np.random.RandomState(draw_seed(random_state))
    positions = draw_rows(random, near.table.shape[0], n_samples)
    before = explain(explainer, take_rows(near.table, positions))
    limits = tolerances(before) if tolerance is None else tolerance

    shape = len(positions), len(near.can_move)
    shifts, cells = np.zeros(shape), np.full(shape, -1)
    distances = np.zeros(len(positions))
    has_moved = np.zeros(len(positions), dtype=bool)
    each = np.repeat(np.arange(len(positions)), n_candidates)
    for _ in range(n_rounds):
        moved = _move_some(random, shifts[each], near.can_move, radius)
        swapped = _swap_some(random, cells[each], positions[each], near, n_swaps)
        table, changes = near.move(positions[each], moved, swapped)
        differs = (changes != 0).any(axis=1) | near.is_swapped(positions[each], swapped).any(axis=1)
        has_moved |= differs.reshape(len(positions), n_candidates).any(axis=1)
        explanation = explain(explainer, table)
        scores = _distances(before[each], explanation)
        scores[~(differs & is_same_prediction(before[each], explanation, limits))] = -1.0
        scores = scores.reshape(len(positions), n_candidates)
        best = scores.argmax(axis=1)
        better = np.flatnonzero(scores.max(axis=1) > distances)
        kept = better * n_candidates + best[better]
        shifts[better], cells[better] = moved[kept], swapped[kept]
        distances[better] = scores[better, best[better]]
    rows = near.move(positions, shifts, cells)[0]
    if isinstance(rows, pd.DataFrame):
        rows.index = near.table.index[positions]
    distances[~has_moved] = np.nan
    return AdversarialRows(rows, positions, before, explain(explainer, rows), distances)


def adversarial_sensitivity(
    explainer: Any,
    X: Any,
    y: Any = None,
    *,
    n_samples: int | None = None,
    random_state: Any = None,
    **search_params: Any,
) -> float:
    """Largest relative change of attributions that a search finds, averaged over rows.

    Parameters
    ----------
    explainer : fitted estimator
        An explainer, or a Pipeline that ends in one, a search over one, or a FrozenEstimator around
        one.
    X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
        Rows, as `explainer` takes them.
    y : object, default=None
        Not used, present for API consistency by convention.
    n_samples : int, default=None
        Most rows searched around, drawn from `X`. None: all.
    random_state : int, RandomState or None, default=None
        Seed of rows and candidates.
    **search_params : dict
        Further parameters of `adversarial_search`.

    Returns
    -------
    score : float
        Not negative, lower is better. NaN if no row has moved.

    Raises
    ------
    ValueError, TypeError, RuntimeError
        As `adversarial_search`, for instance if attributions are NaN or infinite.

    See Also
    --------
    adversarial_search : Returns the rows as well; the method and its reference.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> from sklearn_metaexplain import ShapExplainer
    >>> from sklearn_metaexplain.metrics import adversarial_sensitivity
    >>> X = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
    >>> explainer = ShapExplainer(LinearRegression(), random_state=0).fit(X, X @ [3.0, 4.0])
    >>> 0 < adversarial_sensitivity(explainer, X, radius=0.1, random_state=0) <= 0.1
    True
    """
    return adversarial_search(
        explainer, X, n_samples=n_samples, random_state=random_state, **search_params
    ).score


def _move_some(
    random: np.random.RandomState, shifts: np.ndarray, can_move: np.ndarray, radius: float
) -> np.ndarray:
    """Draw the moves of about half of the numbers anew; half of those go all the way."""
    drawn = radius * np.clip(random.uniform(-2.0, 2.0, size=shifts.shape), -1.0, 1.0)
    return np.where(can_move & (random.random_sample(shifts.shape) < 0.5), drawn, shifts)


def _swap_some(
    random: np.random.RandomState,
    cells: np.ndarray,
    positions: np.ndarray,
    near: Neighbourhood,
    n_swaps: int,
) -> np.ndarray:
    """Draw the categories of a row anew in every other candidate, of at most n_swaps cells."""
    columns = np.flatnonzero(near.can_swap)
    n_most = min(n_swaps, len(columns))
    if n_most == 0:
        return cells
    for candidate in np.flatnonzero(random.random_sample(len(cells)) < 0.5):
        cells[candidate] = -1
        for column in random.permutation(columns)[: random.randint(1, n_most + 1)]:
            cells[candidate, column] = near.draw_category(random, positions[candidate], column)
    return cells


def _distances(before: Explanation, after: Explanation) -> np.ndarray:
    changed, own = attributions_of(after), attributions_of(before)
    distances = [
        relative_distance(of_outputs(changed, outputs), of_outputs(own, outputs))
        for outputs in chosen_outputs(before).T
    ]
    return np.mean(distances, axis=0)
