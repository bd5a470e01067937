from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from sklearn_metaexplain.metrics import symmetry_violation
from tests.metrics.explanations import attributed, nothing_but_rounding
from tests.small_explainers import ExactExplainer


def product_and_more(table):
    """Columns 0 and 1 can be exchanged, 2 and 3 cannot."""
    return table[:, 0] * table[:, 1] + table[:, 2] + 2 * table[:, 3]


ROW = np.array([[3.0, 3.0, 1.0, 1.0]])
BACKGROUND = np.array([[1.0, 1.0, 0.0, 0.0], [2.0, 2.0, 0.5, 0.5]])


def violation(values, X=ROW, predict=product_and_more, background=BACKGROUND, **options):
    explanation = attributed(np.atleast_2d(values)[:, :, None], X, predict(X))
    return symmetry_violation(
        explanation, predict, background=background, random_state=0, **options
    )


def test_columns_that_can_be_exchanged_are_found():
    assert violation([4.0, 1.0, 3.0, 2.0]) == pytest.approx(3 / 10)
    assert violation([2.5, 2.5, -3.0, 2.0]) == 0.0
    assert violation([2.5, -2.5, 3.0, 2.0]) == pytest.approx(5 / 10)
    # With other values the same columns do not do the same.
    assert violation([4.0, 1.0, 3.0, 2.0], X=np.array([[3.0, 2.0, 1.0, 1.0]])) == 0.0
    assert violation([0.0, 0.0, 0.0, 0.0]) == 0.0


def test_columns_that_are_equal_alone_but_not_together_with_others_are_told_apart():
    def predict(table):
        return table[:, 0] + table[:, 1] + table[:, 0] * table[:, 2]

    X, background = np.ones((1, 4)), np.zeros((1, 4))
    # Alone columns 0 and 1 both add 1, and column 2 nothing, as column 3.
    assert violation([4.0, 1.0, 3.0, 3.0], X=X, predict=predict, background=background) == 0.0


def test_columns_that_differ_only_where_all_others_are_there_are_told_apart():
    def predict(table):
        return table[:, 0] + table[:, 1] + table[:, 0] * table[:, 2:].prod(axis=1)

    options = {"X": np.ones((1, 8)), "background": np.zeros((1, 8)), "n_coalitions": 1}
    assert violation([4.0] + [1.0] * 7, predict=predict, **options) == 0.0


def test_the_mean_is_over_pairs_and_rows():
    def add_up(table):
        return table.sum(axis=1)

    X = np.array([[1.0, 1.0, 1.0], [1.0, 1.0, 2.0]])
    values = [[2.0, 1.0, 1.0], [2.0, 1.0, 1.0]]
    # Three pairs in the first row, one in the second.
    expected = np.mean([1 / 4, 1 / 4, 0, 1 / 4])
    assert violation(values, X=X, predict=add_up, background=np.zeros((1, 3))) == pytest.approx(
        expected
    )


@pytest.mark.parametrize("unit", [1e-12, 1.0])
def test_rounding_is_no_attribution(unit):
    explanation = nothing_but_rounding(unit)

    def constant(table):
        return np.full(len(table), 0.4 * unit)

    options = {"background": np.zeros((2, 3)), "random_state": 0}
    assert symmetry_violation(explanation, constant, **options) == 0.0
    # Attributions that are as small, of outputs that are, count.
    values, X = unit * np.array([4.0, 1.0, 3.0, 2.0]), unit * ROW
    assert violation(values, X=X, predict=add_first_two, background=0 * X) == pytest.approx(4 / 20)


def add_first_two(table):
    return table[:, 0] + table[:, 1]


def test_pairs_that_the_caller_names():
    values = [4.0, 1.0, 3.0, 2.0]
    assert violation(values, pairs=[("f2", 3), (1, 0)]) == pytest.approx((1 / 10 + 3 / 10) / 2)
    assert violation(values, pairs=[]) == 0.0
    for pairs in ([("f1", "f9")], [(0, 7)]):
        with pytest.raises(ValueError, match="none of the columns"):
            violation(values, pairs=pairs)
    for pairs in ([(1, 1)], [(0, 1, 2)]):
        with pytest.raises(ValueError, match="two different features"):
            violation(values, pairs=pairs)
    for pairs in (3, [0, 1], ["f1", "f2"]):
        with pytest.raises(TypeError, match=r"pairs must be a list of .*features; got"):
            violation(values, pairs=pairs)


def test_exact_values_of_copies_do_not_violate():
    random = np.random.RandomState(0)
    X = random.normal(size=(60, 3))
    X = np.column_stack([X, X[:, 0]])
    y = np.digitize(X[:, 0] + X[:, 1], [-0.5, 0.5])
    # The penalty gives copies the same weights.
    explainer = ExactExplainer(LogisticRegression(tol=1e-12), background=6, random_state=0).fit(
        X, y
    )
    explanation = explainer.explain(X[:5])

    def score(values):
        return symmetry_violation(
            replace(explanation, values=values),
            explainer.predict_proba,
            background=X[50:],
            random_state=0,
        )

    assert score(explanation.values) < 1e-9
    uneven = explanation.values.copy()
    uneven[:, 3] = 0.0
    assert score(uneven) > 0.1


def test_cost_is_as_documented():
    asked = []

    def predict(table):
        asked.append(len(table))
        return product_and_more(table)

    explanation = attributed(np.ones((1, 4, 1)), ROW, product_and_more(ROW))
    symmetry_violation(explanation, predict, background=BACKGROUND, n_coalitions=6)
    assert sum(asked) == 1 + 1 * (6 + 2) * 4 * 2
