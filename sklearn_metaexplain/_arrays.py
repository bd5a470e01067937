"""DataFrames as arrays."""

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype

__all__ = ["as_array"]


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
