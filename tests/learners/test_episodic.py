"""N-way K-shot episodes."""

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from sklearn_metaexplain.learners import EpisodeLoss, Episodic, InContext
from sklearn_metaexplain.nets._labelled import LabelledEpisode
from sklearn_metaexplain.nets._labelled_table import LabelledEncoder
from sklearn_metaexplain.training import TableTasks


def episode_of(labels, query_labels, n_classes=None):
    """Rows that carry their own number and their class: (number, class), query from 1,000 on."""
    n_classes = n_classes or int(max(*labels, *query_labels)) + 1

    def rows(classes, first):
        classes = torch.as_tensor(classes)
        numbers = first + torch.arange(len(classes))
        return torch.stack([numbers, classes], -1)[:, None].float(), classes.long()

    return LabelledEpisode(*rows(labels, 0), *rows(query_labels, 1000), n_classes)


def classes_of(rows):
    return rows[:, 0, 1].long()


@settings(deadline=None, max_examples=60)
@given(
    counts=st.lists(st.integers(1, 6), min_size=2, max_size=7),
    n_way=st.one_of(st.none(), st.integers(2, 8)),
    n_shot=st.one_of(st.none(), st.integers(1, 7)),
    seed=st.integers(0, 10),
)
def test_counts_and_labels(counts, n_way, n_shot, seed):
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.repeat(np.arange(len(counts)), counts))
    query_labels = rng.permutation(np.repeat(np.arange(len(counts)), 3))
    episode = episode_of(labels, query_labels)
    drawn = Episodic(n_way=n_way, n_shot=n_shot, random_state=seed).draw(episode)
    assert drawn.n_classes == min(n_way or len(counts), len(counts))
    # One new number for each class, the same in support and query.
    renamed = dict(zip(classes_of(drawn.support).tolist(), drawn.labels.tolist(), strict=True))
    assert sorted(renamed.values()) == list(range(drawn.n_classes))
    assert [renamed[old] for old in classes_of(drawn.support).tolist()] == drawn.labels.tolist()
    assert [renamed[old] for old in classes_of(drawn.query).tolist()] == drawn.query_labels.tolist()
    if n_way is None:
        assert all(old == new for old, new in renamed.items())
    for old, new in renamed.items():
        assert int((drawn.labels == new).sum()) == min(n_shot or counts[old], counts[old])
    # Every query row of these classes is kept, and rows are those of the episode, once each.
    assert len(drawn.query) == 3 * drawn.n_classes
    for part, numbers in ((drawn.support, range(len(labels))), (drawn.query, range(1000, 2000))):
        own = part[:, 0, 0].long().tolist()
        assert own == sorted(set(own))
        assert set(own) <= set(numbers)


def test_content_alone_decides_and_other_content_draws_otherwise():
    learner = Episodic(n_way=3, n_shot=2)
    labels = np.arange(60) % 6
    draws = []
    for shift in range(20):
        episode = episode_of(labels, labels)
        episode = episode._replace(support=episode.support + 10_000 * shift)
        first, again = learner.draw(episode), learner.draw(episode)
        assert all(a.equal(b) for a, b in zip(first[:4], again[:4], strict=True))
        draws.append(tuple((first.support[:, 0, 0] - 10_000 * shift).long().tolist()))
    assert len(set(draws)) > 15
    kept = {number % 6 for draw in draws for number in draw}
    assert kept == set(range(6))


def test_other_labels_of_the_same_rows_draw_other_classes():
    learner, random = Episodic(n_way=3, n_shot=2), np.random.default_rng(0)
    episode = episode_of(np.arange(60) % 6, np.arange(60) % 6)
    drawn = set()
    for _ in range(8):
        labels = torch.from_numpy(random.permutation(60) % 6)
        support = learner.draw(episode._replace(labels=labels)).support
        drawn.add(frozenset(labels[support[:, 0, 0].long()].tolist()))
    assert len(drawn) > 1


def test_random_states():
    episode = episode_of(np.arange(60) % 6, np.arange(12) % 6)

    def drawn(learner):
        return learner.draw(episode).support[:, 0, 0].tolist()

    fixed = Episodic(n_way=3, n_shot=2, random_state=1)
    assert drawn(fixed) == drawn(fixed)
    assert drawn(fixed) != drawn(Episodic(n_way=3, n_shot=2, random_state=2))
    # With a seed, too, it is the content that tells episodes apart.
    others = [episode._replace(support=episode.support + 10_000 * shift) for shift in range(1, 9)]
    assert any(
        (fixed.draw(other).support[:, 0, 0] % 10_000).tolist() != drawn(fixed) for other in others
    )
    fresh = Episodic(n_way=3, n_shot=2, random_state=np.random.RandomState(0))
    first, second = drawn(fresh), drawn(fresh)
    assert first != second
    again = Episodic(n_way=3, n_shot=2, random_state=np.random.RandomState(0))
    assert [drawn(again), drawn(again)] == [first, second]


