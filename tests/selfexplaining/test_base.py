"""What all self-explaining classifiers promise."""

import pickle
import subprocess
import sys
import warnings
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning, DataConversionWarning, NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import Callback

from sklearn_metaexplain import (
    AttentionClassifier,
    MatchingClassifier,
    PrototypeClassifier,
    explain,
)
from tests.selfexplaining.tables import CLASSIFIERS, KINDS, clouds, mixed_frame

every_kind = pytest.mark.parametrize("classifier", KINDS, ids=repr)
every_classifier = pytest.mark.parametrize(
    "classifier", [kind(random_state=0) for kind in CLASSIFIERS], ids=repr
)


def assert_same(actual, expected, atol=1e-9):
    for name in ("values", "base_values", "predictions"):
        left, right = getattr(actual, name), getattr(expected, name)
        np.testing.assert_allclose(left, right, rtol=0, atol=atol, err_msg=name)


# Sums


@every_kind
@given(
    seed=st.integers(0, 10**6),
    n_columns=st.integers(1, 6),
    n_classes=st.integers(2, 5),
    n_support=st.sampled_from([6, 512]),
)
@settings(max_examples=6, deadline=None)
def test_attributions_add_up(classifier, seed, n_columns, n_classes, n_support):
    if getattr(classifier, "groups_by", None) and n_columns == 1:
        n_columns = 2
    X, y = clouds(25, n_columns, n_classes, seed=seed)
    X[np.random.RandomState(seed).random_sample(X.shape) < 0.05] = np.nan
    fitted = clone(classifier).set_params(n_support=n_support).fit(X, y)
    explanation = fitted.explain(X)
    total = explanation.base_values + explanation.values.sum(axis=1)
    np.testing.assert_allclose(total, explanation.predictions, rtol=1e-9, atol=1e-9)
    proba = fitted.predict_proba(X)
    np.testing.assert_allclose(proba.sum(1), 1, rtol=0, atol=1e-9)
    assert (proba >= 0).all()
    if explanation.output == "raw":
        logits = explanation.predictions / (2 if n_classes == 2 else 1)
        softmax = np.exp(logits - np.logaddexp.reduce(logits, axis=1, keepdims=True))
    else:
        softmax = explanation.predictions
    np.testing.assert_allclose(proba, softmax, rtol=0, atol=1e-9)
    np.testing.assert_array_equal(explanation.predicted_labels, fitted.predict(X))


# What must not matter


@every_kind
@given(order=st.permutations(range(4)))
@settings(max_examples=3, deadline=None)
def test_order_of_columns(classifier, order):
    X, y = clouds(24, 4, 3)
    classifier = clone(classifier)
    expected = classifier.fit(X, y).explain(X[:6])
    if getattr(classifier, "groups_by", None):
        classifier.set_params(groups_by=[[order.index(0), order.index(1)]])
    actual = classifier.fit(X[:, order], y).explain(X[:6, order])
    np.testing.assert_allclose(actual.values, expected.values[:, order], rtol=0, atol=1e-7)
    np.testing.assert_allclose(actual.predictions, expected.predictions, rtol=0, atol=1e-7)


@every_kind
@pytest.mark.parametrize("n_support", [8, 512])
@given(names=st.permutations(["ash", "birch", "cedar"]))
@settings(max_examples=2, deadline=None)
def test_names_of_classes(classifier, n_support, names):
    X, y = clouds(24, 3, 3)
    classifier = clone(classifier).set_params(n_support=n_support)
    expected = classifier.fit(X, y).explain(X[:6])
    actual = classifier.fit(X, np.array(names)[y]).explain(X[:6])
    assert actual.output_names.tolist() == ["ash", "birch", "cedar"]
    order = np.argsort(names)
    np.testing.assert_allclose(actual.values, expected.values[..., order], rtol=0, atol=1e-7)
    np.testing.assert_allclose(actual.base_values, expected.base_values[..., order], atol=1e-9)
    np.testing.assert_array_equal(
        classifier.predict(X), np.array(names)[clone(classifier).fit(X, y).predict(X)]
    )


@every_classifier
def test_names_of_two_classes_beside_categories(classifier):
    frame, y = mixed_frame()
    expected = clone(classifier).fit(frame, y).explain(frame)
    turned = clone(classifier).fit(frame, np.where(y == "yes", "a", "b")).explain(frame)
    np.testing.assert_allclose(turned.values[..., ::-1], expected.values, rtol=0, atol=1e-9)


