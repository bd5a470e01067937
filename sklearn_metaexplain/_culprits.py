"""What a model's error is about, in the columns of the user's table."""

import re
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype
from scipy import sparse

from sklearn_metaexplain._rows import listed_rows
from sklearn_metaexplain._validation import listed, name_of

__all__ = ["name_culprit"]


def name_culprit(
    error: Exception, X: Any, model: Any, y: Any = None, *, like: Any = None
) -> Exception:
    """Make of "could not convert string to float: 'a'" an error that names the column.

    So do missing values, unknown categories, numbers for text and mixtures of text and other cells
    that the model, or a step of it, refuses, and missing labels. Where columns are picked by name
    from a table without names the error says what to pass.

    Parameters
    ----------
    error : Exception
        What the model raised.
    X : DataFrame, CSR or ndarray
        The table it was asked with.
    model : estimator
        The model.
    y : array-like, default=None
        The targets it was fitted with.
    like : DataFrame, default=None
        Rows of the table that it was fitted with.

    Returns
    -------
    error : Exception
        One that names the column, or the error itself.
    """
    if not isinstance(error, (TypeError, ValueError)):
        return error
    name = name_of(model)
    said = _missing_target(str(error), y, name) or _no_names(str(error), X, name)
    if said is None and not sparse.issparse(X):
        frame = X if isinstance(X, pd.DataFrame) else pd.DataFrame(X)
        for explain in (_no_number, _missing_value, _unknown_category, _several_kinds):
            said = said or explain(str(error), frame, X, name)
        if said is None and isinstance(like, pd.DataFrame):
            said = _numbers_for_text(str(error), frame, X, name, like)
    if said is None:
        return error
    # scikit-learn's checks want to see their TypeError and what it says.
    kind = TypeError if isinstance(error, TypeError) else ValueError
    return kind(f"{said} ({error})")


# What scikit-learn says of labels among which NaN, None or pandas' NA is.
_MISSING_TARGET = (
    r"Input (y )?contains (NaN|missing values)|not supported between instances of|"
    "boolean value of NA is ambiguous"
)


def _missing_target(error: str, y: Any, name: str) -> str | None:
    if y is None or sparse.issparse(y) or not re.search(_MISSING_TARGET, error):
        return None
    rows = np.flatnonzero(pd.DataFrame(y).isna().any(axis=1))
    if not len(rows):
        return None
    return (
        f"{name} refuses missing targets, which are in {listed_rows(rows)} of y; leave rows "
        "without a target out of X and y."
    )


def _no_names(error: str, X: Any, name: str) -> str | None:
    if isinstance(X, pd.DataFrame) or "columns using strings" not in error:
        return None
    return (
        f"{name} picks columns by their names, and X reaches it as an array, as a DataFrame of "
        "another library than pandas does; pass a pandas DataFrame, which these have by "
        "to_pandas()."
    )


# What numpy says of cells that are neither numbers nor text.
_SIGNS_OF_NO_NUMBER = (
    "float() argument must be",
    "setting an array element with a sequence",
    "could not be promoted",
    "not compatible with arrays of bytes/strings",
)
_CONVERTIBLE = (int, float, np.number, np.bool_, type(None))


def _no_number(error: str, frame: pd.DataFrame, X: Any, name: str) -> str | None:
    found = re.search(r"could not convert string to float: (?:np\.str_\()?'(.*?)'", error)
    if found is None and not any(sign in error for sign in _SIGNS_OF_NO_NUMBER):
        return None
    kind = re.search(r"float\(\) argument must be .*, not '(\w+)'", error)
    for j in range(frame.shape[1]):
        column = frame.iloc[:, j]
        if is_numeric_dtype(column.dtype):
            continue
        if found is not None:
            culprits = column[(column.astype(object) == found[1]).to_numpy(dtype=bool)]
        elif kind is not None:
            culprits = column[[type(cell).__name__ == kind[1] for cell in column]]
        else:
            culprits = column[[not _is_convertible(cell) for cell in column]]
        if len(culprits):
            return (
                f"{name} cannot convert {culprits.iloc[0]!r} in column {listed(X, [j])} to a "
                "number; correct the value, or put a Pipeline that encodes the column around the "
                "model."
            )
    return None


