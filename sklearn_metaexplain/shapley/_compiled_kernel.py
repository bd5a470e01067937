"""The product kernel without gradients, compiled: its many steps stay in cache."""

from __future__ import annotations

import numpy as np
import torch

from sklearn_metaexplain.shapley._compile import compiled
from sklearn_metaexplain.shapley._kernel import KernelParameters, ProductKernel

# exp(x) = 2^k exp(r) with k = round(x / log 2); log 2 in two parts, so that r is exact.
_PER_LOG_2 = 1.4426950408889634
_LOG_2, _LOG_2_REST = 0.6931471803691238, 1.9082149292705877e-10
# Added and taken away again, it rounds to a whole number.
_ROUNDS = 6755399441055744.0
_LEAST = -700.0
_EXPONENT_BIAS, _MANTISSA_BITS = 1023, 52


class CompiledKernel(ProductKernel):
    """The same numbers as of a `ProductKernel`, which has gradients, sooner.

    Parameters
    ----------
    parameters, player_of_column, n_players
        As of `ProductKernel`; on the CPU.
    """

    def __init__(
        self, parameters: KernelParameters, player_of_column: torch.Tensor, n_players: int
    ) -> None:
        super().__init__(parameters, player_of_column, n_players)
        self.player_of_column = player_of_column

    def factors(self, left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
        """Return every player's factor, (n_left, n_players, n_right), of warped rows."""
        return self._multiplied(left, right, self.player_of_column.numpy(), self.n_players)

    def __call__(self, left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
        """Return the kernel matrix of warped rows."""
        # As if one player had all columns.
        product = self._multiplied(left, right, np.zeros_like(self.player_of_column), 1)[:, 0]
        return self.parameters.amplitude * product + self.linear(left, right)

    def _multiplied(
        self, left: torch.Tensor, right: torch.Tensor, players: np.ndarray, n_players: int
    ) -> torch.Tensor:
        p = self.parameters
        out = torch.empty(len(left), n_players, len(right), dtype=left.dtype)
        _multiply_factors(
            left.numpy(),
            np.ascontiguousarray(right.numpy().T),
            players,
            p.smooth.numpy(),
            p.rough.numpy(),
            p.mix.numpy(),
            p.weight.numpy(),
            out.numpy(),
        )
        return out


@compiled(error_model="numpy", fastmath={"contract"})
def _multiply_factors(left, right, players, smooth, rough, mix, weight, out):
    """Multiply the factors of each player's columns, as `ProductKernel` defines them.

    Loops over elements become vector instructions. Sums are not put in another order: that would
    undo the rounding of the exponential.

    Parameters
    ----------
    left : ndarray of shape (n_left, m)
        Warped rows.
    right : ndarray of shape (m, n_right)
        Others, column by column.
    players : ndarray of int of shape (m,)
        The player of each column.
    smooth, rough, mix, weight : ndarray of shape (m,)
        Parameters of the columns' factors.
    out : ndarray of shape (n_left, n_players, n_right)
        Where the factors are written.
    """
    n_right = right.shape[1]
    distance, scaled = np.empty(n_right), np.empty(n_right)
    decay, similar = np.empty(n_right), np.empty(n_right)
    bits = np.empty(n_right, np.int64)
    power = bits.view(np.float64)
    for i in range(left.shape[0]):
        out[i] = 1.0
        for j in range(left.shape[1]):
            here, there, row = left[i, j], right[j], out[i, players[j]]
            per_smooth, per_rough = np.sqrt(3.0) / smooth[j], 1.0 / rough[j]
            share = weight[j] / (1.0 + weight[j])
            rest, smooth_share, rough_share = 1.0 - share, share * mix[j], share * (1.0 - mix[j])
            for k in range(n_right):
                distance[k] = abs(here - there[k])
                scaled[k] = per_smooth * distance[k]
            _exponential(scaled, decay, bits)
            for k in range(n_right):
                similar[k] = rest + smooth_share * (1.0 + scaled[k]) * decay[k] * power[k]
                scaled[k] = per_rough * distance[k]
            _exponential(scaled, decay, bits)
            for k in range(n_right):
                row[k] *= similar[k] + rough_share * decay[k] * power[k]


@compiled(error_model="numpy", fastmath={"contract"})
def _exponential(negative, mantissa, bits):
    """exp(-x) of x >= 0 as a number near 1 times a power of 2, given by its bits.

    References
    ----------
    Cody and Waite, Software manual for the elementary functions, 1980, chapter 6 (reduction of the
    argument).
    """
    for k in range(len(negative)):
        x = max(-negative[k], _LEAST)
        whole = (x * _PER_LOG_2 + _ROUNDS) - _ROUNDS
        r = (x - whole * _LOG_2) - whole * _LOG_2_REST
        # Taylor's series; its rest is below rounding for |r| <= log(2) / 2.
        series = 1.0 / 479001600.0
        series = series * r + 1.0 / 39916800.0
        series = series * r + 1.0 / 3628800.0
        series = series * r + 1.0 / 362880.0
        series = series * r + 1.0 / 40320.0
        series = series * r + 1.0 / 5040.0
        series = series * r + 1.0 / 720.0
        series = series * r + 1.0 / 120.0
        series = series * r + 1.0 / 24.0
        series = series * r + 1.0 / 6.0
        series = series * r + 0.5
        series = series * r + 1.0
        mantissa[k] = series * r + 1.0
        bits[k] = np.int64(whole) + _EXPONENT_BIAS
    for k in range(len(negative)):
        bits[k] = bits[k] << _MANTISSA_BITS