@every_kind
def test_order_of_training_rows(classifier):
    X, y = clouds(24, 3, 3)
    if classifier.get_params().get("n_prototypes") == 3:
        X = np.repeat(X[:9] * 3, 3, axis=0)[: len(y)]  # centres that any start finds
        y = np.repeat(y[:9], 3)[: len(y)]
    order = np.random.RandomState(1).permutation(len(y))
    expected = clone(classifier).fit(X, y).explain(X)
    assert_same(clone(classifier).fit(X[order], y[order]).explain(X), expected, atol=1e-7)


@every_kind
def test_order_of_training_rows_where_each_category_has_a_class_of_its_own(classifier):
    y = np.arange(24) % 4
    X = pd.DataFrame({"word": np.array(list("abcd"))[y]})
    X["x"] = np.random.RandomState(0).normal(size=24)
    if "n_prototypes" in classifier.get_params():
        classifier = clone(classifier).set_params(n_prototypes=1)  # no starts of k-means
    expected = clone(classifier).fit(X, y).explain(X)
    for seed in range(4):
        order = np.random.RandomState(seed).permutation(24)
        found = clone(classifier).fit(X.iloc[order], y[order]).explain(X)
        assert_same(found, expected, atol=1e-6)


@every_kind
def test_a_row_alone_twice_and_in_any_order(classifier, monkeypatch):
    X, y = clouds(24, 3, 3)
    fitted = clone(classifier).fit(X, y)
    together = fitted.explain(X)
    order = np.random.RandomState(0).permutation(24)
    assert_same(fitted.explain(X[order]), together[order])
    assert_same(fitted.explain(np.repeat(X[:3], 2, axis=0)), together[[0, 0, 1, 1, 2, 2]])
    assert_same(fitted.explain(X[5:6]), together[5])
    # However many rows are taken at once.
    monkeypatch.setattr("sklearn_metaexplain.selfexplaining._chunks._MOST_NUMBERS", 2500)
    chunked = fitted.explain(X)
    assert_same(chunked, together)
    for name, part in together.support.items():
        np.testing.assert_allclose(chunked.support[name], part, rtol=0, atol=1e-9)
    np.testing.assert_allclose(fitted.embed(X).shape, (24, fitted.embed(X[:1]).shape[1]))


# Small and strange tables


@every_kind
def test_constant_columns_are_exactly_zero(classifier):
    X, y = clouds(24, 4, 3)
    X[:, 2] = -7.3
    fitted = clone(classifier).fit(X, y)
    other = X[:5].copy()
    other[:, 2] = [0.0, 1.0, np.nan, 1e6, -7.3]
    for rows in (X, other):
        values = fitted.explain(rows).values
        assert (values[:, 2] == 0).all()
        assert (values != 0).any()
    np.testing.assert_array_equal(fitted.predict_proba(other), fitted.predict_proba(X[:5]))


@every_kind
def test_nothing_but_constant_columns(classifier):
    X, y = np.full((11, 3), 2.7), np.arange(11) % 3
    fitted = clone(classifier).fit(X, y)
    explanation = fitted.explain(X + np.arange(11)[:, None])
    assert (explanation.values == 0).all()
    np.testing.assert_allclose(fitted.predict_proba(X), np.tile(np.bincount(y) / 11, (11, 1)))


@every_classifier
def test_training_gives_constant_columns_nothing_to_say(classifier):
    X, y = np.ones((20, 3)), np.arange(20) % 2
    y[:4] = 0
    fitted = clone(classifier).set_params(max_epochs=3, lr=0.05, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        fitted.fit(X, y)
    np.testing.assert_allclose(fitted.predict_proba(X[:1]), [[0.6, 0.4]])
    explanation = fitted.explain(X)
    assert (explanation.values == 0).all()


def undecided(n_classes, n_rows):
    """Rows of every combination of cells, as many of each class."""
    cells = np.random.default_rng(0).normal(size=(n_rows, 3))
    return np.repeat(cells, n_classes, axis=0), np.tile(np.arange(n_classes), n_rows)


@pytest.mark.parametrize("setting", [{}, {"gate": "sparsemax"}, {"attention": "per_class"}])
def test_columns_of_which_none_tells_anything_alone(setting):
    X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]] * 10)
    classifier = AttentionClassifier(random_state=0, **setting).fit(X, X[:, 0] != X[:, 1])
    explanation = classifier.explain(X)
    assert (explanation.values == 0).all()
    assert (explanation.predictions == 0).all()


