"""Out-of-fold explanations are those of an explainer fitted without the fold."""

import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn import config_context
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_diabetes, load_iris
from sklearn.exceptions import NotFittedError, UnsetMetadataPassedError
from sklearn.feature_selection import SelectKBest, f_regression
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    RepeatedKFold,
    ShuffleSplit,
    StratifiedKFold,
    TimeSeriesSplit,
    cross_val_predict,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from sklearn_metaexplain import (
    LimeExplainer,
    LoggedExplainer,
    MatchingClassifier,
    MetaExplainer,
    PrototypeClassifier,
    explain,
)
from sklearn_metaexplain.datasets import load_penguins
from sklearn_metaexplain.model_selection import cross_val_explain
from sklearn_metaexplain.model_selection._folds import join_folds
from sklearn_metaexplain.pipeline import make_pipeline as make_explaining_pipeline
from tests.posthoc.tables import mixed_pipeline, mixed_table
from tests.small_explainers import (
    ExactExplainer,
    ExplainedCentroids,
    ExplainedLeastSquares,
    OcclusionExplainer,
    made_up_explanation,
)


def exact(model=None, **settings):
    return ExactExplainer(model or LogisticRegression(), background=5, random_state=0, **settings)


def tree():
    return DecisionTreeClassifier(max_depth=3, random_state=0)


def assert_same(explanation, other):
    for name in ("values", "base_values", "predictions"):
        np.testing.assert_allclose(
            getattr(explanation, name), getattr(other, name), rtol=0, atol=1e-12
        )


# Rows


@pytest.mark.parametrize("cv", [None, 3, KFold(4, shuffle=True, random_state=1)])
def test_each_row_is_explained_by_the_explainer_fitted_without_its_fold(cv):
    X, y = mixed_table(60)
    explainer = exact(mixed_pipeline())
    explanation = cross_val_explain(explainer, X, y, cv=cv)
    splitter = {None: StratifiedKFold(5), 3: StratifiedKFold(3)}.get(cv, cv)
    for train, test in splitter.split(X, y):
        alone = clone(explainer).fit(X.iloc[train], y[train]).explain(X.iloc[test])
        assert_same(explanation[test], alone)
    pd.testing.assert_frame_equal(explanation.data, X)
    pd.testing.assert_index_equal(explanation.index, X.index)
    assert explanation.estimator_type == "classifier"
    assert np.abs(explanation.residual).max() < 1e-9


