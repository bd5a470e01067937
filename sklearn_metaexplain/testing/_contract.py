"""Checks of what `explain` and `transform` return and refuse."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import is_classifier
from sklearn.exceptions import NotFittedError
from sklearn.utils import get_tags

from sklearn_metaexplain._explanation import Explanation
from sklearn_metaexplain._explanation_parts import OUTPUTS
from sklearn_metaexplain._names import names_of_labels
from sklearn_metaexplain.base import RESIDUAL_TOLERANCE, ExplainerTags, is_explainer, sizes_of
from sklearn_metaexplain.testing._data import (
    TOLERANCE,
    Data,
    as_frame,
    assert_same,
    fitted,
    numeric_tables,
    prepared,
    raises,
    single_column_tables,
    tables,
)

__all__: list[str] = []


def check_explainer_tags(explainer: Any, data: Data = None) -> None:
    """Tags say what it is."""
    assert isinstance(getattr(get_tags(explainer), "explainer_tags", None), ExplainerTags)
    assert is_explainer(explainer), "is_explainer must say so"
    assert not get_tags(explainer)._skip_test, "_skip_test silences scikit-learn's checks"


def check_not_fitted(explainer: Any, data: Data = None) -> None:
    """Before fit, `explain` and `transform` raise NotFittedError."""
    X, _ = tables(explainer, data)[0]
    for method in ("explain", "transform"):
        with raises(NotFittedError, "", f"{method} before fit"):
            getattr(prepared(explainer), method)(X)


def check_shapes(explainer: Any, data: Data = None) -> None:
    """Three dimensions, float64, outputs in `classes_` order, whatever the model and rows."""
    for X, y in tables(explainer, data):
        explainer_ = fitted(explainer, X, y)
        explanation = explainer_.explain(X[:5])
        assert isinstance(explanation, Explanation)
        n_outputs = 1 if np.ndim(y) == 1 else np.shape(y)[1]
        if is_classifier(explainer_):
            n_outputs = len(explainer_.classes_)
            np.testing.assert_array_equal(explanation.output_names, explainer_.classes_)
        shape = (5, len(explanation.feature_names), n_outputs)
        assert explanation.values.shape == shape, f"{explanation.values.shape} is not {shape}"
        assert explanation.values.dtype == np.float64
        assert np.isfinite(explanation.values).all()
        assert explanation.std is None or (explanation.std >= 0).all()
        assert (explanation.n_evaluations >= 0).all()
        assert explanation.output in OUTPUTS
        assert explanation.data is not None, "data must hold the rows"
        told, given = as_frame(explanation.data), as_frame(X[:5])
        pd.testing.assert_frame_equal(told, given, check_dtype=False, obj="data")
        assert explanation[0].values.shape == (1, *shape[1:])
        assert len(explainer_.explain(X[:1])) == 1, "one row"


def check_predictions(explainer: Any, data: Data = None) -> None:
    """`Explanation.predictions` and `predicted_labels` are what the model says of the rows."""
    for X, y in tables(explainer, data):
        explainer_ = fitted(explainer, X, y)
        explanation = explainer_.explain(X)
        if is_classifier(explainer_) and hasattr(explainer_, "predict"):
            same = explanation.predicted_labels == explainer_.predict(X)
            assert (same | _tied(explanation)).all(), "predicted_labels differ from predict"
        if explanation.output == "raw":
            method = "decision_function" if is_classifier(explainer_) else "predict"
        else:
            method = "predict_proba"
        if not hasattr(explainer_, method):  # a self-explaining model keeps its scores to itself
            continue
        expected = np.asarray(getattr(explainer_, method)(X), dtype=np.float64)
        if expected.ndim == 1:
            expected = expected[:, None]
            if is_classifier(explainer_) and len(explainer_.classes_) == 2:
                expected = np.hstack([-expected, expected])
        actual = explanation.predictions
        if explanation.output == "log_odds":
            actual, expected = 1 / (1 + np.exp(-actual)), np.clip(expected, 1e-6, 1 - 1e-6)
        np.testing.assert_allclose(
            actual, expected, rtol=1e-6, atol=1e-6, err_msg=f"predictions differ from {method}"
        )


def check_base_values(explainer: Any, data: Data = None) -> None:
    """All rows start from the same, interventional ones from the background's mean output."""
    for X, y in tables(explainer, data):
        explainer_ = fitted(explainer, X, y)
        explanation = explainer_.explain(X[:8])
        if explanation.value_function == "local":
            return  # terms of a model near a row start from a base value of their own
        told = explanation.base_values
        expected = told[:1]
        is_interventional = explanation.value_function == "interventional"
        if is_interventional and getattr(explainer_, "background_", None) is not None:
            # In the units that are explained, whatever they are.
            outputs = explainer_.explain(explainer_.background_).predictions
            expected = outputs.mean(axis=0, keepdims=True)
        share_classes = is_classifier(explainer_) or explanation.output != "raw"
        off = np.abs(told - expected) / sizes_of(explanation, share_classes=share_classes)
        assert off.max() <= RESIDUAL_TOLERANCE, f"base values are off by {off.max():.2g} of outputs"


