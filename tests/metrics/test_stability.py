from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone
from sklearn.compose import make_column_transformer
from sklearn.dummy import DummyClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC

from sklearn_metaexplain import ExplainerMixin, Explanation, LimeExplainer
from sklearn_metaexplain.metrics import retraining_stability, seed_stability
from sklearn_metaexplain.metrics._stability import _mean_similarity
from tests.metrics.explanations import attributed
from tests.metrics.test_robustness import Attributing
from tests.metrics.test_scorers import RandomExplainer
from tests.posthoc.tables import mixed_pipeline, mixed_table
from tests.small_explainers import ExactExplainer, ExplainedLeastSquares

BOTH = (seed_stability, retraining_stability)


class Turning(Attributing):
    """Attributions at an angle that the seed decides."""

    def __init__(self, random_state=0):
        self.random_state = random_state

    def attribute(self, X):
        angle = np.random.RandomState(self.random_state).uniform(0, np.pi)
        return np.tile([np.cos(angle), np.sin(angle)], (len(X), 1))


def linear_table(n=60):
    X = np.random.RandomState(0).normal(size=(n, 3))
    return X, X @ [1.0, -2.0, 3.0] + np.random.RandomState(1).normal(size=n)


def test_seeds_mean_cosine_by_hand():
    X = np.zeros((5, 2))
    score = seed_stability(Turning().fit(X), X, n_repeats=3, random_state=0)
    # The seeds are drawn from the metric's own.
    seeds = Turning().fit(X)
    angles = []

    class Recording(Turning):
        def fit(self, X, y=None):
            angles.append(np.random.RandomState(self.random_state).uniform(0, np.pi))
            return super().fit(X, y)

    assert seed_stability(Recording().fit(X), X, n_repeats=3, random_state=0) == score
    first, second, third = angles[1:]
    expected = np.cos([first - second, first - third, second - third]).mean()
    assert score == pytest.approx(expected)
    assert seeds.random_state == 0


def test_deterministic_explainers_are_stable_and_random_ones_are_not():
    X, y = mixed_table()
    exact = ExactExplainer(mixed_pipeline(), background=X, random_state=0).fit(X[:40], y[:40])
    lime = LimeExplainer(mixed_pipeline(), n_samples=50, random_state=0).fit(X[:40], y[:40])
    careful = LimeExplainer(mixed_pipeline(), n_samples=1000, random_state=0).fit(X[:40], y[:40])
    chance = RandomExplainer(mixed_pipeline(), random_state=0).fit(X[:40], y[:40])
    scores = [
        seed_stability(each, X[40:], y[40:], n_repeats=3, n_samples=5, random_state=0)
        for each in (exact, careful, lime, chance)
    ]
    assert scores[0] == pytest.approx(1.0)
    assert scores[0] > scores[1] > scores[2] > scores[3] + 0.2


def test_the_predicted_class_is_compared_though_another_output_is_larger():
    random = np.random.RandomState(0)
    X, y = random.normal(size=(300, 3)), np.array(["a", "b", "c"])[random.randint(3, size=300)]
    model = SVC(C=10.0).fit(X, y)
    X = random.normal(size=(3000, 3))
    # Three classes with a vote each: the first is predicted.
    X = X[model.predict(X) != model.classes_[model.decision_function(X).argmax(axis=1)]]
    assert len(X) > 5
    outputs = np.searchsorted(model.classes_, model.predict(X))
    seeds = []

    class Recording(LimeExplainer):
        def fit(self, X, y=None):
            seeds.append(self.random_state)
            return super().fit(X, y)

    explainer = Recording(FrozenEstimator(model), n_samples=20, random_state=0).fit(X)
    score = seed_stability(explainer, X, n_repeats=2, random_state=0)
    values = [
        clone(explainer).set_params(random_state=seed).fit(X).explain(X).values
        for seed in seeds[1:3]
    ]
    left, right = (each[np.arange(len(X)), :, outputs] for each in values)
    sizes = np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)
    assert score == pytest.approx(((left * right).sum(axis=1) / sizes).mean())


