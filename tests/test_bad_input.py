"""Bad input is refused with the name of the culprit and a remedy; odd input works.

For all three explainers, where a sentence does not speak of one alone.
"""

import json
import re

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load, save
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.cluster import KMeans
from sklearn.compose import make_column_transformer
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    IsolationForest,
    RandomForestClassifier,
    VotingClassifier,
)
from sklearn.exceptions import NotFittedError
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, Perceptron, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder
from sklearn.svm import SVC

from sklearn_metaexplain import LimeExplainer, MetaExplainer, ShapExplainer
from sklearn_metaexplain.nets._checkpoint import Pretrained, save_pretrained
from sklearn_metaexplain.nets._corrector import Corrector
from sklearn_metaexplain.nets._kernel_network import KernelNetwork
from tests.posthoc.tables import mixed_pipeline, mixed_table

SMALL = {
    MetaExplainer: {"background": 10, "n_support": 96, "random_state": 0},
    ShapExplainer: {"background": 10, "random_state": 0},
    LimeExplainer: {"background": 10, "n_samples": 60, "random_state": 0},
}
every_explainer = pytest.mark.parametrize("kind", SMALL)

X, Y = mixed_table()
NUMBERS = X[["age", "fare"]].astype(float)


def small(kind, model, **settings):
    return kind(model, **{**SMALL[kind], **settings})


def refused(message, error=ValueError):
    """Whatever is raised holds all parts of the message, in their order."""
    return pytest.raises(error, match=r"(?s)" + ".*".join(map(re.escape, message.split(" ... "))))


def with_cell(table, column, value):
    """The table with an odd cell in its fifth row."""
    cells = table[column].tolist()
    cells[4] = value
    return table.assign(**{column: pd.Series(cells, index=table.index, dtype=object)})


@every_explainer
def test_unfitted(kind):
    for method in ("explain", "transform", "predict", "get_feature_names_out"):
        arguments = [] if method == "get_feature_names_out" else [X]
        with refused(f"This {kind.__name__} instance is not fitted yet", NotFittedError):
            getattr(small(kind, mixed_pipeline()), method)(*arguments)


class TestColumns:
    @pytest.fixture(scope="module", params=SMALL, name="fitted")
    @staticmethod
    def _fitted(request):
        return small(request.param, mixed_pipeline()).fit(X, Y)

    @pytest.mark.parametrize(
        ("table", "message"),
        [
            (X.drop(columns="fare"), "seen at fit time, yet now missing:\n- fare"),
            (X.assign(more=1), "unseen at fit time:\n- more"),
            (
                X.rename(columns={"fare": "cost"}),
                "unseen at fit time:\n- cost ... now missing:\n- fare",
            ),
            (X[["fare", "age", "port", "sex"]], "must be in the same order as they were in fit"),
            (X[:0], "Found array with 0 sample(s) (shape=(0, 4))"),
            (X.iloc[0], "Expected a 2-dimensional container"),
        ],
        ids=["missing", "additional", "renamed", "reordered", "no rows", "one row as a Series"],
    )
    @pytest.mark.filterwarnings("ignore:X does not have valid feature names")
    def test_of_frames(self, fitted, table, message):
        for method in (fitted.explain, fitted.transform):
            with refused(message):
                method(table)

    @pytest.mark.filterwarnings("ignore:X does not have valid feature names")
    def test_of_arrays(self, fitted):
        with refused(f"X has 3 features, but {type(fitted).__name__} is expecting 4 features"):
            fitted.explain(X.to_numpy()[:, :3])

    @every_explainer
    def test_as_one_dimension(self, kind):
        explainer = small(kind, LogisticRegression()).fit(NUMBERS.to_numpy(), Y)
        with refused("Expected 2D array, got 1D array"):
            explainer.explain(NUMBERS.to_numpy()[0])

    @every_explainer
    def test_without_any(self, kind):
        with refused("0 feature(s) (shape=(80, 0))"):
            small(kind, LogisticRegression()).fit(X[[]], Y)


