"""Checks of tables, classes and seeds that all explainers share."""

from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.frozen import FrozenEstimator
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import _check_feature_names_in, validate_data

from sklearn_metaexplain._arrays import array_of_rows
from sklearn_metaexplain._names import names_of_labels

__all__ = [
    "check_classes",
    "check_table",
    "column_names",
    "draw_seed",
    "keep_missing",
    "listed",
    "without_masks",
]


def check_table(
    estimator: Any, X: Any, *, reset: bool, accept_sparse: bool = True, accept_missing: bool = True
) -> Any:
    """Check a table's columns and values; dtypes stay as they are, but for the order of bytes.

    Parameters
    ----------
    estimator : estimator
        Its `n_features_in_` and `feature_names_in_` are set (`reset`) or compared with.
    X : DataFrame, sparse matrix or array-like of shape (n_samples, n_features)
        The table: numbers, text, categories, dates, missing values.
    reset : bool
        True in `fit`.
    accept_sparse : bool, default=True
        Whether sparse matrices are let through.
    accept_missing : bool, default=True
        Whether missing values are let through, for the model to accept or refuse.

    Returns
    -------
    X : DataFrame, CSR or ndarray of shape (n_samples, n_features)
        The same DataFrame, or the array with its own dtype; a copy where numbers are in the other
        order of bytes, as in some files, which pandas and compiled models do not take.

    Raises
    ------
    ValueError
        If columns are missing, unknown, reordered or of the same name, there are no rows or
        columns, or a value is infinite, complex, or missing where that is not accepted.
    TypeError
        If the table is sparse where that is not accepted.
    """
    if isinstance(X, pd.DataFrame):
        _refuse_duplicates(estimator, X)
        validate_data(estimator, X, reset=reset, skip_check_array=True)
        _check_labels(estimator, X, reset=reset)
        _check_frame(estimator, X)
    else:
        given = X
        X = validate_data(
            estimator,
            X,
            reset=reset,
            accept_sparse="csr" if accept_sparse else False,
            dtype=None,
            ensure_all_finite=False,
        )
        if reset:
            estimator._labels_in = None
        if X.dtype.kind in "US":
            X = array_of_rows(given)
    X = _in_native_order(X)
    infinite = _infinite_columns(X)
    if infinite:
        raise ValueError(
            f"Input X contains infinity in column {listed(X, infinite)}; replace infinite "
            "values, by NaN or by a finite number, before passing them to "
            f"{type(estimator).__name__}."
        )
    if not accept_missing:
        _refuse_missing(estimator, X)
    return X


def column_names(estimator: Any, input_features: Any = None) -> np.ndarray:
    """Names of the columns that an estimator was fitted on.

    Parameters
    ----------
    estimator : estimator
        Fitted by way of `check_table`.
    input_features : array-like of str of shape (n_features,), default=None
        What they are called now. None: as in `fit`.

    Returns
    -------
    names : ndarray of object of shape (n_features,)
        Labels of a DataFrame, as text; x0, x1, ... of other tables.
    """
    names = _check_feature_names_in(estimator, input_features)
    labels = getattr(estimator, "_labels_in", None)
    return names if input_features is not None or labels is None else names_of_labels(labels)


def draw_seed(random_state: Any) -> int:
    """Draw a seed for numpy and torch from the `random_state` parameter.

    Parameters
    ----------
    random_state : int, RandomState or None
        None draws from the operating system: numpy's global generator is not touched.

    Returns
    -------
    seed : int
        In [0, 2**31 - 1).
    """
    if random_state is None:
        return int(np.random.SeedSequence().generate_state(1)[0] >> 1)
    return int(check_random_state(random_state).randint(np.iinfo(np.int32).max))


def keep_missing(y: Any) -> Any:
    """Make an array of objects of a list of text that lacks some.

    Parameters
    ----------
    y : array-like
        Labels. Of a list of text numpy makes text all through, "nan" for one that is missing.

    Returns
    -------
    y : array-like
        The labels, those that are missing as what they are.
    """
    if not isinstance(y, (list, tuple)):
        return y
    objects = array_of_rows(y)
    return objects if pd.isna(objects).any() else y


def without_masks(y: Any) -> Any:
    """Labels of pandas' nullable types as numpy's: scikit-learn makes floats of all of them.

    Those in a DataFrame of one column stay two-dimensional.
    """
    if isinstance(y, pd.DataFrame) and y.shape[1] == 1:
        column = without_masks(y.iloc[:, 0])
        return column[:, None] if isinstance(column, np.ndarray) else y
    kind = getattr(getattr(y, "dtype", None), "kind", "O")
    if isinstance(y, (pd.Series, pd.Index, pd.api.extensions.ExtensionArray)) and kind in "biu":
        return y if pd.isna(y).any() else y.to_numpy(dtype=y.dtype.type)
    return y


