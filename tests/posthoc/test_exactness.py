"""MetaExplainer against enumeration by hand, and what it asks the model on the way."""

from itertools import combinations
from math import factorial

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.datasets import load_diabetes
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression

from sklearn_metaexplain import MetaExplainer
from tests.posthoc.tables import Recording, mixed_pipeline, mixed_table

N_SUPPORT = 64
N_BACKGROUND = 6


def numbers(d=4, n=60):
    """Numbers of which some repeat, so that rows and background rows have cells in common."""
    X = np.random.default_rng(0).normal(size=(n, d))
    X[:, 0] = np.round(X[:, 0])
    return X


def enumerated(outputs_of, row, background, groups):
    """Shapley values by Shapley's formula over subsets, hybrids made cell by cell."""

    def worth(inside):
        hybrids = background.copy()
        for j in (j for player in inside for j in groups[player]):
            if isinstance(background, pd.DataFrame):
                # Of one value repeated, so that the dtype is the row's.
                hybrids[background.columns[j]] = row.iloc[[0] * len(hybrids), j].array
            else:
                hybrids[:, j] = row[0, j]
        return np.asarray(outputs_of(hybrids), dtype=float).reshape(len(hybrids), -1).mean(axis=0)

    everyone = frozenset(range(len(groups)))
    worths = {
        frozenset(inside): worth(inside)
        for size in range(len(groups) + 1)
        for inside in combinations(range(len(groups)), size)
    }
    d = len(groups)
    values = []
    for player in range(d):
        total = np.zeros_like(worths[everyone])
        for inside in (inside for inside in worths if player not in inside):
            weight = factorial(len(inside)) * factorial(d - 1 - len(inside)) / factorial(d)
            total += weight * (worths[inside | {player}] - worths[inside])
        values.append(total)
    return np.array(values)


def alone(d):
    return [[j] for j in range(d)]


def meta(model, **settings):
    return MetaExplainer(
        model,
        **{"background": N_BACKGROUND, "n_support": N_SUPPORT, "random_state": 0, **settings},
    )


def as_cells(rows):
    """Rows as tuples of their cells, in the order in which they were asked."""
    return [tuple(row) for row in np.concatenate([np.asarray(part) for part in rows]).tolist()]


