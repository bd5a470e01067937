"""Models that write over the rows they are asked with."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, StandardScaler

from sklearn_metaexplain import LimeExplainer, MetaExplainer, ShapExplainer
from tests.small_explainers import ExactExplainer

EXPLAINERS = {
    "meta": lambda model: MetaExplainer(model, background=10, n_support=96, random_state=0),
    "shap": lambda model: ShapExplainer(model, background=10, random_state=0),
    "lime": lambda model: LimeExplainer(model, background=10, n_samples=200, random_state=0),
    "entropy": lambda model: LimeExplainer(
        model, background=10, n_samples=200, discretizer="entropy", random_state=0
    ),
    "exact": lambda model: ExactExplainer(model, background=10, random_state=0),
}
CONTAINERS = {"array": np.array, "frame": pd.DataFrame, "csr": sparse.csr_matrix}


def pipelines(scaler, classifier):
    last = LogisticRegression() if classifier else LinearRegression()
    return [make_pipeline(scaler(copy=copy), last) for copy in (True, False)]


# LIME reads no sparse tables.
KINDS = [
    (name, container)
    for name in EXPLAINERS
    for container in CONTAINERS
    if container != "csr" or name not in ("lime", "entropy")
]


@pytest.mark.parametrize(("name", "container"), KINDS)
def test_explanations_are_those_of_a_model_that_does_not(name, container):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3)) * [1.0, 10.0, 100.0] + [5.0, 50.0, 500.0]
    y = X @ [2.0, -0.3, 0.01]
    if name == "entropy":
        y = y > np.median(y)
    scaler = MaxAbsScaler if container == "csr" else StandardScaler
    found = []
    for model in pipelines(scaler, classifier=name == "entropy"):
        table = CONTAINERS[container](X)
        explainer = EXPLAINERS[name](model).fit(table, y)
        found.append(explainer.explain(table[:4]))
        left = table.toarray() if container == "csr" else np.asarray(table)
        np.testing.assert_array_equal(left, X)
    copying, writing = found
    np.testing.assert_array_equal(writing.values, copying.values)
    np.testing.assert_array_equal(writing.base_values, copying.base_values)


@pytest.mark.parametrize("name", EXPLAINERS)
def test_the_model_itself_is_fitted_as_ever(name):
    X = np.random.default_rng(0).normal(size=(60, 3)) * [1.0, 10.0, 100.0]
    y = X[:, 0] > 0
    model = make_pipeline(StandardScaler(copy=False), LogisticRegression())
    explainer = EXPLAINERS[name](model).fit(X, y)
    expected = model.fit(X.copy(), y)
    np.testing.assert_array_equal(
        explainer.predict_proba(X.copy()), expected.predict_proba(X.copy())
    )
