"""Deviations: powers of what is seen, by hand, and what is seen of a real stack."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from sklearn_metaexplain.shapley._deviation import (
    LOG_FACTOR,
    POWERS,
    DeviationEvidence,
    deviation_evidence,
    expected_std,
    n_judged,
    share_of_std,
    surprise,
)
from sklearn_metaexplain.shapley._kernel import default_parameters
from sklearn_metaexplain.shapley._stack import SurrogateStack

N_ROWS, N_PLAYERS, N_OUTPUTS = 5, 4, 2


def evidence(*, n_support=2048, n_asked=0.0, seed=0):
    generator = torch.Generator().manual_seed(seed)

    def variances(*shape):
        return torch.rand(*shape, generator=generator, dtype=torch.float64) + 0.01

    full = (N_ROWS, N_PLAYERS, N_OUTPUTS)
    return DeviationEvidence(
        variances(*full),
        variances(N_OUTPUTS),
        variances(N_ROWS, N_OUTPUTS),
        variances(*full),
        variances(N_ROWS, N_OUTPUTS),
        n_support,
        torch.full((N_ROWS,), n_asked, dtype=torch.float64),
    )


def test_a_deviation_by_hand():
    seen = evidence(n_asked=12.0)
    i, j, k = 3, 1, 1
    variance = np.exp(LOG_FACTOR)
    for name, value in {
        "process": seen.process[i, j, k],
        "residual": seen.residual[k],
        "surprise": seen.surprise[i, k],
        "disagreement": seen.disagreement[i, j, k],
        "missing": seen.missing[i, k] / N_PLAYERS,
        "n_evaluations": 2048 / 1024 + 12 / N_PLAYERS,
    }.items():
        variance *= float(value) ** POWERS[name]
    assert float(expected_std(seen.logs())[i, j, k]) == pytest.approx(variance**0.5, rel=1e-6)


def test_less_is_known_of_what_was_asked_about_less():
    stds = [
        expected_std(evidence(n_support=n, n_asked=m).logs())
        for n, m in ((128, 0.0), (2048, 0.0), (2048, 5.0), (2048, 50.0))
    ]
    for more, less in pairwise(stds):
        assert (less < more).all()


@pytest.mark.parametrize("name", ["process", "residual", "surprise", "disagreement", "missing"])
def test_all_evidence_counts(name):
    seen = evidence()
    more = seen._replace(**{name: 2 * getattr(seen, name)})
    assert (expected_std(more.logs()) > expected_std(seen.logs())).all()


@pytest.mark.parametrize("n_asked", [1, 40])
def test_the_share_that_is_left_is_that_of_the_deviations(n_asked):
    seen = evidence()
    now = seen.process * torch.rand(seen.process.shape, dtype=torch.float64).clamp_min(0.01)
    before = seen._replace(surprise=torch.ones_like(seen.surprise))
    later = seen._replace(process=now, n_asked=torch.full((N_ROWS,), float(n_asked)))
    share = share_of_std(seen.process.sqrt(), now.sqrt(), 2048, n_asked, seen.surprise)
    torch.testing.assert_close(share, expected_std(later.logs()) / expected_std(before.logs()))


def test_surprise_is_one_where_nothing_was_asked_or_all_is_as_usual():
    residual = torch.tensor([0.1, 0.4], dtype=torch.float64)
    torch.testing.assert_close(
        surprise(torch.zeros(3, 2), 0, residual), torch.ones(3, 2, dtype=torch.float64)
    )
    # So little is missed that nothing is known of it.
    nothing = torch.full((2,), 1e-12, dtype=torch.float64)
    torch.testing.assert_close(
        surprise(torch.zeros(3, 2), 50, nothing),
        torch.ones(3, 2, dtype=torch.float64),
        rtol=1e-3,
        atol=0,
    )
    missed = (9 * residual).expand(3, 2)
    torch.testing.assert_close(surprise(missed, 9, residual), torch.ones_like(missed))
    n = torch.tensor([0, 8, 400])[:, None]
    told = surprise(3 * n * residual, n, residual)
    torch.testing.assert_close(told[0], torch.ones_like(told[0]))
    assert (told[1:] > 1).all()
    torch.testing.assert_close(told[2], torch.full_like(told[2], 3.0), rtol=0.02, atol=0)
    assert [n_judged(n) for n in (0, 1, 2, 7, 100)] == [0, 0, 1, 3, 50]


def test_what_is_seen_of_a_stack():
    rng = np.random.default_rng(0)
    levels = torch.from_numpy(rng.normal(size=(200, 3)))
    encoded = torch.stack([levels, levels], -1)
    outputs = (levels[:, :1] * levels[:, 1:2]).sin()
    players = torch.arange(3)
    stack = SurrogateStack(default_parameters(3), players, 3).fit(encoded, outputs)
    stack.set_background(encoded[:6])
    rows = encoded[:4]
    values = stack.shapley(rows, torch.ones(4, 3, dtype=torch.bool))
    std = torch.full((4, 3, 1), 0.5, dtype=torch.float64)
    missing = torch.full((4, 1), 0.25, dtype=torch.float64)
    n_asked = torch.tensor([0.0, 1.0, 6.0, 7.0])
    missed = torch.tensor([[0.0], [0.0], [0.3], [0.3]], dtype=torch.float64)
    seen = deviation_evidence(stack, values, std, missing, n_asked, missed)
    assert seen.n_support == 200
    assert float(seen.residual) == pytest.approx(float((stack.residuals**2).mean()))
    assert (seen.process == 0.25).all()
    assert (seen.missing == 0.0625).all()
    usual = float(seen.residual)
    expected = [1, 1, (4 + 0.3 / usual) / 7, (4 + 0.3 / usual) / 7]
    assert seen.surprise[:, 0].tolist() == pytest.approx(expected, rel=1e-4)
    parts = np.stack([values.process, values.trees, values.network])[..., 0]
    mean = np.average(parts, axis=0, weights=stack.weights[0])
    expected = np.average((parts - mean) ** 2, axis=0, weights=stack.weights[0])
    np.testing.assert_allclose(seen.disagreement[..., 0], expected, atol=1e-12)
    same = values._replace(trees=values.process, network=values.process)
    alike = deviation_evidence(stack, same, std, missing, n_asked, missed)
    assert float(alike.disagreement.abs().max()) < 1e-20
