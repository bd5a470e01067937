"""Accumulated local effects: what a column does to a model where there are data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.utils import Bunch
from sklearn.utils._param_validation import Interval, StrOptions, validate_params
from sklearn.utils.validation import check_is_fitted

from sklearn_metaexplain._arrays import array_of_rows
from sklearn_metaexplain._explanation_parts import labels_of
from sklearn_metaexplain._names import is_label, names_of_table, position_of
from sklearn_metaexplain.base import _unwrap, is_explainer
from sklearn_metaexplain.inspection._ale_places import (
    Places,
    grid_index,
    grid_values,
    places_of,
)
from sklearn_metaexplain.inspection._ale_sums import (
    accumulate,
    accumulate_levels,
    accumulate_pair,
)
from sklearn_metaexplain.inspection._column_view import column_view, table_column
from sklearn_metaexplain.masking import MaskedModel, RowPool

__all__ = ["accumulated_local_effects"]


@validate_params(
    {
        "estimator": "no_validation",
        "X": ["array-like", "sparse matrix"],
        "features": "no_validation",
        "n_bins": [Interval(Integral, 1, None, closed="left")],
        "level_orders": [Mapping, None],
        "units": [StrOptions({"auto", "probability", "log_odds", "raw"})],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "n_jobs": [Integral, None],
    },
    prefer_skip_nested_validation=True,
)
def accumulated_local_effects(
    estimator: Any,
    X: Any,
    features: Any,
    *,
    n_bins: int = 20,
    level_orders: Mapping[Any, Sequence[Any]] | None = None,
    units: str = "auto",
    batch_size: int = 10_000,
    n_jobs: int | None = None,
) -> Bunch:
    """Accumulated local effects of a column, or of the interaction of two, on a model.

    Local effects are changes of the model's output as a row's value moves across the small interval
    that it is in, and nothing else changes. Their means are added up along the column. Unlike
    partial dependence, the model is not asked about rows far from all data where columns are
    correlated, and the effects of other columns that vary along are not counted.

    Parameters
    ----------
    estimator : fitted classifier or regressor
        The model, or a Pipeline that ends in one.
    X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
        Rows that effects are averaged over.
    features : str, int or pair of them
        Name or position of a column: its main effect. A pair of columns of numbers: the effect of
        their interaction alone, beyond both main effects.
    n_bins : int, default=20
        Most intervals of a column of numbers, with about as many rows in each.
    level_orders : mapping of column to list, default=None
        The order of the levels of columns of categories. Columns not mentioned are ordered by their
        own dtype if it is ordered, and otherwise such that levels are neighbours whose rows are
        alike in the other columns.
    units : {"auto", "probability", "log_odds", "raw"}, default="auto"
        What the effects are measured in. "auto": probabilities where there is `predict_proba`,
        otherwise what `decision_function` or a regressor's `predict` returns.
    batch_size : int, default=10_000
        Largest number of rows passed to the model at once.
    n_jobs : int, default=None
        Threads that ask the model.

    Returns
    -------
    result : Bunch
        With

        effects : ndarray of shape (n_points, n_outputs) or (n_points_0, n_points_1, n_outputs)
            Effects, in `units`, centred: their mean over the rows is zero.
        grid_values : list of ndarray of shape (n_points,)
            For each column the ends of its intervals, or its levels, in order.
        counts : ndarray of int
            Rows in each interval, level, or cell of two intervals.
        output_names : ndarray of shape (n_outputs,)
            Classes in `classes_` order, or targets: as an explainer calls them, else y0, y1, ...
        units : str
            Units resolved.
        feature_names : list of str
            The columns' names.
        is_categorical : list of bool
            Whether columns have levels rather than intervals.
        is_date : list of bool
            Whether a column's numbers are days since 1970.
        is_duration : list of bool
            Whether a column's numbers are days that something lasts.
        n_left_out : int
            Rows where a column, or either of a pair, is missing: no effect rests on them.

    Raises
    ------
    ValueError
        If there is no such column, it has fewer than two values, a pair has a column of categories,
        or an order lacks a level.
    TypeError
        If the model is no classifier or regressor, or lacks the method that `units` needs.

    See Also
    --------
    ALEDisplay : Draws the effects.
    sklearn.inspection.partial_dependence : Averages over all rows whatever the column's value.

    Notes
    -----
    Intervals end at quantiles that are values of the column, so a column of whole numbers is never
    asked about fractions. Rows where a column is missing have no place and are left out.

    Effects are centred by their mean over the rows, linear between the ends of an interval. Of a
    linear model the effect of a column is then exactly its coefficient times the distance from the
    column's mean.

    Cells of a pair that hold no row take the local effect of the nearest that does, in intervals,
    or the mean of several that are equally near. The main effects that are taken off, and the
    centre, are weighted by the rows in each cell, as in the R package ALEPlot of the authors of
    [1]_, which also orders levels: by the first axis of classical scaling of the sums, over the
    other columns, of distances between the levels' distributions.

    The model is asked for at most ``2 * n_samples`` rows for one column and ``4 * n_samples`` for
    two, beyond the values of the grid.

    References
    ----------
    .. [1] D. W. Apley and J. Zhu, "Visualizing the effects of predictor variables in black box
       supervised learning models", Journal of the Royal Statistical Society B 82(4), 2020.
       https://doi.org/10.1111/rssb.12377

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> from sklearn_metaexplain.inspection import accumulated_local_effects
    >>> X = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 5.0], [3.0, 2.0]])
    >>> model = LinearRegression().fit(X, X @ [2.0, 10.0])
    >>> result = accumulated_local_effects(model, X, 0, n_bins=3)
    >>> result.grid_values[0]
    array([0., 1., 2., 3.])
    >>> result.effects[:, 0].round(6)
    array([-3., -1.,  1.,  3.])
    """
    check_is_fitted(estimator)
    X = X if hasattr(X, "shape") else array_of_rows(X)
    if len(X.shape) != 2 or X.shape[0] < 2:
        raise ValueError(f"X must be a table of at least 2 rows; got shape {X.shape}.")
    names = names_of_table(X)
    columns = _positions(features, names)
    orders = _known_orders(level_orders, names)
    pool = RowPool(X)
    views = [column_view(table_column(X, j), names[j], in_days=True) for j in columns]
    used = ~np.any([view.missing for view in views], axis=0)
    places = [
        places_of(X, j, view, used, n_bins, orders.get(j))
        for j, view in zip(columns, views, strict=True)
    ]
    if len(places) == 2 and any(place.view.levels is not None for place in places):
        raise ValueError(
            "Interactions are computed between columns of numbers; of "
            f"{[names[j] for j in columns]} one has categories."
        )
    model = MaskedModel(
        estimator,
        pool.take(grid_index(places, X.shape[1])),
        output=units,
        target_names=_target_names(estimator),
        batch_size=int(batch_size),
        n_jobs=n_jobs,
    )
    effects, counts = _effects(model, X, places)
    return Bunch(
        effects=model.expand_values(effects),
        grid_values=[grid_values(place) for place in places],
        counts=counts,
        output_names=labels_of(model.output_names),
        units=model.output,
        feature_names=[names[j] for j in columns],
        is_categorical=[place.view.levels is not None for place in places],
        is_date=[place.view.is_date for place in places],
        is_duration=[place.view.unit != "" for place in places],
        n_left_out=int(np.sum(~used)),
    )


def _target_names(estimator: Any) -> np.ndarray | None:
    """What an explainer calls the targets; other regressors do not know."""
    return _unwrap(estimator)[1]._explained_outputs() if is_explainer(estimator) else None


def _effects(model: MaskedModel, X: Any, places: list[Places]) -> tuple[np.ndarray, np.ndarray]:
    rows = np.flatnonzero(places[0].codes >= 0)
    codes = [place.codes[rows] for place in places]
    # The columns come from the grid, all others from the row.
    inside = np.ones(model.n_players, dtype=bool)
    inside[[place.column for place in places]] = False

    def ask(which: np.ndarray, grid: np.ndarray) -> np.ndarray:
        return model.evaluate(
            X, rows[which], grid, np.broadcast_to(inside, (len(which), len(inside)))
        )

    first = places[0]
    every = np.arange(len(rows))
    if len(places) == 2:
        n_second = len(places[1].holders)
        corners = [
            ask(every, (codes[0] + up) * n_second + codes[1] + right)
            for up in (0, 1)
            for right in (0, 1)
        ]
        changes = corners[3] - corners[2] - corners[1] + corners[0]
        shape = (len(first.holders) - 1, n_second - 1)
        return accumulate_pair(changes, codes[0], codes[1], shape)
    if first.view.levels is None:
        changes = ask(every, codes[0] + 1) - ask(every, codes[0])
        grid = first.view.numbers[first.holders]
        return accumulate(changes, codes[0], first.view.numbers[rows], grid)
    n_levels = len(first.holders)
    upper, lower = (np.flatnonzero(codes[0] < n_levels - 1), np.flatnonzero(codes[0] > 0))
    rises = ask(upper, codes[0][upper] + 1) - ask(upper, codes[0][upper])
    falls = ask(lower, codes[0][lower]) - ask(lower, codes[0][lower] - 1)
    return accumulate_levels(
        np.concatenate([rises, falls]),
        np.concatenate([codes[0][upper], codes[0][lower] - 1]),
        np.bincount(codes[0], minlength=n_levels),
    )


def _positions(features: Any, names: list[str]) -> list[int]:
    is_pair = isinstance(features, (list, tuple, np.ndarray)) and not is_label(features, names)
    pair = list(features) if is_pair else [features]
    if len(pair) not in (1, 2):
        raise ValueError(f"features must be a column or a pair of columns; got {features!r}.")
    positions = [position_of(feature, names, "features") for feature in pair]
    if len(set(positions)) < len(positions):
        raise ValueError(f"features must be two columns; {names[positions[0]]!r} is given twice.")
    return positions


def _known_orders(orders: Mapping[Any, Sequence[Any]] | None, names: list[str]) -> dict[int, Any]:
    if orders is None:
        return {}
    return {position_of(name, names, "level_orders"): order for name, order in orders.items()}
