"""Where tasks come from: splits, encodings, truth, and refusals."""

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from sklearn_metaexplain.nets._labelled_table import LabelledEncoder
from sklearn_metaexplain.training import (
    ModelTasks,
    SyntheticModels,
    SyntheticTables,
    TableTasks,
    TaskDistribution,
)
from sklearn_metaexplain.training._own_tasks import as_distribution
from tests.training.families import frame, one_column_tells

RNG = np.random.default_rng


def equal(first, second):
    if isinstance(first, tuple):
        return all(equal(a, b) for a, b in zip(first, second, strict=True))
    if isinstance(first, torch.Tensor):
        return torch.equal(first, second)
    if isinstance(first, pd.DataFrame):
        return first.equals(second)
    return np.array_equal(first, second)


def small_models():
    X = RNG(0).normal(size=(40, 3))
    return X, Ridge(alpha=1e-6).fit(X, X @ [1.0, -2.0, 0.5])


DISTRIBUTIONS = {
    "synthetic tables": lambda: SyntheticTables(max_support=40, max_classes=3),
    "synthetic models": lambda: SyntheticModels(max_support=80),
    "tables": lambda: TableTasks([one_column_tells(RNG(0)), frame()]),
    "models": lambda: ModelTasks([small_models()], n_support=40),
}


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_draws_depend_on_the_generator_alone(name):
    tasks: TaskDistribution = DISTRIBUTIONS[name]()
    state, torch_state = np.random.get_state()[1].copy(), torch.random.get_rng_state()
    first = [tasks.sample(RNG([3, i])) for i in range(3)]
    again = [DISTRIBUTIONS[name]().sample(RNG([3, i])) for i in range(3)]
    assert all(equal(a, b) for a, b in zip(first, again, strict=True))
    assert not equal(first[0], first[1])
    np.testing.assert_array_equal(np.random.get_state()[1], state)
    assert torch.random.get_rng_state().equal(torch_state)


def test_synthetic_sizes_keep_to_what_was_asked():
    tables = SyntheticTables(max_support=20, max_classes=3)
    episodes = [tables.sample(RNG([0, i])) for i in range(12)]
    assert max(len(episode.support) for episode in episodes) <= 20
    assert {episode.n_classes for episode in episodes} == {2, 3}
    assert SyntheticTables().max_classes == 20
    assert SyntheticTables(max_support=20).max_classes == 10
    assert SyntheticTables(max_support=20, max_classes=10).max_classes == 10
    models = SyntheticModels(max_support=70)
    assert all(64 <= len(models.sample(RNG([0, i])).outputs) <= 70 for i in range(4))


@pytest.mark.parametrize(("mixed_share", "least", "most"), [(0, 0, 0), (0.5, 2, 16), (1, 10, 20)])
def test_as_many_synthetic_models_read_categories_as_asked(mixed_share, least, most):
    """Columns of numbers have at most an indicator beside them; categories often have axes."""
    tasks = SyntheticModels(max_support=600, mixed_share=mixed_share)
    episodes = [tasks.sample(RNG([1, i])) for i in range(20)]
    encoded = [np.bincount(episode.player_of_column).max() for episode in episodes]
    assert least <= sum(width > 2 for width in encoded) <= most


@settings(max_examples=30, deadline=None)
@given(
    counts=st.lists(st.integers(1, 9), min_size=2, max_size=6).filter(lambda c: sum(c) > len(c)),
    n_support=st.one_of(st.none(), st.integers(2, 60)),
    seed=st.integers(0, 99),
)
def test_every_class_is_in_the_support_and_no_row_in_both(counts, n_support, seed):
    y = np.repeat(np.arange(len(counts)), counts)
    # Rows are told apart by their only column, whose ranks are known.
    X = np.arange(len(y), dtype=float)[:, None]
    tasks = TableTasks([(X, y)], n_support=n_support, max_support=30, n_query=7)
    episode = tasks.sample(RNG(seed))
    assert episode.n_classes == len(counts)
    assert set(episode.labels.tolist()) == set(range(len(counts)))
    n_read, n_asked = len(episode.support), len(episode.query)
    assert 1 <= n_asked == min(7, len(y) - n_read)
    most = max(len(counts), int(0.75 * len(y)))
    if n_support is None:
        assert min(10, most) <= n_read <= max(min(30, most), len(counts))
    else:
        assert n_read == max(len(counts), min(n_support, most))
    for labels in (episode.labels, episode.query_labels):
        used = np.bincount(labels, minlength=len(counts))
        assert (used <= counts).all()
    used = np.bincount(torch.cat([episode.labels, episode.query_labels]), minlength=len(counts))
    assert (used <= counts).all()


