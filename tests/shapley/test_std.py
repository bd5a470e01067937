"""Standard deviations, as variance is explained."""

import numpy as np
import torch

from sklearn_metaexplain.shapley._stack import StackValues
from sklearn_metaexplain.shapley._std import shrink_std, std_left, widen_std


def test_shrinking_a_standard_deviation():
    std = torch.full((1, 2, 1), 2.0)
    explained, scale = torch.tensor([[0.75, 100.0]]), torch.tensor([4.0])
    shrunk = shrink_std(std, explained, scale)[0, :, 0]
    np.testing.assert_allclose(shrunk, [2.0 * 0.5, 2.0 * 0.1], rtol=1e-6)


def test_what_is_left_when_more_is_explained():
    std, scale = torch.full((1, 3, 1), 2.0), torch.tensor([1.0])
    # Of a variance of 4: half as much, all but a hundredth, and less than before.
    before, now = torch.tensor([[2.0, 0.0, 3.0]]), torch.tensor([[3.0, 9.0, 1.0]])
    left = std_left(std, before, now, scale)[0, :, 0]
    np.testing.assert_allclose(left, [0.5**0.5, 0.1, 1.0], rtol=1e-6)


def test_deviations_widen_by_what_process_and_trees_disagree_by():
    process, trees = torch.tensor([[[1.0], [2.0]]]), torch.tensor([[[5.0], [2.0]]])
    values = StackValues(process, trees, None, None, None, False)
    widened = widen_std(torch.full((1, 2, 1), 3.0), values)[0, :, 0]
    np.testing.assert_allclose(widened, [5.0, 3.0])
