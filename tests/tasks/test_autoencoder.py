"""TaskAutoencoder: what vectors must not depend on, what is near, and what is strange."""

import hashlib
import pickle
from importlib.resources import files

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_metaexplain.prior import sample_task
from sklearn_metaexplain.tasks import TaskAutoencoder
from sklearn_metaexplain.tasks._read import read_task
from sklearn_metaexplain.tasks._table import TaskTable
from tests.posthoc.tables import Recording, mixed_pipeline, mixed_table


class Hashing(RegressorMixin, BaseEstimator):
    """A model whose outputs have nothing to do with nearness of rows."""

    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        return self

    def predict(self, X):
        digests = [hashlib.sha256(np.ascontiguousarray(row).tobytes()).digest() for row in X]
        return np.array([int.from_bytes(digest[:4], "big") / 2**32 for digest in digests])


def autoencoder(**options):
    return TaskAutoencoder(**{"random_state": 0, **options})


def vector(task, **options):
    return autoencoder(**options).transform([task])[0]


@pytest.fixture(scope="module")
def mixed():
    X, y = mixed_table(60)
    X = X.assign(port=X["port"].astype("category"))
    X.loc[X.index[::7], "fare"] = np.nan
    return X, y


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 1000))
def test_vector_does_not_depend_on_orders_names_and_units(mixed, seed):
    X, y = mixed
    rng = np.random.default_rng(seed)
    rows, columns = rng.permutation(len(X)), rng.permutation(X.shape[1])
    other = X.iloc[rows, columns]
    other = other.assign(
        age=10 * other["age"] - 3, sex=other["sex"].map({"female": "y", "male": "x"})
    )
    other = other.rename(columns={"age": "z", "port": "harbour"})
    relabelled = np.where(y == "yes", *rng.permutation(["0", "1"]))[rows]
    np.testing.assert_allclose(vector((other, relabelled)), vector((X, y)), rtol=0, atol=1e-6)


def test_vector_does_not_depend_on_the_order_of_rows_where_categories_are_alike():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"letter": list("abcdef") * 6, "x": rng.normal(size=36)})
    y = (X["letter"].isin(["a", "b", "c"]) == (X.index % 18 < 6)).to_numpy().astype(int)
    expected = vector((X, y))
    for seed in range(5):
        order = np.random.default_rng(seed).permutation(36)
        np.testing.assert_allclose(vector((X.iloc[order], y[order])), expected, rtol=0, atol=1e-6)


def test_vector_does_not_depend_on_the_order_of_several_classes():
    X, y = load_iris(return_X_y=True)
    expected = vector((X, y))
    for names in (["c", "a", "b"], ["b", "c", "a"]):
        np.testing.assert_allclose(vector((X, np.array(names)[y])), expected, rtol=0, atol=1e-6)


def test_vector_does_not_depend_on_the_order_of_targets_or_their_units():
    X, y = load_diabetes(return_X_y=True)
    X, both = X[:90], np.stack([y[:90], X[:90, 0] ** 2], 1)
    expected = vector((X, both))
    np.testing.assert_allclose(vector((X, both[:, ::-1])), expected, rtol=0, atol=1e-6)
    np.testing.assert_allclose(vector((X, 7 * both - 3)), expected, rtol=0, atol=1e-6)
    assert np.linalg.norm(vector((X, both[:, 0])) - expected) > 1e-3


def test_rows_of_numbers_twice_are_the_same_task(mixed):
    X, y = mixed
    # Without text: categories that were met more often are placed with more confidence.
    X = X[["age", "fare"]]
    twice = (pd.concat([X, X]), np.concatenate([y, y]))
    np.testing.assert_allclose(vector(twice), vector((X, y)), rtol=0, atol=1e-6)


def test_vector_depends_on_what_the_outputs_are(mixed):
    X, y = mixed
    shuffled = np.random.default_rng(0).permutation(y)
    assert np.linalg.norm(vector((X, shuffled)) - vector((X, y))) > 0.05


