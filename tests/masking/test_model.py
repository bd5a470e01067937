"""The model on hybrid rows: outputs, counting, batches, refusals."""

import tracemalloc
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_iris, load_wine
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    StackingClassifier,
)
from sklearn.feature_selection import RFE, RFECV
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import (
    LinearRegression,
    LogisticRegression,
    Perceptron,
    RidgeClassifier,
    SGDClassifier,
)
from sklearn.model_selection import FixedThresholdClassifier
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.semi_supervised import SelfTrainingClassifier
from sklearn.svm import SVC

from sklearn_metaexplain.masking import MaskedModel
from sklearn_metaexplain.masking._outputs import sum_to_zero_over_classes


@pytest.fixture
def table():
    X = np.random.default_rng(0).normal(size=(60, 4))
    return X, (X[:, 0] + X[:, 1] * X[:, 2] > 0).astype(int)


class Counting(RegressorMixin, BaseEstimator):
    """A sum that remembers the sizes of what it was asked."""

    def __init__(self):
        self.sizes = []

    def predict(self, X):
        self.sizes.append(X.shape[0])
        return np.asarray(X).sum(axis=1)


class Answering(RegressorMixin, BaseEstimator):
    def __init__(self, answer):
        self.answer = answer

    def predict(self, X):
        return self.answer(X)


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


def test_what_a_class_gains_others_lose_unless_probabilities_miss_one():
    random = np.random.RandomState(0)
    values, base = random.normal(size=(2, 4, 3)), np.array([0.2, 0.3, 0.5])
    values[0] -= values[0].mean()
    projected = sum_to_zero_over_classes(values, base + values.sum(axis=1), base)
    np.testing.assert_allclose(projected.sum(axis=1), values.sum(axis=1))
    np.testing.assert_allclose(projected[0].sum(axis=1), 0, atol=1e-12)
    np.testing.assert_array_equal(projected[1], values[1])


def test_a_class_that_never_changes_neither_gains_nor_loses():
    random = np.random.RandomState(0)
    values, base = random.normal(size=(4, 5, 3)), np.array([0.2, 0.3, 0.5])
    values[..., 2] = 0
    values[..., :2] -= values[..., :2].sum((1, 2), keepdims=True) / 10
    projected = sum_to_zero_over_classes(values, base + values.sum(axis=1), base)
    assert not projected[..., 2].any()
    np.testing.assert_allclose(projected.sum(axis=2), 0, atol=1e-12)


@pytest.mark.parametrize(
    ("estimator", "n_classes", "output", "resolved"),
    [
        (LogisticRegression(), 2, "auto", "probability"),
        (LogisticRegression(), 3, "auto", "probability"),
        (LogisticRegression(), 2, "log_odds", "log_odds"),
        (LogisticRegression(), 3, "log_odds", "log_odds"),
        (LogisticRegression(), 2, "raw", "raw"),
        (LogisticRegression(), 3, "raw", "raw"),
        (RidgeClassifier(), 2, "auto", "raw"),
        (RidgeClassifier(), 3, "auto", "raw"),
        (DummyClassifier(), 1, "auto", "probability"),
    ],
)
def test_outputs_in_units_and_class_order(table, estimator, n_classes, output, resolved):
    X, _ = table
    y = np.array(["c", "a", "b"])[np.digitize(X[:, 0], [-0.4, 0.4]) % n_classes]
    estimator.fit(X, y)
    model = MaskedModel(estimator, X[:5], output=output)
    assert model.output == resolved
    assert model.output_names.tolist() == estimator.classes_.tolist()
    assert (model.n_outputs, model.n_computed) == (n_classes, 1 if n_classes == 2 else n_classes)
    computed = model.predict(X)
    assert computed.dtype == np.float64
    assert computed.shape == (60, model.n_computed)
    if resolved == "raw":
        f = estimator.decision_function(X)
        expected = np.column_stack([-f, f]) if n_classes == 2 else f
    else:
        expected = estimator.predict_proba(X)
        if resolved == "log_odds":
            clipped = np.clip(expected, 1e-6, 1 - 1e-6)
            expected = np.log(clipped / (1 - clipped))
    np.testing.assert_allclose(model.expand_outputs(computed), expected, atol=1e-8)
    values = np.random.default_rng(0).normal(size=(2, 4, model.n_computed))
    expanded = model.expand_values(values)
    assert expanded.shape == (2, 4, n_classes)
    np.testing.assert_array_equal(expanded[..., -model.n_computed :], values)
    if n_classes == 2:
        np.testing.assert_array_equal(expanded[..., 0], -values[..., 0])


def test_log_odds_are_clipped():
    X = np.array([[0.0], [1.0]])
    neighbours = KNeighborsClassifier(1).fit(X, [0, 1])
    out = MaskedModel(neighbours, X, output="log_odds").background_outputs
    np.testing.assert_allclose(out.ravel(), np.log((1 - 1e-6) / 1e-6) * np.array([-1, 1]))