def check_efficiency(explainer: Any, data: Data = None) -> None:
    """Base values and attributions sum to the predictions."""
    for X, y in tables(explainer, data):
        explanation = fitted(explainer, X, y).explain(X)
        total = explanation.base_values + explanation.values.sum(axis=1)
        share_classes = is_classifier(explainer) or explanation.output != "raw"
        scale = sizes_of(explanation, share_classes=share_classes)
        off = np.abs(total - explanation.predictions)
        worst = (off / np.maximum(scale, np.finfo(np.float64).tiny)).max()
        assert worst <= RESIDUAL_TOLERANCE, f"sums miss predictions by {worst:.2g} of them"


def check_feature_names(explainer: Any, data: Data = None) -> None:
    """Column and row labels of a DataFrame come back; arrays get x0, x1, ..."""
    X, y = tables(explainer, data)[0]
    frame = as_frame(X)
    explainer_ = fitted(explainer, frame, y)
    explanation = explainer_.explain(frame[3:8])
    if all(isinstance(label, str) for label in frame.columns):  # as scikit-learn has it
        np.testing.assert_array_equal(explainer_.feature_names_in_, frame.columns)
    is_grouped = bool(getattr(explainer, "feature_groups", None))
    if not is_grouped:
        expected = names_of_labels(frame.columns)
        np.testing.assert_array_equal(explanation.feature_names, expected)
    label = explanation.output_names[-1]
    attributions = explanation.to_frame(label)
    pd.testing.assert_index_equal(attributions.index, frame.index[3:8])
    np.testing.assert_array_equal(attributions.columns, explanation.feature_names)
    if data is None:
        array = fitted(explainer, X, y)
        assert not hasattr(array, "feature_names_in_"), "arrays have no names"
        names = array.explain(X[:5]).feature_names.tolist()
        assert is_grouped or names == [f"x{j}" for j in range(X.shape[1])], (
            f"names of an array: {names}"
        )


def check_transform(explainer: Any, data: Data = None) -> None:
    """`transform` is `explain` in two dimensions, under `get_feature_names_out`."""
    for X, y in tables(explainer, data):
        explainer_ = fitted(explainer, X, y)
        transformed = explainer_.transform(X[:5])
        explanation = explainer_.explain(X[:5])
        names = explanation.feature_names.tolist()
        labels = explanation.output_names.tolist()
        if len(labels) <= 2 and (is_classifier(explainer_) or len(labels) == 1):
            expected = explanation.to_frame(labels[-1]).to_numpy()
        else:
            expected = explanation.to_frame().to_numpy()
            names = [f"{name}__{label}" for label in labels for name in names]
        assert transformed.dtype == np.float64
        np.testing.assert_allclose(transformed, expected, rtol=1e-6, atol=1e-9)
        assert explainer_.get_feature_names_out().tolist() == names, "get_feature_names_out"


def check_options(explainer: Any, data: Data = None) -> None:
    """A misspelt option is a TypeError, not ignored."""
    X, y = tables(explainer, data)[0]
    with raises(TypeError, "no_such_option", "explain(X, no_such_option=1)"):
        fitted(explainer, X, y).explain(X[:5], no_such_option=1)


def check_bad_input(explainer: Any, data: Data = None) -> None:
    """Wrong columns and infinite values are refused by name."""
    for X, y in numeric_tables(explainer, data)[:1]:
        frame = as_frame(X)
        explainer_ = fitted(explainer, frame, y)
        with raises(ValueError, "column b", "a missing column"):
            explainer_.explain(frame.drop(columns="column b"))
        with raises(ValueError, "same order", "columns in another order"):
            explainer_.explain(frame[frame.columns[::-1]])
        with raises(ValueError, "features", "an array with too few columns"):
            fitted(explainer, X, y).explain(X[:, :2])
        infinite = frame.copy()
        infinite.iloc[2, 1] = np.inf
        with raises(ValueError, "column b", "an infinite value in explain"):
            explainer_.explain(infinite)
        with raises(ValueError, "column b", "an infinite value in fit"):
            fitted(explainer, infinite, y)


def check_saved_explanation(explainer: Any, data: Data = None) -> None:
    """An Explanation comes back from its file as it was."""
    X, y = tables(explainer, data)[0]
    explanation = fitted(explainer, as_frame(X), y).explain(as_frame(X)[:5])
    with TemporaryDirectory() as folder:
        path = Path(folder) / "explanation.npz"
        explanation.save(path)
        loaded = Explanation.load(path)
    assert_same(loaded, explanation, "saved and loaded")
    pd.testing.assert_frame_equal(loaded.to_frame(), explanation.to_frame())


def check_small_tables(explainer: Any, data: Data = None) -> None:
    """One column and one row are enough."""
    for X, y in single_column_tables(explainer, data):
        explanation = fitted(explainer, X[:, :1], y).explain(X[:1, :1])
        assert explanation.values.shape[:2] == (1, 1)


def _tied(explanation: Explanation) -> np.ndarray:
    """Rows whose two largest outputs differ by no more than rounding, (n_samples,)."""
    ordered = np.sort(explanation.predictions, axis=1)
    return np.isclose(ordered[:, -2:].min(axis=1), ordered[:, -1], rtol=TOLERANCE, atol=0.0)
