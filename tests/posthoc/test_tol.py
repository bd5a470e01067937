"""``tol``: each row spends what it needs."""

import warnings
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.datasets import load_wine
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression

from sklearn_metaexplain import MetaExplainer
from sklearn_metaexplain.exceptions import ToleranceWarning
from sklearn_metaexplain.masking._probes import draw_row_probes
from sklearn_metaexplain.nets._checkpoint import load_pretrained
from sklearn_metaexplain.posthoc import _own
from sklearn_metaexplain.posthoc._own import ask_about_rows
from sklearn_metaexplain.posthoc._promise import Goal, Promise

D, N_BACKGROUND = 7, 12
EXACT = (2**D - 2) * N_BACKGROUND


@pytest.fixture(scope="module")
def wine():
    X, y = load_wine(return_X_y=True)
    return X[:, :D], y


@pytest.fixture(scope="module")
def explainer(wine):
    X, y = wine
    forest = FrozenEstimator(RandomForestClassifier(20, random_state=0).fit(X, y))
    return MetaExplainer(forest, background=N_BACKGROUND, n_support=300, random_state=0).fit(X)


@pytest.fixture(autouse=True)
def _quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ToleranceWarning)
        yield


def error_of(values, truth):
    return np.square(values - truth).sum() / np.square(truth).sum()


def test_a_tighter_tolerance_costs_more_and_errs_less(explainer, wine):
    X = wine[0][::9]
    truth = explainer.explain(X, budget=EXACT).values
    spent, errors = [], []
    for tol in (1.0, 0.008, 0.002):
        explanation = explainer.explain(X, budget=200, tol=tol)
        assert (explanation.n_evaluations <= 200).all()
        spent.append(explanation.n_evaluations.sum())
        errors.append(error_of(explanation.values, truth))
    assert spent[0] < spent[1] < spent[2]
    assert errors[2] < errors[1] <= errors[0]
    assert errors[1] < 2 * 0.008
    # Rows are not alike, and are not treated alike.
    assert len(set(explanation.n_evaluations.tolist())) > 3


def test_rows_stop_as_soon_as_they_may(explainer, wine):
    X, tol = wine[0][::9], 0.005
    explanation = explainer.explain(X, budget=200, tol=tol)
    before = explainer.explain(X).std
    goal = explainer._make_goal(tol)

    def expected(explanation, i):
        parts = (explanation.values, explanation.std, before[[i]])
        return goal.expected(*(part[..., 1:] for part in parts), np.zeros((1, 2)))

    stopped = [i for i, n in enumerate(explanation.n_evaluations) if 0 < n < 200]
    assert stopped
    for i in stopped:
        n = int(explanation.n_evaluations[i])
        less = explainer.explain(X[[i]], budget=n - 1)
        same = explainer.explain(X[[i]], budget=n)
        np.testing.assert_allclose(same.values[0], explanation.values[i], rtol=1e-6, atol=1e-9)
        # It goes by the values without evaluations, which these move, and so the bound holds about,
        # not to the digit.
        assert expected(same, i) < 1.7 * tol
        assert expected(less, i) > 0.4 * tol


class Turning(RegressorMixin, BaseEstimator):
    """Smooth at fit; later rough wherever it was not asked for itself."""

    def __init__(self):
        self.plain = None

    def fit(self, X, y):
        self.fitted_ = True
        return self

    def predict(self, X):
        smooth = np.sin(X[:, 0]) * X[:, 1] + X[:, 2]
        if self.plain is None:
            return smooth
        known = (X[:, None] == self.plain).all(2).any(1)
        return smooth + np.where(known, 0.0, 0.3 * np.sin(1e4 * X.sum(1)))


def test_answers_that_surprise_are_followed_by_more_questions():
    X = np.random.default_rng(0).normal(size=(120, 5))
    model = Turning().fit(X, X[:, 0])
    explainer = MetaExplainer(FrozenEstimator(model), background=10, n_support=200, random_state=0)
    explainer.fit(X[:100])
    rows = X[100:]
    as_expected = explainer.explain(rows, budget=120, tol=0.0002).n_evaluations
    narrow = explainer.explain(rows, budget=30).std
    frozen = explainer.estimator_.estimator
    frozen.plain = np.concatenate([rows, explainer.background_])
    surprised = explainer.explain(rows, budget=120, tol=0.0002).n_evaluations
    assert 20 < as_expected.sum() < 400
    # A row that asks two may see nothing odd in the answers.
    assert (surprised >= as_expected).all()
    assert surprised.sum() > 5 * as_expected.sum()
    assert explainer.explain(rows, budget=30).std.mean() > 2 * narrow.mean()


