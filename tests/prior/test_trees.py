"""Tabulated trees give what walking the trees gives."""

import numpy as np
import pytest

from sklearn_metaexplain.prior._columns import code_splits
from sklearn_metaexplain.prior._forests import sample_boosting, sample_forest, sample_oblivious
from sklearn_metaexplain.prior._trees import _WORDS, tabulate_nodes, tabulate_oblivious


def goes_right(cell, threshold, missing_right):
    return missing_right if np.isnan(cell) else cell > threshold


def cells(rng, shape):
    # Few values, so that cells often equal a threshold; some are missing.
    X = rng.integers(0, 6, size=shape).astype(float)
    X[rng.random(shape) < 0.15] = np.nan
    return X


@pytest.mark.parametrize("size", _WORDS)
def test_de_bruijn_numbers_differ(size):
    _, sequence, shift = _WORDS[size]
    numbers = {((1 << bit) * sequence) % (1 << size) >> shift for bit in range(size)}
    assert numbers == set(range(size))


@pytest.mark.parametrize("depth", [1, 3, 8])
@pytest.mark.parametrize("n_outputs", [1, 3])
def test_oblivious_equals_walk(depth, n_outputs):
    rng = np.random.default_rng(depth)
    n_trees, n_columns = 7, 4
    columns = rng.integers(n_columns, size=(n_trees, depth))
    thresholds = rng.integers(0, 6, size=(n_trees, depth)).astype(float)
    missing_right = rng.random((n_trees, depth)) < 0.5
    values = rng.normal(size=(n_outputs, n_trees, 2**depth))
    codes, positions = code_splits(columns.ravel(), thresholds.ravel(), n_columns)
    trees = tabulate_oblivious(
        codes, columns, positions.reshape(columns.shape), missing_right, values
    )
    X = cells(rng, (50, n_columns))
    expected = np.zeros((50, n_outputs))
    for i, row in enumerate(X):
        for t in range(n_trees):
            leaf = sum(
                2**level
                for level in range(depth)
                if goes_right(row[columns[t, level]], thresholds[t, level], missing_right[t, level])
            )
            expected[i] += values[:, t, leaf]
    np.testing.assert_allclose(trees(X), expected, rtol=0, atol=1e-12)


def random_tree(rng, n_columns, n_leaves):
    """Split random leaves until there are enough: nodes as (column, threshold, way, children)."""
    nodes = {0: None}
    while sum(node is None for node in nodes.values()) < n_leaves:
        leaf = rng.choice([name for name, node in nodes.items() if node is None])
        left = len(nodes)
        split = (int(rng.integers(n_columns)), float(rng.integers(6)), bool(rng.random() < 0.5))
        nodes[leaf] = (*split, left, left + 1)
        nodes[left] = nodes[left + 1] = None
    return nodes


@pytest.mark.parametrize("most_leaves", [1, 2, 8, 9, 16, 30, 64])
def test_nodes_equal_walk(most_leaves):
    rng = np.random.default_rng(most_leaves)
    n_columns, n_trees, n_outputs = 4, 5, 2
    # The first tree has no split at all, the last as many leaves as fit.
    sizes = [1, *rng.integers(1, most_leaves + 1, size=n_trees - 2), most_leaves]
    forest = [random_tree(rng, n_columns, size) for size in sizes]
    values = rng.normal(size=(n_outputs, n_trees, most_leaves))
    number = [
        {name: i for i, name in enumerate(n for n, node in nodes.items() if node is None)}
        for nodes in forest
    ]

    def under(t, name):
        node = forest[t][name]
        return 1 << number[t][name] if node is None else under(t, node[3]) | under(t, node[4])

    splits = [(t, *node) for t, nodes in enumerate(forest) for node in nodes.values() if node]
    columns = np.array([split[1] for split in splits], dtype=int)
    thresholds = np.array([split[2] for split in splits], dtype=float)
    codes, positions = code_splits(columns, thresholds, n_columns)
    trees = tabulate_nodes(
        codes,
        np.array([split[0] for split in splits], dtype=int),
        columns,
        positions,
        np.array([split[3] for split in splits], dtype=bool),
        np.array([under(split[0], split[4]) for split in splits], dtype=np.uint64),
        np.array([under(split[0], split[5]) for split in splits], dtype=np.uint64),
        values,
    )
    X = cells(rng, (60, n_columns))
    expected = np.zeros((60, n_outputs))
    for i, row in enumerate(X):
        for t, nodes in enumerate(forest):
            name = 0
            while nodes[name] is not None:
                column, threshold, way, left, right = nodes[name]
                name = right if goes_right(row[column], threshold, way) else left
            expected[i] += values[:, t, number[t][name]]
    np.testing.assert_allclose(trees(X), expected, rtol=0, atol=1e-12)


def test_grown_trees_follow_their_goal():
    rng = np.random.default_rng(0)
    table = rng.normal(size=(256, 3))
    target = np.sign(table[:, :1]) + 0.5 * np.sign(table[:, 1:2])
    correlations = []
    for _ in range(40):
        outputs = sample_forest(rng, table, target, 1)(table)[:, 0]
        if outputs.std() > 0:
            correlations.append(abs(np.corrcoef(outputs, target[:, 0])[0, 1]))
    assert np.median(correlations) > 0.6


@pytest.mark.parametrize("sampler", [sample_forest, sample_boosting, sample_oblivious])
def test_shapes_of_trees_vary(sampler):
    rng = np.random.default_rng(1)
    table = cells(rng, (100, 5))
    targets = rng.normal(size=(100, 3))
    drawn = [sampler(rng, table, targets, 2) for _ in range(60)]
    counts = [trees.values.shape[1] for trees in drawn]
    assert min(counts) <= 3
    assert max(counts) >= 60
    assert len({trees.values.shape[2] for trees in drawn}) >= 4
    assert all(np.isfinite(trees(table)).all() for trees in drawn)
