import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.ensemble import RandomForestRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.inspection import partial_dependence
from sklearn.linear_model import LinearRegression, LogisticRegression

from sklearn_metaexplain import ShapExplainer
from sklearn_metaexplain.inspection import ALEDisplay, accumulated_local_effects
from tests.posthoc.tables import mixed_pipeline, mixed_table


class Formula(RegressorMixin, BaseEstimator):
    """A regressor that is a function, and keeps what it is asked."""

    def __init__(self, function):
        self.function = function

    def fit(self, X, y=None):
        self.is_fitted_ = True
        self.asked_ = []
        return self

    def predict(self, X):
        self.asked_.append(X)
        return np.asarray(self.function(X), dtype=float)


def formula(function):
    return Formula(function).fit(None)


def effects_of(model, X, features, **options):
    return accumulated_local_effects(model, X, features, **options).effects[..., 0]


# Closed forms


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), n_bins=st.integers(1, 40))
def test_a_linear_models_effect_is_its_coefficient_times_the_distance_from_the_mean(seed, n_bins):
    random = np.random.RandomState(seed)
    X = random.normal(size=(50, 3)) @ random.normal(size=(3, 3))
    model = LinearRegression().fit(X, X @ [2.0, -1.0, 0.5])
    for j, coefficient in enumerate([2.0, -1.0, 0.5]):
        result = accumulated_local_effects(model, X, j, n_bins=n_bins)
        expected = coefficient * (result.grid_values[0] - X[:, j].mean())
        np.testing.assert_allclose(result.effects[:, 0], expected, atol=1e-9)


def test_an_additive_models_components_are_recovered_whatever_the_correlation():
    random = np.random.RandomState(0)
    first = random.normal(size=400)
    X = np.column_stack([first, 0.9 * first + 0.1 * random.normal(size=400)])
    model = formula(lambda X: np.sin(3 * X[:, 0]) + X[:, 1] ** 2)
    for j, component in enumerate([lambda x: np.sin(3 * x), np.square]):
        result = accumulated_local_effects(model, X, j, n_bins=400)
        grid = result.grid_values[0]
        expected = component(grid) - component(X[:, j]).mean()
        np.testing.assert_allclose(result.effects[:, 0], expected, atol=1e-9)
    np.testing.assert_allclose(effects_of(model, X, (0, 1)), 0.0, atol=1e-9)


def test_effects_by_definition_on_a_few_rows():
    X = np.array([[0.0, 1.0], [1.0, 3.0], [2.0, 2.0], [4.0, 5.0]])
    model = formula(lambda X: X[:, 0] ** 2 * X[:, 1])
    result = accumulated_local_effects(model, X, 0, n_bins=2)
    # Half of the rows are at most 1: intervals [0, 1] and (1, 4].
    np.testing.assert_array_equal(result.grid_values[0], [0, 1, 4])
    np.testing.assert_array_equal(result.counts, [2, 2])
    first = (1.0 + 3.0) / 2  # (1 - 0) * x1 of the first two rows
    second = 15 * (2.0 + 5.0) / 2  # (16 - 1) * x1 of the others
    at_grid = np.array([0.0, first, first + second])
    at_rows = [0.0, first, first + second / 3, first + second]
    np.testing.assert_allclose(result.effects[:, 0], at_grid - np.mean(at_rows))


def test_partial_dependence_extrapolates_and_local_effects_do_not():
    random = np.random.RandomState(0)
    shared = random.uniform(size=600)
    X = np.column_stack([shared, shared + 0.01 * random.normal(size=600)])
    # Nowhere in the data do the columns differ by much; there the model is wild.
    model = formula(lambda X: X[:, 0] + 100 * (np.abs(X[:, 0] - X[:, 1]) > 0.3))
    result = accumulated_local_effects(model, X, 0, n_bins=30)
    grid = result.grid_values[0]
    np.testing.assert_allclose(result.effects[:, 0], grid - X[:, 0].mean(), atol=1e-9)
    dependence = partial_dependence(model, X, [0], grid_resolution=30)["average"][0]
    assert np.ptp(dependence) > 10


