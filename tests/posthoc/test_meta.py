"""MetaExplainer: its accuracy, its parameters, what it says of itself."""

import warnings
from functools import partial

import joblib
import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.datasets import load_diabetes, load_wine
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import Callback

from sklearn_metaexplain import MetaExplainer
from sklearn_metaexplain.exceptions import LargeErrorWarning
from sklearn_metaexplain.nets._checkpoint import load_pretrained

SMALL = {"background": 12, "n_support": 200, "random_state": 0}
EXACT = 10**6


@pytest.fixture(scope="module")
def wine():
    X, y = load_wine(return_X_y=True, as_frame=True)
    return X.iloc[:, :6], y


def relative_error(values, truth):
    return float(((values - truth) ** 2).sum() / (truth**2).sum())


def errors(explainer, X, **options):
    return relative_error(
        explainer.explain(X, **options).values, explainer.explain(X, budget=EXACT).values
    )


@pytest.mark.parametrize("pretrained", ["default", None])
@pytest.mark.parametrize(
    "model",
    [
        RandomForestClassifier(n_estimators=30, random_state=0),
        make_pipeline(StandardScaler(), KNeighborsClassifier(15)),
        make_pipeline(StandardScaler(), LogisticRegression()),
    ],
    ids=["forest", "neighbours", "logistic"],
)
def test_close_to_the_truth_without_asking_again(wine, model, pretrained):
    X, y = wine
    explainer = MetaExplainer(model, pretrained=pretrained, **SMALL).fit(X, y)
    assert errors(explainer, X[::9]) < 0.1


def test_regressor_with_two_targets():
    X, y = load_diabetes(return_X_y=True)
    X, y = X[:, :5], np.column_stack([y, -3 * y + X[:, 0] * 1e4])
    explainer = MetaExplainer(RandomForestRegressor(20, random_state=0), **SMALL).fit(X, y)
    assert explainer.explain(X[:4]).output_names.tolist() == ["y0", "y1"]
    assert errors(explainer, X[::40]) < 0.1


def test_linear_model_in_closed_form():
    X, y = load_diabetes(return_X_y=True)
    explainer = MetaExplainer(LinearRegression(), **SMALL).fit(X, y)
    explanation = explainer.explain(X[:30])
    truth = (X[:30] - explainer.background_.mean(0)) * explainer.estimator_.coef_
    assert relative_error(explanation.values[..., 0], truth) < 0.01


def test_more_evaluations_give_less_error(wine):
    X, y = wine
    model = RandomForestClassifier(30, random_state=0).fit(X, y)
    by_support = [
        errors(MetaExplainer(FrozenEstimator(model), **SMALL | {"n_support": n}).fit(X), X[::6])
        for n in (40, 1000)
    ]
    assert by_support[1] < 0.5 * by_support[0]
    explainer = MetaExplainer(FrozenEstimator(model), **SMALL).fit(X)
    by_budget = [errors(explainer, X[::12], budget=budget) for budget in (0, 20, 200)]
    assert by_budget[0] > by_budget[1] > 2 * by_budget[2]


def test_budget_parameter_and_option_agree(wine):
    X, y = wine
    explainer = MetaExplainer(LogisticRegression(max_iter=5000), **SMALL).fit(X, y)
    option = explainer.explain(X[:3], budget=30)
    parameter = explainer.set_params(budget=30).explain(X[:3])
    np.testing.assert_array_equal(option.values, parameter.values)
    with pytest.raises(TypeError, match=r"budget must be an int.*2\.5"):
        explainer.explain(X[:3], budget=2.5)


def test_std_falls_with_the_budget_and_is_zero_where_exact(wine):
    X, y = wine
    explainer = MetaExplainer(RandomForestClassifier(30, random_state=0), **SMALL).fit(X, y)
    stds = [explainer.explain(X[:8], budget=budget).std for budget in (0, 50, EXACT)]
    assert (stds[0] > 0).all()
    assert stds[1].mean() < 0.9 * stds[0].mean()
    assert not stds[2].any()


@pytest.mark.parametrize("pretrained", ["default", None])
def test_its_own_error_is_of_the_right_size(pretrained, wine):
    X, y = wine
    model = RandomForestClassifier(30, random_state=0)
    explainer = MetaExplainer(model, pretrained=pretrained, **SMALL).fit(X, y)
    assert 0.1 < explainer.shapley_error_ / errors(explainer, X[::6]) < 10
    assert explainer.shapley_error_se_ > 0


def test_its_own_error_falls_with_evaluations(wine):
    X, y = wine
    model = RandomForestClassifier(30, random_state=0)
    explainer = MetaExplainer(model, **SMALL).fit(X, y)
    more = MetaExplainer(model, **SMALL | {"n_support": 2048}).fit(X, y)
    assert more.shapley_error_ < explainer.shapley_error_
    exact = MetaExplainer(model, **SMALL, budget=EXACT).fit(X, y)
    assert exact.shapley_error_ == exact.shapley_error_se_ == 0


