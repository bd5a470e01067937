from dataclasses import replace
from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LogisticRegression

from sklearn_metaexplain.metrics import faithfulness_score
from tests.metrics.explanations import attributed, linear_example
from tests.posthoc.tables import mixed_pipeline, mixed_table
from tests.small_explainers import ExactExplainer

ALL = 400  # draws, enough to meet all sets of four columns


def naive_correlation(predict, row, background, values, groups):
    """Correlation of one row and output by definition, a set and a background row at a time.

    ``predict`` maps a list of cells to one number, ``groups`` lists the columns of each value.
    """
    says, does = [], []
    for replaced in product([False, True], repeat=len(groups)):
        taken = {j for group, out in zip(groups, replaced, strict=True) if out for j in group}
        outputs = [
            predict([other[j] if j in taken else row[j] for j in range(len(row))])
            for other in background
        ]
        says.append(sum(value for value, out in zip(values, replaced, strict=True) if out))
        does.append(predict(row) - np.mean(outputs))
    return np.corrcoef(says, does)[0, 1]


# What it measures


def test_additive_models_shapley_values_score_one_and_their_opposite_minus_one():
    explanation, model, background = linear_example()
    score = faithfulness_score(explanation, model.predict, background=background, random_state=0)
    assert score == pytest.approx(1.0, abs=1e-9)
    scaled = replace(explanation, values=-3 * explanation.values)
    score = faithfulness_score(scaled, model.predict, background=background, random_state=0)
    assert score == pytest.approx(-1.0, abs=1e-9)


def test_definition_for_a_regressor_of_two_targets():
    random = np.random.RandomState(0)
    X = random.normal(size=(60, 3))
    y = np.column_stack([X[:, 0] * X[:, 1], np.sin(X[:, 2]) + X[:, 0]])
    model = RandomForestRegressor(10, random_state=0).fit(X, y)
    rows, background = X[:4], X[50:55]
    values = random.normal(size=(4, 3, 2))
    expected = [
        naive_correlation(
            lambda cells, k=k: model.predict([cells])[0, k],
            rows[i],
            background,
            values[i, :, k],
            [[0], [1], [2]],
        )
        for i in range(4)
        for k in range(2)
    ]
    score = faithfulness_score(
        attributed(values, rows, model.predict(rows)),
        model.predict,
        background=background,
        n_coalitions=ALL,
        random_state=0,
    )
    assert score == pytest.approx(np.mean(expected), abs=1e-9)


def test_definition_for_the_predicted_class_of_mixed_rows_with_groups():
    X, _ = mixed_table()
    y = np.where(X["port"] == "C", "one", np.where(X["age"] > 45, "two", "three"))
    model = mixed_pipeline().fit(X, y)
    rows, background = X[:5], X[70:76]
    probabilities = model.predict_proba(rows)
    predicted = probabilities.argmax(axis=1)
    assert len(set(predicted)) > 1
    values = np.random.RandomState(0).normal(size=(5, 3, 3))
    explanation = attributed(
        values,
        rows,
        probabilities,
        "probability",
        "classifier",
        feature_names=["person", "fare", "port"],
        output_names=model.classes_,
    )

    def ask(cells, k):
        return model.predict_proba(pd.DataFrame([cells], columns=X.columns))[0, k]

    expected = [
        naive_correlation(
            lambda cells, k=k: ask(cells, k),
            rows.iloc[i].tolist(),
            background.to_numpy().tolist(),
            values[i, :, k],
            [[0, 3], [1], [2]],
        )
        for i, k in enumerate(predicted)
    ]
    score = faithfulness_score(
        explanation,
        model.predict_proba,
        background=background,
        feature_groups={"person": ["age", "sex"]},
        n_coalitions=ALL,
        random_state=0,
    )
    assert score == pytest.approx(np.mean(expected), abs=1e-9)


def test_truth_beats_noise_and_noise_beats_chance():
    X, y = mixed_table(120)
    explainer = ExactExplainer(
        mixed_pipeline(RandomForestClassifier(20, random_state=0)), background=8, random_state=0
    ).fit(X[:60], y[:60])
    explanation = explainer.explain(X[60:90])
    noise = np.random.RandomState(0).normal(size=explanation.values.shape)
    size = explanation.values.std()
    scores = [
        faithfulness_score(
            replace(explanation, values=values),
            explainer.predict_proba,
            background=X[90:],
            random_state=0,
        )
        for values in (
            explanation.values,
            explanation.values + size * noise,
            noise,
            -explanation.values,
        )
    ]
    assert scores[0] > 0.9
    assert scores[0] > scores[1] + 0.05 > scores[2] + 0.1
    assert abs(scores[2]) < 0.35
    assert scores[3] == pytest.approx(-scores[0])