def test_long_tables_are_read_in_part():
    X, y = load_diabetes(return_X_y=True)
    whole = vector((X, y), max_rows=len(X))
    part = vector((X, y), max_rows=200)
    assert np.linalg.norm(whole - part) > 1e-6
    np.testing.assert_array_equal(vector((X, y), max_rows=200), part)
    assert np.linalg.norm(vector((X, y), max_rows=200, random_state=1) - part) > 1e-6
    np.testing.assert_array_equal(vector((X, y), max_rows=len(X), random_state=1), whole)


def test_a_task_has_the_same_vector_in_any_company():
    X, y = load_diabetes(return_X_y=True)
    iris = load_iris(return_X_y=True)
    together = autoencoder(max_rows=100).transform([iris, (X, y)])
    np.testing.assert_array_equal(together[1], vector((X, y), max_rows=100))
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1)


def test_a_sparse_table_is_its_dense_one():
    X, y = load_digits(return_X_y=True)
    X, y = X[:60, :20], y[:60] % 3
    np.testing.assert_allclose(vector((sparse.csr_matrix(X), y)), vector((X, y)), atol=1e-12)


def test_a_model_is_asked_for_the_rows_read_alone():
    X, _ = load_diabetes(return_X_y=True)
    model = Recording(3).fit(X)
    vector((X, model), max_rows=50)
    assert [len(rows) for rows in model.asked_] == [50]
    model.asked_.clear()
    autoencoder(max_rows=50).reconstruction_error((X, model))
    assert sum(len(rows) for rows in model.asked_) == 100


def test_a_model_and_its_outputs_are_the_same_task():
    X, y = load_wine(return_X_y=True)
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
    np.testing.assert_allclose(
        vector((X, model)), vector((X, model.predict_proba(X))), rtol=0, atol=1e-12
    )
    ridge = Ridge().fit(X, y)
    np.testing.assert_allclose(
        vector((X, ridge)), vector((X, ridge.predict(X))), rtol=0, atol=1e-12
    )


def test_decisions_between_two_classes_do_not_depend_on_which_is_called_the_second():
    X, y = load_breast_cancer(return_X_y=True)
    names = np.array(["a", "b"])
    tasks = [(X, RidgeClassifier().fit(X, called)) for called in (names[y], names[1 - y])]
    np.testing.assert_allclose(vector(tasks[0]), vector(tasks[1]), rtol=0, atol=1e-6)
    first, second = (autoencoder().reconstruct(task) for task in tasks)
    assert first.shape == (len(X), 2)
    np.testing.assert_allclose(first, second[:, ::-1], rtol=0, atol=1e-6)


def test_models_of_mixed_tables_and_without_probabilities(mixed):
    X, y = mixed
    X = X.astype({"port": str}).fillna(0.0)
    for model in (mixed_pipeline(), mixed_pipeline(RidgeClassifier())):
        tasks = autoencoder().fit({"it": (X, model.fit(X, y))})
        assert tasks.kinds_.tolist() == ["model"]
        assert np.isfinite(tasks.vectors_).all()


@pytest.mark.parametrize(
    ("y", "kind"),
    [
        (["a", "b"] * 20, "labels"),
        ([True, False] * 20, "labels"),
        (pd.Series(["a", "b"] * 20, dtype="category"), "labels"),
        ([0, 1] * 20, "labels"),
        ([0.0, 1.0, 2.0, 7.0] * 10, "labels"),
        ([i % 30 for i in range(40)], "labels"),
        ([i % 31 for i in range(40)], "targets"),
        (list(range(40)), "targets"),
        ([0.0, 0.5] * 20, "targets"),
        (np.eye(2)[[0, 1] * 20], "targets"),
        (np.linspace(0, 1, 40).astype(object), "targets"),
        (np.array([True, False] * 20, dtype=object), "labels"),
        (pd.Series(pd.Categorical(range(40))), "labels"),
        (pd.DataFrame({"y": [0, 1] * 20}), "labels"),
        (np.linspace(0, 1, 40)[:, None], "targets"),
        (pd.Series(pd.date_range("2024-01-01", periods=40)), "targets"),
        (pd.Series(pd.date_range("2024-01-01", periods=40, tz="UTC")), "targets"),
    ],
    ids=str,
)
def test_kind_of_a_target(y, kind):
    X = np.random.default_rng(0).normal(size=(40, 3))
    assert autoencoder().fit([(X, y)]).kinds_.tolist() == [kind]


