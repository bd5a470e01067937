"""What all explainers around a model share, on an explainer that enumerates."""

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_iris
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.frozen import FrozenEstimator
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import FixedThresholdClassifier, GridSearchCV
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC
from sklearn.utils._testing import ignore_warnings

from tests.small_explainers import ExactExplainer, OcclusionExplainer

X, Y = load_iris(return_X_y=True)
FRAME = pd.DataFrame(X, columns=["sl", "sw", "pl", "pw"])
BINARY = np.where(Y == 2, "virginica", "other")
TARGET = X @ [1.0, -2.0, 0.5, 3.0]


def exact(model, **settings):
    return ExactExplainer(model, **{"background": 5, "random_state": 0, **settings})


class TestValues:
    """Against closed forms of linear models: weight times distance from the background's mean."""

    def test_regression(self):
        explainer = exact(LinearRegression()).fit(X, TARGET)
        explanation = explainer.explain(X[:6])
        expected = (X[:6] - explainer.background_.mean(axis=0)) * [1.0, -2.0, 0.5, 3.0]
        np.testing.assert_allclose(explanation.values[:, :, 0], expected, atol=1e-10)
        np.testing.assert_allclose(explanation.base_values, TARGET_MEAN(explainer))
        assert explanation.output == "raw"
        assert explanation.estimator_type == "regressor"
        assert explanation.n_evaluations.tolist() == [2**4 * 5] * 6

    @pytest.mark.parametrize("output", ["raw", "log_odds"])
    def test_binary_has_both_classes(self, output):
        # Regularised, so that no probability is clipped.
        explainer = exact(LogisticRegression(C=0.05), output=output).fit(X, BINARY)
        explanation = explainer.explain(X[:6])
        weights = explainer.estimator_.coef_[0]
        expected = (X[:6] - explainer.background_.mean(axis=0)) * weights
        np.testing.assert_allclose(
            explanation.for_output("virginica").values[:, :, 0], expected, atol=1e-8
        )
        np.testing.assert_array_equal(explanation.values[:, :, 0], -explanation.values[:, :, 1])
        np.testing.assert_array_equal(explanation.base_values[:, 0], -explanation.base_values[:, 1])
        assert explanation.output_names.tolist() == ["other", "virginica"]

    def test_binary_probability(self):
        explainer = exact(LogisticRegression()).fit(X, BINARY)
        explanation = explainer.explain(X[:6])
        np.testing.assert_allclose(explanation.predictions, explainer.predict_proba(X[:6]))
        np.testing.assert_allclose(explanation.base_values.sum(axis=1), 1)
        assert explanation.output == "probability"
        np.testing.assert_array_equal(explanation.predicted_labels, explainer.predict(X[:6]))

    @pytest.mark.parametrize(
        "wrap",
        [
            lambda model: model,
            FrozenEstimator,
            lambda model: make_pipeline(StandardScaler(), model),
            lambda model: GridSearchCV(model, {"threshold": [0.9]}, cv=2),
        ],
    )
    def test_predicted_labels_are_those_of_a_threshold(self, wrap):
        model = FixedThresholdClassifier(LogisticRegression(), threshold=0.9)
        model = wrap(model.fit(X, BINARY) if wrap is FrozenEstimator else model)
        explainer = exact(model, batch_size=7).fit(X, BINARY)
        explanation = explainer.explain(X)
        predicted = explainer.predict(X)
        largest = explanation.output_names[explanation.predictions.argmax(axis=1)]
        assert (predicted != largest).sum() > 3
        np.testing.assert_array_equal(explanation.predicted_labels, predicted)
        one, of_row = explanation.for_predicted(), explanation.for_output(predicted[70])
        np.testing.assert_array_equal(one.values[70], of_row.values[70])

    @pytest.mark.parametrize("output", ["probability", "raw"])
    def test_predicted_labels_are_those_of_a_support_vector_machine(self, output):
        rng = np.random.RandomState(0)
        rows = rng.normal(size=(120, 4))
        labels = rng.permutation(["a", "b", "c"] * 40)
        explainer = exact(SVC(probability=True, random_state=0), output=output).fit(rows, labels)
        explanation = explainer.explain(rows)
        predicted = explainer.predict(rows)
        largest = explanation.output_names[explanation.predictions.argmax(axis=1)]
        assert (largest != predicted).any()
        np.testing.assert_array_equal(explanation.predicted_labels, predicted)

    def test_multiclass_raw(self):
        explainer = exact(LogisticRegression(max_iter=500), output="raw").fit(X, Y)
        explanation = explainer.explain(X[:6])
        distances = X[:6] - explainer.background_.mean(axis=0)
        expected = distances[:, :, None] * explainer.estimator_.coef_.T
        np.testing.assert_allclose(explanation.values, expected, atol=1e-8)

    def test_several_targets(self):
        targets = np.column_stack([TARGET, 2 * X[:, 1]])
        explanation = exact(LinearRegression()).fit(X, targets).explain(X[:6])
        single = exact(LinearRegression()).fit(X, TARGET).explain(X[:6])
        assert explanation.output_names.tolist() == ["y0", "y1"]
        np.testing.assert_allclose(explanation.values[:, :, :1], single.values, atol=1e-8)

    def test_targets_of_a_frame_name_the_outputs(self):
        targets = pd.DataFrame({"price": TARGET, "days": 2 * X[:, 1]})
        explanation = exact(LinearRegression()).fit(X, targets).explain(X[:6])
        assert explanation.output_names.tolist() == ["price", "days"]
        assert explanation.to_frame("days").shape == (6, X.shape[1])
        # A model of other targets than those of y has names of its own.
        model = FrozenEstimator(LinearRegression().fit(X, TARGET))
        assert exact(model).fit(X, targets).explain(X[:2]).output_names.tolist() == ["y"]

    def test_one_class(self):
        explainer = exact(RandomForestClassifier(2, random_state=0)).fit(X, np.full(150, "only"))
        explanation = explainer.explain(X[:2])
        assert explanation.values.shape == (2, 4, 1)
        assert (explanation.values == 0).all()
        assert explanation.output_names.tolist() == ["only"]

    @pytest.mark.parametrize("output", ["probability", "log_odds"])
    def test_one_class_of_a_model_that_says_how_likely_none_is(self, output):
        model = MLPClassifier([4], max_iter=5, alpha=9, random_state=0)
        with ignore_warnings(category=ConvergenceWarning):
            explainer = exact(model, output=output).fit(X, np.full(150, "only"))
        explanation = explainer.explain(X[:2])
        assert explanation.output_names.tolist() == ["only"]
        probabilities = explainer.predict_proba(X[:2])
        assert probabilities.shape == (2, 2)
        expected = probabilities[:, 0]
        if output == "log_odds":
            expected = np.log(expected / probabilities[:, 1])
        np.testing.assert_allclose(explanation.predictions[:, 0], expected)
        assert np.abs(explanation.values).min() > 0
        np.testing.assert_allclose(explanation.residual, 0, atol=1e-12)

    def test_groups_are_one_player(self):
        explainer = exact(LinearRegression(), feature_groups={"length": ["sl", "pl"]})
        explanation = explainer.fit(FRAME, TARGET).explain(FRAME[:3])
        assert explanation.feature_names.tolist() == ["length", "sw", "pw"]
        assert explanation[1:].feature_of_column.tolist() == [0, 1, 0, 2]
        alone = exact(LinearRegression()).fit(FRAME, TARGET).explain(FRAME[:3]).values
        np.testing.assert_allclose(explanation.values[:, 0], alone[:, 0] + alone[:, 2], atol=1e-10)
        assert explainer.transform(FRAME[:3]).shape == (3, 3)
        assert explainer.get_feature_names_out().tolist() == ["length", "sw", "pw"]
        assert explanation.to_shap().data is None  # four columns, three players