@every_kind
@pytest.mark.parametrize("n_classes", [2, 3, 5, 7])
def test_where_classes_are_equally_likely_nothing_is_said(classifier, n_classes):
    X, y = undecided(n_classes, 5)
    fitted = clone(classifier).fit(X, y)
    explanation = fitted.explain(X)
    if explanation.output == "raw":
        assert (explanation.values == 0).all()
        assert (explanation.predictions == 0).all()
    np.testing.assert_allclose(fitted.predict_proba(X), 1 / n_classes, rtol=1e-12)
    np.testing.assert_array_equal(explanation.predicted_labels, fitted.predict(X))


@every_kind
@pytest.mark.parametrize("n_classes", [2, 3, 4, 6])
@pytest.mark.parametrize("n_rows", [1, 3, 5])
def test_the_explained_class_of_several_that_are_as_likely(classifier, n_classes, n_rows):
    X, y = np.repeat(np.eye(n_classes), n_rows, axis=0), np.repeat(np.arange(n_classes), n_rows)
    fitted = clone(classifier).fit(X, y)
    rows = np.concatenate([X, np.zeros((1, n_classes)), np.ones((1, n_classes))])
    np.testing.assert_array_equal(fitted.explain(rows).predicted_labels, fitted.predict(rows))


@every_classifier
def test_one_column_and_two_rows(classifier):
    fitted = clone(classifier).fit([[0.0], [1.0]], ["b", "a"])
    assert fitted.predict([[0.0], [1.0], [2.0]]).tolist() == ["b", "a", "a"]
    explanation = fitted.explain([[0.2]])
    assert explanation.values.shape == (1, 1, 2)
    assert np.abs(explanation.residual).max() < 1e-9


@every_kind
@pytest.mark.parametrize("n_support", [10, 30, 512])
def test_twenty_classes(classifier, n_support):
    X, y = clouds(80, 4, 20, separation=5.0)
    fitted = clone(classifier).set_params(n_support=n_support).fit(X, y)
    assert len(fitted.support_indices_) == {10: 20, 30: 30, 512: 80}[n_support]
    assert fitted.score(X, y) > 0.4
    assert np.abs(fitted.explain(X[:5]).residual).max() < 1e-9


@every_classifier
def test_everything_a_frame_may_hold(classifier):
    frame, y = mixed_frame()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted = clone(classifier).fit(frame, y)
        explanation = fitted.explain(frame)
    assert fitted.score(frame, y) > 0.85
    assert explanation.feature_names.tolist() == frame.columns.tolist()
    assert explanation.values.shape == (48, 7, 2)
    assert explanation.index.equals(frame.index)
    assert np.isfinite(explanation.values).all()
    per_column = np.abs(explanation.values).max(axis=(0, 2))
    assert per_column[-1] == 0
    assert (per_column[:-1] > 1e-4).all()
    # Each column that tells the classes apart speaks for the right one.
    for column in ("number", "town", "since", "count"):
        told = explanation.to_frame("yes")[column].to_numpy()
        assert told[y == "yes"].mean() > told[y == "no"].mean()


@every_classifier
def test_unseen_categories_and_missing_cells_are_read(classifier):
    frame, y = mixed_frame()
    fitted = clone(classifier).fit(frame, y)
    strange = frame[:4].assign(
        town="Oz", number=np.nan, grade=pd.Categorical(["top"] * 4), paid=True
    )
    explanation = fitted.explain(strange)
    assert np.isfinite(explanation.values).all()
    assert np.abs(explanation.residual).max() < 1e-9
    towns = explanation.for_output("yes").values[:, 1, 0]
    np.testing.assert_allclose(towns, towns[0], rtol=0, atol=0.05)
    # Missing where nothing was in fit.
    whole = clone(classifier).fit(*clouds())
    assert np.isfinite(whole.explain([[np.nan] * 3]).values).all()


# Good citizens


@every_classifier
def test_parameters_reach_the_estimator(classifier):
    for kind in CLASSIFIERS:
        params = kind().get_params()
        changed = {name: object() for name in params}
        other = kind(**changed)
        assert all(getattr(other, name) is value for name, value in changed.items())


