"""Gaussian process on hybrid rows, with Shapley values, their covariance and conditioning."""

from __future__ import annotations

import torch

from sklearn_metaexplain.shapley._fused import mean_product_shapley
from sklearn_metaexplain.shapley._kernel import KernelParameters, ProductKernel, gauss_legendre

_NOISE_FACTORS = 4.0 ** torch.arange(-4, 4, dtype=torch.float64)


def pivoted_cholesky(
    kernel: ProductKernel, rows: torch.Tensor, max_rank: int, tolerance: float = 1e-8
) -> tuple[torch.Tensor, torch.Tensor]:
    """Factor a kernel matrix by rows chosen greedily for the variance they leave unexplained.

    It stops at `max_rank` rows or where the largest pivot falls below ``tolerance * amplitude``,
    as where rows are duplicated.

    Parameters
    ----------
    kernel : ProductKernel
        The kernel.
    rows : tensor of shape (n_rows, n_encoded)
        Warped rows.
    max_rank : int
        Most rows to choose.
    tolerance : float, default=1e-8
        Relative size of the least pivot.

    Returns
    -------
    chosen : tensor of shape (rank,)
        Positions in `rows`.
    factor : tensor of shape (rank, n_rows)
        ``factor.T @ factor`` is the projection of the kernel matrix on the chosen rows, and
        ``factor[:, chosen].T`` the Cholesky factor of their own.

    References
    ----------
    Harbrecht, Peters and Schneider, On the low-rank approximation by the pivoted Cholesky
    decomposition, 2012, algorithm 1.
    """
    amplitude = float(kernel.parameters.amplitude)
    residual = rows.new_full((len(rows),), amplitude)
    factor = rows.new_zeros((min(max_rank, len(rows)), len(rows)))
    chosen: list[int] = []
    for step in range(len(factor)):
        pivot = int(residual.argmax())
        height = float(residual[pivot])
        if height <= tolerance * amplitude:
            break
        row = kernel(rows[pivot : pivot + 1], rows)[0]
        row -= factor[:step, pivot] @ factor[:step]
        row[chosen] = 0.0
        factor[step] = row / height**0.5
        residual = (residual - factor[step].square()).clamp_min(0.0)
        residual[pivot] = 0.0
        chosen.append(pivot)
    return torch.tensor(chosen, dtype=torch.long), factor[: len(chosen)]


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
    max_inducing : int, default=512
        Most inducing rows.

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
        max_inducing: int = 512,
    ) -> None:
        self.kernel = ProductKernel(parameters, player_of_column, n_players)
        self.max_inducing = max_inducing

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
        chosen, features = pivoted_cholesky(self.kernel, rows, self.max_inducing)
        self.inducing = rows[chosen]
        spectrum, vectors = torch.linalg.eigh(features @ features.T)
        spectrum = spectrum.clamp_min(0.0)
        rotated = vectors.T @ features
        target = rotated @ outputs
        best = None
        for factor in _NOISE_FACTORS:
            noise = float(self.kernel.parameters.noise * factor)
            shrunk = target / (spectrum + noise)[:, None]
            slack = 1 - (rotated**2 / (spectrum + noise)[:, None]).sum(0)
            slack = slack.clamp_min(1e-9)[:, None]
            residual = (outputs - rotated.T @ shrunk) / slack
            error = float((residual**2).mean())
            if best is None or error < best[0]:
                best = (error, noise, shrunk, slack, residual)
        assert best is not None
        _, self.noise, shrunk, slack, self.loo_residuals = best
        to_weights = torch.linalg.solve_triangular(features[:, chosen], vectors, upper=True)
        self.alpha = to_weights @ shrunk
        # Prior minus posterior precision in the inducing rows, as a factor: P = factor factor^T.
        self._explained = to_weights * (spectrum / (spectrum + self.noise)).sqrt()
        expected = self.noise / slack
        self.variance_scale = (self.loo_residuals**2 / expected).mean(0)
        return self

    def predict(self, encoded: torch.Tensor) -> torch.Tensor:
        """Posterior mean of the outputs: (n_rows, n_outputs)."""
        return self.kernel(self.kernel.warp(encoded), self.inducing) @ self.alpha

    def effects(
        self, rows: torch.Tensor, background: torch.Tensor, centers: torch.Tensor
    ) -> torch.Tensor:
        """Shapley values of ``k(., center)``: (n_rows, n_players, n_centers); warped rows.

        By linearity these are the covariances of the prior's Shapley values with its values at
        the centers.
        """
        nodes, weights = gauss_legendre(self.kernel.n_players)
        of_rows, of_background = (
            self.kernel.factors(part, centers).transpose(1, 2).contiguous().numpy()
            for part in (rows, background)
        )
        values = torch.from_numpy(mean_product_shapley(of_rows, of_background, nodes, weights))
        return self.kernel.parameters.amplitude * values

    def shapley_std(self, encoded: torch.Tensor, background: torch.Tensor) -> torch.Tensor:
        """Posterior standard deviation of Shapley values: (n_rows, n_players, n_outputs).

        Parameters
        ----------
        encoded : tensor of shape (n_rows, n_encoded, 2)
            Explained rows.
        background : tensor of shape (n_background, n_encoded, 2)
            Background rows; cost is quadratic in their number, so a few serve.
        """
        rows, background = self.kernel.warp(encoded), self.kernel.warp(background)
        prior = self.kernel.shapley_variance(rows, background)
        effect = self.effects(rows, background, self.inducing)
        variance = (prior - (effect @ self._explained).square().sum(-1)).clamp_min(0.0)
        return (variance[..., None] * self.variance_scale).sqrt()

    def condition_on_outputs(
        self,
        encoded: torch.Tensor,
        background: torch.Tensor,
        effect: torch.Tensor,
        misfit: torch.Tensor,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """What each row's own output adds to its Shapley values; `condition` with one hybrid.

        Parameters
        ----------
        encoded, background : tensor of shape (n, n_encoded, 2)
            Explained rows and background rows.
        effect : tensor of shape (n_rows, n_players, n_inducing)
            `effects` of the rows at the inducing rows.
        misfit : tensor of shape (n_rows, n_outputs)
            The rows' outputs minus what was expected.

        Returns
        -------
        update : tensor of shape (n_rows, n_players, n_outputs)
        explained : tensor of shape (n_rows, n_players)
            Variance that the outputs explain, before `variance_scale`.
        """
        rows, background = self.kernel.warp(encoded), self.kernel.warp(background)
        nodes, weights = gauss_legendre(self.kernel.n_players)
        # Every row is the only center of its own: a row agrees with itself in every factor.
        of_background = self.kernel.factors(background, rows).transpose(1, 2).contiguous()
        of_row = torch.ones_like(of_background[:1])
        prior = mean_product_shapley(of_row.numpy(), of_background.numpy(), nodes, weights)[0].T
        known = self.kernel(rows, self.inducing) @ self._explained
        amplitude = self.kernel.parameters.amplitude
        covariance = amplitude * torch.from_numpy(prior) - torch.einsum(
            "ijr,ir->ij", effect @ self._explained, known
        )
        variance = (amplitude - known.square().sum(1)).clamp_min(0.0) + self.noise
        update = covariance[..., None] * (misfit / variance[:, None])[:, None]
        return update, covariance.square() / variance[:, None]

    def condition(
        self,
        row: torch.Tensor,
        background: torch.Tensor,
        effect: torch.Tensor,
        own: torch.Tensor,
        misfit: torch.Tensor,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        r"""What a row's own evaluations add to its Shapley values.

        .. math:: C(\phi, o) (C(o, o) + s^2 I)^{-1} (y_o - f_o)

        with C the posterior covariance.

        Parameters
        ----------
        row : tensor of shape (n_encoded, 2)
            The explained row.
        background : tensor of shape (n_background, n_encoded, 2)
            Background rows.
        effect : tensor of shape (n_players, n_inducing)
            `effects` of the row at the inducing rows.
        own : tensor of shape (n_own, n_encoded, 2)
            Hybrids of the row that were evaluated.
        misfit : tensor of shape (n_own, n_outputs)
            Their outputs minus what was expected.

        Returns
        -------
        update : tensor of shape (n_players, n_outputs)
        explained : tensor of shape (n_players,)
            Variance that the evaluations explain, before `variance_scale`.
        """
        row, background, own = (self.kernel.warp(part) for part in (row[None], background, own))
        known = self._explained.T @ self.kernel(self.inducing, own)
        covariance = self.effects(row, background, own)[0] - effect @ self._explained @ known
        gram = self.kernel(own, own) - known.T @ known
        gram.diagonal().add_(self.noise)
        lower = torch.linalg.cholesky(gram)
        update = covariance @ torch.cholesky_solve(misfit, lower)
        half = torch.linalg.solve_triangular(lower, covariance.T, upper=False)
        return update, half.square().sum(0)
