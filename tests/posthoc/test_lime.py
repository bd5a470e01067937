"""LimeExplainer: what LIME says where the answer is known, and the failures of lime itself."""

import pickle
import threading
import warnings
from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.datasets import make_classification
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklearn_metaexplain import Explanation, LimeExplainer
from sklearn_metaexplain.posthoc._lime_columns import LimeColumns
from sklearn_metaexplain.testing import parametrize_with_explainer_checks
from tests.posthoc.tables import Recording, mixed_pipeline, mixed_table


class Asked(RegressorMixin, BaseEstimator):
    """Keeps what it is asked; its output is a function of the table."""

    def __init__(self, function=None):
        self.function = function

    def fit(self, X, y=None):
        self.asked_ = []
        return self

    def predict(self, X):
        self.asked_.append(X)
        return np.zeros(X.shape[0]) if self.function is None else self.function(X)


def perturbed(explainer, row):
    """The rows that the model is asked about one row, the row itself left out."""
    explainer.estimator_.asked_.clear()
    explainer.explain(row)
    return pd.concat(explainer.estimator_.asked_[1:], ignore_index=True)


def everything():
    """A column of every kind."""
    rng = np.random.default_rng(0)
    n = 100
    X = pd.DataFrame(
        {
            "float": rng.normal(size=n),
            "int": rng.integers(0, 20, n),
            "binary": rng.integers(0, 2, n),
            "Int64": pd.array(rng.integers(0, 9, n), dtype="Int64"),
            "bool": rng.random(n) < 0.4,
            "str": rng.choice(["a", "b", "c"], n),
            "category": pd.Categorical(rng.choice(["u", "v"], n)),
            "date": pd.date_range("2020-01-01", periods=n, tz="Europe/Paris"),
        }
    )
    X.loc[::9, "float"] = np.nan
    X.loc[::8, "Int64"] = pd.NA
    X.loc[::7, "str"] = None
    return X


def test_categories_weigh_what_they_change():
    X = pd.DataFrame({"s": ["a", "b"] * 50, "t": ["x"] * 50 + ["y"] * 50, "u": ["p", "q"] * 50})
    model = Asked(lambda X: 3.0 * (X["s"] == "a") - 1.0 * (X["t"] == "x") + 10.0)
    explainer = LimeExplainer(model, n_samples=4000, random_state=0).fit(X)
    explanation = explainer.explain(X.iloc[[0, 99]])
    truth = [[3, -1, 0], [-3, 1, 0]]
    np.testing.assert_allclose(explanation.values[:, :, 0], truth, atol=0.02)
    np.testing.assert_allclose(explanation.support["local_intercept"], [[10], [12]], atol=0.02)
    np.testing.assert_allclose(explanation.support["local_score"], 1, atol=1e-3)
    assert explanation.support["conditions"].tolist() == [
        ["s=a", "t=x", "u=p"],
        ["s=b", "t=y", "u=q"],
    ]
    assert np.isnan(explanation.residual).all()
    assert not explanation.additive


@pytest.mark.parametrize(("discretizer", "n_intervals"), [("quartile", 4), ("decile", 10)])
def test_intervals_weigh_what_they_change(discretizer, n_intervals):
    X = np.column_stack([np.arange(1000.0), np.arange(1000.0) % 7])
    edge = 1000 / n_intervals
    model = Asked(lambda X: 5.0 * (X[:, 0] < edge))
    explainer = LimeExplainer(model, discretizer=discretizer, n_samples=20_000, random_state=0)
    explanation = explainer.fit(X).explain(X[[3, 700]])
    # Far from the first interval the other side is a mixture, of which 1 / (n - 1) weighs 5.
    truth = [5.0, -5.0 / (n_intervals - 1)]
    np.testing.assert_allclose(explanation.values[:, 0, 0], truth, atol=0.15)
    assert np.abs(explanation.values[:, 1, 0]).max() < 0.15
    assert explanation.support["conditions"][0, 0].startswith("x0 <= ")


def test_numbers_left_as_they_are_have_the_coefficients_of_a_linear_model():
    X = np.random.default_rng(0).normal([5, -3, 0], [1, 10, 2], size=(300, 3))
    model = LinearRegression().fit(X, X @ [2.0, -1.0, 0.0])
    explainer = LimeExplainer(FrozenEstimator(model), discretizer=None, random_state=0).fit(X)
    explanation = explainer.explain(X[:4])
    truth = (X[:4] - X.mean(axis=0)) * [2.0, -1.0, 0.0]
    np.testing.assert_allclose(explanation.values[:, :, 0], truth, atol=0.1)
    intercept = explanation.support["local_intercept"]
    np.testing.assert_allclose(intercept, np.full((4, 1), X.mean(axis=0) @ [2, -1, 0]), atol=0.1)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "UInt8", "Int64", "object"])
