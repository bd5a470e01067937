"""What explain and is_explainer find inside other estimators."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.feature_selection import SelectKBest
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from sklearn_metaexplain import explain, is_explainer
from sklearn_metaexplain.base import _unwrap
from tests.small_explainers import (
    ExactExplainer,
    OcclusionExplainer,
)

X, Y = load_iris(return_X_y=True)
FRAME = pd.DataFrame(X, columns=["sl", "sw", "pl", "pw"], index=np.arange(1000, 1150))
TARGET = X @ [1.0, -2.0, 0.5, 3.0]


def exact(model=None, **settings):
    model = LogisticRegression(max_iter=500) if model is None else model
    return ExactExplainer(model, **{"background": 4, "random_state": 0, **settings})


class TestUnwrap:
    def wrappers(self, explainer):
        pipe = make_pipeline(StandardScaler(), explainer)
        name = type(explainer).__name__.lower()
        return [
            explainer,
            pipe,
            Pipeline([("outer", "passthrough"), ("inner", pipe)]),
            FrozenEstimator(explainer),
            FrozenEstimator(pipe),
            make_pipeline(StandardScaler(), FrozenEstimator(explainer)),
            GridSearchCV(explainer, {"background": [2, 3]}, cv=2),
            GridSearchCV(pipe, {f"{name}__background": [2, 3]}, cv=2),
            RandomizedSearchCV(explainer, {"background": [2, 3]}, n_iter=1, cv=2),
        ]

    def test_is_explainer_before_and_after_fit(self):
        for wrapped in self.wrappers(exact()):
            assert is_explainer(wrapped), wrapped
        for wrapped in self.wrappers(exact().fit(X, Y)):
            assert is_explainer(wrapped.fit(X, Y)), wrapped
            assert isinstance(_unwrap(wrapped)[1], ExactExplainer)

    @pytest.mark.parametrize(
        "obj",
        [
            Ridge(),
            make_pipeline(StandardScaler(), Ridge()),
            make_pipeline(exact(), Ridge()),
            Pipeline([("explainer", exact()), ("last", "passthrough")]),
            GridSearchCV(Ridge(), {}),
            FrozenEstimator(Ridge()),
            ExactExplainer,
            None,
            3,
        ],
    )
    def test_what_is_no_explainer(self, obj):
        assert not is_explainer(obj)
        with pytest.raises(TypeError, match=r"is not an explainer\. Wrap the model"):
            explain(obj, X)

    def test_explain_through_everything(self):
        explainer = exact().fit(X, Y)
        for wrapped in self.wrappers(explainer):
            result = explain(wrapped.fit(X, Y), X[:3])
            assert result.values.shape == (3, 4, 3)
            assert abs(result.residual).max() < 1e-6
            transformers, final = _unwrap(wrapped)
            rows = X[:3]
            for transformer in transformers:
                rows = transformer.transform(rows)
            np.testing.assert_allclose(result.values, final.explain(rows).values)

    def test_params_go_to_the_explainer(self):
        pipe = make_pipeline(StandardScaler(), OcclusionExplainer(Ridge(), background=3))
        pipe.fit(X, TARGET)
        assert explain(pipe, X[:2], n_background=1).n_evaluations.tolist() == [4, 4]
        with pytest.raises(TypeError, match="budget"):
            explain(pipe, X, budget=1)

    def test_names_and_index_through_steps_that_return_arrays(self):
        pipe = make_pipeline(StandardScaler(), SelectKBest(k=2), exact()).fit(FRAME, Y)
        result = explain(pipe, FRAME[3:6])
        assert result.feature_names.tolist() == ["pl", "pw"]
        assert result.to_frame().index.tolist() == [1003, 1004, 1005]
        np.testing.assert_allclose(result.data, pipe[:-1].transform(FRAME[3:6]))

    @pytest.mark.parametrize(
        "index",
        [
            pd.Index(list("pqrst")),
            pd.Index([7, 7, 5, 5, 7]),
            pd.Index([0.5, np.nan, 2.0, 1.0, 3.0]),
            pd.MultiIndex.from_tuples([(1, "a"), (1, "b"), (2, "a"), (2, "b"), (3, "a")]),
            pd.RangeIndex(5),
        ],
    )
    def test_rows_that_a_step_reorders_keep_their_labels(self, index):
        rows = FRAME[:5].set_axis(index).assign(sl=[3.0, 1.0, 2.0, 5.0, 4.0])
        sort = FunctionTransformer(lambda table: table.sort_values("sl"))
        result = explain(make_pipeline(sort, exact().fit(FRAME, Y)), rows)
        assert result.index.equals(rows.sort_values("sl").index)

    @pytest.mark.parametrize("index", [pd.RangeIndex(5), pd.RangeIndex(10, 15)])
    def test_rows_that_a_step_reverses_keep_their_numbers(self, index):
        reverse = FunctionTransformer(lambda table: table.iloc[::-1])
        rows = FRAME[:5].set_axis(index)
        result = explain(make_pipeline(reverse, exact().fit(FRAME, Y)), rows)
        assert result.index.tolist() == index[::-1].tolist()

    @pytest.mark.parametrize("index", [[3, 0, 1, 2], list("pqrs")])
    def test_labels_that_a_step_resets_are_put_back(self, index):
        rows = FRAME[:4].set_axis(index)
        reset = FunctionTransformer(lambda table: table.reset_index(drop=True))
        result = explain(make_pipeline(reset, exact().fit(FRAME, Y)), rows)
        assert result.index.tolist() == index

    def test_names_with_pandas_output_and_encoders(self):
        frame = pd.DataFrame({"colour": ["red", "blue"] * 20})
        y = (frame["colour"] == "red").to_numpy()
        encoder = OneHotEncoder(sparse_output=False)
        plain = make_pipeline(encoder, exact(LogisticRegression())).fit(frame, y)
        framed = clone(plain).set_output(transform="default")
        framed[0].set_output(transform="pandas")
        framed.fit(frame, y)
        expected = ["colour_blue", "colour_red"]
        assert explain(plain, frame).feature_names.tolist() == expected
        assert explain(framed, frame).feature_names.tolist() == expected

    def test_steps_that_name_nothing(self):
        class Nameless(BaseEstimator):
            def fit(self, X, y=None):
                return self

            def transform(self, X):
                return np.asarray(X)

            def __sklearn_is_fitted__(self):
                return True

        pipe = make_pipeline(Nameless(), exact()).fit(FRAME, Y)
        assert explain(pipe, FRAME[:1]).feature_names.tolist() == ["x0", "x1", "x2", "x3"]

    def test_groups_keep_their_names_behind_a_pipeline(self):
        explainer = exact(feature_groups={"sepal": [0, 1]})
        pipe = make_pipeline(StandardScaler(), explainer).fit(FRAME, Y)
        assert explain(pipe, FRAME[:1]).feature_names.tolist() == ["sepal", "pl", "pw"]

    def test_unfitted(self):
        for wrapped in (exact(), make_pipeline(StandardScaler(), exact())):
            with pytest.raises(NotFittedError):
                explain(wrapped, X)
        with pytest.raises(NotFittedError):
            explain(GridSearchCV(exact(), {"background": [2]}), X)

    def test_search_without_refit(self):
        search = GridSearchCV(exact(), {"background": [2]}, cv=2, refit=False).fit(X, Y)
        for tuned in (search, make_pipeline(StandardScaler(), search).fit(X, Y)):
            with pytest.raises(ValueError, match="refit=False"):
                explain(tuned, X)