def test_a_missing_date_is_no_number():
    dates = pd.Series(pd.date_range("2024-01-01", periods=20)).where(np.arange(20) > 0)
    with pytest.raises(ValueError, match=r"Task 'task0'.*finite numbers.*NaN"):
        autoencoder().fit([(X_GOOD, dates)])


def test_target_type_overrules():
    X = np.random.default_rng(0).normal(size=(40, 3))
    counts = np.arange(40) % 4
    for target_type, n_outputs in (("labels", 4), ("targets", 1)):
        ours = autoencoder(target_type=target_type)
        assert ours.fit([(X, counts)]).kinds_.tolist() == [target_type]
        assert ours.reconstruct((X, counts)).shape == (40, n_outputs)


# The library


@pytest.fixture(scope="module")
def library():
    tables = {
        "iris": load_iris(return_X_y=True),
        "wine": load_wine(return_X_y=True),
        "diabetes": load_diabetes(return_X_y=True),
    }
    return autoencoder().fit(tables), tables


def test_nearest_tasks(library):
    tasks, tables = library
    assert tasks.names_.tolist() == ["iris", "wine", "diabetes"]
    for i, task in enumerate(tables.values()):
        nearest = tasks.nearest_tasks(task, n_neighbors=3)
        assert nearest.indices[0] == i
        assert nearest.distances[0] == pytest.approx(0, abs=1e-7)
        assert (np.diff(nearest.distances) >= 0).all()
        assert sorted(nearest.indices) == [0, 1, 2]
        assert nearest.names.tolist() == tasks.names_[nearest.indices].tolist()
        own = tasks.transform([task])[0]
        expected = np.sqrt(((tasks.vectors_[nearest.indices] - own) ** 2).sum(1))
        np.testing.assert_allclose(nearest.distances, expected, atol=1e-12)
    assert len(tasks.nearest_tasks(task, n_neighbors=2).names) == 2


@pytest.mark.parametrize("n_neighbors", [0, 4, 1.5])
def test_number_of_neighbors(library, n_neighbors):
    tasks, tables = library
    with pytest.raises(ValueError, match=r"n_neighbors=.* from 1 to .* 3; pass a smaller"):
        tasks.nearest_tasks(tables["iris"], n_neighbors=n_neighbors)


def test_library_of_unnamed_tasks_as_transformer(library):
    _, tables = library
    tasks = autoencoder()
    vectors = tasks.fit_transform(list(tables.values()))
    assert tasks.names_.tolist() == ["task0", "task1", "task2"]
    np.testing.assert_array_equal(vectors, library[0].vectors_)
    vectors[:] = 0.0
    np.testing.assert_array_equal(tasks.vectors_, library[0].vectors_)
    frame = tasks.set_output(transform="pandas").transform(list(tables.values()))
    assert frame.columns.tolist() == tasks.get_feature_names_out().tolist()
    assert frame.shape == (3, 64)


def test_only_neighbors_need_a_library():
    task = load_iris(return_X_y=True)
    assert 0 <= autoencoder().off_prior_score(task) <= 1
    with pytest.raises(NotFittedError):
        autoencoder().nearest_tasks(task, n_neighbors=1)


def halves(X, y, rng):
    order = rng.permutation(len(X))
    middle = len(X) // 2
    return [(X[part], y[part]) for part in (order[:middle], order[middle:])]


