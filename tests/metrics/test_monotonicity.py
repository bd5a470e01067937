from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from sklearn_metaexplain.metrics import monotonicity
from tests.metrics.explanations import add_up, attributed, linear_example, of_a_sum


def test_definition():
    explanation, model, background = linear_example(d=6, n=8)
    values = np.random.RandomState(0).normal(size=(8, 6, 1))
    explanation = replace(explanation, values=values)
    expected = []
    for row, sizes in zip(explanation.data, np.abs(values[:, :, 0]), strict=True):
        effects = []
        for j in range(6):
            hybrids = np.repeat(row[None], len(background), axis=0)
            hybrids[:, j] = background[:, j]
            effects.append(np.abs(model.predict(hybrids) - model.predict([row])).mean())
        expected.append(spearmanr(sizes, effects).statistic)
    score = monotonicity(explanation, model.predict, background=background)
    assert score == pytest.approx(np.mean(expected))


def test_a_single_background_row_makes_exact_attributions_perfect():
    explanation = of_a_sum([[3.0, -1.0, 2.0], [0.5, 2.0, -7.0]])
    zeros = np.zeros((1, 3))
    assert monotonicity(explanation, add_up, background=zeros) == pytest.approx(1.0)
    # Signs do not count, the opposite order does.
    turned = replace(explanation, values=-explanation.values)
    assert monotonicity(turned, add_up, background=zeros) == pytest.approx(1.0)
    inverse = replace(explanation, values=1 / explanation.values)
    assert monotonicity(inverse, add_up, background=zeros) == pytest.approx(-1.0)


def test_what_is_rounding_of_attributions_is_rounding_of_effects():
    explanation = of_a_sum([[1e-3, 5e-11, 0.0, 1000.0]])
    # The output tells the second column from the third, though next to 1,000 it is rounding.
    background = np.array([[0.0, 0.0, 0.0, 1000.0]])
    assert add_up(explanation.data)[0] > add_up(explanation.data * [1, 0, 1, 1])[0]
    exact = replace(explanation, values=explanation.values - background[:, :, None])
    assert monotonicity(exact, add_up, background=background) == pytest.approx(1.0)


def test_rows_without_order():
    zeros = np.zeros((1, 3))
    explanation = of_a_sum([[3.0, -1.0, 2.0], [1.0, 1.0, 1.0]])
    # The second row has no order to agree with; attributions without one count as 0.
    assert monotonicity(explanation, add_up, background=zeros) == pytest.approx(1.0)
    assert np.isnan(monotonicity(explanation[1], add_up, background=zeros))
    flat = replace(explanation, values=np.ones((2, 3, 1)))
    assert monotonicity(flat, add_up, background=zeros) == 0.0


def test_columns_that_do_nothing_share_a_rank_whatever_rounding_makes_of_them():
    random = np.random.RandomState(0)
    X, background = random.normal(size=(10, 12)), random.normal(size=(20, 12))
    weights = np.array([1.0, -2.0, *np.zeros(10)])

    def predict(table):
        # Ten columns cancel, but for the last digits.
        large = 1e4 * table[:, 2:].sum(axis=1)
        return table @ weights + large - large

    moves = (X[:, None] - background) * weights
    attributions, effects = moves.mean(axis=1), np.abs(moves).mean(axis=1)
    expected = [spearmanr(*pair).statistic for pair in zip(effects, abs(attributions), strict=True)]
    explanation = attributed(attributions[:, :, None], X, predict(X))
    score = monotonicity(explanation, predict, background=background)
    assert score == pytest.approx(np.mean(expected))


@pytest.mark.parametrize(("offset", "unit"), [(2.4e6, 1e-4), (1.7e9, 1e-2)])
def test_effects_that_are_small_beside_the_outputs_count(offset, unit):
    """As of a price or a time: double precision resolves them."""
    X = unit * (1.0 + np.random.RandomState(0).random_sample((8, 10)).argsort(axis=1))
    explanation = attributed(X[:, :, None], X, offset + add_up(X))
    explanation = replace(explanation, base_values=[offset])
    options = {"background": 0 * X[:1]}
    score = monotonicity(explanation, lambda table: offset + add_up(table), **options)
    assert score == pytest.approx(1.0)
    # Their attributions may be exact where they are nothing beside others.
    X[:, 0] = 1e12 * unit
    explanation = attributed(X[:, :, None], X, add_up(X))
    assert monotonicity(explanation, add_up, **options) == pytest.approx(1.0)


def test_text_columns():
    X = pd.DataFrame({"a": ["x", "y"], "b": [1.0, 5.0]})

    def predict(table):
        return 10.0 * (table["a"] == "x").to_numpy() + table["b"].to_numpy()

    explanation = of_a_sum([[10.0, 1.0], [0.0, 5.0]], data=X, feature_names=["a", "b"])
    explanation = replace(explanation, predictions=predict(X)[:, None])
    background = pd.DataFrame({"a": ["z"], "b": [0.0]})
    # The second row's "y" does what "z" does.
    assert monotonicity(explanation, predict, background=background) == pytest.approx(1.0)
