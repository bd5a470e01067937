"""Whether the tables that a metric is given are those of the explanation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from sklearn_metaexplain._explanation import Explanation
from sklearn_metaexplain._names import names_of_table
from sklearn_metaexplain.masking import Players, resolve_feature_groups
from sklearn_metaexplain.masking._players import FeatureGroups

__all__ = ["check_tables", "differing_features"]


def check_tables(
    explanation: Explanation, background: Any, feature_groups: FeatureGroups
) -> np.ndarray:
    """Check tables against each other and against what was attributed to.

    Parameters
    ----------
    explanation : Explanation
        What is judged; its `data` are the rows.
    background : {ndarray, DataFrame, sparse matrix} of shape (n_background, n_columns)
        Rows whose values replace those of explained rows.
    feature_groups : mapping or list of lists or None
        Columns that are replaced together.

    Returns
    -------
    player_of_column : ndarray of int of shape (n_columns,)
        Positions of the feature that each column belongs to.

    Raises
    ------
    ValueError
        If the tables have other columns than each other, or other columns or groups than the
        explanation attributes to; by name where columns have names.
    """
    data = explanation.data
    if data is None:
        raise ValueError(
            "The explanation keeps no data to replace columns of; add the rows, as in "
            "dataclasses.replace(explanation, data=X)."
        )
    if len(explanation) == 0:
        raise ValueError("The explanation has no rows.")
    if not np.isfinite(explanation.values).all():
        raise ValueError("The explanation has NaN or infinite values.")
    if not hasattr(background, "shape") or len(background.shape) != 2 or not background.shape[0]:
        raise ValueError(
            "background must be an array, DataFrame or sparse matrix with at least one row."
        )
    ours, theirs = names_of_table(data), names_of_table(background)
    both_named = isinstance(data, pd.DataFrame) and isinstance(background, pd.DataFrame)
    if len(ours) != len(theirs) or (both_named and ours != theirs):
        raise ValueError(f"background has the columns {theirs}; the explained rows have {ours}.")
    players = resolve_feature_groups(feature_groups, ours)
    n_features = explanation.values.shape[1]
    if len(players.names) != n_features:
        raise ValueError(
            f"The explanation has {n_features} features {explanation.feature_names.tolist()}, but "
            f"its data, with feature_groups={feature_groups!r}, have {len(players.names)}; pass "
            "the feature_groups of the explainer."
        )
    _check_names(explanation, players, ours, feature_groups)
    return players.player_of_column


def differing_features(explanation: Explanation, players: Players, columns: list[str]) -> list[int]:
    """Features of an explanation that are called otherwise than players.

    Parameters
    ----------
    explanation : Explanation
        As many features as there are players.
    players : Players
        What is compared with.
    columns : list of str of length n_columns
        Names of the columns.

    Returns
    -------
    positions : list of int
        Empty where one is as good as the other.
    """
    numbered = _numbered(len(columns))
    told, found, by_number = (
        [_sorted_parts(str(name)) for name in names]
        for names in (
            explanation.feature_names,
            players.names_for(columns),
            players.names_for(numbered),
        )
    )
    # An explainer that was fitted on an array has numbered the columns of whatever it explains.
    if told in (found, by_number):
        return []
    # Columns of an array may be called anything, as steps of a Pipeline call them; groups that the
    # user named, and groups of numbers, may not.
    parts = [part for name in told for part in name.split("+")]
    are_numbers = len(parts) > len(told) and sorted(parts) == sorted(numbered)
    is_named = columns != numbered or are_numbers
    compared = [is_named or positions is None for positions in players.named_after]
    return [p for p in range(len(told)) if compared[p] and told[p] != found[p]]


def _check_names(
    explanation: Explanation, players: Players, columns: list[str], feature_groups: FeatureGroups
) -> None:
    differing = differing_features(explanation, players, columns)
    if not differing:
        return
    first, told = differing[0], explanation.feature_names.tolist()
    if set(told) == set(players.names):
        remedy = "put the columns of data and background in the order of the explanation's features"
    else:
        remedy = (
            "pass the feature_groups of the explainer, or, if columns were renamed, their names, "
            "as in dataclasses.replace(explanation, feature_names=...)"
        )
    raise ValueError(
        f"Feature {first} of the explanation is {told[first]!r}, and of its data, with "
        f"feature_groups={feature_groups!r}, {players.names[first]!r} ({len(differing)} of "
        f"{len(told)} names differ); {remedy}."
    )


def _sorted_parts(name: str) -> str:
    """A group that is named after its columns, in whatever order the user listed them."""
    return "+".join(sorted(name.split("+")))


def _numbered(n_columns: int) -> list[str]:
    return [f"x{j}" for j in range(n_columns)]
