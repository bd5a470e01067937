"""Areas under perturbation curves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sklearn.utils._param_validation import validate_params

from sklearn_metaexplain._explanation import Explanation
from sklearn_metaexplain.masking._players import FeatureGroups
from sklearn_metaexplain.metrics._curves import CURVE_CONSTRAINTS, perturbation_curve

__all__ = ["deletion_auc", "insertion_auc"]


@validate_params(CURVE_CONSTRAINTS, prefer_skip_nested_validation=True)
def deletion_auc(
    explanation: Explanation,
    predict: Callable[[Any], Any],
    *,
    background: Any,
    n_steps: int | None = None,
    feature_groups: FeatureGroups = None,
    batch_size: int = 10_000,
    random_state: Any = None,
) -> float:
    """Area under the output's curve as the columns that speak for it are removed first.

    Parameters
    ----------
    explanation : Explanation
        What is judged. Its `data` are the rows in the columns that the model takes.
    predict : callable
        Called with tables of the kind of ``explanation.data``, returns the model's outputs, in the
        units of ``explanation.output``, see `faithfulness_score`.
    background : {ndarray, DataFrame, sparse matrix} of shape (n_background, n_columns)
        Rows whose values replace those of the explained rows.
    n_steps : int, default=None
        Number of steps in which all columns are removed. None: one column a step.
    feature_groups : mapping or list of lists, default=None
        Columns that were explained, and are replaced, together.
    batch_size : int, default=10_000
        Largest number of rows passed to `predict` at once, if `explanation` and `background` have
        no more.
    random_state : int, RandomState or None, default=None
        Seed by which equal attributions are ordered.

    Returns
    -------
    area : float
        In the units of the output, lower is better: the output falls early.

    See Also
    --------
    perturbation_curve : The curve itself, its definition and reference (Petsiuk et al., 2018).
    insertion_auc : Columns are inserted instead.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_metaexplain import Explanation
    >>> from sklearn_metaexplain.metrics import deletion_auc
    >>> X = np.array([[1.0, 4.0, 3.0]])
    >>> explanation = Explanation(
    ...     X[:, :, None], [0.0], [[8.0]], data=X, feature_names=["a", "b", "c"],
    ...     output_names=["y"], output="raw", n_evaluations=0,
    ... )
    >>> area = deletion_auc(
    ...     explanation, lambda table: table.sum(axis=1), background=np.zeros((1, 3))
    ... )
    >>> round(area, 6)
    3.0
    """
    return perturbation_curve(
        explanation,
        predict,
        background=background,
        order="deletion",
        n_steps=n_steps,
        feature_groups=feature_groups,
        batch_size=batch_size,
        random_state=random_state,
    ).auc


@validate_params(CURVE_CONSTRAINTS, prefer_skip_nested_validation=True)
def insertion_auc(
    explanation: Explanation,
    predict: Callable[[Any], Any],
    *,
    background: Any,
    n_steps: int | None = None,
    feature_groups: FeatureGroups = None,
    batch_size: int = 10_000,
    random_state: Any = None,
) -> float:
    """Area under the output's curve as the columns that speak for it are inserted first.

    Parameters
    ----------
    explanation : Explanation
        What is judged. Its `data` are the rows in the columns that the model takes.
    predict : callable
        Called with tables of the kind of ``explanation.data``, returns the model's outputs, in the
        units of ``explanation.output``, see `faithfulness_score`.
    background : {ndarray, DataFrame, sparse matrix} of shape (n_background, n_columns)
        Rows into which the values of the explained rows are inserted.
    n_steps : int, default=None
        Number of steps in which all columns are inserted. None: one column a step.
    feature_groups : mapping or list of lists, default=None
        Columns that were explained, and are inserted, together.
    batch_size : int, default=10_000
        Largest number of rows passed to `predict` at once, if `explanation` and `background` have
        no more.
    random_state : int, RandomState or None, default=None
        Seed by which equal attributions are ordered.

    Returns
    -------
    area : float
        In the units of the output, higher is better: the output rises early.

    See Also
    --------
    perturbation_curve : The curve itself, its definition and reference (Petsiuk et al., 2018).
    deletion_auc : Columns are removed instead.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_metaexplain import Explanation
    >>> from sklearn_metaexplain.metrics import insertion_auc
    >>> X = np.array([[1.0, 4.0, 3.0]])
    >>> explanation = Explanation(
    ...     X[:, :, None], [0.0], [[8.0]], data=X, feature_names=["a", "b", "c"],
    ...     output_names=["y"], output="raw", n_evaluations=0,
    ... )
    >>> area = insertion_auc(
    ...     explanation, lambda table: table.sum(axis=1), background=np.zeros((1, 3))
    ... )
    >>> round(area, 6)
    5.0
    """
    return perturbation_curve(
        explanation,
        predict,
        background=background,
        order="insertion",
        n_steps=n_steps,
        feature_groups=feature_groups,
        batch_size=batch_size,
        random_state=random_state,
    ).auc
