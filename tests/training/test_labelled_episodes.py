"""Episodes of classification: how tables are split and encoded."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sklearn_metaexplain.nets._labelled_table import LabelledEncoder
from sklearn_metaexplain.prior import LabelledTable
from sklearn_metaexplain.training import _labelled_episodes
from sklearn_metaexplain.training._labelled_episodes import (
    _split,
    draw_labelled_episode,
    labelled_episode,
)


@given(st.integers(0, 10**6), st.sampled_from([(256, 20), (16, 20), (5, 2), (4, 9), (64, 3)]))
@settings(max_examples=25, deadline=None)
def test_sizes(seed, most):
    max_support, max_classes = most
    episode = draw_labelled_episode(
        np.random.default_rng(seed), max_support=max_support, max_classes=max_classes
    )
    n_support, n_columns, _ = episode.support.shape
    assert n_columns >= 2
    assert n_support == len(episode.labels) <= max_support
    assert 2 <= episode.n_classes <= max_classes
    assert set(episode.labels.tolist()) == set(range(episode.n_classes))
    assert episode.query.shape == (len(episode.query_labels), n_columns, 2)
    assert 1 <= len(episode.query) <= 64
    assert set(episode.query_labels.tolist()) <= set(range(episode.n_classes))
    for part in (episode.support, episode.query):
        assert part.dtype == torch.float32
        assert bool(torch.isfinite(part).all())


def test_same_state_same_episode_and_of_many_kinds():
    episodes = [draw_labelled_episode(np.random.default_rng(seed)) for seed in range(40)]
    again = draw_labelled_episode(np.random.default_rng(7))
    assert all(torch.equal(a, b) for a, b in zip(again[:4], episodes[7][:4], strict=True))
    counts = [one.labels.bincount() for one in episodes]
    even = np.mean([bool((count == count[0]).all()) for count in counts])
    assert 0.3 < even < 0.8
    assert min(one.support.shape[1] for one in episodes) < 4
    assert max(one.support.shape[1] for one in episodes) > 20
    assert max(one.n_classes for one in episodes) > 6
    assert np.mean([one.n_classes <= 6 for one in episodes]) > 0.75


def test_most_tables_tell_something(monkeypatch):
    skills = []
    judge = _labelled_episodes._skill
    monkeypatch.setattr(
        _labelled_episodes, "_skill", lambda *given: skills.append(judge(*given)) or skills[-1]
    )
    for seed in range(40):
        draw_labelled_episode(np.random.default_rng(seed))
    skills = np.array(skills)
    # Of 40 tables that were kept most were judged, and others were drawn for those refused.
    kept = (skills >= _labelled_episodes._LEAST_SKILL).sum()
    assert 20 <= kept <= 40
    assert kept < len(skills)


def test_skill_is_the_share_of_what_guessing_misses():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], [100, 60, 40])
    noise = rng.normal(size=(200, 3))
    told = noise.copy()
    told[:, 1] += 50 * labels
    half = noise.copy()
    half[:, 1] += 50 * (labels == 2)
    skills = [
        _labelled_episodes._skill(rng, LabelledTable(table, labels, "made up"))
        for table in (noise, half, told)
    ]
    assert abs(skills[0]) < 0.25
    assert 0.25 < skills[1] < 0.7
    assert skills[2] > 0.95


labels_of_rows = st.lists(st.integers(0, 3), min_size=8, max_size=60).map(
    lambda labels: np.unique([*labels, *np.repeat(np.unique(labels), 3)], return_inverse=True)[1]
)


@given(labels_of_rows, st.integers(2, 30), st.booleans(), st.integers(0, 99))
def test_split(labels, n_support, shots, seed):
    n_classes = labels.max() + 1
    n_shots = 1 + n_support % 3 if shots else None
    support, query = _split(np.random.default_rng(seed), labels, n_support, n_shots)
    assert sorted([*support, *query]) == list(range(len(labels)))
    counts = np.bincount(labels[support], minlength=n_classes)
    if shots:
        assert (counts == n_shots).all()
    else:
        assert (counts >= 1).all()
        assert len(support) == min(len(labels), max(n_support, n_classes))


def test_rows_that_are_not_read_keep_their_shares():
    labels = np.repeat([0, 1], [300, 100])
    drawn = [_split(np.random.default_rng(seed), labels, 80, None) for seed in range(30)]
    shares = np.mean([[labels[rows].mean() for rows in pair] for pair in drawn], axis=0)
    np.testing.assert_allclose(shares, 0.25, atol=0.02)


def test_encoded_by_what_the_support_knows():
    random = np.random.RandomState(0)
    table, labels = random.normal(size=(20, 3)), np.arange(20) % 2
    table[4, 1] = np.nan
    support, query = np.arange(12), np.arange(12, 20)
    episode = labelled_episode(table, labels, support, query, 2)
    assert episode.labels.tolist() == labels[:12].tolist()
    assert episode.query_labels.tolist() == labels[12:].tolist()
    assert episode.n_classes == 2
    # As an estimator fitted on the support encodes both.
    encoder = LabelledEncoder(table[:12], labels[:12], 2)
    np.testing.assert_allclose(episode.support, encoder.encoded_, rtol=1e-6)
    np.testing.assert_allclose(episode.query, encoder.encode(table[12:]), rtol=1e-6)
    other = table.copy()
    other[12:] *= 5
    again = labelled_episode(other, labels, support, query, 2)
    assert torch.equal(again.support, episode.support)


@pytest.mark.parametrize("name", ["max_support", "max_classes"])
def test_too_small(name):
    with pytest.raises(ValueError, match=f"{name}=1 is too small: give at least"):
        draw_labelled_episode(np.random.default_rng(0), **{name: 1})
