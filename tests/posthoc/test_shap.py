"""ShapExplainer against enumeration by hand, closed forms, and the failures of shap itself."""

import pickle
import subprocess
import sys
import tracemalloc
import warnings
from itertools import product
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.ensemble import (
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from sklearn_metaexplain import ShapExplainer
from sklearn_metaexplain.posthoc._shap_tree import is_close_to_additive
from sklearn_metaexplain.testing import parametrize_with_explainer_checks
from tests.posthoc.tables import Recording, mixed_pipeline, mixed_table
from tests.small_explainers import exact_shapley

ASKING = ["exact", "permutation", "kernel", "auto"]


def enumerated(predict, row, background, groups):
    """Shapley values of one row, hybrids made cell by cell."""
    coalitions = np.array(list(product([False, True], repeat=len(groups))))
    outputs = []
    for coalition in coalitions:
        hybrids = background.copy()
        for inside, columns in zip(coalition, groups, strict=True):
            for column in columns if inside else []:
                if isinstance(hybrids, pd.DataFrame):
                    hybrids[column] = row[column].repeat(len(hybrids)).array  # dtype kept
                else:
                    hybrids[:, column] = row[0, column]
        outputs.append(predict(hybrids).mean(axis=0))
    return exact_shapley(np.array(outputs), coalitions)


@pytest.fixture
def numbers():
    X = np.random.default_rng(0).normal(size=(60, 4))
    return X, (X[:, 0] * X[:, 1] + X[:, 2] > 0).astype(int)


@pytest.mark.parametrize("algorithm", ["exact", "kernel", "auto"])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_equals_enumeration_of_any_model(numbers, algorithm, n_classes):
    X, y = numbers
    explainer = ShapExplainer(
        Recording(n_classes), algorithm=algorithm, background=7, random_state=0
    ).fit(X, y)
    explanation = explainer.explain(X[:3])
    for i in range(3):
        truth = enumerated(
            explainer.predict_proba, X[[i]], explainer.background_, [[j] for j in range(4)]
        )
        np.testing.assert_allclose(explanation.values[i], truth, atol=1e-9)
    assert np.abs(explanation.residual).max() < 1e-12


def test_permutations_are_exact_where_only_pairs_interact(numbers):
    X, _ = numbers
    y = X[:, 0] * X[:, 1] - 3 * X[:, 2]
    pairs = np.column_stack([X, X[:, 0] * X[:, 1]])

    class Pairs(LinearRegression):
        def predict(self, X):
            return super().predict(np.column_stack([X, X[:, 0] * X[:, 1]]))

        def fit(self, X, y):
            return super().fit(pairs, y)

    explainer = ShapExplainer(Pairs(), algorithm="permutation", background=5, random_state=0)
    explainer.fit(X, y)
    budget = 2 * 3 * 5  # one permutation, there and back
    explanation = explainer.explain(X[:4], budget=budget)
    for i in range(4):
        truth = enumerated(
            lambda Z: explainer.predict(Z)[:, None],
            X[[i]],
            explainer.background_,
            [[0], [1], [2], [3]],
        )
        np.testing.assert_allclose(explanation.values[i], truth, atol=1e-9)


@pytest.mark.parametrize("algorithm", ASKING)
def test_linear_models_have_their_closed_form(numbers, algorithm):
    X, _ = numbers
    y = X @ [1.0, -2.0, 0.0, 1e6]
    model = LinearRegression().fit(X, y)
    explainer = ShapExplainer(FrozenEstimator(model), algorithm=algorithm, background=9).fit(X)
    explanation = explainer.explain(X[:5])
    truth = (X[:5] - explainer.background_.mean(axis=0)) * model.coef_
    np.testing.assert_allclose(explanation.values[:, :, 0], truth, atol=1e-6)
    assert explanation.output_names.tolist() == ["y"]


@pytest.mark.parametrize("groups", [None, [["age", "sex"]]])
@pytest.mark.parametrize("algorithm", ["exact", "kernel"])
def test_raw_columns_and_groups_of_a_pipeline(groups, algorithm):
    X, y = mixed_table()
    rows = X.iloc[:4].assign(port=["C", "unseen", None, "S"])
    explainer = ShapExplainer(
        mixed_pipeline(), algorithm=algorithm, background=6, feature_groups=groups, random_state=0
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        explanation = explainer.fit(X, y).explain(rows)
    assert explanation.output_names.tolist() == ["no", "yes"]
    assert explanation.to_frame("yes").index.tolist() == rows.index.tolist()
    columns = (
        [[name] for name in X.columns] if groups is None else [["age", "sex"], ["fare"], ["port"]]
    )
    assert explanation.feature_names.tolist() == ["+".join(names) for names in columns]
    for i in range(4):
        truth = enumerated(explainer.predict_proba, rows.iloc[[i]], explainer.background_, columns)
        np.testing.assert_allclose(explanation.values[i], truth, atol=1e-9)


def test_a_group_is_not_the_sum_of_its_columns(numbers):
    X, y = numbers
    settings = {"algorithm": "exact", "background": 5, "random_state": 0}
    alone = ShapExplainer(Recording(), **settings).fit(X, y).explain(X[:5])
    grouped = ShapExplainer(Recording(), feature_groups=[["x0", "x1"]], **settings)
    together = grouped.fit(X, y).explain(X[:5])
    assert np.abs(together.values[:, 0] - alone.values[:, :2].sum(axis=1)).max() > 1e-4


TREES = [
    (DecisionTreeClassifier(random_state=0), "auto"),
    (RandomForestClassifier(10, random_state=0), "auto"),
    (RandomForestRegressor(10, random_state=0), "auto"),
    (ExtraTreesRegressor(10, random_state=0), "auto"),
    (HistGradientBoostingClassifier(min_samples_leaf=5, random_state=0), "raw"),
    (HistGradientBoostingRegressor(min_samples_leaf=5, random_state=0), "auto"),
]
BOOSTING = (GradientBoostingClassifier(n_estimators=10, random_state=0), "raw")


@pytest.mark.parametrize(
    ("model", "output", "missing", "n_classes"),
    [
        *((*tree, missing, n) for tree in TREES for missing in (False, True) for n in (2, 3)),
        # It takes no missing values, and shap does not read it with three classes.
        (*BOOSTING, False, 2),
    ],
)
def test_trees_equal_enumeration(numbers, model, output, missing, n_classes):
    X, _ = numbers
    y = np.digitize(X[:, 0] * X[:, 1] + X[:, 2], [0, 1][: n_classes - 1])
    if missing:
        X = X.copy()
        X[::5, 1] = np.nan
    settings = {"background": 8, "output": output, "random_state": 0}
    explainer = ShapExplainer(model, algorithm="tree", **settings).fit(X, y)
    explanation = explainer.explain(X[:12])
    frozen = FrozenEstimator(explainer.estimator_)
    exact = ShapExplainer(frozen, algorithm="exact", **settings).fit(X)
    assert exact.explain(X[:12]).n_evaluations.max() > 0
    np.testing.assert_allclose(explanation.values, exact.explain(X[:12]).values, atol=1e-6)
    assert explanation.n_evaluations.max() == 0
    assert np.abs(explanation.residual).max() < 1e-12
    automatic = ShapExplainer(model, **settings).fit(X, y).explain(X[:12])
    np.testing.assert_array_equal(automatic.values, explanation.values)


def test_values_next_to_thresholds_fall_on_their_own_side():
    X = np.array([[0.1], [np.nextafter(0.1, 1)]])
    model = HistGradientBoostingRegressor(min_samples_leaf=1, max_iter=1, learning_rate=1)
    model.fit(np.repeat(X, 20, axis=0), np.repeat([0.0, 1.0], 20))
    explanation = ShapExplainer(FrozenEstimator(model), algorithm="tree").fit(X).explain(X)
    if np.ptp(explanation.predictions) < 0.5:
        pytest.skip("the model itself does not tell them apart")
    np.testing.assert_allclose(explanation.values[:, 0, 0], [-0.5, 0.5], atol=1e-6)


@pytest.mark.parametrize(
    ("model", "settings", "message"),
    [
        (LogisticRegression(), {}, "not LogisticRegression"),
        (RandomForestClassifier(2), {"output": "log_odds"}, "output='probability'"),
        (HistGradientBoostingClassifier(), {}, "output='raw'"),
        (RandomForestClassifier(2), {"feature_groups": [[0, 1]]}, "not the value of their group"),
        (HistGradientBoostingRegressor(loss="poisson"), {}, "link function"),
        (HistGradientBoostingRegressor(loss="gamma"), {}, "link function"),
        (GradientBoostingClassifier(n_estimators=3), {"output": "raw"}, "GradientBoostingClassifi"),
        (
            GradientBoostingClassifier(n_estimators=3, loss="exponential"),
            {"output": "raw"},
            "link function",
        ),
        (
            GradientBoostingRegressor(n_estimators=3, init=DecisionTreeRegressor(max_depth=1)),
            {},
            "init",
        ),
        (HistGradientBoostingClassifier(categorical_features=[0]), {"output": "raw"}, "categor"),
    ],
)
def test_trees_that_cannot_be_read_are_refused_with_the_remedy(numbers, model, settings, message):
    X, y = numbers
    X = X.copy()
    X[:, 0] = X[:, 0] > 0
    if isinstance(model, GradientBoostingClassifier) and model.loss == "log_loss":
        y = y + (X[:, 3] > 0)  # two classes are read
    if getattr(model, "loss", None) == "gamma":
        y = y + 1
    with pytest.raises(ValueError, match=message) as caught:
        ShapExplainer(model, algorithm="tree", **settings).fit(X, y)
    assert 'algorithm="permutation"' in str(caught.value)
    explanation = ShapExplainer(model, background=3, **settings).fit(X, y).explain(X[:2])
    assert np.abs(explanation.residual).max() < 1e-9


@pytest.mark.parametrize("algorithm", ASKING)
@pytest.mark.parametrize("budget", [48, 100, 301, 4000])
def test_spends_what_it_says_and_never_more_than_the_budget(numbers, algorithm, budget):
    X, y = numbers
    if algorithm == "exact" and budget < 70:
        budget = 70
    explainer = ShapExplainer(
        Recording(), algorithm=algorithm, background=5, budget=budget, random_state=0
    ).fit(X, y)
    model = explainer.estimator_
    assert model.n_asked == explainer.n_evaluations_ == 5
    for i in (1, 7):
        before = model.n_asked
        explanation = explainer.explain(X[[i]])
        spent = model.n_asked - before - 1
        assert spent == explanation.n_evaluations[0]
        assert 0 < spent <= budget
    before = model.n_asked
    explanation = explainer.explain(X[:6])
    assert model.n_asked - before == 6 + explanation.n_evaluations.sum()


@pytest.mark.parametrize("algorithm", ["permutation", "kernel"])
def test_a_coalition_that_is_drawn_again_is_not_asked_again(numbers, algorithm):
    explainer = ShapExplainer(Recording(), algorithm=algorithm, background=5, random_state=0)
    explanation = explainer.fit(*numbers).explain(numbers[0][1:3], budget=10_000)
    # Walks of 10,000 evaluations meet all coalitions of four columns over and over.
    assert (explanation.n_evaluations <= (2**4 - 2) * 5).all()
    assert (explanation.n_evaluations > 0).all()


@pytest.mark.parametrize(
    ("algorithm", "least"), [("exact", 70), ("permutation", 30), ("kernel", 40)]
)
def test_a_budget_that_is_too_small_says_what_serves(numbers, algorithm, least):
    X, y = numbers
    explainer = ShapExplainer(Recording(), algorithm=algorithm, background=5, random_state=0)
    explainer.fit(X, y)
    with pytest.raises(ValueError, match=f"at least {least} evaluations"):
        explainer.explain(X[5:6], budget=least - 1)
    explainer.explain(X[5:6], budget=least)
    with pytest.raises(ValueError, match="budget must be an int"):
        explainer.explain(X[5:6], budget=0)


def test_too_many_columns_to_enumerate_are_refused():
    X = np.random.default_rng(0).normal(size=(5, 21))
    explainer = ShapExplainer(Recording(), algorithm="exact").fit(X)
    with pytest.raises(ValueError, match="at most 20 columns"):
        explainer.explain(X[:1])
    automatic = ShapExplainer(Recording(), budget=10**8).fit(X).explain(X[:1], budget=1000)
    assert 0 < automatic.n_evaluations[0] <= 1000


def test_more_budget_is_less_error():
    X = np.random.default_rng(0).normal(size=(40, 8))
    explainer = ShapExplainer(Recording(), background=4, random_state=0).fit(X)
    truth = explainer.set_params(algorithm="exact").explain(X[:10]).values
    for algorithm in ("permutation", "kernel"):
        explainer.set_params(algorithm=algorithm)
        errors = [
            np.square(explainer.explain(X[:10], budget=budget).values - truth).sum()
            for budget in (64, 900)
        ]
        assert errors[1] < errors[0] / 2


def test_budget_enumerates_as_soon_as_it_can(numbers):
    X, y = numbers
    explainer = ShapExplainer(Recording(), background=5, random_state=0).fit(X, y)
    truth = ShapExplainer(Recording(), algorithm="exact", background=5, random_state=0).fit(X, y)
    expected = truth.explain(X[5:8]).values
    np.testing.assert_array_equal(explainer.explain(X[5:8], budget=70).values, expected)
    assert np.abs(explainer.explain(X[5:8], budget=69).values - expected).max() > 1e-9


@pytest.mark.parametrize("algorithm", ASKING)
def test_columns_that_cannot_matter_get_exactly_zero(algorithm):
    X, y = mixed_table()
    X = X.assign(constant="same", empty=np.nan)
    rows = X.iloc[:3].copy()
    background = X.iloc[10:16].assign(fare=rows["fare"].iloc[0])
    explainer = ShapExplainer(
        mixed_pipeline(), algorithm=algorithm, background=background, random_state=0
    ).fit(X, y)
    values = explainer.explain(rows).values
    assert (values[:, 4:] == 0).all()
    assert (values[0, 1] == 0).all()
    assert (values[1, :4] != 0).any()


@pytest.mark.parametrize("algorithm", ["permutation", "kernel"])
def test_same_row_same_answer_and_no_global_state(algorithm, capfd):
    X = np.random.default_rng(0).normal(size=(30, 7))
    settings = {"algorithm": algorithm, "background": 4, "budget": 200, "random_state": 3}
    explainer = ShapExplainer(Recording(), **settings).fit(X)
    before = np.random.get_state()[1].copy()
    batch = explainer.explain(X[:6]).values
    np.testing.assert_array_equal(np.random.get_state()[1], before)
    for i in (0, 4):
        np.testing.assert_allclose(explainer.explain(X[[i]]).values[0], batch[i], atol=1e-12)
    np.testing.assert_allclose(explainer.explain(X[5::-1]).values, batch[::-1], atol=1e-12)
    threads = ShapExplainer(Recording(), **settings, n_jobs=2, batch_size=13).fit(X)
    np.testing.assert_allclose(threads.explain(X[:6]).values, batch, rtol=1e-9, atol=1e-12)
    pickled = pickle.loads(pickle.dumps(explainer))
    np.testing.assert_array_equal(pickled.explain(X[:6]).values, batch)
    other = ShapExplainer(Recording(), **{**settings, "random_state": 4})
    other.fit(X)
    other.background_, other._masked_model_ = explainer.background_, explainer._masked_model_
    assert np.abs(other.explain(X[:6]).values - batch).max() > 1e-9
    assert capfd.readouterr() == ("", "")


def test_progress_is_shown_if_asked_for(numbers, capfd):
    X, y = numbers
    ShapExplainer(Recording(), background=2, verbose=1).fit(X, y).explain(X[:2])
    assert "explain" in capfd.readouterr().err


def test_a_tree_explainer_can_be_pickled(numbers):
    X, y = numbers
    explainer = ShapExplainer(RandomForestClassifier(3), background=5, algorithm="tree").fit(X, y)
    again = pickle.loads(pickle.dumps(explainer))
    np.testing.assert_array_equal(again.explain(X).values, explainer.explain(X).values)


def test_sparse_rows(numbers):
    X, y = numbers
    X = np.where(np.abs(X) > 0.5, X, 0.0)
    for model in (LogisticRegression(), RandomForestClassifier(3, random_state=0)):
        explainer = ShapExplainer(model, background=5, random_state=0)
        dense = explainer.fit(X, y).explain(X[:4])
        thin = explainer.fit(sparse.csr_array(X), y).explain(sparse.csr_array(X[:4]))
        np.testing.assert_allclose(thin.values, dense.values, atol=1e-9)


@pytest.mark.parametrize("algorithm", ["permutation", "kernel"])
def test_a_large_background_does_not_fill_the_memory(algorithm):
    X = np.random.default_rng(0).normal(size=(20_000, 30))
    model = LinearRegression().fit(X, X[:, 0])
    least = {"permutation": 58, "kernel": 60}[algorithm] * len(X)
    explainer = ShapExplainer(
        FrozenEstimator(model), algorithm=algorithm, background=20_000, budget=least
    ).fit(X)
    tracemalloc.start()
    explainer.explain(X[:1])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 200e6  # shap alone: 9.4 GiB by default, 290 MB with this budget


def test_one_class_one_column_one_row():
    X = np.arange(6.0)[:, None]
    explanation = ShapExplainer(Recording(1)).fit(X).explain(X[:1])
    assert explanation.values.shape == (1, 1, 1)
    explanation = ShapExplainer(Recording()).fit(X).explain(X[:1])
    total = explanation.predictions - explanation.base_values
    np.testing.assert_allclose(explanation.values[:, 0], total)
    explanation = ShapExplainer(Recording()).fit(X[:1]).explain(X[:1])
    assert (explanation.values == 0).all()


def test_shap_is_imported_when_it_is_used():
    code = (
        "import sys, sklearn_metaexplain as s; s.ShapExplainer; s.LimeExplainer; "
        "assert not {'shap', 'lime', 'matplotlib'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


EXPLAINERS = [
    ShapExplainer(LogisticRegression(), algorithm="exact", background=3),
    ShapExplainer(LogisticRegression(), algorithm="permutation", background=3),
    ShapExplainer(LogisticRegression(), algorithm="kernel", background=3, output="log_odds"),
    ShapExplainer(DecisionTreeClassifier(max_depth=3, random_state=0), algorithm="tree"),
    ShapExplainer(LinearRegression(), background=3),
]


@parametrize_with_explainer_checks(EXPLAINERS)
def test_explainer_check(explainer, check):
    check(explainer)


@pytest.mark.parametrize("unit", [1e-30, 1e-9, 1.0, 1e9, 1e-44])
def test_trees_are_read_in_any_unit_that_single_precision_holds(numbers, unit):
    X, _ = numbers
    forest = RandomForestRegressor(5, random_state=0).fit(X, X[:, 0] * X[:, 1])
    for tree in forest.estimators_:
        tree.tree_.value[:] *= unit
    settings = {"background": 6, "random_state": 0}
    auto = ShapExplainer(FrozenEstimator(forest), **settings).fit(X)
    exact = ShapExplainer(FrozenEstimator(forest), algorithm="exact", **settings).fit(X)
    explanation, expected = auto.explain(X[:9]), exact.explain(X[:9]).values
    np.testing.assert_allclose(explanation.values / unit, expected / unit, atol=1e-6)
    # Below 1e-38 digits are lost one by one.
    assert (explanation.n_evaluations == 0).all() == (unit > 1e-38)


@pytest.mark.parametrize("n_background", [1, 6])
def test_rows_that_hardly_differ_from_the_background_are_read_too(numbers, n_background):
    X, y = numbers
    forest = RandomForestClassifier(50, random_state=0)
    explainer = ShapExplainer(forest, algorithm="tree", background=n_background, random_state=0)
    explainer.fit(X, y)
    rows = np.concatenate([X, explainer.background_, explainer.background_ + 1e-3])
    assert np.abs(explainer.explain(rows).residual).max() < 1e-12


def test_the_algorithm_is_that_of_fit(numbers):
    X, y = numbers
    model = DecisionTreeClassifier(max_depth=3, random_state=0)
    for first, second in (("permutation", "tree"), ("tree", "kernel"), ("exact", "permutation")):
        explainer = ShapExplainer(model, algorithm=first, background=5, random_state=0).fit(X, y)
        expected = explainer.explain(X[:3])
        explanation = explainer.set_params(algorithm=second).explain(X[:3])
        np.testing.assert_array_equal(explanation.values, expected.values)
        np.testing.assert_array_equal(explanation.n_evaluations, expected.n_evaluations)


@pytest.mark.parametrize(
    ("size", "output", "limit"), [(3.0, 1.0, 3e-5), (1e-3, 1e9, 1e-4), (1e-3, -1e9, 1e-4)]
)
def test_a_gap_is_rounding_of_values_or_of_outputs(size, output, limit):
    model = SimpleNamespace(background_outputs=np.array([[0.0], [output]]))
    values = np.full((2, 1, 1), size)
    gap = np.array([[0.9 * limit], [1.1 * limit]])
    assert is_close_to_additive(values, gap, model).tolist() == [True, False]
