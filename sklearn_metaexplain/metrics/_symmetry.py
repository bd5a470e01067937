"""What columns that do the same get."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from numbers import Real
from typing import Any

import numpy as np
from sklearn.utils._param_validation import Interval, validate_params

from sklearn_metaexplain._explanation import Explanation
from sklearn_metaexplain._validation import draw_seed
from sklearn_metaexplain.masking._players import FeatureGroups
from sklearn_metaexplain.metrics._features import feature_positions
from sklearn_metaexplain.metrics._outputs import (
    attributed_shares,
    chosen_outputs,
    of_outputs,
)
from sklearn_metaexplain.metrics._perturbed import (
    COALITION_METRIC_CONSTRAINTS,
    PerturbedModel,
    draw_sets,
)

__all__ = ["symmetry_violation"]


@validate_params(
    {**COALITION_METRIC_CONSTRAINTS, "tolerance": [Interval(Real, 0, None, closed="left")]},
    prefer_skip_nested_validation=True,
)
def symmetry_violation(
    explanation: Explanation,
    predict: Callable[[Any], Any],
    *,
    background: Any,
    pairs: Iterable[tuple[str | int, str | int]] | None = None,
    n_coalitions: int = 10,
    tolerance: float = 1e-6,
    feature_groups: FeatureGroups = None,
    batch_size: int = 10_000,
    random_state: Any = None,
) -> float:
    """Differences between the attributions of columns that do the same.

    Two columns do the same in a row if, whatever other columns the row gives, the mean output over
    the background is equal with the one and with the other: copies of a column, or columns that
    can be exchanged and have equal values.

    Parameters
    ----------
    explanation : Explanation
        What is judged. Its `data` are the rows in the columns that the model takes.
    predict : callable
        Called with tables of the kind of ``explanation.data``, returns the model's outputs, in the
        units of ``explanation.output``, see `faithfulness_score`.
    background : {ndarray, DataFrame, sparse matrix} of shape (n_background, n_columns)
        Rows whose values replace those of the explained rows.
    pairs : iterable of pairs of str or int, default=None
        Features that do the same in all rows, by name or position. None: in each row those are
        taken that do in all contexts that are tried.
    n_coalitions : int, default=10
        Number of contexts tried: which other columns the row gives. None and all others are tried
        as well. Not used with `pairs`.
    tolerance : float, default=1e-6
        Largest change of an output that counts as none, as a part of the range of the outputs.
    feature_groups : mapping or list of lists, default=None
        Columns that were explained, and are replaced, together.
    batch_size : int, default=10_000
        Largest number of rows passed to `predict` at once, if `explanation` and `background` have
        no more.
    random_state : int, RandomState or None, default=None
        Seed of the contexts.

    Returns
    -------
    violation : float
        Between 0 and 1, lower is better: the difference of the two attributions over the sum of
        the sizes of all in the row, averaged over pairs and rows; of the class that the model
        predicts for the row, or of each target. 0 as well if no columns do the same, or nothing
        is attributed beyond rounding.

    Raises
    ------
    ValueError
        If the tables do not fit, or `predict` returns something else than the outputs that the
        explanation explains, as in `faithfulness_score`.

    See Also
    --------
    dummy_violation : Columns that do nothing must get nothing.
    efficiency_residual : Attributions must add up.

    Notes
    -----
    Columns that do nothing in a row do the same there. Columns that differ only in contexts that
    were not tried are taken for equal: raise `n_coalitions`, or name `pairs`. Trying asks the model
    for ``n * (n_coalitions + 2) * n_features * n_background`` rows beyond the n explained ones.

    References
    ----------
    .. [1] L. S. Shapley, "A value for n-person games", Contributions to the Theory of Games II,
       1953. https://doi.org/10.1515/9781400881970-018

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_metaexplain import Explanation
    >>> from sklearn_metaexplain.metrics import symmetry_violation
    >>> X = np.array([[1.0, 4.0, 3.0]])
    >>> explanation = Explanation(
    ...     X[:, :, None], [0.0], [[8.0]], data=X, feature_names=["a", "b", "c"],
    ...     output_names=["y"], output="raw", n_evaluations=0,
    ... )
    >>> symmetry_violation(
    ...     explanation, lambda table: 2 * table[:, 1], background=np.zeros((1, 3)), random_state=0
    ... )
    0.25
    """
    model = PerturbedModel(explanation, predict, background, feature_groups, batch_size)
    if pairs is None:
        random = np.random.RandomState(draw_seed(random_state))
        contexts = draw_sets(random, n_coalitions, explanation.values.shape[1])
        alike = _find_pairs(model, contexts, tolerance)
    else:
        alike = _named_pairs(pairs, explanation)
    differences = []
    for outputs in chosen_outputs(explanation).T:
        shares = attributed_shares(explanation, outputs)
        of_pairs = np.abs(shares[:, :, None] - shares[:, None])
        differences.append(of_pairs[of_outputs(alike, outputs)])
    found = np.concatenate(differences)
    return float(found.mean()) if found.size else 0.0


def _find_pairs(model: PerturbedModel, contexts: np.ndarray, tolerance: float) -> np.ndarray:
    """Whether two features do the same, (n_samples, n_features, n_features, n_outputs).

    True above the diagonal only.
    """
    n_features = contexts.shape[1]
    each = np.eye(n_features, dtype=bool)
    nothing = np.zeros((1, n_features), dtype=bool)
    largest: Any = 0.0
    low, high = model.predictions.min(axis=0), model.predictions.max(axis=0)
    for context in np.concatenate([nothing, contexts]):
        outputs = model.without(~(context | each))  # the row gives one column more
        differences = np.abs(outputs[:, :, None] - outputs[:, None])
        # The context without one of its own columns is another one.
        differences[:, context] = 0.0
        differences[:, :, context] = 0.0
        largest = np.maximum(largest, differences)
        low, high = np.minimum(low, outputs.min((0, 1))), np.maximum(high, outputs.max((0, 1)))
    outputs = model.without(each)
    largest = np.maximum(largest, np.abs(outputs[:, :, None] - outputs[:, None]))
    alike = largest <= tolerance * (high - low)
    return alike & np.triu(~each, k=1)[:, :, None]


def _named_pairs(
    pairs: Iterable[tuple[str | int, str | int]], explanation: Explanation
) -> np.ndarray:
    """Pairs that the caller names, as `_find_pairs` gives them."""
    n_samples, n_features, n_outputs = explanation.values.shape
    alike = np.zeros((n_samples, n_features, n_features, n_outputs), dtype=bool)
    if not isinstance(pairs, Iterable):
        raise TypeError(f"pairs must be a list of pairs of features; got {pairs!r}.")
    for pair in pairs:
        positions = feature_positions(pair, explanation, "pairs")
        if len(set(positions)) != 2:
            raise ValueError(f"pairs must be of two different features; got {pair!r}.")
        alike[:, min(positions), max(positions)] = True
    return alike
