"""Which hybrids of a row tell most about its Shapley values, and what they tell."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch

from sklearn_metaexplain.shapley._gp import HybridProcess, Reading
from sklearn_metaexplain.shapley._hybrids import hybrid_products
from sklearn_metaexplain.shapley._kernel import ProductKernel

_JITTER = 1e-8
# Scores so close count as equal, and the first is taken: rounding must not choose.
_TIE = 1e-6
# Below this share of the prior's variance nothing is left to learn.
_NOTHING_LEFT = 1e-14


class Pool(NamedTuple):
    """Hybrids that may be asked about, the same for every row."""

    coalitions: np.ndarray  # (n, n_players), bool, True where the row gives the columns
    inside: torch.Tensor  # (n, n_encoded), the same for encoded columns
    backgrounds: np.ndarray  # (n,), positions in `background`
    background: torch.Tensor  # (n_used, n_encoded), warped, each used at least once
    at_inducing: np.ndarray  # (n_used, n_players, n_inducing), their factors


def make_pool(
    process: HybridProcess,
    background: torch.Tensor,
    player_of_column: torch.Tensor,
    coalitions: np.ndarray,
    backgrounds: np.ndarray,
) -> Pool:
    """Relate candidates to a process.

    Parameters
    ----------
    process : HybridProcess
        Fitted.
    background : tensor of shape (n_background, n_encoded, 2)
        Encoded background rows.
    player_of_column : tensor of shape (n_encoded,)
        The player of each encoded column.
    coalitions : ndarray of bool of shape (n, n_players)
        Players that the explained row gives.
    backgrounds : ndarray of int of shape (n,)
        Background rows that give the others.
    """
    used, positions = np.unique(backgrounds, return_inverse=True)
    rows = process.kernel.warp(background[used])
    factors = process.kernel.factors(rows, process.inducing).numpy()
    inside = torch.from_numpy(coalitions)[:, player_of_column]
    return Pool(coalitions, inside, positions, rows, factors)


class RowPosterior:
    """The process given what is known of one row: its output, then hybrids of it, one by one.

    Parameters
    ----------
    process : HybridProcess
        With its background.
    reading : Reading
        Explained rows.
    i : int
        Which of them.

    Attributes
    ----------
    lower : ndarray of shape (n, n)
        Cholesky factor of the covariance of what is known, noise included; the first is the row.
    gains : ndarray of shape (n_players, n)
        What a unit of each whitened misfit adds to the Shapley values.
    """

    def __init__(self, process: HybridProcess, reading: Reading, i: int) -> None:
        self.process = process
        self.row = reading.rows[i : i + 1]
        self.seen = self.row
        self._effect = (reading.effect[i] @ process.explained_root).numpy()
        self._known = (reading.cross[i : i + 1] @ process.explained_root).numpy().T
        kernel = process.kernel
        prior = float(kernel.diagonal(self.row)[0])
        self.noise = process.noise + _JITTER * prior
        self._least = _NOTHING_LEFT * prior
        variance = max(prior - float(np.square(self._known).sum()), 0.0) + self.noise
        covariance = process.shapley_at(self.row, self.row)[0].numpy() - self._effect @ self._known
        self.lower = np.array([[variance**0.5]])
        self.gains = covariance / variance**0.5

    @property
    def explained(self) -> np.ndarray:
        """Variance of each Shapley value that is explained, before `variance_scale`."""
        return np.square(self.gains).sum(1)

    @property
    def n_asked(self) -> int:
        """Hybrids chosen so far."""
        return len(self.lower) - 1

    @property
    def deviations(self) -> np.ndarray:
        """How far each hybrid is expected to be off, given those before it: (n_asked,).

        That is before `variance_scale`, and noise included.
        """
        return self.lower.diagonal()[1:]

    def choose(
        self,
        pool: Pool,
        usable: np.ndarray,
        most: int,
        enough: Callable[[np.ndarray, np.ndarray], bool] | None = None,
    ) -> np.ndarray:
        r"""Choose hybrids one by one, each for the variance it takes off the Shapley values.

        That is, with C the covariance given all that was chosen before, the hybrid o with the
        largest :math:`\sum_j C(\phi_j, o)^2 / (C(o, o) + s^2)`. No output is needed to choose.

        Parameters
        ----------
        pool : Pool
            Candidates.
        usable : ndarray of bool of shape (n,)
            Which of them there are for this row.
        most : int
            How many to choose at most.
        enough : callable, default=None
            Given `explained` and `deviations`, whether to stop.

        Returns
        -------
        chosen : ndarray of int
            Positions in the pool, in the order in which they were chosen.

        References
        ----------
        Krause, Singh and Guestrin, Near-optimal sensor placements in Gaussian processes, 2008
        (greedy choice); the quantity is the A-optimal one, for Shapley values.
        """
        kernel = self.process.kernel
        hybrids = torch.where(pool.inside, self.row, pool.background[pool.backgrounds])
        own = _Candidates(kernel, self.row, pool, hybrids)
        at_inducing = own.covariances(self.process.inducing, pool.at_inducing)
        known = self.process.explained_root.numpy().T @ at_inducing.T
        earlier = own.covariances(self.seen).T - self._known.T @ known
        n_earlier = len(earlier)
        # Whitened covariances of the candidates with all that is chosen, row by row.
        whitened = np.zeros((n_earlier + most, len(hybrids)))
        whitened[:n_earlier] = torch.linalg.solve_triangular(
            torch.from_numpy(self.lower), torch.from_numpy(earlier), upper=False
        ).numpy()
        covariance = self.process.shapley_at(self.row, hybrids)[0].numpy() - self._effect @ known
        covariance -= self.gains @ whitened[:n_earlier]
        among = own.covariances(hybrids) - known.T @ known
        left = among.diagonal() - np.square(whitened[:n_earlier]).sum(0)
        usable = usable.copy()
        chosen: list[int] = []
        gains = [self.gains]
        explained, deviations = self.explained, self.deviations
        for n in range(n_earlier, n_earlier + most):
            if enough is not None and enough(explained, deviations):
                break
            worth = np.square(covariance).sum(0) / (np.maximum(left, 0.0) + self.noise)
            worth[~usable] = 0.0
            best = worth.max(initial=0.0)
            if best <= self._least:
                break
            pick = int(np.argmax(worth >= best * (1 - _TIE)))
            deviation = (max(left[pick], 0.0) + self.noise) ** 0.5
            row = (among[pick] - whitened[:n, pick] @ whitened[:n]) / deviation
            row[pick] = deviation
            gain = covariance[:, pick] / deviation
            covariance -= gain[:, None] * row
            left -= np.square(row)
            whitened[n] = row
            usable[pick] = False
            chosen.append(pick)
            gains.append(gain[:, None])
            explained = explained + np.square(gain)
            deviations = np.append(deviations, deviation)
        positions = np.array(chosen, dtype=int)
        self._append(whitened[: n_earlier + len(chosen), positions], hybrids[positions])
        self._known = np.concatenate([self._known, known[:, positions]], 1)
        self.gains = np.concatenate(gains, 1)
        return positions

    def _append(self, columns: np.ndarray, hybrids: torch.Tensor) -> None:
        """Extend the factor by the whitened covariances of what was chosen."""
        n = len(self.lower)
        lower = np.zeros((n + columns.shape[1],) * 2)
        lower[:n, :n] = self.lower
        lower[n:] = columns.T
        # What was chosen later has a covariance with it, but is not part of its row.
        self.lower = np.tril(lower)
        self.seen = torch.cat([self.seen, hybrids])

    def update(self, misfit: torch.Tensor, *, first: int = 0) -> torch.Tensor:
        """What the misfits add to the Shapley values.

        Parameters
        ----------
        misfit : tensor of shape (n, n_outputs)
            Outputs of the row and of its hybrids, in the order chosen, minus what was expected.
        first : int, default=0
            The first of them that counts: what it and those after it add to what those before it
            do.

        Returns
        -------
        tensor of shape (n_players, n_outputs)
        """
        return torch.from_numpy(self.gains[:, first:]) @ self._whiten(misfit)[first:]

    def innovations(self, misfit: torch.Tensor) -> torch.Tensor:
        """How far off each hybrid was, given the row and the hybrids before it.

        Parameters
        ----------
        misfit : tensor of shape (n, n_outputs)
            As of `update`.

        Returns
        -------
        tensor of shape (n_asked, n_outputs)
        """
        return (self._whiten(misfit) * torch.from_numpy(self.lower).diagonal()[:, None])[1:]

    def left(self, misfit: torch.Tensor) -> torch.Tensor:
        """How far off the outputs still are once all are known, taken for noise.

        Parameters
        ----------
        misfit : tensor of shape (n, n_outputs)
            As of `update`.

        Returns
        -------
        tensor of shape (n, n_outputs)
        """
        upper = torch.from_numpy(self.lower).T
        return self.noise * torch.linalg.solve_triangular(upper, self._whiten(misfit), upper=True)

    def _whiten(self, misfit: torch.Tensor) -> torch.Tensor:
        return torch.linalg.solve_triangular(torch.from_numpy(self.lower), misfit, upper=False)


class _Candidates:
    """Prior covariances of the hybrids of a pool."""

    def __init__(
        self, kernel: ProductKernel, row: torch.Tensor, pool: Pool, hybrids: torch.Tensor
    ) -> None:
        self.kernel, self.row, self.pool, self.hybrids = kernel, row, pool, hybrids
        self.amplitude = float(kernel.parameters.amplitude)

    def covariances(
        self, centers: torch.Tensor, of_background: np.ndarray | None = None
    ) -> np.ndarray:
        """Return those with some centers, (n, n_centers); factors of the background if known."""
        pool, kernel = self.pool, self.kernel
        of_row = kernel.factors(self.row, centers).numpy()
        if of_background is None:
            of_background = kernel.factors(pool.background, centers).numpy()
        only = np.zeros(len(pool.backgrounds), dtype=int)
        products = hybrid_products(of_row, of_background, only, pool.backgrounds, pool.coalitions)
        return self.amplitude * products + kernel.linear(self.hybrids, centers).numpy()