def test_groups_are_explained_as_one(wine):
    X, y = wine
    groups = {"acids": ["malic_acid", "ash"], "rest": ["alcohol", "magnesium", "total_phenols"]}
    model = RandomForestClassifier(30, random_state=0)
    explainer = MetaExplainer(model, feature_groups=groups, **SMALL).fit(X, y)
    explanation = explainer.explain(X[::9])
    assert explanation.feature_names.tolist() == ["rest", "acids", "alcalinity_of_ash"]
    assert errors(explainer, X[::9]) < 0.1
    # A group's value is not the sum of its columns' values.
    alone = MetaExplainer(model, **SMALL).fit(X, y).explain(X[::9], budget=EXACT).values
    grouped = explainer.explain(X[::9], budget=EXACT).values
    assert np.abs(grouped[:, 1] - alone[:, 1:3].sum(1)).max() > 1e-3


def test_order_of_named_columns_does_not_matter(wine):
    X, y = wine
    model = make_pipeline(StandardScaler(), LogisticRegression())
    explanation = MetaExplainer(model, **SMALL).fit(X, y).explain(X[:5])
    turned = X.iloc[:, ::-1]
    other = MetaExplainer(model, **SMALL).fit(turned, y).explain(turned[:5])
    assert relative_error(other.values[:, ::-1], explanation.values) < 1e-4


def test_adaptation_goes_through_skorch(wine):
    X, y = wine

    class Epochs(Callback):
        seen = 0

        def on_epoch_end(self, net, **kwargs):
            Epochs.seen += 1

    model = RandomForestClassifier(10, random_state=0)
    explainer = MetaExplainer(model, max_epochs=2, callbacks=[("epochs", Epochs())], **SMALL)
    explainer.fit(X, y)
    assert Epochs.seen == len(explainer.net_.history) == 2
    assert errors(explainer, X[::9]) < 0.1
    explainer.set_params(max_epochs=0).fit(X, y)
    assert not hasattr(explainer, "net_")


@pytest.mark.parametrize("lr", [1e-5, 1e-4])
def test_adaptation_takes_steps_of_the_learning_rate(wine, lr):
    X, y = wine
    start = {
        name: weight.double()
        for name, weight in load_pretrained("default").kernel.state_dict().items()
    }
    moves = []

    class Moves(Callback):
        def on_epoch_end(self, net, **kwargs):
            own = net.module_.state_dict()
            moves.append(max(float((own[name] - start[name]).abs().max()) for name in start))

    model = LogisticRegression(max_iter=5000)
    explainer = MetaExplainer(model, max_epochs=1, lr=lr, callbacks=[("moves", Moves())], **SMALL)
    explainer.fit(X, y)
    # An epoch has four steps of Adam, each of which moves weights by about the rate.
    assert moves == [pytest.approx(4 * lr, rel=0.2)]


def test_adaptation_from_scratch_is_seeded(wine):
    X, y = wine
    settings = SMALL | {"pretrained": None, "max_epochs": 2}
    first, second = (
        MetaExplainer(LogisticRegression(max_iter=5000), **settings).fit(X, y).transform(X[:3])
        for _ in range(2)
    )
    np.testing.assert_array_equal(first, second)


def test_fits_do_not_share_weights(wine):
    X, y = wine
    model = LogisticRegression(max_iter=5000)
    first, second = (MetaExplainer(model, **SMALL).fit(X, y)._surrogate_ for _ in range(2))
    mine, theirs = (s.pretrained.kernel.state_dict() for s in (first, second))
    for key, value in mine.items():
        assert value.data_ptr() != theirs[key].data_ptr()


def test_verbose_shows_progress_and_silence_is_the_default(wine, capfd):
    X, y = wine
    explainer = MetaExplainer(LogisticRegression(max_iter=5000), **SMALL).fit(X, y)
    explainer.explain(X)
    assert capfd.readouterr() == ("", "")
    explainer.set_params(verbose=1).explain(X)
    assert "explain" in capfd.readouterr().err


def test_constant_model():
    X = np.random.RandomState(0).normal(size=(60, 3))
    explainer = MetaExplainer(LinearRegression(), **SMALL).fit(X, np.full(60, 7.0))
    explanation = explainer.explain(X[:5])
    np.testing.assert_allclose(explanation.values, 0, atol=1e-9)
    np.testing.assert_allclose(explanation.base_values, 7)


def test_extreme_units_of_the_target():
    X, y = load_diabetes(return_X_y=True)
    model = RandomForestRegressor(10, random_state=0)
    plain = MetaExplainer(model, **SMALL).fit(X, y).explain(X[:5])
    # Powers of two scale a forest's own arithmetic exactly.
    for factor in (2.0**-12, 2.0**30):
        scaled = MetaExplainer(model, **SMALL).fit(X, y * factor).explain(X[:5])
        assert relative_error(scaled.values / factor, plain.values) < 1e-3