def test_score_of_rows_is_the_mean_of_the_scores_of_each():
    explanation, model, background = linear_example(d=9)
    values = np.random.RandomState(0).normal(size=explanation.values.shape)
    explanation = replace(explanation, values=values)

    def score(part):
        return faithfulness_score(part, model.predict, background=background, random_state=3)

    assert score(explanation) == pytest.approx(np.mean([score(row) for row in explanation]))


# Rows without variation


@pytest.mark.parametrize("rounding", [0.0, 1e-13])
def test_rows_whose_output_never_changes_are_left_out(rounding):
    def predict(table):
        return np.where(table[:, 0] > 0, table[:, 1] + table[:, 2], 5.0 + rounding * table[:, 1])

    background = np.array([[-1.0, 3.0, 1.0], [-2.0, 4.0, 1.0]])
    X = np.array([[1.0, 9.0, 7.0], [-1.0, 8.0, 2.0], [1.0, 2.0, 1.0]])
    values = np.random.RandomState(0).normal(size=(3, 3, 1))
    explanation = attributed(values, X, predict(X))

    def score(rows):
        return faithfulness_score(
            explanation[rows], predict, background=background, n_coalitions=ALL, random_state=0
        )

    assert np.isnan(score([1]))
    assert score([0, 1, 2]) == pytest.approx(score([0, 2]))


@pytest.mark.parametrize("rounding", [0.0, 1e-17])
def test_attributions_of_zero_count_as_zero(rounding):
    explanation, model, background = linear_example()
    values = explanation.values.copy()
    values[:5] *= rounding
    score = faithfulness_score(
        replace(explanation, values=values), model.predict, background=background, random_state=0
    )
    assert score == pytest.approx(10 / 15)


@pytest.mark.parametrize("d", [1, 2])
def test_tables_of_few_columns(d):
    explanation, model, background = linear_example(d=d)
    score = faithfulness_score(explanation, model.predict, background=background, random_state=0)
    assert score == pytest.approx(1.0)


# What the model is asked


def test_cost_is_as_documented_and_batches_are_bounded():
    explanation, model, background = linear_example(d=4)
    asked = []

    def predict(table):
        asked.append(len(table))
        return model.predict(table)

    def score(**options):
        asked.clear()
        return faithfulness_score(
            explanation, predict, background=background, random_state=0, **options
        )

    whole = score(n_coalitions=ALL)
    n, m, n_background = 15, 2**4 - 2, 7
    assert sum(asked) == n * (1 + m * n_background) + n_background
    assert score(n_coalitions=ALL, batch_size=20) == pytest.approx(whole, abs=1e-12)
    assert max(asked) == 15  # the rows themselves; of hybrids at most two times the background
    score(n_coalitions=5)
    assert sum(asked) <= n * (1 + 5 * n_background) + n_background


def test_frames_reach_the_model_as_they_are():
    X, y = mixed_table()
    X = X.astype({"port": "category", "age": "Int64"})
    model = mixed_pipeline().fit(X, y)

    def predict(table):
        assert table.dtypes.equals(X.dtypes)
        assert list(table) == list(X)
        return model.predict_proba(table)

    values = np.ones((6, 4, 2))
    explanation = attributed(values, X[:6], predict(X[:6]), "probability", "classifier")
    faithfulness_score(explanation, predict, background=X[40:], random_state=0)


def test_sparse_rows():
    explanation, model, background = linear_example()
    dense = faithfulness_score(explanation, model.predict, background=background, random_state=0)
    rows = replace(explanation, data=sparse.csr_array(explanation.data))
    score = faithfulness_score(
        rows, model.predict, background=sparse.csr_array(background), random_state=0
    )
    assert score == pytest.approx(dense)


