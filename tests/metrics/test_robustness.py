from dataclasses import replace

import numpy as np
import pytest
import torch
from captum.metrics import sensitivity_max
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.compose import make_column_transformer
from sklearn.frozen import FrozenEstimator
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from sklearn_metaexplain import ExplainerMixin, Explanation
from sklearn_metaexplain.datasets import load_penguins
from sklearn_metaexplain.metrics import (
    adversarial_sensitivity,
    local_lipschitz,
    max_sensitivity,
    retraining_stability,
    seed_stability,
)
from tests.posthoc.tables import mixed_pipeline, mixed_table
from tests.small_explainers import ExactExplainer, ExplainedLeastSquares

BOTH = (local_lipschitz, max_sensitivity)
CORNERS = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])  # spread 1


class Attributing(ExplainerMixin, RegressorMixin, BaseEstimator):
    """Attributions by any function of the row; keeps the rows it is asked for."""

    def __init__(self, attribute=None):
        self.attribute = attribute

    def fit(self, X, y=None):
        self._check_table(X, reset=True)
        self.asked_ = []
        return self

    def predict(self, X):
        return self.explain(X).predictions[:, 0]

    def _explain(self, X):
        self.asked_.append(np.asarray(X))
        values = np.asarray(self.attribute(np.asarray(X, dtype=float)))
        return Explanation(
            values[:, :, None],
            [0.0],
            values.sum(axis=1, keepdims=True),
            data=X,
            feature_names=self._attributed_names(),
            output_names=["y"],
            output="raw",
            n_evaluations=0,
        )


