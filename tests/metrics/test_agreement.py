from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import kendalltau, spearmanr
from sklearn.linear_model import Lasso

from sklearn_metaexplain import ShapExplainer
from sklearn_metaexplain.metrics import (
    feature_agreement,
    rank_agreement,
    sign_agreement,
    top_k_jaccard,
)
from tests.metrics.explanations import nothing_but_rounding
from tests.small_explainers import made_up_explanation

ALL = (feature_agreement, rank_agreement, sign_agreement, top_k_jaccard)
TABLES = arrays(float, (3, 4, 2), elements=st.sampled_from([-2.0, -1.0, 0.0, 0.5, 1.0, 3.0]))


def one_row(values):
    return np.asarray(values, dtype=float)[None, :, None]


TRUTH = one_row([5, -4, 3, 2, 0])
JUDGED = one_row([5, 4, 1, 2, -3])


def test_by_hand():
    # Of the largest three {0, 1, 2} and {0, 1, 4}; the second has another sign.
    assert feature_agreement(TRUTH, JUDGED, k=3) == pytest.approx(2 / 3)
    assert top_k_jaccard(TRUTH, JUDGED, k=3) == pytest.approx(2 / 4)
    assert sign_agreement(TRUTH, JUDGED, k=3) == pytest.approx(1 / 3)
    # Of all, 0, 2 and 3 have the same sign.
    assert sign_agreement(TRUTH, JUDGED) == pytest.approx(3 / 5)
    # The ranks differ by 0, 0, 2, 0, -2.
    assert rank_agreement(TRUTH, JUDGED) == pytest.approx(1 - 6 * 8 / (5 * 24))
    # Of ten pairs (2, 3), (2, 4) and (3, 4) are turned.
    assert rank_agreement(TRUTH, JUDGED, method="kendall") == pytest.approx((7 - 3) / 10)


def test_scipy_agrees():
    random = np.random.RandomState(0)
    truth, judged = random.normal(size=(2, 7, 6, 2)).round(1)
    for method, library in (("spearman", spearmanr), ("kendall", kendalltau)):
        expected = [
            library(np.abs(truth[i, :, k]), np.abs(judged[i, :, k])).statistic
            for i in range(7)
            for k in range(2)
        ]
        score = rank_agreement(truth, judged, method=method)
        assert score == pytest.approx(np.mean(expected))


@given(TABLES, TABLES, st.integers(1, 4))
def test_bounds_symmetry_and_perfection(truth, judged, k):
    for metric in (feature_agreement, top_k_jaccard, sign_agreement):
        score = metric(truth, judged, k=k)
        assert 0 <= score <= 1 + 1e-12
        assert score == pytest.approx(metric(judged, truth, k=k))
        assert metric(truth, truth, k=k) == pytest.approx(1.0)
        # Only the order of sizes counts, which cubes keep.
        assert metric(truth, judged**3, k=k) == pytest.approx(score)
    assert feature_agreement(truth, -judged, k=k) == feature_agreement(truth, judged, k=k)
    assert sign_agreement(truth, judged, k=k) <= feature_agreement(truth, judged, k=k) + 1e-12
    assert top_k_jaccard(truth, judged, k=k) <= feature_agreement(truth, judged, k=k) + 1e-12