def test_integers_have_the_coefficients_of_a_linear_model_whatever_they_can_hold(dtype):
    # Skewed: a third of what a normal distribution draws is negative.
    counts = np.minimum(np.random.default_rng(0).exponential(2, size=(300, 2)) ** 2, 127).round()
    X = pd.DataFrame(counts.astype(int), columns=["a", "b"]).astype(dtype)
    model = LinearRegression().fit(counts, counts @ [2.0, 0.0])
    explainer = LimeExplainer(Asked(lambda X: model.predict(X.to_numpy(dtype=float))),
                              discretizer=None, random_state=0)  # fmt: skip
    explainer.fit(X)
    explanation = explainer.explain(X[:4])
    truth = (counts[:4] - counts.mean(axis=0)) * [2.0, 0.0]
    np.testing.assert_allclose(explanation.values[:, :, 0], truth, atol=0.1)
    np.testing.assert_allclose(explanation.support["local_score"], 1, atol=1e-3)
    asked = perturbed(explainer, X[:1])
    assert asked.dtypes.equals(X.dtypes)
    numbers = asked.to_numpy(dtype=float)
    assert (numbers == numbers.round()).all()
    if dtype.lower() == "uint8":
        assert numbers.min() == 0
        if dtype == "uint8":
            array = X.to_numpy()
            of_array = explainer.set_params(estimator=LinearRegression())
            values = of_array.fit(array, counts @ [2.0, 0.0]).explain(array[:4]).values
            np.testing.assert_allclose(values[:, :, 0], truth, atol=0.1)


def test_entropy_asks_for_the_classes_in_batches():
    asked = []

    class Recording(LogisticRegression):
        def predict(self, X):
            asked.append(len(X))
            return super().predict(X)

    X, y = make_classification(150, random_state=0)
    LimeExplainer(Recording(), discretizer="entropy", batch_size=40).fit(X, y)
    assert asked == [40, 40, 40, 30]


def test_entropy_cuts_where_the_predicted_classes_are_separated():
    X = np.random.default_rng(0).uniform(size=(300, 2))
    y = np.where(X[:, 0] > 0.3, "right", "left")
    explainer = LimeExplainer(RandomForestClassifier(5, random_state=0), discretizer="entropy")
    conditions = explainer.fit(X, y).explain(X[:1]).support["conditions"]
    cut = float(conditions[0, 0].split()[-1])
    assert abs(cut - 0.3) < 0.02
    assert explainer.n_evaluations_ == 100 + 300
    with pytest.raises(ValueError, match="Ridge is a regressor"):
        LimeExplainer(Ridge(), discretizer="entropy").fit(X, X[:, 0])


@pytest.mark.parametrize("discretizer", ["quartile", "decile", None])
def test_perturbed_rows_are_possible_and_keep_their_dtypes(discretizer):
    X = everything()
    explainer = LimeExplainer(Asked(), discretizer=discretizer, n_samples=500, random_state=0)
    row = X.iloc[[5]].assign(str=["new"])
    asked = perturbed(explainer.fit(X), row)
    assert len(asked) == 499
    assert asked.dtypes.tolist() == X.dtypes.tolist()
    for name in (
        ("int", "binary", "bool", "category", "date", "Int64") if discretizer else ("bool",)
    ):
        assert set(asked[name].dropna()) <= set(X[name].dropna()), name
    assert set(asked["str"].dropna()) == {"a", "b", "c"}
    assert asked["str"].isna().mean() == pytest.approx(X["str"].isna().mean(), abs=0.06)
    assert asked["category"].value_counts(normalize=True)["u"] == pytest.approx(
        (X["category"] == "u").mean(), abs=0.08
    )
    if discretizer:
        assert asked["float"].isna().mean() == pytest.approx(X["float"].isna().mean(), abs=0.06)
        assert set(asked["binary"]) == {0, 1}
    else:
        assert asked["float"].mean() == pytest.approx(X["float"].mean(), abs=0.2)
        assert asked["float"].nunique() == 499


