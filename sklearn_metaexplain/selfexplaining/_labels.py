"""Classes of rows, as users give them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_consistent_length, column_or_1d

from sklearn_metaexplain._validation import check_classes, keep_missing, without_masks


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
    y = column_or_1d(without_masks(keep_missing(y)), warn=True)
    missing = np.flatnonzero(pd.isna(y))
    if len(missing):
        raise ValueError(
            f"Input y contains NaN in row {', '.join(map(str, missing[:5]))}"
            f"{', ...' * (len(missing) > 5)}; leave rows without a class out of X and y."
        )
    return y


def number_labels(X: Any, y: Any, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Classes of a table's rows, in order, and each row's by number.

    Parameters
    ----------
    X : {array-like, DataFrame} of shape (n_samples, n_features)
        The table.
    y : array-like of shape (n_samples,)
        Classes of its rows, at least two.
    name : str
        Of the classifier, for messages.

    Returns
    -------
    classes : ndarray of shape (n_classes,)
        In sorted order.
    labels : ndarray of int of shape (n_samples,)
        Positions in `classes`.

    Raises
    ------
    ValueError
        If `y` is None, has missing labels, another length or one class only, or holds no class
        labels.
    """
    if y is None:
        raise ValueError(f"{name} requires y to be passed, but the target y is None.")
    y = read_labels(y)
    check_classes(y, name)
    check_consistent_length(X, y)
    classes, labels = np.unique(y, return_inverse=True)
    if len(classes) < 2:
        raise ValueError(
            f"{name} needs rows of at least two classes; y has one class, "
            f"{classes.tolist()[0]!r}; add rows of another."
        )
    return classes, labels
