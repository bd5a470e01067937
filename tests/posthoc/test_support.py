"""What MetaExplainer asks a model at fit."""

from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.frozen import FrozenEstimator

from sklearn_metaexplain import MetaExplainer
from sklearn_metaexplain._encoder import TableEncoder
from sklearn_metaexplain.masking import MaskedModel, resolve_feature_groups
from sklearn_metaexplain.masking._probes import draw_row_probes
from sklearn_metaexplain.posthoc._doubt import doubt
from sklearn_metaexplain.posthoc._support import _choose, ask_support, deal_by_name


class Listener(RegressorMixin, BaseEstimator):
    """A function that is wild where the second column is large, and remembers what was asked."""

    def __init__(self, wild=True):
        self.wild = wild

    def fit(self, X, y=None):
        self.asked_ = []
        return self

    def predict(self, X):
        self.asked_.append(np.array(X))
        where = (X[:, 1] > 1.0) if self.wild else 0.0
        return 0.2 * X[:, 0] + np.sin(6 * X[:, 2]) * where


class Everything(Listener):
    """Replacing any cell changes it: comparisons are part of the first round."""

    def predict(self, X):
        return super().predict(X) + X.sum(1)


@pytest.fixture
def X():
    return np.random.default_rng(0).normal(size=(300, 4))


def ask(X, n_support, n_rounds, model=None):
    """What the model was asked, call by call, and the support."""
    model = Listener().fit(X) if model is None else model
    masked = MaskedModel(model, X[:10])
    support = ask_support(masked, X, n_support, np.random.RandomState(0), n_rounds=n_rounds)
    # The first call is the background.
    return model.asked_[1:], support


@pytest.mark.parametrize(
    ("n_support", "n_rounds", "sizes"),
    [
        (350, 1, [340]),
        (350, 2, [170, 170]),
        (351, 2, [170, 171]),
        (350, 3, [113, 113, 114]),
        (385, 99, [75, 75, 75, 75, 75]),
        (130, 2, [120]),  # rounds would have fewer than 64
    ],
)
def test_evaluations_are_dealt_to_rounds(X, n_support, n_rounds, sizes):
    asked, support = ask(X, n_support, n_rounds, Everything().fit(X))
    assert [len(rows) for rows in asked] == sizes
    assert len(support.outputs) == n_support
    # Two comparisons of each column.
    assert support.n_drawn == 10 + sizes[0] - (8 if len(sizes) > 1 else 0)


@pytest.mark.parametrize("n_rounds", [1, 2])
def test_meta_explainer_asks_in_as_many_rounds_as_it_is_told(X, n_rounds):
    model = Everything().fit(X)
    explainer = MetaExplainer(
        FrozenEstimator(model), background=10, n_support=310, n_rounds=n_rounds, random_state=0
    ).fit(X)
    assert [len(rows) for rows in model.asked_[1:]] == [300 // n_rounds] * n_rounds
    assert explainer.n_evaluations_ == 310


def test_later_rounds_ask_where_the_model_is_wild(X):
    (drawn, *_, chosen), _ = ask(X, 810, 2)
    wild = [(rows[:, 1] > 1.0).mean() for rows in (drawn, chosen)]
    assert wild[0] < 0.25
    assert wild[1] > 1.7 * wild[0]


def test_the_first_round_does_not_depend_on_how_many_follow(X):
    firsts = [ask(X, 310, n_rounds)[0][0] for n_rounds in (1, 2, 4)]
    for longer, shorter in pairwise(firsts):
        drawn = shorter[:-8]  # before comparisons
        np.testing.assert_array_equal(longer[: len(drawn)], drawn)


def test_a_constant_model_is_asked_again_all_the_same(X):
    model = Listener(wild=False).fit(X)
    model.predict = lambda rows: np.full(len(rows), 3.0)
    explainer = MetaExplainer(
        FrozenEstimator(model), background=10, n_support=310, random_state=0
    ).fit(X)
    np.testing.assert_array_equal(explainer.explain(X[:3]).values, 0.0)


def test_hybrids_that_were_chosen_say_nothing_of_the_error(X):
    model = Listener().fit(X)
    _, support = ask(X, 410, 2, model)
    assert support.n_drawn == 202
    n_whole = support.coalitions[:192].all(1).sum()
    assert 0 < n_whole < support.coalitions.all(1).sum()
    encoded, outputs = support.whole_rows(64)
    assert len(encoded) == n_whole + 10
    np.testing.assert_array_equal(outputs[n_whole:, 0], model.predict(X[:10]))
    rows = support.encoder.encode(support.encoder.code(X))
    same = (encoded.numpy()[:, None] == rows).all(axis=(2, 3))
    assert same.any(axis=1).all()
    np.testing.assert_array_equal(outputs[:, 0], model.predict(X[same.argmax(axis=1)]))
    assert len(support.drawn()[0]) == len(support.drawn()[1]) == 202


def test_choice_does_not_depend_on_the_unit(X):
    class Scaled(Listener):
        def predict(self, rows):
            return 1000 * super().predict(rows) + 5

    (*_, plain), _ = ask(X, 310, 2)
    (*_, scaled), _ = ask(X, 310, 2, Scaled().fit(X))
    np.testing.assert_array_equal(plain, scaled)


def test_outputs_are_doubted_in_units_that_they_share(X):
    class TwoOutputs(Listener):
        def predict(self, rows):
            super().predict(rows)
            wild = np.sin(6 * rows[:, 2])
            return np.stack([1000 * wild * (rows[:, 1] > 1.0), wild * (rows[:, 1] < -1.0)], 1)

    (*_, chosen, _compared), _ = ask(X, 810, 2, TwoOutputs().fit(X))
    assert (chosen[:, 1] > 1.0).sum() > 2 * (chosen[:, 1] < -1.0).sum()


def test_doubts_are_in_the_unit_of_the_outputs(X):
    model = Listener().fit(X)
    encoder = TableEncoder().fit(X)
    encoded = encoder.encode(encoder.code(X))
    outputs = (np.sign(X[:, 1]) + np.sin(X[:, 2]) * X[:, 0])[:, None]
    once, scaled = (
        doubt(
            MaskedModel(model, X[:10]),
            encoder,
            encoded[:160],
            unit * outputs[:160],
            encoded[160:180],
            np.random.RandomState(0),
        )
        for unit in (1.0, 128.0)
    )
    assert (once > 0).all()
    np.testing.assert_allclose(scaled, 128 * once, rtol=1e-6)


def test_coalitions_follow_the_names_of_columns_not_their_order():
    probes = draw_row_probes(np.random.RandomState(0), 64, n_background=5, n_players=4)

    def members(names):
        model = SimpleNamespace(players=resolve_feature_groups(None, names))
        dealt = deal_by_name(probes, model).coalitions
        return [{name for name, inside in zip(names, row, strict=True) if inside} for row in dealt]

    assert members(list("abcd")) == members(list("cadb"))


def test_what_is_not_doubted_makes_up_the_number():
    doubts = np.zeros(50)
    doubts[[3, 20, 41]] = [1.0, 2.0, 0.5]
    for seed in range(5):
        chosen = _choose(np.random.RandomState(seed), doubts, 10)
        assert len(set(chosen.tolist())) == 10
        assert {3, 20, 41} <= set(chosen.tolist())
    # Without any doubt, or with one that is no number, candidates come as they were drawn.
    for nothing in (np.zeros(50), np.full(50, np.nan)):
        assert _choose(np.random.RandomState(0), nothing, 10).tolist() == list(range(10))
