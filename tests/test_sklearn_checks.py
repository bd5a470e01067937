"""scikit-learn's own checks, none left out, on every estimator of the package."""

import os
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_metaexplain import LimeExplainer, LoggedExplainer, MetaExplainer, ShapExplainer
from tests.selfexplaining.tables import CLASSIFIERS
from tests.small_explainers import ExactExplainer, ExplainedCentroids, ExplainedLeastSquares

# What parametrize_with_checks does not run by itself.
LEFT_OUT = [
    "check_dataframe_column_names_consistency",
    "check_set_output_transform",
    "check_set_output_transform_pandas",
    "check_global_output_transform_pandas",
    "check_transformer_get_feature_names_out",
    "check_transformer_get_feature_names_out_pandas",
    "check_param_validation",
]

# Settings that make an explainer quick; an explainer is added by its name.
SETTINGS = {
    ExactExplainer: {"background": 2, "random_state": 0},
    LimeExplainer: {"background": 2, "n_samples": 20, "random_state": 0},
    MetaExplainer: {"background": 2, "n_support": 20, "random_state": 0},
    ShapExplainer: {"background": 2, "budget": 100, "random_state": 0},
}


def models():
    """Models around which every explainer is checked."""
    return [
        LogisticRegression(),
        # An unseeded forest fails six checks by itself.
        RandomForestClassifier(n_estimators=3, max_depth=3, random_state=0),
        Ridge(),
        make_pipeline(StandardScaler(), LogisticRegression()),
    ]


def estimators():
    """Explainers around all models, and those that explain themselves."""
    posthoc = [
        explainer(model, **settings)
        for explainer, settings in SETTINGS.items()
        for model in models()
    ]
    logged = LoggedExplainer(background=2, n_support=48, random_state=0)
    small = [ExplainedLeastSquares(), ExplainedCentroids()]
    return [*posthoc, logged, *small, *(classifier(random_state=0) for classifier in CLASSIFIERS)]


@parametrize_with_checks(estimators())
def test_scikit_learn_check(estimator, check):
    if "array_api" in str(check) and not os.environ.get("SCIPY_ARRAY_API"):
        pytest.skip("export SCIPY_ARRAY_API=1, as `make test` does")
    with warnings.catch_warnings():
        warnings.simplefilter("error", estimator_checks.SkipTestWarning)
        check(estimator)


@pytest.mark.parametrize("check", LEFT_OUT)
@pytest.mark.parametrize("estimator", estimators(), ids=repr)
def test_check_that_is_left_out(estimator, check):
    if check == "check_param_validation" and not hasattr(estimator, "_parameter_constraints"):
        assert not estimator.get_params()
        return
    getattr(estimator_checks, check)(type(estimator).__name__, clone(estimator))


def test_frozen_model_does_not_silence_the_checks():
    from sklearn.frozen import FrozenEstimator
    from sklearn.utils import get_tags

    X = np.random.RandomState(0).normal(size=(20, 3))
    model = LogisticRegression().fit(X, X[:, 0] > 0)
    assert get_tags(FrozenEstimator(model))._skip_test
    assert not get_tags(ExactExplainer(FrozenEstimator(model)))._skip_test