def test_an_interaction_of_independent_columns_is_the_product_of_distances():
    side = np.linspace(-1, 3, 21)
    X = np.array(np.meshgrid(side, np.exp(side))).reshape(2, -1).T
    model = formula(lambda X: 5 * X[:, 0] + X[:, 1] ** 2 + 2 * X[:, 0] * X[:, 1])
    result = accumulated_local_effects(model, X, (0, 1), n_bins=20)
    first, second = result.grid_values
    assert result.effects.shape == (21, 21, 1)
    # Main effects and centre are means over cells, as if rows stood in their middles.
    middles = [(grid[1:] + grid[:-1]) / 2 for grid in (first, second)]
    means = [
        np.average(middle, weights=result.counts.sum(axis=1 - axis))
        for axis, middle in enumerate(middles)
    ]
    expected = 2 * np.outer(first - means[0], second - means[1])
    np.testing.assert_allclose(result.effects[:, :, 0], expected, atol=1e-9)


def test_an_interaction_by_definition():
    random = np.random.RandomState(0)
    X = random.normal(size=(150, 3))
    X[:, 1] += X[:, 0] / 2
    forest = RandomForestRegressor(5, max_depth=4, random_state=0)
    forest.fit(X, X[:, 0] * X[:, 1] + X[:, 2])
    result = accumulated_local_effects(forest, X, (0, 1), n_bins=3)
    edges = result.grid_values
    cells = {(k, m): [] for k in range(3) for m in range(3)}
    for row in X:
        k, m = (max(np.searchsorted(edges[j], row[j]) - 1, 0) for j in (0, 1))
        corner = {}
        for up, right in np.ndindex(2, 2):
            moved = row.copy()
            moved[:2] = edges[0][k + up], edges[1][m + right]
            corner[up, right] = forest.predict([moved])[0]
        cells[k, m].append(corner[1, 1] - corner[1, 0] - corner[0, 1] + corner[0, 0])
    counts = np.array([[len(cells[k, m]) for m in range(3)] for k in range(3)])
    assert counts.min() > 0
    np.testing.assert_array_equal(result.counts, counts)
    total = np.array(
        [
            [
                sum(np.mean(cells[k, m]) for k in range(up) for m in range(right))
                for right in range(4)
            ]
            for up in range(4)
        ]
    )

    def main_effect(surface, counts):
        effect = [0.0]
        for k in range(3):
            steps = [
                (surface[k + 1, m] - surface[k, m] + surface[k + 1, m + 1] - surface[k, m + 1]) / 2
                for m in range(3)
            ]
            effect.append(effect[-1] + np.average(steps, weights=counts[k]))
        return np.array(effect)

    expected = total - main_effect(total, counts)[:, None] - main_effect(total.T, counts.T)
    middles = [[expected[k : k + 2, m : m + 2].mean() for m in range(3)] for k in range(3)]
    expected -= np.average(middles, weights=counts)
    np.testing.assert_allclose(result.effects[:, :, 0], expected, atol=1e-9)


def test_cells_without_rows_take_the_nearest_local_effect():
    random = np.random.RandomState(0)
    shared = random.uniform(size=300)
    X = np.column_stack([shared, shared])  # only cells on the diagonal have rows
    result = accumulated_local_effects(formula(lambda X: X[:, 0] * X[:, 1]), X, (0, 1), n_bins=5)
    assert (result.counts == np.diag([60] * 5)).all()
    mixed = np.diff(np.diff(result.effects[:, :, 0], axis=0), axis=1)
    areas = np.outer(*(np.diff(grid) for grid in result.grid_values))
    # A row's second difference is the area of its own cell, which is on the diagonal.
    own = np.diag(areas)
    for i, j in np.ndindex(5, 5):
        apart = (np.arange(5) - i) ** 2 + (np.arange(5) - j) ** 2
        np.testing.assert_allclose(mixed[i, j], own[apart == apart.min()].mean())


def test_an_interaction_is_the_same_whatever_the_order_of_the_columns():
    random = np.random.RandomState(0)
    X = random.multivariate_normal([0.0, 0.0], [[1.0, 0.9], [0.9, 1.0]], size=40)
    result = accumulated_local_effects(formula(interacting), X, (0, 1), n_bins=6)
    assert (result.counts == 0).sum() > 10
    turned = accumulated_local_effects(formula(interacting), X, (1, 0), n_bins=6)
    np.testing.assert_allclose(turned.effects[:, :, 0].T, result.effects[:, :, 0], atol=1e-9)
    np.testing.assert_array_equal(turned.counts.T, result.counts)