def test_the_other_half_of_a_table_is_nearest_among_prior_tables():
    rng = np.random.default_rng(7)
    pairs = []
    # All of the same width, which alone would tell them apart.
    while len(pairs) < 20:
        task = sample_task(rng, n_columns=5)
        pairs.append(halves(task.table, task.model(task.table), rng))
    tasks = autoencoder(target_type="targets").fit([first for first, _ in pairs])
    others = tasks.transform([second for _, second in pairs])
    found = np.linalg.norm(tasks.vectors_ - others[:, None], axis=2).argmin(1)
    # By chance one of 20 is expected; 5 have a probability below 0.003.
    assert (found == np.arange(20)).sum() >= 12


def test_the_other_half_of_a_table_is_nearest_among_real_tables():
    loaders = (load_iris, load_wine, load_breast_cancer, load_diabetes, load_digits)
    rng = np.random.default_rng(0)
    pairs = []
    for load in loaders:
        X, y = load(return_X_y=True)
        pairs.append(halves(X[:300, :10], y[:300], rng))
    tasks = autoencoder(max_rows=150).fit([first for first, _ in pairs])
    found = [tasks.nearest_tasks(second, n_neighbors=1).indices[0] for _, second in pairs]
    assert found == [0, 1, 2, 3, 4]


# Reconstruction


def test_reconstruction_is_in_the_units_of_the_outputs():
    X, y = load_diabetes(return_X_y=True)
    once = autoencoder().reconstruct((X, y))
    assert once.shape == (len(X), 1)
    assert np.corrcoef(once[:, 0], y)[0, 1] > 0.6
    assert ((once[:, 0] - y) ** 2).mean() < 0.7 * y.var()
    moved = autoencoder().reconstruct((X, 1000 * y + 5))
    np.testing.assert_allclose(moved, 1000 * once + 5, rtol=1e-6)


def test_reconstruction_of_labels_follows_the_classes():
    X, y = load_iris(return_X_y=True)
    outputs = autoencoder().reconstruct((X, np.array(["b", "c", "a"])[y]))
    assert outputs.shape == (150, 3)
    # Columns are the sorted names: class 0, "b", is the second of them.
    assert (outputs.argmax(1) == np.array([1, 2, 0])[y]).mean() > 0.8


def test_reconstruction_of_a_row_does_not_depend_on_the_order():
    X, y = load_wine(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(X))
    np.testing.assert_allclose(
        autoencoder().reconstruct((X[order], y[order])),
        autoencoder().reconstruct((X, y))[order],
        rtol=0,
        atol=1e-6,
    )


def test_a_constant_output_is_reconstructed():
    X, y = load_diabetes(return_X_y=True)
    outputs = autoencoder().reconstruct((X, np.stack([np.full(len(y), 4.0), y], 1)))
    np.testing.assert_array_equal(outputs[:, 0], 4.0)
    np.testing.assert_allclose(outputs[:, 1], autoencoder().reconstruct((X, y))[:, 0], atol=1e-9)


def test_error_tells_structure_from_noise():
    X, y = load_iris(return_X_y=True)
    error = autoencoder().reconstruction_error((X, y))
    noise = autoencoder().reconstruction_error((X, np.random.default_rng(0).permutation(y)))
    assert error < 0.6
    assert noise > 0.9


def test_error_has_no_units():
    X, y = load_diabetes(return_X_y=True)
    error = autoencoder().reconstruction_error((X, y))
    assert error == pytest.approx(autoencoder().reconstruction_error((X, 50 * y - 3)), rel=1e-6)
    assert error == autoencoder().reconstruction_error((X, y))
    assert error != autoencoder(random_state=1).reconstruction_error((X, y))


def test_categories_of_rows_not_read_tell_nothing_of_their_outputs():
    # Every category is met once: what is read of it says nothing of the others.
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"name": [f"n{i}" for i in range(200)]})
    assert autoencoder().reconstruction_error((frame, rng.normal(size=200))) > 0.95


