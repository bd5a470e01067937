"""Attributions in closed form are those that the definition gives."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone, is_classifier
from sklearn.frozen import FrozenEstimator
from sklearn.utils.validation import check_is_fitted

from sklearn_metaexplain.datasets import (
    make_additive,
    make_correlated,
    make_interaction,
    make_switch,
    make_xor,
)
from sklearn_metaexplain.masking import MaskedModel
from sklearn_metaexplain.metrics import shapley_error
from sklearn_metaexplain.shapley._enumeration import enumerate_shapley
from tests.small_explainers import ExactExplainer

PROBLEMS = {
    "additive": (make_additive, {"n_informative": 4}),
    "mixed": (make_additive, {"n_informative": 4, "mixed": True, "missing_rate": 0.2}),
    "interaction": (make_interaction, {"n_pairs": 2}),
    "xor": (make_xor, {"noise": 0.1}),
    "switch": (make_switch, {"n_branch": 2}),
    "correlated": (make_correlated, {"n_informative": 2, "n_copies": 2}),
}
MAKERS = [make_additive, make_interaction, make_xor, make_switch, make_correlated]


def make(name, n_samples=40, **changes):
    maker, settings = PROBLEMS[name]
    return maker(n_samples, **{"n_features": 6, "random_state": 0, **settings, **changes})


def head(table, n):
    return table.iloc[:n] if isinstance(table, pd.DataFrame) else table[:n]


@pytest.mark.parametrize("as_frame", [True, False])
@pytest.mark.parametrize("name", PROBLEMS)
def test_attributions_are_those_of_enumeration(name, as_frame):
    problem = make(name, as_frame=as_frame)
    rows = head(problem.data, 5)
    background = problem.data[20:33]
    model = MaskedModel(problem.model, background)
    expected, _ = enumerate_shapley(model, rows, model.predict(rows))
    values = problem.attributions(rows, background)
    np.testing.assert_allclose(values, model.expand_values(expected), atol=1e-10)
    assert np.abs(values).max() > 0.1


@pytest.mark.parametrize("name", PROBLEMS)
def test_attributions_add_up_to_what_the_model_says(name):
    problem = make(name, n_samples=200, n_features=12)
    ask = getattr(problem.model, "predict_proba", problem.model.predict)
    rows, background = problem.data[:100], problem.data[100:]
    outputs = ask(rows).reshape(100, -1)
    expected = outputs - ask(background).reshape(100, -1).mean(axis=0)
    values = problem.attributions(rows, background)
    np.testing.assert_allclose(values.sum(axis=1), expected, atol=1e-9)
    assert values.any(axis=(0, 2)).tolist() == problem.important.tolist()


def test_attributions_by_hand():
    additive = make_additive(10, n_features=2, n_informative=1, random_state=0, as_frame=False)
    (effect,) = np.diff(additive.model.predict([[0.0, 5.0], [1.0, 5.0]]))
    assert 1 <= abs(effect) <= 2
    values = additive.attributions([[3.0, 1.0]], [[1.0, 9.0], [2.0, 9.0]])
    np.testing.assert_allclose(values[0, :, 0], [effect * 1.5, 0.0])

    product = make_interaction(10, n_features=2, n_pairs=1, random_state=0, as_frame=False)
    (weight,) = product.model.predict([[1.0, 1.0]])
    # Alone the first adds (3 - 1) * 4, after the second (3 - 1) * 2.
    values = product.attributions([[3.0, 2.0]], [[1.0, 4.0]])
    np.testing.assert_allclose(values[0, :, 0], weight * np.array([6.0, -4.0]))

    xor = make_xor(10, n_features=2, random_state=0, as_frame=False)
    # Both bits change: each turns the class on and off, in half of the orders.
    assert not xor.attributions([[1.0, 1.0]], [[-1.0, -1.0]]).any()
    values = xor.attributions([[1.0, -1.0]], [[-1.0, 1.0]])
    assert not values.any()
    values = xor.attributions([[1.0, -1.0]], [[-1.0, -1.0]])
    np.testing.assert_array_equal(values[0], [[-1.0, 1.0], [0.0, 0.0]])


def test_switch_decides_which_columns_count():
    problem = make_switch(10, n_features=7, n_branch=2, random_state=0, as_frame=False)
    for switch, counted in [(1.0, [1, 2]), (-1.0, [3, 4])]:
        row = np.zeros((1, 7))
        row[0, 0] = switch
        for column in range(1, 7):
            moved = row.copy()
            moved[0, column] = 1.0
            changed = problem.model.predict(moved) != problem.model.predict(row)
            assert changed[0] == (column in counted)


def test_explainers_are_judged_by_them():
    problem = make("switch", n_samples=60)
    rows, background = problem.data[:8], problem.data[50:]
    explainer = ExactExplainer(FrozenEstimator(problem.model), background=background)
    explanation = explainer.fit(problem.data).explain(rows)
    assert shapley_error(problem.attributions(rows, background), explanation.values) < 1e-20
    assert explanation.feature_names.tolist() == problem.feature_names


# Data


@pytest.mark.parametrize("name", PROBLEMS)
def test_targets_are_the_model_s_without_noise(name):
    problem = make(name, noise=0.0)
    np.testing.assert_array_equal(problem.target, problem.model.predict(problem.data))


@pytest.mark.parametrize("name", [name for name in PROBLEMS if name != "xor"])
def test_noise_has_the_size_asked_for(name):
    problem = make(name, n_samples=4000, noise=3.0)
    errors = problem.target - problem.model.predict(problem.data)
    assert abs(errors.std() - 3.0) < 0.15
    assert abs(errors.mean()) < 0.2


def test_noise_of_classes_is_the_probability_of_the_other():
    problem = make("xor", n_samples=4000, noise=0.2)
    flipped = problem.target != problem.model.predict(problem.data)
    assert abs(flipped.mean() - 0.2) < 0.025
    probabilities = problem.model.predict_proba(problem.data)
    np.testing.assert_allclose(probabilities.min(axis=1), 0.2)
    np.testing.assert_allclose(probabilities.max(axis=1), 0.8)
    assert is_classifier(problem.model)


def test_interaction_and_xor_show_in_no_column_alone():
    for name in ("interaction", "xor"):
        frame = make(name, n_samples=20_000, noise=0.0).frame
        assert frame.corr()["target"].drop("target").abs().max() < 0.05


@pytest.mark.parametrize("correlation", [0.9, -0.5, 0.0, 1.0])
def test_copies_are_correlated_as_asked(correlation):
    problem = make_correlated(
        20_000, n_features=7, n_informative=2, n_copies=2, correlation=correlation, random_state=0
    )
    found = problem.data.corr().to_numpy()
    for copy, original in [(2, 0), (3, 1), (4, 0), (5, 1)]:
        assert abs(found[copy, original] - correlation) < 0.03
    assert abs(found[0, 1]) < 0.03
    assert np.abs(problem.data.std() - 1).max() < 0.03
    assert problem.feature_names[2:6] == ["copy_0", "copy_1", "copy_2", "copy_3"]
    assert problem.important.tolist() == [True] * 2 + [False] * 5


def test_mixed_tables_have_strings_and_gaps():
    problem = make("mixed", n_samples=1000)
    strings = problem.data.iloc[:, 1::2]
    assert {cell for cell in strings.stack() if isinstance(cell, str)} == {"low", "middle", "high"}
    assert problem.data.iloc[:, ::2].dtypes.eq(float).all()
    assert abs(problem.data.isna().to_numpy().mean() - 0.2) < 0.02
    array = make("mixed", n_samples=1000, as_frame=False)
    assert array.data.dtype == object
    pd.testing.assert_frame_equal(
        pd.DataFrame(array.data, columns=problem.feature_names, dtype=object),
        problem.data.astype(object),
    )
    np.testing.assert_allclose(array.target, problem.target)


def test_unknown_strings_have_no_effect():
    problem = make("mixed", n_samples=50, missing_rate=0.0)
    row = problem.data[:1].copy()
    row.iloc[0, 1] = "unheard of"
    effect = problem.attributions(row, problem.data[:1])[0, 1, 0]
    others = problem.attributions(problem.data[:1], row)[0, 1, 0]
    assert effect == -others
    assert effect != 0


@pytest.mark.parametrize("name", PROBLEMS)
def test_shapes_and_containers(name):
    problem = make(name)
    assert isinstance(problem.data, pd.DataFrame)
    assert isinstance(problem.target, pd.Series)
    assert problem.data.columns.tolist() == problem.feature_names
    assert len(set(problem.feature_names)) == 6
    pd.testing.assert_frame_equal(problem.frame.drop(columns="target"), problem.data)
    pd.testing.assert_series_equal(problem.frame["target"], problem.target)

    X, y = make(name, return_X_y=True, as_frame=False)
    assert isinstance(X, np.ndarray)
    assert isinstance(y, np.ndarray)
    assert X.shape == (40, 6)
    assert y.tolist() == problem.target.tolist()
    assert make(name, as_frame=False).frame is None


@pytest.mark.parametrize("maker", MAKERS)
def test_seeds(maker):
    state = np.random.get_state()[1].copy()
    one, same, other = (maker(30, random_state=seed).frame for seed in (1, 1, 2))
    maker(30)
    pd.testing.assert_frame_equal(one, same)
    assert not one.equals(other)
    np.testing.assert_array_equal(state, np.random.get_state()[1])


# Models


@pytest.mark.parametrize("name", PROBLEMS)
def test_models_stay_the_function_whatever_they_are_fitted_on(name):
    problem = make(name)
    check_is_fitted(problem.model)
    again = clone(problem.model).fit(problem.data[20:], problem.target[20:][::-1])
    sent = pickle.loads(pickle.dumps(problem))
    for model in (again, sent.model):
        np.testing.assert_array_equal(
            model.predict(problem.data), problem.model.predict(problem.data)
        )
    np.testing.assert_array_equal(
        sent.attributions(problem.data, problem.data),
        problem.attributions(problem.data, problem.data),
    )


@pytest.mark.parametrize("name", [name for name in PROBLEMS if name not in ("additive", "mixed")])
def test_models_refuse_other_columns_and_missing_cells(name):
    problem = make(name)
    with pytest.raises(ValueError, match="feature names should match"):
        problem.model.predict(problem.data.rename(columns={problem.feature_names[0]: "other"}))
    with pytest.raises(ValueError, match="contains NaN in column"):
        problem.attributions(problem.data.mask(problem.data > 1), problem.data)


@pytest.mark.parametrize(
    ("maker", "settings", "complaint"),
    [
        (make_additive, {"n_informative": 20}, "n_features=10 is too small for n_informative=20"),
        (make_interaction, {"n_pairs": 6}, "for n_pairs=6; at least 12"),
        (make_xor, {"n_features": 1}, "n_features=1 is too small; at least 2"),
        (make_xor, {"noise": 0.5}, "'noise' parameter of make_xor"),
        (make_switch, {"n_branch": 5}, "for n_branch=5; at least 11"),
        (make_correlated, {"n_copies": 4}, "for n_informative \\* n_copies=12; at least 15"),
        (make_correlated, {"correlation": 1.5}, "'correlation' parameter"),
        (make_additive, {"missing_rate": 1.0}, "'missing_rate' parameter"),
        (make_additive, {"noise": -1.0}, "'noise' parameter"),
        (make_switch, {"n_samples": 0}, "'n_samples' parameter"),
    ],
)
def test_wrong_parameters_are_named(maker, settings, complaint):
    with pytest.raises(ValueError, match=complaint):
        maker(**settings)
