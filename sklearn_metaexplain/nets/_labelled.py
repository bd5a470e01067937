"""An episode of classification: labelled rows to read, and rows to label."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch

from sklearn_metaexplain._rows import take_rows


class RawRows(NamedTuple):
    """Rows of an episode as they were before they were encoded, by number."""

    support: Any  # DataFrame or ndarray
    query: Any

    @classmethod
    def of(cls, table: Any, support: np.ndarray, query: np.ndarray) -> RawRows:
        """Take rows of a table; what they are called there tells nothing."""
        taken = (take_rows(table, rows) for rows in (support, query))
        return cls(*(_unnamed(rows) for rows in taken))


def _unnamed(rows: Any) -> Any:
    return rows.reset_index(drop=True) if isinstance(rows, pd.DataFrame) else rows


class LabelledEpisode(NamedTuple):
    """One table, or a part of it, split into support and query."""

    support: torch.Tensor  # (n_support, m, 2), encoded
    labels: torch.Tensor  # (n_support,), long, 0 to n_classes - 1
    query: torch.Tensor  # (n_query, m, 2), encoded
    query_labels: torch.Tensor  # (n_query,), long
    n_classes: int
    # For a part of the episode to be encoded by itself: encoded rows know the labels of others.
    # None where labels had no part in it.
    raw: RawRows | None = None
