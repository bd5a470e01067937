"""Shapley values of small networks: enumerated, or means over as many walks as it takes."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import torch

from sklearn_metaexplain.shapley._enumeration import shapley_from_coalitions
from sklearn_metaexplain.shapley._network import NetworkBag
from sklearn_metaexplain.shapley._walks import enumerate_networks, walk_networks

# Most pairs of walks of all networks together, and where time matters less.
_MOST_PAIRS, _MOST_PAIRS_THOROUGH = 1000, 4000
_THOROUGHNESS = 8
# Coalitions are enumerated if this takes at most so many steps, or so many times those of walks.
_FEW_STEPS, _MOST_ENUMERATED = 4000, 1.25
# Walks start from at most so many background rows, which bounds memory.
_MOST_STARTS = 500
# From so few every network takes as many walks from each, whatever that costs.
_FEW_STARTS = 50


class NetworkShapley:
    """Shapley values of the mean of a bag's networks.

    They are enumerated where that is cheap, else means over walks from background rows,
    different ones for each network; this asks networks and costs the explained model nothing.

    Parameters
    ----------
    bag : NetworkBag
        Fitted networks.
    background : tensor of shape (n_background, n_encoded, 2)
        Encoded background rows.
    player_of_column : tensor of shape (n_encoded,)
        The player of each encoded column.
    n_players : int
        Number of players; those without a column have no part in the values.

    Attributes
    ----------
    n_pairs : int
        Pairs of walks for each explained row, about. 0: the values are not needed, and 0.

    References
    ----------
    Mitchell, Cooper, Frank and Holmes, Sampling permutations for Shapley value estimation, 2022
    (antithetic walks).
    """

    def __init__(
        self,
        bag: NetworkBag,
        background: torch.Tensor,
        player_of_column: torch.Tensor,
        n_players: int,
    ) -> None:
        self.bag = bag
        self.n_players = n_players
        self.n_pairs = _MOST_PAIRS
        every = len(background) / min(len(background), _MOST_STARTS)
        background = background[(torch.arange(round(len(background) / every)) * every).long()]
        ordered = player_of_column[bag.order]
        self._membership = torch.nn.functional.one_hot(ordered, n_players).double()
        self._background = self._of_players(background)
        # Walks take players in an order that does not depend on that of the columns either.
        self._players = np.array(list(dict.fromkeys([*ordered.tolist(), *range(n_players)])))
        self._networks = (
            torch.stack(bag.weights[1:-1]).float().numpy(),
            torch.cat(bag.biases[:-1], 1).transpose(0, 1).float().contiguous().numpy(),
            bag.weights[-1].float().numpy(),
            bag.biases[-1][:, 0].float().numpy(),
            bag.is_bounded,
        )

    def _of_players(self, encoded: torch.Tensor) -> np.ndarray:
        """What players add to the first layer: (n_rows, n_folds, n_players, width), float32."""
        units = self.bag.standardise(encoded[:, self.bag.order].flatten(1)).unflatten(1, (-1, 2))
        weights = self.bag.weights[0].unflatten(1, (-1, 2))
        added = torch.einsum("rmc,kmcw,mp->rkpw", units, weights, self._membership)
        return added.float().contiguous().numpy()

    def set_effort(self, encoded: torch.Tensor, tolerated: torch.Tensor) -> NetworkShapley:
        """Walk as often as it takes, at most 1,000 pairs a row.

        The variance of walks is estimated from two independent sets of them.

        Parameters
        ----------
        encoded : tensor of shape (n_rows, n_encoded, 2)
            Rows like those that will be explained.
        tolerated : tensor of shape (n_outputs,)
            Variance of the values over their mean square that may come from sampling. Infinite:
            the values of that output are not needed.
        """
        self.n_pairs = 0
        if bool(tolerated.isinf().all()):
            return self
        rows = self._of_players(encoded)
        (first, n_pairs), (second, _) = (self._walk(rows, 1, seed) for seed in (1, 2))
        # Of one pair of walks, as if each told as much as the next.
        variance = np.square(first - second).mean((0, 1)) / 2 * n_pairs
        size = np.square((first + second) / 2).mean((0, 1))
        # No share of nothing is infinite: rows may all be the background's.
        of_needed = ~tolerated.isinf().numpy()
        allowed = tolerated.numpy()[of_needed] * size[of_needed]
        needed = variance[of_needed] / np.maximum(allowed, 1e-300)
        self.n_pairs = int(np.clip(needed.max(), 1, _MOST_PAIRS))
        return self

    def __call__(self, encoded: torch.Tensor, *, thorough: bool = False) -> torch.Tensor:
        """Shapley values of the mean of the networks: (n_rows, n_players, n_outputs).

        Parameters
        ----------
        encoded : tensor of shape (n_rows, n_encoded, 2)
            Explained rows.
        thorough : bool, default=False
            Whether to walk eight times as often, or to enumerate the coalitions of more players.
        """
        n_outputs = len(self.bag.scale)
        if self.n_pairs == 0:
            return encoded.new_zeros(len(encoded), self.n_players, n_outputs)
        rows = self._of_players(encoded)
        n_background, n_folds, _, _ = self._background.shape
        n_pairs = self.n_pairs
        if thorough:
            n_pairs = min(_THOROUGHNESS * n_pairs, _MOST_PAIRS_THOROUGH)
        most = max(_FEW_STEPS, _MOST_ENUMERATED * 2 * n_pairs * (self.n_players + 1))
        # One network for each background row is enough where all would take too long, if each has
        # its turn.
        for n_asked in (n_folds, 1) if n_background >= 2 * n_folds else (n_folds,):
            if n_asked * n_background << self.n_players <= most:
                games = enumerate_networks(rows, self._background, n_asked, *self._networks)
                values = shapley_from_coalitions(games).transpose(1, 0, 2)
                break
        else:
            values, _ = self._walk(rows, n_pairs / n_background, seed=0)
        return torch.from_numpy(np.ascontiguousarray(values)) * self.bag.scale

    def _walk(self, rows: np.ndarray, n_turns: float, seed: int) -> tuple[np.ndarray, int]:
        """Mean of walks in units of the networks, and of how many pairs.

        About `n_turns` pairs start from each background row.
        """
        n_background, n_folds, _, _ = self._background.shape
        starts, orders = _draw_walks(n_background, self.n_players, n_folds, n_turns, seed)
        orders = self._players[orders]
        values = walk_networks(rows, self._background, starts, orders, *self._networks)
        return values, starts.size // 2


@lru_cache(maxsize=16)
def _draw_walks(
    n_background: int, n_players: int, n_folds: int, n_turns: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Where walks start and how they go on, for each network.

    Every order comes with its reverse. Orders come as Latin squares, in which every player is
    once in every place. Background rows are used equally often, by all networks where there are
    turns enough.

    Returns
    -------
    starts : ndarray of int of shape (n_folds, n_walks)
    orders : ndarray of int of shape (n_folds, n_walks, n_players)
    """
    rng = np.random.RandomState(seed)
    turns = max(1, round(n_turns))
    # If networks do not divide the background rows evenly, each turn gives some rows a network more
    # than others.
    each_network_has_as_many = n_background % n_folds == 0
    if turns >= n_folds or (n_background <= _FEW_STARTS and not each_network_has_as_many):
        # The nearest number for which networks start from each row equally often.
        turns = n_folds * max(1, round(n_turns / n_folds))
    turn, start = np.divmod(np.arange(turns * n_background), n_background)
    network = (start + turn + seed) % n_folds
    # Networks take equally many pairs: of many, the first of a network come again.
    most = np.bincount(network, minlength=n_folds).max()
    pairs = np.stack(
        [np.resize(np.flatnonzero(network == member), most) for member in range(n_folds)]
    )
    first = rng.random_sample((math.ceil(len(start) / n_players), n_players)).argsort(1)
    shifts = (np.arange(n_players)[:, None] + np.arange(n_players)) % n_players
    orders = first[:, shifts].reshape(-1, n_players)[rng.permutation(len(start))[pairs]]
    return np.tile(start[pairs], 2), np.concatenate([orders, orders[..., ::-1]], axis=1)
