"""Choosing hybrids of a row, and what they tell, against the exact posterior."""

import numpy as np
import pytest
import torch

from sklearn_metaexplain.shapley._gp import HybridProcess
from sklearn_metaexplain.shapley._kernel import default_parameters
from sklearn_metaexplain.shapley._selection import RowPosterior, make_pool
from tests.shapley.test_gp import M, exact_posterior, fitted


def candidates(n=12, seed=5, n_background=4, n_outputs=1):
    process, encoded, outputs = fitted(n_outputs=n_outputs)
    generator = torch.Generator().manual_seed(seed)
    row = torch.randn(M, 2, generator=generator, dtype=torch.float64)
    background = encoded[:n_background]
    coalitions = torch.rand(n, M, generator=generator) < 0.5
    backgrounds = torch.arange(n) % n_background
    hybrids = torch.where(coalitions[..., None], row, background[backgrounds])
    process.set_background(background)
    pool = make_pool(process, background, torch.arange(M), coalitions.numpy(), backgrounds.numpy())
    return process, encoded, outputs, row, background, hybrids, pool


def posterior_of(process, row):
    return RowPosterior(process, process.read(row[None]), 0)


def test_conditioning_equals_refitting_on_the_row_s_own_evaluations(enumerate_by_hand):
    process, encoded, outputs, row, background, hybrids, pool = candidates()
    posterior = posterior_of(process, row)
    # In two goes, so that what is known already counts.
    first = np.arange(12) < 5
    chosen = [posterior.choose(pool, first, 3), posterior.choose(pool, ~first, 4)]
    assert first[chosen[0]].all()
    assert not first[chosen[1]].any()
    own = torch.cat([row[None], hybrids[np.concatenate(chosen)]])
    generator = torch.Generator().manual_seed(2)
    truth = torch.randn(len(own), 1, generator=generator, dtype=torch.float64)
    both, targets = torch.cat([encoded, own]), torch.cat([outputs, truth])
    expected = enumerate_by_hand(
        lambda rows: exact_posterior(process, both, targets, rows)[0],
        row,
        background,
        torch.arange(M),
        M,
    )
    reading = process.read(row[None])
    values = reading.effect[0] @ process.alpha
    values = values + posterior.update(truth - process.predict(own))
    torch.testing.assert_close(values, expected, rtol=0, atol=1e-5)


