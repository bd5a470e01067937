"""The Gaussian process on hybrid rows."""

from copy import copy

import numpy as np
import pytest
import torch

from sklearn_metaexplain.shapley._gp import HybridProcess, _spread_order, _squared_lengths
from sklearn_metaexplain.shapley._kernel import default_parameters
from sklearn_metaexplain.shapley._pivoted_cholesky import pivoted_cholesky

M = 5


def fitted(n=60, max_inducing=512, seed=0, n_outputs=2):
    generator = torch.Generator().manual_seed(seed)
    encoded = torch.randn(n, M, 2, generator=generator, dtype=torch.float64)
    outputs = torch.stack([encoded[..., 0].sin().sum(1), encoded[:, :2, 0].prod(1)], 1)
    outputs = outputs[:, :n_outputs] - outputs[:, :n_outputs].mean(0)
    process = HybridProcess(default_parameters(M), torch.arange(M), M, max_inducing=max_inducing)
    return process.fit(encoded, outputs), encoded, outputs


def exact_posterior(process, encoded, outputs, query):
    kernel = process.kernel
    rows, query = kernel.warp(encoded), kernel.warp(query)
    noisy = kernel(rows, rows) + process.noise * torch.eye(len(rows), dtype=torch.float64)
    cross = kernel(query, rows)
    mean = cross @ torch.linalg.solve(noisy, outputs)
    return mean, kernel(query, query) - cross @ torch.linalg.solve(noisy, cross.T)


def test_with_every_row_inducing_it_is_the_exact_process():
    process, encoded, outputs = fitted()
    query = torch.randn(7, M, 2, generator=torch.Generator().manual_seed(9), dtype=torch.float64)
    mean, _ = exact_posterior(process, encoded, outputs, query)
    torch.testing.assert_close(process.predict(query), mean)


def test_leave_one_out_equals_refitting():
    process, encoded, outputs = fitted(n=25)
    for i in (0, 11, 24):
        kept = torch.arange(25) != i
        mean, _ = exact_posterior(process, encoded[kept], outputs[kept], encoded[i : i + 1])
        torch.testing.assert_close(process.loo_residuals[i], outputs[i] - mean[0])


@pytest.mark.parametrize(("name", "factor"), [("line", 4.0**-4), ("waves", 1), ("noise", 4.0**3)])
def test_the_noise_is_the_multiple_with_the_least_leave_one_out_error(name, factor):
    process, encoded, outputs = fitted(n=40)
    if name == "line":
        line = process.kernel.warp(encoded)[:, :2]
        outputs = line - line.mean(0)
    elif name == "noise":
        generator = torch.Generator().manual_seed(1)
        outputs = torch.randn(40, 2, generator=generator, dtype=torch.float64)
    process.fit(encoded, outputs)
    rows, own = process.kernel.warp(encoded), float(process.kernel.parameters.noise)
    gram = process.kernel(rows, rows)

    def error(noise):
        inverse = torch.linalg.inv(gram + noise * torch.eye(40, dtype=torch.float64))
        return float(((inverse @ outputs) / inverse.diagonal()[:, None]).square().mean())

    best = min((own * 4.0**k for k in range(-4, 4)), key=error)
    assert process.noise == best == own * factor


def test_the_variance_is_as_large_as_what_is_left_out_says():
    process, encoded, outputs = fitted(n=25)
    shares = []
    for i in range(25):
        kept = torch.arange(25) != i
        mean, covariance = exact_posterior(
            process, encoded[kept], outputs[kept], encoded[i : i + 1]
        )
        shares.append((outputs[i] - mean[0]).square() / (covariance[0, 0] + process.noise))
    torch.testing.assert_close(process.variance_scale, torch.stack(shares).mean(0))


def test_inducing_rows_approximate_the_exact_process():
    exact, encoded, outputs = fitted(n=150)
    errors = []
    for max_inducing in (30, 75, 140):
        few, *_ = fitted(n=150, max_inducing=max_inducing)
        assert len(few.inducing) == max_inducing
        errors.append(float((few.predict(encoded) - exact.predict(encoded)).square().mean()))
    assert errors[0] > errors[1] > errors[2]
    assert errors[2] < 0.02 * float(outputs.var())


def test_duplicated_rows_stop_at_a_zero_pivot():
    process, encoded, _ = fitted(n=20)
    rows = process.kernel.warp(encoded).repeat(3, 1)
    chosen, factor = pivoted_cholesky(process.kernel, rows, 60)
    assert len(chosen) == 20
    torch.testing.assert_close(factor.T @ factor, process.kernel(rows, rows))