def test_std_does_not_jump_with_the_first_evaluations(explainer, wine):
    X = wine[0][:30]
    stds = [explainer.explain(X, budget=budget).std.mean() for budget in (0, 1, 2, 4, 8, 16)]
    for before, after in pairwise(stds):
        assert 0.5 * before < after < 1.1 * before


def test_answers_not_heard_yet_are_expected_to_surprise_as_much(explainer, wine):
    surrogate, model = explainer._surrogate_, explainer._masked_model_
    rows = wine[0][:3]
    encoded = explainer._encode(rows)
    predictions, can_matter = map(torch.from_numpy, (model.predict(rows), model.can_matter(rows)))
    before = surrogate.explain(encoded, predictions, can_matter)
    reading = surrogate.stack.process.read(encoded, thorough=True)
    residual = surrogate.stack.residuals.square().mean(0).sqrt()
    explained, deviations = np.zeros(D), np.ones(20)
    moved, heard_before = torch.zeros(D, len(residual), dtype=torch.float64), explained

    def least_tol(surprise):
        # The latter half, by which deviations are judged, is not heard yet.
        heard = (surprise * residual).expand(6, -1)
        posterior = SimpleNamespace(explained=heard_before)
        questions = SimpleNamespace(
            innovations=heard, move=moved, left=0 * residual, posterior=posterior
        )
        for tol in np.geomspace(1e-4, 1e2, 200):
            promise = Promise(explainer._make_goal(tol), surrogate, before, reading, 0)
            if promise.is_kept(questions, explained, deviations):
                return tol
        raise AssertionError("no tol is large enough")

    assert least_tol(0.1) < least_tol(1.0) < least_tol(10.0)
    usual = least_tol(1.0)
    moved += 1.0
    assert usual < least_tol(1.0)
    # So are those that will move the values further.
    moved -= 1.0
    explained = heard_before = np.full(D, 0.1)
    nothing_to_come = least_tol(1.0)
    heard_before = np.zeros(D)
    assert nothing_to_come < least_tol(1.0)


def test_what_is_seen_of_a_row_is_of_that_row(explainer, wine):
    X = wine[0]
    together = explainer.explain(X, budget=20)
    for i in (3, 70, 171):
        np.testing.assert_allclose(explainer.explain(X[[i]], budget=20).std[0], together.std[i])


def test_a_move_is_what_hybrids_add_to_the_row_s_own_output(explainer, wine):
    model, surrogate = explainer._masked_model_, explainer._surrogate_
    X, stack = wine[0][:4], surrogate.stack
    encoded, predictions = explainer._encode(X), model.predict(X)
    own = ask_about_rows(model, surrogate, X, encoded, predictions, 30, seed=0).own
    misfit = surrogate.standardise(torch.from_numpy(predictions)) - stack.predict(encoded)
    reading = stack.process.read(encoded, thorough=True)
    first, _ = stack.process.condition_on_outputs(reading, misfit, thorough=True)
    assert float(own.errors.move.abs().max()) > 0.01
    torch.testing.assert_close(first + own.errors.move, own.update, rtol=1e-6, atol=1e-8)


def test_a_row_alone_spends_what_it_spends_in_a_batch(explainer, wine):
    X = wine[0][::30]
    together = explainer.explain(X, budget=60, tol=0.005)
    for i in range(len(X)):
        alone = explainer.explain(X[[i]], budget=60, tol=0.005)
        assert alone.n_evaluations[0] == together.n_evaluations[i]
        np.testing.assert_allclose(alone.values[0], together.values[i], rtol=1e-7, atol=1e-7)


def test_parameter_and_option_agree(explainer, wine):
    X = wine[0][:4]
    option = explainer.explain(X, budget=40, tol=0.005)
    try:
        parameter = explainer.set_params(budget=40, tol=0.005).explain(X)
    finally:
        explainer.set_params(budget=0, tol=None)
    np.testing.assert_array_equal(option.n_evaluations, parameter.n_evaluations)
    np.testing.assert_array_equal(option.values, parameter.values)


