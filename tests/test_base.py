"""The mixin's public verbs, the tags, the package's names."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.utils import Tags, get_tags

import sklearn_metaexplain
from sklearn_metaexplain import ExplainerMixin, Explanation
from sklearn_metaexplain.base import EstimatorTags, ExplainerTags
from tests.small_explainers import (
    ExactExplainer,
    ExplainedCentroids,
    ExplainedLeastSquares,
    OcclusionExplainer,
)

X, Y = load_iris(return_X_y=True)
FRAME = pd.DataFrame(X, columns=["sl", "sw", "pl", "pw"], index=np.arange(1000, 1150))
TARGET = X @ [1.0, -2.0, 0.5, 3.0]


def exact(model=None, **settings):
    model = LogisticRegression(max_iter=500) if model is None else model
    return ExactExplainer(model, **{"background": 4, "random_state": 0, **settings})


class TestTags:
    def test_tags_extend_those_of_scikit_learn(self):
        tags = get_tags(ExplainedLeastSquares())
        assert isinstance(tags, Tags)
        assert isinstance(tags, EstimatorTags)
        assert tags.explainer_tags == ExplainerTags(additive=True)
        assert tags.estimator_type == "regressor"
        assert tags.target_tags.required

    def test_a_subclass_sets_its_own(self):
        assert not get_tags(OcclusionExplainer(Ridge())).explainer_tags.additive


class TestExplain:
    def test_values_in_closed_form(self):
        explainer = ExplainedLeastSquares().fit(X, TARGET)
        explanation = explainer.explain(X[:3])
        expected = (X[:3] - X.mean(axis=0)) * [1.0, -2.0, 0.5, 3.0]
        np.testing.assert_allclose(explanation.values[:, :, 0], expected)
        assert explanation.estimator_type == "regressor"

    def test_frame_keeps_names_and_index(self):
        explainer = ExplainedLeastSquares().fit(FRAME, TARGET)
        table = explainer.explain(FRAME[5:8]).to_frame("y")
        assert table.columns.tolist() == ["sl", "sw", "pl", "pw"]
        assert table.index.tolist() == [1005, 1006, 1007]

    def test_options(self):
        explainer = OcclusionExplainer(Ridge(), background=4).fit(X, TARGET)
        assert explainer.explain(X[:2], n_background=1).n_evaluations.tolist() == [4, 4]
        with pytest.raises(TypeError, match="n_backgrund"):
            explainer.explain(X, n_backgrund=1)
        with pytest.raises(
            TypeError, match=r"unexpected options \['budget'\]; it takes no options"
        ):
            exact().fit(X, Y).explain(X, budget=1)

    @pytest.mark.parametrize("container", [np.asarray, np.ndarray.tolist, sparse.csr_array])
    def test_containers(self, container):
        explainer = exact().fit(X, Y)
        np.testing.assert_allclose(
            explainer.explain(container(X[:3])).values, explainer.explain(X[:3]).values, atol=1e-10
        )

    def test_refusals(self):
        with pytest.raises(NotFittedError):
            ExplainedLeastSquares().explain(X)
        explainer = ExplainedLeastSquares().fit(FRAME, TARGET)
        with pytest.raises(ValueError, match="pw"):
            explainer.explain(FRAME.drop(columns="pw"))
        with pytest.raises(ValueError, match="same order"):
            explainer.explain(FRAME[["sw", "sl", "pl", "pw"]])
        for bad, text in [(np.inf, "infinity in column 'sw'"), (np.nan, "NaN in column 'sw'")]:
            frame = FRAME.copy()
            frame.iloc[3, 1] = bad
            with pytest.raises(ValueError, match=text):
                explainer.explain(frame)
            with pytest.raises(ValueError, match=text.replace("sw", "x1")):
                ExplainedLeastSquares().fit(X, TARGET).explain(frame.to_numpy())
        with pytest.raises(TypeError, match=r"[Ss]parse"):
            explainer.explain(sparse.csr_array(X))
        with pytest.raises(ValueError, match="0 sample"):
            explainer.explain(FRAME[:0])

    def test_infinity_in_columns_of_objects_and_sparse(self):
        explainer = exact().fit(X, Y)
        objects = X.astype(object)
        objects[0, 2] = np.inf
        with pytest.raises(ValueError, match="infinity in column 'x2'"):
            explainer.explain(objects)
        with pytest.raises(ValueError, match="infinity in column 'x2'"):
            explainer.explain(sparse.csr_array(objects.astype(float)))
        nullable = FRAME.astype("Float64")
        nullable.iloc[0, 3] = np.inf
        with pytest.raises(ValueError, match="infinity in column 'pw'"):
            exact().fit(FRAME, Y).explain(nullable)
        frame = FRAME.astype({"sl": object})
        frame.iloc[0, 0] = -np.inf
        with pytest.raises(ValueError, match="infinity in column 'sl'"):
            exact().fit(FRAME, Y).explain(frame)

    def test_text_for_a_model_of_numbers_names_the_column(self):
        frame = FRAME.astype({"pl": object})
        frame.iloc[2, 2] = "long"
        for attempt in (
            lambda: exact().fit(frame, Y),
            lambda: exact().fit(FRAME, Y).explain(frame),
            lambda: exact().fit(X, Y).explain(frame.to_numpy()),
        ):
            with pytest.raises(ValueError, match=r"cannot convert 'long' in column '(pl|x2)'"):
                attempt()

    @pytest.mark.parametrize(
        ("change", "error", "message"),
        [
            (lambda e: e[:1], RuntimeError, "explained 1 of 2 rows"),
            (lambda e: e.values, TypeError, "must return an Explanation"),
            (lambda e: _with(e, values=np.nan * e.values), RuntimeError, "NaN"),
            (lambda e: _with(e, values=2 * e.values), RuntimeError, "close the gap"),
            (lambda e: _with(e, additive=False), RuntimeError, "its tag differs"),
        ],
    )
    def test_what_comes_back_is_checked(self, change, error, message):
        class Broken(ExplainedLeastSquares):
            def _explain(self, X):
                return change(super()._explain(X))

        with pytest.raises(error, match=message):
            Broken().fit(X, TARGET).explain(X[:2])

    @pytest.mark.parametrize("unit", [1e-200, 1e-9, 1.0, 1e9])
    def test_sums_are_checked_in_the_unit_of_the_targets(self, unit):
        class Careless(ExplainedLeastSquares):
            def _explain(self, X):
                explanation = super()._explain(X)
                return _with(explanation, values=(1 + self.share_) * explanation.values)

        explainer = Careless().fit(X, unit * TARGET)
        explainer.share_ = 0.0
        explainer.explain(X)
        for share in (-1.0, 1e-3):
            explainer.share_ = share
            with pytest.raises(RuntimeError, match="close the gap"):
                explainer.explain(X)

    def test_each_target_has_its_own_unit(self):
        class Two(ExplainedLeastSquares):
            def _explain(self, X):
                one = super()._explain(X)
                values = np.concatenate([1e9 * one.values, 0 * one.values], axis=2)
                return _with(
                    one,
                    values=values,
                    base_values=one.base_values * [1e9, 1.0],
                    predictions=one.predictions * [1e9, 1.0],
                    output_names=["large", "small"],
                )

        with pytest.raises(RuntimeError, match="close the gap"):
            Two().fit(X, TARGET).explain(X)

    def test_a_few_rows_of_large_outputs_excuse_no_others(self):
        class Careless(ExplainedLeastSquares):
            def _explain(self, X):
                explanation = super()._explain(X)
                values = explanation.values.copy()
                values[0] = 0.0
                return _with(explanation, values=values)

        explainer = Careless().fit(X, TARGET)
        rows = np.concatenate([X[:9], 1e9 * X[:1]])
        with pytest.raises(RuntimeError, match="close the gap"):
            explainer.explain(rows)

    def test_constant_outputs_pass(self):
        for constant in (0.0, 5e-324, 3.0):
            explanation = ExplainedLeastSquares().fit(X, np.full(len(X), constant)).explain(X[:2])
            assert np.abs(explanation.values).max() < 1e-12

    def test_single_precision_passes(self):
        class Single(ExplainedLeastSquares):
            def _explain(self, X):
                explanation = super()._explain(X)
                # The sum is of large numbers that cancel: small outputs are as inexact as those.
                return _with(
                    explanation,
                    values=explanation.values.astype(np.float32),
                    base_values=explanation.base_values.astype(np.float32),
                    predictions=explanation.predictions.astype(np.float32),
                )

        for unit in (1e-9, 1.0, 1e9):
            Single().fit(X, unit * TARGET).explain(X)
            Single().fit(X, unit * (TARGET - TARGET.mean())).explain(X)

        class Rare(ExplainedCentroids):
            def _explain(self, X):
                p = np.full((len(X), 2), [1e-7, 1 - 1e-7], dtype=np.float32)
                p[:, 0] = 1 - p[:, 1]
                return Explanation(
                    np.zeros((len(X), 4, 2)),
                    [1e-7, 1 - 1e-7],
                    p,
                    feature_names=self._attributed_names(),
                    output_names=self.classes_,
                    output="probability",
                    n_evaluations=0,
                )

        Rare().fit(X, Y == 0).explain(X)

    def test_without_explain_of_its_own(self):
        class Empty(ExplainerMixin, BaseEstimator):
            def fit(self, X, y=None):
                self._check_table(X, reset=True)
                return self

        with pytest.raises(NotImplementedError, match="Empty must define _explain"):
            Empty().fit(X).explain(X)


def _with(explanation, **changes):
    from dataclasses import replace

    return replace(explanation, **changes)


class TestTransform:
    def test_regression_and_binary_have_the_input_names(self):
        for model, y in [(Ridge(), TARGET), (LogisticRegression(), Y == 2)]:
            explainer = exact(model).fit(FRAME, y)
            explanation = explainer.explain(FRAME[:4])
            label = explanation.output_names[-1]
            expected = explanation.to_frame(label)
            np.testing.assert_array_equal(explainer.transform(FRAME[:4]), expected)
            assert explainer.get_feature_names_out().tolist() == ["sl", "sw", "pl", "pw"]
            frame = explainer.set_output(transform="pandas").transform(FRAME[:4])
            assert frame.index.tolist() == [1000, 1001, 1002, 1003]

    def test_multiclass_is_class_major(self):
        explainer = ExplainedCentroids().fit(FRAME, np.array(["a", "b", "c"])[Y])
        frame = explainer.set_output(transform="pandas").transform(FRAME[:4])
        assert frame.shape == (4, 12)
        assert frame.columns[:5].tolist() == ["sl__a", "sw__a", "pl__a", "pw__a", "sl__b"]
        explanation = explainer.explain(FRAME[:4])
        np.testing.assert_array_equal(frame["pw__c"], explanation.for_output("c").values[:, 3, 0])

    def test_several_targets_are_never_taken_for_two_classes(self):
        explainer = exact(LinearRegression()).fit(X, np.column_stack([TARGET, X[:, 0]]))
        assert explainer.explain(X[:3]).values.shape == (3, 4, 2)
        assert explainer.transform(X[:3]).shape == (3, 8)
        assert explainer.get_feature_names_out()[0] == "x0__y0"

    def test_mid_pipeline(self):
        pipe = make_pipeline(exact(), LogisticRegression()).fit(X, Y)
        assert pipe.predict(X).shape == (150,)
        assert pipe[:-1].get_feature_names_out().tolist()[-1] == "x3__2"


class TestPackage:
    def test_public_names(self):
        assert set(sklearn_metaexplain.__all__) <= set(dir(sklearn_metaexplain))
        assert sklearn_metaexplain.Explanation is Explanation
        with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
            _ = sklearn_metaexplain.Nothing

    def test_import_is_light(self):
        code = (
            "import sys, sklearn_metaexplain, sklearn_metaexplain.pipeline; "
            "print([m for m in ('torch', 'shap', 'lime', 'captum', 'matplotlib') "
            "if m in sys.modules])"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
        assert done.stdout.decode().strip() == "[]"