def test_the_row_itself_is_known_first():
    process, *_, row, _, _, _ = candidates(n_outputs=2)
    posterior = posterior_of(process, row)
    misfit = torch.tensor([[0.7, -0.2]], dtype=torch.float64)
    update, explained = process.condition_on_outputs(process.read(row[None]), misfit)
    torch.testing.assert_close(posterior.update(misfit), update[0], rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(posterior.explained, explained[0], rtol=1e-6, atol=1e-8)


def test_what_hybrids_add_to_the_row_s_own_output():
    process, *_, row, _, _, pool = candidates(n_outputs=2)
    posterior = posterior_of(process, row)
    misfit = torch.randn(6, 2, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    of_the_row = posterior.update(misfit[:1])
    posterior.choose(pool, np.ones(12, dtype=bool), 5)
    added = posterior.update(misfit, first=1)
    assert float(added.abs().max()) > 0.01
    torch.testing.assert_close(of_the_row + added, posterior.update(misfit))
    # Nothing is added where hybrids are as the row lets expect.
    expected = torch.from_numpy(posterior.lower[:, :1]) * misfit[:1] / posterior.lower[0, 0]
    torch.testing.assert_close(
        posterior.update(expected, first=1), torch.zeros_like(added), rtol=0, atol=1e-12
    )


def test_innovations_are_what_the_row_and_earlier_hybrids_did_not_let_expect():
    process, encoded, outputs, row, _, hybrids, pool = candidates(n_outputs=2)
    posterior = posterior_of(process, row)
    assert len(posterior.innovations(torch.ones(1, 2, dtype=torch.float64))) == 0
    assert len(posterior.deviations) == 0
    chosen = posterior.choose(pool, np.ones(12, dtype=bool), 5)
    own = torch.cat([row[None], hybrids[chosen]])
    generator = torch.Generator().manual_seed(3)
    truth = torch.randn(len(own), 2, generator=generator, dtype=torch.float64)
    told = posterior.innovations(truth - process.predict(own))
    assert told.shape == (5, 2)
    for k in range(1, len(own)):
        known = torch.cat([encoded, own[:k]]), torch.cat([outputs, truth[:k]])
        mean, covariance = exact_posterior(process, *known, own[k : k + 1])
        torch.testing.assert_close(told[k - 1], truth[k] - mean[0], rtol=0, atol=1e-5)
        variance = float(covariance) + process.noise
        assert posterior.deviations[k - 1] == pytest.approx(variance**0.5, abs=1e-5)


def test_what_is_left_of_answers_is_what_the_process_refitted_to_them_misses():
    process, encoded, outputs, row, _, hybrids, pool = candidates(n_outputs=2)
    posterior = posterior_of(process, row)
    own = torch.cat([row[None], hybrids[posterior.choose(pool, np.ones(12, dtype=bool), 5)]])
    generator = torch.Generator().manual_seed(3)
    truth = torch.randn(len(own), 2, generator=generator, dtype=torch.float64)
    known = torch.cat([encoded, own]), torch.cat([outputs, truth])
    mean, _ = exact_posterior(process, *known, own)
    left = posterior.left(truth - process.predict(own))
    torch.testing.assert_close(left, truth - mean, rtol=0, atol=1e-5)


def test_each_choice_is_the_best_single_one():
    process, *_, row, _, _, pool = candidates(n=30)
    chosen = posterior_of(process, row).choose(pool, np.ones(30, dtype=bool), 4)
    for n in range(4):
        explained = np.full(30, -np.inf)
        for candidate in set(range(30)) - set(chosen[:n].tolist()):
            posterior = posterior_of(process, row)
            for known in (*chosen[:n], candidate):
                posterior.choose(pool, np.arange(30) == known, 1)
            explained[candidate] = posterior.explained.sum()
        assert explained[chosen[n]] == pytest.approx(explained.max(), rel=1e-6)


def test_a_longer_choice_begins_with_a_shorter_one():
    process, *_, row, _, _, pool = candidates(n=40)
    usable = np.arange(40) % 3 > 0
    longest = posterior_of(process, row).choose(pool, usable, 20)
    assert usable[longest].all()
    assert len(set(longest.tolist())) == 20
    for n in (1, 7):
        shorter = posterior_of(process, row).choose(pool, usable, n)
        np.testing.assert_array_equal(longest[:n], shorter)


def test_it_stops_when_it_is_enough():
    process, *_, row, _, _, pool = candidates(n=30)
    posterior, usable = posterior_of(process, row), np.ones(30, dtype=bool)
    before = posterior.explained.sum()
    chosen = posterior.choose(pool, usable, 25, lambda now, _: now.sum() > before + 1e-4)
    assert 0 < len(chosen) < 25
    assert posterior.explained.sum() > before + 1e-4
    shorter = posterior_of(process, row)
    shorter.choose(pool, usable, len(chosen) - 1)
    assert shorter.explained.sum() <= before + 1e-4
    assert len(posterior.choose(pool, usable, 25, lambda now, _: True)) == 0


def test_what_is_enough_may_depend_on_how_many_were_asked():
    process, *_, row, _, _, pool = candidates(n=30)
    posterior, usable = posterior_of(process, row), np.ones(30, dtype=bool)
    first = posterior.choose(pool, usable, 25, lambda now, deviations: len(deviations) == 4)
    assert len(first) == posterior.n_asked == 4
    usable[first] = False
    assert (
        len(posterior.choose(pool, usable, 25, lambda now, deviations: len(deviations) == 6)) == 2
    )


@pytest.mark.parametrize("off", [0.0, 1e-9])
def test_what_could_tell_nothing_is_not_chosen(off):
    process, _, _, _, background, _, _ = candidates()
    same = background[:1].expand(4, -1, -1)
    process.set_background(same)
    coalitions = np.random.RandomState(0).rand(9, M) < 0.5
    pool = make_pool(process, same, torch.arange(M), coalitions, np.zeros(9, dtype=int))
    # The row is its own background, but for rounding: no player can have a value.
    posterior = posterior_of(process, background[0] + off)
    assert len(posterior.choose(pool, np.ones(9, dtype=bool), 9)) == 0


@pytest.mark.parametrize("off", [-1e-9, 1e-9])
def test_of_hybrids_that_tell_as_much_the_first_is_chosen(off):
    process, _, _, row, background, _, _ = candidates()
    # Between the rows that were evaluated, where what a hybrid tells has a slope.
    twins = torch.stack([background[0] + 0.1, background[0] + 0.1 + off])
    coalitions = np.arange(M)[None].repeat(2, axis=0) < 2
    pool = make_pool(process, twins, torch.arange(M), coalitions, np.array([0, 1]))
    assert posterior_of(process, row).choose(pool, np.ones(2, dtype=bool), 1).tolist() == [0]


def test_players_of_several_columns():
    _, encoded, outputs = fitted()
    players = torch.tensor([0, 1, 0, 2, 1])
    process = HybridProcess(default_parameters(M), players, 3).fit(encoded, outputs)
    process.set_background(encoded[:4])
    coalitions = np.array([[True, False, False], [False, True, True]])
    pool = make_pool(process, encoded[:4], players, coalitions, np.array([1, 3]))
    row = encoded[20]
    posterior = posterior_of(process, row)
    chosen = posterior.choose(pool, np.ones(2, dtype=bool), 2)
    inside = torch.from_numpy(coalitions[chosen])[:, players, None]
    hybrids = torch.where(inside, row, encoded[:4][np.array([1, 3])[chosen]])
    torch.testing.assert_close(posterior.seen[1:], process.kernel.warp(hybrids))