class TestValues:
    @every_explainer
    @pytest.mark.parametrize("infinite", [np.inf, -np.inf])
    def test_infinite(self, kind, infinite):
        odd = X.astype({"fare": float})
        odd.iloc[3, 1] = infinite
        message = "infinity in column 'fare'; replace infinite values"
        with refused(message):
            small(kind, mixed_pipeline()).fit(odd, Y)
        with refused(message):
            small(kind, mixed_pipeline()).fit(X, Y).explain(odd)

    @every_explainer
    def test_infinite_in_arrays(self, kind):
        odd = NUMBERS.to_numpy(copy=True)
        odd[3, 1] = np.inf
        for table in (odd, odd.astype(object), odd.astype(np.float32)):
            with refused("infinity in column 'x1'; replace infinite values"):
                small(kind, LogisticRegression()).fit(table, Y)

    @every_explainer
    def test_text_among_numbers(self, kind):
        odd = with_cell(X, "fare", "twelve")
        message = "cannot convert 'twelve' in column 'fare' to a number; correct the value"
        with refused(message):
            small(kind, mixed_pipeline()).fit(odd, Y)
        explainer = small(kind, mixed_pipeline()).fit(X, Y)
        with refused(message):
            explainer.explain(odd[:6])
        with refused(message):
            small(kind, mixed_pipeline(), background=odd[:6]).fit(X, Y)

    @every_explainer
    def test_text_among_numbers_of_an_array(self, kind):
        odd = with_cell(NUMBERS, "fare", "twelve").to_numpy()
        explainer = small(kind, LogisticRegression()).fit(NUMBERS.to_numpy(), Y)
        with refused("cannot convert 'twelve' in column 'x1' to a number"):
            explainer.explain(odd)

    @every_explainer
    @pytest.mark.parametrize("value", [{"a": 1}, [1, 2], pd.NA, pd.Timestamp("2020")], ids=repr)
    def test_objects_among_numbers(self, kind, value):
        odd = with_cell(X, "fare", value)
        message = f"cannot convert {value!r} in column 'fare' to a number; correct the value"
        with refused(message, (TypeError, ValueError)):
            small(kind, mixed_pipeline()).fit(odd, Y)
        with refused(message, (TypeError, ValueError)):
            small(kind, mixed_pipeline()).fit(X, Y).explain(odd[:6])

    @every_explainer
    def test_dates_among_the_columns_of_a_model_of_numbers(self, kind):
        dates = NUMBERS.assign(age=pd.date_range("2020", periods=len(X)))
        with refused("cannot convert Timestamp ... in column 'age' to a number", TypeError):
            small(kind, LogisticRegression()).fit(dates, Y)

    @every_explainer
    def test_a_model_of_numbers_and_a_column_of_text(self, kind):
        with refused("cannot convert ... in column 'port' ... put a Pipeline that encodes"):
            small(kind, LogisticRegression()).fit(X, Y)

    @every_explainer
    def test_missing_values_that_the_model_does_not_take(self, kind):
        odd = NUMBERS.copy()
        odd.iloc[2, 0] = np.nan
        with refused("contains NaN ... LogisticRegression does not accept missing values"):
            small(kind, LogisticRegression()).fit(odd, Y)
        with refused("contains NaN ... LogisticRegression does not accept missing values"):
            small(kind, LogisticRegression()).fit(NUMBERS, Y).explain(odd)


class Odd(RegressorMixin, BaseEstimator):
    """A regressor that returns what it is told to."""

    def __init__(self, returns=None):
        self.returns = returns

    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        return self

    def predict(self, X):
        return self.returns(np.asarray(X))


class OddClassifier(ClassifierMixin, BaseEstimator):
    """A classifier of two classes that returns what it is told to."""

    def __init__(self, returns=None):
        self.returns = returns

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        return self.returns(len(X))

    def predict(self, X):
        return self.classes_[np.zeros(len(X), dtype=int)]


