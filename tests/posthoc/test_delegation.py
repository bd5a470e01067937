"""The model inside: what is delegated to it, its tags, its metadata."""

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone
from sklearn.datasets import load_iris
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression, Perceptron, Ridge
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.utils import get_tags

from tests.small_explainers import ExactExplainer

X, Y = load_iris(return_X_y=True)
FRAME = pd.DataFrame(X, columns=["sl", "sw", "pl", "pw"])
BINARY = np.where(Y == 2, "virginica", "other")
TARGET = X @ [1.0, -2.0, 0.5, 3.0]


def exact(model, **settings):
    return ExactExplainer(model, **{"background": 5, "random_state": 0, **settings})


class TestModel:
    def test_delegates_what_the_model_has(self):
        explainer = exact(LogisticRegression()).fit(X, BINARY)
        model = LogisticRegression().fit(X, BINARY)
        for method in ("predict", "predict_proba", "predict_log_proba", "decision_function"):
            np.testing.assert_array_equal(getattr(explainer, method)(X), getattr(model, method)(X))
        assert explainer.score(X, BINARY) == model.score(X, BINARY)
        assert explainer.classes_.tolist() == ["other", "virginica"]
        regressor = exact(Ridge()).fit(X, TARGET)
        for name in ("predict_proba", "decision_function", "classes_"):
            assert not hasattr(regressor, name)
        assert not hasattr(exact(LinearSVC()), "predict_proba")
        with pytest.raises(NotFittedError):
            exact(Ridge()).predict(X)

    def test_cross_validation_scores_are_the_models(self):
        noise = np.random.RandomState(0).randint(2, size=150)
        fitted_before = exact(LogisticRegression()).fit(X, noise)
        np.testing.assert_array_equal(
            cross_val_score(clone(fitted_before), X, noise),
            cross_val_score(LogisticRegression(), X, noise),
        )

    def test_search_over_the_model(self):
        search = GridSearchCV(exact(Ridge()), {"estimator__alpha": [0.1, 1.0]}).fit(X, TARGET)
        assert np.isfinite(search.cv_results_["mean_test_score"]).all()

    def test_a_frozen_model_is_not_refitted(self):
        model = LogisticRegression().fit(X, BINARY)
        weights = model.coef_.copy()
        explainer = exact(FrozenEstimator(model)).fit(X[:20])
        np.testing.assert_array_equal(model.coef_, weights)
        assert explainer.explain(X[:2]).output_names.tolist() == ["other", "virginica"]
        assert explainer.estimator_.estimator is model

    def test_y_is_left_out_only_where_the_model_allows(self):
        with pytest.raises(ValueError, match="y"):
            exact(LogisticRegression()).fit(X)

    def test_the_seed_is_ours_alone(self):
        explainer = exact(RandomForestClassifier(2, random_state=3)).fit(X, Y)
        assert explainer.estimator_.random_state == 3
        assert exact(RandomForestClassifier(2)).fit(X, Y).estimator_.random_state is None

    def test_without_a_seed_the_global_generator_is_not_touched(self):
        before = np.random.get_state()[1].copy()
        backgrounds = [
            exact(LinearRegression(), random_state=None).fit(FRAME, TARGET).background_.index
            for _ in range(3)
        ]
        np.testing.assert_array_equal(np.random.get_state()[1], before)
        assert len({tuple(index) for index in backgrounds}) > 1

    def test_a_generator_is_advanced(self):
        random = np.random.RandomState(0)
        first = exact(Ridge(), random_state=random).fit(FRAME, TARGET).background_.index
        second = exact(Ridge(), random_state=random).fit(FRAME, TARGET).background_.index
        assert set(first) != set(second)

    def test_models_that_cannot_be_explained(self):
        class OnlyPredicts(ClassifierMixin, BaseEstimator):
            def fit(self, X, y):
                self.classes_ = np.unique(y)
                return self

            def predict(self, X):
                return np.full(len(X), self.classes_[0])

        with pytest.raises(TypeError, match="predict_proba"):
            exact(OnlyPredicts()).fit(X, BINARY)
        with pytest.raises(TypeError, match="predict_proba"):
            exact(Perceptron(), output="probability").fit(X, BINARY)
        with pytest.raises(ValueError, match="regressor"):
            exact(Ridge(), output="log_odds").fit(X, TARGET)
        with pytest.raises(ValueError, match="one classifier a target"):
            exact(RandomForestClassifier(2)).fit(X, np.column_stack([Y == 1, Y == 2]))
        four = np.arange(150) % 4
        with pytest.raises(ValueError, match=r"[Oo]ne-vs-one"):
            exact(SVC(decision_function_shape="ovo"), output="raw").fit(X, four)

    def test_a_model_that_returns_nan(self):
        class Breaks(LinearRegression):
            def predict(self, X):
                return np.full(len(X), np.nan)

        with pytest.raises(ValueError, match="NaN"):
            exact(Breaks()).fit(X, TARGET)


