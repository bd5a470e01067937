from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestRegressor

from sklearn_metaexplain.metrics import deletion_auc, insertion_auc, perturbation_curve
from tests.metrics.explanations import add_up, attributed, linear_example, of_a_sum
from tests.posthoc.tables import mixed_pipeline, mixed_table

ZEROS = np.zeros((1, 3))


def naive_curve(predict, row, background, values, groups):
    """Outputs of one row by definition, as the groups with the largest values are replaced."""
    order = sorted(range(len(values)), key=lambda group: -values[group])
    outputs = []
    for count in range(len(values) + 1):
        taken = {j for group in order[:count] for j in groups[group]}
        hybrids = [[b[j] if j in taken else row[j] for j in range(len(row))] for b in background]
        outputs.append(np.mean([predict(cells) for cells in hybrids]))
    return outputs


def test_by_hand():
    explanation = of_a_sum([[1.0, 4.0, 3.0], [-1.0, 2.0, 0.5]])
    deleted = perturbation_curve(explanation, add_up, background=ZEROS)
    assert deleted.fractions.tolist() == [0, 1 / 3, 2 / 3, 1]
    np.testing.assert_allclose(deleted.row_outputs, [[8, 4, 1, 0], [1.5, -0.5, -1, 0]], atol=1e-12)
    np.testing.assert_allclose(deleted.outputs, [4.75, 1.75, 0, 0], atol=1e-12)
    np.testing.assert_allclose(deleted.row_aucs, [3.0, (0.75 - 0.5 - 1) / 3])
    inserted = perturbation_curve(explanation, add_up, background=ZEROS, order="insertion")
    np.testing.assert_allclose(inserted.row_outputs, [[0, 4, 7, 8], [0, 2, 2.5, 1.5]], atol=1e-12)
    assert inserted.auc == pytest.approx((4.75 / 2 + 3 + 4.75) / 3)


def test_definition_for_the_predicted_class_of_mixed_rows_with_groups():
    X, _ = mixed_table()
    X.loc[X.index[:3], "port"] = ["C", "Q", "S"]
    y = np.where(X["port"] == "C", "one", np.where(X["age"] > 45, "two", "three"))
    model = mixed_pipeline().fit(X, y)
    rows, background = X[:5], X[70:76]
    probabilities = model.predict_proba(rows)
    predicted = probabilities.argmax(axis=1)
    assert len(set(predicted)) > 1
    values = np.random.RandomState(0).normal(size=(5, 3, 3))
    names = ["person", "fare", "port"]
    explanation = attributed(
        values, rows, probabilities, "probability", "classifier", feature_names=names
    )

    def ask(cells, k):
        return model.predict_proba(pd.DataFrame([cells], columns=X.columns))[0, k]

    expected = [
        naive_curve(
            lambda cells, k=k: ask(cells, k),
            rows.iloc[i].tolist(),
            background.to_numpy().tolist(),
            values[i, :, k],
            [[0, 3], [1], [2]],
        )
        for i, k in enumerate(predicted)
    ]
    curve = perturbation_curve(
        explanation,
        model.predict_proba,
        background=background,
        feature_groups={"person": ["age", "sex"]},
    )
    np.testing.assert_allclose(curve.row_outputs, expected, atol=1e-12)


