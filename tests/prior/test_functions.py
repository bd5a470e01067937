"""Random functions have the structure of their family."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

from sklearn_metaexplain.prior._additive import sample_additive
from sklearn_metaexplain.prior._bayes import (
    GaussianLogDensities,
    QuadraticLogDensities,
    sample_naive_bayes,
)
from sklearn_metaexplain.prior._columns import sample_relevance, sample_scaler
from sklearn_metaexplain.prior._functions import FUNCTION_FAMILIES, sample_function
from sklearn_metaexplain.prior._kernels import KernelMachine, NearestNeighbours
from sklearn_metaexplain.prior._networks import sample_network


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    table = rng.normal(size=(120, 5)) * [1, 10, 0.1, 1, 1] + [0, 100, 0, 0, 0]
    table[:, 4] = rng.integers(3, size=120)
    table[rng.random(120) < 0.2, 3] = np.nan
    return table


def identity(X):
    return X


@pytest.mark.parametrize("family", FUNCTION_FAMILIES)
@pytest.mark.parametrize("n_outputs", [1, 3])
def test_finite_outputs_of_the_right_shape(family, n_outputs, table):
    rng = np.random.default_rng(1)
    X = table[rng.integers(120, size=(40, 5)), np.arange(5)]
    X[rng.random(X.shape) < 0.2] = np.nan
    for _ in range(10):
        outputs = sample_function(rng, table, family, n_outputs)(X)
        assert outputs.shape == (40, n_outputs)
        assert np.isfinite(outputs).all()


def test_scalers_standardise_and_fill(table):
    rng = np.random.default_rng(2)
    for _ in range(40):
        scaler = sample_scaler(rng, table)
        Z = scaler(table)
        assert np.isfinite(Z).all()
        observed = ~np.isnan(table[:, 3])
        assert abs(Z[observed].mean(0)).max() < 0.2
        assert np.ptp(Z[~observed, 3]) == 0
        np.testing.assert_allclose(Z[:1], scaler(table[:1]), atol=1e-12)


def test_relevance_has_zeros_but_not_only(table):
    rng = np.random.default_rng(3)
    constant = table.copy()
    constant[:, :4] = 7.0
    drawn = np.array([sample_relevance(rng, constant) for _ in range(200)])
    assert (drawn == 0).any()
    assert (drawn[:, 4] > 0).all()
    np.testing.assert_allclose((drawn**2).mean(1), 1)


def test_additive_without_products_has_no_interactions(table):
    rng = np.random.default_rng(4)
    additive, interacting = 0, 0
    complete = np.nan_to_num(table)
    x, b = complete[:30], complete[30:60]
    mixed = np.where(np.arange(5) < 2, x, b)
    swapped = np.where(np.arange(5) < 2, b, x)
    for _ in range(40):
        function = sample_additive(rng, table)
        difference = function(x) + function(b) - function(mixed) - function(swapped)
        if all(len(term) == 1 for term in function.terms):
            additive += 1
            np.testing.assert_allclose(difference, 0, atol=1e-9)
        else:
            interacting += np.abs(difference).max() > 1e-6
    assert additive > 5
    assert interacting > 5


def test_networks_vary_in_depth(table):
    rng = np.random.default_rng(5)
    drawn = [sample_network(rng, table) for _ in range(150)]
    assert {len(network.activations) for network in drawn} == {0, 1, 2, 3, 4}
    assert all(np.ptp(network(table)) >= 0 for network in drawn)


def test_gaussian_log_densities_are_those_of_scipy():
    rng = np.random.default_rng(6)
    means, precisions = rng.normal(size=(3, 2)), np.exp(rng.normal(size=(3, 2)))
    X = rng.normal(size=(20, 3))
    X[::2, 1] = np.nan
    densities = GaussianLogDensities(np.nan_to_num, means, precisions, np.array([True] * 3))
    expected = norm.logpdf(X[:, :, None], means, 1 / np.sqrt(precisions))
    expected += 0.5 * np.log(2 * np.pi)
    np.testing.assert_allclose(densities(X), np.nansum(expected, axis=1), atol=1e-12)


def test_quadratic_log_densities_are_those_of_scipy():
    rng = np.random.default_rng(7)
    means, roots = rng.normal(size=(2, 3)), rng.normal(size=(2, 3, 4))
    X = rng.normal(size=(20, 3))
    outputs = QuadraticLogDensities(identity, means, roots)(X)
    for k in range(2):
        expected = multivariate_normal(means[k], np.linalg.inv(roots[k] @ roots[k].T)).logpdf(X)
        np.testing.assert_allclose(np.ptp(outputs[:, k] - expected), 0, atol=1e-9)


def test_naive_bayes_is_additive_over_columns(table):
    rng = np.random.default_rng(8)
    x, b = table[:30], table[30:60]
    mixed, swapped = np.where(np.arange(5) < 2, x, b), np.where(np.arange(5) < 2, b, x)
    for _ in range(20):
        function = sample_naive_bayes(rng, table)
        together = function(x) + function(b)
        np.testing.assert_allclose(together, function(mixed) + function(swapped), atol=1e-8)


def test_nearest_neighbours_vote():
    rows = np.array([[0.0], [1.0], [2.0], [10.0]])
    labels = np.array([[1.0], [3.0], [5.0], [70.0]])
    X = np.array([[0.4], [9.0]])

    def vote(k, weighting):
        return NearestNeighbours(
            identity, np.ones(1), rows, labels, "cityblock", k, weighting, 1e-3
        )(X)[:, 0]

    np.testing.assert_allclose(vote(1, "uniform"), [1, 70])
    np.testing.assert_allclose(vote(3, "uniform"), [3, 26])
    np.testing.assert_allclose(vote(2, "distance")[0], (1 / 0.4 + 3 / 0.6) / (1 / 0.4 + 1 / 0.6))
    np.testing.assert_allclose(vote(1, "softmax"), [1, 70])


@pytest.mark.parametrize(
    ("profile", "value"),
    [
        ("gaussian", np.exp(-0.5 * 25 / 4)),
        ("laplace", np.exp(-7 / 2)),
        ("rational", 1 / (1 + 25 / 4)),
        ("polynomial", (1 + 11 / 2) ** 3),
        ("sigmoid", np.tanh(11 / 2)),
    ],
)
def test_kernel_profiles(profile, value):
    # Three and four away from the centre; a product of 11 with it.
    centre, row = np.array([[1.0, 2.0]]), np.array([[4.0, 6.0]])
    if profile in ("polynomial", "sigmoid"):
        row = np.array([[3.0, 4.0]])
    machine = KernelMachine(
        identity, np.ones(2), centre, np.ones((1, 1)), profile, 2.0, 3, normalised=False
    )
    np.testing.assert_allclose(machine(row), [[value]])
