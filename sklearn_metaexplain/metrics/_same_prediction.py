"""Whether rows are predicted as others are."""

from __future__ import annotations

import numpy as np

from sklearn_metaexplain._arrays import unit_of
from sklearn_metaexplain._explanation import Explanation
from sklearn_metaexplain.metrics._outputs import chosen_outputs, explains_classifier

__all__ = ["is_same_prediction", "tolerances"]

# Part of a standard deviation of raw predictions, and of a probability, that is no change.
TOLERANCE = 0.05


def tolerances(explanation: Explanation) -> np.ndarray:
    """Changes of the outputs that are none, (n_outputs,), by how predictions differ over rows."""
    unit = unit_of(explanation.predictions)
    spread = (explanation.predictions / unit).std(axis=0) * unit
    if explanation.output == "probability":
        return np.full_like(spread, TOLERANCE)
    if explains_classifier(explanation):  # targets may be in different units, classes are not
        spread[:] = spread.mean()
    if not spread.any():
        raise ValueError(
            "All rows are predicted alike, which gives no scale for the change of a prediction; "
            "pass tolerance in units of the output."
        )
    return TOLERANCE * spread


def is_same_prediction(
    before: Explanation, after: Explanation, tolerance: float | np.ndarray
) -> np.ndarray:
    """Which rows are predicted alike, bool (n_samples,).

    Parameters
    ----------
    before, after : Explanation
        Of as many rows.
    tolerance : float or ndarray of shape (n_outputs,)
        Largest change of each output that counts as none: of the class predicted before, which must
        be predicted after as well, or of each target.

    Returns
    -------
    is_same : ndarray of bool of shape (n_samples,)
        True where neither output nor class has changed.
    """
    chosen = chosen_outputs(before)
    excess = np.abs(after.predictions - before.predictions) - tolerance
    same = np.asarray((np.take_along_axis(excess, chosen, axis=1) <= 0).all(axis=1))
    if explains_classifier(before):
        same &= chosen[:, 0] == chosen_outputs(after)[:, 0]
    return same
