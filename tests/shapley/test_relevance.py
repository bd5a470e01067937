"""What a kernel says about columns."""

import pytest
import torch

from sklearn_metaexplain.shapley._kernel import (
    ProductKernel,
    default_parameters,
    parameters_from_raw,
)
from sklearn_metaexplain.shapley._network import NetworkBag
from sklearn_metaexplain.shapley._relevance import column_relevance
from tests.shapley.networks import M, evaluated


def drawn_parameters(seed=0, m=6):
    generator = torch.Generator().manual_seed(seed)
    columns = torch.randn(m, 5, generator=generator, dtype=torch.float64)
    return parameters_from_raw(columns, torch.zeros(2, dtype=torch.float64))


@pytest.mark.parametrize("seed", range(3))
def test_relevance_is_what_factors_lose_at_distance_1(seed):
    parameters = drawn_parameters(seed)
    m = len(parameters.warp)
    kernel = ProductKernel(parameters, torch.arange(m), m)
    zeros, ones = torch.zeros(1, m, dtype=torch.float64), torch.ones(1, m, dtype=torch.float64)
    lost = 1 - kernel.factors(zeros, ones)[0, :, 0]
    relevance = column_relevance(parameters)
    torch.testing.assert_close(relevance.sum(1), (lost / lost.max()).clamp_min(0.01))
    torch.testing.assert_close(relevance[:, 1] / relevance.sum(1), parameters.warp)


def test_a_column_that_the_kernel_does_not_see_keeps_a_hundredth():
    parameters = default_parameters(3)
    lengths = torch.tensor([2.0, 2.0, 1e9], dtype=torch.float64)
    parameters = parameters._replace(smooth=lengths, rough=lengths)
    torch.testing.assert_close(
        column_relevance(parameters).sum(1), torch.tensor([1.0, 1.0, 0.01], dtype=torch.float64)
    )


def test_equal_relevance_changes_nothing_whatever_its_size():
    encoded, outputs = evaluated(n=150)
    plain = NetworkBag().fit(encoded, outputs - outputs.mean(0))
    told = NetworkBag(relevance=torch.full((M, 2), 0.3, dtype=torch.float64))
    told.fit(encoded, outputs - outputs.mean(0))
    torch.testing.assert_close(told.predict(encoded), plain.predict(encoded), rtol=0, atol=1e-3)


def test_values_and_ranks_vary_as_the_kernel_blends_them():
    """Columns that matter alike are read otherwise than untold, but with the same variance."""
    relevance = column_relevance(default_parameters(M))
    value, rank = relevance[0].tolist()
    assert value > 2 * rank > 0
    encoded, outputs = evaluated(n=150)
    plain, told = (
        NetworkBag(effort=0.02, relevance=known).fit(encoded, outputs - outputs.mean(0))
        for known in (None, relevance)
    )
    untold, read = (
        bag.standardise(encoded[:, bag.order].flatten(1)).var(0, correction=0)
        for bag in (plain, told)
    )
    shares = torch.tensor([value, rank], dtype=torch.float64) / (value + rank)
    torch.testing.assert_close(untold, torch.ones_like(untold))
    # Sizes are rounded.
    torch.testing.assert_close(read, (2 * shares).repeat(M), rtol=2e-3, atol=0)
    torch.testing.assert_close(read.sum(), untold.sum(), rtol=2e-3, atol=0)
    assert float((told.predict(encoded) - plain.predict(encoded)).abs().max()) > 1e-3


def test_networks_that_know_which_columns_matter_learn_more_from_few_rows():
    generator = torch.Generator().manual_seed(0)
    z = torch.randn(1128, 12, generator=generator, dtype=torch.float64)
    outputs = (torch.sin(2 * z[:, :1]) + z[:, 1:2] * z[:, 2:3]) / 2
    encoded = torch.stack([z, torch.special.ndtr(z)], -1)
    center = outputs[:128].mean(0)
    relevance = torch.full((12, 2), 0.01, dtype=torch.float64)
    relevance[:3] = 1.0
    missed = {}
    for name, known in (("told", relevance), ("untold", None), ("misled", relevance.flip(0))):
        bag = NetworkBag(relevance=known).fit(encoded[:128], outputs[:128] - center)
        told = center + bag.predict(encoded[128:])
        missed[name] = float((outputs[128:] - told).square().mean())
    assert missed["told"] < 0.6 * missed["untold"] < 0.6 * missed["misled"]
