"""The model's outputs: units, order, refusals of bad answers."""

import warnings

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import (
    LinearRegression,
    LogisticRegression,
    Perceptron,
    RidgeClassifier,
)
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, RadiusNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from sklearn_metaexplain import ShapExplainer
from sklearn_metaexplain.masking import MaskedModel
from tests.masking.models import Answering


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


def test_probabilities_may_miss_one_by_a_thousandth(table):
    X, _ = table
    rounded = ProbabilisticOnly(lambda X: np.tile([0.5, 0.5009], (len(X), 1)))
    np.testing.assert_array_equal(MaskedModel(rounded, X).background_outputs, 0.5009)
    with pytest.raises(ValueError, match="do not sum to 1"):
        MaskedModel(ProbabilisticOnly(lambda X: np.tile([0.5, 0.502], (len(X), 1))), X)


def test_rows_that_are_of_no_class_are_not_taken_for_multilabel(table):
    X, y = table
    far = np.vstack([X, X[:1] + 1e6])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that 9 is none of the classes
        model = RadiusNeighborsClassifier(9.0, outlier_label=9).fit(X, y)
        with pytest.raises(ValueError, match=r"0 for every class in some rows.*most_frequent"):
            MaskedModel(model, far)
    model.set_params(outlier_label="most_frequent")
    assert MaskedModel(model.fit(X, y), far).n_outputs == 2


def test_a_model_that_turns_bad_later_is_refused(table):
    X, _ = table
    answering = Answering(lambda X: np.where(X[:, 0] > 50, np.nan, 1.0))
    model = MaskedModel(answering, X, batch_size=2)
    far = X.copy()
    far[[1, 4]] += 100
    with pytest.raises(ValueError, match=r"infinite values\. It has no answer to row 1;"):
        model.predict(far[:3])
    # By its position in the table, and not in the batch.
    with pytest.raises(ValueError, match=r"no answer to row 3; leave such rows out"):
        model.predict(np.delete(far, 1, axis=0))
    with pytest.raises(ValueError, match=r"no answer to row 1, 4 of the background; pass others"):
        MaskedModel(answering, far)


@pytest.mark.parametrize(
    "estimator", [RandomForestClassifier(2), KNeighborsClassifier(), MLPClassifier(max_iter=2)]
)
@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
def test_multilabel_is_refused_by_name(table, estimator):
    X, y = table
    with pytest.raises(ValueError, match="Multilabel"):
        MaskedModel(estimator.fit(X, np.column_stack([y, 1 - y, y])), X)


def test_multilabel_is_refused_where_classes_do_not_tell(table):
    several = ProbabilisticOnly(lambda X: [np.full((len(X), 2), 0.5)] * 3)
    with pytest.raises(ValueError, match="Multilabel"):
        MaskedModel(several, table[0])


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


@pytest.mark.parametrize("output", ["auto", "raw"])
def test_a_search_without_refit_is_refused_as_such(table, output):
    X, y = table
    search = GridSearchCV(LogisticRegression(), {"C": [1.0]}, cv=2, refit=False)
    with pytest.raises(ValueError, match=r"^GridSearchCV has refit=False.*set refit"):
        ShapExplainer(search, output=output).fit(X, y)
    with pytest.raises(ValueError, match=r"^GridSearchCV has refit=False"):
        MaskedModel(FrozenEstimator(search.fit(X, y)), X, output=output)
    # That of other estimators means something else.

    class Averaging(LogisticRegression):
        refit = False

    assert MaskedModel(Averaging().fit(X, y), X).n_outputs == 2


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
