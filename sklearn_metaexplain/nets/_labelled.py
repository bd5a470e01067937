"""An episode of classification: labelled rows to read, and rows to label."""

from __future__ import annotations

from typing import NamedTuple

import torch


class LabelledEpisode(NamedTuple):
    """One table, or a part of it, split into support and query."""

    support: torch.Tensor  # (n_support, m, 2), encoded
    labels: torch.Tensor  # (n_support,), long, 0 to n_classes - 1
    query: torch.Tensor  # (n_query, m, 2), encoded
    query_labels: torch.Tensor  # (n_query,), long
    n_classes: int
