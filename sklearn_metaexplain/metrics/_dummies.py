"""What columns that do not matter get."""

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
from sklearn_metaexplain.metrics._outputs import attributed_shares, chosen_outputs
from sklearn_metaexplain.metrics._perturbed import (
    COALITION_METRIC_CONSTRAINTS,
    PerturbedModel,
    draw_sets,
)

__all__ = ["dummy_violation"]


@validate_params(
    {**COALITION_METRIC_CONSTRAINTS, "tolerance": [Interval(Real, 0, None, closed="left")]},
    prefer_skip_nested_validation=True,
)
def dummy_violation(
    explanation: Explanation,
    predict: Callable[[Any], Any],
    *,
    background: Any,
    dummies: Iterable[str | int] | None = None,
    n_coalitions: int = 10,
    tolerance: float = 1e-6,
    feature_groups: FeatureGroups = None,
    batch_size: int = 10_000,
    random_state: Any = None,
) -> float:
    """Share of attributions that goes to columns the model does not use.

    Parameters
    ----------
    explanation : Explanation
        What is judged. Its `data` are the rows in the columns that the model takes.
    predict : callable
        Called with tables of the kind of ``explanation.data``, returns the model's outputs, in the
        units of ``explanation.output``, see `faithfulness_score`.
    background : {ndarray, DataFrame, sparse matrix} of shape (n_background, n_columns)
        Rows whose values replace those of the explained rows.
    dummies : iterable of str or int, default=None
        Features that do not matter, by name or position. None: those are taken whose replacement
        changes no output, in no row and none of the contexts that are tried.
    n_coalitions : int, default=10
        Number of contexts tried for each row: which of the other columns come from a background
        row. The row itself and the background row are tried as well. Not used with `dummies`.
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
        Between 0 and 1, lower is better: the sizes of attributions to dummies over those of all,
        averaged over rows, of the class that the model predicts for the row, or of each target. 0
        as well if there are no dummies, or nothing is attributed beyond rounding.

    Raises
    ------
    ValueError
        If the tables do not fit, or `predict` returns something else than the outputs that the
        explanation explains, as in `faithfulness_score`.

    See Also
    --------
    symmetry_violation : Columns that do the same must get the same.
    efficiency_residual : Attributions must add up.

    Notes
    -----
    A column that matters, but only in contexts that were not tried, is taken for a dummy: raise
    `n_coalitions`, or name `dummies`. Trying asks the model for
    ``n * (n_coalitions + 2) * (n_features + 1)`` rows beyond the n explained ones.

    References
    ----------
    .. [1] M. Sundararajan, A. Taly and Q. Yan, "Axiomatic attribution for deep networks", ICML,
       2017 ("sensitivity (b)"). https://proceedings.mlr.press/v70/sundararajan17a.html

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_metaexplain import Explanation
    >>> from sklearn_metaexplain.metrics import dummy_violation
    >>> X = np.array([[1.0, 4.0, 3.0]])
    >>> explanation = Explanation(
    ...     X[:, :, None], [0.0], [[8.0]], data=X, feature_names=["a", "b", "c"],
    ...     output_names=["y"], output="raw", n_evaluations=0,
    ... )
    >>> dummy_violation(
    ...     explanation, lambda table: 2 * table[:, 1], background=np.zeros((1, 3)), random_state=0
    ... )
    0.5
    """
    model = PerturbedModel(explanation, predict, background, feature_groups, batch_size)
    n_features = explanation.values.shape[1]
    if dummies is None:
        random = np.random.RandomState(draw_seed(random_state))
        contexts = draw_sets(random, n_coalitions, n_features)
        is_dummy = _find_dummies(model, contexts, background.shape[0], random, tolerance)
    else:
        is_dummy = np.zeros(n_features, dtype=bool)
        is_dummy[feature_positions(dummies, explanation, "dummies")] = True
    shares = [attributed_shares(explanation, outputs) for outputs in chosen_outputs(explanation).T]
    return float(np.mean([np.abs(share[:, is_dummy]).sum(axis=1) for share in shares]))


def _find_dummies(
    model: PerturbedModel,
    contexts: np.ndarray,
    n_background: int,
    random: np.random.RandomState,
    tolerance: float,
) -> np.ndarray:
    """Whether moving each feature alone, (n_features,), changes no output in any context."""
    n_samples, n_features = len(model.predictions), contexts.shape[1]
    ends = np.zeros((2, n_features), dtype=bool)
    ends[1] = True
    contexts = np.concatenate([contexts, ends])
    # Each context as it is, then with one feature moved.
    moves = np.concatenate([np.zeros((1, n_features), bool), np.eye(n_features, dtype=bool)])
    sets = (contexts[:, None] ^ moves).reshape(-1, n_features)
    backgrounds = random.randint(n_background, size=(n_samples, len(contexts)))
    outputs = model.evaluate(
        np.repeat(np.arange(n_samples), len(sets)),
        np.repeat(backgrounds, len(moves), axis=1).ravel(),
        np.tile(sets, (n_samples, 1)),
    ).reshape(n_samples * len(contexts), len(moves), -1)
    changes = np.abs(outputs[:, 1:] - outputs[:, :1]).max(axis=0)
    return (changes <= tolerance * np.ptp(outputs, axis=(0, 1))).all(axis=1)
