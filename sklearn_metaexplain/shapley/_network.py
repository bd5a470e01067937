"""Small networks fitted to hybrid rows, a fold left out of each."""

from __future__ import annotations

import math
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch.nn.functional import hardswish

from sklearn_metaexplain.shapley._enumeration import shapley_from_coalitions
from sklearn_metaexplain.shapley._walks import enumerate_networks, walk_networks

_WIDTHS = (32, 32, 32)
_LEARNING_RATE = 0.08
_WEIGHT_DECAY = 0.1
_WARM_UP = 0.1
# Pairs of walks of all networks together, at least, and where time matters less.
_N_PAIRS, _N_PAIRS_THOROUGH = 250, 2000
# Coalitions are enumerated if this takes at most so many times the steps of the walks.
_MOST_ENUMERATED = 3
# Walks start from at most so many background rows, which bounds memory.
_MOST_STARTS = 500
_SEED = 0


class NetworkBag:
    """Fully connected networks, each fitted without one fold.

    The networks of all folds learn side by side, in matrix products of one more dimension. What
    they say of a row is their mean; of a row of a fold, `held_out` has what the network says that
    has not seen it. Shapley values are enumerated where that is cheap, else means over walks from
    background rows, different ones for each network; this asks networks and costs the explained
    model nothing.

    Columns are put in an order that follows from their values, so that the initial weights do not
    depend on the order in which they came.

    Parameters
    ----------
    n_folds : int, default=5
        Folds, hence networks; at least 2.

    References
    ----------
    Loshchilov and Hutter, Decoupled weight decay regularization, 2019 (the optimiser); Howard et
    al., Searching for MobileNetV3, 2019, section 5.2 (hardswish); Mitchell, Cooper, Frank and
    Holmes, Sampling permutations for Shapley value estimation, 2022 (antithetic walks).
    """

    def __init__(self, *, n_folds: int = 5) -> None:
        self.n_folds = n_folds

    def fit(self, encoded: torch.Tensor, outputs: torch.Tensor) -> NetworkBag:
        """Fit the networks.

        Parameters
        ----------
        encoded : tensor of shape (n_rows, n_encoded, 2)
            Encoded rows, in random order: row i is in fold ``i % n_folds``.
        outputs : tensor of shape (n_rows, n_outputs)
            Centred outputs.
        """
        n_rows = len(encoded)
        fold = torch.arange(n_rows) % self.n_folds
        self._order = torch.from_numpy(np.lexsort(encoded[..., 0].numpy()))
        units = encoded[:, self._order].flatten(1)
        self._mean, self._spread = units.mean(0), units.std(0, correction=0).clamp_min(1e-9)
        self._scale = outputs.square().mean(0).sqrt()
        self._scale = torch.where(self._scale > 0, self._scale, 1.0)
        targets = (outputs / self._scale).float()
        parameters = self._train(self._standardise(units).float(), targets, fold)
        self.weights = [part.double() for part in parameters[::2]]  # (n_folds, n_in, n_out) each
        self.biases = [part.double() for part in parameters[1::2]]  # (n_folds, 1, n_out) each
        of_all = self._forward(self._standardise(units))
        self.held_out = of_all[fold, torch.arange(n_rows)] * self._scale
        return self

    def _standardise(self, units: torch.Tensor) -> torch.Tensor:
        return (units - self._mean) / self._spread

    def _train(
        self, units: torch.Tensor, targets: torch.Tensor, fold: torch.Tensor
    ) -> list[torch.Tensor]:
        """Weights and biases of the layers, in turn, after training."""
        generator = torch.Generator().manual_seed(_SEED)
        sizes = [units.shape[1], *_WIDTHS, targets.shape[1]]
        weights, biases = [], []
        for n_in, n_out in pairwise(sizes):
            drawn = torch.randn(self.n_folds, n_in, n_out, generator=generator)
            weights.append((drawn * (2 / n_in) ** 0.5).requires_grad_())
            biases.append(torch.zeros(self.n_folds, 1, n_out, requires_grad=True))
        # As many rows for each network: where fewer are left out, the last is not used.
        most = len(units) - math.ceil(len(units) / self.n_folds)
        seen = torch.stack(
            [torch.nonzero(fold != left_out)[:most, 0] for left_out in range(self.n_folds)]
        )
        batch_size, n_steps = _settings(len(units))
        batch_size = min(batch_size, most)
        groups: list[dict[str, Any]] = [{"params": weights, "weight_decay": _WEIGHT_DECAY}]
        groups.append({"params": biases, "weight_decay": 0.0})
        optimizer = torch.optim.AdamW(groups, lr=_LEARNING_RATE, betas=(0.9, 0.99), fused=True)
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: _learning_rate(step / n_steps)
        )
        # No skorch: around a step of networks this small its loop does more than the step itself.
        with torch.enable_grad():
            for step in range(n_steps):
                at = step % (most // batch_size) * batch_size
                if at == 0:
                    deal = torch.rand(self.n_folds, most, generator=generator).argsort(1)
                    dealt = seen.gather(1, deal)
                batch = dealt[:, at : at + batch_size]
                error = _forward(units[batch], weights, biases) - targets[batch]
                optimizer.zero_grad()
                # The sum over networks: each has a gradient of its own.
                error.square().mean((1, 2)).sum().backward()
                optimizer.step()
                schedule.step()
        trained = [part.detach() for pair in zip(weights, biases, strict=True) for part in pair]
        if all(bool(part.isfinite().all()) for part in trained):
            return trained
        # Whoever stacks them sees that networks that say nothing are worth nothing.
        return [torch.zeros_like(part) for part in trained]

    def _forward(self, units: torch.Tensor) -> torch.Tensor:
        """Standardised outputs of each network: (n_folds, n_rows, n_outputs)."""
        return _forward(units.expand(self.n_folds, -1, -1), self.weights, self.biases)

    def predict(self, encoded: torch.Tensor) -> torch.Tensor:
        """Mean prediction: (n_rows, n_outputs)."""
        units = self._standardise(encoded[:, self._order].flatten(1))
        return self._forward(units).mean(0) * self._scale

    def set_background(
        self, background: torch.Tensor, player_of_column: torch.Tensor, n_players: int
    ) -> NetworkBag:
        """Prepare for explaining.

        Parameters
        ----------
        background : tensor of shape (n_background, n_encoded, 2)
            Encoded background rows.
        player_of_column : tensor of shape (n_encoded,)
            The player of each encoded column.
        n_players : int
            Number of players.
        """
        every = len(background) / min(len(background), _MOST_STARTS)
        background = background[(torch.arange(round(len(background) / every)) * every).long()]
        ordered = player_of_column[self._order]
        self._membership = torch.nn.functional.one_hot(ordered, n_players).double()
        self._background = self._of_players(background)
        # Walks take players in an order that does not depend on that of the columns either.
        self._players = np.array(list(dict.fromkeys(ordered.tolist())), dtype=int)
        return self

    def _of_players(self, encoded: torch.Tensor) -> np.ndarray:
        """What players add to the first layer: (n_rows, n_folds, n_players, width), float32."""
        units = self._standardise(encoded[:, self._order].flatten(1)).unflatten(1, (-1, 2))
        weights = self.weights[0].unflatten(1, (-1, 2))
        added = torch.einsum("rmc,kmcw,mp->rkpw", units, weights, self._membership)
        return added.float().contiguous().numpy()

    def shapley(self, encoded: torch.Tensor, *, thorough: bool = False) -> torch.Tensor:
        """Shapley values of the mean of the networks: (n_rows, n_players, n_outputs).

        Parameters
        ----------
        encoded : tensor of shape (n_rows, n_encoded, 2)
            Explained rows.
        thorough : bool, default=False
            Whether to walk eight times as often, or to enumerate the coalitions of more players.
        """
        n_background, n_folds, n_players, _ = self._background.shape
        networks = (
            torch.stack(self.weights[1:-1]).float().numpy(),
            torch.cat(self.biases[:-1], 1).transpose(0, 1).float().contiguous().numpy(),
            self.weights[-1].float().numpy(),
        )
        rows = self._of_players(encoded)
        n_pairs = _N_PAIRS_THOROUGH if thorough else _N_PAIRS
        steps = 2 * n_pairs * (n_players + 1)
        if n_background * n_folds << n_players <= _MOST_ENUMERATED * steps:
            games = enumerate_networks(rows, self._background, *networks)
            values = shapley_from_coalitions(games).transpose(1, 0, 2)
        else:
            starts, orders = _draw_walks(n_background, n_players, n_folds, n_pairs)
            orders = self._players[orders]
            values = walk_networks(rows, self._background, starts, orders, *networks)
        return torch.from_numpy(np.ascontiguousarray(values)) * self._scale


def _settings(n_rows: int) -> tuple[int, int]:
    """Rows of a batch, and steps."""
    if n_rows < 128:
        return 32, 200
    if n_rows < 1000:
        return 64, 1000
    if n_rows < 6000:
        return 128, 720
    return 256, 2000


def _learning_rate(progress: float) -> float:
    """Share of the learning rate: it rises, then falls like a cosine."""
    if progress < _WARM_UP:
        return max(progress / _WARM_UP, 1e-3)
    return (1 + math.cos(math.pi * (progress - _WARM_UP) / (1 - _WARM_UP))) / 2


def _forward(
    units: torch.Tensor, weights: list[torch.Tensor], biases: list[torch.Tensor]
) -> torch.Tensor:
    for weight, bias in zip(weights[:-1], biases[:-1], strict=True):
        units = hardswish(torch.baddbmm(bias, units, weight))
    return torch.baddbmm(biases[-1], units, weights[-1])


@lru_cache(maxsize=16)
def _draw_walks(
    n_background: int, n_players: int, n_folds: int, n_pairs: int
) -> tuple[np.ndarray, np.ndarray]:
    """Where walks start and how they go on, for each network.

    Every order comes with its reverse. Orders come as Latin squares, in which every player is
    once in every place. Background rows are used equally often, by all networks if they are few.

    Returns
    -------
    starts : ndarray of int of shape (n_folds, n_walks)
    orders : ndarray of int of shape (n_folds, n_walks, n_players)
    """
    rng = np.random.RandomState(_SEED)
    repeats = math.ceil(n_pairs / n_background)
    if repeats >= n_folds:
        repeats = n_folds * math.ceil(repeats / n_folds)
    turn, start = np.divmod(np.arange(repeats * n_background), n_background)
    network = (start + turn) % n_folds
    # Networks take equally many pairs, but for a few that are left over.
    least = np.bincount(network, minlength=n_folds).min()
    pairs = np.stack([np.flatnonzero(network == member)[:least] for member in range(n_folds)])
    first = rng.random_sample((math.ceil(len(start) / n_players), n_players)).argsort(1)
    shifts = (np.arange(n_players)[:, None] + np.arange(n_players)) % n_players
    orders = first[:, shifts].reshape(-1, n_players)[rng.permutation(len(start))[pairs]]
    return np.tile(start[pairs], 2), np.concatenate([orders, orders[..., ::-1]], axis=1)
