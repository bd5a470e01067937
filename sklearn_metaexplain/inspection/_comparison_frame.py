"""Which columns of a table of explainers' scores are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from sklearn_metaexplain.metrics import get_explanation_scorer_names

__all__ = ["UNITS", "chosen_scores"]

# Columns of compare_explainers, whatever the metrics, and what they count.
UNITS = {
    "fit_time": "seconds",
    "explain_time": "seconds",
    "n_evaluations_fit": "rows asked for",
    "n_evaluations_row": "rows asked per row",
}
_RANDOM = "random"


def chosen_scores(frame: Any, metrics: Sequence[str] | None) -> list[str]:
    """Names of the columns to draw; TypeError or ValueError if `frame` has no scores.

    Parameters
    ----------
    frame : DataFrame of shape (n_explainers, n_scores)
        Explainers down, scores across.
    metrics : list of str or None
        The columns wanted. None: all that hold a number, of a table that looks as
        `compare_explainers` makes it.

    Returns
    -------
    metrics : list of str
        The columns.
    """
    if not isinstance(frame, pd.DataFrame):
        raise TypeError(f"frame must be a DataFrame; got {type(frame).__name__}.")
    columns = list(frame.columns)
    _check_explainers(frame, named=metrics is not None)
    if metrics is None:
        spreads = {f"{name}_std" for name in columns}
        metrics = [
            name
            for name in columns
            if name not in spreads
            and pd.api.types.is_numeric_dtype(frame[name])
            and frame[name].notna().any()
        ]
    metrics = [metrics] if isinstance(metrics, str) else list(metrics)
    unknown = [name for name in metrics if name not in columns]
    if unknown or not metrics:
        raise ValueError(f"There are no scores {unknown} in the columns {columns}.")
    for name in metrics:
        if not pd.api.types.is_numeric_dtype(frame[name]):
            raise ValueError(f"Column {name!r} is not numeric; leave it out of metrics.")
    return metrics


def _check_explainers(frame: pd.DataFrame, *, named: bool) -> None:
    """Raise a ValueError for attributions, importances and other tables without scores."""
    rows, columns = list(frame.index), set(frame.columns)
    if len(set(rows)) < len(rows):
        problem = "some of its rows have the same name"
    elif _RANDOM in rows:
        return
    elif not all(isinstance(name, str) for name in rows):
        problem = "its rows are not named after explainers"
    elif named or not columns.isdisjoint(_known_columns(columns)):
        return
    else:
        problem = (
            f"it has no row {_RANDOM!r}, no scorer's column and no times; name the columns of a "
            "table of your own in metrics"
        )
    raise ValueError(
        f"frame of shape {frame.shape} is no table of explainers' scores, as compare_explainers "
        f"makes it: {problem}. Explanations are drawn by ComparisonDisplay.from_explanations."
    )


def _known_columns(columns: set[Any]) -> set[str]:
    spreads = {f"{name}_std" for name in columns} & columns
    return set(UNITS) | set(get_explanation_scorer_names()) | spreads
