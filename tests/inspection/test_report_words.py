"""What a report says of its numbers."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from sklearn_metaexplain import LoggedExplainer
from sklearn_metaexplain.inspection._report_words import describe
from tests.inspection.report_pages import mixed_explanation


def words(explanation, explainer=None):
    return dict(describe(explanation, explainer))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"output": "probability"}, "probability"),
        ({"output": "log_odds"}, "log-odds"),
        ({"output": "raw"}, "raw output, not probabilities"),
        ({"output": "raw", "estimator_type": "regressor"}, "regressor's prediction"),
        ({"output": "raw", "estimator_type": None}, "model's raw output"),
    ],
)
def test_units(changes, said):
    assert said in words(mixed_explanation(**changes))["Units"]


def test_the_largest_gap_is_named():
    explanation = mixed_explanation(n=5)
    predictions = explanation.predictions.copy()
    predictions[3, 1] += 0.25
    said = words(replace(explanation, predictions=predictions))["Sum"]
    assert "to within 0.25" in said
    assert "all 5 rows" in said


def test_no_sum_is_promised_where_there_is_none():
    assert "does not promise" in words(mixed_explanation(additive=False))["Sum"]


def test_value_functions():
    assert "background rows" in words(mixed_explanation())["Columns left out"]
    said = words(mixed_explanation(value_function="local"))["Columns left out"]
    assert "near each row" in said
    said = words(mixed_explanation(value_function="intrinsic"))["Columns left out"]
    assert "the model itself" in said
    said = words(mixed_explanation(value_function="conditional"))["Columns left out"]
    assert '"conditional"' in said


def test_whiskers():
    explanation = mixed_explanation()
    assert "does not state" in words(replace(explanation, std=None))["Whiskers"]
    zero = replace(explanation, std=np.zeros_like(explanation.values))
    assert "exact" in words(zero)["Whiskers"]
    constant = replace(explanation, std=np.full_like(explanation.values, 0.25))
    assert "median is 0.25" in words(constant)["Whiskers"]
    numbers = replace(
        explanation, values=np.full_like(explanation.values, 352.4), std=explanation.values**2 + 1
    )
    assert "root mean square of 352" in words(numbers)["Whiskers"]


@pytest.mark.parametrize(
    ("error", "spread", "said"),
    [
        (0.0213, 0.004, "2.1 % ± 0.4 % (standard error)"),
        (0.5, None, "to be 50 % of"),
        (1e-7, 1e-8, "to be less than 0.01 % of"),
        (None, None, "does not estimate"),
    ],
)
def test_own_error(error, spread, said):
    explainer = SimpleNamespace(shapley_error_=error, shapley_error_se_=spread)
    sentence = words(mixed_explanation(), explainer)["Error of the explainer"]
    assert sentence.startswith("SimpleNamespace")
    assert said in sentence
    assert "further evaluations" not in sentence


@pytest.mark.parametrize("n_evaluations", [0, 2048])
def test_only_what_has_no_standard_deviation_is_said_to_be_exact(n_evaluations):
    explainer = SimpleNamespace(
        shapley_error_=0.0, shapley_error_se_=0.0, n_evaluations_=n_evaluations
    )
    explanation = mixed_explanation()
    for std in (None, np.zeros_like(explanation.values)):
        said = words(replace(explanation, std=std), explainer)["Error of the explainer"]
        assert "exact, at the budget" in said
    one = np.zeros_like(explanation.values)
    one[3, 1, 0] = 0.01
    said = words(replace(explanation, std=one), explainer)["Error of the explainer"]
    assert "exact" not in said
    assert ("guess" if n_evaluations == 0 else "see the whiskers") in said


def test_a_guess_without_a_model_is_called_one():
    X = np.random.RandomState(0).normal(size=(60, 3))
    explainer = LoggedExplainer(background=5, random_state=0).fit(X, np.abs(X[:, 0]) + X[:, 1])
    said = words(explainer.explain(X[:5]), explainer)["Error of the explainer"]
    assert said.startswith("LoggedExplainer guesses")
    assert "asked no model" in said
    assert "held out" not in said
    cost = words(explainer.explain(X[:5]), explainer)["Cost"]
    assert cost == "None: LoggedExplainer asked no model."
    # Nor is a guess of zero more than that.
    explainer.shapley_error_ = explainer.shapley_error_se_ = 0.0
    said = words(explainer.explain(X[:5]), explainer)["Error of the explainer"]
    assert "to be less than 0.01 % of" in said


def test_own_error_is_of_rows_without_further_evaluations():
    explainer = SimpleNamespace(shapley_error_=0.1, shapley_error_se_=0.01)
    explanation = mixed_explanation(n_evaluations=50)
    assert (
        "without the further evaluations" in words(explanation, explainer)["Error of the explainer"]
    )


@pytest.mark.parametrize(
    ("n_evaluations", "said"),
    [(0, "no further rows"), (1, "1 row beyond"), (1200, "1,200 rows"), ([0, 7], "0 to 7 rows")],
)
def test_cost(n_evaluations, said):
    explanation = mixed_explanation(n=2, n_evaluations=n_evaluations)
    assert said in words(explanation)["Cost"]
    assert "Fitting" not in words(explanation)["Cost"]
    fitted = SimpleNamespace(n_evaluations_=2048)
    assert "Fitting the explainer took 2,048 rows" in words(explanation, fitted)["Cost"]
