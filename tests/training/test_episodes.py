"""Episodes: their truth and their stream."""

import numpy as np
import pandas as pd
import pytest
import torch

from sklearn_metaexplain.prior import sample_task
from sklearn_metaexplain.shapley._enumeration import (
    all_coalitions,
    shapley_from_coalitions,
    walk_shapley,
)
from sklearn_metaexplain.training._episodes import EpisodeStream, draw_episode
from sklearn_metaexplain.training._evaluated_model import evaluate_model


def equal(first, second):
    return all(
        torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b
        for a, b in zip(first, second, strict=True)
    )


@pytest.mark.parametrize("n_columns", [2, 5, 11])
def test_values_are_efficient_and_outputs_standardised(n_columns):
    episode = draw_episode(np.random.default_rng(0), n_columns=n_columns, n_support=80)
    assert episode.support.shape[0] == len(episode.outputs) == 80
    assert episode.n_players == n_columns
    torch.testing.assert_close(episode.values.sum(1), episode.gap, rtol=0, atol=1e-4)
    assert abs(float(episode.outputs.mean())) < 1e-5
    assert float(episode.outputs.std(correction=0)) == pytest.approx(1, abs=1e-4)
    assert not episode.values[~episode.can_matter].any()
    for part in (episode.support, episode.query, episode.background, episode.values):
        assert bool(torch.isfinite(part).all())


@pytest.mark.parametrize("n_columns", [2, 5, 11])
def test_episodes_of_tables_with_categories(n_columns):
    options = {"n_columns": n_columns, "n_support": 600, "mixed_share": 1.0}
    episode = draw_episode(np.random.default_rng(n_columns), **options)
    assert episode.n_players == n_columns
    assert set(episode.player_of_column.tolist()) == set(range(n_columns))
    # Categories are placed on further axes, as MetaExplainer has them.
    assert len(episode.player_of_column) > n_columns
    torch.testing.assert_close(episode.values.sum(1), episode.gap, rtol=0, atol=1e-4)
    assert not episode.values[~episode.can_matter].any()
    for part in (episode.support, episode.query, episode.background, episode.values):
        assert bool(torch.isfinite(part).all())
    assert equal(episode, draw_episode(np.random.default_rng(n_columns), **options))


def test_walks_agree_with_enumeration():
    rng = np.random.default_rng(1)
    task = sample_task(rng, n_columns=5, families=["network"])
    rows, background = task.table[:3], task.table[-4:]

    def evaluate(row, theirs, inside):
        return task.model(np.where(inside, rows[row], background[theirs]))

    sizes = {"n_rows": 3, "n_background": 4, "n_players": 5}
    coalitions = all_coalitions(5)
    row, theirs, sets = np.indices((3, 4, 32)).reshape(3, -1)
    games = evaluate(row, theirs, coalitions[sets]).reshape(3, 4, 32).mean(1)
    expected = shapley_from_coalitions(games.T).T
    estimate = walk_shapley(rng, evaluate, n_walks=400, **sizes)
    assert np.abs(estimate - expected).max() < 0.05 * np.abs(expected).max()
    rough = walk_shapley(rng, evaluate, n_walks=2, **sizes)
    np.testing.assert_allclose(rough.sum(1), expected.sum(1), atol=1e-9)


def test_stream_is_seeded_and_resumes():
    stream = EpisodeStream(seed=3, n_steps=3, batch_size=2, max_support=70)
    batches = list(stream)
    assert [len(batch) for batch in batches] == [2, 2, 2]
    assert not equal(batches[0][0], batches[1][0])
    resumed = EpisodeStream(seed=3, n_steps=1, batch_size=2, max_support=70, start=2)
    for first, second in zip(next(iter(resumed)), batches[2], strict=True):
        assert equal(first, second)
    other = next(iter(EpisodeStream(seed=4, n_steps=1, batch_size=2, max_support=70)))
    assert not equal(other[0], batches[0][0])


@pytest.mark.parametrize("hybrids", [True, False])
def test_categories_of_logged_rows_alone_are_placed_out_of_fold(hybrids):
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"town": [f"T{place % 100}" for place in range(200)]})
    table["x"] = rng.normal(size=200)

    def noise(rows):
        return np.sin(1e5 * rows["x"].to_numpy())

    episode = evaluate_model(
        rng,
        table,
        noise,
        n_support=190,
        n_query=4,
        n_background=8,
        family="made up",
        hybrids=hybrids,
    )
    town = episode.support[:, 0, 0].numpy()
    told = np.corrcoef(town, episode.outputs.numpy())[0, 1]
    assert told > 0.4 if hybrids else abs(told) < 0.2