@pytest.mark.parametrize("discretizer", ["quartile", "decile", None])
def test_missing_and_unseen_values_are_read(discretizer):
    X = everything()
    rows = X.iloc[[5, 9]].assign(float=[np.nan, 0.25], str=["new", None], binary=[1, 0])
    explainer = LimeExplainer(Asked(), discretizer=discretizer, n_samples=50).fit(X)
    explanation = explainer.explain(rows)
    first, second = explanation.support["conditions"].tolist()
    assert first[0] == "float=missing"
    assert first[5] == "str=new"
    assert second[5] == "str=missing"
    if discretizer is None:
        assert second[0] == "float=0.25"
    else:
        low, high = second[0].split(" < float <= ")
        assert float(low) < 0.25 <= float(high)
    assert first[4:5] == [f"bool={X['bool'].iloc[5]}"]
    assert "2020-" in first[7]


def first_conditions(X, **options):
    return LimeExplainer(Asked(), n_samples=5, background=5, **options).fit(X).explain(X)


def holds(condition, name, value, parse):
    """Whether a condition is true of a value, by reading it."""
    if condition.startswith(f"{name} > "):
        return value > parse(condition.removeprefix(f"{name} > "))
    low, high = condition.split(f"{name} <= ")
    return value <= parse(high) and (not low or parse(low.removesuffix(" < ")) < value)


@pytest.mark.parametrize(
    ("kind", "unit"),
    [
        *product(["naive", "zoned", "durations"], ["ns", "us", "s"]),
        # Of arrays, for pandas has no days.
        ("naive", "D"),
        ("durations", "D"),
    ],
)
@pytest.mark.parametrize("start", ["1950-06-01", "2020-03-20"])
def test_dates_of_any_unit_are_read_as_what_they_are(unit, kind, start):
    days = pd.date_range(start, periods=30, freq="17h")
    if unit == "D":
        days = days.normalize()
    cells = {
        "naive": days,
        "zoned": days.tz_localize("Europe/Paris"),
        "durations": days - days[0],
    }[kind]
    if unit == "D":
        X = cells.to_numpy().astype(f"{cells.dtype.kind}8[D]")[:, None]
    else:
        X = pd.DataFrame({"x0": cells.as_unit(unit)})
    parse = pd.Timedelta if kind == "durations" else pd.Timestamp
    conditions = first_conditions(X).support["conditions"][:, 0]
    assert len(set(conditions)) == 4
    for condition, cell in zip(conditions, cells, strict=True):
        assert holds(condition, "x0", cell, parse), condition
    if kind == "zoned":
        assert parse(conditions[0].removeprefix("x0 <= ")).tz is not None


@pytest.mark.parametrize("discretizer", ["quartile", None])
def test_dates_in_objects_and_periods_are_dates(discretizer):
    days = pd.date_range("2020-01-01", periods=40)
    X = pd.DataFrame(
        {
            "date": pd.Series(days.date, dtype=object),
            "month": days.to_period("M"),
            "zoned": pd.Series(list(days.tz_localize("Asia/Tokyo")), dtype=object),
            "flag": pd.Series([True, False, None, False] * 10, dtype=object),
        }
    )
    explainer = LimeExplainer(Asked(), n_samples=50, discretizer=discretizer).fit(X)
    assert explainer.explain(X[:1]).support["conditions"][0].tolist() == [
        "date <= 2020-01-10 18:00:00",
        "month <= 2020-01",
        "zoned <= 2020-01-10 18:00:00+09:00",
        "flag=True",
    ]
    asked = perturbed(explainer, X[:1])
    for name in X:
        assert set(asked[name].dropna()) <= set(X[name].dropna()), name


@pytest.mark.parametrize("discretizer", ["quartile", "decile"])
def test_conditions_of_whole_numbers_are_true_of_them(discretizer):
    days = pd.date_range("2019-11-01", periods=61, freq="3D").strftime("%Y%m%d").astype(int)
    X = pd.DataFrame({"int": days, "float": days.astype(float), "wide": days * 10_007})
    X["small"] = np.arange(len(X)) % 23
    conditions = first_conditions(X, discretizer=discretizer).support["conditions"]
    for j, name in enumerate(X):
        assert len(set(conditions[:, j])) == (4 if discretizer == "quartile" else 10)
        for condition, cell in zip(conditions[:, j], X[name], strict=True):
            assert "e+" not in condition
            assert holds(condition, name, cell, float), condition


