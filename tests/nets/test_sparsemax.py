"""Sparsemax against bisection, the optimality conditions and finite differences."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq

from sklearn_metaexplain.nets._sparsemax import sparsemax

scores = st.lists(st.floats(-50, 50), min_size=1, max_size=8)


def projected(values):
    """The closest point of the simplex: a threshold, found by bisection."""
    values = np.asarray(values)
    threshold = brentq(
        lambda t: np.maximum(values - t, 0).sum() - 1, values.min() - 1.5, values.max(), xtol=1e-14
    )
    return np.maximum(values - threshold, 0)


@given(scores)
def test_projection_onto_the_simplex(values):
    weights = sparsemax(torch.tensor(values, dtype=torch.float64)).numpy()
    assert (weights >= 0).all()
    assert weights.sum() == pytest.approx(1, abs=1e-12)
    np.testing.assert_allclose(weights, projected(values), rtol=0, atol=1e-9)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_scores_of_any_size(dtype):
    scores = torch.tensor([[1e30, 1.0], [2.0**25, 2.0**25], [-1e30, -1e30]], dtype=dtype)
    expected = torch.tensor([[1.0, 0.0], [0.5, 0.5], [0.5, 0.5]], dtype=dtype)
    torch.testing.assert_close(sparsemax(scores), expected)


def test_scores_that_are_no_numbers_give_none():
    assert bool(sparsemax(torch.full((2, 3), torch.nan)).isnan().all())


def test_known_weights():
    for values, expected in (
        ([0.0, 0.0], [0.5, 0.5]),
        ([1.0, 0.0], [1.0, 0.0]),
        ([0.5, 0.0], [0.75, 0.25]),
        ([2.0, 1.9, -5.0], [0.55, 0.45, 0.0]),
        ([3.0], [1.0]),
    ):
        weights = sparsemax(torch.tensor(values, dtype=torch.float64))
        np.testing.assert_allclose(weights, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("dim", [0, 1, -1])
def test_any_dimension(dim):
    values = torch.randn(3, 4, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    weights = sparsemax(values, dim=dim)
    expected = np.apply_along_axis(projected, dim, values.numpy())
    np.testing.assert_allclose(weights, expected, rtol=0, atol=1e-9)


def test_derivatives():
    generator = torch.Generator().manual_seed(1)
    values = torch.randn(4, 5, generator=generator, dtype=torch.float64, requires_grad=True)
    assert ((weights := sparsemax(values)) == 0).any()
    assert (weights > 0).sum(1).max() > 1
    assert torch.autograd.gradcheck(sparsemax, (values,))
    assert torch.autograd.gradgradcheck(sparsemax, (values,))
