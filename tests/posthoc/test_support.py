"""What MetaExplainer asks a model at fit."""

from itertools import pairwise

import numpy as np
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.frozen import FrozenEstimator

from sklearn_metaexplain import MetaExplainer
from sklearn_metaexplain.masking import MaskedModel
from sklearn_metaexplain.posthoc._support import ask_support


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


@pytest.fixture
def X():
    return np.random.default_rng(0).normal(size=(300, 4))


def fit(X, model=None, **parameters):
    model = Listener() if model is None else model
    model.fit(X)
    explainer = MetaExplainer(
        FrozenEstimator(model), background=10, random_state=0, **parameters
    ).fit(X)
    # The first call is the background, those that follow are rounds.
    return explainer, model.asked_[1:]


@pytest.mark.parametrize(
    ("n_support", "n_rounds", "sizes"),
    [
        (310, 1, [300]),
        (310, 2, [150, 150]),
        (311, 2, [150, 151]),
        (310, 3, [100, 100, 100]),
        (310, 99, [75, 75, 75, 75]),
        (130, 2, [120]),  # rounds would have fewer than 64
    ],
)
def test_evaluations_are_dealt_to_rounds(X, n_support, n_rounds, sizes):
    explainer, asked = fit(X, n_support=n_support, n_rounds=n_rounds)
    assert [len(rows) for rows in asked] == sizes
    assert explainer.n_evaluations_ == n_support


def test_later_rounds_ask_where_the_model_is_wild(X):
    _, (drawn, chosen) = fit(X, n_support=810, n_rounds=2)
    wild = [(rows[:, 1] > 1.0).mean() for rows in (drawn, chosen)]
    assert wild[0] < 0.25
    assert wild[1] > 1.7 * wild[0]


def test_the_first_round_does_not_depend_on_how_many_follow(X):
    asked = [fit(X, n_support=310, n_rounds=n)[1] for n in (1, 2, 4)]
    for longer, shorter in pairwise(asked):
        n = len(shorter[0])
        np.testing.assert_array_equal(longer[0][:n], shorter[0])


def test_a_constant_model_is_asked_again_all_the_same(X):
    model = Listener(wild=False).fit(X)
    model.predict = lambda rows: np.full(len(rows), 3.0)
    explainer = MetaExplainer(
        FrozenEstimator(model), background=10, n_support=310, random_state=0
    ).fit(X)
    np.testing.assert_array_equal(explainer.explain(X[:3]).values, 0.0)


def test_hybrids_that_were_chosen_say_nothing_of_the_error(X):
    model = MaskedModel(Listener().fit(X), X[:10])
    rng = np.random.RandomState(0)
    support = ask_support(model, X, 410, rng, n_rounds=2)
    assert support.n_drawn == 210
    n_whole = support.coalitions[:200].all(1).sum()
    assert 0 < n_whole < support.coalitions.all(1).sum()
    encoded, outputs = support.whole_rows(64)
    assert len(encoded) == n_whole + 10
    np.testing.assert_array_equal(outputs[n_whole:], model.background_outputs)
    assert len(support.drawn()[0]) == len(support.drawn()[1]) == 210


def test_doubts_are_in_the_units_of_the_outputs(X):
    class Scaled(Listener):
        def predict(self, rows):
            return 1000 * super().predict(rows) + 5

    asked = []
    for kind in (Listener, Scaled):
        model = kind().fit(X)
        MetaExplainer(FrozenEstimator(model), background=10, n_support=310, random_state=0).fit(X)
        asked.append(np.concatenate(model.asked_))
    np.testing.assert_array_equal(*asked)
