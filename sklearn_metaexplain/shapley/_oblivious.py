"""Boosted oblivious trees whose interventional Shapley values are look-up tables."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from joblib import Parallel, delayed

from sklearn_metaexplain.shapley._boosting import boost
from sklearn_metaexplain.shapley._look_up import expected_leaves, find_leaves, look_up
from sklearn_metaexplain.shapley._weights import shapley_matrix

_TREES_AT_ONCE = 128
_ROWS_AT_ONCE = 512


class ObliviousBoosting:
    """Gradient boosting of oblivious trees for several targets at once.

    All nodes of a level of an oblivious tree share one split, so a tree of depth D is D bits and
    2**D leaf values. A column may split several levels of a tree. Columns are dealt with in an
    order that follows from their values, so that draws do not depend on the order in which they
    came.

    Parameters
    ----------
    depth : int, default=5
        Levels of a tree.
    n_trees : int, default=300
        Boosting rounds.
    learning_rate : float, default=0.1
        Shrinkage of each tree.
    n_bins : int, default=64
        Most bins of a column; thresholds lie between training values.
    l2 : float, default=1.0
        Ridge penalty of the leaf values.
    column_share : float, default=1.0
        Share of the columns, rounded up, that a level of a tree may split; drawn anew for each
        level, and otherwise for each target.

    References
    ----------
    Ho, The random subspace method for constructing decision forests, 1998 (`column_share`);
    Prokhorenkova et al., CatBoost: unbiased boosting with categorical features, 2018, section 5
    (oblivious trees).
    """

    def __init__(
        self,
        *,
        depth: int = 5,
        n_trees: int = 300,
        learning_rate: float = 0.1,
        n_bins: int = 64,
        l2: float = 1.0,
        column_share: float = 1.0,
    ) -> None:
        self.depth = depth
        self.n_trees = n_trees
        self.learning_rate = learning_rate
        self.n_bins = n_bins
        self.l2 = l2
        self.column_share = column_share

    def fit(
        self,
        columns: torch.Tensor,
        targets: torch.Tensor,
        kept: torch.Tensor,
        *,
        n_jobs: int | None = None,
    ) -> ObliviousBoosting:
        """Boost every target.

        Parameters
        ----------
        columns : tensor of shape (n_rows, n_columns)
            Shared by the targets.
        targets : tensor of shape (n_targets, n_rows)
            What to fit.
        kept : tensor of bool of shape (n_targets, n_rows)
            Rows that count: folds leave others out.
        n_jobs : int or None, default=None
            Threads, a target each.
        """
        self.edges = _bin_edges(columns, self.n_bins)
        order = np.lexsort(columns.numpy())
        # A threshold above the last used bin splits nothing.
        n_thresholds = torch.isfinite(self.edges).sum(1).numpy()[order]
        # What is not finite would have a code beyond the last bin, and its sums no place.
        codes = np.minimum(self._code(columns)[:, order], n_thresholds.astype(np.int16))
        codes = np.ascontiguousarray(codes)
        self.offset = (targets * kept).sum(1) / kept.sum(1).clamp_min(1)
        grown = Parallel(n_jobs=n_jobs, require="sharedmem")(
            delayed(boost)(
                codes,
                n_thresholds,
                target.to(torch.float32).contiguous().numpy(),
                rows.numpy(),
                np.float32(offset),
                self.depth,
                self.n_trees,
                np.float32(self.learning_rate),
                np.float32(self.l2),
                self.column_share,
                np.random.default_rng(k),
            )
            for k, (target, rows, offset) in enumerate(zip(targets, kept, self.offset, strict=True))
        )
        parts = [torch.from_numpy(np.stack(part)) for part in zip(*grown, strict=True)]
        # (n_targets, n_trees, depth) each
        self.columns, self.thresholds = torch.from_numpy(order)[parts[0]], parts[1]
        self.leaf_values = parts[2].double()  # (n_targets, n_trees, 2**depth)
        self.fitted = parts[3].double()
        return self

    def leaves(self, columns: torch.Tensor) -> torch.Tensor:
        """Leaf of every row in every tree: (n_targets, n_trees, n_rows)."""
        codes = self._code(columns)
        leaves = [
            find_leaves(codes, split.numpy(), threshold.numpy())
            for split, threshold in zip(self.columns, self.thresholds, strict=True)
        ]
        return torch.from_numpy(np.stack(leaves))

    def _code(self, columns: torch.Tensor) -> np.ndarray:
        return _bin(columns, self.edges).numpy().astype(np.int16)

    def predict(self, columns: torch.Tensor) -> torch.Tensor:
        """Predictions: (n_targets, n_rows)."""
        return self.offset[:, None] + self.leaf_values.gather(2, self.leaves(columns)).sum(1)

    def tabulate(
        self, background: torch.Tensor, player_of_column: torch.Tensor, n_players: int
    ) -> ObliviousBoosting:
        """Tabulate each tree's exact Shapley values by the leaf of the explained row.

        A hybrid that takes the columns of levels S from row x and the others from background
        row b falls in leaf ``(bits_x & S) | (bits_b & ~S)``. Levels of one player move
        together, so only unions of players count.

        Parameters
        ----------
        background : tensor of shape (n_background, n_columns)
            Background rows.
        player_of_column : tensor of shape (n_columns,)
            The player of each column.
        n_players : int
            Number of players.
        """
        self.n_players = n_players
        n_targets, n_trees, depth = self.columns.shape
        n_leaves = 1 << depth
        share = torch.zeros(n_targets, n_trees, n_leaves, dtype=torch.float64)
        for block in background.split(_ROWS_AT_ONCE):
            leaf = self.leaves(block)
            share.scatter_add_(
                2, leaf, torch.full(leaf.shape, 1 / len(background), dtype=torch.float64)
            )
        share, values = share.flatten(0, 1), self.leaf_values.flatten(0, 1)
        players = player_of_column[self.columns].flatten(0, 1)
        tables = []
        for start in range(0, len(values), _TREES_AT_ONCE):
            part = slice(start, start + _TREES_AT_ONCE)
            patterns = [_level_weights(_pattern(row)) for row in players[part].tolist()]
            of_set = expected_leaves(values[part].numpy(), share[part].numpy())
            tables.append(torch.from_numpy(of_set) @ torch.stack(patterns))
        table = torch.cat(tables)
        self._players = players.view(n_targets, n_trees, depth)
        self._table = table.view(n_targets, n_trees, n_leaves, depth)
        return self

    def shapley(self, columns: torch.Tensor) -> torch.Tensor:
        """Exact interventional Shapley values: (n_targets, n_rows, n_players)."""
        codes = self._code(columns)
        values = [
            look_up(
                codes,
                split.numpy(),
                threshold.numpy(),
                player.numpy(),
                table.numpy(),
                self.n_players,
            )
            for split, threshold, player, table in zip(
                self.columns, self.thresholds, self._players, self._table, strict=True
            )
        ]
        return torch.from_numpy(np.stack(values))


def _bin_edges(columns: torch.Tensor, n_bins: int) -> torch.Tensor:
    """Thresholds between training values, padded by infinity: (n_columns, n_bins - 1)."""
    edges = torch.full((columns.shape[1], n_bins - 1), torch.inf, dtype=torch.float64)
    for j, column in enumerate(columns.double().T):
        values = column.unique()
        if len(values) > n_bins:
            levels = torch.linspace(0, 1, n_bins + 1, dtype=torch.float64)[1:-1]
            cuts = torch.quantile(column, levels).unique()
        else:
            cuts = (values[1:] + values[:-1]) / 2
        edges[j, : len(cuts)] = cuts
    return edges


def _bin(columns: torch.Tensor, edges: torch.Tensor) -> torch.Tensor:
    values = columns.double().T.contiguous()
    return torch.searchsorted(edges, values, right=True).T.contiguous()


def _pattern(players: list[int]) -> tuple[int, ...]:
    """Rename the players of a tree's levels by first appearance."""
    first: dict[int, int] = {}
    return tuple(first.setdefault(player, len(first)) for player in players)


@lru_cache(maxsize=1024)
def _level_weights(pattern: tuple[int, ...]) -> torch.Tensor:
    """Weights (2**depth, depth) of level sets; a player's value stands at its first level."""
    depth, n_players = len(pattern), max(pattern) + 1
    levels = np.zeros(n_players, dtype=int)
    np.add.at(levels, list(pattern), 1 << np.arange(depth))
    coalitions = np.arange(1 << n_players)[:, None] >> np.arange(n_players) & 1
    first_level = [pattern.index(player) for player in range(n_players)]
    weights = np.zeros((1 << depth, depth))
    weights[(coalitions @ levels)[:, None], first_level] = shapley_matrix(n_players)
    return torch.from_numpy(weights)