def test_outputs_far_from_zero_are_not_constant():
    X = np.random.RandomState(0).normal(size=(80, 3))
    for offset in (0.0, 1e11):
        explainer = MetaExplainer(FrozenEstimator(Offset(offset)), **SMALL).fit(X)
        explanation = explainer.explain(X[:9])
        assert bool((explanation.std > 0).all())
        assert explainer.shapley_error_ > 0


def test_an_explainer_that_is_mapped_from_a_file_explains_in_silence(wine, tmp_path, request):
    X, y = wine
    explainer = MetaExplainer(LogisticRegression(max_iter=5000), **SMALL).fit(X, y)
    joblib.dump(explainer, tmp_path / "explainer")
    mapped = joblib.load(tmp_path / "explainer", mmap_mode="r")
    assert not mapped.dummies_.flags.writeable
    # torch warns of such arrays once in a process.
    request.addfinalizer(partial(torch.set_warn_always, torch.is_warn_always_enabled()))
    torch.set_warn_always(True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        explained = mapped.explain(X[:2])
    np.testing.assert_array_equal(explained.values, explainer.explain(X[:2]).values)


def test_category_columns_are_explained():
    rng = np.random.RandomState(0)
    X = pd.DataFrame({"a": rng.normal(size=200), "c": rng.choice(list("uvwxyz"), 200)})
    effect = {"u": 3.0, "v": -1.0, "w": 0.5, "x": -2.0, "y": 0.0, "z": 1.0}

    class Known(LinearRegression):
        def fit(self, X, y=None):
            self.fitted_ = True
            return self

        def predict(self, X):
            return X["a"].to_numpy() + X["c"].map(effect).fillna(0.0).to_numpy()

    explainer = MetaExplainer(Known(), **SMALL).fit(X, X["a"])
    explanation = explainer.explain(X[:40])
    background = explainer.background_
    truth = np.column_stack(
        [
            X["a"][:40] - background["a"].mean(),
            X["c"][:40].map(effect) - background["c"].map(effect).mean(),
        ]
    )
    assert relative_error(explanation.values[..., 0], truth) < 0.02


def test_cuda_is_refused_where_there_is_none(wine):
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    X, y = wine
    with pytest.raises(ValueError, match="device='cuda' cannot be used here"):
        MetaExplainer(LogisticRegression(max_iter=5000), device="cuda", **SMALL).fit(X, y)


def test_large_expected_errors_are_said():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 25))
    rough = Rough()
    message = r"off by \d+% of their size: .* Raise n_support"
    with pytest.warns(LargeErrorWarning, match=message) as caught:
        explainer = MetaExplainer(rough, background=10, n_support=120, random_state=0).fit(
            X, X[:, 0]
        )
    assert explainer.shapley_error_ > 0.25
    assert {warning.filename for warning in caught} == {__file__}
    with warnings.catch_warnings():
        warnings.simplefilter("error", LargeErrorWarning)
        MetaExplainer(LinearRegression(), background=10, n_support=200, random_state=0).fit(
            X[:, :4], X[:, 0]
        )


class Rough(RegressorMixin, BaseEstimator):
    """Rough in every column at once."""

    def fit(self, X, y):
        self.n_features_in_ = X.shape[1]
        return self

    def predict(self, X):
        return np.sin(40 * np.asarray(X)).prod(1) * 1e3 + np.sin(25 * np.asarray(X)).sum(1)


class Offset(RegressorMixin, BaseEstimator):
    def __init__(self, offset):
        self.offset = offset

    def fit(self, X, y=None):
        return self

    def __sklearn_is_fitted__(self):
        return True

    def predict(self, X):
        return self.offset + X[:, 0] + X[:, 1] * X[:, 2]


def test_std_of_a_constant_output_is_nothing():
    class OneConstantTarget(RegressorMixin, BaseEstimator):
        def fit(self, X, y=None):
            self.fitted_ = True
            return self

        def predict(self, X):
            return np.column_stack([X[:, 0] ** 2 + X[:, 1], np.full(len(X), 3.0)])

    X = np.random.default_rng(0).normal(size=(60, 3))
    explanation = MetaExplainer(OneConstantTarget(), **SMALL).fit(X).explain(X[:5])
    assert (explanation.std[..., 0] > 0).all()
    assert not explanation.std[..., 1].any()
    assert not explanation.values[..., 1].any()


@pytest.mark.parametrize(("output", "bounded"), [("probability", True), ("log_odds", False)])
def test_only_networks_of_probabilities_are_bounded(wine, output, bounded):
    X, y = wine
    explainer = MetaExplainer(LogisticRegression(max_iter=5000), output=output, **SMALL).fit(X, y)
    assert explainer._surrogate_.stack.network.is_bounded == bounded


@pytest.mark.parametrize(("n_support", "corrected"), [(1024, True), (1025, False)])
def test_the_corrector_is_not_asked_with_many_evaluations(wine, n_support, corrected):
    X, y = wine
    small = SMALL | {"n_support": n_support}
    explainer = MetaExplainer(LogisticRegression(max_iter=5000), **small).fit(X, y)
    assert (explainer._surrogate_.corrector is not None) == corrected
