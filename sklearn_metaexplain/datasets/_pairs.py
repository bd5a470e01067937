"""Tables whose columns matter together with others."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
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
from sklearn_metaexplain.datasets._functions import make_pairwise
from sklearn_metaexplain.datasets._models import KnownClassifier, KnownRegressor

__all__ = ["make_interaction", "make_switch", "make_xor"]


@validate_params({**COMMON, "n_pairs": COUNT, "noise": NOISE}, prefer_skip_nested_validation=True)
def make_interaction(
    n_samples: int = 500,
    *,
    n_features: int = 10,
    n_pairs: int = 2,
    noise: float = 0.0,
    random_state: Any = None,
    return_X_y: bool = False,
    as_frame: bool = True,
) -> Any:
    """Make a regression problem in which columns matter only as products of two.

    The target is a weighted sum of products of the first and second column, the third and fourth,
    and so on. All columns are independent and standard normal, so that none is correlated with the
    target.

    Parameters
    ----------
    n_samples : int, default=500
        Number of rows.
    n_features : int, default=10
        Number of columns.
    n_pairs : int, default=2
        Number of products; their columns come first.
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
        As from `make_additive`. With `return_X_y`, the tuple ``(data, target)``.

    See Also
    --------
    make_additive : Columns that matter by themselves.
    make_xor : Two columns of which only the signs matter.

    Notes
    -----
    Against one background row b, the product of ``x1`` and ``x2`` gives its first column
    ``(x1 - b1) * (x2 + b2) / 2``: the mean of what the column adds before and after the other.

    Examples
    --------
    >>> from sklearn_metaexplain.datasets import make_interaction
    >>> problem = make_interaction(n_features=5, random_state=0)
    >>> problem.feature_names
    ['factor_0', 'factor_1', 'factor_2', 'factor_3', 'irrelevant_0']
    >>> problem.attributions(problem.data[:3], problem.data).shape
    (3, 5, 1)
    """
    check_fits(n_features, "n_pairs", n_pairs, 2 * n_pairs)
    random = np.random.RandomState(draw_seed(random_state))
    weights = draw_weights(random, n_pairs)
    products = {(2 * k, 2 * k + 1): weight for k, weight in enumerate(weights)}
    function = make_pairwise(n_features, products=products)
    data = draw_normal(random, n_samples, role_names(n_features, {"factor": 2 * n_pairs}))
    important = np.arange(n_features) < 2 * n_pairs
    model = KnownRegressor(function)
    return make_bundle(model, data, important, noise, random, return_X_y, as_frame)


@validate_params(
    {**COMMON, "noise": [Interval(Real, 0, 0.5, closed="left")]},
    prefer_skip_nested_validation=True,
)
def make_xor(
    n_samples: int = 500,
    *,
    n_features: int = 10,
    noise: float = 0.0,
    random_state: Any = None,
    return_X_y: bool = False,
    as_frame: bool = True,
) -> Any:
    """Make a classification problem in which two columns matter, neither by itself.

    The class is 1 where exactly one of the first two columns is positive, else 0. All columns are
    independent and standard normal.

    Parameters
    ----------
    n_samples : int, default=500
        Number of rows.
    n_features : int, default=10
        Number of columns, at least 2.
    noise : float, default=0.0
        Probability that a target is the other class, below 0.5. The model's probabilities are
        `noise` and ``1 - noise``.
    random_state : int, RandomState or None, default=None
        Seed of rows and noise.
    return_X_y : bool, default=False
        Return ``(data, target)`` instead of a Bunch.
    as_frame : bool, default=True
        A DataFrame and a Series, or arrays.

    Returns
    -------
    problem : Bunch
        As from `make_additive`, with a classifier as `model`; `attributions` are those of the
        probabilities of the classes 0 and 1. With `return_X_y`, the tuple ``(data, target)``.

    See Also
    --------
    make_interaction : Products of numbers.

    Notes
    -----
    With u = 1 for positive and 0 for other cells, exclusive or is ``u1 + u2 - 2 * u1 * u2``, of
    which `make_additive` and `make_interaction` have the attributions. Chen et al. [1]_ judge
    explainers by such tables.

    References
    ----------
    .. [1] J. Chen, L. Song, M. J. Wainwright and M. I. Jordan, "Learning to explain: an
       information-theoretic perspective on model interpretation", ICML, 2018.

    Examples
    --------
    >>> from sklearn_metaexplain.datasets import make_xor
    >>> problem = make_xor(n_features=3, random_state=0, as_frame=False)
    >>> problem.model.predict([[1.0, 1.0, 0.3], [1.0, -1.0, 0.3]])
    array([0, 1])
    >>> problem.attributions([[1.0, -1.0, 0.3]], [[-1.0, -1.0, 0.3]])[0, :, 1]
    array([1., 0., 0.])
    """
    check_fits(n_features, "n_features", n_features, 2)
    random = np.random.RandomState(draw_seed(random_state))
    function = make_pairwise(
        n_features, weights={0: 1.0, 1: 1.0}, products={(0, 1): -2.0}, signs=(0, 1)
    )
    data = draw_normal(random, n_samples, role_names(n_features, {"bit": 2}))
    model = KnownClassifier(function, noise=float(noise))
    important = np.arange(n_features) < 2
    return make_bundle(model, data, important, noise, random, return_X_y, as_frame)


@validate_params({**COMMON, "n_branch": COUNT, "noise": NOISE}, prefer_skip_nested_validation=True)
def make_switch(
    n_samples: int = 500,
    *,
    n_features: int = 10,
    n_branch: int = 2,
    noise: float = 0.0,
    random_state: Any = None,
    return_X_y: bool = False,
    as_frame: bool = True,
) -> Any:
    """Make a regression problem in which one column decides which others matter.

    Where the first column is positive, the target is a weighted sum of the next `n_branch` columns,
    else of the `n_branch` after them. All columns are independent and standard normal.

    Parameters
    ----------
    n_samples : int, default=500
        Number of rows.
    n_features : int, default=10
        Number of columns.
    n_branch : int, default=2
        Number of columns that matter on either side.
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
        As from `make_additive`; `important` are the columns that matter on either side, and the
        switch. With `return_X_y`, the tuple ``(data, target)``.

    See Also
    --------
    make_interaction : Products of numbers.

    Notes
    -----
    Columns of the side that is off have attributions as well, unless all background rows are on the
    same side as the row: a background row of the other side brings them in. With u = 1 for a
    positive switch and 0 for others, the target is a sum of columns and of products with u.

    Examples
    --------
    >>> from sklearn_metaexplain.datasets import make_switch
    >>> problem = make_switch(n_features=5, n_branch=2, random_state=0)
    >>> problem.feature_names
    ['switch_0', 'on_0', 'on_1', 'off_0', 'off_1']
    >>> on = problem.data[problem.data["switch_0"] > 0]
    >>> bool(problem.attributions(on[:3], on)[:, [0, 3, 4]].any())
    False
    """
    check_fits(n_features, "n_branch", n_branch, 1 + 2 * n_branch)
    random = np.random.RandomState(draw_seed(random_state))
    on = dict(enumerate(draw_weights(random, n_branch), 1))
    off = dict(enumerate(draw_weights(random, n_branch), 1 + n_branch))
    # switch * on + (1 - switch) * off
    products = {(0, column): weight for column, weight in on.items()}
    products |= {(0, column): -weight for column, weight in off.items()}
    function = make_pairwise(n_features, weights=off, products=products, signs=(0,))
    names = role_names(n_features, {"switch": 1, "on": n_branch, "off": n_branch})
    data = draw_normal(random, n_samples, names)
    important = np.arange(n_features) < 1 + 2 * n_branch
    model = KnownRegressor(function)
    return make_bundle(model, data, important, noise, random, return_X_y, as_frame)
