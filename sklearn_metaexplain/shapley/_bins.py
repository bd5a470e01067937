"""Columns cut into bins, whose numbers are what trees read."""

from __future__ import annotations

import numpy as np
import torch


def bin_edges(columns: torch.Tensor, n_bins: int) -> torch.Tensor:
    """Thresholds between values, padded by infinity: (n_columns, n_bins - 1)."""
    edges = torch.full((columns.shape[1], n_bins - 1), torch.inf, dtype=torch.float64)
    for j, column in enumerate(columns.double().T):
        values = column.unique()
        if len(values) > n_bins:
            levels = torch.linspace(0, 1, n_bins + 1, dtype=torch.float64)[1:-1]
            cuts = torch.quantile(column, levels).unique()
        else:
            cuts = (values[1:] + values[:-1]) / 2
        edges[j, : len(cuts)] = cuts
    return edges


def code(columns: torch.Tensor, edges: torch.Tensor) -> np.ndarray:
    """Number of thresholds that each cell reaches: ndarray of int16, (n_rows, n_columns)."""
    values = columns.double().T.contiguous()
    return torch.searchsorted(edges, values, right=True).T.contiguous().numpy().astype(np.int16)