def test_pivots_leave_at_least_half_as_much_unexplained_as_any_row():
    process, encoded, _ = fitted(n=200)
    rows = process.kernel.warp(encoded)
    chosen, factor = pivoted_cholesky(process.kernel, rows, 60)
    assert len(set(chosen.tolist())) == 60
    taken = torch.cat([torch.zeros_like(factor[:1]), factor.square().cumsum(0)])[:-1]
    left = process.kernel.diagonal(rows) - taken  # before each step
    heights = left[torch.arange(60), chosen]
    torch.testing.assert_close(factor[torch.arange(60), chosen], heights.sqrt())
    assert bool((heights >= 0.5 * left.amax(1) - 1e-12).all())


def test_shapley_values_equal_enumeration_of_the_posterior_mean(enumerate_by_hand):
    process, encoded, _ = fitted()
    row, background = encoded[0], encoded[10:14]
    reading = process.set_background(background).read(row[None])
    expected = enumerate_by_hand(process.predict, row, background, torch.arange(M), M)
    torch.testing.assert_close((reading.effect @ process.alpha)[0], expected, rtol=0, atol=1e-9)
    torch.testing.assert_close(reading.cross @ process.alpha, process.predict(row[None]))


def test_std_equals_the_exact_posterior_s(enumerate_by_hand):
    process, encoded, outputs = fitted(n_outputs=1)
    row, background = encoded[0] + 1.0, encoded[10:13]
    process.set_background(background)
    std = process.shapley_std(process.read(row[None]))[0, :, 0]

    # The variance of a linear functional of the posterior: its Shapley operator on both sides.
    hybrids = []

    def collect(batch):
        hybrids.append(batch)
        return torch.zeros(len(batch))

    enumerate_by_hand(collect, row, background, torch.arange(M), M)
    hybrids = torch.cat(hybrids)
    _, covariance = exact_posterior(process, encoded, outputs, hybrids)
    position = iter(range(0, len(hybrids), len(background)))

    def weigh(batch):
        start = next(position)
        weights = torch.zeros(len(batch), len(hybrids), dtype=torch.float64)
        weights[torch.arange(len(batch)), start + torch.arange(len(batch))] = 1.0
        return weights

    operator = enumerate_by_hand(weigh, row, background, torch.arange(M), M)
    expected = (operator @ covariance @ operator.T).diagonal() * process.variance_scale
    torch.testing.assert_close(std.square(), expected, rtol=1e-5, atol=1e-12)


def test_std_is_that_against_eight_of_many_background_rows():
    process, encoded, _ = fitted()
    rows, background = encoded[:3] + 0.7, encoded[10:31]
    std = process.set_background(background).shapley_std(process.read(rows))
    few = process.set_background(background[_spread_order(21)[:8]])
    torch.testing.assert_close(std, few.shapley_std(few.read(rows)))