class TestEnumeration:
    BUDGET = (2**4 - 2) * N_BACKGROUND

    @pytest.mark.parametrize("n_classes", [1, 2, 3])
    @pytest.mark.parametrize("pretrained", ["default", None])
    def test_probabilities(self, n_classes, pretrained):
        X = numbers()
        explainer = meta(Recording(n_classes), pretrained=pretrained, budget=self.BUDGET).fit(X)
        explanation = explainer.explain(X[:5])
        for i in range(5):
            truth = enumerated(explainer.predict_proba, X[[i]], explainer.background_, alone(4))
            np.testing.assert_allclose(explanation.values[i], truth, atol=1e-6)
        assert np.abs(explanation.residual).max() < 1e-6
        np.testing.assert_array_equal(explanation.std, 0)
        assert (explainer.shapley_error_, explainer.shapley_error_se_) == (0.0, 0.0)

    def test_a_forest_of_three_classes_and_its_log_odds(self):
        X = numbers()
        y = np.array(["a", "b", "c"])[np.digitize(X[:, 1] * X[:, 2] + X[:, 0], [-0.5, 0.5])]
        forest = RandomForestClassifier(10, random_state=0).fit(X, y)
        explainer = meta(FrozenEstimator(forest), output="log_odds").fit(X)
        explanation = explainer.explain(X[:3], budget=self.BUDGET)

        def log_odds(rows):
            p = np.clip(forest.predict_proba(rows), 1e-6, 1 - 1e-6)
            return np.log(p / (1 - p))

        for i in range(3):
            truth = enumerated(log_odds, X[[i]], explainer.background_, alone(4))
            np.testing.assert_allclose(explanation.values[i], truth, atol=1e-6)
        assert np.abs(explanation.residual).max() < 1e-6

    def test_targets_of_a_regressor_in_their_own_units(self):
        X = numbers()
        targets = np.column_stack([1e6 * X[:, 0] * X[:, 1], 1e-3 * X[:, 2]])
        explainer = meta(RandomForestRegressor(10, random_state=0)).fit(X, targets)
        explanation = explainer.explain(X[:3], budget=self.BUDGET)
        for i in range(3):
            truth = enumerated(explainer.predict, X[[i]], explainer.background_, alone(4))
            for target, size in enumerate([1e6, 1e-3]):
                np.testing.assert_allclose(
                    explanation.values[i, :, target], truth[:, target], atol=1e-6 * size
                )

    @pytest.mark.parametrize("groups", [None, {"person": ["age", "sex"]}])
    def test_raw_columns_of_a_pipeline(self, groups):
        X, y = mixed_table()
        explainer = meta(mixed_pipeline(), feature_groups=groups).fit(X, y)
        players = alone(4) if groups is None else [[0, 3], [1], [2]]
        rows = X.iloc[:3].assign(port=["C", "unseen", None])
        explanation = explainer.explain(rows, budget=(2 ** len(players) - 2) * N_BACKGROUND)
        for i in range(3):
            truth = enumerated(
                explainer.predict_proba, rows.iloc[[i]], explainer.background_, players
            )
            np.testing.assert_allclose(explanation.values[i], truth, atol=1e-6)

    def test_the_shap_library_says_the_same(self):
        shap = pytest.importorskip("shap")
        X, y = load_diabetes(return_X_y=True)
        X = X[:, :6]
        forest = RandomForestRegressor(10, max_depth=5, random_state=0).fit(X, y)
        explainer = meta(FrozenEstimator(forest), budget=(2**6 - 2) * N_BACKGROUND).fit(X)
        explanation = explainer.explain(X[:4])
        masker = shap.maskers.Independent(explainer.background_, max_samples=N_BACKGROUND)
        truth = shap.ExactExplainer(forest.predict, masker)(X[:4])
        np.testing.assert_allclose(explanation.values[:, :, 0], truth.values, atol=1e-6)
        np.testing.assert_allclose(explanation.base_values[:, 0], truth.base_values, atol=1e-9)

    def test_rows_that_differ_in_few_columns_cost_less(self):
        X = numbers()
        background = X[:3].copy()
        row = X[[10]].copy()
        row[0, :2] = background[0, :2]  # two of four columns differ from the first
        row[0, 3] = background[1, 3]
        explainer = meta(Recording(), background=background, budget=(2**4 - 2) * 3).fit(X)
        differing = (row != background).sum(axis=1)
        assert sorted(differing) == [2, 3, 4]
        before = explainer.estimator_.n_asked
        explanation = explainer.explain(row)
        expected = int((2**differing - 2).sum())
        assert explanation.n_evaluations.tolist() == [expected]
        assert explainer.estimator_.n_asked - before == 1 + expected
        truth = enumerated(explainer.predict_proba, row, background, alone(4))
        np.testing.assert_allclose(explanation.values[0], truth, atol=1e-6)

    def test_a_row_of_the_background_alone_costs_nothing(self):
        X = numbers()
        explainer = meta(Recording(), background=X[[4]], budget=14).fit(X)
        explanation = explainer.explain(X[[4]])
        assert explanation.n_evaluations.tolist() == [0]
        assert (explanation.values == 0).all()

    def test_one_evaluation_less_is_not_enumeration(self):
        X = numbers()
        explainer = meta(Recording()).fit(X)
        spare = explainer.explain(X[:5], budget=self.BUDGET)
        needed = spare.n_evaluations
        short = explainer.explain(X[:5], budget=needed.max() - 1)
        assert (short.n_evaluations < needed.max()).all()
        is_exact = needed < needed.max()
        assert (short.std[~is_exact] > 0).any()
        assert (short.std[is_exact] == 0).all()
        # Nearly everything is known by then.
        np.testing.assert_allclose(short.values, spare.values, atol=0.02)

    def test_a_row_is_exact_once_its_own_hybrids_are_within_the_budget(self):
        rng = np.random.default_rng(0)
        X = rng.integers(0, 2, size=(80, 12)).astype(float)
        background = X[:1]
        near, far = background.copy(), 1 - background
        near[0, [2, 5, 7]] = 1 - near[0, [2, 5, 7]]  # 6 hybrids, where 12 columns have 4,094
        explainer = meta(Recording(), background=background).fit(X)
        explainer.estimator_.asked_.clear()
        explanation = explainer.explain(np.vstack([near, far]), budget=20)
        assert explanation.n_evaluations.tolist() == [6, 20]
        assert explainer.estimator_.n_asked == 2 + 26
        truth = enumerated(explainer.predict_proba, near, background, alone(12))
        np.testing.assert_allclose(explanation.values[0], truth, atol=1e-6)
        assert (explanation.std[0] == 0).all()
        assert (explanation.std[1] > 0).any()