class AttributingMissing(Attributing):
    """Takes missing values, too."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


METRICS_THAT_EXPLAIN = (
    adversarial_sensitivity,
    local_lipschitz,
    max_sensitivity,
    retraining_stability,
    seed_stability,
)


@pytest.mark.parametrize("metric", METRICS_THAT_EXPLAIN)
def test_missing_attributions_are_refused(metric):
    explainer = Attributing(lambda table: np.where([True, False], np.nan, table)).fit(CORNERS)
    with pytest.raises(RuntimeError, match="returned NaN or infinite values"):
        metric(explainer, CORNERS, CORNERS[:, 0], random_state=0)


def test_captum_agrees_on_the_same_neighbours():
    random = np.random.RandomState(0)
    inner, outer = (torch.from_numpy(random.normal(size=size)) for size in ((4, 6), 6))

    def gradients(table):
        with torch.enable_grad():  # captum turns it off
            rows = table.detach().clone().requires_grad_()
            (torch.tanh(rows @ inner) @ outer).sum().backward()
        return rows.grad * rows.detach()

    explainer = Attributing(lambda table: gradients(torch.from_numpy(table)).numpy())
    X = random.normal(size=(6, 4)) * [1.0, 10.0, 0.1, 1.0]
    score = max_sensitivity(
        explainer.fit(X), X, radius=0.3, n_neighbors=8, n_samples=5, random_state=0
    )
    rows, neighbours = explainer.asked_
    assert neighbours.shape == (5 * 8, 4)
    expected = sensitivity_max(
        lambda inputs: (gradients(inputs[0] if isinstance(inputs, tuple) else inputs),),
        torch.from_numpy(rows),
        perturb_func=lambda inputs, *_: torch.from_numpy(neighbours),
        n_perturb_samples=8,
    )
    assert score == pytest.approx(float(expected.mean()), rel=1e-9)


def test_lipschitz_constants_of_linear_attributions():
    def score(weights, **options):
        explainer = Attributing(lambda table: table * weights).fit(CORNERS)
        return local_lipschitz(explainer, CORNERS, random_state=0, **options)

    assert score([3.0, 3.0]) == pytest.approx(3.0)
    assert score([-6.0, 6.0], radius=2.0) == pytest.approx(6.0)
    # The largest of many directions is near the larger weight.
    assert score([1.0, 5.0], n_neighbors=200) == pytest.approx(5.0, abs=0.1)
    assert score([1.0, 5.0], n_neighbors=1) < score([1.0, 5.0], n_neighbors=200)
    assert score([0.0, 0.0]) == 0.0


def test_distances_are_in_standard_deviations():
    X = CORNERS * [1.0, 1000.0]
    explainer = Attributing(lambda table: table * [2.0, 0.002]).fit(X)
    assert local_lipschitz(explainer, X, random_state=0) == pytest.approx(2.0)
    assert local_lipschitz(explainer, X, random_state=0, reference=X * 3) == pytest.approx(6.0)


def test_sensitivity_is_relative_and_bounded_by_the_radius():
    for scale in (1.0, 1e6):
        explainer = Attributing(lambda table, scale=scale: scale * table).fit(CORNERS)
        score = max_sensitivity(explainer, CORNERS, radius=0.2, n_neighbors=50, random_state=0)
        # A corner of the cube of moves, relative to a corner of the square.
        assert 0.15 < score <= 0.2
    constant = Attributing(lambda table: np.ones_like(table)).fit(CORNERS)
    assert max_sensitivity(constant, CORNERS) == 0.0


def test_a_rough_explainer_scores_worse_than_a_smooth_one():
    X, y = mixed_table()
    model = FrozenEstimator(mixed_pipeline().fit(X, y))
    smooth = ExactExplainer(model, background=5, random_state=0).fit(X, y)

    class Rough(ExactExplainer):
        def _explain(self, X):
            explanation = super()._explain(X)
            jumps = np.where(np.floor(X["fare"] * 10) % 2 == 0, 1.0, -1.0)[:, None, None]
            values = explanation.values.copy()
            values[:, :2] += 0.1 * jumps * [-1.0, 1.0]
            values[:, 2:] -= 0.1 * jumps * [-1.0, 1.0]
            return replace(explanation, values=values)

    rough = Rough(model, background=5, random_state=0).fit(X, y)
    for metric in BOTH:
        scores = [metric(each, X, n_samples=6, random_state=0) for each in (smooth, rough)]
        assert 0 < scores[0] < scores[1]


@pytest.mark.parametrize("metric", BOTH)
def test_pipelines_seeds_and_numbers_of_rows(metric):
    X = np.random.RandomState(0).normal(size=(40, 3))
    y = X @ [1.0, 2.0, 3.0]
    pipeline = make_pipeline(StandardScaler(), ExplainedLeastSquares()).fit(X, y)
    first, again, other = (
        metric(pipeline, X, y, n_samples=5, random_state=seed)
        for seed in (0, np.random.RandomState(0), 1)
    )
    assert first == again != other
    explainer = Attributing(lambda table: table**2).fit(X)
    metric(explainer, X, n_samples=7, n_neighbors=3)
    assert [len(rows) for rows in explainer.asked_] == [7, 21]


@pytest.mark.parametrize("metric", BOTH)
def test_penguins_with_text_and_missing_cells(metric):
    X, y = load_penguins(return_X_y=True)
    model = make_pipeline(
        make_column_transformer(
            (OneHotEncoder(handle_unknown="ignore"), ["island", "sex"]),
            (make_pipeline(SimpleImputer(), StandardScaler()), X.columns[1:5]),
        ),
        LogisticRegression(),
    )
    explainer = ExactExplainer(model, background=3, random_state=0).fit(X, y)
    assert 0 < metric(explainer, X[:4], reference=X, n_neighbors=3, random_state=0) < 10


@pytest.mark.parametrize("metric", BOTH)
def test_the_class_of_the_row_itself_is_compared(metric):
    X = np.linspace(-1, 1, 21)[:, None] * [1.0, 1.0]
    model = LogisticRegression(C=100).fit(X, X[:, 0] > 0)
    explainer = ExactExplainer(model, background=10, random_state=0).fit(X, X[:, 0] > 0)
    # Attributions to the two classes are opposite: taking the neighbour's class would jump.
    assert metric(explainer, X[9:12], reference=X, radius=0.05, random_state=0) < 1.5


@pytest.mark.parametrize("metric", BOTH)
def test_bad_input(metric):
    explainer = Attributing(lambda table: table).fit(CORNERS)
    with pytest.raises(ValueError, match="no column of numbers that vary"):
        metric(explainer, CORNERS[:1])
    with pytest.raises(TypeError, match="is not an explainer"):
        metric(LinearRegression().fit(CORNERS, CORNERS[:, 0]), CORNERS)
    for options in ({"radius": 0.0}, {"n_neighbors": 0}, {"n_samples": 0}):
        with pytest.raises(ValueError, match=next(iter(options))):
            metric(explainer, CORNERS, **options)


@pytest.mark.parametrize("metric", [*BOTH, adversarial_sensitivity])
def test_rounding_of_the_outputs_is_no_change(metric):
    class Level(Attributing):
        # Of outputs of about 1 there are but the last digits, in any direction.
        def _explain(self, X):
            explanation = super()._explain(X)
            return replace(
                explanation, base_values=np.ones((len(X), 1)), predictions=[[1.0]] * len(X)
            )

    explainer = Level(lambda X: 1e-17 * np.sin(100 * X)).fit(CORNERS)
    options = {"tolerance": 0.1} if metric is adversarial_sensitivity else {}
    assert np.abs(explainer.explain(CORNERS).values).max() > 0
    assert metric(explainer, CORNERS, random_state=0, **options) == 0.0


def test_moves_that_round_to_nothing_leave_no_measure_of_robustness():
    X = np.array([[0, 1], [1, 0], [2, 2]])
    explainer = Attributing(lambda table: table).fit(X)
    for metric in BOTH:
        assert np.isnan(metric(explainer, X, radius=0.1))


@pytest.mark.parametrize("metric", [max_sensitivity, adversarial_sensitivity])
def test_rows_that_do_not_move_are_left_out(metric):
    X = np.array([[1.0], [2.0], [np.nan], [3.0]])
    # Twice as much wherever a number has moved.
    explainer = AttributingMissing(lambda table: np.where(table == np.round(table), 1.0, 2.0))
    explainer.fit(X)
    options = {"tolerance": 10.0} if metric is adversarial_sensitivity else {}
    assert metric(explainer, X, random_state=0, **options) == 1.0
    assert np.isnan(metric(explainer, X[2:3], reference=X, random_state=0, **options))