@pytest.mark.parametrize("stratified", [True, False])
def test_predictions_of_a_table_of_strings_and_gaps_are_those_of_cross_val_predict(stratified):
    X, y = load_penguins(return_X_y=True)
    X, y = X[::6].astype({"island": "category"}), y[::6]
    encode = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["island", "sex"]),
        remainder="passthrough",
    )
    explainer = MetaExplainer(
        make_pipeline(encode, tree()), background=10, n_support=100, random_state=0
    )
    cv = (StratifiedKFold if stratified else KFold)(2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        explanation = cross_val_explain(explainer, X, y, cv=cv)
        expected = cross_val_predict(explainer, X, y, cv=cv, method="predict_proba")
    np.testing.assert_allclose(explanation.predictions, expected, atol=1e-9)
    assert explanation.output_names.tolist() == sorted(y.unique())
    assert np.abs(explanation.residual).max() < 1e-9
    assert explanation.std.shape == explanation.values.shape
    pd.testing.assert_frame_equal(explanation.data, X)  # categories and missing cells, too


def test_base_values_are_those_of_each_fold():
    X, y = load_diabetes(return_X_y=True)
    X, y = X[:40, :3], y[:40]
    explanation = cross_val_explain(ExplainedLeastSquares(), X, y, cv=KFold(4))
    for train, test in KFold(4).split(X):
        np.testing.assert_allclose(explanation.base_values[test], y[train].mean())
    np.testing.assert_allclose(
        explanation.predictions[:, 0], cross_val_predict(LinearRegression(), X, y, cv=KFold(4))
    )
    assert explanation.index is None


@given(st.data())
@settings(max_examples=30, deadline=None)
def test_any_partition_gives_the_rows_in_their_order(data):
    n = data.draw(st.integers(12, 20))
    fold_of = np.array(data.draw(st.lists(st.integers(0, 2), min_size=n, max_size=n)))
    fold_of[:3] = [0, 1, 2]
    random = np.random.RandomState(0)
    order = random.permutation(n)
    splits = [
        (np.flatnonzero(fold_of != fold), order[np.isin(order, np.flatnonzero(fold_of == fold))])
        for fold in range(3)
    ]
    X = pd.DataFrame(random.normal(size=(n, 2)), columns=["a", "b"], index=order * 10)
    explanation = cross_val_explain(ExplainedLeastSquares(), X, X["a"] * 2, cv=splits)
    pd.testing.assert_frame_equal(explanation.data, X)
    pd.testing.assert_index_equal(explanation.index, X.index)
    assert np.abs(explanation.residual).max() < 1e-9


@pytest.mark.parametrize(
    "cv", [ShuffleSplit(3, random_state=0), TimeSeriesSplit(3), RepeatedKFold(n_splits=2)]
)
def test_other_than_partitions_are_refused(cv):
    X, y = mixed_table(20)
    with pytest.raises(ValueError, match="only works for partitions"):
        cross_val_explain(exact(mixed_pipeline()), X, y, cv=cv)


def test_two_processes_give_the_same():
    X, y = mixed_table(40)
    here, there = (
        cross_val_explain(exact(mixed_pipeline()), X, y, cv=2, n_jobs=n_jobs) for n_jobs in (1, 2)
    )
    assert_same(here, there)


def test_sparse_tables_and_lists():
    X, y = load_iris(return_X_y=True)
    X, y = X[::5], y[::5]
    dense = cross_val_explain(exact(tree()), X, y, cv=2)
    from_sparse = cross_val_explain(exact(tree()), sparse.csr_array(X), y, cv=2)
    assert_same(dense, from_sparse)
    assert sparse.issparse(from_sparse.data)
    np.testing.assert_array_equal(from_sparse.data.toarray(), X)
    assert_same(dense, cross_val_explain(exact(tree()), X.tolist(), y.tolist(), cv=2))


# Explainers


@pytest.mark.parametrize("make", [make_pipeline, make_explaining_pipeline])
def test_pipelines_that_end_in_an_explainer(make):
    X, y = load_iris(return_X_y=True, as_frame=True)
    X, y = X[::5], y[::5]
    pipe = make(StandardScaler().set_output(transform="pandas"), exact())
    explanation = cross_val_explain(pipe, X, y, cv=3)
    assert explanation.feature_names.tolist() == X.columns.tolist()
    pd.testing.assert_index_equal(explanation.data.index, X.index)
    for train, test in StratifiedKFold(3).split(X, y):
        fitted = clone(pipe).fit(X.iloc[train], y.iloc[train])
        assert_same(explanation[test], explain(fitted, X.iloc[test]))
        np.testing.assert_allclose(
            explanation.data.iloc[test], fitted[0].transform(X.iloc[test]), atol=1e-12
        )


def test_searches_choose_in_each_fold():
    X, y = load_iris(return_X_y=True)
    X, y = X[::5], y[::5]
    search = GridSearchCV(exact(tree()), {"estimator__max_depth": [1, 3]}, cv=2)
    explanation = cross_val_explain(search, X, y, cv=2)
    expected = cross_val_predict(search, X, y, cv=2, method="predict_proba")
    np.testing.assert_allclose(explanation.predictions, expected)
    with pytest.raises(ValueError, match="refit"):
        cross_val_explain(search.set_params(refit=False), X, y, cv=2)


def test_frozen_models_stay_and_frozen_explainers_are_used_as_they_are():
    X, y = load_iris(return_X_y=True)
    rows, labels = X[::5], y[::5]
    model = LogisticRegression(max_iter=500).fit(X, y)
    explanation = cross_val_explain(exact(FrozenEstimator(model)), rows, labels, cv=3)
    np.testing.assert_allclose(explanation.predictions, model.predict_proba(rows), atol=1e-9)
    assert len(np.unique(explanation.base_values, axis=0)) == 3

    fitted = exact(FrozenEstimator(model)).fit(X)
    for y_or_none in (labels, None):
        explanation = cross_val_explain(FrozenEstimator(fitted), rows, y_or_none, cv=3)
        assert_same(explanation, fitted.explain(rows))


def test_explainer_and_table_stay_as_they_are():
    X, y = mixed_table(40)
    before = X.copy()
    explainer = exact(mixed_pipeline())
    cross_val_explain(explainer, X, y, cv=2)
    pd.testing.assert_frame_equal(X, before)
    with pytest.raises(NotFittedError):
        explainer.explain(X)


@pytest.mark.parametrize("other", [Ridge(), make_pipeline(StandardScaler(), Ridge())])
def test_what_does_not_explain_is_refused(other):
    X, y = load_diabetes(return_X_y=True)
    with pytest.raises(TypeError, match="is not an explainer"):
        cross_val_explain(other, X, y)


def test_wrong_parameters_are_named():
    X, y = mixed_table(20)
    with pytest.raises(ValueError, match="'explain_params' parameter of cross_val_explain"):
        cross_val_explain(exact(mixed_pipeline()), X, y, explain_params=3)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        cross_val_explain(exact(mixed_pipeline()), X, y[:-1])


# Parameters that are passed on


def test_explain_params_reach_the_explainer():
    X, y = load_iris(return_X_y=True)
    explainer = OcclusionExplainer(LogisticRegression(max_iter=500), background=5, random_state=0)
    explanation = cross_val_explain(
        explainer, X[::5], y[::5], cv=2, explain_params={"n_background": 2}
    )
    assert explanation.n_evaluations.tolist() == [8] * 30
    assert not explanation.additive
    with pytest.raises(TypeError, match="unexpected keyword argument 'budget'"):
        cross_val_explain(explainer, X[::5], y[::5], cv=2, explain_params={"budget": 2})


@pytest.mark.parametrize("kind", [np.asarray, list, pd.DataFrame])
def test_options_of_rows_are_split_with_the_rows(kind):
    X = np.random.RandomState(0).normal(size=(24, 2))
    said = np.column_stack([np.sin(X[:, 0]), X[:, 1]])
    explainer = LoggedExplainer(background=5, pretrained=None, random_state=0)
    given = pd.DataFrame(said) if kind is pd.DataFrame else kind(said)
    folds = KFold(2, shuffle=True, random_state=0)
    explanation = cross_val_explain(explainer, X, said, cv=folds, explain_params={"outputs": given})
    np.testing.assert_allclose(explanation.predictions, said, atol=1e-12)
    train, test = next(folds.split(X))
    alone = clone(explainer).fit(X[train], said[train]).explain(X[test], outputs=said[test])
    assert_same(explanation[test], alone)


class Recording(ExplainedLeastSquares):
    """Says which options it was given."""

    def explain(self, X, *, option=None):
        return super().explain(X, option=option)

    def _explain(self, X, *, option=None):
        self.log.append(option)
        return super()._explain(X)


@pytest.mark.parametrize(
    "option", [np.int64(3), np.array(3), "abcdef", dict.fromkeys("abcdef", 0), [1, 2], None, 0.5]
)
def test_options_that_are_not_of_rows_are_passed_whole(option, monkeypatch):
    log = []
    monkeypatch.setattr(Recording, "log", log, raising=False)
    X = np.random.RandomState(0).normal(size=(6, 2))
    cross_val_explain(Recording(), X, X[:, 0], cv=2, explain_params={"option": option})
    assert len(log) == 2
    assert all(found is option for found in log)


def test_weights_are_split_with_the_rows():
    X, y = load_iris(return_X_y=True)
    X, y = X[::5], y[::5]
    weights = np.random.RandomState(0).uniform(size=len(y))
    explanation = cross_val_explain(exact(), X, y, cv=3, params={"sample_weight": weights})
    expected = cross_val_predict(
        LogisticRegression(), X, y, cv=3, method="predict_proba", params={"sample_weight": weights}
    )
    np.testing.assert_allclose(explanation.predictions, expected, atol=1e-9)


def test_groups_stay_together():
    X, y = load_iris(return_X_y=True)
    X, y = X[::5], y[::5]
    groups = np.arange(len(y)) % 6
    explanation = cross_val_explain(exact(), X, y, cv=GroupKFold(3), groups=groups)
    for group in range(6):
        assert len(np.unique(explanation.base_values[groups == group], axis=0)) == 1


class Weighted(ExplainedLeastSquares):
    def fit(self, X, y, sample_weight=None):
        return super().fit(X, y)


def test_metadata_routing():
    X, y = load_iris(return_X_y=True)
    X, y = X[::5], y[::5]
    groups = np.arange(len(y)) % 6
    weights = np.random.RandomState(0).uniform(size=len(y))
    params = {"sample_weight": weights}
    plain = cross_val_explain(exact(), X, y, cv=GroupKFold(3), groups=groups, params=params)
    with config_context(enable_metadata_routing=True):
        weighted = exact(LogisticRegression().set_fit_request(sample_weight=True))
        routed = cross_val_explain(
            weighted, X, y, cv=GroupKFold(3), params={"groups": groups, **params}
        )
        with pytest.raises(ValueError, match="groups can only be passed"):
            cross_val_explain(weighted, X, y, cv=GroupKFold(3), groups=groups)
        with pytest.raises(UnsetMetadataPassedError, match=r"set as requested .* for Logistic"):
            cross_val_explain(exact(), X, y, cv=3, params=params)
        with pytest.raises(UnsetMetadataPassedError, match=r"within cross_val_explain\. Call"):
            cross_val_explain(Weighted(), X, y, cv=3, params=params)
    assert_same(plain, routed)


# Classes that a fold has not seen


def rare_class():
    """Three folds of ten rows; only the last one has rows of class "c"."""
    y = np.array(["a", "b"] * 10 + ["a", "b", "c", "c", "c"] * 2)
    random = np.random.RandomState(0)
    X = random.normal(size=(30, 3)) + (y == "a")[:, None] - (y == "c")[:, None]
    return X, y, KFold(3)


@pytest.mark.parametrize("output", ["probability", "log_odds"])
def test_absent_classes_are_aligned_by_label(output):
    X, y, cv = rare_class()
    explainer = exact(LogisticRegression(), output=output)
    with pytest.warns(RuntimeWarning, match=r"classes \['c'\] are absent .* fold 2") as caught:
        explanation = cross_val_explain(explainer, X, y, cv=cv)
    ours = [warning for warning in caught if warning.category is RuntimeWarning]
    assert [warning.filename for warning in ours] == [__file__]
    with pytest.warns(RuntimeWarning):
        expected = cross_val_predict(LogisticRegression(), X, y, cv=cv, method="predict_proba")
    if output == "log_odds":
        clipped = expected.clip(1e-6, 1 - 1e-6)
        expected = np.log(clipped / (1 - clipped))
    np.testing.assert_allclose(explanation.predictions, expected, atol=1e-9)
    assert explanation.output_names.tolist() == ["a", "b", "c"]
    assert not explanation.values[20:, :, 2].any()
    assert explanation.values[:20, :, 2].any()
    assert np.abs(explanation.residual).max() < 1e-9


def test_absent_classes_have_no_decision_function():
    X, y, cv = rare_class()
    with pytest.raises(ValueError, match=r"\['c'\] are absent from the training part of fold 2"):
        cross_val_explain(ExplainedCentroids(), X, y, cv=cv)


def test_error_of_an_absent_class_is_zero():
    X, y, cv = rare_class()
    explainer = MetaExplainer(LogisticRegression(), background=5, n_support=64, random_state=0)
    with pytest.warns(RuntimeWarning):
        explanation = cross_val_explain(explainer, X, y, cv=cv)
    assert not explanation.std[20:, :, 2].any()
    assert explanation.std[:20, :, 2].any()


def test_local_models_are_those_of_the_classes_whose_names_they_stand_under():
    X, labels, cv = rare_class()
    # Each fold lacks a class, so that all know two.
    y = np.array(["a", "b", "c"])[np.arange(30) // 10]
    explainer = LimeExplainer(LogisticRegression(), n_samples=50, random_state=0)
    with pytest.warns(RuntimeWarning):
        explanation = cross_val_explain(explainer, X, y, cv=cv)
    train, test = np.arange(10, 30), np.arange(10)
    alone = clone(explainer).fit(X[train], y[train]).explain(X[test])
    for name in ("local_intercept", "local_score", "local_prediction"):
        part = explanation.support[name]
        assert part.shape == (30, 3)
        np.testing.assert_array_equal(part[test, 1:], alone.support[name])
        assert np.isnan(part).sum() == 30
        assert np.isnan(part[test, 0]).all()
    with pytest.warns(RuntimeWarning):
        explanation = cross_val_explain(explainer, X, labels, cv=cv)
    assert explanation.support["local_score"].shape == (30, 3)


# Folds that do not match


def test_folds_that_explain_other_columns_are_named():
    X = pd.DataFrame(np.random.RandomState(0).normal(size=(40, 3)), columns=["a", "b", "c"])
    # The first fold learns from the second half, which "b" decides; the second from the first.
    y = np.where(np.arange(40) < 20, X["a"], X["b"])
    select = SelectKBest(f_regression, k=1).set_output(transform="pandas")
    with pytest.raises(ValueError, match=r"Fold 1 .* than fold 0: it lacks 'b' and it adds 'a'"):
        cross_val_explain(make_pipeline(select, exact(Ridge())), X, y, cv=KFold(2))
    explanation = cross_val_explain(exact(make_pipeline(select, Ridge())), X, y, cv=KFold(2))
    assert explanation.feature_names.tolist() == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"output": "log_odds"}, "Fold 1 has output='log_odds' and fold 0 'raw'"),
        ({"additive": False}, "additive"),
        ({"estimator_type": "regressor"}, "estimator_type"),
        ({"value_function": "conditional"}, "value_function"),
        ({"feature_names": ["b", "a", "c"]}, "their order differs"),
    ],
)
def test_folds_of_different_kinds_are_not_joined(changes, complaint):
    folds = [made_up_explanation(), replace(made_up_explanation(), **changes)]
    with pytest.raises(ValueError, match=complaint):
        join_folds(folds, np.arange(12), None)


