"""Prior probabilities of classes, as users give them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd


def check_priors(priors: Any, classes: np.ndarray) -> np.ndarray:
    """Prior probabilities in the order of the classes.

    Parameters
    ----------
    priors : array-like of shape (n_classes,)
        In the order of the classes, or a Series that is labelled with them.
    classes : ndarray of shape (n_classes,)
        The classes.

    Returns
    -------
    priors : ndarray of float of shape (n_classes,)
        Positive, with the sum 1.

    Raises
    ------
    ValueError
        If they are something else, or the labels of a Series are not the classes.
    """
    n_classes = len(classes)
    priors = _in_order(priors, classes)
    try:
        numbers = np.asarray(priors, dtype=float)
    except (TypeError, ValueError):
        raise ValueError(
            f"priors must be numbers, one for each of the {n_classes} classes in the order of "
            f"classes_; got {priors!r}."
        ) from None
    if numbers.shape != (n_classes,):
        raise ValueError(
            f"priors must have one number for each of the {n_classes} classes; got shape "
            f"{numbers.shape}."
        )
    if not (numbers > 0).all() or not np.isclose(numbers.sum(), 1.0):
        raise ValueError(f"priors must be positive and sum to 1; got {numbers.tolist()}.")
    return numbers


def _in_order(priors: Any, classes: np.ndarray) -> Any:
    """Numbers of a Series in the order of the classes: those of `value_counts` are in another."""
    if not isinstance(priors, pd.Series):
        return priors
    labels, names = priors.index, classes.tolist()
    if labels.is_unique and set(labels) == set(names):
        number_of = dict(zip(labels, priors, strict=True))
        return [number_of[name] for name in names]
    # What a Series has that was given no labels.
    if labels.equals(pd.RangeIndex(len(labels))):
        return priors
    raise ValueError(
        f"priors is a Series labelled with {labels.tolist()}, which are not the classes {names}; "
        "label it with these, or pass an array in the order of classes_."
    )
