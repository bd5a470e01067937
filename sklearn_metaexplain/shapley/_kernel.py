"""The product kernel over encoded columns and its exact Shapley values."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch


class KernelParameters(NamedTuple):
    """Parameters of a product kernel over ``m`` encoded columns.

    The kernel is ``amplitude * prod_j (1 + weight_j k_j) / (1 + weight_j)``, plus a fixed linear
    kernel so that slopes need no learning. ``k_j`` mixes a Matérn 3/2 kernel of length
    ``smooth_j`` and an exponential kernel of length ``rough_j``, both of the distance between
    ``(1 - warp_j) * standardised + warp_j * rank``.
    """

    smooth: torch.Tensor  # (m,)
    rough: torch.Tensor  # (m,)
    mix: torch.Tensor  # (m,), share of the smooth part
    weight: torch.Tensor  # (m,)
    warp: torch.Tensor  # (m,), in [0, 1]
    amplitude: torch.Tensor  # ()
    noise: torch.Tensor  # (), variance

    def to(self, *args) -> KernelParameters:
        """Move or cast all parameters, as ``torch.Tensor.to`` does."""
        return KernelParameters(*(value.to(*args) for value in self))


N_RAW_COLUMN, N_RAW_TASK = 5, 2
# Raw values of a sensible default kernel: where a search or a network starts.
DEFAULT_RAW_COLUMN = (0.7, 0.0, 1.5, 0.0, -1.0)
DEFAULT_RAW_TASK = (0.0, -3.0)
_VARIANCE_NODES = 3
# Prior variance of the linear part of a standardised output, shared among the columns.
_LINEAR_VARIANCE = 1.0
_NUMBERS_AT_ONCE = 100_000


def parameters_from_raw(columns: torch.Tensor, task: torch.Tensor) -> KernelParameters:
    """Map unconstrained numbers, ``columns`` (m, 5) and ``task`` (2,), to a valid kernel."""
    return KernelParameters(
        smooth=columns[:, 0].clamp(-3, 4).exp(),
        rough=columns[:, 1].clamp(-3, 4).exp(),
        mix=torch.sigmoid(columns[:, 2]),
        weight=columns[:, 3].clamp(-6, 5).exp(),
        warp=torch.sigmoid(columns[:, 4]),
        amplitude=task[0].clamp(-3, 4).exp(),
        noise=task[1].clamp(-9, 1).exp() + 1e-4,
    )


def default_parameters(n_encoded: int, dtype: torch.dtype = torch.float64) -> KernelParameters:
    """Return the fixed default kernel over `n_encoded` columns."""
    columns = torch.tensor(DEFAULT_RAW_COLUMN, dtype=dtype).expand(n_encoded, N_RAW_COLUMN)
    return parameters_from_raw(columns, torch.tensor(DEFAULT_RAW_TASK, dtype=dtype))


class ProductKernel:
    """A product kernel whose factors belong to players.

    Parameters
    ----------
    parameters : KernelParameters
        The kernel.
    player_of_column : tensor of shape (n_encoded,)
        The player that each encoded column moves with; players are 0..n_players-1.
    n_players : int
        Number of players.
    """

    def __init__(
        self, parameters: KernelParameters, player_of_column: torch.Tensor, n_players: int
    ) -> None:
        self.parameters = parameters
        self.n_players = n_players
        n_encoded = len(player_of_column)
        self._slope_variance = _LINEAR_VARIANCE / n_encoded
        self._one_to_one = n_encoded == n_players and bool(
            (player_of_column == torch.arange(n_players, device=player_of_column.device)).all()
        )
        self._membership = torch.nn.functional.one_hot(player_of_column, n_players).to(
            parameters.weight.dtype
        )

    def warp(self, encoded: torch.Tensor) -> torch.Tensor:
        """Blend standardised values and ranks: (..., m, 2) to (..., m)."""
        return torch.lerp(encoded[..., 0], encoded[..., 1], self.parameters.warp)

    def factors(self, left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
        """Return every player's factor, (n_left, n_players, n_right), of warped rows."""
        tensors = (left, right, *self.parameters)
        if torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors):
            return self._factors(left, right)
        # A few rows at a time keep the many steps of a factor in cache.
        out = left.new_empty(len(left), self.n_players, len(right))
        n_right = max(1, _NUMBERS_AT_ONCE // max(1, right.shape[1]))
        n_left = max(1, n_right // max(1, len(right)))
        for columns, centers in zip(out.split(n_right, 2), right.split(n_right), strict=True):
            for part, piece in zip(columns.split(n_left), left.split(n_left), strict=True):
                part.copy_(self._factors(piece, centers))
        return out

    def _factors(self, left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
        p = KernelParameters(*(value[..., None] for value in self.parameters))
        distance = (left[:, :, None] - right.T).abs()
        scaled = distance * (3**0.5 / p.smooth)
        smooth = torch.exp(-scaled) * (1 + scaled)
        similarity = torch.lerp(torch.exp(-distance / p.rough), smooth, p.mix)
        factor = (1 + p.weight * similarity) / (1 + p.weight)
        if self._one_to_one:
            return factor
        # Columns of one player multiply; factors are positive, so logs are safe.
        return (self._membership.T @ factor.log()).exp()

    def linear(self, left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
        """Return the linear part of the kernel matrix of warped rows."""
        return self._slope_variance * (left @ right.T)

    def __call__(self, left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
        """Return the kernel matrix of warped rows."""
        product = self.parameters.amplitude * self.factors(left, right).prod(1)
        return product + self.linear(left, right)

    def diagonal(self, rows: torch.Tensor) -> torch.Tensor:
        """Return the kernel of each warped row with itself."""
        return self.parameters.amplitude + self._slope_variance * rows.square().sum(-1)

    def linear_shapley(
        self, rows: torch.Tensor, background: torch.Tensor, centers: torch.Tensor
    ) -> torch.Tensor:
        """Shapley values of the linear part of ``k(., center)``: (n_rows, n_players, n_centers)."""
        moved = self._slope_variance * (rows - background.mean(0))
        values = moved[:, :, None] * centers.T
        # A product with the identity would be quadratic in columns.
        return values if self._one_to_one else self._membership.T @ values

    def linear_shapley_of_itself(
        self, rows: torch.Tensor, background: torch.Tensor
    ) -> torch.Tensor:
        """The same with every row its own center: (n_rows, n_players)."""
        return (self._slope_variance * (rows - background.mean(0)) * rows) @ self._membership

    def shapley(
        self,
        rows: torch.Tensor,
        background: torch.Tensor,
        centers: torch.Tensor,
        max_nodes: int | None = None,
    ) -> torch.Tensor:
        r"""Shapley values of the functions ``k(., center)``: (n_rows, n_players, n_centers).

        With :math:`u_j = k_j(x_j, z_j)` and :math:`v_j = k_j(b_j, z_j)` the value of player j is
        the mean over the background of
        :math:`\int_0^1 (u_j - v_j) \prod_{k \ne j} (t u_k + (1 - t) v_k) dt`, a polynomial
        integrated exactly by ``ceil(d / 2)`` Gauss-Legendre nodes, or closely by `max_nodes`.
        Differentiable; `product_shapley` is its compiled counterpart, which takes as many nodes
        as the factors need.
        """
        u = self.factors(rows, centers)
        v = self.factors(background, centers)
        nodes, weights = gauss_legendre(self.n_players, max_nodes)
        values = torch.zeros_like(u)
        for t, weight in zip(nodes, weights, strict=True):
            # One background row at a time keeps the working set in cache.
            for v_row in v:
                mixed = torch.lerp(v_row, u, float(t))
                values = values + weight * (u - v_row) * (mixed.prod(1, keepdim=True) / mixed)
        product = self.parameters.amplitude / len(v) * values
        return product + self.linear_shapley(rows, background, centers)

    def shapley_variance(self, rows: torch.Tensor, background: torch.Tensor) -> torch.Tensor:
        r"""Prior variance of the Shapley values of a function drawn from the process.

        The covariance of two Shapley values is the Shapley operator applied to both arguments
        of the kernel: a double integral, over t and t', of products over columns. Quadrature
        is exact up to 6 players and close beyond.

        Parameters
        ----------
        rows, background : tensor of shape (n, n_encoded)
            Warped rows. Cost is quadratic in background rows.

        Returns
        -------
        tensor of shape (n_rows, n_players)
        """
        to_row = self.factors(rows, background)
        among = self.factors(background, background).transpose(0, 1)
        left, right = to_row[:, :, :, None], to_row[:, :, None]
        difference = 1 - left - right + among
        nodes, weights = gauss_legendre(self.n_players, _VARIANCE_NODES)
        variance = rows.new_zeros(len(rows), self.n_players)
        for t, w in zip(nodes, weights, strict=True):
            for s, v in zip(nodes, weights, strict=True):
                mixed = t * s + (1 - t) * s * left + t * (1 - s) * right + (1 - t) * (1 - s) * among
                others = mixed.prod(1, keepdim=True) / mixed
                variance += w * v * (difference * others).mean((2, 3))
        linear = self._slope_variance * (rows - background.mean(0)).square() @ self._membership
        return self.parameters.amplitude * variance + linear


def gauss_legendre(n_players: int, max_nodes: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights on [0, 1] exact for polynomials of degree ``n_players - 1``."""
    n_nodes = max(1, (n_players + 1) // 2)
    nodes, weights = np.polynomial.legendre.leggauss(min(n_nodes, max_nodes or n_nodes))
    return (nodes + 1) / 2, weights / 2