def test_rows_are_encoded_by_the_support_alone():
    X, y = frame()
    # A column that numbers the rows, in which they are found again.
    X.insert(0, "row", np.arange(30.0))
    episode = TableTasks([(X, y)], n_support=20, n_query=99).sample(RNG(5))
    assert episode.support.dtype == torch.float32
    assert episode.labels.dtype == torch.int64
    encoded = torch.cat([episode.support, episode.query])
    rows = encoded[:, 0, 0].argsort().argsort().numpy()
    assert set(rows) == set(range(30))
    read, asked = rows[:20], rows[20:]
    labels = np.unique(y, return_inverse=True)[1]
    np.testing.assert_array_equal(episode.labels, labels[read])
    np.testing.assert_array_equal(episode.query_labels, labels[asked])
    encoder = LabelledEncoder(X.iloc[read], labels[read], 3)
    torch.testing.assert_close(episode.support, encoder.encoded_.float())
    torch.testing.assert_close(episode.query, encoder.encode(X.iloc[asked]).float())
    # Row, two axes of towns, size, number, its gaps and day; the constant column says nothing.
    assert episode.support.shape[1] == 7


@pytest.mark.parametrize("kind", ["frame", "sparse", "list", "mapping"])
def test_tables_of_any_kind(kind):
    X, y = one_column_tells(RNG(2))
    tasks = {
        "frame": [frame()],
        "sparse": [(sparse.csr_array(np.where(X > 1, X, 0.0)), y)],
        "list": [(X.tolist(), y.tolist())],
        "mapping": {"mine": (X, y), "a frame": frame()},
    }[kind]
    distribution = TableTasks(tasks)
    for i in range(4):
        episode = distribution.sample(RNG([1, i]))
        assert bool(episode.support.isfinite().all())
        assert bool(episode.query.isfinite().all())
    if kind == "mapping":
        assert repr(distribution) == "TableTasks(['mine', 'a frame'])"


def with_kinds(kind):
    """Numbers of rooms that tell the classes apart, a few of which are a word, and missing ones."""
    y = np.arange(40) % 2
    rooms = np.array([2, 3], dtype=object)[y]
    rooms[[4, 17]], rooms[9] = "many", None
    X = pd.DataFrame({"rooms": rooms, "size": RNG(0).normal(size=40)}, index=np.arange(40) % 3)
    if kind == "category":
        X["rooms"] = X["rooms"].astype("category")
    return (X.to_numpy(dtype=object) if kind == "array" else X), y


@pytest.mark.parametrize("kind", ["frame", "array", "category"])
def test_a_column_of_several_kinds_has_categories_also_where_few_rows_are_read(kind):
    X, y = with_kinds(kind)
    before = X.copy()
    tasks, words = TableTasks([(X, y)], n_support=12), 0
    for i in range(20):
        episode = tasks.sample(RNG([2, i]))
        rooms = np.asarray(episode.raw.support)[:, 0]
        assert all(isinstance(cell, str) for cell in rooms if not pd.isna(cell))
        # Of 2 and 3 each has a place, as the two classes have.
        places = torch.cat([episode.support, episode.query])[:, 0, 0]
        words += len(places.unique()) > 2
    assert words > 0
    assert before.equals(X) if isinstance(X, pd.DataFrame) else np.array_equal(before, X)