class Predicts(ClassifierMixin, BaseEstimator):
    """A classifier with predict alone."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return self.classes_[np.zeros(len(X), dtype=int)]


class Silent(RegressorMixin, BaseEstimator):
    """A regressor without predict."""

    def fit(self, X, y):
        self.n_features_in_ = X.shape[1]
        return self


class Untagged:
    """A model that scikit-learn knows nothing about."""

    def get_params(self, deep=True):
        return {}

    def fit(self, X, y):
        raise AssertionError("it cannot be explained, so that fitting it is a waste of time")


class TestModels:
    @every_explainer
    @pytest.mark.parametrize(
        ("model", "settings", "message"),
        [
            (
                Predicts(),
                {},
                "Predicts has no predict_proba and decision_function; wrap it in "
                "sklearn.calibration.CalibratedClassifierCV",
            ),
            (
                Perceptron(),
                {"output": "probability"},
                'Perceptron has no predict_proba; choose output="auto" or wrap it',
            ),
            (
                OddClassifier(),
                {"output": "raw"},
                'OddClassifier has no decision_function; choose output="auto"',
            ),
            (
                VotingClassifier([("one", LogisticRegression())]),
                {},
                'VotingClassifier has no predict_proba and decision_function; set voting="soft"',
            ),
            (
                VotingClassifier([("one", LogisticRegression())]),
                {"output": "raw"},
                'VotingClassifier has no decision_function; choose output="auto"',
            ),
            (Silent(), {}, "Silent has no predict"),
            (KMeans(2, n_init=1), {}, "KMeans is neither a classifier nor a regressor"),
            (IsolationForest(n_estimators=2), {}, "IsolationForest is an outlier detector"),
            (Untagged(), {}, "inherits from sklearn.base.ClassifierMixin or RegressorMixin, and"),
        ],
    )
    def test_without_the_method_that_is_needed(self, kind, model, settings, message):
        target = NUMBERS["age"] if isinstance(model, RegressorMixin) else Y
        with refused(message, TypeError):
            small(kind, model, **settings).fit(NUMBERS, target)

    @every_explainer
    @pytest.mark.parametrize("model", ["forest", None, 3])
    def test_that_are_none(self, kind, model):
        with refused(f"The 'estimator' parameter of {kind.__name__} must be an object"):
            small(kind, model).fit(NUMBERS, Y)

    @every_explainer
    @pytest.mark.parametrize(
        ("returns", "message"),
        [
            (lambda X: np.full(len(X), np.nan), "Odd.predict returned NaN or infinite values"),
            (lambda X: np.full(len(X), np.inf), "Odd.predict returned NaN or infinite values"),
            (lambda X: np.zeros(len(X) + 1), "Odd.predict returned an array of shape (11,) for 10"),
            (lambda X: np.zeros(()), "Odd.predict returned an array of shape () for 10 rows"),
            (lambda X: np.zeros((len(X), 2, 2)), "returned an array of shape (10, 2, 2) for 10"),
            (lambda X: ["C"] * len(X), "Odd.predict returned something else than an array of num"),
            (lambda X: None, "Odd.predict returned"),
        ],
        ids=["NaN", "infinite", "rows", "scalar", "dimensions", "text", "None"],
    )
    def test_that_return_nonsense(self, kind, returns, message):
        with refused(message):
            small(kind, Odd(returns)).fit(X, NUMBERS["age"])

    @every_explainer
    @pytest.mark.parametrize(
        ("returns", "message"),
        [
            (lambda n: np.full((n, 3), 1 / 3), "returned 3 columns for 2 outputs; 2 expected"),
            (lambda n: np.full(n, 0.5), "returned 1 columns for 2 outputs; 2 expected"),
            (lambda n: np.full((n, 2), 0.7), "probabilities that do not sum to 1"),
            (lambda n: np.full((n, 2), np.nan), "predict_proba returned NaN or infinite values"),
        ],
        ids=["columns", "dimensions", "sums", "NaN"],
    )
    def test_whose_probabilities_are_none(self, kind, returns, message):
        with refused("OddClassifier.predict_proba ... " + message.replace("predict_proba ", "")):
            small(kind, OddClassifier(returns)).fit(NUMBERS, Y)

    @every_explainer
    def test_that_return_nan_only_later(self, kind):
        model = Odd(lambda X: np.where(X[:, 0] > 1000, np.nan, X[:, 0]))
        explainer = small(kind, model).fit(NUMBERS, Y)
        explainer.explain(NUMBERS[:2])
        with refused("Odd.predict returned NaN or infinite values"):
            explainer.explain(NUMBERS[:2].assign(age=2000.0))

    @every_explainer
    def test_of_several_labels(self, kind):
        labels = np.column_stack([NUMBERS["age"] > 40, NUMBERS["fare"] > 20]).astype(int)
        with refused("Multilabel ... not supported; explain one classifier a target"):
            small(kind, RandomForestClassifier(2)).fit(NUMBERS, labels)

    @every_explainer
    def test_one_against_one(self, kind):
        four = np.arange(len(X)) % 4
        model = SVC(decision_function_shape="ovo")
        message = 'SVC.decision_function returned 6 columns ... set decision_function_shape="ovr"'
        with refused(message):
            small(kind, model, output="raw").fit(NUMBERS, four)

    @every_explainer
    def test_targets_left_out(self, kind):
        with refused("requires y to be passed"):
            small(kind, LogisticRegression()).fit(NUMBERS)


class TestBackground:
    @every_explainer
    @pytest.mark.parametrize(
        ("background", "message"),
        [
            (X[:5].drop(columns="fare"), "now missing:\n- fare"),
            (X[:5][X.columns[::-1]], "must be in the same order"),
            (X[:5].rename(columns={"sex": "gender"}), "unseen at fit time:\n- gender"),
            (X.to_numpy()[:5, :3], "X has 3 features"),
            (X[:0], "0 sample(s)"),
            (X[:5].assign(fare=np.inf), "infinity in column 'fare'"),
        ],
        ids=["missing", "reordered", "renamed", "array", "no rows", "infinite"],
    )
    @pytest.mark.filterwarnings("ignore:X does not have valid feature names")
    def test_of_other_columns_or_values(self, kind, background, message):
        with refused(f"background must be rows with the columns of X. ... {message}"):
            small(kind, mixed_pipeline(), background=background).fit(X, Y)

    @every_explainer
    @pytest.mark.parametrize("background", [0, -3, 2.5, "all", None, True])
    def test_that_is_no_number_of_rows(self, kind, background):
        with refused(f"The 'background' parameter of {kind.__name__} must be an int"):
            small(kind, mixed_pipeline(), background=background).fit(X, Y)


class TestSettings:
    @every_explainer
    @pytest.mark.parametrize(
        ("name", "value"),
        [("output", "logits"), ("batch_size", 0), ("random_state", "zero"), ("n_jobs", 1.5)],
    )
    def test_of_all_explainers(self, kind, name, value):
        with refused(f"The '{name}' parameter of {kind.__name__} must be"):
            small(kind, LogisticRegression(), **{name: value}).fit(NUMBERS, Y)

    @pytest.mark.parametrize(
        ("kind", "name", "value"),
        [
            (MetaExplainer, "n_support", 0),
            (MetaExplainer, "budget", -1),
            (MetaExplainer, "max_epochs", -1),
            (MetaExplainer, "lr", 0.0),
            (MetaExplainer, "pretrained", 3),
            (MetaExplainer, "feature_groups", "age"),
            (ShapExplainer, "budget", -1),
            (ShapExplainer, "budget", 0),
            (ShapExplainer, "algorithm", "sampling"),
            (LimeExplainer, "n_samples", 1),
            (LimeExplainer, "kernel_width", -1.0),
            (LimeExplainer, "discretizer", "thirds"),
            (LimeExplainer, "n_features", 0),
        ],
    )
    def test_of_one_explainer(self, kind, name, value):
        with refused(f"The '{name}' parameter of {kind.__name__} must be"):
            small(kind, LogisticRegression(), **{name: value}).fit(NUMBERS, Y)

    @every_explainer
    @pytest.mark.parametrize("output", ["probability", "log_odds"])
    def test_probabilities_of_a_regressor(self, kind, output):
        with refused(f"Ridge is a regressor; output='{output}' needs a classifier, use \"raw\""):
            small(kind, Ridge(), output=output).fit(NUMBERS, NUMBERS["age"])

    @pytest.mark.parametrize("kind", [MetaExplainer, ShapExplainer])
    @pytest.mark.parametrize(
        ("groups", "message"),
        [
            ([["age", "height"]], "names 'height', which is none of the columns ['age', 'fare'"),
            ([["age"], ["sex", "age"]], "Column 'age' is named twice"),
            ({"nothing": []}, "Group 'nothing' of feature_groups is empty"),
            ([[9]], "feature_groups names 9, which is none of the columns ['age'"),
        ],
    )
    def test_feature_groups(self, kind, groups, message):
        with refused(message):
            small(kind, mixed_pipeline(), feature_groups=groups).fit(X, Y)

    def test_n_support_that_is_too_small_says_what_serves(self):
        explainer = small(MetaExplainer, mixed_pipeline(), n_support=25)
        with refused("n_support=25 is too small for 10 background rows ... n_support=26 or more"):
            explainer.fit(X, Y)
        explainer.set_params(n_support=26).fit(X, Y).explain(X[:1])

    @pytest.mark.parametrize(
        ("algorithm", "least"), [("exact", 140), ("permutation", 60), ("kernel", 80)]
    )
    def test_budget_that_is_too_small_says_what_serves(self, algorithm, least):
        background = X[:10].assign(age=1, fare=-1.0, port="none", sex="none")
        explainer = small(
            ShapExplainer, mixed_pipeline(), algorithm=algorithm, background=background
        ).fit(X, Y)
        with refused(f"budget={least - 1} is too small ... needs at least {least} evaluations"):
            explainer.explain(X[:1], budget=least - 1)
        assert explainer.explain(X[:1], budget=least).n_evaluations[0] <= least

    @pytest.mark.parametrize("kind", [MetaExplainer, ShapExplainer])
    def test_negative_budget_in_explain(self, kind):
        explainer = small(kind, mixed_pipeline()).fit(X, Y)
        with refused("budget ... -1"):
            explainer.explain(X[:1], budget=-1)
        for budget in (1.5, "all", True):
            with pytest.raises(TypeError, match="budget must be an int"):
                explainer.explain(X[:1], budget=budget)

    @every_explainer
    def test_options_that_explain_does_not_have(self, kind):
        explainer = small(kind, mixed_pipeline()).fit(X, Y)
        with pytest.raises(TypeError, match="n_walks"):
            explainer.explain(X[:1], n_walks=3)

    @pytest.mark.parametrize("device", ["gpu", "meta", "cuda:99"])
    def test_device(self, device):
        with refused(f"device={device!r} cannot be used here"):
            small(MetaExplainer, mixed_pipeline(), device=device).fit(X, Y)


class TestWeights:
    """Through the estimator: what is wrong with a file, and which file it is."""

    @pytest.fixture(name="path")
    def _path(self, tmp_path):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            networks = Pretrained(
                KernelNetwork(width=16, n_layers=1), Corrector(width=16, n_layers=1)
            )
        save_pretrained(networks, tmp_path / "mine.safetensors")
        return tmp_path / "mine.safetensors"

    def fit(self, pretrained):
        return small(MetaExplainer, mixed_pipeline(), pretrained=pretrained).fit(X, Y)

    def rewrite(self, path, change):
        """Change the record and the tensors of a file, and write them as a valid file."""
        content = path.read_bytes()
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        record = json.loads(header["__metadata__"]["sklearn_metaexplain"])
        tensors = load(content)
        change(record, tensors)
        path.write_bytes(save(tensors, metadata={"sklearn_metaexplain": json.dumps(record)}))

    def test_unknown(self, tmp_path):
        for unknown in ("large", str(tmp_path / "nowhere.safetensors"), tmp_path):
            with refused(f"pretrained={str(unknown)!r} is neither a registered name (['default'"):
                self.fit(unknown)

    def test_as_text_and_as_a_path(self, path):
        ours, theirs = self.fit(str(path)).explain(X[:3]), self.fit(path).explain(X[:3])
        np.testing.assert_array_equal(ours.values, theirs.values)

    @pytest.mark.parametrize("kept", [0, 4, 100, 0.5, 0.999])
    def test_truncated(self, path, kept):
        content = path.read_bytes()
        path.write_bytes(content[: int(kept * len(content)) if kept < 1 else kept])
        with refused("mine.safetensors is truncated or no weights file ... train one with"):
            self.fit(path)

    @pytest.mark.parametrize("place", [0.3, 0.6, 0.99])
    def test_a_byte_of_the_tensors_flipped(self, path, place):
        content = bytearray(path.read_bytes())
        start = 8 + int.from_bytes(content[:8], "little")
        content[start + int(place * (len(content) - start))] ^= 0x40
        path.write_bytes(bytes(content))
        with refused("mine.safetensors was altered: its tensors do not match its digest"):
            self.fit(path)

    @pytest.mark.parametrize("network", ["kernel", "corrector"])
    def test_another_architecture(self, path, network):
        def widen(record, tensors):
            record["networks"][network]["width"] = 32

        self.rewrite(path, widen)
        with refused(f"mine.safetensors holds another architecture ({network}"):
            self.fit(path)

    def test_an_unknown_network(self, path):
        def rename(record, tensors):
            record["networks"]["oracle"] = record["networks"].pop("corrector")

        self.rewrite(path, rename)
        with refused("mine.safetensors holds another architecture: 'oracle"):
            self.fit(path)

    def test_something_else(self, path):
        for content in (b"weights", save({"weight": torch.zeros(3)}), b"\x80\x04N."):
            path.write_bytes(content)
            with refused("mine.safetensors is truncated or no weights file"):
                self.fit(path)


def days(table):
    """Dates as numbers."""
    since = pd.to_datetime(table["when"]) - pd.Timestamp("2020-01-01")
    return pd.DataFrame({"days": since.dt.days.fillna(0.0), "fare": table["fare"]})


class TestWhatWorks:
    def explained(self, explainer, table, target, rows, n_outputs):
        explanation = explainer.fit(table, target).explain(rows)
        assert explanation.values.shape == (rows.shape[0], table.shape[1], n_outputs)
        assert np.isfinite(explanation.values).all()
        assert explainer.transform(rows).shape[0] == rows.shape[0]
        if explanation.additive:
            assert np.abs(explanation.residual).max() < 1e-6
        return explanation

    @every_explainer
    @pytest.mark.parametrize(
        "model",
        [
            RandomForestClassifier(2, random_state=0),
            HistGradientBoostingClassifier(max_iter=50),  # with a column for no class
        ],
    )
    def test_one_class(self, kind, model):
        only = np.full(len(X), "only")
        explanation = self.explained(small(kind, model), NUMBERS, only, NUMBERS[:3], 1)
        np.testing.assert_allclose(explanation.values, 0, atol=1e-12)
        assert explanation.output_names.tolist() == ["only"]

    @every_explainer
    @pytest.mark.parametrize("column", ["age", "port"])
    def test_one_column(self, kind, column):
        model = make_pipeline(OneHotEncoder(handle_unknown="ignore"), LogisticRegression())
        explanation = self.explained(small(kind, model), X[[column]], Y, X[[column]][:4], 2)
        if explanation.additive:
            gap = explanation.predictions - explanation.base_values
            np.testing.assert_allclose(explanation.values[:, 0], gap, atol=1e-9)

    @every_explainer
    def test_one_row(self, kind):
        self.explained(small(kind, mixed_pipeline()), X, Y, X[:1], 2)

    @every_explainer
    @pytest.mark.parametrize("n", [1, 2])
    def test_fitted_on_a_row_or_two(self, kind, n):
        self.explained(small(kind, Ridge()), NUMBERS[:n], [1.0, 2.0][:n], NUMBERS[:5], 1)

    @every_explainer
    def test_two_rows_of_two_classes(self, kind):
        self.explained(small(kind, LogisticRegression()), NUMBERS[:2], ["a", "b"], NUMBERS[:2], 2)

    @every_explainer
    def test_constant_columns(self, kind):
        table = X.assign(age=40, port="C")
        explanation = self.explained(small(kind, mixed_pipeline()), table, Y, table[:5], 2)
        assert (explanation.values[:, [0, 2]] == 0).all()

    @every_explainer
    def test_nothing_but_constant_columns(self, kind):
        table = pd.DataFrame({"one": np.ones(20), "two": np.full(20, 2.0)})
        target = np.arange(20) % 2
        rows = table[:2].assign(two=[2.0, 5.0])
        explanation = self.explained(small(kind, LogisticRegression()), table, target, rows, 2)
        assert (explanation.values[0] == 0).all()

    @every_explainer
    def test_a_column_of_missing_values(self, kind):
        table = NUMBERS.assign(age=np.nan)
        imputer = SimpleImputer(keep_empty_features=True)
        explainer = small(kind, make_pipeline(imputer, LogisticRegression()))
        explanation = self.explained(explainer, table, Y, table[:4], 2)
        assert (explanation.values[:, 0] == 0).all()
        assert (explanation.display_data[:, 0] == "missing").all()

    @every_explainer
    @pytest.mark.parametrize("missing", [None, np.nan, pd.NA])
    def test_a_column_of_missing_text(self, kind, missing):
        table = X.assign(port=pd.Series([missing] * len(X), index=X.index, dtype=object))
        encode = make_column_transformer((OneHotEncoder(), ["sex"]), ("passthrough", ["age"]))
        explainer = small(kind, make_pipeline(encode, LogisticRegression()))
        explanation = self.explained(explainer, table, Y, table[:4], 2)
        assert (explanation.values[:, 2] == 0).all()

    @every_explainer
    def test_missing_where_training_had_none(self, kind):
        model = make_pipeline(SimpleImputer(), LogisticRegression())
        odd = NUMBERS[:4].assign(age=np.nan)
        self.explained(small(kind, model), NUMBERS, Y, odd, 2)

    @every_explainer
    @pytest.mark.parametrize("dtype", ["bool", "boolean", "object"])
    def test_booleans(self, kind, dtype):
        table = pd.DataFrame(
            {"old": (NUMBERS["age"] > 40).astype(dtype), "fare": NUMBERS["fare"]}, index=X.index
        )
        target = np.where(NUMBERS["age"] > 40, "yes", "no")
        model = LogisticRegression()
        if dtype == "object":
            model = make_pipeline(FunctionTransformer(lambda t: t.astype(float)), model)
        explanation = self.explained(small(kind, model), table, target, table[:6], 2)
        size = np.abs(explanation.values).mean(axis=(0, 2))
        assert size[0] > size[1]

    @every_explainer
    @pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
    def test_dates(self, kind, zone):
        when = pd.date_range("2020-01-01", periods=len(X), freq="3D", tz=zone)
        table = pd.DataFrame({"when": when, "fare": NUMBERS["fare"].to_numpy()})
        table.loc[5, "when"] = pd.NaT

        def naive(table):
            return days(table.assign(when=table["when"].dt.tz_localize(None)))

        model = make_pipeline(FunctionTransformer(naive), LinearRegression())
        target = np.arange(len(X), dtype=float)
        explanation = self.explained(small(kind, model), table, target, table[:8], 1)
        of_date, of_fare = np.abs(explanation.values).mean(axis=(0, 2))
        assert of_date > 5 * of_fare

    @every_explainer
    def test_outputs_of_any_size(self, kind):
        for size in (1e-12, 1e12):
            explainer = small(kind, LinearRegression())
            target = size * (NUMBERS["age"] - NUMBERS["fare"])
            explanation = explainer.fit(NUMBERS, target).explain(NUMBERS[:5])
            assert np.isfinite(explanation.values).all()
            assert np.abs(explanation.values).max() > size
            if explanation.additive:
                assert np.abs(explanation.residual).max() < 1e-6 * size

    @every_explainer
    def test_values_of_any_size(self, kind):
        forest = RandomForestClassifier(3, random_state=0)
        for size in (1e-30, 1e30):
            table = NUMBERS * [size, 1.0]
            self.explained(small(kind, forest), table, Y, table[:5], 2)

    @every_explainer
    def test_columns_named_by_numbers_and_rows_by_nothing_unique(self, kind):
        table = NUMBERS.set_axis([0, 1], axis=1).set_axis(["row"] * len(X))
        explanation = self.explained(small(kind, LogisticRegression()), table, Y, table[:3], 2)
        assert explanation.index.tolist() == ["row"] * 3
        assert explanation.feature_names.tolist() == ["x0", "x1"]
