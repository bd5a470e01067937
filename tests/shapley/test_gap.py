"""What attributions miss of their sum, distributed, and how far off that may be."""

import numpy as np
import torch

from sklearn_metaexplain.shapley._gap import close_gap, gap_std


def test_half_goes_to_all_and_half_to_the_large():
    values = torch.tensor([[[3.0], [-1.0], [0.0], [0.0]]])
    can_matter = torch.tensor([[True, True, True, False]])
    closed = close_gap(values, torch.tensor([[6.0]]), can_matter)
    torch.testing.assert_close(closed[0, :, 0], torch.tensor([3 + 1 + 2.25, -1 + 1 + 0.75, 1, 0]))


def test_rounding_does_not_say_whose_a_gap_is():
    values = torch.tensor([[[0.0], [3e-17], [0.0]]], dtype=torch.float64)
    can_matter = torch.tensor([[True, True, False]])
    closed = close_gap(values, torch.tensor([[5.0]], dtype=torch.float64), can_matter)
    np.testing.assert_allclose(closed[0, :, 0], [2.5, 2.5, 0], atol=1e-15)


def test_deviations_of_a_gap_that_is_one_player_s():
    rng = np.random.RandomState(0)
    values = torch.tensor([[[3.0], [-1.0], [0.0], [0.0]]])
    can_matter = torch.tensor([[True, True, True, False]])
    gap = torch.tensor([[-6.0]])
    given = (close_gap(values, gap, can_matter) - values)[0, :, 0].numpy()
    owner = rng.choice(4, 200_000, p=given / given.sum())
    off = np.eye(4)[owner] * -6.0 - given
    np.testing.assert_allclose(
        gap_std(values, gap, can_matter)[0, :, 0], np.sqrt(np.square(off).mean(0)), rtol=0.01
    )


def test_a_gap_of_one_player_alone_is_certain():
    values = torch.zeros(100, 3, 1, dtype=torch.float64)
    values[:, 1, 0] = torch.from_numpy(np.random.RandomState(0).normal(size=100))
    can_matter = torch.tensor([[False, True, False]]).expand(100, 3)
    assert not gap_std(values, torch.ones(100, 1, dtype=torch.float64), can_matter).any()
