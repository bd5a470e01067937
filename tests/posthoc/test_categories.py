"""Columns of text whose categories differ in what another column does."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.frozen import FrozenEstimator

from sklearn_metaexplain import MetaExplainer, ShapExplainer
from sklearn_metaexplain._encoder import TableEncoder
from sklearn_metaexplain.masking import MaskedModel
from sklearn_metaexplain.metrics import shapley_error
from sklearn_metaexplain.posthoc import _support


class Turned(RegressorMixin, BaseEstimator):
    """Each of twelve words turns what two numbers do by an angle of its own."""

    def fit(self, X, y=None):
        self.is_fitted_ = True
        return self

    def predict(self, X):
        angle = X["word"].str.slice(4).astype(int) * 2.4
        return (np.cos(angle) * X["x"] + np.sin(angle) * X["z"]).to_numpy()


@pytest.fixture(scope="module")
def table():
    rng = np.random.RandomState(0)
    words = [f"word{i}" for i in rng.randint(12, size=400)]
    numbers = rng.normal(size=(400, 2))
    return pd.DataFrame({"word": words, "x": numbers[:, 0], "z": numbers[:, 1]})


def error(table, **parameters):
    model = FrozenEstimator(Turned().fit(table))
    background, rows = table[:15], table[300:330]
    truth = ShapExplainer(model, algorithm="exact", background=background).fit(table)
    explainer = MetaExplainer(
        model, background=background, n_support=600, random_state=0, **parameters
    ).fit(table)
    return shapley_error(truth.explain(rows).values, explainer.explain(rows).values)


@pytest.mark.parametrize("pretrained", ["default", None])
def test_words_are_told_apart_by_what_they_do_to_numbers(table, pretrained, monkeypatch):
    told = error(table, pretrained=pretrained)
    assert told < 1e-3
    monkeypatch.setattr(_support, "TableEncoder", lambda further_axes: TableEncoder())
    assert error(table, pretrained=pretrained) > 3 * told


class Rare(RegressorMixin, BaseEstimator):
    """Forty words have values of their own, beside a product of numbers; letters do nothing."""

    def fit(self, X, y=None):
        self.values_ = np.random.RandomState(1).normal(size=40)
        return self

    def predict(self, X):
        return 0.5 * self.values_[X["word"].str.slice(4).astype(int)] + (X["x"] * X["z"]).to_numpy()


def test_few_evaluations_of_many_words_are_not_read_into():
    rng = np.random.RandomState(0)
    table = pd.DataFrame({"word": [f"word{i}" for i in rng.randint(40, size=400)]})
    table[["x", "z"]] = rng.normal(size=(400, 2))
    for name in ("first", "second", "third"):
        table[name] = [f"letter{i}" for i in rng.randint(40, size=400)]
    model = FrozenEstimator(Rare().fit(table))
    background, rows = table[:15], table[300:330]
    # The letters do nothing, so that three players are all there are.
    truth = ShapExplainer(
        model,
        algorithm="exact",
        background=background,
        feature_groups=[["first", "second", "third"]],
    ).fit(table)
    explainer = MetaExplainer(model, background=background, n_support=200, random_state=0)
    found = explainer.fit(table).explain(rows)
    assert shapley_error(truth.explain(rows).values[:, :3], found.values[:, :3]) < 0.01


def test_whether_a_model_is_unlike_others_is_told_from_first_axes(table):
    model = Turned().fit(table)
    masked = MaskedModel(model, table[:15])
    support = _support.ask_support(masked, table, 300, np.random.RandomState(0), n_rounds=2)
    assert support.encoded.shape[1] > 3
    encoded, outputs = support.drawn()
    assert encoded.shape == (support.n_drawn, 3, 2)
    # The word, by mean outputs, and both numbers.
    assert len(np.unique(encoded[:, 0, 0])) == 12
    assert len(outputs) == support.n_drawn
