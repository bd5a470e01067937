"""Tables of the kind, and with the types, that another table has."""

from typing import Any, cast

import numpy as np
import pandas as pd
from scipy import sparse

from sklearn_metaexplain._arrays import as_array

__all__ = ["match_container", "union_of_categories"]


def match_container(X: Any, like: Any) -> Any:
    """Make a table the kind of table (DataFrame, CSR, ndarray) that another is.

    Parameters
    ----------
    X : DataFrame, CSR or ndarray of shape (n_samples, n_features)
        The table.
    like : DataFrame, CSR or ndarray of shape (n_rows, n_features)
        Gives the kind and, for DataFrames, the column labels.

    Returns
    -------
    X : DataFrame, CSR or ndarray of shape (n_samples, n_features)
        The table itself where it is of that kind already, but for columns of a DataFrame, or an
        array of objects, that are of another type than in `like` and lose nothing by getting it: a
        model may read cells by their type. Categories that `like` does not have follow its own.
    """
    if isinstance(like, pd.DataFrame):
        if isinstance(X, pd.DataFrame):
            return _type_like(X, like)
        dense = X.toarray() if sparse.issparse(X) else X
        return _type_like(pd.DataFrame(dense, columns=like.columns).infer_objects(), like)
    if isinstance(X, pd.DataFrame):
        X = as_array(X)
    if X.dtype == object and like.dtype.kind in "biuf":
        X = _as_numbers(X, like.dtype)
    if sparse.issparse(like):
        return X if sparse.issparse(X) else type(like)(X)
    return X.toarray() if sparse.issparse(X) else X


def _as_numbers(cells: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Make numbers of objects, as of columns of truth values and numbers, that are all numbers."""
    for wanted in (dtype, np.dtype(np.float64)):
        try:
            numbers = cells.astype(wanted)
        except (TypeError, ValueError, OverflowError):
            continue
        # As Python's own, for numpy rounds these to what it compares them with.
        same = numbers.astype(object) == cells
        if (same | (pd.isna(cells) & np.isnan(numbers))).all():
            return numbers
    return cells


def _type_like(X: pd.DataFrame, like: pd.DataFrame) -> pd.DataFrame:
    typed = None
    for j, (ours, theirs) in enumerate(zip(X.dtypes, like.dtypes, strict=True)):
        column = None if _are_same(ours, theirs) else _lossless(X.iloc[:, j], theirs)
        if column is not None:
            typed = X.copy(deep=False) if typed is None else typed
            # A Series, of which pandas infers no other type.
            typed.isetitem(j, cast(Any, column))
    return X if typed is None else typed


def _are_same(ours: Any, theirs: Any) -> bool:
    if isinstance(ours, pd.CategoricalDtype) and isinstance(theirs, pd.CategoricalDtype):
        # pandas takes types for equal whose categories are in another order.
        return ours.ordered == theirs.ordered and ours.categories.equals(theirs.categories)
    return bool(ours == theirs)


def _lossless(column: pd.Series, dtype: Any) -> pd.Series | None:
    """Convert a column; None where its cells would not be what they are."""
    is_missing = column.isna()
    families = {_family(column.dtype), _family(dtype)} - {None}
    if len(families) > 1 and not is_missing.all():
        return None
    try:
        if isinstance(dtype, pd.CategoricalDtype):
            dtype = union_of_categories(dtype, column)
        if is_missing.all():
            # pandas reads what is all missing as numbers.
            cannot = isinstance(dtype, np.dtype) and dtype.kind in "biu"
            return None if cannot else column.astype(dtype)
        if isinstance(dtype, pd.CategoricalDtype) and isinstance(column.dtype, type(dtype)):
            return column.cat.set_categories(dtype.categories, ordered=dtype.ordered)
        converted = column.astype(dtype)
        same = (converted.astype(column.dtype) == column) | is_missing
    except (TypeError, ValueError, OverflowError):
        return None
    kept = bool(same.all()) and bool((converted.isna() == is_missing).all())
    return converted if kept else None


def _family(dtype: Any) -> str | None:
    """What a type's cells are; None where they may be anything."""
    if isinstance(dtype, pd.CategoricalDtype) or pd.api.types.is_object_dtype(dtype):
        return None
    if pd.api.types.is_numeric_dtype(dtype):
        return "number"
    return "text" if isinstance(dtype, pd.StringDtype) else str(getattr(dtype, "kind", dtype))


def union_of_categories(first: pd.CategoricalDtype, column: pd.Series) -> pd.CategoricalDtype:
    """Categories of a type, and after them those that a column has besides.

    Parameters
    ----------
    first : CategoricalDtype
        The type.
    column : Series
        Of categories or of other values.
    """
    if isinstance(column.dtype, pd.CategoricalDtype):
        values = column.dtype.categories
    else:
        values = pd.Index(column.dropna().unique())
    new = values[~values.isin(first.categories)]
    categories = first.categories.append(new) if len(new) else first.categories
    return pd.CategoricalDtype(categories, ordered=first.ordered)