def test_error_needs_rows_that_differ():
    X = np.random.default_rng(0).normal(size=(40, 2))
    rare = np.arange(40) == 7
    # The one row of its class is either read or judged.
    for random_state in range(6):
        with pytest.raises(ValueError, match=r"constant over the 20 rows .*; pass"):
            autoencoder(random_state=random_state).reconstruction_error((X, rare))


# Off the prior


def test_ordinary_tasks_are_not_strange():
    for load, model in (
        (load_iris, RandomForestClassifier(n_estimators=20, random_state=0)),
        (load_wine, make_pipeline(StandardScaler(), LogisticRegression())),
        (load_diabetes, Ridge()),
    ):
        X, y = load(return_X_y=True)
        assert not autoencoder().is_off_prior((X, y))
        assert not autoencoder().is_off_prior((X, model.fit(X, y)))


def test_a_model_that_hashes_its_input_is_strange():
    X, y = load_diabetes(return_X_y=True)
    ordinary = autoencoder().off_prior_score((X, Ridge().fit(X, y)))
    strange = (X, Hashing().fit(X))
    assert autoencoder().off_prior_score(strange) > 0.95 > ordinary
    assert autoencoder().is_off_prior(strange)


def test_off_prior_is_a_score_above_the_quantile():
    task = load_iris(return_X_y=True)
    score = autoencoder().off_prior_score(task)
    assert not autoencoder(off_prior_quantile=score).is_off_prior(task)
    assert autoencoder(off_prior_quantile=max(0.0, score - 1e-9)).is_off_prior(task) == (score > 0)


# An estimator among others


def test_parameters_are_kept_and_fitted_ones_pickle(library):
    tasks, tables = library
    assert clone(tasks).get_params() == tasks.get_params()
    loaded = pickle.loads(pickle.dumps(tasks))
    task = tables["wine"]
    assert loaded.nearest_tasks(task, 1).names.tolist() == ["wine"]


def test_columns_of_a_task_are_not_those_of_the_estimator(mixed):
    tasks = autoencoder().fit([mixed])
    assert not hasattr(tasks, "n_features_in_")
    assert not hasattr(tasks, "feature_names_in_")


def test_a_library_keeps_the_network_that_made_it(library, tmp_path):
    tasks, tables = library
    content = files("sklearn_metaexplain.nets").joinpath("weights", "task_autoencoder.safetensors")
    path = tmp_path / "own.safetensors"
    path.write_bytes(content.read_bytes())
    own = autoencoder(pretrained=path).fit(tables)
    path.unlink()
    np.testing.assert_array_equal(own.transform(tables), tasks.vectors_)
    with pytest.raises(ValueError, match="nor a file"):
        own.fit(tables)
    # A fit that fails leaves library and network as they were.
    np.testing.assert_array_equal(own.transform(tables), tasks.vectors_)
    assert own.nearest_tasks(tables["iris"], 1).names == ["iris"]


def test_global_generators_stay_as_they_are():
    task = load_diabetes(return_X_y=True)
    before, torch_before = np.random.get_state()[1].copy(), torch.get_rng_state()
    tasks = TaskAutoencoder(max_rows=50).fit([task])
    tasks.off_prior_score(task)
    assert (np.random.get_state()[1] == before).all()
    assert torch.equal(torch.get_rng_state(), torch_before)


X_GOOD, Y_GOOD = np.arange(40.0).reshape(20, 2), np.arange(20) % 2