def test_new_numbers_are_at_random():
    labels = np.arange(40) % 4
    learner, first_of = Episodic(n_way=4), []
    for shift in range(30):
        episode = episode_of(labels, labels)
        drawn = learner.draw(episode._replace(support=episode.support + 1000 * shift))
        first_of.append(int(drawn.labels[0]))
    assert set(first_of) == {0, 1, 2, 3}


def test_classes_without_query_rows_are_not_drawn():
    episode = episode_of([0, 0, 1, 1, 2, 2], [0, 2, 3])
    for seed in range(10):
        drawn = Episodic(n_way=2, random_state=seed).draw(episode)
        assert set(classes_of(drawn.support).tolist()) == {0, 2}
    for n_query_classes, query in ((0, [3]), (1, [0, 3])):
        with pytest.raises(ValueError, match=f"n_way=2: {n_query_classes} of the episode's 4"):
            Episodic(n_way=2).draw(episode_of([0, 0, 1, 2], query))


class Reader(nn.Module):
    """Remembers the episodes it is asked about; one parameter."""

    def __init__(self):
        super().__init__()
        self.size = nn.Parameter(torch.tensor(2.0))
        self.seen = []

    def forward(self, episode):
        self.seen.append(episode)
        return self.size * len(episode.support)


class AsItIs(nn.Module):
    def forward(self, network, episode):
        return network(episode)


def test_learns_in_context_from_what_it_draws():
    labels = np.arange(60) % 6
    episode, learner = episode_of(labels, labels), Episodic(n_way=3, n_shot=4)
    loss = EpisodeLoss(Reader(), AsItIs())
    assert learner.accumulate(loss, episode, scale=0.5) == 24
    assert float(loss.network.size.grad) == 6
    assert learner.query_loss(loss, episode) == 24
    expected = learner.draw(episode)
    for seen in loss.network.seen:
        assert seen.support.equal(expected.support)
        assert seen.query_labels.equal(expected.query_labels)
    # At prediction the support is what it is.
    params = learner.adapt(loss, episode)
    assert params["network.size"].equal(loss.network.size)


def test_rows_that_are_not_drawn_tell_nothing():
    # Categories of several rows each, of which the drawn ones have one or two.
    rng = np.random.default_rng(0)
    category = rng.integers(20, size=200)
    X = pd.DataFrame({"c": [f"k{each}" for each in category], "x": rng.normal(size=200)})
    episode = TableTasks([(X, category % 3)], n_support=120).sample(rng)
    drawn = Episodic(n_way=2, n_shot=3).draw(episode)
    encoder = LabelledEncoder(drawn.raw.support, drawn.labels.numpy(), 2)
    assert drawn.support.equal(encoder.encoded_.float())
    assert drawn.query.equal(encoder.encode(drawn.raw.query).float())
    assert len(drawn.raw.support) == len(drawn.labels) == 6
    assert len(drawn.raw.query) == len(drawn.query_labels)
    # Rows are those of their labels: two of the three classes, by new numbers.
    for rows, labels in (
        (drawn.raw.support, drawn.labels),
        (drawn.raw.query, drawn.query_labels),
    ):
        own = [int(each[1:]) % 3 for each in rows["c"]]
        assert len(set(zip(own, labels.tolist(), strict=True))) == 2
    # Of what was drawn can be drawn again.
    again = Episodic(n_shot=1).draw(drawn)
    assert again.support.equal(
        LabelledEncoder(again.raw.support, again.labels.numpy(), 2).encoded_.float()
    )


def test_without_numbers_it_takes_episodes_as_they_are():
    labels = np.arange(12) % 3
    episode = episode_of(labels, labels)
    assert Episodic().draw(episode) is episode
    loss = EpisodeLoss(Reader(), AsItIs())
    assert Episodic().query_loss(loss, episode) == InContext().query_loss(loss, episode)


def test_generators_are_untouched():
    torch_before, numpy_before = torch.get_rng_state(), np.random.get_state()[1].copy()
    Episodic(n_way=2, n_shot=1).draw(episode_of(np.arange(9) % 3, np.arange(9) % 3))
    assert torch.equal(torch.get_rng_state(), torch_before)
    assert (np.random.get_state()[1] == numpy_before).all()


@pytest.mark.parametrize(("name", "value"), [("n_way", 1), ("n_shot", 0), ("random_state", "a")])
def test_bad_numbers_are_named(name, value):
    episode = episode_of([0, 1], [0, 1])
    with pytest.raises(ValueError, match=f"'{name}' parameter of Episodic"):
        Episodic(**{name: value}).draw(episode)


def test_tells_what_it_can_draw_from():
    rows, labels = torch.zeros(4, 1, 2), torch.tensor([0, 0, 1, 1])
    whole = LabelledEpisode(rows, labels, rows, labels, 2)
    one_sided = whole._replace(query=rows[:2], query_labels=labels[:2])
    assert Episodic(n_way=2).can_draw(whole)
    assert not Episodic(n_way=2).can_draw(one_sided)
    assert Episodic(n_shot=1).can_draw(one_sided)