def test_a_linear_models_shapley_values_are_known():
    X, model = small_models()
    tasks = ModelTasks([(X, model)], n_support=64, n_query=4, n_background=5)
    episode = tasks.sample(RNG(0))
    assert len(episode.outputs) == 64
    assert episode.family == "task0"
    # Standardised columns times their scale are what the model weighs.
    scale = X.std(0) * model.coef_
    spread = float((episode.gap[:, None] / episode.values.sum(1, keepdim=True)).mean())
    assert spread == pytest.approx(1, rel=1e-4)
    deviation = episode.query[..., 0] - episode.background[..., 0].mean(0)
    expected = deviation * torch.from_numpy(scale).float()
    # Up to the outputs' standard deviation, which every value is divided by.
    ratio = expected / episode.values
    torch.testing.assert_close(ratio, ratio[:1, :1].expand_as(ratio), rtol=1e-3, atol=0)
    assert float(episode.outputs.std(correction=0)) == pytest.approx(1, abs=1e-5)
    support = (episode.support[..., 0] * torch.from_numpy(scale).float()).sum(1)
    centred = (support - support.mean()) / support.std(correction=0)
    torch.testing.assert_close(centred, episode.outputs, rtol=0, atol=1e-4)


@settings(max_examples=30, deadline=None)
@given(counts=st.lists(st.integers(1, 30), min_size=2, max_size=5), seed=st.integers(0, 99))
def test_rows_of_tables_are_set_aside_in_each_class(counts, seed):
    y = np.repeat(np.arange(len(counts)), counts)
    small, large = np.arange(11) % 2, np.arange(12) % 2
    tables = {
        "y": (np.arange(float(len(y)))[:, None], y),
        "small": (np.ones((11, 1)), small),
        "large": (np.ones((12, 1)), large),
    }
    if len(y) <= len(counts):
        del tables["y"]
    trained, held_out = TableTasks(tables, n_query=3).hold_out(RNG(seed))
    assert repr(trained) == repr(TableTasks(tables))
    expected = [round(0.25 * count) * (count >= 6) for count in counts]
    is_split = "y" in tables and np.count_nonzero(expected) > 1
    assert repr(held_out) == repr(
        TableTasks({k: tables[k] for k in ["y", "large"][1 - is_split :]})
    )
    if is_split:
        stay, aside = (tasks._tables[0] for tasks in (trained, held_out))
        rows = np.concatenate([stay.X[:, 0], aside.X[:, 0]]).astype(int)
        assert sorted(rows) == list(range(len(y)))
        np.testing.assert_array_equal(stay.labels, y[rows[: len(stay.X)]])
        assert [count for count in expected if count] == np.bincount(aside.labels).tolist()
        of = y[rows[len(stay.X) :]]
        np.testing.assert_array_equal(aside.labels, np.unique(of, return_inverse=True)[1])
    for tasks in (trained, held_out):
        assert len(tasks.sample(RNG(seed)).query) >= 1


def test_models_are_asked_about_rows_of_one_part_only():
    asked = []

    class Noting(LinearRegression):
        def predict(self, X):
            asked.append(X)
            return super().predict(X)

    X = RNG(0).normal(size=(40, 3))
    few = X[:20] + 10
    model = Noting().fit(X, X @ [1.0, -2.0, 0.5])
    pairs = {"many": (X, model), "few": (few, model)}
    tasks = ModelTasks(pairs, n_support=40, n_query=3, n_background=5)
    parts = tasks.hold_out(RNG(0))
    assert [repr(part) for part in parts] == ["ModelTasks(['many', 'few'])", "ModelTasks(['many'])"]
    values = []
    for part in parts:
        asked.clear()
        for i in range(20):
            part.sample(RNG(i))
        values.append(set(np.concatenate(asked).ravel()))
    trained, held_out = values
    assert held_out < set(X.ravel())
    assert len(held_out) == 10 * 3
    assert not trained & held_out
    assert set(few.ravel()) < trained
    with pytest.raises(ValueError, match=r"No table has 8 rows .* by validation"):
        ModelTasks({"few": (few, model)}, n_support=40, n_query=3, n_background=5).hold_out(RNG(0))
    # A model that is constant on a part of the table is not split.
    steps = np.zeros((40, 1))
    steps[0] = 1.0
    lonely = ModelTasks(
        [(steps, LinearRegression().fit(steps, steps[:, 0])), (X, model)],
        n_support=40,
        n_query=3,
        n_background=5,
    )
    assert [repr(part) for part in lonely.hold_out(RNG(0))] == [
        "ModelTasks(['task0', 'task1'])",
        "ModelTasks(['task1'])",
    ]


