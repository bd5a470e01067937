"""DataFrames as arrays, and what their cells are."""

from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype

__all__ = [
    "array_of_rows",
    "as_array",
    "as_objects",
    "kind_of_missing",
    "rounding_of",
    "type_of_cell",
    "unit_of",
]

# By so many units in the last place of the largest number do equal numbers differ by rounding.
_ROUNDED = 8


# A model may tell them apart, as encoders of categories do; all else that is missing is NaN.
_KINDS_OF_MISSING = {type(None): 1, type(pd.NA): 2, type(pd.NaT): 3}


def kind_of_missing(cell: Any) -> int:
    """Number what a missing cell is: 0 for NaN, others for None, NaT and pd.NA."""
    return _KINDS_OF_MISSING.get(type(cell), 0)


def type_of_cell(cell: Any) -> type:
    """Type of a cell that is an object, Python's own where it is numpy's.

    Cells may be equal and yet not the same to a model: 1, 1.0 and True are three texts.
    """
    return type(cell.item()) if isinstance(cell, np.generic) else type(cell)


def rounding_of(numbers: np.ndarray) -> float:
    """By how much equal numbers of such size, none of them missing, may differ by rounding."""
    return _ROUNDED * float(np.spacing(np.abs(numbers).max()))


def unit_of(*numbers: np.ndarray) -> float:
    """A power of two near the largest of some numbers, whose squares there are in this unit."""
    largest = max(float(np.abs(part).max(initial=0.0)) for part in numbers)
    return float(np.ldexp(1.0, np.frexp(largest)[1] - 1)) if 0 < largest < np.inf else 1.0


def array_of_rows(rows: Any) -> np.ndarray:
    """Make an array of array-like rows; of lists that hold text and numbers, one of objects."""
    array = np.asarray(rows)
    if array.dtype.kind in "US" and not hasattr(rows, "dtype"):
        # numpy has made text of the numbers.
        return np.array(rows, dtype=object)
    return array


def as_objects(array: np.ndarray) -> np.ndarray:
    """An array's cells as objects, shape (n_samples, n_features), dates and durations as such."""
    if array.dtype.kind in "mM" and np.datetime_data(array.dtype)[0] == "ns":
        # Of nanoseconds numpy makes whole numbers where it makes dates of all coarser units.
        return pd.DataFrame(array).to_numpy(dtype=object)
    return array.astype(object)


def as_array(frame: pd.DataFrame) -> np.ndarray:
    """A DataFrame's cells, shape (n_samples, n_features); what is missing in numbers is NaN.

    numpy has no missing value of pandas' own, which would make objects of nullable numbers.
    """
    columns = []
    for _, column in frame.items():
        dtype = column.dtype
        if isinstance(dtype, pd.api.extensions.ExtensionDtype) and is_numeric_dtype(dtype):
            if column.isna().any():
                column = pd.Series(column.to_numpy(dtype=np.float64, na_value=np.nan))
            else:
                column = pd.Series(column.to_numpy())
        columns.append(column.reset_index(drop=True))
    return pd.concat(columns, axis=1).to_numpy()
