"""Boosted trees grown leaf by leaf, whose interventional Shapley values are look-up tables."""

from __future__ import annotations

from threading import Lock
from typing import Any

import numpy as np
import torch
from joblib import Parallel, delayed

from sklearn_metaexplain.shapley._bins import bin_edges, code
from sklearn_metaexplain.shapley._growing import grow, predict
from sklearn_metaexplain.shapley._leaf_paths import read_paths
from sklearn_metaexplain.shapley._leaf_tables import MOST_PLAYERS, look_up, tabulate

# One thread makes the tables, the others wait for them.
_tabulating = Lock()
# Loops over so many rows become vector instructions, which are sooner done than those over fewer.
_LEAST_AT_ONCE = 8


class LeafwiseBoosting:
    """Gradient boosting of trees for several targets at once.

    Of all leaves of a tree, the one is split next whose best split explains most. Columns are dealt
    with in an order that follows from their values, so that draws do not depend on the order in
    which they came, but for columns of the same values.

    Parameters
    ----------
    most_leaves : int, default=31
        Leaves of a tree, at most.
    least_rows : int, default=10
        Rows of a leaf, at least.
    n_trees : int, default=150
        Boosting rounds.
    learning_rate : float, default=0.15
        Shrinkage of each tree.
    n_bins : int, default=128
        Most bins of a column; thresholds lie between training values.
    l2 : float, default=1.0
        Ridge penalty of the leaf values.
    column_share : float, default=1.0
        Share of the columns, rounded up, that may split a leaf; drawn anew for each leaf, and
        otherwise for each target.
    most_players : int, default=5
        Different players on the path to a leaf, at most; from 1 to 8. No tree tells an interaction
        of more. Tables are of two to the power of their number.

    Raises
    ------
    ValueError
        If there are too few leaves, or too few or too many players.

    References
    ----------
    Nadel and Wettenstein, From decision trees to Boolean logic: a fast and unified SHAP algorithm,
    2026 (a background summarised by the sets of conditions on a path that its rows meet);
    Friedman, Greedy function approximation: a gradient boosting machine, 2001; Shi, Best-first
    decision tree learning, 2007 (the order of splits); Ho, The random subspace method for
    constructing decision forests, 1998 (`column_share`).
    """

    def __init__(
        self,
        *,
        most_leaves: int = 31,
        least_rows: int = 10,
        n_trees: int = 150,
        learning_rate: float = 0.15,
        n_bins: int = 128,
        l2: float = 1.0,
        column_share: float = 1.0,
        most_players: int = 5,
    ) -> None:
        if most_leaves < 2:
            raise ValueError(f"most_leaves={most_leaves} splits nothing; give 2 or more.")
        if not 1 <= most_players <= MOST_PLAYERS:
            raise ValueError(f"most_players={most_players} must be from 1 to {MOST_PLAYERS}.")
        self.most_leaves = most_leaves
        self.least_rows = least_rows
        self.n_trees = n_trees
        self.learning_rate = learning_rate
        self.n_bins = n_bins
        self.l2 = l2
        self.column_share = column_share
        self.most_players = most_players

    def fit(
        self,
        columns: torch.Tensor,
        targets: torch.Tensor,
        kept: torch.Tensor,
        player_of_column: torch.Tensor,
        *,
        n_jobs: int | None = None,
    ) -> LeafwiseBoosting:
        """Boost every target.

        Parameters
        ----------
        columns : tensor of shape (n_rows, n_columns)
            Shared by the targets.
        targets : tensor of shape (n_targets, n_rows)
            What to fit.
        kept : tensor of bool of shape (n_targets, n_rows)
            Rows that count: folds leave others out.
        player_of_column : tensor of shape (n_columns,)
            The player of each column.
        n_jobs : int or None, default=None
            Threads, a target each.
        """
        self.edges = bin_edges(columns, self.n_bins)
        self._players = player_of_column.numpy()
        order = np.lexsort(columns.numpy())
        # A threshold above the last used bin splits nothing.
        n_thresholds = torch.isfinite(self.edges).sum(1).numpy()[order]
        # What is not finite would have a code beyond the last bin, and its sums no place.
        codes = np.minimum(code(columns, self.edges)[:, order], n_thresholds.astype(np.int16))
        codes = np.ascontiguousarray(codes)
        self.offset = (targets * kept).sum(1) / kept.sum(1).clamp_min(1)
        grown = Parallel(n_jobs=n_jobs, require="sharedmem")(
            delayed(grow)(
                codes,
                n_thresholds,
                self._players[order],
                target.to(torch.float32).contiguous().numpy(),
                rows.numpy(),
                np.float32(offset),
                self.most_leaves,
                self.least_rows,
                self.most_players,
                self.n_trees,
                np.float32(self.learning_rate),
                np.float32(self.l2),
                self.column_share,
                np.random.default_rng(k),
            )
            for k, (target, rows, offset) in enumerate(zip(targets, kept, self.offset, strict=True))
        )
        # (n_targets, n_trees, most_leaves - 1, 4) and (n_targets, n_trees, most_leaves)
        self.splits, leaf_values, fitted = (np.stack(part) for part in zip(*grown, strict=True))
        split = self.splits[..., 0]
        split[split >= 0] = order[split[split >= 0]]
        self._tables: list[tuple[Any, ...]] | None = None
        self.leaf_values = leaf_values.astype(float)
        self.fitted = torch.from_numpy(fitted).double()
        return self

    def predict(self, columns: torch.Tensor) -> torch.Tensor:
        """Predictions: (n_targets, n_rows)."""
        codes = code(columns, self.edges)
        trees = zip(self.splits, self.leaf_values, strict=True)
        told = [predict(codes, splits, values) for splits, values in trees]
        return self.offset[:, None] + torch.from_numpy(np.stack(told))

    def tabulate(self, background: torch.Tensor, n_players: int) -> LeafwiseBoosting:
        """Tabulate the trees' exact Shapley values against a background.

        Parameters
        ----------
        background : tensor of shape (n_background, n_columns)
            Background rows.
        n_players : int
            Number of players.
        """
        self.n_players = n_players
        self._background = np.ascontiguousarray(code(background, self.edges).T)
        self._tables = self._tabulate()
        return self

    def _tabulate(self) -> list[tuple[Any, ...]]:
        """Paths and tables of the trees of each target."""
        tables = []
        for splits, values in zip(self.splits, self.leaf_values, strict=True):
            paths = read_paths(splits, self._players)
            tables.append((*paths, *tabulate(self._background, paths, values)))
        return tables

    def __getstate__(self) -> dict[str, Any]:
        # Tables are many times as large as the trees, and soon made again.
        return {**vars(self), "_tables": None}

    def shapley(self, columns: torch.Tensor) -> torch.Tensor:
        """Exact interventional Shapley values: (n_targets, n_rows, n_players)."""
        with _tabulating:
            if self._tables is None:
                self._tables = self._tabulate()
        by_column = code(columns, self.edges).T
        n_rows = by_column.shape[1]
        if 0 < n_rows < _LEAST_AT_ONCE:
            by_column = np.pad(by_column, ((0, 0), (0, _LEAST_AT_ONCE - n_rows)), mode="edge")
        by_column = np.ascontiguousarray(by_column)
        values = [look_up(by_column, *tables, self.n_players) for tables in self._tables]
        return torch.from_numpy(np.stack(values))[..., :n_rows].transpose(1, 2)
