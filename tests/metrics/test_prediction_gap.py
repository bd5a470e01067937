from itertools import product

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from sklearn_metaexplain.metrics import prediction_gap_important, prediction_gap_unimportant
from tests.metrics.explanations import add_up, attributed, linear_example, of_a_sum

ZEROS = np.zeros((1, 3))


@pytest.mark.parametrize(
    ("k", "important", "unimportant"),
    [(1, 5, 2), (2, 2, 1), (3, 3, 0), (None, 3.5, 1.5)],
)
def test_by_hand(k, important, unimportant):
    # The sum of 1, 5 and -3 is 3; the order of importance is 5, -3, 1.
    explanation = of_a_sum([[1.0, 5.0, -3.0]])
    options = {"background": ZEROS, "k": k}
    assert prediction_gap_important(explanation, add_up, **options) == important
    assert prediction_gap_unimportant(explanation, add_up, **options) == unimportant


def test_absolute_changes_are_averaged_not_their_sum():
    # The two background rows move the output by 1 and by -1.
    explanation = of_a_sum([[1.0, 0.0]])
    background = np.array([[0.0, 0.0], [2.0, 0.0]])
    assert prediction_gap_important(explanation, add_up, background=background, k=1) == 1.0
    assert prediction_gap_unimportant(explanation, add_up, background=background, k=1) == 0.0


def test_definition():
    explanation, model, background = linear_example(d=4, n=3)
    values = np.random.RandomState(0).normal(size=(3, 4, 1))
    explanation = attributed(values, explanation.data, explanation.predictions)
    important, unimportant = [], []
    for row, sizes in zip(explanation.data, np.abs(values[:, :, 0]), strict=True):
        order = np.argsort(-sizes)
        for k, other in product(range(1, 4), background):
            for gaps, moved in ((important, order[:k]), (unimportant, order[k:])):
                hybrid = row.copy()
                hybrid[moved] = other[moved]
                gaps.append(abs(np.subtract(*model.predict([row, hybrid]))))
    for metric, gaps in (
        (prediction_gap_important, important),
        (prediction_gap_unimportant, unimportant),
    ):
        score = metric(explanation, model.predict, background=background)
        assert score == pytest.approx(np.mean(gaps))
        small = metric(explanation, model.predict, background=background, batch_size=10)
        assert small == pytest.approx(score)


def test_targets_are_averaged():
    random = np.random.RandomState(0)
    X = random.normal(size=(40, 3))
    model = LinearRegression().fit(X, np.column_stack([X[:, 0], 5 * X[:, 1]]))
    explanation = attributed(random.normal(size=(6, 3, 2)), X[:6], model.predict(X[:6]))
    alone = [
        prediction_gap_important(
            explanation.for_output(k),
            lambda table, k=k: model.predict(table)[:, k],
            background=X[30:],
            k=1,
        )
        for k in (0, 1)
    ]
    both = prediction_gap_important(explanation, model.predict, background=X[30:], k=1)
    assert both == pytest.approx(np.mean(alone))
    assert alone[0] != pytest.approx(alone[1])


def test_one_column():
    explanation = of_a_sum([[2.0]])
    assert prediction_gap_important(explanation, add_up, background=np.zeros((1, 1))) == 2.0
    assert prediction_gap_unimportant(explanation, add_up, background=np.zeros((1, 1))) == 0.0


@pytest.mark.parametrize("metric", [prediction_gap_important, prediction_gap_unimportant])
def test_bad_k(metric):
    with pytest.raises(ValueError, match="k=4, but there are 3 features"):
        metric(of_a_sum([[1.0, 2.0, 3.0]]), add_up, background=ZEROS, k=4)
    with pytest.raises(ValueError, match="'k' parameter"):
        metric(of_a_sum([[1.0, 2.0, 3.0]]), add_up, background=ZEROS, k=0)