def TARGET_MEAN(explainer):
    return np.full((6, 1), explainer.predict(explainer.background_).mean())


class TestAssemble:
    def fitted(self, explainer, **settings):
        return explainer(LogisticRegression(max_iter=500), background=5, **settings).fit(X, Y)

    def assemble(self, explainer):
        predictions = explainer.predict_proba(X[:3])
        base = explainer.predict_proba(explainer.background_).mean(axis=0)
        values = np.zeros((3, 4, 3))
        # Efficient for each class, but columns do not trade between classes.
        values[:, 0, 0] = (predictions - base)[:, 0]
        values[:, 1, 1] = (predictions - base)[:, 1]
        values[:, 2, 2] = (predictions - base)[:, 2]
        return explainer._assemble(X[:3], values, predictions, base, n_evaluations=0)

    def test_probabilities_of_classes_trade(self):
        explanation = self.assemble(self.fitted(ExactExplainer))
        np.testing.assert_allclose(explanation.values.sum(axis=2), 0, atol=1e-12)
        np.testing.assert_allclose(explanation.residual, 0, atol=1e-12)
        assert (explanation.values[:, 3] == 0).all()

    def test_not_where_sums_mean_nothing(self):
        explanation = self.assemble(self.fitted(OcclusionExplainer))
        assert (explanation.values[:, 0, 1] == 0).all()
        assert not explanation.additive

    def test_errors_of_both_classes_are_alike(self):
        explainer = exact(LogisticRegression()).fit(X, BINARY)
        std = np.arange(8.0).reshape(2, 4, 1)
        predictions = explainer.predict_proba(X[:2])[:, 1:]
        explanation = explainer._assemble(
            X[:2], np.zeros((2, 4, 1)), predictions, [0.5], std=std, n_evaluations=3
        )
        np.testing.assert_array_equal(explanation.std, np.concatenate([std, std], axis=2))
        assert explanation.n_evaluations.tolist() == [3, 3]