def test_rows_that_miss_it_are_said(explainer, wine):
    with pytest.warns(ToleranceWarning, match=r"of 3 rows are .* above tol=1e-08 .*budget=5"):
        explainer.explain(wine[0][:3], budget=5, tol=1e-8)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ToleranceWarning)
        explainer.explain(wine[0][:3], budget=5, tol=100.0)


def test_what_is_expected_goes_from_that_of_tasks_to_that_of_rows_that_were_asked_about():
    law = {"slopes": {"raw": 1.0, "residual": 0.0}, "spread": 1.0, "log_factor": 0.0}
    calibration = {
        "task": {**law, "intercept": 0.0},
        "row": {**law, "intercept": -2.0},
        "usually_taken": 0.5,
    }
    goal = Goal(0.1, {"raw": 1.0, "residual": 0.05}, calibration)
    values, before = np.full((1, 3, 1), 2.0), np.full((1, 3, 1), 0.5)
    usual = np.zeros((1, 1))
    told = [
        goal.expected(values, share * before, before, usual) for share in (1.0, 0.9, 0.75, 0.5, 0.1)
    ]
    assert told == sorted(told, reverse=True)
    assert told[0] == pytest.approx(0.25**2)
    assert told[-1] == pytest.approx(0.025**2 * np.exp(-2))
    assert told[0] > 2.0 * told[2] > 2.0 * told[3]
    # A quarter of the variance is half of what is usual.
    quarter = goal.expected(values, 0.75**0.5 * before, before, usual)
    assert quarter == pytest.approx(0.75 * 0.25**2 * np.exp(-1))
    # Nothing is known of how far off deviations are: they stand.
    uncalibrated = goal._replace(calibration={})
    assert uncalibrated.expected(values, before, before, usual) == pytest.approx(0.25**2)
    assert goal.expected(values, 0 * before, 0 * before, usual) == 0
    assert goal.is_met(values, before, before, usual) == (told[0] <= 0.1)
    # What is missed of the row itself counts where it is more than what is missed usually.
    calibration["row"]["slopes"]["residual"] = 0.5
    told = [goal.expected(values, 0.1 * before, before, usual + excess) for excess in (0.0, 2.0)]
    assert told[1] == pytest.approx((4 / 0.05) ** 0.5 * told[0])


def test_an_unusual_row_does_not_make_the_table_sparse():
    slopes = {"raw": 1.0, "roughness": 0.5, "sparsity": 1.0}
    law = {"slopes": slopes, "spread": 1.0, "log_factor": 0.0, "intercept": 0.0}
    evidence = {"raw": 1.0, "roughness": 0.05, "sparsity": 0.02}
    goal = Goal(0.1, evidence, {"task": law, "row": law, "usually_taken": 0.5})
    values, std = np.full((1, 3, 1), 2.0), np.full((1, 3, 1), 0.5)
    told = [goal.expected(values, std, std, np.full((1, 1), excess)) for excess in (0.0, 2.0)]
    assert told[1] == pytest.approx((4 / 0.05) ** 0.5 * told[0])


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"tol": 0.1}, ValueError, r"tol=0\.1 needs a budget: pass budget="),
        ({"tol": 0.0, "budget": 9}, ValueError, r"tol must be a positive number or None; got 0"),
        ({"tol": "low", "budget": 9}, TypeError, r"tol must be a positive number .* got 'low'"),
    ],
)
def test_bad_tolerances(explainer, wine, options, error, message):
    with pytest.raises(error, match=message):
        explainer.explain(wine[0][:2], **options)


def test_a_tolerance_without_a_budget_is_refused_by_fit(wine):
    X, y = wine
    with pytest.raises(ValueError, match=r"tol=0\.1 needs a budget"):
        MetaExplainer(LogisticRegression(max_iter=5000), tol=0.1).fit(X, y)


def test_the_parameter_rests_where_nothing_is_to_be_asked(explainer, wine):
    X = wine[0][:3]
    expected = explainer.explain(X).values
    try:
        explainer.set_params(budget=40, tol=0.005)
        explanation = explainer.explain(X, budget=0)
        with pytest.raises(ValueError, match=r"tol=0\.1 needs a budget"):
            explainer.explain(X, budget=0, tol=0.1)
    finally:
        explainer.set_params(budget=0, tol=None)
    np.testing.assert_array_equal(explanation.values, expected)
    assert explanation.n_evaluations.tolist() == [0, 0, 0]