class TypeReading(RegressorMixin, BaseEstimator):
    """Reads local hours and codes of categories; keeps the tables that it is asked with."""

    def fit(self, X, y=None):
        self.asked_ = []
        return self

    def predict(self, X):
        self.asked_.append(X)
        return X["time"].dt.hour.to_numpy() + 100.0 * X["letter"].cat.codes.to_numpy()


class TestTypes:
    times = pd.date_range("2020-01-01", periods=12, freq="7h", tz="Europe/Berlin")
    letters = pd.Categorical(["a", "b"] * 6, categories=["b", "a"])
    table = pd.DataFrame({"time": times, "letter": letters})

    def test_predictions_are_those_that_are_explained(self):
        explainer = exact(TypeReading()).fit(self.table)
        theirs = self.table.assign(
            time=self.times.tz_convert("America/New_York"),
            letter=pd.Categorical(self.letters, categories=["a", "b"]),
        )
        explained = explainer.explain(theirs).predictions[:, 0]
        np.testing.assert_array_equal(explainer.predict(theirs), explained)
        np.testing.assert_array_equal(explainer.predict(self.table), explained)
        assert explainer.score(theirs, explained) == 1.0
        assert not np.array_equal(explainer.estimator_.predict(theirs), explained)

    def test_other_rows_reach_the_model_as_they_are(self):
        explainer = exact(TypeReading()).fit(self.table)
        for rows in (self.table, self.table.assign(more=1)):
            explainer.predict(rows)
            assert explainer.estimator_.asked_[-1] is rows
        with pytest.raises(KeyError, match="letter"):
            explainer.predict(self.table[["time"]])
        framed = exact(LogisticRegression()).fit(FRAME, Y)
        with pytest.warns(UserWarning, match="feature names"):
            framed.predict_proba(X)
        with pytest.raises(ValueError, match="same order"):
            framed.predict(FRAME[["sw", "sl", "pl", "pw"]])


class TestTagsAndRouting:
    def test_tags_are_the_models(self):
        pipe = make_pipeline(StandardScaler(), HistGradientBoostingClassifier())
        for model in (Ridge(), LogisticRegression(), HistGradientBoostingClassifier(), pipe):
            ours, inner = get_tags(exact(model)), get_tags(model)
            assert ours.estimator_type == inner.estimator_type
            assert ours.input_tags == inner.input_tags
            assert ours.regressor_tags == inner.regressor_tags
            assert ours.target_tags.required == inner.target_tags.required
            assert ours.transformer_tags is not None
        forest = get_tags(exact(RandomForestClassifier()))
        assert not forest.classifier_tags.multi_label  # the forest takes it, we do not
        assert not forest.target_tags.multi_output
        assert get_tags(RandomForestClassifier()).target_tags.multi_output

    def test_fit_params_reach_the_model(self):
        weight = np.linspace(0, 1, 150)
        explainer = exact(LogisticRegression()).fit(X, BINARY, sample_weight=weight)
        model = LogisticRegression().fit(X, BINARY, sample_weight=weight)
        np.testing.assert_array_equal(explainer.estimator_.coef_, model.coef_)
        assert explainer.score(X, BINARY, sample_weight=weight) == model.score(
            X, BINARY, sample_weight=weight
        )
        with pytest.raises(TypeError, match="no_such"):
            exact(LogisticRegression()).fit(X, BINARY, no_such=1)

    def test_routed_metadata(self):
        weight = np.linspace(0, 1, 150)
        with sklearn.config_context(enable_metadata_routing=True):
            asks = LogisticRegression().set_fit_request(sample_weight=True)
            asks.set_score_request(sample_weight=True)
            explainer = exact(asks).fit(X, BINARY, sample_weight=weight)
            model = LogisticRegression().fit(X, BINARY, sample_weight=weight)
            np.testing.assert_array_equal(explainer.estimator_.coef_, model.coef_)
            assert explainer.score(X, BINARY, sample_weight=weight) == model.score(
                X, BINARY, sample_weight=weight
            )
            scores = cross_val_score(exact(asks), X, BINARY, params={"sample_weight": weight})
            assert np.isfinite(scores).all()
            declines = LogisticRegression().set_fit_request(sample_weight=False)
            with pytest.raises(TypeError, match="sample_weight"):
                exact(declines).fit(X, BINARY, sample_weight=weight)
            assert explainer.explain(X[:1]).values.shape == (1, 4, 2)