def test_texts_have_as_many_digits_as_tell_edges_and_categories_apart():
    near = 1.5 + np.arange(40.0) * 1e-9
    X = pd.DataFrame({"near": near, "far": np.arange(40) / 7, "large": near * 1e20})
    X["category"] = pd.Categorical(near)
    conditions = first_conditions(X).support["conditions"]
    assert [len(set(column)) for column in conditions.T] == [4, 4, 4, 40]
    assert conditions[0, 1] == f"far <= {np.percentile(X['far'], 25):.6g}"
    assert "e+20" in conditions[0, 2]


def test_numbers_that_are_whole_are_written_in_full():
    X = pd.DataFrame({"date": [20200101.0, 20200102, 20210101], "rate": [0.1234567, 2.0, 1e20]})
    conditions = first_conditions(X, discretizer=None).support["conditions"]
    assert conditions[:, 0].tolist() == ["date=20200101", "date=20200102", "date=20210101"]
    assert conditions[:, 1].tolist() == ["rate=0.123457", "rate=2", "rate=1e+20"]


def test_a_missing_number_weighs_what_it_changes():
    X = np.arange(200.0)[:, None] * [1, 1]
    X[::2, 0] = np.nan
    model = Asked(lambda X: 4.0 * np.isnan(X[:, 0]))
    for discretizer in ("quartile", None):
        explainer = LimeExplainer(model, discretizer=discretizer, n_samples=3000, random_state=0)
        values = explainer.fit(X).explain(X[:1]).values
        assert values[0, 0, 0] == pytest.approx(4, abs=0.1)
        assert values[0, 1, 0] == pytest.approx(0, abs=0.1)


def test_mixed_frame_through_a_pipeline_without_a_warning(tmp_path):
    X, y = mixed_table()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        explainer = LimeExplainer(mixed_pipeline(), n_samples=300, random_state=0).fit(X, y)
        explanation = explainer.explain(X[:5])
    assert explanation.values.shape == (5, 4, 2)
    assert explanation.feature_names.tolist() == X.columns.tolist()
    assert explanation.to_frame("yes").index.tolist() == X.index[:5].tolist()
    np.testing.assert_array_equal(explanation.values[..., 0], -explanation.values[..., 1])
    explanation.save(tmp_path / "lime.npz")
    loaded = Explanation.load(tmp_path / "lime.npz")
    assert loaded.support["conditions"].tolist() == explanation.support["conditions"].tolist()