class Deciding(ExplainerMixin, ClassifierMixin, BaseEstimator):
    """Rows are "b" by a threshold of its own, but the first is "a" to the first that is fitted.

    Attributions to "a" are always the same, those to "b" at right angles to those of other fits.
    """

    n_fitted = 0

    def __init__(self, random_state=0):
        self.random_state = random_state

    def fit(self, X, y=None):
        self._check_table(X, reset=True)
        self.classes_ = np.array(["a", "b"])
        self.number_ = Deciding.n_fitted
        Deciding.n_fitted += 1
        return self

    def _explain(self, X):
        values = np.zeros((*X.shape, 2))
        values[:, 0, 0], values[:, self.number_, 1] = 0.1, -0.1
        is_a = np.asarray(X)[:, 0] == (0 if self.number_ == 0 else -1)
        return Explanation(
            values,
            [0.5, 0.5],
            np.tile([0.6, 0.4], (len(X), 1)),
            feature_names=self._attributed_names(),
            output_names=self.classes_,
            output="probability",
            n_evaluations=0,
            labels=np.where(is_a, "a", "b"),
        )


def test_rows_whose_class_depends_on_the_seed_leave_others_theirs(monkeypatch):
    X = np.arange(4.0)[:, None] * np.ones(5)
    monkeypatch.setattr(Deciding, "n_fitted", 4)
    explainer = Deciding().fit(X)
    monkeypatch.setattr(Deciding, "n_fitted", 0)
    # The first row's class is that of the mean prediction, "a".
    assert seed_stability(explainer, X, n_repeats=3, random_state=0) == pytest.approx(1 / 4)


@pytest.mark.parametrize("metric", BOTH)
def test_explanations_of_a_model_that_never_changes_are_alike(metric):
    X, _ = linear_table()
    y = (np.arange(60) % 3 == 0).astype(int)
    explainer = LimeExplainer(DummyClassifier(strategy="prior"), random_state=0).fit(X, y)
    # A ridge regression makes numbers of 1e-32 of it, in any direction.
    assert 0 < np.abs(explainer.explain(X[:5]).values).max() < 1e-20
    assert metric(explainer, X, y, n_repeats=3, n_samples=5, random_state=0) == 1.0


def test_a_wrapped_model_is_not_fitted_again_but_one_that_explains_itself_is():
    X, y = linear_table()
    fits = []

    class Counting(LinearRegression):
        def fit(self, X, y):
            fits.append(len(y))
            return super().fit(X, y)

    class Seeded(ExplainedLeastSquares):
        def fit(self, X, y):
            fits.append(len(y))
            return super().fit(X, y)

    explainer = ExactExplainer(Counting(), background=5, random_state=0).fit(X, y)
    parameters = explainer.get_params()
    fits.clear()
    # Targets are not needed either.
    assert seed_stability(explainer, X, n_repeats=2, n_samples=3, random_state=0) > 0.5
    assert fits == []
    assert explainer.get_params() == parameters
    model = Seeded().fit(X, y)
    fits.clear()
    assert seed_stability(model, X, y, n_repeats=4, n_samples=3) == pytest.approx(1.0)
    assert fits == [60] * 4
    assert retraining_stability(model, X, y, n_repeats=3, n_samples=3) < 1.0
    assert fits == [60] * 7


def test_retraining_by_hand():
    X, y = linear_table()
    samples = []

    class Recording(ExplainedLeastSquares):
        def fit(self, X, y):
            samples.append((X, y))
            return super().fit(X, y)

    score = retraining_stability(Recording(), X, y, n_repeats=2, random_state=0)
    one, two = (
        ExplainedLeastSquares().fit(*sample).explain(X).values[:, :, 0] for sample in samples
    )
    cosines = (one * two).sum(axis=1) / np.linalg.norm(one, axis=1) / np.linalg.norm(two, axis=1)
    assert score == pytest.approx(cosines.mean())
    for rows, targets in samples:
        assert 10 < len(np.unique(targets)) < 60
        assert {(*row, target) for row, target in zip(rows.tolist(), targets, strict=True)} <= {
            (*row, target) for row, target in zip(X.tolist(), y, strict=True)
        }


def test_more_data_and_less_noise_make_retraining_stable():
    X, y = linear_table(400)
    small, large = (
        retraining_stability(ExplainedLeastSquares(), X[:n], y[:n], random_state=0, n_samples=20)
        for n in (20, 400)
    )
    assert small < large < 1


