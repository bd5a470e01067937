"""Rows that place categories by their outputs and are themselves what is learned from."""

from __future__ import annotations

import numpy as np

from sklearn_metaexplain._categories import forget_categories, single_categories
from sklearn_metaexplain._encoder import TableEncoder


class OwnRows:
    """Rows of a table by whose outputs its categories are placed, and which are then learned from.

    Placed by its own output, a row tells that output and no other. A category of a single row
    therefore counts as one not seen, so that identifiers tell nothing, and rows of a column of
    many categories are encoded out of fold.

    Parameters
    ----------
    encoder : TableEncoder
        Fitted to the table, without further axes.
    coded : list of ndarray
        The rows, as its `code` gives them.

    Attributes
    ----------
    coded : list of ndarray
        The rows without categories of a single one.
    """

    def __init__(self, encoder: TableEncoder, coded: list[np.ndarray]) -> None:
        self._encoder = encoder
        self._single = [single_categories(codes) for codes in coded]
        self.coded = forget_categories(coded, self._single)

    def place(self, outputs: np.ndarray) -> np.ndarray:
        """Place categories by outputs of the rows, (n_rows, n_outputs), and encode the rows.

        Returns
        -------
        encoded : ndarray of shape (n_rows, n_encoded, 2)
            As those of `TableEncoder.encode_out_of_fold`.
        """
        self._encoder.place_categories(self.coded, outputs)
        return self._encoder.encode_out_of_fold(self.coded, outputs)

    def encode(self, coded: list[np.ndarray]) -> np.ndarray:
        """Encode other coded rows, (n, n_encoded, 2), once categories have places."""
        return self._encoder.encode(forget_categories(coded, self._single))