@pytest.mark.parametrize("output", ["probability", "log_odds", "raw"])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_every_class_is_explained(output, n_classes):
    X, _ = mixed_table()
    y = np.array(["low", "high", "middle"])[(X["age"] // 21 % n_classes).to_numpy()]
    explainer = LimeExplainer(
        mixed_pipeline(), output=output, n_samples=400, random_state=0, background=10
    ).fit(X, y)
    explanation = explainer.explain(X[:3])
    assert explanation.output_names.tolist() == sorted(set(y))
    support = explanation.support
    for name in ("local_intercept", "local_score", "local_prediction"):
        assert support[name].shape == (3, n_classes)
    np.testing.assert_allclose(
        support["local_prediction"], support["local_intercept"] + explanation.values.sum(axis=1)
    )
    assert ((support["local_score"] > 0) & (support["local_score"] <= 1)).all()
    if output == "probability":
        np.testing.assert_allclose(explanation.values.sum(axis=2), 0, atol=1e-9)
        np.testing.assert_allclose(support["local_prediction"].sum(axis=1), 1)


def test_cells_are_drawn_from_all_over_their_interval():
    random = np.random.default_rng(0)
    X, groups = random.normal(size=(400, 1)), np.repeat(np.arange(4), 100)
    columns = LimeColumns(X, ["x"], "quartile", None, 0)
    drawn = columns.draw(groups[:, None], X[:1], random.random(size=(400, 1)))
    np.testing.assert_array_equal(columns.groups_of(drawn)[:, 0], groups)
    own = columns.groups_of(X)[:, 0]
    for group in range(4):
        found, there = drawn[groups == group], X[own == group]
        assert len(np.unique(found)) > 30
        assert abs(found.mean() - there.mean()) < 0.3 * there.std()
        assert found.std() == pytest.approx(there.std(), rel=0.3)


def test_each_target_has_a_score_of_its_own():
    X = np.random.default_rng(0).normal(size=(100, 2))
    features = FunctionTransformer(lambda X: np.column_stack([X[:, 0], np.sin(20 * X[:, 1])]))
    model = make_pipeline(features, LinearRegression())
    explainer = LimeExplainer(model, discretizer=None, n_samples=300, random_state=0)
    straight, wild = explainer.fit(X, features.transform(X)).explain(X[:2]).support["local_score"].T
    np.testing.assert_allclose(straight, 1, atol=0.01)
    assert (wild < 0.5).all()


def test_features_beyond_the_number_asked_for_are_zero():
    X = np.random.default_rng(0).normal(size=(100, 8))
    explainer = LimeExplainer(Recording(3), n_features=2, n_samples=200, random_state=0).fit(X)
    assert ((explainer.explain(X[:3]).values != 0).sum(axis=1) == 2).all()


def test_columns_that_cannot_matter_get_exactly_zero():
    X, y = mixed_table()
    X = X.assign(constant="same", number=1.0, empty=np.nan)
    background = X.iloc[10:20].assign(fare=X["fare"].iloc[0])
    explainer = LimeExplainer(
        mixed_pipeline(), background=background, n_samples=200, random_state=0
    ).fit(X, y)
    values = explainer.explain(X[:2]).values
    assert (values[:, 4:] == 0).all()
    assert (values[0, 1] == 0).all()
    assert (values[1, :4] != 0).any()
    nothing = explainer.set_params(background=X[:1]).fit(X, y).explain(X[:1])
    assert (nothing.values == 0).all()
    np.testing.assert_allclose(nothing.support["local_prediction"], nothing.predictions)
    assert nothing.n_evaluations.tolist() == [0]
    other = explainer.explain(X.iloc[[0, 1]])
    assert other.n_evaluations.tolist() == [0, 199]


def test_the_model_is_asked_for_what_is_documented():
    X = np.random.default_rng(0).normal(size=(50, 4))
    explainer = LimeExplainer(Recording(), n_samples=120, batch_size=50, background=10).fit(X)
    model = explainer.estimator_
    assert model.n_asked == explainer.n_evaluations_ == 10
    model.asked_.clear()
    explanation = explainer.explain(X[:3])
    assert explanation.n_evaluations.tolist() == [119] * 3
    assert model.n_asked == 3 * (119 + 1)
    assert max(len(table) for table in model.asked_) == 50


class Meeting(Recording):
    """Answers its first two batches when two threads have asked for them."""

    def predict_proba(self, X):
        if len(X) == 40 and not self.have_met_:
            self.both_.wait(timeout=20)
            self.have_met_ = True
        return super().predict_proba(X)


@pytest.mark.parametrize("n_rows", [1, 4])
def test_threads_explain_at_once_and_change_nothing(n_rows):
    X = np.random.default_rng(0).normal(size=(60, 3))
    # Of one row its batches, of several rows one batch each at a time.
    settings = {"n_samples": 161, "batch_size": 40, "discretizer": None}
    settings |= {"background": 10, "random_state": 0}
    explainer = LimeExplainer(Meeting(), n_jobs=2, **settings).fit(X)
    explainer.estimator_.both_, explainer.estimator_.have_met_ = threading.Barrier(2), False
    found = explainer.explain(X[:n_rows])
    assert max(len(table) for table in explainer.estimator_.asked_) <= 40
    for n_jobs in (None, 3):
        other = LimeExplainer(Recording(), n_jobs=n_jobs, **settings).fit(X).explain(X[:n_rows])
        np.testing.assert_array_equal(found.values, other.values)
        np.testing.assert_array_equal(found.support["local_score"], other.support["local_score"])


def test_groups_are_no_parameter():
    assert "feature_groups" not in LimeExplainer(Ridge()).get_params()
    with pytest.raises(TypeError, match="feature_groups"):
        LimeExplainer(Ridge(), feature_groups=[[0, 1]])
    with pytest.raises(ValueError, match="Invalid parameter 'feature_groups'"):
        LimeExplainer(Ridge()).set_params(feature_groups=[[0, 1]])


def test_same_row_same_answer_and_no_global_state():
    X = np.random.default_rng(0).normal(size=(40, 5))
    settings = {"n_samples": 300, "random_state": 3, "n_features": 3}
    explainer = LimeExplainer(Recording(), **settings).fit(X)
    before = np.random.get_state()[1].copy()
    batch = explainer.explain(X[:5])
    np.testing.assert_array_equal(np.random.get_state()[1], before)
    for i in (0, 3):
        alone = explainer.explain(X[[i]])
        np.testing.assert_allclose(alone.values[0], batch.values[i], atol=1e-12)
    np.testing.assert_allclose(explainer.explain(X[4::-1]).values, batch.values[::-1], atol=1e-12)
    again = LimeExplainer(Recording(), **settings).fit(X)
    np.testing.assert_allclose(again.explain(X[:5]).values, batch.values, atol=1e-12)
    pickled = pickle.loads(pickle.dumps(explainer))
    np.testing.assert_allclose(pickled.explain(X[:5]).values, batch.values, atol=1e-12)
    other = LimeExplainer(Recording(), **{**settings, "random_state": 4}).fit(X)
    assert np.abs(other.explain(X[:5]).values - batch.values).max() > 1e-6


def test_compact_statistics_are_kept_not_the_table():
    X, y = mixed_table(5000)
    explainer = LimeExplainer(mixed_pipeline(), n_samples=50).fit(X, y)
    assert explainer._columns_.reference.shape[0] <= 5 * 64
    assert len(pickle.dumps(explainer)) < len(pickle.dumps(X)) / 2


def test_kernel_width_widens_the_neighbourhood():
    X = np.random.default_rng(0).normal(size=(200, 3))
    explainer = LimeExplainer(Recording(), random_state=0)
    narrow, default, named, wide = (
        explainer.set_params(kernel_width=width).fit(X).explain(X[:2]).values
        for width in (0.3, None, 0.75 * 3**0.5, 10.0)
    )
    np.testing.assert_array_equal(default, named)
    assert np.abs(narrow - wide).max() > 1e-3
    with pytest.raises(ValueError, match="kernel_width"):
        explainer.set_params(kernel_width=0).fit(X)


@pytest.mark.parametrize(
    "params",
    [{"n_samples": 1}, {"n_features": 0}, {"batch_size": 0}, {"kernel_width": -1.0}],
)
def test_parameters_that_are_set_after_fit_are_checked(params):
    X = np.random.default_rng(0).normal(size=(40, 3))
    explainer = LimeExplainer(Recording(), n_samples=20, random_state=0).fit(X)
    explainer.set_params(**params)
    with pytest.raises(ValueError, match=next(iter(params))):
        explainer.explain(X[:2])


def test_boosting_with_categories_and_missing_values():
    X = everything().drop(columns=["date"])
    X["str"] = X["str"].astype("category")
    y = X["int"] > 10
    model = HistGradientBoostingClassifier(categorical_features="from_dtype", max_iter=10)
    explanation = LimeExplainer(model, n_samples=500, random_state=0).fit(X, y).explain(X[:5])
    values = np.abs(explanation.values[:, :, 1]).mean(axis=0)
    assert values.argmax() == 1


@pytest.mark.parametrize("discretizer", ["quartile", None])
def test_sparse_rows(discretizer):
    X = np.random.default_rng(0).normal(size=(60, 5))
    X[np.abs(X) < 0.8] = 0
    model = LogisticRegression().fit(X, X[:, 0] > 0)
    explainer = LimeExplainer(
        FrozenEstimator(model), discretizer=discretizer, n_samples=100, random_state=0
    )
    dense = explainer.fit(X).explain(X[:3])
    thin = explainer.fit(sparse.csr_array(X)).explain(sparse.csr_array(X[:3]))
    np.testing.assert_allclose(thin.values, dense.values, atol=1e-9)
    assert thin.support["conditions"].tolist() == dense.support["conditions"].tolist()


EXPLAINERS = [
    LimeExplainer(LogisticRegression(), n_samples=500),
    LimeExplainer(LogisticRegression(), n_samples=500, discretizer=None, output="log_odds"),
    LimeExplainer(LogisticRegression(), n_samples=500, discretizer="entropy", n_features=7),
    LimeExplainer(Ridge(), n_samples=500, discretizer="decile"),
]


@parametrize_with_explainer_checks(EXPLAINERS)
def test_explainer_check(explainer, check):
    check(explainer)


@pytest.mark.parametrize("constant", [0.1, 0.5, 1.1])
def test_a_constant_column_is_one_whatever_rounding_makes_of_its_deviation(constant):
    X = np.random.default_rng(0).normal(size=(300, 3))
    X[:, 2] = constant
    y = X @ [3.0, -2.0, 0.0]
    explainer = LimeExplainer(LinearRegression(), discretizer=None, random_state=0).fit(X, y)
    values = explainer.explain(np.array([[1.0, 1.0, 0.7]])).values[0, :, 0]
    assert np.abs(values[:2]).min() > 1
    assert abs(values[2]) < 0.01
