"""Labels of rows, and of what columns hold, as text."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from sklearn_metaexplain.inspection._column_view import MISSING, format_cell

__all__ = ["cell_label", "row_labels"]


def row_labels(index: pd.Index) -> list[str]:
    """Write the labels of rows, those of several levels with commas."""
    if isinstance(index, pd.MultiIndex):
        return [", ".join(cell_label(part) for part in parts) for parts in index]
    return [cell_label(label) for label in index]


def cell_label(cell: Any) -> str:
    """Write a label in full, but for a time of zeros in a date or after whole days."""
    if isinstance(cell, pd.Timestamp):
        return format_cell(cell)  # which leaves out nothing but zeros
    if isinstance(cell, pd.Timedelta):
        return str(cell).removesuffix(" 00:00:00")
    return MISSING if np.ndim(cell) == 0 and pd.isna(cell) else str(cell)