@pytest.mark.parametrize(
    ("tasks", "error", "message"),
    [
        ((X_GOOD, Y_GOOD), TypeError, r"single pair.*pass \[\(X, y\)\]"),
        ([], ValueError, "tasks is empty"),
        ({}, ValueError, "tasks is empty"),
        (X_GOOD, TypeError, "tasks must be a list of pairs"),
        ("iris", TypeError, "tasks must be a list of pairs"),
        ([X_GOOD], TypeError, r"Task 'task0'.*pair"),
        ([(X_GOOD, Y_GOOD), (X_GOOD,)], TypeError, r"Task 'task1'.*tuple of length 1"),
        ({"a": (X_GOOD, Y_GOOD[:-1])}, ValueError, "Task 'a'.*inconsistent numbers of samples"),
        ({"a": (X_GOOD[:3], Y_GOOD[:3])}, ValueError, "Task 'a'.*at least 4 rows.*has 3"),
        ({"a": (X_GOOD + np.inf, Y_GOOD)}, ValueError, "Task 'a'.*infinity in column 'x0'"),
        ({"a": (X_GOOD, np.ones(20))}, ValueError, "Task 'a'.*outputs are constant.*pass rows"),
        ({"a": (X_GOOD, [None, *"ab" * 9, "a"])}, ValueError, "missing labels; drop"),
        ({"a": (X_GOOD, [np.nan, *"ab" * 9, "a"])}, ValueError, "missing labels; drop"),
        ({"a": (X_GOOD, np.where(Y_GOOD, np.nan, 1.0))}, ValueError, "finite numbers.*NaN.*drop"),
        ({"a": (X_GOOD, None)}, ValueError, "Task 'a': y is None; pass a label or a number"),
        ({"a": (X_GOOD, np.zeros((20, 2, 2)))}, ValueError, r"shape \(20, 2, 2\)"),
        ({"a": (X_GOOD, LogisticRegression())}, NotFittedError, "LogisticRegression"),
        ({"a": (X_GOOD, StandardScaler())}, TypeError, "Task 'a'.*neither a classifier nor a reg"),
    ],
)
def test_bad_tasks(tasks, error, message):
    with pytest.raises(error, match=message):
        autoencoder().fit(tasks)


def test_text_as_targets():
    with pytest.raises(ValueError, match='pass target_type="labels"'):
        autoencoder(target_type="targets").fit([(X_GOOD, list("ab") * 10)])


def test_several_classification_targets_are_refused():
    model = MultiOutputClassifier(LogisticRegression()).fit(X_GOOD, np.stack([Y_GOOD, Y_GOOD], 1))
    with pytest.raises(ValueError, match=r"Task 'task0'.*one classifier a target"):
        autoencoder().fit([(X_GOOD, model)])


@pytest.mark.parametrize(
    "parameters",
    [
        {"max_rows": 3},
        {"max_rows": 10.5},
        {"target_type": "numbers"},
        {"off_prior_quantile": 1.2},
        {"pretrained": None},
        {"random_state": "a"},
    ],
)
def test_bad_parameters(parameters):
    with pytest.raises(ValueError, match=f"'{next(iter(parameters))}' parameter of TaskAuto"):
        autoencoder(**parameters).fit([(X_GOOD, Y_GOOD)])


def test_weights_that_do_not_exist():
    with pytest.raises(ValueError, match=r"neither a registered name.*default.*nor a file"):
        autoencoder(pretrained="nowhere").fit([(X_GOOD, Y_GOOD)])


def test_rows_read_do_not_tell_their_own_outputs_by_rare_categories():
    rng = np.random.RandomState(0)
    X = pd.DataFrame({"town": [f"T{place % 100}" for place in range(200)]})
    table = TaskTable(X, "targets", rng.normal(size=(200, 1)), None)
    reading = read_task(table, np.arange(200), np.arange(5))
    (only,) = reading.passes
    told = np.corrcoef(only.encoded[:, 0, 0].numpy(), only.outputs.numpy())[0, 1]
    # Placed by all it is about 0.7.
    assert abs(told) < 0.2


def test_identifiers_of_rows_tell_as_little_as_constants():
    X, y = load_iris(return_X_y=True, as_frame=True)
    named = X.assign(plant=[f"P-{place}" for place in np.random.RandomState(0).permutation(150)])
    constant = X.assign(plant="P")
    np.testing.assert_allclose(vector((named, y)), vector((constant, y)), rtol=0, atol=1e-12)
    fitted = autoencoder().fit([(X, y)])
    errors = [fitted.reconstruction_error((table, y)) for table in (named, constant)]
    np.testing.assert_allclose(*errors)
