"""The shipped weights explain as they did when they were trained.

After new weights are shipped on purpose: ``python -m tests.nets.test_consistency`` writes the
reference anew.
"""

import json
from pathlib import Path

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin

from sklearn_metaexplain import MetaExplainer

REFERENCE = Path(__file__).with_name("reference_predictions.json")


class Wave(RegressorMixin, BaseEstimator):
    """A function that is the same on every machine, whatever version fits it."""

    def fit(self, X, y=None):
        self.fitted_ = True
        return self

    def predict(self, X):
        return np.sin(2 * X[:, 0]) * X[:, 1] + np.abs(X[:, 2]) + 0.5 * (X[:, 3] > 0.2)


def predictions():
    # Halton-like points: no generator whose stream may change between versions.
    steps = np.sqrt([2.0, 3.0, 5.0, 7.0])
    X = 4 * (np.arange(1, 121)[:, None] * steps % 1) - 2
    explainer = MetaExplainer(Wave(), background=X[:10], n_support=160, random_state=0).fit(X)
    explanation = explainer.explain(X[20:26])
    parameters = explainer._surrogate_.stack.process.kernel.parameters
    return {
        "kernel": {name: value.tolist() for name, value in parameters._asdict().items()},
        "values": explanation.values[..., 0].tolist(),
        "std": explanation.std[..., 0].tolist(),
        "shapley_error": explainer.shapley_error_,
    }


def test_predictions_are_those_of_the_reference():
    reference, now = json.loads(REFERENCE.read_text()), predictions()
    for name, value in reference["kernel"].items():
        np.testing.assert_allclose(now["kernel"][name], value, rtol=1e-3, atol=1e-6, err_msg=name)
    for name in ("values", "std", "shapley_error"):
        np.testing.assert_allclose(now[name], reference[name], rtol=2e-3, atol=1e-4, err_msg=name)


if __name__ == "__main__":
    REFERENCE.write_text(json.dumps(predictions(), indent=1) + "\n")
