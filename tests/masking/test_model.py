"""The model on hybrid rows: batches, counting, players that can matter."""

import tracemalloc
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from sklearn_metaexplain.masking import MaskedModel
from tests.masking.models import Answering


class Counting(RegressorMixin, BaseEstimator):
    """A sum that remembers the sizes of what it was asked."""

    def __init__(self):
        self.sizes = []

    def predict(self, X):
        self.sizes.append(X.shape[0])
        return np.asarray(X).sum(axis=1)


def test_only_the_rows_asked_for_reach_the_model_in_batches(table):
    X, _ = table
    counting = Counting()
    model = MaskedModel(counting, X[:10], batch_size=7)
    assert counting.sizes == [7, 3]
    counting.sizes.clear()
    model.predict(X[:15])
    assert counting.sizes == [7, 7, 1]
    counting.sizes.clear()
    out = model.evaluate(X, np.arange(20), np.zeros(20, int), np.ones((20, 4), bool))
    assert counting.sizes == [7, 7, 6]
    np.testing.assert_allclose(out[:, 0], X[:20].sum(1))
    counting.sizes.clear()
    model.differing(X)
    model.can_matter(X)
    assert model.evaluate(X, [], [], np.empty((0, 4), bool)).shape == (0, 1)
    assert counting.sizes == []


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_evaluate_is_the_model_on_hybrid_rows(table, n_jobs):
    X, y = table
    forest = RandomForestClassifier(5, random_state=0).fit(X, y)
    model = MaskedModel(forest, X[:9], batch_size=11, n_jobs=n_jobs, feature_groups=[[0, 2]])
    rng = np.random.default_rng(1)
    rows, background = rng.integers(0, 60, 50), rng.integers(0, 9, 50)
    coalitions = rng.random((50, 3)) < 0.5
    hybrids = X[background].copy()
    for i in range(50):
        for player, columns in enumerate([[0, 2], [1], [3]]):
            if coalitions[i, player]:
                hybrids[i, columns] = X[rows[i], columns]
    np.testing.assert_allclose(
        model.evaluate(X, rows, background, coalitions), forest.predict_proba(hybrids)[:, 1:]
    )
    assert model.players.names.tolist() == ["x0+x2", "x1", "x3"]


def test_frames_reach_a_pipeline_intact_and_silently():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {
            "n": rng.normal(size=40),
            "s": rng.choice(["u", "v", "w"], 40),
            "c": pd.Categorical(rng.choice(["p", "q"], 40)),
            "i": rng.integers(0, 3, 40),
        },
        index=np.arange(40) * 1.5,
    )
    y = np.where(X["n"] > 0, "yes", "no")
    encoder = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["s", "c"]), (StandardScaler(), ["n", "i"])
    )
    pipe = make_pipeline(encoder, LogisticRegression()).fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = MaskedModel(FrozenEstimator(pipe), X.iloc[:10])
        rows = X.iloc[10:12].assign(s=["unseen", "u"])
        everything = model.evaluate(rows, [0, 1], [3, 4], np.ones((2, 4), bool))
        nothing = model.evaluate(rows, [0, 1], [3, 4], np.zeros((2, 4), bool))
    np.testing.assert_allclose(everything[:, 0], pipe.predict_proba(rows)[:, 1])
    np.testing.assert_allclose(nothing, model.background_outputs[[3, 4]])
    assert model.output_names.tolist() == ["no", "yes"]
    assert model.players.names.tolist() == ["n", "s", "c", "i"]


def test_boosting_that_takes_categories_and_missing_values():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {"n": rng.normal(size=60), "c": pd.Categorical(rng.choice(["p", "q", "r"], 60))}
    )
    X.loc[::7, "n"] = np.nan
    boosting = HistGradientBoostingClassifier(
        max_iter=5, min_samples_leaf=2, categorical_features="from_dtype"
    ).fit(X, X["c"] == "p")
    model = MaskedModel(boosting, X.iloc[:20])
    rows = X.iloc[20:25].assign(c=pd.Categorical(["new"] * 5))
    out = model.evaluate(rows, np.arange(5), np.arange(5), np.ones((5, 2), bool))
    np.testing.assert_allclose(out[:, 0], boosting.predict_proba(rows)[:, 1])