@pytest.mark.parametrize("unit", [1e-12, 1e9])
def test_units_of_a_models_outputs_do_not_matter(unit):
    X, model = small_models()
    scaled = Ridge(alpha=1e-6).fit(X, unit * model.predict(X))
    ours, theirs = (
        ModelTasks([(X, one)], n_support=48, n_query=3, n_background=5).sample(RNG(0))
        for one in (model, scaled)
    )
    torch.testing.assert_close(ours.values, theirs.values, rtol=0, atol=1e-4)


def test_models_on_frames_have_one_player_a_column():
    X, y = frame()
    X = X[["town", "size", "constant"]]
    model = make_pipeline(
        make_column_transformer((OneHotEncoder(), ["town", "size"]), remainder="passthrough"),
        LogisticRegression(),
    ).fit(X, y)
    tasks = ModelTasks({"towns": (X, model)}, n_support=48, n_query=6)
    seen = set()
    for i in range(6):
        episode = tasks.sample(RNG([2, i]))
        assert episode.family == "towns"
        assert episode.values.shape == (6, 3)
        assert set(episode.player_of_column.tolist()) == {0, 1, 2}
        assert not episode.can_matter[:, 2].any()
        assert not episode.values[:, 2].abs().max() > 1e-6
        torch.testing.assert_close(episode.values.sum(1), episode.gap, rtol=0, atol=1e-5)
        # The town, placed by the class's probability, is nearly all that is known.
        town = episode.support[:, episode.player_of_column == 0, 0]
        seen.add(round(float(town.abs().max()), 3))
        correlation = np.corrcoef(town[:, 0], episode.outputs)[0, 1]
        assert correlation > 0.9
    assert len(seen) > 1  # each of three classes gets its turn


def test_a_forest_can_be_asked_on_any_scale():
    X, y = load_iris(return_X_y=True)
    forest = RandomForestClassifier(5, random_state=0).fit(X, y > 0)
    options = {"n_support": 40, "n_query": 2, "n_background": 3}
    known = forest.predict_proba(X)[:, 1]
    odds = ModelTasks([(X, forest)], output="log_odds", **options).sample(RNG(0))
    shares = ModelTasks([(X, forest)], **options).sample(RNG(0))
    # The same rows: standardised, both say the same where there are only two answers.
    assert len(np.unique(known.round(6))) > 2
    assert not torch.allclose(odds.outputs, shares.outputs, atol=1e-3)
    torch.testing.assert_close(odds.support, shares.support)


def test_pairs_become_the_distribution_they_are():
    X, model = small_models()
    table = one_column_tells(RNG(0))
    assert isinstance(as_distribution([table]), TableTasks)
    assert isinstance(as_distribution({"m": (X, model)}), ModelTasks)
    own = SyntheticTables()
    assert as_distribution(own) is own
    with pytest.raises(TypeError, match=r"Some of the tasks are tables .* others with models"):
        as_distribution([table, (X, model)])
    # A DataFrame has a method of that name, too.
    with pytest.raises(TypeError, match=r"list of pairs \(X, y\) .* got DataFrame"):
        as_distribution(pd.DataFrame(table[0]))


X, Y = one_column_tells(RNG(0))


