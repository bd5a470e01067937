"""The warning of MetaExplainer's fit: loud where it matters, quiet elsewhere, and quick."""

import time
import warnings

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_wine
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR

from sklearn_metaexplain import MetaExplainer
from sklearn_metaexplain.exceptions import ExplanationWarning, OffPriorWarning
from sklearn_metaexplain.masking import MaskedModel
from sklearn_metaexplain.posthoc._support import ask_support
from sklearn_metaexplain.tasks._off_prior import warn_if_off_prior
from tests.tasks.test_autoencoder import Hashing


def evaluated(load, model, n_support=2048, seed=0):
    """Hybrids as MetaExplainer asks about them."""
    X, y = load(return_X_y=True)
    rng = np.random.RandomState(seed)
    background = X[rng.permutation(len(X))[:100]]
    support = ask_support(MaskedModel(model.fit(X, y), background), X, n_support, rng)
    return support.encoded, support.outputs


def scaled(model):
    return make_pipeline(StandardScaler(), model)


@pytest.mark.parametrize(
    ("load", "model"),
    [
        (load_iris, RandomForestClassifier(n_estimators=20, random_state=0)),
        (load_iris, scaled(LogisticRegression())),
        (load_wine, scaled(CalibratedClassifierCV(SVC(), ensemble=False))),
        (load_wine, RandomForestClassifier(n_estimators=20, random_state=0)),
        (load_breast_cancer, scaled(LogisticRegression())),
        (load_diabetes, RandomForestRegressor(n_estimators=20, random_state=0)),
        (load_diabetes, scaled(SVR(C=100))),
        (load_diabetes, Ridge()),
    ],
    ids=[
        *("iris-forest", "iris-logistic", "wine-svm", "wine-forest", "breast_cancer-logistic"),
        *("diabetes-forest", "diabetes-svm", "diabetes-ridge"),
    ],
)
def test_quiet_on_ordinary_models(load, model):
    with warnings.catch_warnings():
        warnings.simplefilter("error", OffPriorWarning)
        score = warn_if_off_prior(*evaluated(load, model), seed=0)
    assert 0 <= score <= 0.95


@pytest.mark.parametrize("load", [load_iris, load_wine, load_diabetes])
def test_warns_of_a_model_that_hashes_its_input(load):
    with pytest.warns(OffPriorWarning, match=r"\d% of the variance .*budget=.*n_support") as caught:
        score = warn_if_off_prior(*evaluated(load, Hashing()), seed=0)
    assert score > 0.95
    assert issubclass(OffPriorWarning, ExplanationWarning)
    # It points at whoever called.
    assert caught[0].filename == __file__


def test_fit_warns_of_a_model_that_hashes_its_input():
    X, y = load_diabetes(return_X_y=True)
    # Half of the evaluations are drawn, of which it takes 256 to tell.
    explainer = MetaExplainer(Hashing(), background=10, n_support=600, random_state=0)
    with pytest.warns(ExplanationWarning) as caught:
        explainer.fit(X, y)
    # It points at whoever called.
    off_prior = [one.filename for one in caught if one.category is OffPriorWarning]
    assert off_prior == [__file__]


def test_of_several_outputs_the_one_that_varies_most_is_judged():
    encoded, outputs = evaluated(load_diabetes, Ridge())
    hashed = evaluated(load_diabetes, Hashing())[1]
    alone = warn_if_off_prior(encoded, outputs, seed=0)
    both = np.hstack([outputs, 1e-3 * hashed])
    assert warn_if_off_prior(encoded, both, seed=0) == alone
    with pytest.warns(OffPriorWarning):
        warn_if_off_prior(encoded, np.hstack([1e-6 * outputs, hashed]), seed=0)


@pytest.mark.parametrize(
    ("n_rows", "n_columns", "constant"), [(255, 3, False), (300, 31, False), (300, 3, True)]
)
def test_nothing_is_said_where_nothing_is_known(n_rows, n_columns, constant):
    rng = np.random.default_rng(0)
    encoded = rng.normal(size=(n_rows, n_columns, 2))
    outputs = np.full((n_rows, 1), 0.1) if constant else rng.normal(size=(n_rows, 1))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert warn_if_off_prior(encoded, outputs, seed=0) is None


def test_it_costs_little_however_many_evaluations_there_are():
    rng = np.random.default_rng(0)
    seconds = []
    for n_rows in (256, 25600):
        encoded, outputs = rng.normal(size=(n_rows, 10, 2)), rng.normal(size=(n_rows, 1))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", OffPriorWarning)
            warn_if_off_prior(encoded, outputs, seed=0)
            start = time.process_time()
            for _ in range(3):
                warn_if_off_prior(encoded, outputs, seed=0)
            seconds.append((time.process_time() - start) / 3)
    assert seconds[1] < 3 * seconds[0] + 0.02


def test_an_odd_model_that_is_told_all_the_same_is_no_matter():
    rng = np.random.default_rng(1)
    X = np.column_stack([rng.lognormal(10, 1, 400), rng.integers(0, 4, 400), rng.normal(size=400)])
    crossed = (X[:, 0] > 20000) ^ (X[:, 1] > 1)
    model = HistGradientBoostingClassifier(random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error", OffPriorWarning)
        explainer = MetaExplainer(model, background=30, random_state=0).fit(X, crossed)
    assert explainer.shapley_error_ < 0.01