class TestTables:
    """Models reach their columns as they were fitted on them."""

    @pytest.fixture
    def mixed(self):
        random = np.random.RandomState(0)
        frame = pd.DataFrame(
            {
                "age": random.uniform(1, 80, 60),
                "fare": random.lognormal(size=60),
                "sex": random.choice(["f", "m"], 60),
                "port": random.choice(["S", "C", "Q"], 60),
            },
            index=[f"passenger {i}" for i in range(60)],
        )
        frame.loc["passenger 3", "age"] = np.nan
        frame.loc["passenger 5", "port"] = np.nan
        survived = np.where((frame["sex"] == "f") | (frame["age"] < 20), "yes", "no")
        encoder = make_column_transformer(
            (OneHotEncoder(handle_unknown="ignore"), ["sex", "port"]),
            (SimpleImputer(), ["age", "fare"]),
        )
        return frame, survived, make_pipeline(encoder, LogisticRegression())

    def test_a_pipeline_is_explained_in_raw_columns(self, mixed):
        frame, survived, model = mixed
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            explainer = exact(model).fit(frame, survived)
            explanation = explainer.explain(frame[:10])
        assert explanation.values.shape == (10, 4, 2)
        assert explanation.feature_names.tolist() == list(frame.columns)
        assert explanation.to_frame("yes").index.tolist() == list(frame.index[:10])
        assert np.isfinite(explanation.values).all()
        assert explanation.display_data[3, 0] == "missing"
        pd.testing.assert_frame_equal(explanation.data, frame[:10])

    def test_unseen_category(self, mixed):
        frame, survived, model = mixed
        odd = frame[:1].assign(port="Z")
        assert abs(exact(model).fit(frame, survived).explain(odd).residual).max() < 1e-9

    def test_categories_and_missing_values_of_boosting(self):
        frame = FRAME.assign(kind=pd.Categorical(np.array(["a", "b", "c"])[Y]))
        frame.iloc[::7, 0] = np.nan
        model = HistGradientBoostingClassifier(max_iter=5, categorical_features="from_dtype")
        explainer = exact(model, background=3).fit(frame, BINARY)
        explanation = explainer.explain(frame[:2])
        np.testing.assert_allclose(explanation.predictions, explainer.predict_proba(frame[:2]))

    @pytest.mark.parametrize("container", [sparse.csr_matrix, sparse.csc_array, sparse.coo_array])
    def test_sparse(self, container):
        explainer = exact(LogisticRegression()).fit(container(X), BINARY)
        dense = exact(LogisticRegression()).fit(X, BINARY)
        expected = dense.explain(X[:3]).values
        # The solver sums sparse and dense columns in another order.
        for rows in (container(X[:3]), X[:3]):
            np.testing.assert_allclose(explainer.explain(rows).values, expected, atol=1e-4)
        assert sparse.issparse(explainer.background_)

    def test_lists_and_array_containers(self):
        class Container:
            def __init__(self, array):
                self.array = array

            def __array__(self, dtype=None, copy=None):
                return np.asarray(self.array, dtype=dtype)

        expected = exact(LinearRegression()).fit(X, TARGET).explain(X[:3]).values
        for contain in (Container, np.ndarray.tolist):
            explainer = exact(LinearRegression()).fit(contain(X), contain(TARGET))
            np.testing.assert_array_equal(explainer.explain(contain(X[:3])).values, expected)
            assert not hasattr(explainer, "feature_names_in_")

    def test_names_only_where_columns_have_string_names(self):
        numbered = exact(LinearRegression()).fit(pd.DataFrame(X), TARGET)
        assert not hasattr(numbered, "feature_names_in_")
        assert numbered.explain(pd.DataFrame(X[:1])).feature_names.tolist() == [
            "x0", "x1", "x2", "x3",
        ]  # fmt: skip
        assert exact(LinearRegression()).fit(FRAME, TARGET).feature_names_in_.tolist() == list(
            FRAME
        )

    def test_an_array_after_a_frame_and_a_frame_after_an_array(self):
        framed = exact(LinearRegression()).fit(FRAME, TARGET)
        with pytest.warns(UserWarning, match="X does not have valid feature names, but Exact"):
            values = framed.explain(X[:2]).values
        plain = exact(LinearRegression()).fit(X, TARGET)
        with pytest.warns(UserWarning, match="X has feature names, but Exact"):
            np.testing.assert_allclose(plain.explain(FRAME[:2]).values, values, atol=1e-10)


