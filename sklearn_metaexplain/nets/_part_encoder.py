"""A labelled table in parts, of which some must not know the labels of others."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from sklearn_metaexplain.nets._labelled_table import LabelledEncoder


class PartEncoder:
    """Encode rows of a training table as if others had no labels.

    The table as `LabelledEncoder` encodes it has its categories placed by all labels, so that a
    row that is held out would be found by its own.

    Parameters
    ----------
    encoder : LabelledEncoder
        Fitted to the table.
    table : DataFrame or ndarray of shape (n_samples, n_features)
        The table.
    labels : ndarray of int of shape (n_samples,)
        Its classes.
    n_classes : int
        Number of classes.
    """

    def __init__(
        self, encoder: LabelledEncoder, table: Any, labels: np.ndarray, n_classes: int
    ) -> None:
        self._encoder, self._labels, self._n_classes = encoder, labels, n_classes
        self._coded = encoder.code(table)
        self._has_categories = any(column.dtype.kind != "f" for column in self._coded)

    @property
    def n_encoded(self) -> int:
        """Columns of an encoded row."""
        return self._encoder.encoded_.shape[1]

    def encode(self, rows: np.ndarray, placing: np.ndarray) -> torch.Tensor:
        """Encode some rows, (n_rows, n_encoded, 2), by the labels of some.

        Parameters
        ----------
        rows : ndarray of int
            Positions of the rows.
        placing : ndarray of int
            Positions of those that place categories, in order.
        """
        if not self._has_categories:
            return self._encoder.encoded_[rows]
        return self._encoder.encode_by(self._coded, rows, placing, self._labels, self._n_classes)
