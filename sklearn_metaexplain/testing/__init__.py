"""Checks that every explainer must pass, of this package and of others.

A third party runs them next to scikit-learn's own checks::

    from sklearn.utils.estimator_checks import parametrize_with_checks
    from sklearn_metaexplain.testing import parametrize_with_explainer_checks

    EXPLAINERS = [MyExplainer(LogisticRegression(), random_state=0), MyExplainer(Ridge())]

    @parametrize_with_checks(EXPLAINERS)
    def test_scikit_learn(estimator, check):
        check(estimator)

    @parametrize_with_explainer_checks(EXPLAINERS)
    def test_explainer(explainer, check):
        check(explainer)

Checks are chosen by tags. An explainer whose tag `non_deterministic` is set is not asked for the
same numbers twice; one whose tag `additive` is False is not asked for sums. Each check clones the
explainer, sets every `random_state` that is None, and fits on small tables of its own with a column
that is constant: use settings that make this quick. An explainer that only takes certain columns,
for instance around a fitted model, brings its own table.
"""

import warnings
from collections.abc import Callable, Iterable, Iterator
from functools import partial, wraps
from typing import Any
from unittest import SkipTest

from sklearn.exceptions import SkipTestWarning
from sklearn.utils import get_tags

from sklearn_metaexplain.testing import _contract, _estimator, _invariance

__all__ = ["check_explainer", "explainer_checks", "parametrize_with_explainer_checks"]

Check = Callable[..., None]


def explainer_checks(explainer: Any) -> Iterator[Check]:
    """Checks that apply to an explainer.

    Parameters
    ----------
    explainer : estimator
        The explainer; its tags and parameters choose the checks.

    Yields
    ------
    check : callable
        Called as ``check(explainer)`` or ``check(explainer, data=(X, y))``; raises AssertionError,
        or whatever the explainer raised, on failure, and `unittest.SkipTest`, with the reason,
        where it cannot tell.

    Examples
    --------
    >>> from sklearn.linear_model import LinearRegression
    >>> from sklearn_metaexplain import LimeExplainer, ShapExplainer
    >>> from sklearn_metaexplain.testing import explainer_checks
    >>> shap, lime = (
    ...     {check.__name__ for check in explainer_checks(explainer(LinearRegression()))}
    ...     for explainer in (ShapExplainer, LimeExplainer)
    ... )
    >>> shap - lime  # coefficients of LIME are not meant to add up
    {'check_efficiency'}
    """
    yield _contract.check_explainer_tags
    tags = get_tags(explainer)
    params = explainer.get_params(deep=False)
    yield _contract.check_not_fitted
    yield _contract.check_shapes
    yield _contract.check_predictions
    yield _contract.check_base_values
    if tags.explainer_tags.additive:
        yield _contract.check_efficiency
    yield _contract.check_feature_names
    yield _contract.check_transform
    yield _contract.check_options
    yield _contract.check_bad_input
    yield _contract.check_saved_explanation
    yield _contract.check_small_tables
    yield _invariance.check_constant_columns
    if not tags.non_deterministic:
        yield _invariance.check_row_alone
        yield _invariance.check_row_permutation
        yield _invariance.check_containers
        yield _estimator.check_clone
        yield _estimator.check_refit
        yield _estimator.check_pipeline
        if "n_jobs" in params:
            yield _invariance.check_n_jobs
        if "estimator" in params:
            yield _estimator.check_n_evaluations
    yield _invariance.check_column_permutation
    yield _estimator.check_pickle
    yield _estimator.check_params_untouched
    yield _estimator.check_explain_changes_nothing
    yield _estimator.check_global_state
    if "estimator" in params:
        yield _estimator.check_user_estimator


def check_explainer(explainer: Any, *, data: tuple[Any, Any] | None = None) -> None:
    """Run all checks that apply to an explainer; the first failure raises.

    Parameters
    ----------
    explainer : estimator
        Unfitted explainer, with settings that make fitting quick.
    data : tuple of (X, y), default=None
        A table to check on, of at least 20 rows, for explainers that need certain columns. None:
        small numeric tables, for classifiers with two and with three classes. Checks that
        need these tables are skipped on another, and those that look at single columns where the
        explainer has `feature_groups`.

    Raises
    ------
    AssertionError
        If a check fails.

    Warns
    -----
    SkipTestWarning
        scikit-learn's, for each check that was skipped, with the reason.

    Examples
    --------
    >>> from sklearn.linear_model import LinearRegression
    >>> from sklearn_metaexplain.testing import check_explainer
    >>> check_explainer(LinearRegression())
    Traceback (most recent call last):
        ...
    TypeError: LinearRegression is not an explainer: its tags have no explainer_tags.
    """
    _must_be_explainer(explainer)
    for check in explainer_checks(explainer):
        try:
            check(explainer, data=data)
        except SkipTest as reason:
            warnings.warn(
                f"Skipping {check.__name__} for {type(explainer).__name__}: {reason}",
                SkipTestWarning,
                stacklevel=2,
            )


def parametrize_with_explainer_checks(
    explainers: Iterable[Any], *, data: tuple[Any, Any] | None = None
) -> Any:
    """Pytest decorator: one test for each explainer and check.

    Parameters
    ----------
    explainers : iterable of estimators
        Unfitted explainers.
    data : tuple of (X, y), default=None
        As in `check_explainer`.

    Returns
    -------
    decorator : pytest.MarkDecorator
        For a test with the arguments ``explainer`` and ``check``.

    Examples
    --------
    >>> from sklearn.linear_model import LinearRegression
    >>> from sklearn_metaexplain import ShapExplainer
    >>> from sklearn_metaexplain.testing import parametrize_with_explainer_checks
    >>> @parametrize_with_explainer_checks([ShapExplainer(LinearRegression(), background=2)])
    ... def test_explainer(explainer, check):
    ...     check(explainer)
    """
    import pytest

    cases = []
    for explainer in explainers:
        _must_be_explainer(explainer)
        for check in explainer_checks(explainer):
            bound = wraps(check)(partial(check, data=data))
            cases.append(pytest.param(explainer, bound, id=f"{explainer!r}-{check.__name__}"))
    return pytest.mark.parametrize(("explainer", "check"), cases)


def _must_be_explainer(explainer: Any) -> None:
    if not hasattr(get_tags(explainer), "explainer_tags"):
        raise TypeError(
            f"{type(explainer).__name__} is not an explainer: its tags have no explainer_tags."
        )
