"""Rows of which more is missed than of any evaluation before."""

import numpy as np
import torch

from sklearn_metaexplain.posthoc._usual_errors import UsualErrors


def usual(rounding=0.0):
    missed = torch.tensor([[0.5], [-2.0], [1.0]], dtype=torch.float64)
    return UsualErrors(missed, torch.tensor([rounding], dtype=torch.float64))


def column(*numbers):
    return torch.tensor(numbers, dtype=torch.float64)[:, None]


def test_more_than_the_most_is_unusual():
    missing = column(1.9, -3.0, 2.5)
    np.testing.assert_allclose(usual().exceeded(missing)[:, 0], [0.0, 1.0, 0.5])
    # What is missed by rounding alone is as usual as that.
    np.testing.assert_allclose(usual(2.75).exceeded(missing)[:, 0], [0.0, 0.25, 0.0])


def test_evaluations_of_the_row_tell_whether_it_still_is():
    unusual = column(4.0, 4.0, 4.0, 0.0)
    # Of eight evaluations four are judged: they miss 1, 5, 1 and 1 each.
    missed = 4 * column(1.0, 25.0, 1.0, 1.0)
    # Hybrids without what is unusual say nothing of it: one answer is still off by 3.5.
    left = column(0.1, 0.1, 3.5, 3.5)
    asked = column(8, 8, 8, 8)
    still = usual().still_exceeded(unusual, missed, asked, left)[:, 0]
    np.testing.assert_allclose(still, [0.0, 3.0, 1.5, 0.0])


def test_few_evaluations_tell_in_part():
    unusual, nothing = column(4.0, 4.0, 4.0), column(0.0, 0.0, 0.0)
    still = usual().still_exceeded(unusual, nothing, column(0, 2, 80), nothing)[:, 0]
    np.testing.assert_allclose(still, [4.0, 3.0, 0.0])
