"""Features that a caller names."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Integral

import numpy as np

from sklearn_metaexplain._explanation import Explanation

__all__ = ["feature_positions", "refuse_ambiguous"]


def refuse_ambiguous(position: int, names: list[str], parameter: str) -> None:
    """Refuse the position of a feature that is the label of another, as `feature_groups` does.

    Columns labelled by numbers, of which some were dropped, have such names.
    """
    label = str(position)
    if label in names and names[position] != label:
        raise ValueError(
            f"{parameter} names {label}, which is the position of the feature "
            f"{names[position]!r} and the label of another; write labels as text, {label!r}."
        )


def feature_positions(
    features: Iterable[str | int], explanation: Explanation, parameter: str
) -> list[int]:
    """Positions of features given by name or position.

    Parameters
    ----------
    features : iterable of str or int
        What the caller passed.
    explanation : Explanation
        Has the features.
    parameter : str
        Name of the parameter, for messages.

    Returns
    -------
    positions : list of int
        One a feature.

    Raises
    ------
    ValueError
        If there is no such feature, or a number is the label of one and the position of another.
    TypeError
        If a single name is passed instead of a list, or a mask.
    """
    if isinstance(features, str):
        raise TypeError(f"{parameter} must be a list of features; got {features!r}.")
    names = explanation.feature_names.tolist()
    positions = []
    for feature in features:
        if isinstance(feature, bool | np.bool_):  # True would be position 1
            raise TypeError(
                f"{parameter} must be names or positions; got {feature!r}. Of a mask, pass "
                "np.flatnonzero(mask)."
            )
        if feature in names:
            positions.append(names.index(feature))
        elif isinstance(feature, Integral) and 0 <= feature < len(names):
            refuse_ambiguous(int(feature), names, parameter)
            positions.append(int(feature))
        else:
            raise ValueError(f"{parameter} has {feature!r}; the features are {names}.")
    return positions