def test_regressors_have_one_output_a_target(table):
    X, y = table
    one = MaskedModel(LinearRegression().fit(X, y), X[:3])
    assert (one.output, one.output_names.tolist(), one.n_computed) == ("raw", ["y"], 1)
    three = MaskedModel(LinearRegression().fit(X, X[:, :3]), X[:3])
    assert three.output_names.tolist() == ["y0", "y1", "y2"]
    assert (three.n_outputs, three.n_computed) == (3, 3)
    np.testing.assert_allclose(three.predict(X), X[:, :3], atol=1e-10)
    values = np.ones((2, 4, 3))
    np.testing.assert_array_equal(three.expand_values(values), values)


class ProbabilisticOnly(ClassifierMixin, BaseEstimator):
    classes_ = np.array([0, 1])

    def __init__(self, probabilities=None):
        self.probabilities = probabilities

    def predict(self, X):
        return np.zeros(len(X))

    def predict_proba(self, X):
        return self.probabilities(X)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda X: np.full(len(X), np.nan), "NaN or infinite"),
        (lambda X: np.full(len(X), np.inf), "NaN or infinite"),
        (lambda X: np.zeros(len(X) + 1), "shape"),
        (lambda X: np.zeros((len(X), 2, 2)), "shape"),
    ],
)
def test_a_regressor_that_answers_badly_is_refused(table, answer, message):
    with pytest.raises(ValueError, match=f"Answering.predict returned .*{message}"):
        MaskedModel(Answering(answer), table[0])


@pytest.mark.parametrize(
    ("probabilities", "message"),
    [
        (lambda X: np.full((len(X), 3), 1 / 3), "3 columns for 2 outputs"),
        (lambda X: np.full((len(X), 2), 0.9), "do not sum to 1"),
        (lambda X: np.full(len(X), 0.5), "1 columns"),
    ],
)
def test_a_classifier_that_answers_badly_is_refused(table, probabilities, message):
    with pytest.raises(ValueError, match=message):
        MaskedModel(ProbabilisticOnly(probabilities), table[0])


def test_a_model_that_turns_bad_later_is_refused(table):
    X, _ = table
    model = MaskedModel(Answering(lambda X: np.where(X[:, 0] > 50, np.nan, 1.0)), X)
    with pytest.raises(ValueError, match="NaN or infinite"):
        model.predict(X + 100)


@pytest.mark.parametrize(
    "estimator", [RandomForestClassifier(2), KNeighborsClassifier(), MLPClassifier(max_iter=2)]
)
@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
def test_multilabel_is_refused_by_name(table, estimator):
    X, y = table
    with pytest.raises(ValueError, match="Multilabel"):
        MaskedModel(estimator.fit(X, np.column_stack([y, 1 - y, y])), X)


@pytest.mark.parametrize("n_labels", [2, 3])
def test_multilabel_decisions_are_not_taken_for_those_of_classes(table, n_labels):
    X, y = table
    labels = np.column_stack([y, 1 - y, y])[:, :n_labels]
    with pytest.raises(ValueError, match="Multilabel"):
        MaskedModel(RidgeClassifier().fit(X, labels), X)


def test_classes_in_a_plain_list_are_those_of_one_target(table):
    X, _ = table
    listed = ProbabilisticOnly(lambda X: np.full((len(X), 2), 0.5))
    listed.classes_ = ["no", "yes"]
    assert MaskedModel(listed, X).output_names.tolist() == ["no", "yes"]
    listed.classes_ = [np.array(["no", "yes"]), np.array(["no", "yes"])]
    with pytest.raises(ValueError, match="Multilabel"):
        MaskedModel(listed, X)


def test_one_vs_one_decisions_are_refused(table):
    X, _ = table
    y = np.digitize(X[:, 0], [-1, 0, 1])
    svc = SVC(decision_function_shape="ovo").fit(X, y)
    with pytest.raises(ValueError, match=r"6 columns for 4 outputs.*ovr"):
        MaskedModel(svc, X, output="raw")


def test_pairs_of_three_classes_are_not_taken_for_the_classes(table):
    X, _ = table
    y = np.digitize(X[:, 0], [-0.5, 0.5])
    svc = make_pipeline(StandardScaler(), SVC(decision_function_shape="ovo")).fit(X, y)
    with pytest.raises(ValueError, match=r"Pipeline.decision_function does not tell.*ovr"):
        MaskedModel(svc, X, output="raw")
    # Of two classes there is one pair.
    assert MaskedModel(svc.fit(X, y > 0), X, output="raw").n_outputs == 2