def half_widths(explanation):
    """Of intervals of 90%, in standard deviations, a row each."""
    low, high = explanation.interval(0.9)
    able = explanation.std > 0
    halves = np.where(able, (high - low) / 2, 0.0) / np.where(able, explanation.std, 1.0)
    return halves.max(axis=(1, 2))


def test_intervals_of_rows_that_spent_nothing_are_those_of_no_budget(explainer, wine):
    calibration = load_pretrained("default").calibration
    free, asked = (dict(calibration[name])[0.9] for name in ("quantiles", "quantiles_asked"))
    assert free != asked
    X = wine[0][::9]
    before = explainer.explain(X)
    np.testing.assert_allclose(half_widths(before), free)
    np.testing.assert_allclose(half_widths(explainer.explain(X, budget=20)), asked)
    goal = explainer._make_goal(1.0)
    pairs = zip(before.values[:, None, :, 1:], before.std[:, None, :, 1:], strict=True)
    expected = [goal.expected(values, std, std, np.zeros((1, 2))) for values, std in pairs]
    some = explainer.explain(X, budget=50, tol=float(np.median(expected)))
    spent = some.n_evaluations > 0
    assert 0 < spent.sum() < len(X)
    np.testing.assert_allclose(half_widths(some), np.where(spent, asked, free))
    np.testing.assert_allclose(half_widths(some[~spent]), free)
    none = explainer.explain(X, budget=50, tol=10.0)
    assert not none.n_evaluations.any()
    np.testing.assert_allclose(half_widths(none), free)


def test_no_more_is_drawn_than_is_used(explainer, wine, monkeypatch):
    drawn = []

    def draw(*arguments, **settings):
        drawn.append(draw_row_probes(*arguments, **settings))
        return drawn[-1]

    monkeypatch.setattr(_own, "draw_row_probes", draw)
    X = wine[0][:2]
    large = explainer.explain(X, budget=10**6, tol=0.005)
    assert len(drawn) == 1
    small = explainer.explain(X, budget=128, tol=0.005)
    np.testing.assert_allclose(large.values, small.values, rtol=1e-9)
    # Blocks continue one another as one long draw does.
    drawn.clear()
    explainer.explain(X, budget=300)
    assert len(drawn) == 3
    sizes = {"n_background": N_BACKGROUND, "n_players": D, "block": len(drawn[0].rows)}
    rng = np.random.RandomState(explainer._row_seed_)
    at_once = draw_row_probes(rng, 3 * sizes["block"], **sizes)
    for parts, whole in zip(zip(*drawn, strict=True), at_once, strict=True):
        np.testing.assert_array_equal(np.concatenate(parts), whole)


@pytest.mark.parametrize("budget", [EXACT, 100 * EXACT])
def test_what_no_surrogate_can_promise_is_enumerated(explainer, wine, budget, monkeypatch):
    X = wine[0][:3]
    made = []
    draw = _own.draw_row_probes
    monkeypatch.setattr(_own, "draw_row_probes", lambda *a, **k: made.append(1) or draw(*a, **k))
    truth = explainer.explain(X, budget=EXACT)
    assert not made
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        explanation = explainer.explain(X, budget=budget, tol=1e-14)
    # Nothing is asked twice, and no time is spent on looking for more than there is.
    np.testing.assert_array_equal(explanation.n_evaluations, truth.n_evaluations)
    assert len(made) < 4 * EXACT / 128
    np.testing.assert_allclose(explanation.values, truth.values, atol=1e-9)
    assert (explanation.std == 0).all()


def test_a_promise_that_is_kept_is_not_enumerated(explainer, wine):
    explanation = explainer.explain(wine[0][:3], budget=EXACT, tol=0.01)
    assert (explanation.n_evaluations < EXACT).all()
    assert (explanation.std > 0).any()


def test_a_budget_that_was_set_after_fit_is_checked(explainer, wine):
    try:
        with pytest.raises(ValueError, match=r"budget must be an int of at least 0.*-5"):
            explainer.set_params(budget=-5).explain(wine[0][:2])
    finally:
        explainer.set_params(budget=0)
