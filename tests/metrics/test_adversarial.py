from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.linear_model import LinearRegression, LogisticRegression

from sklearn_metaexplain.metrics import adversarial_search, adversarial_sensitivity
from sklearn_metaexplain.metrics._same_prediction import tolerances
from tests.metrics.explanations import attributed
from tests.metrics.test_robustness import CORNERS, Attributing, AttributingMissing
from tests.posthoc.tables import mixed_pipeline, mixed_table
from tests.small_explainers import ExactExplainer


def mixed_explainer():
    X, y = mixed_table()
    X.loc[X.index[::9], ["age", "port"]] = None
    model = mixed_pipeline(LogisticRegression())
    model.steps.insert(0, ("fill", Fill()))
    return ExactExplainer(model, background=2, random_state=0).fit(X, y), X


class Fill:
    """Puts numbers and words where there are none."""

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return X.fillna({"age": 50, "port": "none"})


def test_found_rows_keep_to_the_rules_and_are_what_is_reported():
    explainer, X = mixed_explainer()
    found = adversarial_search(explainer, X, radius=0.3, n_swaps=1, n_samples=6, random_state=0)
    rows, started = found.rows, X.iloc[found.positions]
    assert rows.index.tolist() == started.index.tolist()
    assert rows.dtypes.equals(X.dtypes)
    assert (rows.isna() == started.isna()).to_numpy().all()
    for name in ("age", "fare"):
        assert ((rows[name] - started[name]).abs().fillna(0) < 0.3001 * X[name].std(ddof=0)).all()
        assert rows[name].dropna().between(X[name].min(), X[name].max()).all()
    swapped = sum((rows[name] != started[name]) & started[name].notna() for name in ("port", "sex"))
    assert swapped.max() <= 1

    before, after = explainer.explain(started), explainer.explain(rows)
    assert (before.predicted_labels == after.predicted_labels).all()
    chosen = before.predictions.argmax(axis=1)
    each = np.arange(6)
    change = after.predictions[each, chosen] - before.predictions[each, chosen]
    assert (np.abs(change) <= 0.05).all()
    own, theirs = before.values[each, :, chosen], after.values[each, :, chosen]
    distances = np.linalg.norm(theirs - own, axis=1) / np.linalg.norm(own, axis=1)
    np.testing.assert_allclose(found.distances, distances)
    np.testing.assert_allclose(found.after.values, after.values)
    assert found.score == pytest.approx(distances.mean())
    assert (found.distances > 0).all()


def test_more_freedom_and_more_rounds_find_more():
    explainer, X = mixed_explainer()

    def score(**options):
        settings = {"n_samples": 4, "n_rounds": 2, "n_candidates": 5, "random_state": 0, **options}
        return adversarial_search(explainer, X, **settings).score

    assert score(n_rounds=1) < score()
    assert score(radius=0.01, n_swaps=0) < score(n_swaps=0) < score(radius=1.0, n_swaps=0)
    assert score(n_swaps=0) < score(tolerance=0.2)
    assert score(tolerance=1e-9) < score()


def test_numbers_alone_or_categories_alone():
    explainer, X = mixed_explainer()
    few = X[1:7]
    words, numbers = (
        adversarial_search(explainer, few, n_rounds=2, tolerance=0.5, random_state=0, **options)
        for options in ({"reference": X.assign(age=1.0, fare=2.0)}, {"reference": X, "n_swaps": 0})
    )
    assert words.rows[["age", "fare"]].equals(few[["age", "fare"]])
    assert not words.rows[["port", "sex"]].equals(few[["port", "sex"]])
    assert numbers.rows[["port", "sex"]].equals(few[["port", "sex"]])
    assert (numbers.distances > 0).all()


def test_the_worst_case_of_a_linear_explainer_is_nearly_found():
    explainer = Attributing(lambda table: table * [1.0, -1.0]).fit(CORNERS)
    found = adversarial_search(
        explainer, CORNERS, radius=0.2, tolerance=10.0, n_rounds=20, random_state=0
    )
    # Both numbers move all the way.
    assert found.score == pytest.approx(0.2)
    # Where the prediction must stay, both move alike: it is their difference.
    found = adversarial_search(
        explainer, CORNERS, radius=0.2, tolerance=1e-3, n_rounds=20, random_state=0
    )
    assert (np.abs(np.diff(found.rows - CORNERS, axis=1)) <= 1e-3).all()


@pytest.mark.parametrize("n_swaps", [1, 2, 3])
def test_as_many_categories_are_swapped_as_may_be_and_no_more(n_swaps):
    words = pd.DataFrame(list(product("01", repeat=4)), columns=list("abcd"))
    explainer = Attributing(lambda table: table).fit(words)
    found = adversarial_search(
        explainer,
        words[:1],
        n_swaps=n_swaps,
        tolerance=10.0,
        n_rounds=20,
        reference=words,
        random_state=0,
    )
    assert (found.rows == "1").sum(axis=1).tolist() == [n_swaps]
    assert found.score == pytest.approx(np.sqrt(n_swaps))


def test_each_target_stays_within_its_own_tolerance():
    X = np.random.RandomState(0).normal(size=(30, 2))
    explainer = ExactExplainer(LinearRegression(), background=4, random_state=0)
    explainer.fit(X, X * [1.0, 1000.0])
    found = adversarial_search(explainer, X, n_samples=10, radius=0.2, random_state=0)
    assert found.score > 0
    changes = np.abs(found.after.predictions - found.before.predictions)
    assert (changes <= 0.05 * found.before.predictions.std(axis=0)).all()
    assert (changes > 0.02 * found.before.predictions.std(axis=0)).any(axis=0).all()