@every_classifier
def test_noise_labels_give_the_scores_of_a_classifier_that_was_never_fitted(classifier):
    X, _ = clouds(40, 3)
    noise = np.random.RandomState(0).randint(2, size=40)
    for settings_ in ({}, {"max_epochs": 1}):
        never = clone(classifier).set_params(**settings_)
        fitted = clone(never).fit(X, noise)
        scores = cross_val_score(clone(fitted), X, noise, cv=3)
        np.testing.assert_array_equal(scores, cross_val_score(never, X, noise, cv=3))
        assert scores.mean() < 0.75


@every_classifier
def test_searches_over_encoder_and_training(classifier):
    X, y = clouds(30, 3, 2)
    name = type(classifier).__name__.lower()
    pipeline = make_pipeline(
        StandardScaler(), clone(classifier).set_params(pretrained=None, max_epochs=1)
    )
    grids = [
        {"width": [4, 8], "n_heads": [1], "n_layers": [0]},
        {"width": [8], "n_heads": [2], "n_layers": [1]},
        {"lr": [1e-3, 0.03]},
        {"max_epochs": [2], "n_support": [6]},
    ]
    grids = [{f"{name}__{key}": value for key, value in grid.items()} for grid in grids]
    search = GridSearchCV(pipeline, grids, cv=2, error_score="raise").fit(X, y)
    assert len(search.cv_results_["params"]) == 6
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    again = clone(pipeline).set_params(**search.best_params_).fit(X, y)
    assert_same(explain(search, X), explain(again, X), atol=0)


@every_classifier
def test_in_a_pipeline_with_set_output(classifier):
    X, y = load_iris(return_X_y=True, as_frame=True)
    X, y = X[::5], y[::5]
    alone = clone(classifier).fit(X, y)
    table = alone.set_output(transform="pandas").transform(X)
    assert table.shape == (30, 12)
    assert table.index.equals(X.index)
    assert table.columns[0] == "sepal length (cm)__0"
    np.testing.assert_array_equal(table["petal width (cm)__2"], alone.explain(X).values[:, 3, 2])
    pipeline = make_pipeline(StandardScaler().set_output(transform="pandas"), clone(classifier))
    scaled = StandardScaler().set_output(transform="pandas").fit_transform(X)
    expected = clone(classifier).fit(scaled, y)
    assert_same(explain(pipeline.fit(X, y), X), expected.explain(scaled))


@every_kind
def test_copies_are_the_same(classifier, tmp_path):
    X, y = clouds()
    fitted = clone(classifier).fit(X, y)
    expected = fitted.explain(X)
    joblib.dump(fitted, tmp_path / "fitted.joblib")
    for copy in (pickle.loads(pickle.dumps(fitted)), joblib.load(tmp_path / "fitted.joblib")):
        assert_same(copy.explain(X), expected, atol=0)
    refitted = clone(fitted)
    with pytest.raises(NotFittedError):
        refitted.explain(X)
    assert_same(refitted.fit(X, y).explain(X), expected, atol=0)


@pytest.mark.slow
def test_saved_and_loaded_in_another_process(tmp_path):
    X, y = clouds()
    frame = pd.DataFrame(X, columns=list("abc"))
    fitted = [kind(random_state=0, max_epochs=1).fit(frame, y) for kind in CLASSIFIERS]
    joblib.dump((fitted, frame), tmp_path / "fitted.joblib")
    code = (
        "import joblib, sys\n"
        "fitted, frame = joblib.load(sys.argv[1])\n"
        "joblib.dump([one.explain(frame).values for one in fitted], sys.argv[2])\n"
    )
    subprocess.run(
        [sys.executable, "-c", code, tmp_path / "fitted.joblib", tmp_path / "values.joblib"],
        check=True,
        cwd=Path(__file__).parents[2],
    )
    for one, values in zip(fitted, joblib.load(tmp_path / "values.joblib"), strict=True):
        np.testing.assert_allclose(values, one.explain(frame).values, rtol=0, atol=1e-12)


