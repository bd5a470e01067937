"""The product kernel and its Shapley values."""

import numpy as np
import pytest
import torch

from sklearn_metaexplain.shapley._enumeration import all_coalitions
from sklearn_metaexplain.shapley._fused import (
    _bounds,
    _choose_rule,
    _rules,
    product_shapley,
    tile_centers,
    untile_centers,
)
from sklearn_metaexplain.shapley._kernel import (
    ProductKernel,
    gauss_legendre,
    parameters_from_raw,
)
from sklearn_metaexplain.shapley._weights import shapley_matrix

PLAYERS = torch.tensor([0, 1, 1, 2, 3, 4])


def random_kernel(seed, player_of_column=PLAYERS):
    generator = torch.Generator().manual_seed(seed)
    columns = torch.randn(len(player_of_column), 5, generator=generator, dtype=torch.float64)
    task = torch.randn(2, generator=generator, dtype=torch.float64)
    n_players = int(player_of_column.max()) + 1
    return ProductKernel(parameters_from_raw(columns, task), player_of_column, n_players)


def rows(seed, n, n_columns=6):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, n_columns, generator=generator, dtype=torch.float64)


def test_kernel_is_a_covariance():
    kernel = random_kernel(0)
    x = rows(1, 40)
    gram = kernel(x, x)
    torch.testing.assert_close(gram, gram.T)
    torch.testing.assert_close(gram.diagonal(), kernel.diagonal(x))
    assert float(torch.linalg.eigvalsh(gram).min()) > -1e-10


def test_columns_of_one_player_multiply():
    kernel = random_kernel(0)
    alone = ProductKernel(kernel.parameters, torch.arange(6), 6)
    x, z = rows(1, 3), rows(2, 4)
    factors = alone.factors(x, z)
    together = kernel.factors(x, z)
    torch.testing.assert_close(together[:, 1], factors[:, 1] * factors[:, 2])
    torch.testing.assert_close(kernel(x, z), alone(x, z))


@pytest.mark.parametrize("seed", [0, 1])
def test_shapley_equals_enumeration(seed, enumerate_by_hand):
    kernel = random_kernel(seed)
    x, background, centers = rows(1, 2), rows(2, 3), rows(3, 4)
    values = kernel.shapley(x, background, centers)
    for row, value in zip(x, values, strict=True):
        expected = enumerate_by_hand(
            lambda hybrids: kernel(hybrids, centers), row, background, PLAYERS, 5
        )
        torch.testing.assert_close(value, expected, rtol=0, atol=1e-12)


def loop_and_formula(kernel, n_centers, dtype=np.float64):
    """Products' part of the values by the compiled loop, and by as many nodes as are exact."""
    n_players = kernel.n_players
    x, background = rows(1, 3, n_players), rows(2, 5, n_players)
    centers = rows(3, n_centers, n_players)
    u, v = (kernel.factors(part, centers).numpy().astype(dtype) for part in (x, background))
    tiled = product_shapley(tile_centers(u), tile_centers(v))
    assert tiled.dtype == dtype
    values = untile_centers(tiled, n_centers) / len(v)
    # Taking the linear part off the sum would cancel what is far smaller.
    kernel._slope_variance = 0.0
    expected = kernel.shapley(x, background, centers)
    return values, (expected / kernel.parameters.amplitude).numpy()


@pytest.mark.parametrize(("n_players", "n_centers"), [(1, 3), (2, 64), (7, 65), (12, 130)])
def test_compiled_loop_equals_the_differentiable_formula(n_players, n_centers):
    kernel = random_kernel(0, torch.arange(n_players))
    values, expected = loop_and_formula(kernel, n_centers)
    np.testing.assert_allclose(values, expected, atol=1e-13)