class TestSpending:
    @pytest.mark.parametrize("n_support", [N_BACKGROUND + 16, 64, 97])
    @pytest.mark.parametrize("settings", [{}, {"pretrained": None}, {"max_epochs": 2}])
    def test_fit_asks_exactly_n_support_rows(self, n_support, settings):
        explainer = meta(Recording(), n_support=n_support, **settings).fit(numbers())
        assert explainer.estimator_.n_asked == explainer.n_evaluations_ == n_support

    @pytest.mark.parametrize("n_rows", [2, 7])
    def test_fit_asks_for_that_many_even_of_few_rows(self, n_rows):
        explainer = meta(Recording()).fit(numbers()[:n_rows])
        assert len(explainer.background_) == min(n_rows, N_BACKGROUND)
        assert explainer.estimator_.n_asked == explainer.n_evaluations_ == N_SUPPORT

    def test_no_budget_asks_for_the_rows_themselves(self):
        X = numbers()
        explainer = meta(Recording()).fit(X)
        explainer.estimator_.asked_.clear()
        explanation = explainer.explain(X[:37])
        np.testing.assert_array_equal(np.concatenate(explainer.estimator_.asked_), X[:37])
        assert (explanation.n_evaluations == 0).all()
        assert np.abs(explanation.residual).max() < 1e-6

    @pytest.mark.parametrize("budget", [1, 5, 64, 65, 83, 84, 85, 1000])
    @pytest.mark.parametrize("batch_size", [10_000, 13])
    def test_explain_never_asks_for_more_than_the_budget(self, budget, batch_size):
        X = numbers()
        explainer = meta(Recording(3), budget=budget, batch_size=batch_size).fit(X)
        model = explainer.estimator_
        for rows in (X[[3]], X[20:27]):
            model.asked_.clear()
            explanation = explainer.explain(rows)
            assert (explanation.n_evaluations <= budget).all()
            assert (explanation.n_evaluations > 0).all()
            assert model.n_asked == len(rows) + explanation.n_evaluations.sum()
            assert max(map(len, model.asked_)) <= batch_size
            assert np.abs(explanation.residual).max() < 1e-6

    def test_the_argument_replaces_the_parameter(self):
        X = numbers()
        explainer = meta(Recording(), budget=40).fit(X)
        assert explainer.explain(X[:2], budget=0).n_evaluations.tolist() == [0, 0]
        assert (explainer.explain(X[:2], budget=20).n_evaluations <= 20).all()
        assert (explainer.explain(X[:2]).n_evaluations > 20).all()
        assert explainer.get_params()["budget"] == 40

    def test_nothing_is_asked_that_is_known(self):
        X = numbers()
        explainer = meta(Recording(), background=X[:3], budget=30).fit(X)
        model = explainer.estimator_
        known = set(as_cells([X[:3], X[[9]]]))
        model.asked_.clear()
        explainer.explain(X[[9]])
        assert not known & set(as_cells(model.asked_[1:]))