def test_one_column_of_a_binary_classifier_stands_for_two():
    random = np.random.RandomState(0)
    X = random.normal(size=(50, 3))
    model = LogisticRegression().fit(X, X[:, 0] + X[:, 1] * X[:, 2] > 0)
    odds = model.decision_function(X[:8])
    values = random.normal(size=(8, 3, 1)) * [-1, 1]
    explanation = attributed(values, X[:8], np.column_stack([-odds, odds]), kind="classifier")

    def score(explanation, predict):
        return faithfulness_score(explanation, predict, background=X[30:], random_state=0)

    whole = score(explanation, model.decision_function)
    assert score(explanation.for_output(1), model.decision_function) == pytest.approx(whole)
    probability = replace(explanation, output="probability", predictions=model.predict_proba(X[:8]))
    both = score(probability, model.predict_proba)
    one = score(probability, lambda table: model.predict_proba(table)[:, 1])
    assert one == pytest.approx(both, rel=1e-12)


def test_one_class_alone():
    X, _ = mixed_table()
    y = np.where(X["port"] == "C", "one", np.where(X["age"] > 45, "two", "three"))
    explainer = ExactExplainer(mixed_pipeline(), background=6, random_state=0).fit(X, y)
    explanation = explainer.explain(X[:5])
    scores = [
        faithfulness_score(
            explanation.for_output(label),
            lambda table, k=k: explainer.predict_proba(table)[:, k],
            background=X[60:],
            random_state=0,
        )
        for k, label in enumerate(explainer.classes_)
    ]
    assert len(set(scores)) == 3
    assert min(scores) > 0.7


# Seeds


def test_same_seed_same_score_and_no_global_generator():
    explanation, model, background = linear_example()
    values = np.random.RandomState(0).normal(size=explanation.values.shape)
    explanation = replace(explanation, values=values)
    before = np.random.get_state()[1].tolist()
    first, again, other = (
        faithfulness_score(
            explanation, model.predict, background=background, n_coalitions=20, random_state=seed
        )
        for seed in (0, np.random.RandomState(0), 1)
    )
    unseeded = faithfulness_score(explanation, model.predict, background=background)
    assert np.random.get_state()[1].tolist() == before
    assert np.isfinite(unseeded)
    assert first == again
    assert first != other


# Bad input


def test_predict_must_return_what_was_explained():
    X, y = mixed_table()
    explainer = ExactExplainer(mixed_pipeline(), background=6, random_state=0).fit(X, y)
    explanation = explainer.explain(X[:5])

    def score(predict):
        return faithfulness_score(explanation, predict, background=X[60:], random_state=0)

    with pytest.raises(ValueError, match=r"labels; pass .*'probability' of \['no', 'yes'\]"):
        score(explainer.predict)
    with pytest.raises(ValueError, match="shape"):
        score(lambda table: np.ones((len(table), 3)))
    with pytest.raises(ValueError, match="NaN"):
        score(lambda table: np.full((len(table), 2), np.nan))
    with pytest.raises(ValueError, match="misses the predictions"):
        score(lambda table: explainer.predict_proba(table)[:, ::-1])
    with pytest.raises(ValueError, match="misses the predictions"):
        score(explainer.decision_function)


def test_missing_attributions_are_refused():
    X, y = mixed_table()
    explainer = ExactExplainer(mixed_pipeline(), background=6, random_state=0).fit(X, y)
    explanation = explainer.explain(X[:5])
    values = explanation.values.copy()
    values[2] = np.nan
    with pytest.raises(ValueError, match="explanation has NaN"):
        faithfulness_score(
            replace(explanation, values=values), explainer.predict_proba, background=X[60:]
        )


def test_tables_must_fit():
    X, y = mixed_table()
    groups = {"person": ["age", "sex"]}
    explainer = ExactExplainer(
        mixed_pipeline(), background=6, feature_groups=groups, random_state=0
    ).fit(X, y)
    explanation = explainer.explain(X[:5])

    def score(explanation, background=X[60:], feature_groups=groups, **options):
        return faithfulness_score(
            explanation,
            explainer.predict_proba,
            background=background,
            feature_groups=feature_groups,
            **options,
        )

    with pytest.raises(ValueError, match="keeps no data"):
        score(replace(explanation, data=None))
    with pytest.raises(ValueError, match="no rows"):
        score(explanation[[]])
    with pytest.raises(ValueError, match="pass the feature_groups"):
        score(explanation, feature_groups=None)
    with pytest.raises(ValueError, match=r"background has the columns \['sex'"):
        score(explanation, background=X[60:][X.columns[::-1]])
    with pytest.raises(ValueError, match="at least one row"):
        score(explanation, background=X[:0])
    with pytest.raises(ValueError, match="n_coalitions"):
        score(explanation, n_coalitions=0)
    with pytest.raises(ValueError, match="batch_size"):
        score(explanation, batch_size=0.5)