def test_sparse_rows(table):
    X, y = table
    X = np.where(np.abs(X) > 0.5, X, 0.0)
    logistic = LogisticRegression().fit(X, y)
    dense = MaskedModel(logistic, X[:8])
    thin = MaskedModel(logistic, sparse.csr_array(X[:8]))
    coalitions = np.random.default_rng(0).random((30, 4)) < 0.5
    rows, background = np.arange(30), np.arange(30) % 8
    np.testing.assert_allclose(
        thin.evaluate(sparse.csr_array(X), rows, background, coalitions),
        dense.evaluate(X, rows, background, coalitions),
    )
    np.testing.assert_array_equal(thin.differing(sparse.csr_array(X)), dense.differing(X))


def test_differing_and_can_matter():
    background = pd.DataFrame({"a": [1.0, np.nan], "b": ["x", "x"], "c": [0, 0], "d": [5, 5]})
    rows = pd.DataFrame({"a": [np.nan, 1.0], "b": ["x", "y"], "c": [0, 0], "d": [5, 6]})
    model = MaskedModel(Answering(lambda X: np.zeros(len(X))), background)
    expected = [
        [[True, False, False, False], [False, False, False, False]],
        [[False, True, False, True], [True, True, False, True]],
    ]
    assert model.differing(rows).tolist() == expected
    np.testing.assert_array_equal(model.can_matter(rows), np.any(expected, axis=1))
    for group, matters in ((["b", "d"], [True, False]), (["b", "c"], [True, True])):
        # One column that differs is enough.
        grouped = MaskedModel(model.estimator, background, feature_groups={"g": group})
        assert grouped.differing(rows)[1, 0].tolist() == [False, *matters]
        assert grouped.can_matter(rows).tolist() == [[True, False, False], [True, *matters]]


def test_known_dummies_differ_nowhere(table):
    X, y = table
    model = MaskedModel(LogisticRegression().fit(X, y), X[:3])
    dummies = np.arange(X.shape[1]) == 1
    known = model.with_dummies(dummies)
    others = ~dummies
    for method in ("differing", "can_matter"):
        before, after = (getattr(one, method)(X[:9]) for one in (model, known))
        assert before[..., dummies].any()
        assert not after[..., dummies].any()
        np.testing.assert_array_equal(after[..., others], before[..., others])


def test_memory_is_bounded_by_the_batch():
    X = np.random.default_rng(0).normal(size=(100, 50))
    model = MaskedModel(Answering(lambda X: X[:, 0]), X, batch_size=500)
    n = 100_000
    coalitions = np.zeros((n, 50), dtype=bool)
    rows = np.zeros(n, dtype=np.intp)
    tracemalloc.start()
    model.evaluate(X, rows, rows, coalitions)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < n * 50 * 8 / 4  # a quarter of the hybrid rows held at once


def test_nothing_is_changed(table):
    X, y = table
    model = MaskedModel(LogisticRegression().fit(X, y), X[:5])
    before = dict(vars(model))
    state = np.random.get_state()[1].copy()
    model.predict(X)
    model.evaluate(X, [1], [2], np.ones((1, 4), bool))
    model.differing(X)
    assert all(vars(model)[key] is value for key, value in before.items())
    assert vars(model).keys() == before.keys()
    np.testing.assert_array_equal(np.random.get_state()[1], state)


class _Partial(RegressorMixin, BaseEstimator):
    def predict(self, X):
        return np.where((X[:, 0] > 0) & (X[:, 1] < 0), np.nan, X[:, 0])


def test_a_model_that_cannot_answer_for_mixed_rows_is_told_apart():
    model = MaskedModel(_Partial(), np.array([[-1.0, -1.0]]))
    with pytest.raises(
        ValueError, match=r"NaN or infinite.*mix an explained row .*feature_groups="
    ):
        model.evaluate(np.array([[1.0, 1.0]]), [0], [0], [[True, False]])
    with pytest.raises(
        ValueError, match=r"infinite values\. It has no answer to row 0; leave such rows out\.$"
    ):
        model.predict(np.array([[1.0, -1.0]]))