@pytest.mark.parametrize("n", [1, 2, 9, 100, 1000])
def test_the_first_things_of_an_order_are_spread_over_all(n):
    order = _spread_order(n)
    assert (np.sort(order) == np.arange(n)).all()
    for few in (8, n // 3, n // 2):
        if 0 < few <= n:
            gaps = np.diff(np.sort(order[:few]), prepend=-1, append=n)
            assert gaps.max() <= 2.7 * n / few + 1


@pytest.mark.parametrize("tolerated", [0.05, 0.005])
def test_so_many_background_rows_are_read_as_are_enough(tolerated):
    process, encoded, _ = fitted(n=200)
    process.set_background(encoded[:60])
    rows = encoded[60:160]
    every = process.read(rows)
    process.set_effort(encoded[160:176], torch.tensor([tolerated]))
    assert process.n_few < process.n_enough < 60
    values = (process.read(rows).effect - every.effect) @ process.alpha
    share = values.square().mean() / (every.effect @ process.alpha).square().mean()
    assert float(share) < 2.5 * tolerated
    torch.testing.assert_close(process.read(rows, thorough=True).effect, every.effect)


@pytest.mark.parametrize(("n_background", "share"), [(60, 4), (20, 2), (12, 3)])
def test_background_rows_are_enough_as_the_variance_of_their_mean_falls(n_background, share):
    process, encoded, _ = fitted(n=200, n_outputs=1)
    reading = process.set_background(encoded[:n_background]).read(encoded[60:76])
    values, of_few = reading.effect @ process.alpha, reading.effect_of_few @ process.alpha
    measured = (values - of_few).square().mean() / values.square().mean()
    process.set_effort(encoded[60:76], measured[None] / share)

    def variance(n):
        """Of the mean of so many, drawn without replacement, up to a factor."""
        return (1 - n / n_background) / n

    assert variance(process.n_enough) <= variance(8) / share < variance(process.n_enough - 1)


def test_effort_for_what_is_not_needed_or_must_be_exact():
    process, encoded, _ = fitted(n=80)
    process.set_background(encoded[:60])
    assert process.set_effort(encoded[60:64], torch.tensor([torch.inf])).n_enough == 8
    process.set_background(encoded[:60])
    assert process.set_effort(encoded[60:64], torch.tensor([0.0])).n_enough == 60
    process.set_background(encoded[:5])
    assert process.set_effort(encoded[60:64], torch.tensor([torch.inf])).n_enough == 5


def test_single_precision_where_rounding_adds_next_to_nothing():
    process, encoded, _ = fitted(n=80)
    process.set_background(encoded[:60])
    rows = encoded[60:70]
    exact = process.read(rows).effect
    process.set_effort(rows, torch.tensor([torch.inf]))
    process.n_enough = 60
    rounded = process.read(rows).effect
    off = (rounded - exact).abs().max() / exact.abs().max()
    assert 1e-9 < float(off) < 1e-6
    # Who asks the model about a row gets all digits.
    torch.testing.assert_close(process.read(rows, thorough=True).effect, exact, rtol=0, atol=0)
    # One output that has to be exact is enough.
    process.set_background(encoded[:60]).set_effort(rows, torch.tensor([torch.inf, 1e-13]))
    process.n_enough = 60
    torch.testing.assert_close(process.read(rows).effect, exact, rtol=0, atol=0)


def test_double_precision_where_a_deviation_is_what_cancels():
    _, encoded, outputs = fitted(n=80)
    parameters = default_parameters(M)
    long = torch.full_like(parameters.smooth, 2000.0)
    parameters = parameters._replace(
        smooth=long, rough=long, mix=0.999 * long / 2000, noise=torch.tensor(1e-9).double()
    )
    process = HybridProcess(parameters, torch.arange(M), M).fit(encoded, outputs)
    rows = encoded[40:50]
    std = process.set_background(encoded[:20]).shapley_std(process.read(rows))
    # Though its values be not needed at all.
    process.set_effort(rows, torch.full((2,), torch.inf).double())
    torch.testing.assert_close(process.shapley_std(process.read(rows)), std, rtol=1e-6, atol=0)


def test_what_is_explained_has_a_triangular_factor():
    process, encoded, _ = fitted(n=300)  # more than a block
    factor = process.explained_root
    torch.testing.assert_close(factor, factor.tril())
    rows = process.kernel.warp(encoded)
    # What is left of the prior's variance where the process was told the outputs.
    left = process.kernel.diagonal(rows) - _squared_lengths(
        process.kernel(rows, process.inducing), factor
    )
    _, covariance = exact_posterior(process, encoded, torch.zeros(300, 2).double(), encoded)
    torch.testing.assert_close(left, covariance.diagonal())


def test_rows_conditioned_on_their_outputs_agree_with_what_was_read():
    process, encoded, _ = fitted(n=80)
    process.set_background(encoded[:60])
    rows, misfit = encoded[60:64], torch.ones(4, 2, dtype=torch.float64)
    process.n_enough = 12
    some = process.condition_on_outputs(process.read(rows), misfit)
    few = copy(process).set_background(encoded[:60][_spread_order(60)[:12]])
    # The linear part knows the mean of all background rows whatever is read.
    few.background = torch.cat([few.background, process.background[12:]])
    few.n_enough = 12
    for one, other in zip(some, few.condition_on_outputs(few.read(rows), misfit), strict=True):
        torch.testing.assert_close(one, other)
    update, explained = process.condition_on_outputs(
        process.read(rows, thorough=True), misfit, thorough=True
    )
    process.n_enough = 60
    for one, other in zip(
        (update, explained), process.condition_on_outputs(process.read(rows), misfit), strict=True
    ):
        torch.testing.assert_close(one, other)


def test_conditioning_on_a_row_s_output_is_learning_it_as_one_more(enumerate_by_hand):
    process, encoded, outputs = fitted(n=40)
    row, background = encoded[:1] + 0.8, encoded[10:14]
    told = torch.tensor([[2.0, -1.0]], dtype=torch.float64)
    reading = process.set_background(background).read(row)
    update, explained = process.condition_on_outputs(reading, told - process.predict(row))
    more, known = torch.cat([encoded, row]), torch.cat([outputs, told])

    def change(hybrids):
        after, _ = exact_posterior(process, more, known, hybrids)
        return after - process.predict(hybrids)

    expected = enumerate_by_hand(change, row[0], background, torch.arange(M), M)
    torch.testing.assert_close(update[0], expected, rtol=1e-6, atol=1e-9)
    # What it takes off the variance is the square of what a unit of the output's deviation adds.
    _, covariance = exact_posterior(process, encoded, outputs, row)
    deviation = (covariance[0, 0] + process.noise).sqrt().expand(1, 2)
    unit, _ = process.condition_on_outputs(reading, deviation)
    torch.testing.assert_close(explained, unit[..., 0].square(), rtol=1e-6, atol=1e-12)


def test_std_grows_away_from_the_evaluations():
    process, encoded, _ = fitted()
    process.set_background(encoded[20:25])
    near = process.shapley_std(process.read(encoded[:5])).mean()
    far = process.shapley_std(process.read(encoded[:5] + 6.0)).mean()
    assert float(far) > 1.5 * float(near)
