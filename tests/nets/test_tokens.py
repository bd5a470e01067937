"""Features of cells."""

import pytest
import torch

from sklearn_metaexplain.nets._tokens import N_CELL_FEATURES, cell_features


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_values_are_as_described_and_gradients_finite_also_at_zero(dtype):
    value = torch.tensor([-4.0, -0.3, -1e-30, -0.0, 0.0, 1e-30, 0.3, 4.0], dtype=dtype)
    encoded = torch.stack([value, value.flip(0)], -1).requires_grad_(True)
    features = cell_features(encoded)
    assert features.shape == (8, N_CELL_FEATURES)
    # Exactly, for weights were trained on these.
    assert features[:, 5].equal(value.abs().sqrt() * value.sign())
    (gradient,) = torch.autograd.grad(features.sum(), encoded)
    assert gradient.isfinite().all()
    away = value.abs() > 0.1
    root = torch.autograd.grad(cell_features(encoded)[:, 5].sum(), encoded)[0][:, 0]
    torch.testing.assert_close(root[away], 0.5 / value[away].abs().sqrt())
