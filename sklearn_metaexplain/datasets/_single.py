"""Tables whose targets are sums of effects of single columns."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils._param_validation import Interval, validate_params

from sklearn_metaexplain._validation import draw_seed
from sklearn_metaexplain.datasets._bundles import (
    COMMON,
    COUNT,
    NOISE,
    check_fits,
    draw_normal,
    draw_weights,
    make_bundle,
    role_names,
)
from sklearn_metaexplain.datasets._functions import AdditiveFunction, make_pairwise
from sklearn_metaexplain.datasets._models import KnownRegressor

__all__ = ["make_additive", "make_correlated"]

_EFFECTS = {"low": -2.0, "middle": 0.5, "high": 1.5}


@validate_params(
    {
        **COMMON,
        "n_informative": COUNT,
        "mixed": ["boolean"],
        "missing_rate": [Interval(Real, 0, 1, closed="left")],
        "noise": NOISE,
    },
    prefer_skip_nested_validation=True,
)
def make_additive(
    n_samples: int = 500,
    *,
    n_features: int = 10,
    n_informative: int = 5,
    mixed: bool = False,
    missing_rate: float = 0.0,
    noise: float = 0.0,
    random_state: Any = None,
    return_X_y: bool = False,
    as_frame: bool = True,
) -> Any:
    """Make a regression problem in which each column has an effect of its own.

    The target is a sum over the informative columns: a weight times a number, or an effect for each
    string. The numbers are standard normal, the strings "low", "middle" and "high" equally
    frequent, all columns independent. A missing cell has an effect of its own.

    Parameters
    ----------
    n_samples : int, default=500
        Number of rows.
    n_features : int, default=10
        Number of columns.
    n_informative : int, default=5
        Number of columns that matter; they come first.
    mixed : bool, default=False
        Whether every second column holds strings.
    missing_rate : float, default=0.0
        Probability that a cell is missing.
    noise : float, default=0.0
        Standard deviation of the noise added to the target.
    random_state : int, RandomState or None, default=None
        Seed of rows, weights and noise.
    return_X_y : bool, default=False
        Return ``(data, target)`` instead of a Bunch.
    as_frame : bool, default=True
        A DataFrame and a Series. If False, arrays; that of a `mixed` table holds Python objects.

    Returns
    -------
    problem : Bunch
        With

        - `data`, `target` and, if `as_frame`, `frame`, both in one;
        - `feature_names`, a list;
        - `important`, bool of shape (n_features,), the columns that matter;
        - `model`, a fitted estimator that predicts the function without noise, whatever it is
          fitted on again;
        - `attributions`, called with ``(rows, background)``, returns the exact interventional
          Shapley values of `model`, of shape (n_rows, n_features, n_outputs).

        With `return_X_y`, the tuple ``(data, target)``.

    See Also
    --------
    make_interaction : Columns that matter only together.
    make_correlated : Copies of columns that matter.

    Notes
    -----
    The attribution of a column is its effect in the row less its mean effect in the background
    (Štrumbelj and Kononenko [1]_ for additive models; Lundberg and Lee [2]_, Corollary 1, for
    linear ones).

    References
    ----------
    .. [1] E. Štrumbelj and I. Kononenko, "Explaining prediction models and individual predictions
       with feature contributions", Knowledge and Information Systems 41, 2014.
    .. [2] S. M. Lundberg and S.-I. Lee, "A unified approach to interpreting model predictions",
       NeurIPS, 2017.

    Examples
    --------
    >>> from sklearn.frozen import FrozenEstimator
    >>> from sklearn_metaexplain import ShapExplainer
    >>> from sklearn_metaexplain.datasets import make_additive
    >>> from sklearn_metaexplain.metrics import shapley_error
    >>> problem = make_additive(
    ...     100, n_features=4, n_informative=2, mixed=True, missing_rate=0.1, random_state=0
    ... )
    >>> X, background = problem.data[:5], problem.data[50:60]
    >>> explainer = ShapExplainer(FrozenEstimator(problem.model), background=background)
    >>> explanation = explainer.fit(problem.data).explain(X)
    >>> round(shapley_error(problem.attributions(X, background), explanation.values), 6)
    0.0
    """
    check_fits(n_features, "n_informative", n_informative, n_informative)
    random = np.random.RandomState(draw_seed(random_state))
    numbers = random.normal(size=(n_samples, n_features))
    weights = np.zeros(n_features)
    weights[:n_informative] = draw_weights(random, n_informative)
    missing_effects = np.zeros(n_features)
    missing_effects[:n_informative] = draw_weights(random, n_informative)
    names = role_names(n_features, {"informative": n_informative})

    columns: dict[str, Any] = {}
    effects: list[Any] = []
    for j, (name, weight) in enumerate(zip(names, weights, strict=True)):
        if mixed and j % 2:
            labels = np.array(list(_EFFECTS), dtype=object)
            columns[name] = labels[random.randint(len(labels), size=n_samples)]
            effects.append({label: weight * effect for label, effect in _EFFECTS.items()})
        else:
            columns[name] = numbers[:, j]
            effects.append(float(weight))
    data = pd.DataFrame(columns)
    if missing_rate:
        data = data.mask(random.uniform(size=data.shape) < missing_rate)
    model = KnownRegressor(AdditiveFunction(effects, missing_effects))
    return make_bundle(model, data, weights != 0, noise, random, return_X_y, as_frame)


@validate_params(
    {
        **COMMON,
        "n_informative": COUNT,
        "n_copies": COUNT,
        "correlation": [Interval(Real, -1, 1, closed="both")],
        "noise": NOISE,
    },
    prefer_skip_nested_validation=True,
)
def make_correlated(
    n_samples: int = 500,
    *,
    n_features: int = 10,
    n_informative: int = 3,
    n_copies: int = 1,
    correlation: float = 0.9,
    noise: float = 0.0,
    random_state: Any = None,
    return_X_y: bool = False,
    as_frame: bool = True,
) -> Any:
    """Make a regression problem in which irrelevant columns resemble those that matter.

    The target is a weighted sum of the informative columns. Others are noisy copies of them, which
    the function does not look at. All columns are standard normal.

    Parameters
    ----------
    n_samples : int, default=500
        Number of rows.
    n_features : int, default=10
        Number of columns.
    n_informative : int, default=3
        Number of columns that matter; they come first.
    n_copies : int, default=1
        Number of copies of each, which follow: the first copies of all, then the second ones.
    correlation : float, default=0.9
        Correlation of a copy with what it copies.
    noise : float, default=0.0
        Standard deviation of the noise added to the target.
    random_state : int, RandomState or None, default=None
        Seed of rows, weights and noise.
    return_X_y : bool, default=False
        Return ``(data, target)`` instead of a Bunch.
    as_frame : bool, default=True
        A DataFrame and a Series, or arrays.

    Returns
    -------
    problem : Bunch
        As from `make_additive`; the copies are not `important`. With `return_X_y`, the tuple
        ``(data, target)``.

    See Also
    --------
    make_additive : Independent columns.

    Notes
    -----
    Interventional values, which are about the function, are zero for copies: leaving out a column
    that is not looked at changes nothing. Conditional values would not be [1]_.

    References
    ----------
    .. [1] D. Janzing, L. Minorics and P. Bloebaum, "Feature relevance quantification in explainable
       AI: a causal problem", AISTATS, 2020.

    Examples
    --------
    >>> from sklearn_metaexplain.datasets import make_correlated
    >>> problem = make_correlated(n_features=7, random_state=0)
    >>> round(float(problem.data["informative_0"].corr(problem.data["copy_0"])), 1)
    0.9
    >>> bool(problem.attributions(problem.data, problem.data)[:, 3:].any())
    False
    """
    n_copied = n_informative * n_copies
    check_fits(n_features, "n_informative * n_copies", n_copied, n_informative + n_copied)
    random = np.random.RandomState(draw_seed(random_state))
    weights = draw_weights(random, n_informative)
    names = role_names(n_features, {"informative": n_informative, "copy": n_copied})
    data = draw_normal(random, n_samples, names)
    copies = slice(n_informative, n_informative + n_copied)
    originals = np.tile(data.iloc[:, :n_informative], n_copies)
    fresh = np.sqrt(1 - correlation**2) * data.iloc[:, copies]
    data.iloc[:, copies] = correlation * originals + fresh
    model = KnownRegressor(make_pairwise(n_features, weights=dict(enumerate(weights))))
    important = np.arange(n_features) < n_informative
    return make_bundle(model, data, important, noise, random, return_X_y, as_frame)