def _missing_value(error: str, frame: pd.DataFrame, X: Any, name: str) -> str | None:
    # Not "Input y contains NaN".
    if not re.search(r"Input (X )?contains (NaN|missing values)", error):
        return None
    columns = np.flatnonzero(frame.isna().any().to_numpy()).tolist()
    if not columns:
        return None
    # A step of a Pipeline may have dealt with some of them.
    return (
        f"{name} refuses missing values, which are in column {listed(X, columns)}; drop the rows, "
        "or put a Pipeline that imputes them around the model."
    )


def _unknown_category(error: str, frame: pd.DataFrame, X: Any, name: str) -> str | None:
    found = re.search(r"Found unknown categories \[(.*)\] in column", error)
    if found is None:
        return None
    columns, unknown = [], None
    for j in range(frame.shape[1]):
        try:
            cells = frame.iloc[:, j].unique()
        except TypeError:  # cells that have no hash are no categories
            continue
        for cell in cells:
            if cell is pd.NA and is_numeric_dtype(frame.dtypes.iloc[j]):
                cell = np.nan  # which is how scikit-learn reads it
            plain = cell.item() if isinstance(cell, np.generic) else cell
            if repr(plain) in found[1] and re.search(
                rf"(?:^|, |\(){re.escape(repr(plain))}\)?(?:, |$)", found[1]
            ):
                columns.append(j)
                unknown = plain
                break
    if not columns:
        return None
    return (
        f"{name} was not fitted with {unknown!r}, which is in column {listed(X, columns)}; correct "
        'the value, or set handle_unknown="ignore" in the encoder of the column.'
    )


def _numbers_for_text(
    error: str, frame: pd.DataFrame, X: Any, name: str, like: pd.DataFrame
) -> str | None:
    # What an encoder of text says of them.
    if "ufunc 'isnan' not supported" not in error or frame.shape[1] != like.shape[1]:
        return None
    kinds = zip(frame.dtypes, like.dtypes, strict=True)
    columns = [
        j
        for j, (now, before) in enumerate(kinds)
        if is_numeric_dtype(now) and not is_numeric_dtype(before)
    ]
    if not columns:
        return None
    return (
        f"{name} was fitted with text or categories in column {listed(X, columns)}, which holds "
        "numbers now; correct the values, or the column's type."
    )


def _several_kinds(error: str, frame: pd.DataFrame, X: Any, name: str) -> str | None:
    found = re.search(r"uniformly strings or numbers. Got \[(.*)\]", error)
    if found is None:
        return None
    kinds = set(re.findall(r"\w+", found[1]))
    # The error does not say which of them an encoder reads.
    columns = [
        j
        for j in range(frame.shape[1])
        if {type(cell).__name__ for cell in frame.iloc[:, j]} == kinds
    ]
    if not columns:
        return None
    if kinds == {"NAType", "str"}:
        remedy = "write None for pandas' NA, by column.astype(object).where(column.notna(), None)"
    elif frame.iloc[:, columns].isna().any(axis=None):
        remedy = (
            "make text of all of them but those that are missing, by "
            "column.astype(str).where(column.notna(), None)"
        )
    else:
        remedy = "make text of all of them, by column.astype(str)"
    return (
        f"{name} cannot sort the categories in column {listed(X, columns)}, which are of the kinds "
        f"{', '.join(sorted(kinds))}; {remedy}."
    )


def _is_convertible(cell: Any) -> bool:
    if isinstance(cell, (str, bytes)):
        try:
            float(cell)
        except ValueError:
            return False
        return True
    return isinstance(cell, _CONVERTIBLE)