def check_classes(y: np.ndarray, name: str) -> None:
    """Refuse a target that holds no classes, and say what to do.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
        The target, without missing labels.
    name : str
        What it was given to, for the message.

    Raises
    ------
    ValueError
        If `y` holds quantities, or objects of other types than text.
    """
    # scikit-learn's checks want to read what its own message begins with.
    kind = type_of_target(y)
    if kind == "continuous":
        fraction = next((number for number in y if number % 1), y[0])
        raise ValueError(
            f"Unknown label type: continuous. {name} tells classes apart, and y holds numbers "
            f"such as {fraction:.6g}. If they are quantities, cut them into classes "
            "(pandas.cut), or explain a regressor (MetaExplainer); if they name classes, pass "
            "y.astype(str)."
        )
    if kind == "unknown":
        types = ", ".join(sorted({type(label).__name__ for label in y.tolist()})[:3])
        raise ValueError(
            f"Unknown label type: unknown. {name} takes labels of one type (whole numbers, "
            f"booleans or text), and y is an array of objects that holds {types}; pass "
            "y.astype(str), or y.astype(int) if all are whole numbers."
        )
    check_classification_targets(y)


def name_of(model: Any) -> str:
    """Name of a model's class; a frozen model's is that of what is frozen."""
    while isinstance(model, FrozenEstimator):
        model = model.estimator
    return type(model).__name__


def listed(X: Any, columns: list[int]) -> str:
    """Names of columns of a table for a message, the first five of them."""
    names = X.columns if isinstance(X, pd.DataFrame) else [f"x{j}" for j in range(X.shape[1])]
    return ", ".join(repr(names[j]) for j in columns[:5]) + ", ..." * (len(columns) > 5)


def _refuse_duplicates(estimator: Any, X: pd.DataFrame) -> None:
    repeated = X.columns[X.columns.duplicated()].unique()
    if len(repeated):
        names = ", ".join(map(repr, repeated[:5])) + ", ..." * (len(repeated) > 5)
        raise ValueError(
            f"Input X has more than one column named {names}; {type(estimator).__name__} tells "
            "columns apart by their names: rename them, or keep the first of each by "
            "X.loc[:, ~X.columns.duplicated()]."
        )


def _check_labels(estimator: Any, X: pd.DataFrame, *, reset: bool) -> None:
    """As scikit-learn checks names; of labels that are no text it looks at their number only."""
    labels = None if all(isinstance(label, str) for label in X.columns) else X.columns
    if reset:
        estimator._labels_in = labels
        return
    known = getattr(estimator, "_labels_in", None)
    if known is None or labels is None or labels.equals(known):
        return
    ours, theirs = (
        ", ".join(map(str, some[:5])) + ", ..." * (len(some) > 5) for some in (labels, known)
    )
    raise ValueError(
        "The column labels should match those that were passed during fit, in the same order: "
        f"got {ours} where fit had {theirs}."
    )


def _check_frame(estimator: Any, X: pd.DataFrame) -> None:
    for axis, what in enumerate(("sample", "feature")):
        if X.shape[axis] == 0:
            raise ValueError(
                f"Found array with 0 {what}(s) (shape={X.shape}) while a minimum of 1 is required "
                f"by {type(estimator).__name__}."
            )
    complex_columns = [
        j for j, dtype in enumerate(X.dtypes) if isinstance(dtype, np.dtype) and dtype.kind == "c"
    ]
    if complex_columns:
        raise ValueError(f"Complex data not supported: column {listed(X, complex_columns)}.")


def _in_native_order(X: Any) -> Any:
    if isinstance(X, pd.DataFrame):
        swapped = {
            label: dtype.newbyteorder("=")
            for label, dtype in X.dtypes.items()
            if isinstance(dtype, np.dtype) and not dtype.isnative
        }
        return X.astype(swapped) if swapped else X
    return X if X.dtype.isnative else X.astype(X.dtype.newbyteorder("="))


def _refuse_missing(estimator: Any, X: Any) -> None:
    missing = pd.isna(X.data if sparse.issparse(X) else X)
    if not np.asarray(missing).any():
        return
    columns = X.indices[missing] if sparse.issparse(X) else np.asarray(missing).nonzero()[1]
    raise ValueError(
        f"Input X contains NaN in column {listed(X, np.unique(columns).tolist())}; "
        f"{type(estimator).__name__} takes no missing values, impute them first."
    )


def _infinite_columns(X: Any) -> list[int]:
    if sparse.issparse(X):
        if X.dtype.kind != "f":
            return []
        return np.unique(X.indices[np.isinf(X.data)]).tolist()
    if isinstance(X, pd.DataFrame):
        return [j for j in range(X.shape[1]) if _has_infinity(X.iloc[:, j])]
    if X.dtype.kind == "f":
        return np.flatnonzero(np.isinf(X).any(axis=0)).tolist()
    if X.dtype.kind == "O":
        return np.flatnonzero(_IS_INFINITE(X).astype(bool).any(axis=0)).tolist()
    return []


def _has_infinity(column: pd.Series) -> bool:
    if pd.api.types.is_float_dtype(column.dtype):
        return bool(np.isinf(column.to_numpy(dtype=np.float64, na_value=np.nan)).any())
    if column.dtype == object:
        return bool(_IS_INFINITE(column.to_numpy()).any())
    return False


def _is_infinite(cell: Any) -> bool:
    if isinstance(cell, Decimal):
        return cell.is_infinite()
    return isinstance(cell, (float, np.floating)) and bool(np.isinf(cell))


_IS_INFINITE = np.frompyfunc(_is_infinite, 1, 1)
