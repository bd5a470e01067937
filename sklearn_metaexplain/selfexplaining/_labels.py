"""Classes of rows, as users give them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils.validation import column_or_1d


def read_labels(y: Any) -> np.ndarray:
    """Labels as an array of one dimension, none of them missing.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Classes of the rows.

    Raises
    ------
    ValueError
        If a label is missing; the message names rows.
    """
    y = column_or_1d(y, warn=True)
    missing = np.flatnonzero(pd.isna(y))
    if len(missing):
        raise ValueError(
            f"Input y contains NaN in row {', '.join(map(str, missing[:5]))}"
            f"{', ...' * (len(missing) > 5)}; leave rows without a class out of X and y."
        )
    return y
