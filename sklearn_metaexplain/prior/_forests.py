"""Random forests, oblivious forests and boosting-like sums of trees, of many depths and counts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sklearn_metaexplain.prior._columns import (
    RawFunction,
    code_splits,
    observed,
    sample_column,
    sample_relevance,
)
from sklearn_metaexplain.prior._trees import MAX_LEAVES, tabulate_nodes, tabulate_oblivious

# Rows on which trees are grown, and leaves of a forest in all: both bound the time to draw one.
_GROWING_ROWS = 256
_FOREST_LEAVES = 8000


def sample_forest(
    rng: np.random.Generator, table: np.ndarray, targets: np.ndarray, n_outputs: int
) -> RawFunction:
    """Draw trees that all fit the same random function of the table, each on its own bootstrap.

    Parameters
    ----------
    rng : numpy.random.Generator
    table : ndarray of shape (n_rows, n_columns)
    targets : ndarray of shape (n_rows, n_targets)
        Standardised outputs of other random functions, which the trees follow.
    n_outputs : int

    Returns
    -------
    trees : TabulatedTrees
    """
    mix = rng.normal(size=(targets.shape[1], n_outputs)) / np.sqrt(targets.shape[1])
    goal = targets @ mix + rng.normal(size=(len(targets), n_outputs)) * rng.uniform(0, 1)
    depth = int(rng.integers(2, 9))
    n_trees = _tree_count(rng, depth)
    goals = np.broadcast_to(goal, (n_trees, *goal.shape))
    return _grow(rng, table, goals, depth)


def sample_boosting(
    rng: np.random.Generator, table: np.ndarray, targets: np.ndarray, n_outputs: int
) -> RawFunction:
    """Draw a sum of trees that each follow a different function, as the steps of boosting do.

    Parameters and returns as of `sample_forest`.
    """
    depth = int(rng.choice(8, p=[0.15, 0.2, 0.2, 0.15, 0.1, 0.08, 0.06, 0.06])) + 1
    n_trees = _tree_count(rng, depth)
    mix = rng.normal(size=(n_trees, targets.shape[1], n_outputs))
    # Later steps are smaller, by a rate between none and steep.
    mix *= np.exp(-np.arange(n_trees) / n_trees * rng.uniform(0, 4))[:, None, None]
    goals = np.einsum("rk,tko->tro", targets, mix)
    goals += rng.normal(size=goals.shape) * rng.uniform(0, 1)
    return _grow(rng, table, goals, depth)


def sample_oblivious(
    rng: np.random.Generator, table: np.ndarray, targets: np.ndarray, n_outputs: int
) -> RawFunction:
    """Draw trees whose levels share one split, with additive, interacting and fitted leaf values.

    Parameters and returns as of `sample_forest`.
    """
    depth = int(rng.integers(1, 9))
    n_trees = round(np.exp(rng.uniform(0, np.log(200))))
    n_leaves = 2**depth
    columns = sample_column(rng, sample_relevance(rng, table), (n_trees, depth))
    thresholds = _data_values(rng, table, columns)
    missing_right = rng.random(columns.shape) < 0.5
    bits = (np.arange(n_leaves)[:, None] >> np.arange(depth)) & 1
    values = rng.normal(size=(n_outputs, n_trees, n_leaves)) * rng.random()
    values += rng.normal(size=(n_outputs, n_trees, depth)) @ (bits.T - 0.5) * rng.random()
    cells = table[:, columns]
    above = np.where(np.isnan(cells), missing_right, cells > thresholds)
    leaf = (above << np.arange(depth)).sum(-1) + np.arange(n_trees) * n_leaves
    size = np.bincount(leaf.ravel(), minlength=n_trees * n_leaves) + 1.0
    mix = rng.normal(size=(targets.shape[1], n_outputs)) * rng.random()
    for k, goal in enumerate((targets @ mix).T):
        sums = np.bincount(leaf.ravel(), np.repeat(goal, n_trees), minlength=len(size))
        values[k] += (sums / size).reshape(n_trees, n_leaves)
    codes, positions = code_splits(columns.ravel(), thresholds.ravel(), table.shape[1])
    return tabulate_oblivious(
        codes, columns, positions.reshape(columns.shape), missing_right, values
    )


def _tree_count(rng: np.random.Generator, depth: int) -> int:
    most = min(200, _FOREST_LEAVES // min(2**depth, MAX_LEAVES))
    return round(np.exp(np.log(most) * rng.random() ** 0.7))


def _data_values(rng: np.random.Generator, table: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """A value that is present in each of the given columns."""
    values = np.empty(columns.shape)
    for j in np.unique(columns):
        values[columns == j] = rng.choice(observed(table[:, j]), size=(columns == j).sum())
    return values


@dataclass
class _Splits:
    """Inner nodes, in the order in which they were split."""

    node: np.ndarray
    columns: np.ndarray
    thresholds: np.ndarray
    missing_right: np.ndarray
    left: np.ndarray


def _grow(
    rng: np.random.Generator, table: np.ndarray, goals: np.ndarray, depth: int
) -> RawFunction:
    """Grow one tree a goal, all trees together, level by level.

    A node tries a few random splits at values of its own rows and keeps the one that best
    separates its goal, as extremely randomised trees do.
    """
    n_trees, n_rows, n_outputs = goals.shape
    rows = rng.integers(n_rows, size=(n_trees, min(n_rows, _GROWING_ROWS)))
    cells = table[rows]
    goals = goals[np.arange(n_trees)[:, None], rows]
    relevance = sample_relevance(rng, table)
    n_candidates = int(rng.choice([2, 4, 8]))
    smallest = int(rng.choice([1, 3, 10]))
    # Nodes are numbered over all trees; the first are the roots.
    tree_of_node = np.arange(n_trees)
    node = np.repeat(np.arange(n_trees)[:, None], rows.shape[1], axis=1)
    done: list[_Splits] = []
    frontier = np.arange(n_trees)
    for _ in range(depth):
        room = MAX_LEAVES - np.bincount(tree_of_node, minlength=n_trees)
        room += np.bincount(tree_of_node[_nodes(done)], minlength=n_trees)
        splits = _split_level(rng, cells, goals, node, frontier, relevance, n_candidates, smallest)
        # Where leaves would be too many, the first splits of the level are kept.
        owner = tree_of_node[splits.node]
        rank = np.arange(len(owner)) - np.searchsorted(owner, owner)
        kept = rank < room[owner]
        if not kept.any():
            break
        splits = _Splits(*(part[kept] for part in vars(splits).values()))
        splits.left[:] = len(tree_of_node) + 2 * np.arange(kept.sum())
        tree_of_node = np.append(tree_of_node, np.repeat(owner[kept], 2))
        node = _descend(cells, node, splits, len(tree_of_node))
        frontier = np.arange(len(tree_of_node) - 2 * int(kept.sum()), len(tree_of_node))
        done.append(splits)
    leaf_goal = _leaf_means(rng, goals, node, len(tree_of_node))
    return _tabulate(table.shape[1], n_trees, n_outputs, tree_of_node, done, leaf_goal)


def _nodes(done: list[_Splits]) -> np.ndarray:
    return np.concatenate([splits.node for splits in done] or [np.empty(0, dtype=np.intp)])


def _split_level(
    rng: np.random.Generator,
    cells: np.ndarray,
    goals: np.ndarray,
    node: np.ndarray,
    frontier: np.ndarray,
    relevance: np.ndarray,
    n_candidates: int,
    smallest: int,
) -> _Splits:
    """The best of a few random splits of every node of the frontier, where one is valid."""
    n_trees, n_rows, n_columns = cells.shape
    flat_cells, flat_goals = cells.reshape(-1, n_columns), goals.reshape(n_trees * n_rows, -1)
    flat_node = node.ravel() - frontier[0]
    member = np.flatnonzero(flat_node >= 0)
    place = flat_node[member]
    order = member[np.argsort(place, kind="stable")]
    counts = np.bincount(place, minlength=len(frontier))
    starts = np.cumsum(counts) - counts
    best = np.full(len(frontier), -np.inf)
    columns = np.zeros(len(frontier), dtype=np.intp)
    thresholds = np.zeros(len(frontier))
    missing_right = rng.random(len(frontier)) < 0.5
    totals = [np.bincount(place, goal[member], len(frontier)) for goal in flat_goals.T]
    for _ in range(n_candidates):
        column = sample_column(rng, relevance, len(frontier))
        offset = np.floor(rng.random(len(frontier)) * np.maximum(counts, 1)).astype(np.intp)
        threshold = flat_cells[order[np.minimum(starts + offset, len(order) - 1)], column]
        cell = flat_cells[member, column[place]]
        above = np.where(np.isnan(cell), missing_right[place], cell > threshold[place])
        n_above = np.bincount(place[above], minlength=len(frontier))
        n_below = counts - n_above
        gain = np.zeros(len(frontier))
        for goal, total in zip(flat_goals.T, totals, strict=True):
            sums = np.bincount(place[above], goal[member][above], len(frontier))
            gain += sums**2 / np.maximum(n_above, 1)
            gain += (total - sums) ** 2 / np.maximum(n_below, 1)
        valid = (n_above >= smallest) & (n_below >= smallest) & ~np.isnan(threshold)
        better = valid & (gain > best)
        best = np.where(better, gain, best)
        columns = np.where(better, column, columns)
        thresholds = np.where(better, threshold, thresholds)
    found = np.isfinite(best)
    return _Splits(
        frontier[found],
        columns[found],
        thresholds[found],
        missing_right[found],
        np.zeros(found.sum(), dtype=np.intp),
    )


def _descend(cells: np.ndarray, node: np.ndarray, splits: _Splits, n_nodes: int) -> np.ndarray:
    """Move rows of split nodes to the children."""
    split_of_node = np.full(n_nodes, -1)
    split_of_node[splits.node] = np.arange(len(splits.node))
    split = split_of_node[node]
    trees, rows = np.nonzero(split >= 0)
    split = split[trees, rows]
    cell = cells[trees, rows, splits.columns[split]]
    above = np.where(np.isnan(cell), splits.missing_right[split], cell > splits.thresholds[split])
    moved = node.copy()
    moved[trees, rows] = splits.left[split] + above
    return moved


def _leaf_means(
    rng: np.random.Generator, goals: np.ndarray, node: np.ndarray, n_nodes: int
) -> np.ndarray:
    """Goal means by leaf, shrunk by leaf size, with some noise: (n_nodes, n_outputs)."""
    size = np.bincount(node.ravel(), minlength=n_nodes) + rng.choice([1e-9, 1.0, 10.0])
    flat_goals = goals.reshape(node.size, -1)
    means = np.stack([np.bincount(node.ravel(), goal, n_nodes) / size for goal in flat_goals.T], 1)
    return means + rng.normal(size=means.shape) * rng.choice([0.0, 0.3, 1.0])


def _tabulate(
    n_columns: int,
    n_trees: int,
    n_outputs: int,
    tree_of_node: np.ndarray,
    done: list[_Splits],
    node_values: np.ndarray,
) -> RawFunction:
    """Number the leaves of each tree, collect the leaves under every split, tabulate."""
    is_leaf = np.ones(len(tree_of_node), dtype=bool)
    is_leaf[_nodes(done)] = False
    leaves = np.flatnonzero(is_leaf)
    leaves = leaves[np.argsort(tree_of_node[leaves], kind="stable")]
    owner = tree_of_node[leaves]
    number = np.arange(len(leaves)) - np.searchsorted(owner, owner)
    values = np.zeros((n_outputs, n_trees, int(number.max()) + 1))
    values[:, owner, number] = node_values[leaves].T
    under = np.zeros(len(tree_of_node), dtype=np.uint64)
    under[leaves] = np.left_shift(np.uint64(1), number.astype(np.uint64))
    for splits in reversed(done):
        under[splits.node] = under[splits.left] | under[splits.left + 1]
    node = _nodes(done)
    order = np.argsort(tree_of_node[node], kind="stable")
    columns, thresholds, missing_right, left = (
        np.concatenate([getattr(splits, name) for splits in done] or [np.zeros(0)])[order]
        for name in ("columns", "thresholds", "missing_right", "left")
    )
    codes, positions = code_splits(columns, thresholds, n_columns)
    left = left.astype(np.intp)
    return tabulate_nodes(
        codes,
        tree_of_node[node][order],
        columns,
        positions,
        missing_right,
        under[left],
        under[left + 1],
        values,
    )