@pytest.mark.parametrize(
    ("tasks", "error", "message"),
    [
        ([], ValueError, r"tasks is empty; give at least one pair \(X, y\)"),
        ((X, Y), TypeError, "Task 'task0' is no pair .* a single task goes into a list"),
        (7, TypeError, "tasks must be a list of pairs .* got int"),
        ([(X, Y[:-1])], ValueError, "Task 'task0': Found input variables with inconsistent"),
        ([(X, np.full(24, "a"))], ValueError, "Task 'task0': y has one class, 'a'"),
        (
            [(X, X[:, 0])],
            ValueError,
            r"Task 'task0': Unknown label type: continuous. TableTasks tells classes apart",
        ),
        ([(X, None)], ValueError, "Task 'task0': y is None; pass a label for each row"),
        ([(X[:2], Y[11:13])], ValueError, "2 rows of 2 classes leave none to label"),
        ([(X, np.where(Y == "no", None, Y))], ValueError, "missing labels; drop their rows"),
        ([(X, [np.nan, *Y[1:].tolist()])], ValueError, "missing labels; drop their rows"),
        ({"big": (np.full((4, 1), np.inf), [0, 0, 1, 1])}, ValueError, "Task 'big': .* infinity"),
    ],
)
def test_tables_that_cannot_be_read_are_named(tasks, error, message):
    with pytest.raises(error, match=message):
        TableTasks(tasks)


def test_labels_of_nullable_types_that_are_one_as_floats_are_two():
    y = np.where(Y == "no", 2**60, 2**60 + 1)
    for labels in (pd.Series(y, dtype="Int64"), pd.DataFrame({"y": y}, dtype="Int64")):
        assert TableTasks([(X, labels)]).sample(RNG(0)).n_classes == 2


@pytest.mark.parametrize("owner", [TableTasks, ModelTasks])
@pytest.mark.parametrize(
    "table", [X.copy(), np.empty((0, 3)), pd.DataFrame(X[:, [0, 0]], columns=["a", "a"])]
)
def test_refused_tables_are_those_of_the_distribution(owner, table):
    table[:1] = np.inf
    with pytest.raises(ValueError, match=rf"Task 'task0': .*\b{owner.__name__}\b"):
        owner([(table, Y if owner is TableTasks else small_models()[1])])


def test_models_that_cannot_be_read_are_named():
    X, model = small_models()
    constant = LinearRegression().fit(X, np.ones(40))
    with pytest.raises(ValueError, match="Task 'flat': the outputs of LinearRegression are the sa"):
        ModelTasks({"flat": (X, constant)})
    with pytest.raises(ValueError, match=r"Task 'task0': .*not fitted"):
        ModelTasks([(X, Ridge())])
    with pytest.raises(ValueError, match="Task 'task0': X has 2 features, but Ridge is expecting"):
        ModelTasks([(X[:, :2], model)])
    with pytest.raises(TypeError, match="Task 'task0': str is neither a classifier nor"):
        ModelTasks([(X, "a model")])
    with pytest.raises(ValueError, match=r"n_support=20 is too small; give 24 or more"):
        ModelTasks([(X, model)], n_support=20)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: SyntheticTables(max_classes=1), ValueError, "max_classes=1 is too small; give 2"),
        (lambda: SyntheticTables(max_support=5), ValueError, "max_support=5 is too small"),
        (
            lambda: SyntheticTables(max_support=20, max_classes=11),
            ValueError,
            "max_classes=11 is more than half of max_support=20, .* at most 10 .* max_support=22",
        ),
        (lambda: SyntheticTables(max_classes=129), ValueError, "more than half of max_support=256"),
        (lambda: SyntheticModels(max_support=64), ValueError, "max_support=64 is too small"),
        (lambda: SyntheticModels(mixed_share=1.5), ValueError, "mixed_share=1.5 is no share"),
        (lambda: SyntheticModels(mixed_share=True), TypeError, "mixed_share=True must be a number"),
        (lambda: TableTasks([(X, Y)], n_support=1), ValueError, "n_support=1 is too small"),
        (lambda: TableTasks([(X, Y)], n_query=0), ValueError, "n_query=0 is too small"),
        (lambda: TableTasks([(X, Y)], n_support=2.5), TypeError, "n_support=2.5 must be a whole"),
    ],
)
def test_sizes_are_checked(make, error, message):
    with pytest.raises(error, match=message):
        make()
