"""The checks pass for honest explainers, and each catches the explainer that breaks it."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import SkipTestWarning
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from sklearn_metaexplain import MetaExplainer
from sklearn_metaexplain.base import EstimatorTags
from sklearn_metaexplain.testing import (
    check_explainer,
    explainer_checks,
    parametrize_with_explainer_checks,
)
from tests.broken_explainers import (
    BatchDependent,
    CannotBePickled,
    ChangesDirectory,
    ChangesParameter,
    CountsBatches,
    CountsCalls,
    CountsTooFew,
    CountsTooMany,
    DependsOnContainer,
    DependsOnThreads,
    ExplainsUnfitted,
    FitsUserEstimator,
    IgnoresSeed,
    Inefficient,
    KeepsFirstFit,
    LeavesFiles,
    LosesIndex,
    NeedsTwoColumns,
    OneOutputOnly,
    OrderDependent,
    PositionBiased,
    PredictsOtherwise,
    PredictsOtherwiseAlone,
    SavesNothing,
    SeedsNumpy,
    SeedsTorch,
    ShufflesData,
    SilencesChecks,
    SkipsValidation,
    StartsElsewhere,
    StartsWhereTheRowIs,
    SupportsByPlace,
    SwallowsOptions,
    WritesOverFrames,
    WrongNames,
    WrongPredictions,
    WrongTransform,
)
from tests.selfexplaining.tables import CLASSIFIERS
from tests.small_explainers import (
    ExactExplainer,
    ExplainedCentroids,
    ExplainedLeastSquares,
    OcclusionExplainer,
)

SMALL = {"background": 5, "random_state": 0}


def explainers():
    """Honest explainers; others are added by name."""
    return [
        ExactExplainer(LogisticRegression(), **SMALL),
        ExactExplainer(LogisticRegression(), output="log_odds", **SMALL),
        ExactExplainer(RandomForestClassifier(n_estimators=3, random_state=0), **SMALL),
        ExactExplainer(Ridge(), **SMALL),
        OcclusionExplainer(LogisticRegression(), output="raw", **SMALL),
        MetaExplainer(LogisticRegression(), n_support=64, budget=20, **SMALL),
        ExplainedLeastSquares(),
        ExplainedCentroids(),
        *(classifier(random_state=0) for classifier in CLASSIFIERS),
    ]


@parametrize_with_explainer_checks(explainers())
def test_honest_explainer(explainer, check):
    check(explainer)


def test_explainer_of_raw_columns_brings_its_table():
    random = np.random.RandomState(0)
    X = pd.DataFrame({"age": random.normal(size=40), "sex": random.choice(["f", "m"], size=40)})
    y = (X["age"] + (X["sex"] == "f") > 0).to_numpy()
    encoder = make_column_transformer((OneHotEncoder(), ["sex"]), remainder="passthrough")
    model = make_pipeline(encoder, LogisticRegression())
    with pytest.warns(SkipTestWarning, match="a table of its own, and data= was given") as skipped:
        check_explainer(ExactExplainer(model, **SMALL), data=(X, y))
    assert [str(warning.message).split()[1] for warning in skipped] == NEED_THEIR_OWN_TABLE


NEED_THEIR_OWN_TABLE = [
    "check_bad_input",
    "check_small_tables",
    "check_constant_columns",
    "check_containers",
    "check_column_permutation",
]


def test_no_check_of_an_honest_explainer_is_skipped():
    with warnings.catch_warnings():
        warnings.simplefilter("error", SkipTestWarning)
        check_explainer(ExactExplainer(LogisticRegression(), **SMALL))


@pytest.mark.parametrize("groups", [[[0, 1]], {"rest": [2, 3]}, [[0, 1, 2, 3]]])
@pytest.mark.parametrize("model", [Ridge(), LogisticRegression()])
def test_explainer_of_groups_of_columns(model, groups):
    explainer = ExactExplainer(model, feature_groups=groups, **SMALL)
    with pytest.warns(SkipTestWarning, match="single columns, and feature_groups is") as skipped:
        check_explainer(explainer)
    assert [str(warning.message).split()[1] for warning in skipped] == [
        "check_small_tables",
        "check_constant_columns",
        "check_column_permutation",
    ]


KINDS_OF_TABLES = {
    "many columns": np.array,
    "sparse": sparse.csr_matrix,
    "lists": np.ndarray.tolist,
    "labels that are no text": lambda X: pd.DataFrame(X, columns=[3, 1, 2, 0]),
    "labels of two levels": lambda X: pd.DataFrame(
        X, columns=pd.MultiIndex.from_product([["a", "b"], [0, 1]])
    ),
}


@pytest.mark.parametrize("kind", KINDS_OF_TABLES)
def test_tables_of_the_users_of_any_kind(kind):
    X = np.random.RandomState(0).normal(size=(40, 30 if kind == "many columns" else 4))
    y = X @ np.arange(1.0, X.shape[1] + 1)
    table = KINDS_OF_TABLES[kind](X)
    explainer = ExactExplainer(Ridge(), **SMALL)
    if kind == "many columns":
        explainer = OcclusionExplainer(Ridge(), **SMALL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SkipTestWarning)
        check_explainer(explainer, data=(table, y))


def test_what_a_check_cannot_tell_is_warned_of():
    with pytest.warns(
        SkipTestWarning, match="check_column_permutation for OrderedColumns: the mod"
    ):
        check_explainer(OrderedColumns())


class OrderedColumns(ExplainedLeastSquares):
    """The first column counts more, whichever it is."""

    def fit(self, X, y):
        super().fit(X, y)
        self.coef_ = self.coef_ * np.arange(1, len(self.coef_) + 1)
        return self


BROKEN = [
    (BatchDependent, "check_row_alone"),
    (CountsBatches, "check_row_alone"),
    (OrderDependent, "check_row_permutation"),
    (PositionBiased, "check_column_permutation"),
    (PositionBiased, "check_constant_columns"),
    (WrongPredictions, "check_predictions"),
    (Inefficient, "check_efficiency"),
    (WrongNames, "check_feature_names"),
    (LosesIndex, "check_feature_names"),
    (OneOutputOnly, "check_shapes"),
    (ShufflesData, "check_shapes"),
    (WrongTransform, "check_transform"),
    (SwallowsOptions, "check_options"),
    (SkipsValidation, "check_bad_input"),
    (SeedsNumpy, "check_global_state"),
    (SeedsTorch, "check_global_state"),
    (LeavesFiles, "check_global_state"),
    (ChangesDirectory, "check_global_state"),
    (FitsUserEstimator, "check_user_estimator"),
    (ChangesParameter, "check_params_untouched"),
    (CountsCalls, "check_explain_changes_nothing"),
    (WritesOverFrames, "check_explain_changes_nothing"),
    (IgnoresSeed, "check_clone"),
    (IgnoresSeed, "check_pipeline"),
    (CannotBePickled, "check_pickle"),
    (DependsOnThreads, "check_n_jobs"),
    (DependsOnContainer, "check_containers"),
    (ExplainsUnfitted, "check_not_fitted"),
    (NeedsTwoColumns, "check_small_tables"),
    (SavesNothing, "check_saved_explanation"),
    (SilencesChecks, "check_explainer_tags"),
    (StartsElsewhere, "check_base_values"),
    (StartsWhereTheRowIs, "check_base_values"),
    (CountsTooFew, "check_n_evaluations"),
    (CountsTooMany, "check_n_evaluations"),
    (SupportsByPlace, "check_row_alone"),
    (SupportsByPlace, "check_row_permutation"),
    (PredictsOtherwise, "check_predictions"),
    (PredictsOtherwiseAlone, "check_row_alone"),
    (KeepsFirstFit, "check_refit"),
]


# Where it is not the check's own assertion that fails.
OTHER_ERRORS = {
    CannotBePickled: (AttributeError, pickle.PicklingError),
    NeedsTwoColumns: ValueError,
    SavesNothing: TypeError,
}


@pytest.mark.parametrize(("broken", "check"), BROKEN)
def test_broken_explainer_is_caught(broken, check, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    explainer = broken(LogisticRegression(), **SMALL)
    (run,) = [one for one in explainer_checks(explainer) if one.__name__ == check]
    run(ExactExplainer(LogisticRegression(), **SMALL))
    with pytest.raises(OTHER_ERRORS.get(broken, AssertionError)):
        run(explainer)


def test_check_explainer_runs_them_all():
    explainer = SwallowsOptions(LogisticRegression(), **SMALL)
    with pytest.raises(AssertionError, match="no_such_option"):
        check_explainer(explainer)


def test_every_check_has_its_broken_explainer():
    everything = {
        check.__name__ for check in explainer_checks(ExactExplainer(LogisticRegression()))
    }
    assert everything == {check for _, check in BROKEN}


def test_tags_choose_the_checks():
    def names(explainer):
        return {check.__name__ for check in explainer_checks(explainer)}

    additive = names(ExactExplainer(Ridge()))
    assert additive - names(OcclusionExplainer(Ridge())) == {"check_efficiency"}
    assert additive - names(ExplainedLeastSquares()) == {
        "check_n_jobs",
        "check_user_estimator",
        "check_n_evaluations",
    }

    class NonDeterministic(ExactExplainer):
        def __sklearn_tags__(self):
            tags = super().__sklearn_tags__()
            tags.non_deterministic = True
            return tags

    assert "check_row_alone" not in names(NonDeterministic(Ridge()))


def test_not_an_explainer_is_refused():
    with pytest.raises(TypeError, match="LinearRegression is not an explainer"):
        check_explainer(LinearRegression())
    with pytest.raises(TypeError, match="LinearRegression is not an explainer"):
        parametrize_with_explainer_checks([LinearRegression()])


def test_check_restores_the_global_generators():
    explainer = SeedsNumpy(LogisticRegression(), **SMALL)
    (run,) = [one for one in explainer_checks(explainer) if one.__name__ == "check_global_state"]
    before = np.random.get_state()[1].copy()
    with pytest.raises(AssertionError, match="numpy"):
        run(explainer)
    np.testing.assert_array_equal(np.random.get_state()[1], before)


def test_tags_survive_further_mixins():
    tags = ExplainedCentroids().__sklearn_tags__()
    assert isinstance(tags, EstimatorTags)
    assert tags.estimator_type == "classifier"
    assert tags.transformer_tags is not None
