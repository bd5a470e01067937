from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from sklearn_metaexplain.metrics import comprehensiveness, sufficiency
from tests.metrics.explanations import add_up, attributed, linear_example, of_a_sum
from tests.posthoc.tables import mixed_pipeline, mixed_table

ZEROS = np.zeros((1, 4))
ROWS = [[1.0, 5.0, 3.0, -2.0], [4.0, 0.0, -1.0, 2.0]]


@pytest.mark.parametrize(
    ("fractions", "lost", "kept"),
    [
        # The row sums are 7 and 5; the top columns 5, 3, 1 and 4, 2, 0.
        ([0.25], [5, 4], [2, 1]),
        ([0.5], [8, 6], [-1, -1]),
        ([0.25, 0.5], [6.5, 5], [0.5, 0]),
        ([0.3], [8, 6], [-1, -1]),  # rounded up
        ([1.0], [7, 5], [0, 0]),
        ([0.25, 0.25, 0.5], [6, 14 / 3], [1, 1 / 3]),
    ],
)
def test_by_hand(fractions, lost, kept):
    explanation = of_a_sum(ROWS)
    options = {"background": ZEROS, "fractions": fractions}
    assert comprehensiveness(explanation, add_up, **options) == pytest.approx(np.mean(lost))
    assert sufficiency(explanation, add_up, **options) == pytest.approx(np.mean(kept))


def test_rounding_adds_no_column():
    assert 0.55 * 100 > 55
    explanation = of_a_sum(np.arange(100.0)[None])
    lost = comprehensiveness(explanation, add_up, background=np.zeros((1, 100)), fractions=[0.55])
    assert lost == pytest.approx(sum(range(45, 100)))


def test_losses_of_an_additive_model_sum_to_what_there_is_to_explain():
    explanation, model, background = linear_example()
    values = np.random.RandomState(0).normal(size=explanation.values.shape)
    explanation = replace(explanation, values=values)
    total = sum(
        metric(explanation, model.predict, background=background)
        for metric in (comprehensiveness, sufficiency)
    )
    expected = explanation.predictions.mean() - model.predict(background).mean()
    assert total == pytest.approx(expected)


def test_the_predicted_class_decides():
    random = np.random.RandomState(0)
    X = random.normal(size=(90, 4))
    model = LogisticRegression().fit(X, np.digitize(X[:, 0] - X[:, 1], [-0.5, 0.5]))
    probabilities = model.predict_proba(X[:9])
    values = random.normal(size=(9, 4, 3))
    explanation = attributed(values, X[:9], probabilities, "probability", "classifier")
    expected = []
    for i, k in enumerate(probabilities.argmax(axis=1)):
        row = X[i].copy()
        row[values[i, :, k].argmax()] = X[80, values[i, :, k].argmax()]
        expected.append(probabilities[i, k] - model.predict_proba([row])[0, k])
    score = comprehensiveness(
        explanation, model.predict_proba, background=X[80:81], fractions=[0.25]
    )
    assert score == pytest.approx(np.mean(expected))


def test_mixed_rows_with_missing_cells():
    X, y = mixed_table()
    X.loc[X.index[::7], "sex"] = None
    model = mixed_pipeline().fit(X, y)
    values = np.random.RandomState(0).normal(size=(8, 4, 2))
    explanation = attributed(values, X[:8], model.predict_proba(X[:8]), "probability", "classifier")
    for metric in (comprehensiveness, sufficiency):
        first, again = (
            metric(explanation, model.predict_proba, background=X[60:], random_state=0)
            for _ in range(2)
        )
        assert first == again
        assert -1 < first < 1


@pytest.mark.parametrize("fractions", [[], [0.0], [1.5], ["half"], [float("nan")]])
@pytest.mark.parametrize("metric", [comprehensiveness, sufficiency])
def test_bad_fractions(metric, fractions):
    with pytest.raises(ValueError, match="fractions must"):
        metric(of_a_sum(ROWS), add_up, background=ZEROS, fractions=fractions)