def test_missing_methods_are_named_with_the_remedy(table):
    X, y = table

    class PredictOnly(ClassifierMixin, BaseEstimator):
        def predict(self, X):
            return np.zeros(len(X))

    with pytest.raises(TypeError, match=r"predict_proba and decision_function.*Calibrated"):
        MaskedModel(PredictOnly(), X)
    with pytest.raises(TypeError, match=r"no predict_proba.*CalibratedClassifierCV"):
        MaskedModel(Perceptron().fit(X, y), X, output="probability")
    with pytest.raises(TypeError, match=r'no decision_function; choose output="auto"\.$'):
        MaskedModel(GaussianNB().fit(X, y), X, output="raw")
    with pytest.raises(TypeError, match="neither a classifier nor a regressor"):
        MaskedModel(StandardScaler().fit(X), X)
    with pytest.raises(TypeError, match=r"^StandardScaler is neither"):
        MaskedModel(FrozenEstimator(StandardScaler().fit(X)), X)
    with pytest.raises(TypeError, match="neither a classifier nor a regressor"):
        MaskedModel(object(), X)
    with pytest.raises(ValueError, match="is a regressor"):
        MaskedModel(LinearRegression().fit(X, y), X, output="log_odds")
    with pytest.raises(ValueError, match="output must be one of"):
        MaskedModel(LinearRegression().fit(X, y), X, output="margin")
    with pytest.raises(ValueError, match="no rows"):
        MaskedModel(LinearRegression().fit(X, y), X[:0])


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


@pytest.mark.parametrize(
    "classifier",
    [
        StackingClassifier(
            [("a", LogisticRegression())],
            final_estimator=FixedThresholdClassifier(LogisticRegression(), threshold=0.1),
        ),
        OneVsRestClassifier(SVC(probability=True, random_state=0)),
        OneVsOneClassifier(LogisticRegression()),
        SelfTrainingClassifier(SVC(probability=True, random_state=0)),
        RFE(SVC(kernel="linear", probability=True, random_state=0)),
        RFECV(
            FixedThresholdClassifier(LogisticRegression(), threshold=0.1),
            importance_getter=lambda model: np.ones(model.n_features_in_),
        ),
    ],
)
def test_a_class_that_may_not_be_that_of_the_largest_output_is_asked_for(classifier):
    X = np.random.RandomState(0).normal(size=(60, 2))
    y = np.digitize(X[:, 0] + X[:, 1], [-0.5, 0.5] if "One" in str(classifier) else [0.5])
    model = MaskedModel(classifier.fit(X, y), X[:20])
    np.testing.assert_array_equal(model.labels(X), classifier.predict(X))


@pytest.mark.parametrize("output", ["probability", "raw"])
def test_the_nearest_centroid_is_not_that_of_the_largest_output(output):
    X, y = load_wine(return_X_y=True)
    classifier = NearestCentroid().fit(X, y)
    model = MaskedModel(classifier, X[::15], output=output)
    assert (model.predict(X).argmax(axis=1) != classifier.predict(X)).any()
    np.testing.assert_array_equal(model.labels(X), classifier.predict(X))


def test_classes_of_equal_probability_are_told_apart_as_the_model_does():
    X, y = load_iris(return_X_y=True)
    model = SGDClassifier(loss="modified_huber", random_state=0).fit(X, y)
    largest = model.predict_proba(X).argmax(axis=1)
    assert (largest != model.predict(X)).any()
    np.testing.assert_array_equal(MaskedModel(model, X[::15]).labels(X), model.predict(X))


@pytest.mark.parametrize(
    "classifier",
    [RandomForestClassifier(3, random_state=0), SGDClassifier(loss="log_loss", random_state=0)],
)
def test_a_class_that_is_that_of_the_largest_output_is_not_asked_for(classifier):
    X = np.random.RandomState(0).normal(size=(40, 2))
    classifier.fit(X, X[:, 0] > 0).predict = None
    assert MaskedModel(classifier, X[:20]).labels(X) is None


def test_classes_in_a_column_are_read():
    class Column(SVC):
        def predict(self, X):
            return super().predict(X)[:, None]

    X = np.random.RandomState(0).normal(size=(40, 2))
    own = Column().fit(X, X[:, 0] > 0)
    np.testing.assert_array_equal(MaskedModel(own, X[:20]).labels(X), own.predict(X).ravel())


class _Partial(RegressorMixin, BaseEstimator):
    def predict(self, X):
        return np.where((X[:, 0] > 0) & (X[:, 1] < 0), np.nan, X[:, 0])


def test_a_model_that_cannot_answer_for_mixed_rows_is_told_apart():
    model = MaskedModel(_Partial(), np.array([[-1.0, -1.0]]))
    with pytest.raises(
        ValueError, match=r"NaN or infinite.*mix an explained row .*feature_groups="
    ):
        model.evaluate(np.array([[1.0, 1.0]]), [0], [0], [[True, False]])
    with pytest.raises(ValueError, match=r"returned NaN or infinite values\.$"):
        model.predict(np.array([[1.0, -1.0]]))
