"""The compiled kernel matrix can be differentiated as often as the plain one."""

import pytest
import torch
from torch.func import grad, jacrev

from sklearn_metaexplain.shapley._kernel import ProductKernel, parameters_from_raw
from sklearn_metaexplain.shapley._likelihood import gram_matrix

N_ROWS, N_COLUMNS = 6, 3
PLAYERS = torch.tensor([0, 0, 1])


def random(seed, *shape):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


ENCODED, PULL = random(0, N_ROWS, N_COLUMNS, 2), random(1, N_ROWS, N_ROWS)
RAW = 0.3 * random(2, 5 * N_COLUMNS + 2)


def kernel_of(raw):
    parameters = parameters_from_raw(raw[:-2].reshape(N_COLUMNS, 5), raw[-2:])
    return ProductKernel(parameters, PLAYERS, 2)


def compiled(raw):
    return (PULL * gram_matrix(kernel_of(raw), ENCODED)).sum()


def plain(raw):
    kernel = kernel_of(raw)
    rows = kernel.warp(ENCODED)
    return (PULL * kernel(rows, rows)).sum()


def gradient(function, **options):
    raw = RAW.clone().requires_grad_()
    return raw, torch.autograd.grad(function(raw), raw, **options)[0]


def test_values_and_first_derivatives():
    torch.testing.assert_close(compiled(RAW), plain(RAW))
    expected = gradient(plain)[1]
    # What the compiled way back keeps is in single precision.
    torch.testing.assert_close(gradient(compiled)[1], expected, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(gradient(compiled, create_graph=True)[1].detach(), expected)
    torch.testing.assert_close(grad(compiled)(RAW), expected)


def test_second_derivatives():
    raw, first = gradient(compiled, create_graph=True)
    along = random(3, len(RAW))
    (second,) = torch.autograd.grad(first @ along, raw)
    torch.testing.assert_close(second, jacrev(grad(plain))(RAW) @ along)
    step = 1e-5 * along
    difference = grad(plain)(RAW + step) - grad(plain)(RAW - step)
    torch.testing.assert_close(second, difference / 2e-5, rtol=1e-5, atol=1e-7)
    nested = grad(lambda raw: grad(compiled)(raw) @ along)(RAW)
    torch.testing.assert_close(nested, second)
    assert float(second.abs().max()) > 0.1


@pytest.mark.parametrize("numeric", [compiled, plain])
def test_inverse_passes_twice(numeric):
    # As a predictive density does: log determinant of the matrix plus noise.
    def log_volume(raw):
        kernel = kernel_of(raw)
        if numeric is compiled:
            gram = gram_matrix(kernel, ENCODED)
        else:
            rows = kernel.warp(ENCODED)
            gram = kernel(rows, rows)
        return torch.logdet(gram + torch.eye(N_ROWS, dtype=gram.dtype))

    assert torch.autograd.gradcheck(log_volume, RAW.clone().requires_grad_(), eps=1e-5, atol=1e-4)
    assert torch.autograd.gradgradcheck(log_volume, RAW.clone().requires_grad_(), eps=1e-5)
