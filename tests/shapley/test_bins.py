"""Bins of columns."""

import numpy as np
import pytest
import torch

from sklearn_metaexplain.shapley._bins import bin_edges, code


def test_few_values_have_a_bin_each():
    column = torch.tensor([3.0, 1.0, 7.0, 1.0], dtype=torch.float64)[:, None]
    edges = bin_edges(column, 4)
    assert edges.tolist() == [[2.0, 5.0, torch.inf]]
    assert code(column, edges).ravel().tolist() == [1, 0, 2, 0]


def test_a_cell_at_an_edge_is_above_it():
    edges = torch.tensor([[2.0, 5.0]], dtype=torch.float64)
    cells = torch.tensor([[2.0], [1.9], [5.0], [9.0]], dtype=torch.float64)
    assert code(cells, edges).ravel().tolist() == [1, 0, 2, 2]


def test_many_values_share_bins_evenly():
    columns = torch.randn(1200, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    codes = code(columns, bin_edges(columns, 12))
    for column in codes.T:
        counts = np.bincount(column)
        assert len(counts) == 12
        assert (counts == 100).all()


@pytest.mark.parametrize("n_values", [7, 8])
def test_as_many_values_as_bins_have_one_each(n_values):
    values = torch.arange(n_values, dtype=torch.float64)
    # Most cells are of one value: quantiles would tell few apart.
    column = torch.cat([values, values.new_zeros(100)])[:, None]
    codes = code(column, bin_edges(column, 8))[:n_values, 0]
    assert codes.tolist() == list(range(n_values))
