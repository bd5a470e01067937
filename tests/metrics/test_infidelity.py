from dataclasses import replace

import numpy as np
import pytest
import torch
from captum.metrics import infidelity as captum_infidelity
from sklearn.linear_model import LogisticRegression

from sklearn_metaexplain._validation import draw_seed
from sklearn_metaexplain.metrics import infidelity
from sklearn_metaexplain.metrics._perturbed import draw_sets
from tests.metrics.explanations import add_up, attributed, linear_example, of_a_sum


def small_network(d=4):
    random = np.random.RandomState(0)
    inner, outer = (torch.from_numpy(random.normal(size=size)) for size in ((d, 6), 6))

    def forward(table):
        return torch.tanh(table @ inner) @ outer

    return forward


def test_by_hand():
    # Of two columns the sets are one column each, equally often.
    explanation = replace(of_a_sum([[2.0, 5.0]]), values=[[[3.0], [1.0]]])
    error = infidelity(
        explanation, add_up, background=np.zeros((1, 2)), n_coalitions=10_000, random_state=0
    )
    assert error == pytest.approx(((3 - 2) ** 2 + (1 - 5) ** 2) / 2, rel=0.02)
    assert infidelity(of_a_sum([[2.0]]), add_up, background=[[0.5]] * np.ones((1, 1))) == 0.25


def test_captum_agrees_on_a_small_network():
    forward = small_network()
    random = np.random.RandomState(1)
    X, baseline = random.normal(size=(5, 4)), random.normal(size=(1, 4))
    attributions = random.normal(size=(5, 4))

    def predict(table):
        return forward(torch.from_numpy(np.asarray(table))).numpy()

    sets = torch.from_numpy(draw_sets(np.random.RandomState(draw_seed(0)), 50, 4))

    def replace_columns(table):
        moved = sets.repeat(len(table) // len(sets), 1)
        return moved.double(), torch.where(moved, torch.from_numpy(baseline), table)

    expected = captum_infidelity(
        forward,
        replace_columns,
        torch.from_numpy(X),
        torch.from_numpy(attributions),
        n_perturb_samples=len(sets),
    )
    explanation = attributed(attributions[:, :, None], X, predict(X))
    error = infidelity(explanation, predict, background=baseline, n_coalitions=50, random_state=0)
    assert error == pytest.approx(float(expected.mean()), rel=1e-9)


def test_the_mean_over_the_background_is_what_is_predicted():
    explanation, model, background = linear_example()
    assert infidelity(explanation, model.predict, background=background) < 1e-20
    shifted = replace(explanation, values=explanation.values + 1.0)
    # Every set is missed by its size, which is uniform on 1 to 11.
    error = infidelity(
        shifted, model.predict, background=background, n_coalitions=1100, random_state=0
    )
    assert error == pytest.approx(np.mean(np.arange(1, 12) ** 2), rel=0.03)


def test_the_predicted_class_decides():
    random = np.random.RandomState(0)
    X = random.normal(size=(60, 3))
    model = LogisticRegression().fit(X, np.digitize(X[:, 0], [-0.5, 0.5]))
    probabilities = model.predict_proba(X[:9])
    values = random.normal(size=(9, 3, 3))
    explanation = attributed(values, X[:9], probabilities, "probability", "classifier")

    def score(explanation):
        return infidelity(explanation, model.predict_proba, background=X[50:], random_state=0)

    others = np.arange(3) != probabilities.argmax(axis=1)[:, None, None]
    same = replace(explanation, values=np.where(others, 0.0, values))
    assert score(same) == score(explanation)
    other = replace(explanation, values=np.where(others, values, 0.0))
    assert score(other) != pytest.approx(score(explanation))


def test_seeds():
    explanation, model, background = linear_example()
    explanation = replace(explanation, values=explanation.values[::-1])
    first, again, other = (
        infidelity(
            explanation, model.predict, background=background, n_coalitions=20, random_state=seed
        )
        for seed in (0, np.random.RandomState(0), 1)
    )
    assert first == again != other
