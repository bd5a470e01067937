"""The rows whose values stand for columns that are left out."""

from numbers import Integral
from typing import Any

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval

from sklearn_metaexplain._arrays import array_of_rows
from sklearn_metaexplain._containers import match_container
from sklearn_metaexplain._validation import check_table

__all__ = ["BACKGROUND", "draw_background", "given_background"]


class _NumberOfRows(Interval):
    """A whole number from 1 on, and none of the booleans, which Python takes for numbers."""

    def __init__(self) -> None:
        super().__init__(Integral, 1, None, closed="left")

    def is_satisfied_by(self, val: Any) -> bool:
        return not isinstance(val, bool) and super().is_satisfied_by(val)


#: What the parameter `background` may be, for `_parameter_constraints`.
BACKGROUND = [_NumberOfRows(), "array-like", "sparse matrix"]


def draw_background(n_background: int, n_rows: int, seed: int) -> np.ndarray:
    """Draw positions of background rows: all of them, in another order, if there are fewer.

    Parameters
    ----------
    n_background : int
        How many.
    n_rows : int
        Of how many. More positions extend the draw of fewer.
    seed : int
        Seed of the draw.
    """
    return check_random_state(seed).permutation(n_rows)[:n_background]


def given_background(explainer: Any, background: Any, X: Any) -> Any:
    """Check the user's own background rows.

    Parameters
    ----------
    explainer : estimator
        Its `n_features_in_` and `feature_names_in_` are compared with.
    background : table of shape (n_background, n_features)
        The rows.
    X : {ndarray, CSR, DataFrame} of shape (n_samples, n_features)
        Training rows.

    Returns
    -------
    background : {ndarray, CSR, DataFrame} of shape (n_background, n_features)
        A copy.

    Raises
    ------
    ValueError
        If the rows have other columns than `X`, or infinite values.
    """
    try:
        if not hasattr(background, "shape"):
            is_text = isinstance(X, np.ndarray) and X.dtype.kind in "US"
            background = np.asarray(background) if is_text else array_of_rows(background)
        if background.ndim == 2 and background.shape[1] == X.shape[1]:
            # An array of rows takes the names of X, rather than a warning that it has none.
            background = match_container(background, X)
        return check_table(explainer, background, reset=False).copy()
    except ValueError as error:
        raise ValueError(f"background must be rows with the columns of X. {error}") from error