@pytest.mark.parametrize("order", [[0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [2, 0, 4, 1, 3]])
def test_saying_nothing_scores_chance_whatever_the_order_of_columns(order):
    truth, nothing = TRUTH[:, order], np.zeros((1, 5, 1))
    assert feature_agreement(truth, nothing, k=2) == pytest.approx(2 / 5)
    assert top_k_jaccard(truth, nothing, k=2) == pytest.approx((2 * 2 / 5) / (4 - 2 * 2 / 5))
    assert sign_agreement(truth, nothing, k=2) == 0.0
    for method in ("spearman", "kendall"):
        assert rank_agreement(truth, nothing, method=method) == 0.0
        assert np.isnan(rank_agreement(nothing, truth, method=method))


def test_of_a_classifier_the_predicted_class_is_compared():
    truth = made_up_explanation()
    judged = np.random.RandomState(1).normal(size=truth.values.shape)
    predicted = truth.predictions.argmax(axis=1)
    rows = np.arange(len(truth))
    for metric, options in zip(ALL, ({"k": 1}, {}, {}, {"k": 2}), strict=True):
        score = metric(truth, judged, **options)
        of_predicted = [
            metric(truth.values[[i], :, [k]][..., None], judged[[i], :, [k]][..., None], **options)
            for i, k in zip(rows, predicted, strict=True)
        ]
        assert score == pytest.approx(np.mean(of_predicted))
        other = replace(truth, values=judged)
        assert metric(truth, other, **options) == pytest.approx(score)
        assert metric(truth.values, other, **options) == pytest.approx(score)


def test_of_a_regressor_all_targets_are():
    truth = made_up_explanation(estimator_type="regressor")
    judged = np.random.RandomState(1).normal(size=truth.values.shape)
    for metric in (rank_agreement, sign_agreement):
        assert metric(truth, judged) == pytest.approx(metric(truth.values, judged))


def test_columns_that_a_model_leaves_out_agree_whatever_rounding_makes_of_them():
    random = np.random.RandomState(0)
    X = random.normal(size=(100, 12))
    y = X[:, 0] - 2 * X[:, 1]
    model = Lasso(alpha=0.1).fit(X, y)
    assert np.count_nonzero(model.coef_) == 2
    explainer = ShapExplainer(model, background=X[:20], random_state=0).fit(X, y)
    explanation = explainer.explain(X[20:30])
    # In closed form, with exact zeros.
    truth = ((X[20:30] - X[:20].mean(axis=0)) * model.coef_)[:, :, None]
    # On some machines shap's values are as exact; as rounded as on others, they agree as well.
    values = explanation.values.copy()
    values[:, 2:] += 1e-17 * random.normal(size=(10, 10, 1))
    explanation = replace(explanation, values=values)
    assert np.abs(explanation.values[:, 2:]).max() > 0
    for pair in ((truth, explanation), (explanation, truth), (truth, explanation.values)):
        assert sign_agreement(*pair) == pytest.approx(1.0)
        assert feature_agreement(*pair, k=5) == pytest.approx(1.0)
        assert top_k_jaccard(*pair, k=5) == pytest.approx(1.0)
        for method in ("spearman", "kendall"):
            assert 1.0 - 1e-9 < rank_agreement(*pair, method=method) <= 1.0


def test_sizes_that_rounding_tells_apart_share_a_rank():
    truth, judged = one_row([0.3, 0.2, 0.1]), one_row([0.3, 0.1 + 0.2, 0.1])
    assert judged[0, 0] != judged[0, 1]
    tied = one_row([3.0, 3.0, 1.0])
    assert rank_agreement(tied, judged) == pytest.approx(1.0)
    assert rank_agreement(truth, judged) == pytest.approx(rank_agreement(truth, tied))
    assert feature_agreement(truth, judged, k=1) == 0.5
    # Wherever they are.
    for size in (0.3 + 1e-13 * np.arange(20)).tolist():
        near = one_row([1.0, np.nextafter(size, 0), size, np.nextafter(size, 1), 0.1])
        assert rank_agreement(one_row([3, 2, 2, 2, 1]), near) == pytest.approx(1.0)
    # In whatever unit.
    assert rank_agreement(1e-300 * tied, 1e250 * judged) == pytest.approx(1.0)


def test_attributions_that_are_all_rounding_are_none():
    nothing = nothing_but_rounding()
    assert np.isnan(rank_agreement(nothing, nothing))
    assert sign_agreement(nothing, np.zeros((4, 3, 1))) == 1.0


@pytest.mark.parametrize("metric", ALL)
def test_bad_input(metric):
    with pytest.raises(ValueError, match=r"\(1, 5, 1\).*\(1, 4, 1\)"):
        metric(TRUTH, JUDGED[:, :4])
    with pytest.raises(ValueError, match="three dimensions"):
        metric(TRUTH[0], JUDGED[0])
    with pytest.raises(ValueError, match="NaN"):
        metric(TRUTH, JUDGED * np.nan)
    first = made_up_explanation()
    missing = replace(first, values=first.values * np.nan)
    for pair, name in (((missing, first), "true_values"), ((first, missing), "values")):
        with pytest.raises(ValueError, match=f"^{name} has NaN"):
            metric(*pair)
    with pytest.raises(ValueError, match="0 sample"):
        metric(first[[]], first[[]])
    with pytest.raises(ValueError, match="feature_names"):
        metric(made_up_explanation(), made_up_explanation(feature_names=["c", "b", "a"]))


def test_bad_options():
    for metric in (feature_agreement, top_k_jaccard, sign_agreement):
        with pytest.raises(ValueError, match="k=6, but there are 5 features"):
            metric(TRUTH, JUDGED, k=6)
        with pytest.raises(ValueError, match="'k' parameter"):
            metric(TRUTH, JUDGED, k=0)
    with pytest.raises(ValueError, match="'method' parameter"):
        rank_agreement(TRUTH, JUDGED, method="pearson")
