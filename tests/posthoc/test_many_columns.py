"""MetaExplainer on wide tables, against values that are known in closed form."""

import warnings

import numpy as np
import pytest
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression

from sklearn_metaexplain import MetaExplainer


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n_columns", "pretrained"), [(64, "default"), (64, None), (200, "default")]
)
def test_a_wide_linear_model(n_columns, pretrained):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, n_columns))
    weights = rng.normal(size=n_columns)
    model = LinearRegression().fit(X, X @ weights)
    explainer = MetaExplainer(
        FrozenEstimator(model),
        background=X[:20],
        n_support=512,
        pretrained=pretrained,
        random_state=0,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        explanation = explainer.fit(X).explain(X[20:60])
    exact = weights * (X[20:60] - X[:20].mean(0))
    values = explanation.values[:, :, 0]
    np.testing.assert_allclose(values.sum(1), exact.sum(1), atol=1e-6)
    assert np.square(values - exact).sum() < 0.2 * np.square(exact).sum()
    assert np.isfinite(explanation.std).all()
    # Rows are explained a few at a time; it makes no difference to them.
    alone = explainer.explain(X[55:56])
    np.testing.assert_allclose(alone.values[0], explanation.values[35], rtol=1e-7, atol=1e-7)