def test_the_predicted_class_stays_whatever_the_tolerance():
    X = np.random.RandomState(0).normal(size=(30, 2))
    explainer = ExactExplainer(LogisticRegression(), background=4, random_state=0)
    explainer.fit(X, X[:, 0] > 0)
    found = adversarial_search(explainer, X, n_samples=8, radius=3.0, tolerance=1.0, random_state=0)
    assert (found.before.predicted_labels == found.after.predicted_labels).all()
    changes = np.abs(found.after.predictions - found.before.predictions).max(axis=1)
    assert changes.max() > 0.3


def test_classes_share_a_tolerance_and_targets_have_their_own():
    predictions = np.array([[1.0, 2.0, -6.0], [-1.0, -2.0, 6.0]])
    for kind, spreads in (("classifier", [3.0, 3.0, 3.0]), ("regressor", [1.0, 2.0, 6.0])):
        explanation = attributed(np.zeros((2, 1, 3)), None, predictions, kind=kind)
        np.testing.assert_allclose(tolerances(explanation), 0.05 * np.array(spreads))


def test_robust_rows_stay_themselves():
    explainer = Attributing(lambda table: np.ones_like(table)).fit(CORNERS)
    found = adversarial_search(explainer, CORNERS, tolerance=1.0, random_state=0)
    assert found.score == 0.0
    np.testing.assert_array_equal(found.rows, CORNERS)


def test_rows_that_nothing_moves_in_have_no_distance():
    table = pd.DataFrame({"n": [0, 1, 2, 3], "word": ["a", "b", None, "a"]})
    explainer = Attributing(lambda table: np.ones_like(table)).fit(table[["n"]])
    found = adversarial_search(explainer, table[["n"]], tolerance=1.0, random_state=0)
    assert np.isnan(found.distances).all()
    assert np.isnan(found.score)

    class Words(AttributingMissing):
        def _explain(self, X):
            return super()._explain(X.assign(word=(X["word"] == "a") + 1))

    explainer = Words(lambda table: table * [0, 1]).fit(table)
    found = adversarial_search(explainer, table, tolerance=10.0, random_state=0)
    np.testing.assert_allclose(found.distances, [0.5, 1.0, np.nan, 0.5])
    assert found.score == pytest.approx(2 / 3)


def test_seeds_and_tables_of_other_kinds():
    X = np.random.RandomState(0).normal(size=(30, 3))
    explainer = ExactExplainer(LinearRegression(), background=4, random_state=0)
    explainer.fit(X, np.column_stack([X[:, 0], X @ [1.0, 2.0, 3.0]]))
    dense = adversarial_search(explainer, X, n_samples=4, random_state=0)
    again = adversarial_search(explainer, X, n_samples=4, random_state=0)
    np.testing.assert_array_equal(dense.rows, again.rows)
    assert adversarial_search(explainer, X, n_samples=4, random_state=1).score != dense.score
    thin = adversarial_search(explainer, sparse.csr_array(X), n_samples=4, random_state=0)
    assert sparse.issparse(thin.rows)
    np.testing.assert_allclose(thin.rows.toarray(), dense.rows)
    listed = adversarial_search(explainer, X.tolist(), n_samples=4, random_state=0)
    np.testing.assert_allclose(listed.rows, dense.rows)
    score = adversarial_sensitivity(explainer, X, n_samples=4, random_state=0)
    assert score == dense.score
    quick = adversarial_sensitivity(explainer, X, n_samples=4, random_state=0, n_rounds=1)
    assert quick < score


def test_arrays_for_an_explainer_fitted_on_a_frame():
    X = pd.DataFrame(np.random.RandomState(0).normal(size=(30, 3)), columns=list("abc"))
    explainer = ExactExplainer(LinearRegression(), background=4, random_state=0).fit(X, X["a"])
    frame = adversarial_search(explainer, X, n_samples=4, random_state=0)
    with pytest.warns(UserWarning, match="feature names"):
        array = adversarial_search(explainer, X.to_numpy(), n_samples=4, random_state=0)
    np.testing.assert_allclose(array.rows, frame.rows)


def test_bad_input():
    explainer = Attributing(lambda table: table).fit(CORNERS)
    with pytest.raises(ValueError, match="no column of numbers that vary and no category"):
        adversarial_search(explainer, CORNERS[:1])
    with pytest.raises(ValueError, match="pass tolerance in units of the output"):
        adversarial_search(explainer, CORNERS[:1], reference=CORNERS)
    words = pd.DataFrame({"a": ["x", "y"]})
    with pytest.raises(ValueError, match="no category to swap"):
        adversarial_search(explainer, words, n_swaps=0)
    with pytest.raises(TypeError, match="is not an explainer"):
        adversarial_search(LinearRegression().fit(CORNERS, CORNERS[:, 0]), CORNERS)
    for options in ({"n_swaps": -1}, {"tolerance": 0.0}, {"n_rounds": 0}, {"n_candidates": 0}):
        with pytest.raises(ValueError, match=next(iter(options))):
            adversarial_search(explainer, CORNERS, **options)