def interacting(X):
    return np.sin(X[:, 0] * X[:, 1]) + X[:, 0] ** 2 * X[:, 1]


# Categories


def categories(n=200, seed=0):
    random = np.random.RandomState(seed)
    level = random.choice(["low", "mid", "top"], n, p=[0.5, 0.3, 0.2])
    age = random.normal(size=n) + pd.Series(level).map({"low": 0, "mid": 1, "top": 2}).to_numpy()
    return pd.DataFrame({"level": level, "age": age})


POINTS = {"low": 1.0, "mid": 4.0, "top": -2.0}


def test_effects_of_categories_of_an_additive_model():
    X = categories()
    model = formula(lambda X: X["level"].map(POINTS) + X["age"])
    result = accumulated_local_effects(model, X, "level")
    points = np.array([POINTS[level] for level in result.grid_values[0]])
    expected = points - X["level"].map(POINTS).mean()
    np.testing.assert_allclose(result.effects[:, 0], expected, atol=1e-9)
    np.testing.assert_array_equal(
        result.counts, X["level"].value_counts()[result.grid_values[0]].to_numpy()
    )
    assert result.is_categorical == [True]


def test_levels_alike_in_the_other_columns_are_neighbours():
    X = categories()
    renamed = X.assign(level=X["level"].map({"low": "b", "mid": "c", "top": "a"}))
    model = formula(lambda X: X["age"])
    result = accumulated_local_effects(model, renamed, "level")
    # low, mid, top by age; the first by name comes before the last.
    assert list(result.grid_values[0]) == ["a", "c", "b"]


def test_levels_alike_in_another_column_of_categories_are_neighbours():
    shares = {"p": [0.9, 0.1], "r": [0.5, 0.5], "q": [0.1, 0.9]}
    rows = [
        (level, colour)
        for level, share in shares.items()
        for colour, part in zip(["red", "blue"], share, strict=True)
        for _ in range(round(part * 10))
    ]
    X = pd.DataFrame(rows, columns=["level", "colour"])
    result = accumulated_local_effects(formula(lambda X: np.zeros(len(X))), X, "level")
    assert list(result.grid_values[0]) == ["p", "r", "q"]


def test_categories_are_as_far_apart_as_rows_would_have_to_change():
    # By their largest difference alone, p and r would be the ends.
    counts = {"p": [5] * 6, "r": [3, 3, 3, 15, 3, 3], "q": [0, 0, 0, 10, 10, 10]}
    rows = [(level, k) for level, own in counts.items() for k in np.repeat(list("uvwxyz"), own)]
    X = pd.DataFrame(rows, columns=["level", "colour"])
    result = accumulated_local_effects(formula(lambda X: np.zeros(len(X))), X, "level")
    assert list(result.grid_values[0]) == ["p", "r", "q"]


@pytest.mark.parametrize("seed", range(6))
def test_of_the_two_directions_the_first_level_by_name_decides(seed):
    random = np.random.RandomState(seed)
    X = pd.DataFrame({"level": list("abcdef") * 10, "age": random.normal(size=60)})
    X["age"] += np.tile(9 * random.normal(size=6), 10)
    result = accumulated_local_effects(formula(lambda X: X["age"]), X, "level")
    levels = list(result.grid_values[0])
    assert levels.index("a") < levels.index("f")


@pytest.mark.parametrize(("n_rows", "n_bins"), [(10, 4), (23, 5), (7, 10)])
def test_the_grid_is_of_quantiles_that_are_values(n_rows, n_bins):
    X = np.random.RandomState(0).normal(size=(n_rows, 1))
    result = accumulated_local_effects(formula(lambda X: X[:, 0]), X, 0, n_bins=n_bins)
    shares = np.arange(n_bins + 1) / n_bins
    expected = np.unique(np.quantile(X, shares, method="inverted_cdf"))
    np.testing.assert_array_equal(result.grid_values[0], expected)