@every_classifier
@pytest.mark.parametrize("trained", [{}, {"pretrained": None, "max_epochs": 1, "width": 8}])
def test_global_generators_and_parameters_are_untouched(classifier, trained):
    X, y = clouds()
    classifier = clone(classifier).set_params(random_state=None, **trained)
    params = classifier.get_params()
    np.random.seed(786_433)
    torch.manual_seed(786_433)
    numpy, pytorch = np.random.get_state(), torch.get_rng_state()
    seeded = clone(classifier).set_params(random_state=1).fit(X, y).predict_proba(X)
    seeded_again = clone(classifier).set_params(random_state=1).fit(X, y).predict_proba(X)
    np.testing.assert_array_equal(seeded, seeded_again)
    assert torch.equal(pytorch, torch.get_rng_state())
    np.testing.assert_array_equal(numpy[1], np.random.get_state()[1])
    assert classifier.fit(X, y).get_params() == params


@every_classifier
def test_random_state_chooses_the_rows_and_a_generator_moves_on(classifier):
    X, y = clouds(40)
    classifier = clone(classifier).set_params(n_support=10)
    chosen = [
        tuple(clone(classifier).set_params(random_state=seed).fit(X, y).support_indices_)
        for seed in range(4)
    ]
    assert len(set(chosen)) > 1
    state = np.random.RandomState(0)
    classifier.set_params(random_state=state)
    assert tuple(classifier.fit(X, y).support_indices_) != tuple(
        classifier.fit(X, y).support_indices_
    )


# Errors


@every_classifier
@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"pretrained": None}, "pretrained=None needs max_epochs > 0"),
        ({"width": 8}, "width cannot be chosen for pretrained='default'.* use pretrained=None"),
        ({"n_heads": 2, "n_layers": 1}, "n_heads, n_layers cannot be chosen"),
        ({"pretrained": None, "max_epochs": 1, "width": 6}, "width=6 must be a multiple of 4"),
        ({"pretrained": "nowhere"}, r"'nowhere' is neither a registered name \(\['default'\]\)"),
        ({"device": "no such"}, r"(?s)device='no such' cannot be used here .*.cpu. always can"),
        ({"n_support": 1}, "'n_support' parameter of .* must be an int in the range"),
        ({"validation_fraction": 1.0}, "'validation_fraction' parameter"),
    ],
)
def test_bad_parameters(classifier, params, message):
    with pytest.raises(ValueError, match=message):
        clone(classifier).set_params(**params).fit(*clouds())


def test_weights_of_another_classifier():
    from sklearn_metaexplain.nets import _classifier_weights

    path = Path(_classifier_weights.__file__).parent / "weights" / "matching.safetensors"
    with pytest.raises(ValueError, match="holds another architecture: 'matching'"):
        PrototypeClassifier(pretrained=path).fit(*clouds())
    X, y = clouds()
    by_path = MatchingClassifier(pretrained=str(path), random_state=0).fit(X, y)
    assert_same(by_path.explain(X), MatchingClassifier(random_state=0).fit(X, y).explain(X), atol=0)


@every_classifier
@pytest.mark.parametrize(
    ("y", "message"),
    [
        (None, "requires y to be passed, but the target y is None"),
        (np.zeros(30), "needs rows of at least two classes; y has one class, .*; add rows of"),
        (
            np.linspace(0, 1, 30),
            r"Unknown label type: continuous.*such as 0\.0344828.*pandas\.cut.*MetaExplainer",
        ),
        (
            np.array([0, 1] * 15, dtype=object),
            r"Unknown label type: unknown.*objects that holds int; pass y\.astype\(str\)",
        ),
        (
            pd.Series(pd.cut(np.arange(30.0), 3)),
            r"objects that holds Interval; pass y\.astype\(str\)",
        ),
        (
            np.array(["a", None] * 15, dtype=object),
            r"y contains NaN in row 1, 3, 5, 7, 9, \.\.\.; leave",
        ),
        (np.array([0, np.nan, 1.0] * 10), "y contains NaN in row 1, 4, 7"),
        (["a", np.nan, "b"] * 10, "y contains NaN in row 1, 4, 7"),
        (pd.Series(["a", pd.NA] + ["b"] * 28, dtype="string"), "y contains NaN in row 1; leave"),
        (np.arange(29) % 2, "inconsistent numbers of samples"),
        (np.ones((30, 2)), "1d array"),
    ],
    ids=str,
)
def test_bad_labels(classifier, y, message):
    with pytest.raises(ValueError, match=message):
        clone(classifier).fit(clouds()[0], y)