def test_targets_are_ordered_each_by_its_own_and_averaged():
    random = np.random.RandomState(0)
    X = random.normal(size=(60, 3))
    model = RandomForestRegressor(5, random_state=0).fit(X, np.column_stack([X[:, 0], X[:, 1]]))
    explanation = attributed(random.normal(size=(4, 3, 2)), X[:4], model.predict(X[:4]))
    both = perturbation_curve(explanation, model.predict, background=X[50:])
    alone = [
        perturbation_curve(
            explanation.for_output(k),
            lambda table, k=k: model.predict(table)[:, k],
            background=X[50:],
        ).row_outputs
        for k in (0, 1)
    ]
    np.testing.assert_allclose(both.row_outputs, np.mean(alone, axis=0))


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000), st.integers(1, 6))
def test_ends_are_the_prediction_and_the_background_and_areas_of_additive_models_mirror(seed, d):
    explanation, model, background = linear_example(d=d, n=4, seed=seed)
    noise = np.random.RandomState(seed).normal(size=explanation.values.shape)
    explanation = replace(explanation, values=noise)
    deleted, inserted = (
        perturbation_curve(explanation, model.predict, background=background, order=order)
        for order in ("deletion", "insertion")
    )
    mean = model.predict(background).mean()
    np.testing.assert_allclose(deleted.row_outputs[:, 0], explanation.predictions[:, 0])
    np.testing.assert_allclose(deleted.row_outputs[:, -1], mean)
    # What is inserted is what the other curve has deleted.
    np.testing.assert_allclose(
        inserted.row_outputs + deleted.row_outputs - explanation.predictions, mean, atol=1e-9
    )
    exact = ((explanation.data - background.mean(axis=0)) * model.coef_)[:, :, None]
    best = replace(explanation, values=exact)
    assert deletion_auc(best, model.predict, background=background) <= deleted.auc + 1e-9
    assert insertion_auc(best, model.predict, background=background) >= inserted.auc - 1e-9


def test_steps_move_several_columns():
    explanation, model, background = linear_example(d=7)
    fine = perturbation_curve(explanation, model.predict, background=background)
    coarse = perturbation_curve(explanation, model.predict, background=background, n_steps=3)
    assert coarse.fractions.tolist() == [0, 2 / 7, 5 / 7, 1]
    np.testing.assert_allclose(coarse.row_outputs, fine.row_outputs[:, [0, 2, 5, 7]])
    whole = perturbation_curve(explanation, model.predict, background=background, n_steps=100)
    np.testing.assert_allclose(whole.row_outputs, fine.row_outputs)


def test_equal_attributions_gain_nothing_from_the_order_of_columns():
    # The columns come in the order of their effects, which attributions of zero must not use.
    X = np.tile([[8.0, 4.0, 2.0, 1.0]], (400, 1))
    explanation = replace(of_a_sum(X), values=np.zeros((400, 4, 1)))
    areas = [
        deletion_auc(explanation, add_up, background=np.zeros((1, 4)), random_state=seed)
        for seed in (0, 0, 1)
    ]
    assert areas[0] == areas[1] != areas[2]
    # In a random order the curve is a straight line on average.
    assert areas[0] == pytest.approx(7.5, abs=0.4)
    assert deletion_auc(of_a_sum(X), add_up, background=np.zeros((1, 4))) < 5


def test_cost_is_as_documented():
    explanation, model, background = linear_example(d=4)
    asked = []

    def predict(table):
        asked.append(len(table))
        return model.predict(table)

    whole = perturbation_curve(explanation, predict, background=background)
    assert sum(asked) == 15 * (1 + 3 * 7) + 7
    small = perturbation_curve(explanation, predict, background=background, batch_size=20)
    np.testing.assert_allclose(small.row_outputs, whole.row_outputs)


def test_an_area_is_that_of_the_curve():
    explanation, model, background = linear_example()
    for area, order in ((deletion_auc, "deletion"), (insertion_auc, "insertion")):
        curve = perturbation_curve(explanation, model.predict, background=background, order=order)
        by_hand = sum(
            (right - left) * (high + low) / 2
            for (left, right), (low, high) in zip(
                pairwise(curve.fractions), pairwise(curve.outputs), strict=True
            )
        )
        assert area(explanation, model.predict, background=background) == pytest.approx(by_hand)
        assert curve.row_aucs.mean() == pytest.approx(by_hand)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"order": "removal"}, "order"),
        ({"n_steps": 0}, "n_steps"),
        ({"background": np.zeros((1, 2))}, "background has the columns"),
        ({"background": np.zeros((0, 3))}, "at least one row"),
        ({"feature_groups": [[0, 1]]}, "pass the feature_groups"),
    ],
)
def test_bad_input(options, message):
    with pytest.raises(ValueError, match=message):
        perturbation_curve(of_a_sum([[1.0, 2.0, 3.0]]), add_up, **{"background": ZEROS, **options})
    with pytest.raises(TypeError, match="explanation"):
        perturbation_curve(np.ones((1, 3, 1)), add_up, background=ZEROS)