def test_orders_given_and_orders_of_dtypes():
    X = categories()
    model = formula(lambda X: X["level"].map(POINTS).astype(float) * (X["age"] > 1))
    given = accumulated_local_effects(
        model, X, "level", level_orders={"level": ["mid", "low", "top"]}
    )
    assert list(given.grid_values[0]) == ["mid", "low", "top"]
    ordered = X.assign(level=pd.Categorical(X["level"], ["top", "low", "mid"], ordered=True))
    result = accumulated_local_effects(model, ordered, "level")
    assert list(result.grid_values[0]) == ["top", "low", "mid"]
    with pytest.raises(ValueError, match=r"it lacks \['mid'\]"):
        accumulated_local_effects(model, X, "level", level_orders={"level": ["low", "top"]})
    with pytest.raises(ValueError, match="level_orders is for categories"):
        accumulated_local_effects(model, X, "age", level_orders={"age": [1, 2]})
    with pytest.raises(ValueError, match="level_orders names 'agee'"):
        accumulated_local_effects(model, X, "age", level_orders={"agee": [1, 2]})


@pytest.mark.parametrize("levels", [[1234567891, 1234567893, 1234567892], [1.00001, 3.0, 1.00002]])
def test_levels_that_four_digits_do_not_tell_apart(levels):
    X = pd.DataFrame({"level": pd.Categorical(levels * 4), "age": np.arange(12.0)})
    model = formula(lambda X: X["level"].astype(float) - min(levels))
    result = accumulated_local_effects(model, X, "level", level_orders={"level": levels})
    written = [str(level) if level != 3 else "3" for level in levels]
    assert result.grid_values[0].tolist() == written
    expected = np.subtract(levels, np.mean(levels))
    np.testing.assert_allclose(result.effects[:, 0], expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("levels", "order", "written"),
    [
        # Whole numbers are the same as floats.
        ([1234567891.0, 1234567893.0, 2.0], [1234567893, 2, 1234567891], None),
        ([1.0, 2.0, 3.0], [2, 3, 1], ["2", "3", "1"]),
        # Levels that no row has may look like those that some have.
        ([1.00001, 3.0, 2.0], [1.00002, 3.0, 1.00001, 2], ["3", "1", "2"]),
        ([1.00001, 3.0, 2.0], ["3", "1", "2"], ["3", "1", "2"]),
        (np.float32([0.1234567, 3, 2]), [3, 0.1234567, 2], ["3", "0.1235", "2"]),
        (pd.to_datetime(["2024-01-03", "2024-01-01"]), ["2024-01-03", "2024-01-01"], None),
        ([True, False], [True, False], ["True", "False"]),
    ],
)
def test_orders_name_levels_whatever_the_type_of_their_numbers(levels, order, written):
    X = pd.DataFrame({"level": pd.Categorical(list(levels) * 4)})
    X["age"] = np.arange(float(len(X)))
    model = formula(lambda X: X["age"])
    result = accumulated_local_effects(model, X, "level", level_orders={"level": order})
    expected = [str(level) for level in order] if written is None else written
    assert result.grid_values[0].tolist() == expected
    with pytest.raises(ValueError, match="must name each once"):
        accumulated_local_effects(model, X, "level", level_orders={"level": order[:1]})
    with pytest.raises(ValueError, match="must name each once"):
        accumulated_local_effects(model, X, "level", level_orders={"level": [*order, order[0]]})


def test_a_step_between_levels_is_averaged_over_the_rows_of_both():
    X = pd.DataFrame({"level": ["a", "a", "b"], "age": [1.0, 2.0, 6.0]})
    model = formula(lambda X: (X["level"] == "b") * X["age"])
    result = accumulated_local_effects(model, X, "level")
    step = (1 + 2 + 6) / 3
    np.testing.assert_allclose(result.effects[:, 0], np.array([0, step]) - step / 3)


# Tables and models of all kinds


def test_a_mixed_pipeline_keeps_types_and_names():
    X, y = mixed_table()
    model = mixed_pipeline().fit(X, y)
    for name in X:
        result = accumulated_local_effects(model, X, name, n_bins=5)
        assert result.effects.shape == (len(result.grid_values[0]), 2)
        np.testing.assert_allclose(result.effects[:, 0], -result.effects[:, 1])
        assert result.units == "probability"
        assert list(result.output_names) == ["no", "yes"]
    odds = accumulated_local_effects(model, X, "age", units="log_odds")
    # The log-odds of a logistic regression are linear.
    slopes = np.diff(odds.effects[:, 1]) / np.diff(odds.grid_values[0])
    np.testing.assert_allclose(slopes, slopes[0])


