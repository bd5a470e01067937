"""Rows embedded a chunk at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from sklearn_metaexplain.nets._column_encoder import CellBlocks, ColumnEncoder, TableContext

# Numbers in the largest array of a step: rows are taken in chunks that a processor's cache holds.
_MOST_NUMBERS = 2**20


def in_chunks(
    encoder: ColumnEncoder,
    context: TableContext,
    compute: Callable[[CellBlocks], Any],
    encoded: torch.Tensor,
) -> Any:
    """Compute something of the cells of many rows in bounded memory.

    Parameters
    ----------
    encoder : ColumnEncoder
    context : TableContext
        What it read.
    compute : callable
        Makes a tensor, or a tuple of tensors, of the `CellBlocks` of some rows, the first dimension
        being theirs.
    encoded : tensor of shape (n_rows, m, 2)
        Rows, at least one.

    Returns
    -------
    computed : ndarray of shape (n_rows, ...), or list of ndarray
        A list where `compute` makes tuples.
    """
    n_support, n_classes = context.votes.shape
    n_kernels = encoded.shape[1] * context.points.shape[1]
    a_row = max(n_kernels, n_classes) * max(n_support, n_classes)
    size = max(1, _MOST_NUMBERS // a_row)
    gathered: list[np.ndarray] = []
    with torch.no_grad():
        for start in range(0, len(encoded), size):
            rows = encoded[start : start + size].to(context.points.device)
            result = compute(encoder.embed(context, rows))
            parts = result if isinstance(result, tuple) else (result,)
            found = [part.cpu().numpy() for part in parts]
            # Written into place: small arrays kept one by one would scatter over the memory.
            gathered = gathered or [
                np.empty((len(encoded), *part.shape[1:]), part.dtype) for part in found
            ]
            for whole, part in zip(gathered, found, strict=True):
                whole[start : start + size] = part
    return gathered[0] if len(gathered) == 1 else gathered
