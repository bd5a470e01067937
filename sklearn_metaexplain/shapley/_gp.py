"""Gaussian process on hybrid rows, with Shapley values, their covariance and conditioning."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
import torch

from sklearn_metaexplain.shapley._compiled_kernel import CompiledKernel
from sklearn_metaexplain.shapley._fused import (
    product_shapley,
    tile_centers,
    untile_centers,
)
from sklearn_metaexplain.shapley._kernel import KernelParameters
from sklearn_metaexplain.shapley._pivoted_cholesky import pivoted_cholesky

_STD_BACKGROUND = 8
_BACKGROUND_AT_ONCE = 128
_MOST_CACHED = 16_000_000
# What rounding to single precision may add to the values, of the variance that sampling may, and
# change in a standard deviation, which is where a difference cancels.
_ROUNDING_SHARE, _STD_ROUNDING = 1e-3, 0.05
_TRIANGLE_BLOCK = 128
_NOISE_FACTORS = 4.0 ** torch.arange(-4, 4, dtype=torch.float64)


def _spread_order(n: int) -> np.ndarray:
    """Order in which the first of n things, however many, are spread over all.

    It is that of the fractional parts of multiples of the golden ratio.
    """
    return (np.arange(n) * ((1 + 5**0.5) / 2) % 1).argsort()


def _squared_lengths(rows: torch.Tensor, factor: torch.Tensor) -> torch.Tensor:
    """Of rows times a lower triangular factor, block by block without its zeros."""
    # Not by BLAS's own product with a triangle: scipy's holds the interpreter's lock meanwhile.
    flat = rows.flatten(0, -2)
    lengths = flat.new_zeros(len(flat))
    for start in range(0, len(factor), _TRIANGLE_BLOCK):
        columns = factor[start:, start : start + _TRIANGLE_BLOCK]
        lengths += (flat[:, start:] @ columns).square().sum(-1)
    return lengths.view(rows.shape[:-1])


class Reading(NamedTuple):
    """Rows to be explained, related to a process."""

    rows: torch.Tensor  # (n_rows, n_encoded), warped
    cross: torch.Tensor  # (n_rows, n_inducing), kernel with the inducing rows
    effect: torch.Tensor  # (n_rows, n_players, n_inducing), Shapley values of that kernel
    effect_of_few: torch.Tensor  # the same against the few background rows of `shapley_std`


class HybridProcess:
    """Gaussian process posterior over a model's outputs on hybrid rows.

    Inducing rows bound cost and memory (projected process: deterministic training conditional,
    with the full prior variance kept); with every row inducing it is the exact process.

    Parameters
    ----------
    parameters : KernelParameters
        The kernel, float64.
    player_of_column : tensor of shape (n_encoded,)
        The player of each encoded column.
    n_players : int
        Number of players.
    max_inducing : int or None, default=None
        Most inducing rows. None: 512, or 1,024 from 4,096 rows on.

    References
    ----------
    Rasmussen and Williams, Gaussian Processes for Machine Learning, 2006, sections 5.4.2 (leave
    one out) and 8.3.4 (projected process).
    """

    def __init__(
        self,
        parameters: KernelParameters,
        player_of_column: torch.Tensor,
        n_players: int,
        *,
        max_inducing: int | None = None,
    ) -> None:
        self.kernel = CompiledKernel(parameters, player_of_column, n_players)
        self.max_inducing = max_inducing

    def with_lengths(self, factor: float) -> HybridProcess:
        """Make an unfitted process, the kernel's lengths times `factor`."""
        parameters, kernel = self.kernel.parameters, self.kernel
        return HybridProcess(
            parameters._replace(smooth=parameters.smooth * factor, rough=parameters.rough * factor),
            kernel.player_of_column,
            kernel.n_players,
            max_inducing=self.max_inducing,
        )

    def fit(self, encoded: torch.Tensor, outputs: torch.Tensor) -> HybridProcess:
        """Condition on evaluated rows.

        The noise is the multiple of the kernel's own that has the least leave-one-out error, and
        the variance is scaled so that leave-one-out residuals are as large as it says.

        Parameters
        ----------
        encoded : tensor of shape (n_rows, n_encoded, 2)
            Encoded hybrid rows.
        outputs : tensor of shape (n_rows, n_outputs)
            Centred outputs.
        """
        rows = self.kernel.warp(encoded)
        most = self.max_inducing or (512 if len(rows) < 4096 else 1024)
        chosen, features = pivoted_cholesky(self.kernel, rows, most)
        self.inducing = rows[chosen]
        spectrum, vectors = torch.linalg.eigh(features @ features.T)
        spectrum = spectrum.clamp_min(0.0)
        rotated = vectors.T @ features
        target, squares = rotated @ outputs, rotated**2
        best = None
        for factor in _NOISE_FACTORS:
            noise = float(self.kernel.parameters.noise * factor)
            shrink = 1 / (spectrum + noise)
            shrunk = shrink[:, None] * target
            slack = (1 - shrink @ squares).clamp_min(1e-9)[:, None]
            residual = (outputs - rotated.T @ shrunk) / slack
            error = float((residual**2).mean())
            if best is None or error < best[0]:
                best = (error, noise, shrunk, slack, residual)
        assert best is not None
        _, self.noise, shrunk, slack, self.loo_residuals = best
        to_weights = torch.linalg.solve_triangular(features[:, chosen], vectors, upper=True)
        self.alpha = to_weights @ shrunk
        # Prior minus posterior precision in the inducing rows, as a factor, lower triangular:
        # P = factor factor^T.
        root = to_weights * (spectrum / (spectrum + self.noise)).sqrt()
        self.explained_root = torch.linalg.qr(root.T, mode="r").R.T.contiguous()
        expected = self.noise / slack
        self.variance_scale = (self.loo_residuals**2 / expected).mean(0)
        return self

    def set_background(self, background: torch.Tensor) -> HybridProcess:
        """Prepare for explaining against encoded background rows (n_background, n_encoded, 2)."""
        self.n_few = min(_STD_BACKGROUND, len(background))
        # The first of them, however many, are spread over all.
        self.background = self.kernel.warp(background[_spread_order(len(background))])
        self.n_enough, self._dtype = len(background), torch.float64
        self._cached_blocks: dict[tuple[int, torch.dtype], list[np.ndarray]] = {}
        return self

    def set_effort(self, encoded: torch.Tensor, tolerated: torch.Tensor) -> HybridProcess:
        """Let `read` take so many background rows, and digits, as are enough; all before.

        Parameters
        ----------
        encoded : tensor of shape (n_rows, n_encoded, 2)
            Rows like those that will be explained.
        tolerated : tensor of shape (n_outputs,)
            Variance of the values over their mean square that may come from leaving background
            rows out; a thousandth of it may come from rounding, by which no deviation of
            `shapley_std` may change by more than a twentieth.
        """
        reading = self.read(encoded)
        values, of_few = reading.effect @ self.alpha, reading.effect_of_few @ self.alpha
        size = values.square().mean((0, 1)).clamp_min(1e-300)
        self._dtype = torch.float32
        rounded = self.read(encoded)
        share = (values - rounded.effect @ self.alpha).square().mean((0, 1)) / size
        std = self.shapley_std(reading)
        is_close = (self.shapley_std(rounded) - std).abs() <= _STD_ROUNDING * std
        if not bool((share <= _ROUNDING_SHARE * tolerated).all() and is_close.all()):
            self._dtype = torch.float64
        if self.n_few < len(self.background):
            share = (values - of_few).square().mean((0, 1)) / size
            # Variance falls like 1 / n - 1 / N.
            left_out = 1 / self.n_few - 1 / len(self.background)
            needed = 1 / (left_out * tolerated / share.clamp_min(1e-300) + 1 / len(self.background))
            self.n_enough = max(self.n_few, math.ceil(float(needed.max()) - 1e-9))
        self._cached_blocks = {}
        return self

    def __getstate__(self) -> dict[str, Any]:
        # What is quickly computed again is not worth a place in a pickle.
        return {**self.__dict__, "_cached_blocks": {}}

    def predict(self, encoded: torch.Tensor) -> torch.Tensor:
        """Posterior mean of the outputs: (n_rows, n_outputs)."""
        return self.kernel(self.kernel.warp(encoded), self.inducing) @ self.alpha

    def read(self, encoded: torch.Tensor, *, thorough: bool = False) -> Reading:
        """Relate rows to be explained to the inducing rows.

        Parameters
        ----------
        encoded : tensor of shape (n_rows, n_encoded, 2)
            The rows.
        thorough : bool, default=False
            Whether to take all background rows and digits, whatever is enough.
        """
        n_background = len(self.background) if thorough else self.n_enough
        dtype = torch.float64 if thorough else self._dtype
        rows = self.kernel.warp(encoded)
        factors = self.kernel.factors(rows, self.inducing)
        cross = self.kernel.parameters.amplitude * factors.prod(1)
        few, every = self._effects(factors, self._inducing_blocks(n_background, dtype))
        return Reading(
            rows,
            cross + self.kernel.linear(rows, self.inducing),
            every + self.kernel.linear_shapley(rows, self.background, self.inducing),
            few + self.kernel.linear_shapley(rows, self.background[: self.n_few], self.inducing),
        )

    def _inducing_blocks(self, n_background: int, dtype: torch.dtype) -> Iterable[np.ndarray]:
        """`_factor_blocks` at the inducing rows, kept where they are not too large."""
        key = (n_background, dtype)
        if key not in self._cached_blocks:
            blocks = self._factor_blocks(self.inducing, n_background, dtype)
            if n_background * self.kernel.n_players * len(self.inducing) > _MOST_CACHED:
                return blocks
            self._cached_blocks[key] = list(blocks)
        return self._cached_blocks[key]

    def _factor_blocks(
        self,
        centers: torch.Tensor,
        n_background: int | None = None,
        dtype: torch.dtype = torch.float64,
    ) -> Iterator[np.ndarray]:
        """Tiled factors of the background at some centers, so that any background fits in memory.

        The first block holds the few rows of `shapley_std`.
        """
        few, others = self.background[: self.n_few], self.background[self.n_few : n_background]
        for block in (few, *(others.split(_BACKGROUND_AT_ONCE) if len(others) else ())):
            yield tile_centers(self.kernel.factors(block, centers).to(dtype).numpy())

    def _effects(
        self, rows: torch.Tensor, background: Iterable[np.ndarray]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Shapley values of the product part of ``k(., center)``, from factors at the centers.

        By linearity these are, with those of the linear part, the covariances of the prior's
        Shapley values with its values at the centers. Against the first block alone, and against
        all; as precise as the blocks are.
        """
        blocks = iter(background)
        first = next(blocks)
        tiled = tile_centers(rows.numpy()).astype(first.dtype)
        few = product_shapley(tiled, first).astype(np.float64)
        every, n_read = few.copy(), self.n_few
        for block in blocks:
            every += product_shapley(tiled, block)
            n_read += len(block)
        amplitude = float(self.kernel.parameters.amplitude)
        n_centers = rows.shape[2]
        return (
            torch.from_numpy(untile_centers(few, n_centers)) * (amplitude / self.n_few),
            torch.from_numpy(untile_centers(every, n_centers)) * (amplitude / n_read),
        )

    def shapley_std(self, reading: Reading) -> torch.Tensor:
        """Posterior standard deviation of Shapley values: (n_rows, n_players, n_outputs).

        It is that against at most 8 of the background rows, for its cost is quadratic in them.
        """
        prior = self.kernel.shapley_variance(reading.rows, self.background[: self.n_few])
        explained = _squared_lengths(reading.effect_of_few, self.explained_root)
        variance = (prior - explained).clamp_min(0.0)
        return (variance[..., None] * self.variance_scale).sqrt()

    def condition_on_outputs(
        self, reading: Reading, misfit: torch.Tensor, *, thorough: bool = False
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """What each row's own output adds to its Shapley values.

        Parameters
        ----------
        reading : Reading
            Explained rows.
        misfit : tensor of shape (n_rows, n_outputs)
            The rows' outputs minus what was expected.
        thorough : bool, default=False
            As `read` was told.

        Returns
        -------
        update : tensor of shape (n_rows, n_players, n_outputs)
        explained : tensor of shape (n_rows, n_players)
            Variance that the outputs explain, before `variance_scale`.
        """
        # Every row is the only center of its own: a row agrees with itself in every factor.
        ones = reading.rows.new_ones(1, self.kernel.n_players, len(reading.rows))
        n_background = len(self.background) if thorough else self.n_enough
        _, prior = self._effects(ones, self._factor_blocks(reading.rows, n_background))
        prior = prior[0].T
        prior = prior + self.kernel.linear_shapley_of_itself(reading.rows, self.background)
        known = reading.cross @ self.explained_root
        shared = (reading.effect @ (known @ self.explained_root.T)[..., None])[..., 0]
        covariance = prior - shared
        left = self.kernel.diagonal(reading.rows) - known.square().sum(1)
        variance = left.clamp_min(0.0) + self.noise
        update = covariance[..., None] * (misfit / variance[:, None])[:, None]
        return update, covariance.square() / variance[:, None]

    def shapley_at(self, rows: torch.Tensor, centers: torch.Tensor) -> torch.Tensor:
        """Shapley values of ``k(., center)`` at any warped rows: (n_rows, n_players, n_centers)."""
        _, effects = self._effects(self.kernel.factors(rows, centers), self._factor_blocks(centers))
        return effects + self.kernel.linear_shapley(rows, self.background, centers)
