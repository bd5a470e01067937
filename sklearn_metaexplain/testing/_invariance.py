"""Checks of what attributions must not depend on, and of columns that cannot matter."""

from typing import Any
from unittest import SkipTest

import numpy as np
import pandas as pd
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklearn_metaexplain.testing._data import (
    CONSTANT_COLUMN,
    TOLERANCE,
    Data,
    as_frame,
    assert_same,
    fitted,
    numeric_tables,
    prepared,
    single_column_tables,
    tables,
)

__all__: list[str] = []

# Relative squared error. Sampling noise stays below; a column taken for another is about 2.
COLUMN_ORDER_TOLERANCE = 0.25


def check_row_alone(explainer: Any, data: Data = None) -> None:
    """A row alone is explained as in a batch."""
    for X, y in tables(explainer, data):
        explainer_ = fitted(explainer, X, y)
        batch = explainer_.explain(X[:12])
        for i in (0, 7, 11):
            assert_same(explainer_.explain(X[i : i + 1]), batch[i], f"row {i} alone")


def check_row_permutation(explainer: Any, data: Data = None) -> None:
    """The order of rows, and asking twice, change nothing."""
    for X, y in tables(explainer, data):
        explainer_ = fitted(explainer, X, y)
        order = np.random.RandomState(1).permutation(12)
        rows = X.iloc[order] if isinstance(X, pd.DataFrame) else X[order]
        batch = explainer_.explain(X[:12])
        assert_same(explainer_.explain(X[:12]), batch, "the same rows again")
        assert_same(explainer_.explain(rows), batch[order], "rows in another order")


def check_containers(explainer: Any, data: Data = None) -> None:
    """A DataFrame of numbers is explained as the array is."""
    for X, y in numeric_tables(explainer, data):
        array = fitted(explainer, X, y).explain(X[:8])
        frame = fitted(explainer, as_frame(X), y).explain(as_frame(X)[:8])
        assert_same(frame, array, "DataFrame and array", support=False)


def check_n_jobs(explainer: Any, data: Data = None) -> None:
    """Two threads give what one gives."""
    X, y = tables(explainer, data)[0]
    one, two = (
        fitted(prepared(explainer).set_params(n_jobs=n_jobs), X, y).explain(X[:8])
        for n_jobs in (1, 2)
    )
    assert_same(two, one, "n_jobs=2")


def check_constant_columns(explainer: Any, data: Data = None) -> None:
    """A column with one value throughout gets exactly zero."""
    for X, y in single_column_tables(explainer, data):
        explanation = fitted(explainer, X, y).explain(X)
        constant = explanation.values[:, CONSTANT_COLUMN]
        assert (constant == 0).all(), f"a constant column got {np.abs(constant).max():.2g}"
        assert (explanation.values != 0).any(), "all attributions are zero"


def check_column_permutation(explainer: Any, data: Data = None) -> None:
    """Attributions move with their columns.

    The model must be the same after columns are reordered. If fitting it anew does not give that,
    an explainer of another estimator is given the first model behind a step that restores the
    order; a self-explaining one is skipped.
    """
    for X, y in single_column_tables(explainer, data):
        order = np.array([2, 3, 0, 1])
        explainer_ = fitted(explainer, X, y)
        reordered = fitted(explainer, X[:, order], y)
        expected = explainer_.explain(X[:20])
        actual = reordered.explain(X[:20, order])
        if not _agree(actual.predictions, expected.predictions):
            if not hasattr(explainer_, "estimator_"):
                raise SkipTest("the model itself depends on the order of columns")
            restore = FunctionTransformer(_take_columns, kw_args={"order": np.argsort(order)})
            model = make_pipeline(restore, FrozenEstimator(explainer_.estimator_))
            reordered = fitted(prepared(explainer).set_params(estimator=model), X[:, order], y)
            actual = reordered.explain(X[:20, order])
        difference = np.square(actual.values - expected.values[:, order]).sum()
        error = difference / np.square(expected.values).sum()
        assert error <= COLUMN_ORDER_TOLERANCE, (
            f"with columns in another order attributions differ by {error:.2g} of their square"
        )


def _agree(left: np.ndarray, right: np.ndarray) -> bool:
    return bool(np.allclose(left, right, rtol=TOLERANCE, atol=TOLERANCE))


def _take_columns(X: Any, order: np.ndarray) -> Any:
    return X.iloc[:, order] if isinstance(X, pd.DataFrame) else X[:, order]
