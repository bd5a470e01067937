"""Small tables and prepared explainers for the checks."""

from typing import Any
from unittest import SkipTest

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.base import clone, is_classifier
from sklearn.utils import get_tags

from sklearn_metaexplain._explanation import Explanation

__all__ = [
    "TOLERANCE",
    "Data",
    "as_frame",
    "assert_same",
    "fitted",
    "numeric_tables",
    "prepared",
    "raises",
    "single_column_tables",
    "tables",
]

Data = tuple[Any, Any] | None

N_ROWS = 60
CONSTANT_COLUMN = 3
TOLERANCE = 1e-7  # scikit-learn's own for batch and order invariance


def tables(explainer: Any, data: Data) -> list[tuple[Any, Any]]:
    """Tables and targets the explainer is to be checked on: the user's, or ours."""
    if data is not None:
        X, y = data
        return [(X if hasattr(X, "shape") else np.asarray(X), y)]
    tags = get_tags(explainer)
    random = np.random.RandomState(0)
    X = random.normal(size=(N_ROWS, 4))
    X[:, CONSTANT_COLUMN] = 1.5
    if tags.input_tags.positive_only:
        X = np.abs(X)
    # Columns matter unequally, so that mixing them up is seen.
    score = 3.0 * X[:, 0] + X[:, 1] - 0.3 * X[:, 2] + 0.1 * random.normal(size=N_ROWS)
    if not is_classifier(explainer):
        if tags.target_tags.positive_only:
            score = np.exp(0.3 * score)
        return [(X, score)]
    cuts = [np.quantile(score, [0.5])]
    if tags.classifier_tags is None or tags.classifier_tags.multi_class:
        cuts.append(np.quantile(score, [0.33, 0.67]))
    labels = np.array(["no", "perhaps", "yes"])
    return [(X, labels[np.searchsorted(cut, score)]) for cut in cuts]


def numeric_tables(explainer: Any, data: Data) -> list[tuple[Any, Any]]:
    """The tables, if they are ours: a check changes columns in ways a user's model may refuse."""
    if data is not None:
        raise SkipTest("it needs a table of its own, and data= was given")
    return tables(explainer, None)


def single_column_tables(explainer: Any, data: Data) -> list[tuple[Any, Any]]:
    """The tables, if they are ours and each column has an attribution of its own."""
    if getattr(explainer, "feature_groups", None):
        raise SkipTest("it looks at single columns, and feature_groups is set")
    return numeric_tables(explainer, data)


def as_frame(X: Any) -> pd.DataFrame:
    """The table with column names that differ from x0, x1, ... and labelled rows."""
    if isinstance(X, pd.DataFrame):
        return X
    X = X.toarray() if sparse.issparse(X) else np.asarray(X)
    n_rows, n_columns = X.shape
    names = [f"column {chr(ord('a') + j % 26)}{j // 26 or ''}" for j in range(n_columns)]
    return pd.DataFrame(X, columns=names, index=[f"row {i}" for i in range(n_rows)])


def prepared(explainer: Any) -> Any:
    """A clone in which every `random_state` that was None is 0."""
    explainer = clone(explainer)
    unseeded = {
        name: 0
        for name, value in explainer.get_params().items()
        if name.split("__")[-1] == "random_state" and value is None
    }
    return explainer.set_params(**unseeded)


def fitted(explainer: Any, X: Any, y: Any) -> Any:
    """A prepared clone, fitted."""
    return prepared(explainer).fit(X, y)


def assert_same(
    actual: Explanation, expected: Explanation, what: str, *, support: bool = True
) -> None:
    """Numbers agree to the tolerance; evaluations, labels and what is no number exactly.

    Without `support` it is not compared: it may hold names of columns.
    """
    assert actual.n_evaluations.tolist() == expected.n_evaluations.tolist(), (
        f"{what}: n_evaluations differ"
    )
    for name in ("values", "base_values", "predictions", "std"):
        _assert_same_part(getattr(actual, name), getattr(expected, name), f"{what}: {name}")
    if not _is_of_targets(expected):
        np.testing.assert_array_equal(
            actual.predicted_labels, expected.predicted_labels, f"{what}: predicted_labels differ"
        )
    if support:
        left, right = actual.support or {}, expected.support or {}
        assert list(left) == list(right), f"{what}: support has {list(left)} and {list(right)}"
        for name, part in right.items():
            _assert_same_part(left[name], part, f"{what}: support[{name!r}]")


def _assert_same_part(actual: Any, expected: Any, what: str) -> None:
    assert (actual is None) == (expected is None), f"{what} is None in one of two"
    if expected is None:
        return
    left, right = (
        part.toarray() if sparse.issparse(part) else np.asarray(part) for part in (actual, expected)
    )
    assert left.shape == right.shape, f"{what} differ in shape: {left.shape} and {right.shape}"
    if right.dtype.kind in "fc":
        np.testing.assert_allclose(
            left, right, rtol=TOLERANCE, atol=TOLERANCE, err_msg=f"{what} differ"
        )
    else:
        np.testing.assert_equal(left.tolist(), right.tolist(), f"{what} differ")


def _is_of_targets(explanation: Explanation) -> bool:
    """Whether it is of several targets, of which none is predicted more than the others."""
    return explanation.estimator_type == "regressor" and len(explanation.output_names) > 1


class raises:
    """Context that demands an error of a kind whose message holds a text."""

    def __init__(self, kind: type[Exception], text: str, what: str) -> None:
        self.kind, self.text, self.what = kind, text, what

    def __enter__(self) -> "raises":
        return self

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> bool:
        assert kind is not None, f"{self.what} must raise {self.kind.__name__}"
        if not issubclass(kind, self.kind):
            return False
        assert self.text in str(error), (
            f"{self.what} must raise a {self.kind.__name__} that says {self.text!r}; got: {error}"
        )
        return True