def test_labels_that_are_numbers_are_found_by_their_text():
    """As explanations name them, of which features to draw are taken."""
    X = pd.DataFrame(np.random.RandomState(0).normal(size=(20, 3)), columns=[0, 2, 5])
    model = LinearRegression().fit(X, X[2])
    by_position, by_text = (accumulated_local_effects(model, X, given) for given in (1, "2"))
    assert by_position.feature_names == by_text.feature_names == ["2"]
    np.testing.assert_array_equal(by_position.effects, by_text.effects)
    with pytest.raises(ValueError, match="features names 2, which is the label of one column and"):
        accumulated_local_effects(model, X, 2)
    with pytest.raises(ValueError, match="level_orders names 5, which is the label of one column"):
        accumulated_local_effects(model, X, 0, level_orders={5: ["a"]})


def test_columns_without_labels_are_called_as_in_explanations():
    X = pd.DataFrame(np.random.RandomState(0).normal(size=(20, 3)))
    model = LinearRegression().fit(X, X[2])
    by_name, by_position = (accumulated_local_effects(model, X, given) for given in ("x2", 2))
    assert by_name.feature_names == by_position.feature_names == ["x2"]
    np.testing.assert_array_equal(by_name.effects, by_position.effects)


def test_whole_numbers_and_categorical_dtypes_reach_the_model_as_they_are():
    X, _ = mixed_table()
    X = X.astype({"port": "category", "age": "Int64"})
    model = formula(lambda X: X["age"].astype(float))
    for name in ("age", "port"):
        accumulated_local_effects(model, X, name)
    assert all(asked.dtypes.equals(X.dtypes) for asked in model.asked_)
    assert set(np.concatenate([asked["age"] for asked in model.asked_])) <= set(X["age"])


def test_missing_values_are_left_out():
    X = np.array([[0.0, 5.0], [np.nan, 1.0], [2.0, 0.0], [3.0, np.nan]])
    model = formula(lambda X: np.nan_to_num(X[:, 0]) * 2)
    result = accumulated_local_effects(model, X, 0)
    np.testing.assert_allclose(result.effects[:, 0], 2 * (np.array([0, 2, 3]) - 5 / 3))
    assert accumulated_local_effects(model, X, (0, 1)).counts.sum() == 2


def test_sparse_tables_and_lists():
    random = np.random.RandomState(0)
    X = random.normal(size=(40, 3)) * (random.uniform(size=(40, 3)) > 0.5)
    model = LinearRegression().fit(X, X @ [1.0, 2.0, 3.0])
    dense = effects_of(model, X, 1)
    np.testing.assert_allclose(effects_of(model, sparse.csr_array(X), 1), dense)
    np.testing.assert_allclose(effects_of(model, X.tolist(), 1), dense)
    np.testing.assert_allclose(effects_of(model, X, "x1"), dense)


def test_lists_of_text_and_numbers():
    X, _ = mixed_table()
    X = X[["age", "port"]].to_numpy(dtype=object)
    model = formula(lambda X: 2.0 * X[:, 0].astype(float) + (X[:, 1] == "S"))
    from_lists = accumulated_local_effects(model, X.tolist(), 0)
    assert from_lists.is_categorical == [False]
    expected = accumulated_local_effects(model, X, 0)
    np.testing.assert_array_equal(from_lists.effects, expected.effects)
    np.testing.assert_array_equal(from_lists.grid_values[0], expected.grid_values[0])


def test_several_classes_and_targets():
    random = np.random.RandomState(0)
    X = random.normal(size=(80, 2))
    y = np.digitize(X[:, 0], [-0.5, 0.5])
    result = accumulated_local_effects(LogisticRegression().fit(X, y), X, 0)
    assert result.effects.shape[1] == 3
    np.testing.assert_allclose(result.effects.sum(axis=1), 0, atol=1e-9)
    model = LinearRegression().fit(X, X @ [[1.0, 2.0], [3.0, 4.0]])
    result = accumulated_local_effects(model, X, 0)
    slopes = np.diff(result.effects, axis=0) / np.diff(result.grid_values[0])[:, None]
    np.testing.assert_allclose(slopes, np.broadcast_to([1.0, 2.0], slopes.shape))
    assert list(result.output_names) == ["y0", "y1"]


