"""How much features add: in one row, or on average over several."""

from __future__ import annotations

import numpy as np

from sklearn_metaexplain.inspection._read import SelectedOutput

__all__ = ["added_by_features", "errors_of_features"]


def added_by_features(one: SelectedOutput) -> np.ndarray:
    """Attributions (n_features,) of the row, or means of their absolute values over several."""
    explanation = one.explanation
    if len(explanation) == 1:
        return explanation.values[0, :, 0]
    return explanation.global_importance().to_numpy()[:, 0]


def errors_of_features(one: SelectedOutput) -> np.ndarray | None:
    """Standard deviations (n_features,) of what features add, where they are known.

    That of a mean of absolute values is at most the mean of the rows' standard deviations.
    """
    std = one.explanation.std
    return None if std is None else np.asarray(std)[:, :, 0].mean(axis=0)
