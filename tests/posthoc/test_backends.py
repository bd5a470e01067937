"""Threads share what they fill, whatever backend joblib is told to use."""

import joblib
import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier

from sklearn_metaexplain import MetaExplainer, ShapExplainer

X, y = make_classification(80, 4, n_informative=3, n_redundant=0, random_state=0)


@pytest.mark.parametrize("backend", ["loky", "multiprocessing"])
def test_processes_are_not_taken_for_threads(backend):
    forest = RandomForestClassifier(5, random_state=0)
    meta = MetaExplainer(forest, n_support=64, background=10, random_state=0).fit(X, y)
    shap = ShapExplainer(forest, algorithm="permutation", background=10, batch_size=50)
    shap.set_params(random_state=0).fit(X, y)
    for explainer, options in ((meta, {}), (meta, {"budget": 20}), (shap, {})):
        expected = explainer.explain(X[:3], **options).values
        with joblib.parallel_config(backend=backend, n_jobs=2):
            values = explainer.explain(X[:3], **options).values
        np.testing.assert_allclose(values, expected, rtol=1e-7, atol=1e-7)