@every_classifier
def test_a_fit_that_fails_leaves_nothing_of_the_one_before(classifier):
    class Interrupted(Callback):
        def on_epoch_end(self, net, **kwargs):
            raise RuntimeError("interrupted")

    X, y = clouds()
    fitted = clone(classifier).fit(X, y)
    fitted.set_params(max_epochs=1, callbacks=[Interrupted()])
    with pytest.raises(RuntimeError, match="interrupted"):
        fitted.fit(X, np.array(["a", "b", "c"])[::-1][y])
    for method in ("predict", "predict_proba", "explain", "transform", "embed"):
        with pytest.raises(NotFittedError):
            getattr(fitted, method)(X)
    fitted.set_params(max_epochs=0, callbacks=None).fit(X, y)
    assert_same(fitted.explain(X), clone(classifier).fit(X, y).explain(X), atol=0)


@every_classifier
def test_bad_rows(classifier):
    X, y = clouds()
    frame = pd.DataFrame(X, columns=list("abc"))
    fitted = clone(classifier).fit(frame, y)
    with pytest.raises(ValueError, match=r"(?s)feature names should match.*missing.*- c"):
        fitted.predict(frame[["a", "b"]])
    with pytest.raises(ValueError, match="infinity in column 'b'"):
        fitted.explain(frame.assign(b=np.inf))
    with pytest.raises(ValueError, match="infinity in column 'b'"):
        clone(classifier).fit(frame.assign(b=np.inf), y)
    with pytest.raises(TypeError, match="dense data is required"):
        clone(classifier).fit(sparse.csr_array(X), y)
    for method in ("predict", "predict_proba", "explain", "transform", "embed"):
        with pytest.raises(NotFittedError):
            getattr(clone(classifier), method)(X)


@every_classifier
@pytest.mark.parametrize("labels", [["no", "yes"], [True, False], [3, -1], [0.0, 1.0]])
def test_labels_of_any_kind(classifier, labels):
    X, y = clouds(20, 2, 2, separation=5.0)
    named = np.array(labels)[y]
    fitted = clone(classifier).fit(X, pd.Series(named))
    assert fitted.classes_.tolist() == sorted(labels)
    assert (fitted.predict(X) == named).mean() > 0.9
    decision = getattr(fitted, "decision_function", lambda X: fitted.predict_proba(X)[:, 1] - 0.5)(
        X
    )
    np.testing.assert_array_equal(fitted.classes_[(decision > 0).astype(int)], fitted.predict(X))


@every_kind
def test_parameters_set_after_fit_change_nothing(classifier):
    X, y = clouds(30, 3, 3)
    fitted = clone(classifier).fit(X, y)

    def told():
        explanation = fitted.explain(X[:4])
        answers = [fitted.predict_proba(X), fitted.embed(X), explanation.values]
        return answers, explanation.support

    answers, support = told()
    # No parameter is one of these, so that whatever is read shows.
    fitted.set_params(**dict.fromkeys(fitted.get_params(deep=False), "set after fit"))
    after, support_after = told()
    for actual, expected in zip(after, answers, strict=True):
        np.testing.assert_array_equal(actual, expected)
    assert support_after.keys() == support.keys()
    for name, expected in support.items():
        np.testing.assert_array_equal(support_after[name], expected, err_msg=name)


@pytest.mark.parametrize(
    ("labels", "dtype"),
    [
        (np.array([False, True]), "boolean"),
        (np.array([0, 1]), "Int64"),
        # Two that are one as floats.
        (np.array([2**60, 2**60 + 1]), "Int64"),
        (np.array([3, 4], dtype=np.uint8), "UInt8"),
    ],
)
def test_labels_of_nullable_types_stay_what_they_are(labels, dtype):
    X, y = clouds(n_classes=2)
    for given_ in (pd.Series(labels[y], dtype=dtype), pd.array(labels[y], dtype=dtype)):
        classifier = MatchingClassifier(random_state=0).fit(X, given_)
        np.testing.assert_array_equal(classifier.classes_, labels)
        assert classifier.classes_.dtype == classifier.predict(X).dtype == labels.dtype
    with pytest.warns(DataConversionWarning, match="column-vector y"):
        classifier.fit(X, pd.DataFrame({"label": labels[y]}, dtype=dtype))
    np.testing.assert_array_equal(classifier.classes_, labels)
    assert classifier.classes_.dtype == labels.dtype
    missing = pd.Series(labels[y], dtype=dtype)
    missing[4] = pd.NA
    with pytest.raises(ValueError, match="NaN in row 4; leave rows without a class out"):
        MatchingClassifier().fit(X, missing)