class TestBackground:
    def test_drawn_without_replacement_by_the_seed(self):
        explainer = exact(Ridge(), background=40).fit(FRAME, TARGET)
        background = explainer.background_
        assert len(set(background.index)) == 40
        pd.testing.assert_frame_equal(background, FRAME.loc[background.index])
        again = exact(Ridge(), background=40).fit(FRAME, TARGET).background_
        pd.testing.assert_frame_equal(background, again)
        other = exact(Ridge(), background=40, random_state=1).fit(FRAME, TARGET).background_
        assert set(other.index) != set(background.index)

    def test_more_than_there_are(self):
        assert exact(Ridge(), background=1000).fit(X, TARGET).background_.shape == (150, 4)

    @pytest.mark.parametrize("rows", [X[:3], X[:3].tolist(), FRAME[:3], sparse.csr_array(X[:3])])
    @pytest.mark.parametrize("table", [X, FRAME, sparse.csr_array(X)])
    def test_rows_of_the_users(self, rows, table):
        with warnings.catch_warnings():
            warnings.simplefilter("error" if not isinstance(rows, pd.DataFrame) else "ignore")
            explainer = exact(Ridge(), background=rows).fit(table, TARGET)
        assert type(explainer.background_) is type(table)
        explanation = (
            explainer.explain(X[:1])
            if not isinstance(table, pd.DataFrame)
            else (explainer.explain(FRAME[:1]))
        )
        expected = exact(Ridge(), background=X[:3]).fit(X, TARGET).explain(X[:1])
        np.testing.assert_allclose(explanation.values, expected.values, atol=1e-5)

    @pytest.mark.parametrize("kind", [list, pd.DataFrame])
    def test_numbers_of_mixed_rows_in_lists_stay_numbers(self, kind):
        cells = [["x" if i % 3 else "y", i % 4, i / 10] for i in range(60)]
        columns = [0, 1], [2]
        model = make_pipeline(
            make_column_transformer(
                (OneHotEncoder(handle_unknown="ignore"), columns[0]), ("passthrough", columns[1])
            ),
            LinearRegression(),
        )
        table, target = kind(cells), [i % 4 + (i % 3 == 0) + i / 10 for i in range(60)]
        expected, explained = (
            exact(model, background=rows).fit(table, target).explain(table[30:33])
            for rows in (np.array(cells[:5], dtype=object), cells[:5])
        )
        np.testing.assert_allclose(explained.base_values, np.mean(target[:5]))
        np.testing.assert_allclose(explained.values, expected.values)

    def test_it_is_a_copy(self):
        rows = X[:3].copy()
        explainer = exact(Ridge(), background=rows).fit(X, TARGET)
        rows[:] = 0
        np.testing.assert_array_equal(explainer.background_, X[:3])

    @pytest.mark.parametrize(
        "rows", [X[:3, :2], FRAME[["sl", "sw"]], FRAME[["sw", "sl", "pl", "pw"]], X[0], X[:0]]
    )
    def test_other_columns(self, rows):
        with pytest.raises(ValueError, match="background must be rows with the columns of X"):
            exact(Ridge(), background=rows).fit(FRAME, TARGET)


def test_names_passed_to_get_feature_names_out():
    explainer = exact(Ridge(), feature_groups={"length": [0, 2]}).fit(X, TARGET)
    assert explainer.get_feature_names_out(list("abcd")).tolist() == ["length", "b", "d"]
    with pytest.raises(ValueError, match="input_features should have length"):
        explainer.get_feature_names_out(["a"])
