"""Features that a caller names."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from sklearn_metaexplain._explanation import Explanation
from sklearn_metaexplain._names import position_of

__all__ = ["feature_positions"]


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
        If there is no such feature, or a number is another's name.
    TypeError
        If a single name is passed instead of a list, or a mask.
    """
    if isinstance(features, str) or not isinstance(features, Iterable):
        raise TypeError(f"{parameter} must be a list of features; got {features!r}.")
    positions = []
    for feature in features:
        if isinstance(feature, bool | np.bool_):  # True would be position 1
            raise TypeError(
                f"{parameter} must be names or positions; got {feature!r}. Of a mask, pass "
                "np.flatnonzero(mask)."
            )
        positions.append(position_of(feature, explanation.feature_names, parameter))
    return positions
