from dataclasses import replace

import numpy as np
import pytest

from sklearn_metaexplain.metrics import dummy_violation
from tests.metrics.explanations import attributed, nothing_but_rounding
from tests.posthoc.tables import mixed_pipeline, mixed_table
from tests.small_explainers import ExactExplainer


def switch(table):
    """Column 0 decides whether 1 or 2 counts; column 3 never does."""
    table = np.asarray(table, dtype=float)
    return np.where(table[:, 0] > 0, table[:, 1], table[:, 2])


def explained(values, X):
    return attributed(np.asarray(values, float)[:, :, None], X, switch(X))


def table(n=12, seed=0):
    return np.random.RandomState(seed).normal(size=(n, 4))


def test_unused_columns_are_found_and_their_share_is_measured():
    X = table()
    values = np.tile([1.0, -2.0, 3.0, 2.0], (12, 1))
    violation = dummy_violation(
        explained(values, X), switch, background=table(5, 1), random_state=0
    )
    assert violation == pytest.approx(2 / 8)
    values[:6, 3] = 0.0
    assert dummy_violation(
        explained(values, X), switch, background=table(5, 1), random_state=0
    ) == pytest.approx(1 / 8)
    # Where nothing is attributed nothing is violated.
    values[6:] = 0.0
    assert dummy_violation(explained(values, X), switch, background=table(5, 1)) == 0.0


@pytest.mark.parametrize("unit", [1e-12, 1.0])
def test_rounding_is_no_attribution(unit):
    explanation = nothing_but_rounding(unit)
    options = {"background": np.zeros((2, 3)), "random_state": 0}
    assert (
        dummy_violation(explanation, lambda rows: np.full(len(rows), 0.4 * unit), **options) == 0.0
    )
    # Attributions that are as small, of outputs that are, count.
    X = unit * np.arange(1.0, 13.0).reshape(4, 3)
    small = attributed(X[:, :, None], X, X[:, :2].sum(axis=1))
    options["background"] = 0 * X
    violation = dummy_violation(small, lambda rows: rows[:, :2].sum(axis=1), **options)
    assert violation == pytest.approx(np.mean(X[:, 2] / X.sum(axis=1)))


def test_a_column_that_matters_in_few_contexts_is_no_dummy():
    def both(table):
        return ((table[:, 0] > 0) & (table[:, 1] > 0)).astype(float)

    X, background = np.full((1, 4), 1.0), np.full((1, 4), -1.0)
    explanation = attributed(np.ones((1, 4, 1)), X, both(X))
    violation = dummy_violation(explanation, both, background=background, random_state=0)
    assert violation == pytest.approx(2 / 4)


@pytest.mark.parametrize("where", [0.0, 1.0])
def test_the_row_itself_and_the_background_row_are_tried(where):
    def everywhere(table):
        return (table == where).all(axis=1).astype(float)

    X = np.ones((1, 8))
    explanation = attributed(np.ones((1, 8, 1)), X, everywhere(X))
    options = {"background": np.zeros((1, 8)), "n_coalitions": 1, "random_state": 0}
    assert dummy_violation(explanation, everywhere, **options) == 0.0


def test_what_changes_one_output_of_one_row_is_no_dummy():
    X = np.zeros((40, 3))
    X[:, 1], X[0, 0] = np.linspace(0, 1, 40), 1.0
    values = np.stack([X * [1.0, 0.0, 1.0], X * [0.0, 1.0, 1.0]], axis=2)
    explanation = attributed(values, X, X[:, :2])
    options = {"background": np.zeros((1, 3)), "tolerance": 0.1, "random_state": 0}
    assert dummy_violation(explanation, lambda table: table[:, :2], **options) == 0.0


def test_columns_that_the_caller_names():
    X, values = table(), np.tile([1.0, -2.0, 3.0, 2.0], (12, 1))
    explanation = explained(values, X)
    options = {"background": table(5, 1)}
    assert dummy_violation(explanation, switch, dummies=["f1", 3], **options) == 4 / 8
    assert dummy_violation(explanation, switch, dummies=[], **options) == 0.0
    with pytest.raises(ValueError, match=r"names 'x3', which is none of the columns \['f0'"):
        dummy_violation(explanation, switch, dummies=["x3"], **options)
    with pytest.raises(ValueError, match="dummies names 4, which is none"):
        dummy_violation(explanation, switch, dummies=[4], **options)
    for mask in ([False, True, False], np.array([False, True, False])):
        with pytest.raises(TypeError, match=r"names or positions; got .*False.*flatnonzero"):
            dummy_violation(explanation, switch, dummies=mask, **options)
    for single in ("f1", 1):
        with pytest.raises(TypeError, match="dummies must be a list"):
            dummy_violation(explanation, switch, dummies=single, **options)
    labelled = replace(explanation, feature_names=["0", "2", "3", "5"])
    with pytest.raises(
        ValueError,
        match=r"names 3, .* position of the column labelled '5'; write labels as text, '3'",
    ):
        dummy_violation(labelled, switch, dummies=[3], **options)


def test_exact_values_of_a_mixed_table_do_not_violate():
    X, y = mixed_table()
    X["noise"] = X.index  # text that the pipeline drops
    explainer = ExactExplainer(mixed_pipeline(), background=5, random_state=0).fit(X, y)
    explanation = explainer.explain(X[:6])

    def violation(values):
        return dummy_violation(
            replace(explanation, values=values),
            explainer.predict_proba,
            background=X[40:50],
            random_state=0,
        )

    assert violation(explanation.values) < 1e-12
    assert violation(np.ones_like(explanation.values)) == pytest.approx(1 / 5)


def test_cost_is_as_documented():
    X = table()
    asked = []

    def predict(rows):
        asked.append(len(rows))
        return switch(rows)

    explanation = explained(np.ones((12, 4)), X)
    whole = dummy_violation(
        explanation, predict, background=table(5, 1), n_coalitions=6, random_state=0
    )
    assert sum(asked) == 12 + 12 * (6 + 2) * (4 + 1)
    small = dummy_violation(
        explanation,
        predict,
        background=table(5, 1),
        n_coalitions=6,
        random_state=0,
        batch_size=50,
    )
    assert small == whole
    assert max(asked[2:]) == 50
