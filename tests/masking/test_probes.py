"""What is asked of a model."""

from itertools import pairwise

import numpy as np
import pytest

from sklearn_metaexplain.masking._probes import draw_probes, draw_row_probes


def draw(n, seed=0, **sizes):
    return draw_probes(np.random.RandomState(seed), n, **sizes)


def test_sizes_are_stratified_and_rows_used_without_replacement():
    probes = draw(120, n_rows=50, n_background=30, n_players=6)
    sizes = np.bincount(probes.coalitions.sum(1), minlength=7)
    assert sizes.tolist() == [0, 20, 20, 20, 20, 20, 20]
    for positions, n in ((probes.rows, 50), (probes.backgrounds, 30)):
        counts = np.bincount(positions, minlength=n)
        assert counts.max() - counts.min() <= 1
        assert len(set(positions[:n].tolist())) == n


def test_players_are_equally_frequent():
    coalitions = draw(6000, n_rows=5, n_background=5, n_players=4).coalitions
    np.testing.assert_allclose(coalitions.mean(0), 0.625, atol=0.03)


@pytest.mark.parametrize("n_players", [1, 2, 9])
def test_a_longer_row_draw_begins_with_a_shorter_one(n_players):
    draws = [
        draw_row_probes(np.random.RandomState(3), n, n_background=7, n_players=n_players)
        for n in (1, 40, 64, 65, 200)
    ]
    for shorter, longer in pairwise(draws):
        n = len(shorter.rows)
        for a, b in zip(shorter, longer, strict=True):
            np.testing.assert_array_equal(a, b[:n])


def test_row_probes_never_ask_what_is_known():
    probes = draw_row_probes(np.random.RandomState(0), 300, n_background=7, n_players=5)
    sizes = probes.coalitions.sum(1)
    assert sizes.min() == 1
    assert sizes.max() == 4


def test_each_block_of_row_probes_has_few_background_rows():
    probes = draw_row_probes(
        np.random.RandomState(0), 400, n_background=300, n_players=5, block=200
    )
    blocks = [set(probes.backgrounds[start : start + 200].tolist()) for start in (0, 200)]
    assert [len(block) for block in blocks] == [64, 64]
    assert blocks[0] != blocks[1]
