"""Players that change nothing."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.svm import SVR

from sklearn_metaexplain import MetaExplainer
from sklearn_metaexplain.masking import MaskedModel
from sklearn_metaexplain.masking._probes import Probes
from sklearn_metaexplain.posthoc._dummy_players import do_matter
from sklearn_metaexplain.posthoc._support import ask_support

SMALL = {"background": 10, "n_support": 512, "random_state": 0}


class Function(RegressorMixin, BaseEstimator):
    """A function of a table, that counts the rows it is asked for."""

    def __init__(self, function):
        self.function = function

    def fit(self, X, y=None):
        self.n_asked_ = 0
        return self

    def predict(self, X):
        self.n_asked_ += len(X)
        return self.function(np.asarray(X, dtype=float))


@pytest.fixture
def X():
    return np.random.default_rng(0).normal(size=(300, 6))


def dummies_of(function, X, n_support=512, n_rounds=2, seed=0, groups=None):
    model = Function(function).fit(X)
    masked = MaskedModel(model, X[:10], feature_groups=groups)
    rng = np.random.RandomState(seed)
    support = ask_support(masked, X, n_support, rng, n_rounds=n_rounds)
    assert model.n_asked_ == support.n_evaluations == n_support
    return np.flatnonzero(support.dummies).tolist()


FUNCTIONS = {
    "sum": (lambda X: X[:, :4].sum(1), [4, 5]),
    "all": (lambda X: X.sum(1), []),
    "one": (lambda X: np.sin(X[:, 2]), [0, 1, 3, 4, 5]),
    "where it is seen": (lambda X: np.where(X[:, 0] > 0.8, X[:, 1], 0) + X[:, 2], [3, 4, 5]),
    "several outputs": (lambda X: np.stack([X[:, 0], X[:, 1]], 1), [2, 3, 4, 5]),
    "constant": (lambda X: np.full(len(X), 2.0), []),
}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", FUNCTIONS)
def test_dummies_are_found_and_no_others(X, name, seed):
    function, expected = FUNCTIONS[name]
    assert dummies_of(function, X, seed=seed) == expected


@pytest.mark.parametrize("others", [False, True])
def test_what_hardly_ever_matters_is_told_from_dummies_or_nothing_is_said(X, others):
    found = [
        dummies_of(lambda X: others * X[:, 1] + 9.0 * (X[:, 0] > 2.5), X, seed=seed)
        for seed in range(6)
    ]
    expected = [2, 3, 4, 5] if others else [1, 2, 3, 4, 5]
    assert all(dummies in (expected, []) for dummies in found)
    assert expected in found


def test_where_most_replacements_change_nothing_dummies_are_often_found(X):
    found = [
        dummies_of(lambda X: (X[:, :3] > 1).sum(1) + X[:, 3], X, seed=seed) for seed in range(6)
    ]
    assert all(dummies in ([4, 5], []) for dummies in found)
    assert found.count([4, 5]) >= 4


@pytest.mark.parametrize(("others", "most_missed"), [("sum", 0), ("as unusual", 1)])
def test_what_hardly_ever_matters_is_seldom_a_dummy(others, most_missed):
    X = np.random.RandomState(0).standard_normal((1000, 5))
    rest = {
        "sum": lambda X: X[:, 0] + 0.5 * X[:, 1] * X[:, 2],
        # Nothing about the outputs that it changes is unusual.
        "as unusual": lambda X: 20.0 * (X[:, 0] * X[:, 1] > 0.5),
    }[others]

    def function(X):
        return np.maximum(rest(X), 20.0 * (X[:, 3] > 2.6))

    missed = [3 in dummies_of(function, X, 2048, seed=seed) for seed in range(6)]
    assert sum(missed) <= most_missed


@pytest.mark.parametrize("n_support", [512, 2048])
def test_what_matters_where_outputs_are_usual_is_no_dummy(n_support):
    X = np.random.RandomState(0).standard_normal((500, 5))

    def function(X):
        return X[:, 0] + 0.5 * np.sign(X[:, 1]) * (np.abs(X[:, 0]) < 0.25)

    for seed in range(8):
        assert 1 not in dummies_of(function, X, n_support, seed=seed)


@pytest.mark.parametrize("seed", range(20))
def test_what_matters_together_is_found_or_nothing_is_said(X, seed):
    found = dummies_of(lambda X: (X[:, :3] > 0).all(1) * 1.0, X, seed=seed)
    assert found in ([3, 4, 5], [])


@pytest.mark.parametrize("share", [0.1, 0.2])
def test_what_matters_rarely_is_no_dummy(X, share):
    edge = np.quantile(X[:, 0], 1 - share)
    assert 0 not in dummies_of(lambda X: (X[:, 0] > edge) * 5 + X[:, 1], X, n_support=2048)


@pytest.mark.parametrize("seed", range(10))
def test_what_hardly_ever_differs_is_not_judged_by_the_others(X, seed):
    X = X.copy()
    X[:, 5] = np.random.default_rng(seed).random(len(X)) < 0.05
    X[:10, 5] = 0
    found = dummies_of(lambda X: X[:, 0] + 3 * X[:, 5] * (X[:, 1] > 0.6) + X[:, 1], X, seed=seed)
    assert found in ([2, 3, 4], [])


@pytest.mark.parametrize("share", [0.3, 0.5])
def test_flags_that_are_not_read_are_found(X, share):
    X = X.copy()
    X[:, 4:] = np.random.default_rng(1).random((len(X), 2)) < share
    assert dummies_of(lambda X: X[:, 0] + X[:, 1] * X[:, 2], X, n_support=2048) == [3, 4, 5]


def test_rounding_is_no_change(X):
    def batches_differ(X):
        return X[:, 0] * (1 + 1e-13 * len(X)) + 1e-12 * X[:, 1]

    assert dummies_of(batches_differ, X) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(("weight", "expected"), [(1e-3, [4, 5]), (1e-9, [3, 4, 5])])
def test_a_little_is_no_rounding(X, weight, expected):
    assert dummies_of(lambda X: X[:, :3].sum(1) + weight * X[:, 3], X) == expected


def test_constant_columns_cannot_be_compared(X):
    X = X.copy()
    X[:, 5] = 1.0
    assert dummies_of(lambda X: X[:, 0], X) == [1, 2, 3, 4]


def test_missing_cells_are_equal(X):
    X = X.copy()
    X[:, 5] = np.nan
    assert dummies_of(lambda X: X[:, 0] + np.nan_to_num(X[:, 4]), X) == [1, 2, 3]


def test_a_group_matters_if_one_of_its_columns_does(X):
    assert dummies_of(lambda X: X[:, 0], X, groups=[[0, 1], [2, 3]]) == [1, 2, 3]


@pytest.mark.parametrize("settings", [{"n_rounds": 1}, {"n_support": 70}, {"n_support": 250}])
def test_few_evaluations_or_rounds_are_not_spent_on_it(X, settings):
    assert dummies_of(lambda X: X[:, 0], X, **settings) == []


@pytest.mark.filterwarnings("error::RuntimeWarning")  # as of the mean of no doubts
@pytest.mark.parametrize("seed", range(8))
def test_of_many_small_rounds_comparisons_take_whole_ones(X, seed):
    found = dummies_of(lambda X: (X[:, :3] > 1).sum(1), X, n_support=410, n_rounds=5, seed=seed)
    assert found in ([3, 4, 5], [])


def test_comparisons_take_a_quarter_at_most():
    X = np.random.default_rng(0).normal(size=(300, 12))
    # Everything matters, hardly anywhere.
    model = MaskedModel(Function(lambda X: (X > 2).sum(1)).fit(X), X[:10])
    support = ask_support(model, X, 512, np.random.RandomState(0), n_rounds=2)
    assert not support.dummies.any()
    assert support.n_drawn == 10 + 251 - 24


def test_own_error_is_judged_without_dummies(memorised):
    model, X, y, _ = memorised
    explainer = MetaExplainer(model, **SMALL).fit(X, y)
    surrogate = explainer._surrogate_
    encoded = explainer._encode(X[:8])
    outputs = explainer.predict_proba(X[:8])[:, 1:]
    able = surrogate.able(8)
    assert able.tolist() == [[True] * 4 + [False]] * 8
    values, std, *_ = surrogate.explain(encoded, torch.from_numpy(outputs), able)
    assert not values[:, 4].any()
    assert not std[:, 4].any()


@pytest.fixture(scope="module")
def memorised():
    """A forest that knows its rows by heart, and a column that it never reads but labels do."""
    rng = np.random.default_rng(2)
    X = rng.normal(size=(600, 5))
    y = X[:, 0] + X[:, 1] * X[:, 2] + 1.5 * X[:, 4] + 0.5 * rng.normal(size=600) > 0
    model = make_pipeline(FunctionTransformer(_first_four), RandomForestClassifier(random_state=0))
    return model, X[:500], y[:500], X[500:520]


def _first_four(X):
    return X[:, :4]


@pytest.mark.parametrize("options", [{}, {"speed": "fast"}, {"pretrained": None}])
def test_a_dropped_column_gets_nothing_however_labels_depend_on_it(memorised, options):
    model, X, y, rows = memorised
    explainer = MetaExplainer(model, **SMALL, **options).fit(X, y)
    assert explainer.dummies_.tolist() == [False] * 4 + [True]
    explanation = explainer.explain(rows)
    assert not explanation.values[:, 4].any()
    assert not explanation.std[:, 4].any()
    assert np.abs(explanation.residual).max() < 1e-6
    assert 0 < explainer.shapley_error_ < 1


def test_error_is_less_for_it(memorised):
    model, X, y, rows = memorised
    errors = {1: 0.0, 2: 0.0}
    for n_rounds in errors:
        for seed in range(4):
            options = {**SMALL, "n_rounds": n_rounds, "random_state": seed}
            explainer = MetaExplainer(model, **options).fit(X, y)
            truth = explainer.explain(rows, budget=10**6).values
            off = explainer.explain(rows).values - truth
            errors[n_rounds] += (off**2).sum() / (truth**2).sum()
    assert errors[2] < 0.6 * errors[1]


def test_evaluations_of_rows_are_not_spent_on_dummies(memorised):
    model, X, y, rows = memorised
    explainer = MetaExplainer(model, **SMALL).fit(X, y)
    asked = explainer.explain(rows[:6], budget=200)
    assert not asked.values[:, 4].any()
    # There are 14 coalitions of four players for each of ten background rows.
    assert asked.n_evaluations.max() <= 140


def test_exact_values_are_those_of_all_players(X):
    # Matters where no row is: nobody can find that out but by asking for everything.
    model = Function(lambda X: X[:, 0] + (X[:, 1] > X[:, 1].max() - 1e-9) * (len(X) > 1000))
    explainer = MetaExplainer(model, background=2, n_support=512, random_state=0).fit(X)
    assert explainer.dummies_.tolist() == [False] + [True] * 5
    assert explainer.explain(X[:40], budget=10**6).values[:, 1].any()


def test_columns_may_come_in_any_order(memorised):
    _, X, y, _ = memorised
    frame = pd.DataFrame(X, columns=list("abcde"))
    used = make_column_transformer((StandardScaler(), list("abcd")))
    forest = make_pipeline(used, RandomForestRegressor(5, random_state=0))
    values = []
    for names in (list("abcde"), list("ecabd")):
        explainer = MetaExplainer(forest, **SMALL).fit(frame[names], y * 1.0)
        explanation = explainer.explain(frame[names][:5])
        values.append(pd.DataFrame(explanation.values[..., 0], columns=names)[list("abcde")])
        assert explainer.dummies_.tolist() == [name == "e" for name in names]
    # Of splits that are equally good rounding chooses one.
    np.testing.assert_allclose(values[0], values[1], atol=5e-3)


def test_columns_of_text_and_identifiers():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "customer": [f"c{i}" for i in range(300)],
            "city": rng.choice(["Bonn", "Ulm", "Kiel"], 300),
            "area": rng.normal(size=300),
            "since": pd.date_range("2020-01-01", periods=300),
        }
    )
    y = frame["area"] + (frame["city"] == "Ulm")
    read = make_column_transformer((OneHotEncoder(), ["city"]), (StandardScaler(), ["area"]))
    explainer = MetaExplainer(make_pipeline(read, SVR()), **SMALL).fit(frame, y)
    assert explainer.dummies_.tolist() == [True, False, False, True]
    values = explainer.explain(frame[:4]).values
    assert not values[:, [0, 3]].any()
    assert values[:, [1, 2]].any()


class Asked:
    """Forty hybrids that were asked, after five others; the model may answer otherwise now."""

    def __init__(self, change):
        rng = np.random.RandomState(0)
        self.probes = Probes(np.arange(40), np.zeros(40, dtype=int), rng.rand(40, 3) < 0.5)
        self.outputs = np.concatenate([np.zeros((5, 1)), rng.standard_normal((40, 1))])
        self.change = change
        self.kept = []

    def differing(self, probes):
        return np.ones((len(probes.rows), 3), dtype=bool)

    def extremes(self, players):
        return np.arange(40)

    def evaluate(self, probes):
        self.asked = probes
        return self.outputs[5:][probes.rows] + self.change * (probes.rows == 3)[:, None]

    def remember(self, probes, outputs):
        self.kept.append((probes, outputs))


@pytest.mark.parametrize(("change", "matter"), [(0.0, False), (1e-9, False), (1e-3, True)])
def test_what_was_asked_last_is_kept_if_it_shows_that_dummies_matter(change, matter):
    hybrids, dummies = Asked(change), np.array([False, True, True])
    assert do_matter(hybrids, dummies, 16) == matter
    asked = hybrids.asked
    assert len(set(asked.rows.tolist())) == 16
    moved = asked.coalitions != hybrids.probes.coalitions[asked.rows]
    np.testing.assert_array_equal(moved, np.tile(dummies, (16, 1)))
    # Half have the most unusual outputs, half the most extreme cells.
    unusual = np.argsort(-np.abs(hybrids.outputs[5:, 0] - np.median(hybrids.outputs[5:])))
    assert set(unusual[:8]) <= set(asked.rows)
    assert set(range(8)) <= set(asked.rows)
    assert len(hybrids.kept) == matter
    for kept, outputs in hybrids.kept:
        assert kept is asked
        np.testing.assert_array_equal(outputs, hybrids.evaluate(asked))