def test_rows_and_batches_do_not_change_the_effects():
    random = np.random.RandomState(0)
    X = random.normal(size=(60, 3))
    forest = RandomForestRegressor(10, random_state=0).fit(X, X[:, 0] * X[:, 1])
    for features in (0, (0, 1)):
        whole = effects_of(forest, X, features, n_bins=6)
        small = effects_of(forest, X, features, n_bins=6, batch_size=7)
        shuffled = effects_of(forest, random.permutation(X), features, n_bins=6)
        np.testing.assert_allclose(small, whole, atol=1e-12)
        np.testing.assert_allclose(shuffled, whole, atol=1e-12)


def test_cost_is_as_documented():
    X = np.random.RandomState(0).normal(size=(50, 2))
    model = formula(lambda X: X[:, 0])
    accumulated_local_effects(model, X, 0, n_bins=10)
    assert sum(map(len, model.asked_)) == 2 * 50 + 11
    model.asked_.clear()
    accumulated_local_effects(model, X, (0, 1), n_bins=4)
    assert sum(map(len, model.asked_)) == 4 * 50 + 25


# Wrong calls


class NoProbabilities(ClassifierMixin, BaseEstimator):
    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return self.classes_[:1].repeat(len(X))


@pytest.mark.parametrize("wrap", [lambda model: model, FrozenEstimator])
def test_targets_are_called_as_an_explainer_calls_them(wrap):
    X = np.random.RandomState(0).normal(size=(20, 3))
    targets = pd.DataFrame({"price": X[:, 0], "rent": X[:, 1]})
    model = LinearRegression()
    explainer = wrap(ShapExplainer(model, background=5, random_state=0).fit(X, targets))
    named = accumulated_local_effects(explainer, X, 0)
    assert named.output_names.tolist() == ["price", "rent"]
    numbered = accumulated_local_effects(model.fit(X, targets), X, 0)
    assert numbered.output_names.tolist() == ["y0", "y1"]
    np.testing.assert_allclose(named.effects, numbered.effects)


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        *(("n_bins", 0), ("n_bins", 2.5), ("batch_size", 0), ("n_jobs", "all")),
        *(("units", "percent"), ("level_orders", ["a"])),
    ],
)
@pytest.mark.parametrize("call", [accumulated_local_effects, ALEDisplay.from_estimator])
def test_wrong_parameters_are_refused_by_name(call, parameter, value):
    X = np.random.RandomState(0).normal(size=(20, 3))
    model = LinearRegression().fit(X, X[:, 0])
    with pytest.raises((TypeError, ValueError), match=f"'{parameter}' parameter of accumulated_lo"):
        call(model, X, [0], **{parameter: value})


def test_a_column_labelled_by_several_levels_is_no_pair():
    X = np.random.RandomState(0).normal(size=(20, 3))
    model = formula(lambda X: np.asarray(X) @ [2.0, -1.0, 0.5])
    labels = pd.MultiIndex.from_tuples([("size", "day"), ("size", "night"), ("age", 1)])
    table = pd.DataFrame(X, columns=labels)
    for j, label in enumerate(labels):
        np.testing.assert_array_equal(effects_of(model, table, label), effects_of(model, X, j))
    pair = effects_of(model, table, (labels[0], labels[2]))
    np.testing.assert_array_equal(pair, effects_of(model, X, (0, 2)))


def test_wrong_calls():
    X = np.random.RandomState(0).normal(size=(20, 3))
    X[:, 2] = 1.0
    model = LinearRegression().fit(X, X[:, 0])
    with pytest.raises(ValueError, match=r"names 'height', which is none of the columns x0 to x2"):
        accumulated_local_effects(model, X, "height")
    with pytest.raises(ValueError, match="names 3"):
        accumulated_local_effects(model, X, 3)
    with pytest.raises(ValueError, match="a column or a pair"):
        accumulated_local_effects(model, X, (0, 1, 2))
    with pytest.raises(ValueError, match="given twice"):
        accumulated_local_effects(model, X, (0, "x0"))
    with pytest.raises(ValueError, match="'x2' has fewer than two values"):
        accumulated_local_effects(model, X, 2)
    with pytest.raises(ValueError, match="at least 2 rows"):
        accumulated_local_effects(model, X[:1], 0)
    with pytest.raises(TypeError, match="predict_proba"):
        accumulated_local_effects(NoProbabilities().fit(X, X[:, 0] > 0), X, 0)
    with pytest.raises(ValueError, match="one has categories"):
        accumulated_local_effects(formula(lambda X: X["age"]), categories(), ("level", "age"))
