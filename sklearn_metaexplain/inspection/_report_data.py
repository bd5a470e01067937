"""What the report page reads: an explanation as one JSON object."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from sklearn_metaexplain._explanation import Explanation
from sklearn_metaexplain.inspection._read import column_names_of, columns_of_features
from sklearn_metaexplain.inspection._report_columns import (
    encode_array,
    encode_column,
    encode_index,
    encode_labels,
    table_columns,
)

__all__ = ["report_data"]


def report_data(
    explanation: Explanation,
    *,
    y: np.ndarray | None = None,
    player_of_column: np.ndarray | None = None,
    max_rows: int | None = None,
) -> dict[str, Any]:
    """Collect what the page shows.

    Parameters
    ----------
    explanation : Explanation
        At least one row.
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs), default=None
        True labels or targets.
    player_of_column : ndarray of int of shape (n_columns,), default=None
        Which feature each column of the data belongs to, where groups were explained.
    max_rows : int, default=None
        Most rows written, evenly spaced; importances are of all. None: all.

    Returns
    -------
    data : dict
        Of text, numbers, lists and dicts, without NaN: fit for JSON.
    """
    n_total = len(explanation)
    kept = _evenly_spaced(n_total, max_rows)
    importances = _importances(explanation)
    truth = _truth(explanation, y)
    listed = explanation if len(kept) == n_total else explanation[kept]
    names = column_names_of(listed)
    columns = zip(names, table_columns(listed.data), strict=True)
    is_single = 1e-30 < np.abs(explanation.values).max(initial=0) < 1e30
    precision = "<f4" if is_single else "<f8"
    return {
        "n_rows": len(listed),
        "n_total": n_total,
        "features": [str(name) for name in explanation.feature_names],
        "outputs": [str(name) for name in explanation.output_names.tolist()],
        "has_classes": _has_classes(explanation),
        "unit": explanation.output,
        "additive": explanation.additive,
        "index": encode_index(listed.index, len(listed)),
        "columns": [{"name": name, **encode_column(cells)} for name, cells in columns],
        "columns_of_feature": _columns_of_feature(explanation, len(names), player_of_column),
        "values": encode_array(listed.values.transpose(2, 1, 0), precision),
        "std": None
        if listed.std is None
        else encode_array(listed.std.transpose(2, 1, 0), precision),
        "base": encode_array(listed.base_values.T, "<f8"),
        "predictions": encode_array(listed.predictions.T, "<f8"),
        "residual": encode_array(listed.residual.T, "<f8"),
        "predicted": encode_array(listed._predicted_positions(), "<u4"),
        **{name: encode_array(array, "<f8") for name, array in importances.items()},
        "truth": [encode(column.iloc[kept]) for encode, column in truth],
        "is_wrong": _is_wrong(listed, None if y is None else y[kept]),
    }


def _evenly_spaced(n_total: int, max_rows: int | None) -> np.ndarray:
    if max_rows is None or n_total <= max_rows:
        return np.arange(n_total)
    return np.arange(max_rows) * n_total // max_rows


def _has_classes(explanation: Explanation) -> bool:
    return explanation.estimator_type != "regressor" and len(explanation.output_names) > 1


def _importances(explanation: Explanation) -> dict[str, np.ndarray]:
    """Means over all rows (n_outputs, n_features), the predicted class of each row the last."""
    views = [explanation]
    if _has_classes(explanation):
        views.append(explanation.for_predicted())
    means = {"importance": np.concatenate([view.global_importance().T for view in views])}
    # Errors of a column are alike in all rows: they are not averaged away.
    spreads = [view.std.mean(axis=0).T for view in views if view.std is not None]
    if spreads:
        means["importance_std"] = np.concatenate(spreads)
    return means


def _truth(explanation: Explanation, y: np.ndarray | None) -> list[tuple[Any, pd.Series]]:
    if y is None:
        return []
    if _has_classes(explanation):
        return [(encode_labels, pd.Series(_as_outputs(explanation, y)))]
    return [(encode_column, pd.Series(column)) for column in (y[:, None] if y.ndim == 1 else y).T]


def _as_outputs(explanation: Explanation, labels: np.ndarray) -> np.ndarray:
    """Labels that equal an output as that output is: 1.0, beside a missing label, is class 1."""
    outputs = explanation._positions_of(labels)
    known = outputs >= 0
    own = labels.astype(object)
    own[known] = explanation.output_names[outputs[known]].astype(object)
    return own


def _is_wrong(explanation: Explanation, y: np.ndarray | None) -> dict[str, str] | None:
    if y is None or not _has_classes(explanation):
        return None
    known = ~pd.isna(y)
    wrong = np.zeros(len(y), dtype=bool)
    wrong[known] = y[known].astype(object) != explanation.predicted_labels[known].astype(object)
    return encode_array(wrong, "<u1")


def _columns_of_feature(
    explanation: Explanation, n_columns: int, player_of_column: np.ndarray | None
) -> list[list[int]]:
    if player_of_column is None or len(player_of_column) != n_columns:
        return columns_of_features(explanation)
    return [
        np.flatnonzero(player_of_column == player).tolist()
        for player in range(len(explanation.feature_names))
    ]
