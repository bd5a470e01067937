import pytest
import torch

from sklearn_metaexplain.shapley._compiled_kernel import CompiledKernel
from tests.shapley.test_kernel import PLAYERS, random_kernel, rows


@pytest.mark.parametrize("players", [PLAYERS, torch.arange(6)])
def test_numbers_are_those_of_the_kernel_that_has_gradients(players):
    kernel = random_kernel(3, players)
    compiled = CompiledKernel(kernel.parameters, players, kernel.n_players)
    x = rows(1, 40) * torch.logspace(-12, 4, 40, dtype=torch.float64)[:, None]
    y = torch.cat([rows(2, 70), x[:3]])
    torch.testing.assert_close(compiled.factors(x, y), kernel.factors(x, y), rtol=1e-14, atol=0)
    torch.testing.assert_close(compiled(x, y), kernel(x, y), rtol=1e-13, atol=1e-15)


def test_a_row_has_the_same_kernel_in_any_company():
    kernel = random_kernel(0)
    compiled = CompiledKernel(kernel.parameters, PLAYERS, kernel.n_players)
    x, y = rows(1, 9), rows(2, 70)
    torch.testing.assert_close(
        compiled.factors(x, y)[3:4], compiled.factors(x[3:4], y), rtol=0, atol=0
    )
    assert compiled.factors(x[:0], y).shape == (0, 5, 70)
    assert compiled(x, y[:0]).shape == (9, 0)
