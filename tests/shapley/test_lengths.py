"""The lengths of a kernel, by leave-one-out errors."""

import pytest
import torch

from sklearn_metaexplain.shapley._gp import HybridProcess
from sklearn_metaexplain.shapley._kernel import default_parameters
from sklearn_metaexplain.shapley._lengths import fit_best_lengths

M, N = 3, 160


def drawn_from_the_default_kernel(seed):
    """Rows and outputs, two of a function that a process with the default kernel drew."""
    generator = torch.Generator().manual_seed(seed)
    encoded = torch.randn(2 * N, M, 2, generator=generator, dtype=torch.float64)
    kernel = process(1.0).kernel
    rows = kernel.warp(encoded)
    gram = kernel(rows, rows) + 1e-6 * torch.eye(2 * N, dtype=torch.float64)
    noise = torch.randn(2 * N, 2, generator=generator, dtype=torch.float64)
    return encoded, torch.linalg.cholesky(gram) @ noise


def process(factor, **options):
    parameters = default_parameters(M)
    parameters = parameters._replace(
        smooth=parameters.smooth * factor, rough=parameters.rough * factor
    )
    return HybridProcess(parameters, torch.arange(M), M, **options)


def factor_of(fitted):
    return float((fitted.kernel.parameters.smooth / default_parameters(M).smooth).mean())


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("proposed", [1 / 6, 6.0])
def test_wrong_lengths_are_put_right(proposed, seed):
    encoded, outputs = drawn_from_the_default_kernel(seed)
    known, others = slice(0, N), slice(N, None)
    centred = outputs[known] - outputs[known].mean(0)
    wrong = process(proposed).fit(encoded[known], centred)
    righted = fit_best_lengths(process(proposed), encoded[known], centred)

    def error(fitted):
        guess = fitted.predict(encoded[others]) + outputs[known].mean(0)
        return float((guess - outputs[others]).square().mean())

    assert error(righted) < 0.9 * error(wrong)
    # Both of its lengths, and nothing else.
    assert abs(torch.tensor(factor_of(righted)).log2()) < abs(torch.tensor(proposed).log2())
    ratio = righted.kernel.parameters.rough / wrong.kernel.parameters.rough
    torch.testing.assert_close(ratio, ratio.new_full((M,), factor_of(righted) / proposed))
    for name in ("mix", "weight", "warp", "amplitude"):
        mine = getattr(righted.kernel.parameters, name)
        torch.testing.assert_close(mine, getattr(wrong.kernel.parameters, name))


def test_they_stay_within_a_factor_of_four_and_hardly_move_where_they_are_right():
    encoded, outputs = drawn_from_the_default_kernel(0)
    far = fit_best_lengths(process(64.0), encoded, outputs)
    assert factor_of(far) == pytest.approx(16.0)
    near = fit_best_lengths(process(1.0), encoded, outputs)
    assert 0.5 <= factor_of(near) <= 2.0


def test_no_factor_next_to_it_has_less_error():
    encoded, outputs = drawn_from_the_default_kernel(1)
    best = fit_best_lengths(process(3.0), encoded, outputs)
    for step in (2**-0.5, 2**0.5):
        other = best.with_lengths(step).fit(encoded, outputs)
        assert best.loo_residuals.square().mean() <= other.loo_residuals.square().mean()


def test_settings_are_kept():
    groups = torch.tensor([0, 1, 0])
    grouped = HybridProcess(default_parameters(M), groups, 2, max_inducing=17)
    encoded, outputs = drawn_from_the_default_kernel(2)
    other = grouped.with_lengths(0.5).fit(encoded, outputs)
    assert len(other.inducing) == 17
    assert other.set_background(encoded[:3]).read(encoded[:4]).effect.shape == (4, 2, 17)
