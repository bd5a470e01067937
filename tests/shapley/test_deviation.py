"""Deviations: powers of what is seen, by hand, and what is seen of a real stack."""

import numpy as np
import pytest
import torch

from sklearn_metaexplain.shapley._deviation import (
    EVIDENCE,
    LEAST_ASKED,
    LEAST_VARIANCE,
    LOG_FACTORS,
    POWERS,
    DeviationEvidence,
    OwnErrors,
    deviation_evidence,
    expected_std,
    n_judged,
    share_of_std,
    sparsity,
    surprise,
)
from sklearn_metaexplain.shapley._kernel import default_parameters
from sklearn_metaexplain.shapley._stack import SurrogateStack

N_ROWS, N_PLAYERS, N_OUTPUTS = 5, 4, 2
FREE, ASKED = torch.zeros(N_ROWS), torch.full((N_ROWS,), float(LEAST_ASKED))


def evidence(seed=0):
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
        variances(*full),
        torch.tensor(500.0, dtype=torch.float64),
        torch.tensor(0.03, dtype=torch.float64),
    )


def without_own(seen):
    """The same, had none of the rows' own hybrids been evaluated."""
    return seen._replace(surprise=torch.ones_like(seen.surprise), move=torch.zeros_like(seen.move))


@pytest.mark.parametrize("kind", ["free", "asked"])
def test_a_deviation_by_hand(kind):
    seen = evidence()
    i, j, k = 3, 1, 1
    variance = np.exp(LOG_FACTORS[kind])
    process = float(seen.process[i, j, k])
    for name, value in {
        "process": process,
        "residual": seen.residual[k],
        "surprise": seen.surprise[i, k],
        "disagreement": seen.disagreement[i, j, k],
        "missing": seen.missing[i, k] / N_PLAYERS,
        "move": 1 + seen.move[i, j, k] / process,
        "evaluations": 500,
        "sparsity": 0.03,
    }.items():
        variance *= float(value) ** POWERS[kind].get(name, 0.0)
    found = expected_std(seen.logs(), ASKED if kind == "asked" else FREE)
    assert float(found[i, j, k]) == pytest.approx(variance**0.5, rel=1e-6)


def test_a_row_is_told_by_what_it_was_asked():
    logs = evidence().logs()
    told = expected_std(logs, torch.tensor([0, 8, 100, 2, 6]))
    free, asked = expected_std(logs, FREE), expected_std(logs, ASKED)
    torch.testing.assert_close(told[0], free[0])
    torch.testing.assert_close(told[1:3], asked[1:3])
    # A few evaluations do not make it another kind of row at once.
    torch.testing.assert_close(told[3], free[3] ** 0.75 * asked[3] ** 0.25)
    torch.testing.assert_close(told[4], free[4] ** 0.25 * asked[4] ** 0.75)


@pytest.mark.parametrize("name", EVIDENCE)
def test_all_evidence_counts(name):
    seen = evidence()
    more = seen._replace(**{name: 2 * getattr(seen, name)}).logs()
    for kind, n_asked in (("free", FREE), ("asked", ASKED)):
        change = expected_std(more, n_asked) / expected_std(seen.logs(), n_asked)
        # With more evaluations less is left of what single hybrids miss.
        sign = np.sign(POWERS[kind].get(name, 0.0))
        moved = (change - 1).abs() > 1e-12
        assert (torch.sign(change.log().where(moved, 0.0)) == sign).all()
        assert sign >= 0 or name == "evaluations"


@pytest.mark.parametrize("n_asked", [0, 3, 40])
def test_the_share_that_is_left_is_that_of_the_deviations(n_asked):
    later = evidence()
    before = without_own(later._replace(process=later.process / 0.3))
    share = share_of_std(before.logs(), later.process.sqrt(), later.surprise, later.move, n_asked)
    now = torch.full((N_ROWS,), n_asked)
    expected = expected_std(later.logs(), now) / expected_std(before.logs(), FREE)
    torch.testing.assert_close(share, expected)


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


def test_rows_are_the_sparser_the_fewer_and_many_are_as_good_as_more():
    far = [sparsity(n) for n in (20, 100, 1_000, 10_000)]
    assert far == sorted(far, reverse=True)
    assert far[0] > 2.5 * far[1] > 2.5 * far[2]
    assert far[2] < 1.1 * far[3]


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
    move = torch.linspace(-1, 1, 12, dtype=torch.float64).view(4, 3, 1)
    own = OwnErrors(n_asked, missed, move)
    seen = deviation_evidence(stack, values, std, missing, own, 50)
    assert float(seen.residual) == pytest.approx(float((stack.residuals**2).mean()))
    assert float(seen.evaluations) == 200
    assert float(seen.sparsity) == pytest.approx(sparsity(50))
    assert (seen.process == 0.25).all()
    assert (seen.missing == 0.0625).all()
    moved = seen.logs()[..., EVIDENCE.index("move")]
    torch.testing.assert_close(moved, (1 + move**2 / (0.25 + LEAST_VARIANCE)).log())
    usual = float(seen.residual)
    expected = [1, 1, (4 + 0.3 / usual) / 7, (4 + 0.3 / usual) / 7]
    assert seen.surprise[:, 0].tolist() == pytest.approx(expected, rel=1e-4)
    parts = np.stack([values.process, values.trees, values.network])[..., 0]
    mean = np.average(parts, axis=0, weights=stack.weights[0])
    expected = np.average((parts - mean) ** 2, axis=0, weights=stack.weights[0])
    np.testing.assert_allclose(seen.disagreement[..., 0], expected, atol=1e-12)
    same = values._replace(trees=values.process, network=values.process)
    nothing = OwnErrors.nothing(std)
    alike = deviation_evidence(stack, same, std, missing, nothing, 50)
    assert float(alike.move.abs().max()) == 0
    assert (alike.surprise == 1).all()
    assert float(alike.disagreement.abs().max()) < 1e-20
