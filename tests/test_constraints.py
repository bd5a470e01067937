"""Constraints of parameters, which are checked by name."""

from inspect import isclass, signature

import pytest

from tests.test_docs import public_names, resolve

# Tables, models and mappings are checked where they are read.
CHECKED_ELSEWHERE = {
    *("X", "y", "explainer", "background", "reference", "feature_groups"),
    *("true_values", "values", "pairs", "dummies"),
}


def constraints_of(thing):
    if isclass(thing):
        return getattr(thing, "_parameter_constraints", None)
    return getattr(thing, "_skl_parameter_constraints", None)


CONSTRAINED = sorted(name for name in public_names() if constraints_of(resolve(name)))


def test_explainers_learners_and_metrics_are_among_them():
    assert {"MetaExplainer", "learners.MAML", "metrics.infidelity"} <= set(CONSTRAINED)


@pytest.mark.parametrize("name", CONSTRAINED)
def test_all_parameters_have_constraints_and_no_others(name):
    thing = resolve(name)
    kinds = signature(thing).parameters.values()
    parameters = {kind.name for kind in kinds if kind.kind is not kind.VAR_KEYWORD}
    constrained = set(constraints_of(thing))
    assert constrained <= parameters
    assert parameters - constrained <= CHECKED_ELSEWHERE
