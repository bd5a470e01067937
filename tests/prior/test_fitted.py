"""Fitted models are one output of the estimator they hold."""

import warnings

import numpy as np
import pytest

from sklearn_metaexplain.prior._estimators import CLASSIFIERS, REGRESSORS
from sklearn_metaexplain.prior._fitted import ESTIMATORS, _classes, fit_model
from sklearn_metaexplain.prior._tables import sample_table


@pytest.mark.parametrize("name", ESTIMATORS)
def test_fits_silently_and_takes_missing_cells(name):
    rng = np.random.default_rng(0)
    table = sample_table(rng, n_rows=120, n_columns=4).values
    table[rng.random(table.shape) < 0.1] = np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(3):
            model = fit_model(rng, table, name)
            rows = np.vstack([table[:20], np.full((1, 4), np.nan)])
            outputs = model(rows)
            assert outputs.shape == (21,)
            assert outputs.dtype == np.float64
            assert np.isfinite(outputs).all()
    inner = model.estimator
    while type(inner).__name__ in ("Pipeline", "CalibratedClassifierCV"):
        inner = inner.steps[-1][1] if hasattr(inner, "steps") else inner.estimator
    assert type(inner).__name__ == name


def test_probability_of_one_class():
    rng = np.random.default_rng(1)
    table = sample_table(rng, n_rows=150, n_columns=3).values
    seen = set()
    for _ in range(60):
        model = fit_model(rng, table, "GaussianNB")
        if model.method == "predict_proba":
            expected = model.estimator.predict_proba(table)[:, model.column]
            if model.log_odds:
                clipped = np.clip(expected, 1e-6, 1 - 1e-6)
                expected = np.log(clipped) - np.log1p(-clipped)
            np.testing.assert_allclose(model(table), expected, atol=1e-8)
            seen.add((len(model.estimator.classes_), model.log_odds))
    assert {(2, False), (3, False), (4, False), (2, True)} <= seen


def test_regressors_have_units():
    rng = np.random.default_rng(2)
    table = rng.normal(size=(150, 3))
    spreads = [fit_model(rng, table, "DecisionTreeRegressor")(table).std() for _ in range(30)]
    assert max(spreads) / min(spreads) > 100


def test_no_class_is_rare():
    rng = np.random.default_rng(3)
    for _ in range(100):
        labels = _classes(rng, sample_table(rng, n_rows=100, n_columns=3).values)
        counts = np.bincount(labels)
        assert 2 <= len(counts) <= 4
        assert counts.min() >= 5


def test_classifiers_and_regressors_differ():
    assert not set(CLASSIFIERS) & set(REGRESSORS)