def test_no_class_is_lost_in_a_bootstrap():
    X, _ = mixed_table()
    y = np.array(["rare", "one"] + ["one", "two"] * 39)
    explainer = ExactExplainer(mixed_pipeline(), background=4, random_state=0)
    score = retraining_stability(explainer, X, y, n_repeats=4, n_samples=2, random_state=0)
    assert -1 <= score <= 1


def test_of_models_that_disagree_the_class_of_their_mean_is_compared():
    first = attributed([[[1.0, 2.0], [0.0, 3.0]]], None, [[0.6, 0.4]], "probability", "classifier")
    other = attributed([[[-1.0, 2.0], [0.0, 3.0]]], None, [[0.1, 0.9]], "probability", "classifier")
    assert _mean_similarity([first, other, other]) == pytest.approx(1.0)
    # What one of the models has predicted by a threshold of its own is not what all do.
    told = replace(first, labels=first.output_names[:1])
    assert _mean_similarity([told, other, other]) == pytest.approx(1.0)


@pytest.mark.parametrize("metric", BOTH)
def test_pipelines_searches_and_frozen_explainers(metric):
    X, y = linear_table()
    pipeline = make_pipeline(StandardScaler(), ExplainedLeastSquares()).fit(X, y)
    expected = metric(pipeline, X, y, n_repeats=3, random_state=0)
    search = GridSearchCV(pipeline, {"standardscaler__with_mean": [True]}, cv=2).fit(X, y)
    for around in (FrozenEstimator(pipeline), search, FrozenEstimator(search)):
        assert metric(around, X, y, n_repeats=3, random_state=0) == pytest.approx(expected)


@pytest.mark.parametrize("metric", BOTH)
def test_seeds_of_the_metric(metric):
    X, y = mixed_table()
    explainer = ExactExplainer(mixed_pipeline(), background=3, random_state=0).fit(X, y)
    before = np.random.get_state()[1].tolist()
    first, again, other = (
        metric(explainer, X, y, n_repeats=2, n_samples=3, random_state=seed)
        for seed in (0, np.random.RandomState(0), 1)
    )
    assert first == again != other
    assert np.random.get_state()[1].tolist() == before


@pytest.mark.parametrize("metric", BOTH)
def test_sparse_tables_of_any_format(metric):
    X = np.random.RandomState(0).normal(size=(40, 3))
    X[X < 0] = 0.0
    explainer = ExactExplainer(Ridge(), background=5, random_state=0)
    explainer.fit(sparse.csr_matrix(X), X[:, 0])
    scores = [
        metric(explainer, table, X[:, 0], n_repeats=2, n_samples=5, random_state=0)
        for table in (sparse.csr_matrix(X), sparse.coo_matrix(X))
    ]
    assert scores[0] == scores[1]


def test_frozen_models_need_no_targets():
    X, y = mixed_table()
    model = FrozenEstimator(mixed_pipeline().fit(X, y))
    explainer = ExactExplainer(model, background=3, random_state=0).fit(X)
    score = retraining_stability(explainer, X, n_repeats=2, n_samples=3, random_state=0)
    assert 0 < score < 1


class PlainMean(RegressorMixin, BaseEstimator):
    def fit(self, X, y):
        self.mean_ = np.mean(y)
        return self


@pytest.mark.parametrize("metric", BOTH)
def test_bad_input(metric):
    X, y = linear_table()
    with pytest.raises(TypeError, match="is not an explainer"):
        metric(PlainMean().fit(X, y), X, y)
    with pytest.raises(ValueError, match="n_repeats"):
        metric(ExplainedLeastSquares().fit(X, y), X, y, n_repeats=1)


def test_columns_that_depend_on_the_bootstrap_are_refused():
    X, y = mixed_table()
    X["port"] = [f"port {i // 2}" for i in range(80)]
    encode = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["port"]),
        ("passthrough", ["age"]),
    )
    pipeline = make_pipeline(
        encode, LimeExplainer(LogisticRegression(), n_samples=20, random_state=0)
    )
    with pytest.raises(ValueError, match=r"inside the explainer, as in MetaExplainer\(pipeline\)"):
        retraining_stability(pipeline, X, y, n_repeats=2, n_samples=2, random_state=0)