def test_regressors_must_have_the_same_targets():
    folds = [made_up_explanation(n, estimator_type="regressor") for n in (2, 3)]
    with pytest.raises(ValueError, match="different targets"):
        join_folds(folds, np.arange(12), None)


def test_steps_that_drop_rows_are_refused():
    X, y = load_diabetes(return_X_y=True)
    drop = FunctionTransformer(lambda X: X[: len(X) // 2 * 2])
    pipe = make_pipeline(drop, FrozenEstimator(ExplainedLeastSquares().fit(X, y)))
    with pytest.raises(ValueError, match="explained 4 of 5 rows"):
        cross_val_explain(pipe, X[:15], y[:15], cv=3)


@pytest.mark.parametrize("wrap", [lambda one: one, lambda one: GridSearchCV(one, {}, cv=2)])
@pytest.mark.parametrize("classifier", [MatchingClassifier, PrototypeClassifier])
def test_training_rows_that_are_named_are_those_of_the_whole_table(classifier, wrap):
    X, y = load_iris(return_X_y=True)
    cv = KFold(3, shuffle=True, random_state=0)
    explainer = wrap(classifier(random_state=0))
    found = cross_val_explain(explainer, X, y, cv=cv).support["prototypes"]
    for train, test in cv.split(X):
        named = explain(clone(explainer).fit(X[train], y[train]), X[test]).support["prototypes"]
        np.testing.assert_array_equal(X[found[test]], X[train][named])
        assert np.isin(found[test], train).all()


def test_rows_named_by_what_is_not_fitted_again_stay_those_of_its_own_table():
    X, y = load_iris(return_X_y=True)
    fitted = MatchingClassifier(random_state=0).fit(X[:140], y[:140])
    frozen = make_pipeline(FunctionTransformer(), FrozenEstimator(fitted))
    support = cross_val_explain(frozen, X[140:], y[140:], cv=KFold(2)).support
    np.testing.assert_array_equal(
        support["prototypes"], fitted.explain(X[140:]).support["prototypes"]
    )


class Supporting(ExplainedLeastSquares):
    """Adds parts to each row, others where the mean target is above `threshold`."""

    def __init__(self, threshold=np.inf):
        self.threshold = threshold

    def _explain(self, X):
        first = np.asarray(X)[:, 0]
        support = {
            "first": first,
            "names": pd.Series([f"row {cell:.3f}" for cell in first]),
            "table": pd.DataFrame({"fold": pd.Categorical([f"{self.intercept_:.3f}"] * len(X))}),
            "bag": sparse.csr_array(np.asarray(X)),
            "wide": np.zeros((len(X), 1)),
        }
        if self.intercept_ > self.threshold:
            support |= {"sometimes": first, "wide": np.zeros((len(X), 2))}
        return replace(super()._explain(X), support=support)


def test_support_is_joined_where_folds_have_it_alike():
    random = np.random.RandomState(0)
    X = pd.DataFrame(random.normal(size=(20, 2)), columns=["a", "b"], index=np.arange(20) + 5)
    y = np.arange(20.0)
    cv = KFold(2, shuffle=True, random_state=0)
    support = cross_val_explain(Supporting(), X, y, cv=cv).support
    np.testing.assert_array_equal(support["first"], X["a"])
    assert support["names"].tolist() == [f"row {a:.3f}" for a in X["a"]]
    pd.testing.assert_index_equal(support["names"].index, X.index)
    np.testing.assert_array_equal(support["bag"].toarray(), X)
    assert support["table"]["fold"].nunique() == 2
    assert support["wide"].shape == (20, 1)

    middle = np.mean([y[train].mean() for train, _ in cv.split(X)])
    support = cross_val_explain(Supporting(middle), X, y, cv=cv).support
    assert set(support) == {"first", "names", "table", "bag"}


NARROW, WIDE = [[0.5, 0.4], [0.9, 1.5]], [[0.5, 1.0], [0.9, 3.0], [0.95, 4.0]]


@pytest.mark.parametrize("second", [NARROW, WIDE, [WIDE] * 3 + [[*NARROW, [0.95, 2.0]]] * 3, None])
@pytest.mark.parametrize("first", [NARROW, [NARROW] * 2 + [WIDE[:2]] * 4])
def test_intervals_of_each_row_are_those_of_its_fold(first, second):
    folds = [made_up_explanation(std_quantiles=quantiles) for quantiles in (first, second)]
    order = np.random.RandomState(0).permutation(12)
    joined = join_folds(folds, order, None)
    for coverage in (0.3, 0.7, 0.9):
        bounds = zip(*(fold.interval(coverage) for fold in folds), strict=True)
        for found, of_folds in zip(joined.interval(coverage), bounds, strict=True):
            np.testing.assert_allclose(found, np.concatenate(of_folds)[order], rtol=1e-12)


def test_multiples_that_all_folds_share_are_kept_as_they_are():
    fold = made_up_explanation(std_quantiles=NARROW)
    assert join_folds([fold, fold], np.arange(12), None).std_quantiles.tolist() == NARROW
    assert join_folds([made_up_explanation()] * 2, np.arange(12), None).std_quantiles is None


@pytest.mark.parametrize("labelled", [[0], [1], [0, 1]])
def test_predicted_classes_are_those_of_each_fold(labelled):
    folds = [made_up_explanation(), made_up_explanation()]
    for i in labelled:
        least = folds[i].output_names[folds[i].predictions.argmin(axis=1)]
        folds[i] = replace(folds[i], labels=least)
    order = np.random.RandomState(0).permutation(12)
    expected = np.concatenate([fold.predicted_labels for fold in folds])[order]
    np.testing.assert_array_equal(join_folds(folds, order, None).predicted_labels, expected)
