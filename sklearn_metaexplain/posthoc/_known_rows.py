"""Rows that surrogates were fitted to."""

from __future__ import annotations

import torch

# Outputs of equal rows differ by no more, standardised.
_ROUNDED = 1e-3


class KnownRows:
    """What surrogates missed of rows before they had seen them.

    Parameters
    ----------
    encoded : tensor of shape (n_known, m, 2)
        Encoded rows that surrogates were fitted to.
    outputs : tensor of shape (n_known, n_outputs)
        Their outputs, standardised.
    residuals : tensor of shape (n_known, n_outputs)
        Their residuals, held out.
    """

    def __init__(
        self, encoded: torch.Tensor, outputs: torch.Tensor, residuals: torch.Tensor
    ) -> None:
        self._positions = {key: position for position, key in enumerate(_keys(encoded))}
        self._outputs = outputs
        self._residuals = residuals

    def unseen(
        self, encoded: torch.Tensor, outputs: torch.Tensor, missing: torch.Tensor
    ) -> torch.Tensor:
        """What surrogates miss, or would if they had not seen the rows: (n_rows, n_outputs).

        Parameters
        ----------
        encoded : tensor of shape (n_rows, m, 2)
            Encoded rows, known or not.
        outputs : tensor of shape (n_rows, n_outputs)
            Their outputs. Rows with others than the known ones are not these, for what is encoded
            is not all of a row: dummies are left out, and extreme values are alike.
        missing : tensor of shape (n_rows, n_outputs)
            What they miss.
        """
        positions = [self._positions.get(key, -1) for key in _keys(encoded)]
        known = missing.new_tensor(positions, dtype=torch.long)
        same = ((outputs - self._outputs[known]).abs() <= _ROUNDED).all(1) & (known >= 0)
        return torch.where(same[:, None], self._residuals[known], missing)


def _keys(encoded: torch.Tensor) -> list[bytes]:
    # Zeros of either sign are equal, and so are numbers that differ by rounding.
    rows = encoded.flatten(1).float() + 0.0
    return [row.tobytes() for row in rows.numpy()]