class TestNested:
    @pytest.mark.parametrize("seed", [0, 1])
    def test_a_larger_budget_asks_all_that_a_smaller_one_does(self, seed):
        X = numbers(d=8)
        explainer = meta(Recording(), random_state=seed).fit(X)
        asked = {}
        for budget in (3, 40, 64, 65, 200, 500):
            explainer.estimator_.asked_.clear()
            explainer.explain(X[[11]], budget=budget)
            asked[budget] = as_cells(explainer.estimator_.asked_)
        everything = asked.pop(500)
        for smaller in asked.values():
            assert everything[: len(smaller)] == smaller

    def test_other_seeds_ask_other_questions(self):
        X = numbers(d=8)
        asked = []
        for seed in (0, 1):
            explainer = meta(Recording(), background=X[:4], random_state=seed).fit(X)
            explainer.estimator_.asked_.clear()
            explainer.explain(X[[11]], budget=40)
            asked.append(set(as_cells(explainer.estimator_.asked_)))
        assert asked[0] != asked[1]

    def test_what_a_row_is_asked_depends_on_no_other_row(self):
        X = np.random.default_rng(1).normal(size=(60, 6))
        explainer = meta(Recording()).fit(X)

        def asked(rows):
            explainer.estimator_.asked_.clear()
            explainer.explain(X[rows], budget=50)
            return np.concatenate(explainer.estimator_.asked_[1:])

        together = asked([3, 20, 41])
        apart = np.concatenate([asked([i]) for i in (3, 20, 41)])
        np.testing.assert_array_equal(together, apart)

    def test_nothing_is_asked_twice(self):
        # 5 columns, one of few values: hybrids repeat in any large draw.
        X = numbers(d=5)
        X[:, 1] = np.round(X[:, 1])
        explainer = meta(Recording()).fit(X)
        explainer.estimator_.asked_.clear()
        explainer.explain(X[[7]], budget=100)
        asked = as_cells(explainer.estimator_.asked_[1:])
        assert len(asked) > 40
        assert len(set(asked)) == len(asked)

    def test_evaluations_bring_values_closer_to_the_truth(self):
        X = numbers(d=7)
        explainer = meta(Sharp()).fit(X, X[:, 0])
        truth = explainer.explain(X[:20], budget=(2**7 - 2) * N_BACKGROUND)
        assert (truth.std == 0).all()
        errors = [
            ((explainer.explain(X[:20], budget=budget).values - truth.values) ** 2).mean()
            for budget in (0, 30, 120, 480)
        ]
        assert errors[1] < 0.9 * errors[0]
        assert errors[2] < 0.7 * errors[1]
        assert errors[3] < 0.5 * errors[2]


class Sharp(RegressorMixin, BaseEstimator):
    """Columns interact, smoothly and in steps."""

    def fit(self, X, y):
        self.n_features_in_ = X.shape[1]
        return self

    def predict(self, X):
        return np.sin(2 * X[:, 0]) * X[:, 1] + (X[:, 2] > 0) * X[:, 3] + np.abs(X[:, 4] + X[:, 5])


@pytest.mark.parametrize("budget", [0, 25])
def test_a_linear_model_comes_close_to_its_closed_form(budget):
    X = np.random.default_rng(0).normal(size=(80, 5))
    model = LinearRegression().fit(X, X @ [1.0, -2.0, 0.5, 3.0, 0.0])
    explainer = meta(FrozenEstimator(model), n_support=256, budget=budget).fit(X)
    explanation = explainer.explain(X)
    truth = (X - explainer.background_.mean(axis=0)) * model.coef_
    error = explanation.values[:, :, 0] - truth
    assert (error**2).sum() < 0.01 * (truth**2).sum()
    assert np.abs(explanation.residual).max() < 1e-6