@pytest.mark.parametrize("n_players", [2, 9, 32, 33, 64, 200])
@pytest.mark.parametrize("length", [0.05, 1.0, 20.0])
@pytest.mark.parametrize("weight", [0.02, 1.0, 148.0])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_as_many_nodes_as_the_kernel_needs(n_players, length, weight, dtype):
    kernel = random_kernel(0, torch.arange(n_players))
    constant = torch.full((n_players,), 1.0, dtype=torch.float64)
    kernel.parameters = kernel.parameters._replace(
        smooth=length * constant, rough=length * constant, weight=weight * constant
    )
    values, expected = loop_and_formula(kernel, 5, dtype)
    # In single precision factors, which are at most 1, are rounded before they are subtracted.
    atol = 1e-12 * np.abs(expected).max() if dtype == np.float64 else 1e-7
    np.testing.assert_allclose(values, expected, rtol=0, atol=atol)


def test_nodes_follow_the_factors_not_the_columns():
    double, single = np.dtype(np.float64), np.dtype(np.float32)
    sizes, bounds = _rules(200, double).sizes, _bounds(double)
    assert sizes[-1] == 101
    # Every factor at both ends of its range, and hardly any difference.
    assert _choose_rule(sizes, 190.0, 190.0, *bounds) == len(sizes) - 1
    assert sizes[_choose_rule(sizes, 0.1, 0.1, *bounds)] == 9
    assert sizes[_choose_rule(sizes, 0.1, 0.1, *_bounds(single))] == 5
    assert [len(_rules(n, double).sizes) for n in (1, 10, 11, 18)] == [1, 1, 2, 2]


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-14), (np.float32, 1e-8)])
@pytest.mark.parametrize("largest", [1.0, 4.0, 12.0, 30.0])
def test_as_many_nodes_as_the_bound_asks(largest, dtype, tolerance):
    sizes = _rules(200, np.dtype(dtype)).sizes
    taken = sizes[_choose_rule(sizes, largest, largest, *_bounds(np.dtype(dtype)))]
    # The bound of `product_shapley`, on far more ellipses.
    rho = np.exp(np.linspace(0.01, 8, 2000))
    axis = (rho + 1 / rho) / 2
    bound = np.log(8 / (1 - 1 / rho)) + axis * (largest + 1) + axis**2 * largest / 2
    enough = ((bound - np.log(tolerance)) / (2 * np.log(rho))).min()
    assert enough <= taken <= 1.4 * enough + 4


@pytest.mark.parametrize("n_factors", [5, 40])
@pytest.mark.parametrize("a", [0.01, 0.1, 0.5])
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-13), (np.float32, 1e-6)])
def test_the_error_bound_holds(n_factors, a, dtype, tolerance):
    dtype = np.dtype(dtype)
    sizes, nodes, weights, middle = _rules(200, dtype)
    rule = _choose_rule(sizes, n_factors * a, n_factors * a * a, *_bounds(dtype))
    even = middle[rule] + sum(
        (w * ((1 + s * a) ** n_factors + (1 - s * a) ** n_factors))
        for s, w in zip(nodes[rule], weights[rule], strict=True)
    )
    exact = ((1 + a) ** (n_factors + 1) - (1 - a) ** (n_factors + 1)) / (a * (n_factors + 1))
    assert even == pytest.approx(exact, rel=tolerance, abs=tolerance)


def test_shapley_variance_equals_that_of_sampled_functions():
    kernel = random_kernel(3, torch.arange(4))
    x, background = rows(1, 2, 4), rows(2, 3, 4)
    # The Shapley operator as a matrix on the values at all hybrids, applied to both sides.
    for row, variance in zip(x, kernel.shapley_variance(x, background), strict=True):
        hybrids, operator = [], []
        for b in background:
            for inside, weights in zip(all_coalitions(4), shapley_matrix(4), strict=True):
                hybrids.append(torch.where(torch.from_numpy(inside), row, b))
                operator.append(weights / len(background))
        stacked, operator = torch.stack(hybrids), torch.from_numpy(np.array(operator))
        expected = (operator.T @ kernel(stacked, stacked) @ operator).diagonal()
        torch.testing.assert_close(variance, expected)


def test_quadrature_integrates_polynomials_exactly():
    for n_players in range(1, 12):
        nodes, weights = gauss_legendre(n_players)
        degree = n_players - 1
        assert weights @ nodes**degree == pytest.approx(1 / n_players, rel=1e-12)
    assert len(gauss_legendre(20, max_nodes=3)[0]) == 3
