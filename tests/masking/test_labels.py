"""Classes that are not those of the largest outputs."""

import numpy as np
import pytest
from sklearn.datasets import load_iris, load_wine
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier, StackingClassifier
from sklearn.feature_selection import RFE, RFECV
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.model_selection import FixedThresholdClassifier
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.neighbors import NearestCentroid
from sklearn.semi_supervised import SelfTrainingClassifier
from sklearn.svm import SVC

from sklearn_metaexplain.masking import MaskedModel


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


@pytest.mark.parametrize("loss", ["modified_huber", "log_loss"])
def test_classes_of_equal_probability_are_told_apart_as_the_model_does(loss):
    X, y = load_iris(return_X_y=True)
    model = SGDClassifier(loss=loss, random_state=0).fit(X, y)
    largest = model.predict_proba(X).argmax(axis=1)
    assert (largest != model.predict(X)).any()
    np.testing.assert_array_equal(MaskedModel(model, X[::15]).labels(X), model.predict(X))


def test_of_two_classes_as_likely_boosting_predicts_the_second():
    X = np.tile([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], (10, 1))
    y = X[:, 0] != X[:, 1]  # a stump finds nothing in it
    boosting = GradientBoostingClassifier(n_estimators=2, max_depth=1).fit(X, y)
    model = MaskedModel(boosting, X[:4])
    assert np.all(model.predict(X) == 0.5)
    np.testing.assert_array_equal(model.labels(X), boosting.predict(X))
    three = GradientBoostingClassifier(n_estimators=2).fit(X, X.sum(axis=1))
    assert MaskedModel(three, X[:4]).labels(X) is None


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
