"""LoggedExplainer: exact values of its own surrogate, and what it says of logged outputs."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression

from sklearn_metaexplain import LoggedExplainer, explain
from sklearn_metaexplain.exceptions import LargeErrorWarning
from sklearn_metaexplain.metrics import get_explanation_scorer, shapley_error
from sklearn_metaexplain.model_selection import compare_explainers
from sklearn_metaexplain.posthoc._logged import _LEAST_ROWS
from sklearn_metaexplain.posthoc._logged_outputs import LoggedOutputs
from sklearn_metaexplain.shapley._error import FEW_LOGGED_CALIBRATION, LOGGED_CALIBRATION
from sklearn_metaexplain.testing import parametrize_with_explainer_checks
from sklearn_metaexplain.training._logged_calibration import logged_episodes
from tests.posthoc.tables import mixed_table
from tests.posthoc.test_exactness import alone, enumerated, numbers

SMALL = {"background": 6, "n_support": 128, "random_state": 0}


def scores(X):
    return np.sin(X[:, 0]) * X[:, 1] + X[:, 2]


def probabilities(X):
    return 1 / (1 + np.exp(-scores(X)))


def classes(X):
    odds = np.exp(np.column_stack([scores(X), X[:, 0], 0 * X[:, 0]]))
    return odds / odds.sum(1, keepdims=True)


def assert_enumerated(explainer, rows, groups):
    """Values of rows without outputs are those of `predict`, enumerated hybrid by hybrid."""
    explanation = explainer.explain(rows)
    for i in range(len(rows)):
        row = rows.iloc[[i]] if isinstance(rows, pd.DataFrame) else rows[[i]]
        truth = enumerated(explainer.predict, row, explainer.background_, groups)
        values = explanation.values[i][:, -truth.shape[1] :]
        np.testing.assert_allclose(values, truth, atol=1e-8)
    predicted = explainer.predict(rows).reshape(len(rows), -1)
    np.testing.assert_allclose(
        explanation.predictions[:, -predicted.shape[1] :], predicted, atol=1e-12
    )
    assert np.abs(explanation.residual).max() < 1e-9


class TestOwnSurrogate:
    @pytest.mark.parametrize("pretrained", ["default", None])
    @pytest.mark.parametrize(
        ("output", "log"),
        [
            ("raw", scores),
            ("raw", lambda X: np.column_stack([1e6 * scores(X), 1e-3 * X[:, 3]])),
            ("probability", probabilities),
            ("probability", lambda X: np.column_stack([1 - probabilities(X), probabilities(X)])),
            ("probability", classes),
            ("log_odds", scores),
        ],
        ids=["raw", "targets", "flat", "binary", "classes", "log odds"],
    )
    def test_enumeration(self, output, log, pretrained):
        X = numbers()
        explainer = LoggedExplainer(output=output, pretrained=pretrained, **SMALL)
        if log(X).max() > 1e3:  # 1e-8 of the outputs' size
            explainer.fit(X, log(X) * [1e-6, 1e3])
        else:
            explainer.fit(X, log(X))
        assert explainer.predict(X).shape == log(X).shape
        assert_enumerated(explainer, X[:4], alone(4))

    @pytest.mark.parametrize("groups", [None, {"person": ["age", "sex"]}])
    def test_strings_and_missing_values(self, groups):
        X, y = mixed_table()
        explainer = LoggedExplainer(output="probability", feature_groups=groups, **SMALL)
        explainer.fit(X, np.where(np.asarray(y) == np.asarray(y)[0], 0.9, 0.2))
        players = alone(4) if groups is None else [[0, 3], [1], [2]]
        assert_enumerated(explainer, X.iloc[:3].assign(port=["C", "unseen", None]), players)
        names = explainer.explain(X[:2]).feature_names.tolist()
        assert names == (list(X.columns) if groups is None else ["person", *X.columns[1:3]])
        assert explainer.get_feature_names_out().tolist() == names

    def test_a_linear_model_is_found_out(self):
        X = numbers()
        model = LinearRegression().fit(X, X @ [1.0, -2.0, 0.5, 0.0])
        explainer = LoggedExplainer(**SMALL).fit(X, model.predict(X))
        truth = (X[:9] - explainer.background_.mean(0)) * model.coef_
        error = np.square(explainer.explain(X[:9]).values[..., 0] - truth).sum()
        assert error < 0.02 * np.square(truth).sum()

    def test_dates_and_sparse_matrices(self):
        X = numbers()
        frame = pd.DataFrame(X, columns=list("abcd"))
        frame["b"] = pd.Timestamp("2020-01-01") + pd.to_timedelta(np.arange(len(X)) % 7, "D")
        explainer = LoggedExplainer(**SMALL).fit(frame, scores(X))
        assert np.abs(explainer.explain(frame[:3]).residual).max() < 1e-9
        dense = LoggedExplainer(**SMALL).fit(X, scores(X)).explain(X[:3]).values
        sparse_explainer = LoggedExplainer(**SMALL).fit(sparse.csr_array(X), scores(X))
        np.testing.assert_allclose(sparse_explainer.explain(sparse.csr_array(X[:3])).values, dense)

    def test_probabilities_of_several_classes_sum_to_one(self):
        X = numbers()
        explainer = LoggedExplainer(output="probability", **SMALL).fit(X, classes(X))
        rows = 3 * numbers()[::-1]
        np.testing.assert_allclose(explainer.predict(rows).sum(1), 1, atol=1e-12)


class TestOutputsGiven:
    def test_base_values_and_sums_are_the_logged_numbers(self):
        X = numbers()
        logged = classes(X)
        explainer = LoggedExplainer(output="probability", **SMALL).fit(X, logged)
        explanation = explainer.explain(X[:9], outputs=logged[:9])
        np.testing.assert_allclose(explanation.predictions, logged[:9])
        of_background = classes(explainer.background_).mean(0)
        np.testing.assert_allclose(explanation.base_values, np.tile(of_background, (9, 1)))
        assert np.abs(explanation.residual).max() < 1e-9
        np.testing.assert_allclose(explanation.values.sum(2), 0, atol=1e-9)
        assert explanation.n_evaluations.tolist() == [0] * 9
        assert explanation.value_function == "interventional"
        assert explainer.n_evaluations_ == 0

    def test_a_row_off_the_surrogate_is_followed(self):
        X = numbers()
        explainer = LoggedExplainer(**SMALL).fit(X, scores(X))
        given = explainer.explain(X[:3], outputs=scores(X)[:3] + 5.0)
        assert np.abs(given.residual).max() < 1e-9
        difference = given.values.sum(1) - explainer.explain(X[:3]).values.sum(1)
        np.testing.assert_allclose(difference, 5.0, atol=0.5)

    def test_probabilities_of_two_classes_mirror_each_other(self):
        X = numbers()
        p = probabilities(X)
        flat = LoggedExplainer(output="probability", **SMALL).fit(X, p)
        both = LoggedExplainer(output="probability", **SMALL).fit(X, np.column_stack([1 - p, p]))
        one = flat.explain(X[:5], outputs=p[:5])
        two = both.explain(X[:5], outputs=np.column_stack([1 - p, p])[:5])
        np.testing.assert_allclose(one.values, two.values, atol=1e-9)
        np.testing.assert_array_equal(one.values[..., 0], -one.values[..., 1])
        np.testing.assert_array_equal(one.std[..., 0], one.std[..., 1])
        np.testing.assert_allclose(one.predictions, np.column_stack([1 - p, p])[:5])
        assert flat.transform(X[:5]).shape == (5, 4)
        assert flat.get_feature_names_out().tolist() == ["x0", "x1", "x2", "x3"]
        assert one.for_predicted().values.shape == (5, 4, 1)

    def test_names_of_classes_come_from_a_frame(self):
        X = numbers()
        logged = pd.DataFrame(classes(X), columns=["no", "perhaps", "yes"])
        explanation = LoggedExplainer(output="probability", **SMALL).fit(X, logged).explain(X[:2])
        assert explanation.output_names.tolist() == ["no", "perhaps", "yes"]

    def test_rounded_probabilities_pass(self):
        X = numbers()
        logged = classes(X).round(2)
        explainer = LoggedExplainer(output="probability", **SMALL).fit(X, logged)
        explanation = explainer.explain(X, outputs=logged)
        np.testing.assert_allclose(explanation.values.sum(2), 0, atol=1e-9)
        np.testing.assert_allclose(explanation.predictions, logged, atol=0.01)


class TestRows:
    def test_columns_that_cannot_matter_get_nothing(self):
        X = np.column_stack([numbers(), np.full(60, 3.0)])
        explainer = LoggedExplainer(**SMALL).fit(X, scores(X))
        for options in ({}, {"outputs": scores(X)}):
            explanation = explainer.explain(X, **options)
            assert (explanation.values[:, 4] == 0).all()
            assert (explanation.std[:, 4] == 0).all()
            assert (explanation.values[:, 0] != 0).any()

    @pytest.mark.parametrize("given", [False, True])
    def test_a_row_alone_equals_the_batch(self, given):
        X = numbers(n=150)
        y = scores(X)
        explainer = LoggedExplainer(**SMALL).fit(X, y)
        batch = explainer.explain(X, outputs=y if given else None)
        for i in (0, 70, 149):
            row = explainer.explain(X[[i]], outputs=y[[i]] if given else None)
            np.testing.assert_allclose(row.values[0], batch.values[i], atol=1e-9)
            np.testing.assert_allclose(row.std[0], batch.std[i], atol=1e-9)

    def test_sample_of_many_rows_is_seeded_and_holds_the_background(self):
        X = numbers(n=400)
        y = scores(X)
        settings = {**SMALL, "n_support": 64}
        one, same = (LoggedExplainer(**settings).fit(X, y).explain(X[:5]) for _ in range(2))
        other = LoggedExplainer(**{**settings, "random_state": 1}).fit(X, y).explain(X[:5])
        np.testing.assert_array_equal(one.values, same.values)
        assert not np.allclose(one.values, other.values)
        # A generator is advanced: the next fit draws anew.
        generator = np.random.RandomState(0)
        first, second = (
            LoggedExplainer(**{**settings, "random_state": generator}).fit(X, y).background_
            for _ in range(2)
        )
        assert not np.array_equal(first, second)

    def test_background_of_the_users_own(self):
        X = numbers()
        y = scores(X)
        explainer = LoggedExplainer(background=X[[3, 7]], random_state=0).fit(X, y)
        base = explainer.explain(X[:1]).base_values[0, 0]
        assert base == pytest.approx((y[3] + y[7]) / 2)
        np.testing.assert_array_equal(explainer.background_, X[[3, 7]])
        # A row that was not logged counts with what the surrogate says of it.
        mixed = LoggedExplainer(background=np.vstack([X[3], X[7] + 0.1]), random_state=0).fit(X, y)
        base = mixed.explain(X[:1]).base_values[0, 0]
        assert base != pytest.approx((y[3] + y[7]) / 2, abs=1e-9)
        assert base == pytest.approx((y[3] + scores(X[[7]] + 0.1)[0]) / 2, abs=0.2)
        assert mixed.predict(mixed.background_).mean() == pytest.approx(base)

    def test_rows_of_the_background_that_were_logged_several_times(self):
        random = np.random.RandomState(0)
        X = random.randint(2, size=(60, 2)).astype(float)
        y = X @ [1.0, 2.0] + random.normal(size=60)
        for order in (np.arange(60), np.arange(60)[::-1]):
            fitted = LoggedExplainer(background=X, random_state=0).fit(X[order], y[order])
            assert fitted.explain(X[:1]).base_values[0, 0] == pytest.approx(y.mean())
        corner = np.equal(X, X[0]).all(axis=1)
        fitted = LoggedExplainer(background=X[:1], random_state=0).fit(X, y)
        assert fitted.explain(X[:1]).base_values[0, 0] == pytest.approx(y[corner].mean())

    def test_global_generators_are_left_alone(self):
        X = numbers()
        before = np.random.get_state()[1].copy(), torch.get_rng_state()
        LoggedExplainer(background=6).fit(X, scores(X)).explain(X[:3])
        np.testing.assert_array_equal(np.random.get_state()[1], before[0])
        assert torch.equal(torch.get_rng_state(), before[1])

    def test_pickled(self):
        X = numbers()
        explainer = LoggedExplainer(**SMALL).fit(X, scores(X))
        again = pickle.loads(pickle.dumps(explainer))
        np.testing.assert_array_equal(again.explain(X[:4]).values, explainer.explain(X[:4]).values)
        np.testing.assert_array_equal(again.predict(X), explainer.predict(X))

    def test_explain_passes_outputs_on(self):
        X = numbers()
        explainer = LoggedExplainer(**SMALL).fit(X, scores(X))
        explanation = explain(explainer, X[:2], outputs=scores(X)[:2])
        np.testing.assert_allclose(explanation.predictions[:, 0], scores(X)[:2])


class TestScoring:
    @pytest.mark.parametrize(
        ("output", "log"),
        [("raw", scores), ("probability", probabilities), ("probability", classes)],
    )
    def test_scorers_ask_the_surrogate_in_what_was_logged(self, output, log):
        X = numbers()
        explainer = LoggedExplainer(output=output, **SMALL).fit(X, log(X))
        # Values that are exact of the surrogate change as it does, but for what interacts.
        assert get_explanation_scorer("faithfulness")(explainer, X) > 0.7
        frame = compare_explainers({"logged": explainer}, X, log(X), n_samples=5)
        assert frame["faithfulness"].notna().all()

    def test_log_odds_are_scored_as_such(self):
        X = numbers()
        explainer = LoggedExplainer(output="log_odds", **SMALL).fit(X, scores(X))
        explanation = explainer.explain(X[:5])
        np.testing.assert_allclose(explainer._outputs_of(X[:5]), explanation.predictions)


class TestBadInput:
    @pytest.mark.parametrize(
        ("output", "y", "says"),
        [
            ("probability", lambda X: scores(X), 'set output="log_odds" or output="raw"'),
            ("probability", lambda X: probabilities(X)[:, None], "pass a 1-D array"),
            ("probability", lambda X: classes(X)[:, :2], "a column for each class"),
            ("raw", lambda X: np.array(["yes", "no"] * 30), "numbers that the model logged"),
            (
                "raw",
                lambda X: np.r_[np.ones(58), np.nan, np.nan],
                "is missing in row 58, 59",
            ),
            ("raw", lambda X: np.array(["1.0", "nan"] * 30), "missing in row 1, 3, 5, 7, 9, ...;"),
            ("raw", lambda X: pd.array([1.0, 2.0] * 29 + [pd.NA] * 2), "missing in row 58, 59;"),
            (
                "log_odds",
                lambda X: np.r_[np.ones(58), np.inf, -np.inf],
                'y is infinite in row 58, 59, as are log odds .*, with output="probability"',
            ),
            ("raw", lambda X: X[:-1, 0], "inconsistent numbers of samples"),
            ("raw", lambda X: np.zeros((60, 2, 2)), "array with dim 3"),
            ("raw", lambda X: None, "pass the outputs that the model logged"),
            (
                "raw",
                lambda X: pd.DataFrame(X[:, :2], columns=["a", "a"]),
                "y has more than one column named 'a'",
            ),
        ],
    )
    def test_outputs_that_cannot_be(self, output, y, says):
        X = numbers()
        with pytest.raises(ValueError, match=says):
            LoggedExplainer(output=output).fit(X, y(X))

    def test_probabilities_beyond_their_range_by_rounding(self):
        X = numbers()
        of_yes = probabilities(X)
        of_yes[:2] = 0, 1
        explainer = LoggedExplainer(output="probability", **SMALL).fit(X, of_yes)
        rounded = of_yes + np.where(np.arange(len(X)) == 0, -1e-7, 1e-7 * (of_yes == 1))
        again = LoggedExplainer(output="probability", **SMALL).fit(X, rounded)
        np.testing.assert_array_equal(again.predict(X), explainer.predict(X))
        assert again.explain(X[:2], outputs=rounded[:2]).predictions.tolist() == [[1, 0], [0, 1]]

    def test_too_few_rows(self):
        X = numbers()[: _LEAST_ROWS - 1]
        with pytest.raises(ValueError, match=f"at least {_LEAST_ROWS} logged rows.*MetaExplainer"):
            LoggedExplainer().fit(X, scores(X))

    def test_outputs_of_another_shape(self):
        X = numbers()
        explainer = LoggedExplainer(output="probability", **SMALL).fit(X, probabilities(X))
        with pytest.raises(ValueError, match=r"shape \(3,\).*got \(2,\)"):
            explainer.explain(X[:3], outputs=probabilities(X)[:2])
        with pytest.raises(ValueError, match="outputs holds"):
            explainer.explain(X[:3], outputs=scores(X)[:3] + 9)

    def test_outputs_are_read_by_their_columns(self):
        X = numbers()
        of_yes = probabilities(X)
        logged = pd.DataFrame({"no": 1 - of_yes, "yes": of_yes})
        explainer = LoggedExplainer(output="probability", **SMALL).fit(X, logged)
        expected = explainer.explain(X[:3], outputs=logged[:3])
        found = explainer.explain(X[:3], outputs=logged[["yes", "no"]][:3])
        np.testing.assert_array_equal(found.predictions, expected.predictions)
        np.testing.assert_array_equal(found.values, expected.values)
        wrong = logged[:3].rename(columns={"yes": "maybe"})
        with pytest.raises(ValueError, match=r"columns \['no', 'maybe'\], and y had \['no', 'yes'"):
            explainer.explain(X[:3], outputs=wrong)

    @pytest.mark.parametrize("n_rows", [1, 2, 3])  # as many rows as classes, and not
    def test_outputs_of_classes_that_are_booleans(self, n_rows):
        X = numbers()
        p = probabilities(X)
        logged = pd.DataFrame({False: 1 - p, True: p})
        explainer = LoggedExplainer(output="probability", **SMALL).fit(X, logged)
        explanation = explainer.explain(X[:n_rows], outputs=logged[:n_rows])
        assert explanation.output_names.tolist() == [False, True]
        np.testing.assert_allclose(explanation.predictions[:, 1], p[:n_rows])
        swapped = explainer.explain(X[:n_rows], outputs=logged[:n_rows].iloc[:, ::-1])
        np.testing.assert_array_equal(swapped.values, explanation.values)

    def test_text_in_a_column_of_numbers(self):
        X = pd.DataFrame(numbers(), columns=list("abcd"))
        explainer = LoggedExplainer(**SMALL).fit(X, scores(X.to_numpy()))
        wrong = X[:3].astype(object)
        wrong.iloc[1, 2] = "many"
        with pytest.raises(ValueError, match="Column 'c' held numbers in fit and now holds 'many'"):
            explainer.explain(wrong)

    def test_a_row_that_equals_its_background_but_for_the_output(self):
        X = numbers()
        explainer = LoggedExplainer(background=X[:1], random_state=0).fit(X, scores(X))
        assert (explainer.explain(X[:1], outputs=scores(X)[:1]).values == 0).all()
        with pytest.raises(ValueError, match=r"Row 0 equals every background row.*leave out"):
            explainer.explain(X[:1], outputs=scores(X)[:1] + 1)

    def test_the_same_in_a_small_unit(self):
        X = numbers()
        explainer = LoggedExplainer(background=X[:1], random_state=0).fit(X, 1e-12 * scores(X))
        with pytest.raises(ValueError, match="Row 0 equals every background row"):
            explainer.explain(X[:1], outputs=1e-12 * (scores(X)[:1] + 1))

    def test_background_with_other_columns(self):
        X = numbers()
        with pytest.raises(ValueError, match="background must be rows with the columns of X"):
            LoggedExplainer(background=X[:, :2]).fit(X, scores(X))


class TestOwnError:
    @pytest.mark.slow
    def test_coverage_on_prior_tasks(self):
        """Of models that the calibration has not seen; a wide band, for there are few."""
        inside, widths = [], []
        for episode in logged_episodes(16, seed=7):
            explainer, table, outputs = _fit_episode(episode)
            for given in (None, outputs):
                explanation = explainer.explain(table, outputs=given)
                error = np.abs(explanation.values[..., 0] - episode.values.numpy())
                able = episode.can_matter.numpy()
                inside.append((error <= 1.645 * explanation.std[..., 0])[able].mean())
                widths.append(explanation.std[..., 0][able].mean())
        assert 0.75 <= np.mean(inside) < 1.0
        assert np.mean(widths) < 0.5  # of the outputs' standard deviation

    @pytest.mark.parametrize("known", ["outputs unknown", "outputs given"])
    @pytest.mark.parametrize(
        ("n_rows", "calibrations"), [(63, FEW_LOGGED_CALIBRATION), (64, LOGGED_CALIBRATION)]
    )
    def test_deviations_are_calibrated_by_what_is_known(
        self, monkeypatch, n_rows, calibrations, known
    ):
        X = numbers(n=n_rows)
        explainer = LoggedExplainer(pretrained=None, **SMALL).fit(X, scores(X))

        def deviations():
            return [explainer.explain(X[:3], outputs=y).std for y in (None, scores(X[:3]))]

        before = deviations()
        calibration = calibrations["searched", known]
        monkeypatch.setitem(calibration, "std", 3 * calibration["std"])
        factors = (3, 1) if known == "outputs unknown" else (1, 3)
        for std, factor, after in zip(before, factors, deviations(), strict=True):
            np.testing.assert_allclose(after, factor * std)

    @pytest.mark.parametrize("seed", range(4))
    def test_a_model_that_cannot_be_learned_is_said_to_be_none(self, seed):
        X = np.random.RandomState(seed).normal(size=(64, 4))
        hashed = np.sin(X @ [12345.678, 98765.4, 45678.9, 34567.1]) * 43758.5453 % 1.0
        with pytest.warns(LargeErrorWarning, match="64 logged rows tell little of this model"):
            explainer = LoggedExplainer(random_state=0).fit(X, hashed)
        # Zeros for want of knowledge miss everything.
        assert explainer.shapley_error_ > 0.4
        assert explainer.shapley_error_se_ > 0
        assert (explainer.explain(X[:5]).std > 0).all()

    def test_few_rows_have_wider_errors(self):
        """About 90% of errors are within 1.645 deviations also where a log is short."""
        within = []
        for seed in range(12):
            X = np.random.RandomState(seed).normal(size=(12 + 2 * seed, 3))
            y = X[:, 0] * X[:, 1] + X[:, 2]
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", LargeErrorWarning)
                explanation = LoggedExplainer(random_state=0).fit(X, y).explain(X)
            centred = X - X.mean(0)
            # Shapley values of a product, every row being in the background.
            means = X.mean(0)
            both = (X[:, :1] * X[:, 1:2]) - (X[:, 0] * X[:, 1]).mean()
            alone = np.column_stack([centred[:, 0] * means[1], centred[:, 1] * means[0]])
            joint = both - alone.sum(1, keepdims=True)
            truth = np.column_stack([alone + joint / 2, centred[:, 2]])
            error = np.abs(explanation.values[..., 0] - truth)
            within.append((error <= 1.645 * explanation.std[..., 0]).mean())
        assert np.mean(within) > 0.8

    def test_estimate_is_larger_where_less_is_known(self):
        X = numbers(n=300)
        few = LoggedExplainer(**{**SMALL, "n_support": 30}).fit(X, scores(X))
        many = LoggedExplainer(**{**SMALL, "n_support": 300}).fit(X, scores(X))
        assert 0 < many.shapley_error_ < few.shapley_error_
        assert few.shapley_error_se_ > 0


def _fit_episode(episode):
    """Fit on an episode's logged rows; return also the rows to explain, and their outputs."""
    # The standardised cells of an episode stand for the table: one encoded column a column.
    support, query = episode.support[..., 1].numpy(), episode.query[..., 1].numpy()
    explainer = LoggedExplainer(
        background=episode.background[..., 1].numpy().astype(float),
        feature_groups=_groups(episode.player_of_column.tolist()),
        random_state=0,
    ).fit(support.astype(float), episode.outputs.numpy())
    return explainer, query.astype(float), (episode.base + episode.gap).numpy()


def _groups(players):
    return [
        [column for column, owner in enumerate(players) if owner == player]
        for player in sorted(set(players))
        if players.count(player) > 1
    ] or None


def test_forest_is_followed_on_its_own_rows():
    X, y = load_iris(return_X_y=True)
    forest = RandomForestClassifier(20, random_state=0).fit(X, y)
    logged = forest.predict_proba(X)
    explainer = LoggedExplainer(output="probability", random_state=0).fit(X, logged)
    assert explainer.score(X, logged) > 0.95


EXPLAINERS = [
    LoggedExplainer(background=5, random_state=0),
    LoggedExplainer(background=5, pretrained=None, random_state=0),
]


@parametrize_with_explainer_checks(EXPLAINERS)
def test_explainer_check(explainer, check):
    check(explainer)


@pytest.mark.parametrize("constant", [7.0, "u"])
def test_columns_that_never_varied_in_the_log_get_nothing(constant):
    rng = np.random.default_rng(0)
    log = pd.DataFrame({"a": rng.normal(size=150), "b": rng.normal(size=150), "k": constant})
    outputs = np.where(log["a"] > 0, 5 * log["a"], 0) * log["b"]
    explainer = LoggedExplainer(random_state=0).fit(log, outputs)
    rows = log[:5].assign(k=8.0 if constant == 7.0 else "w")
    np.testing.assert_array_equal(explainer.predict(rows), explainer.predict(log[:5]))
    for given in (None, outputs[:5] + 1):
        same, other = (explainer.explain(table, outputs=given) for table in (log[:5], rows))
        np.testing.assert_array_equal(other.values, same.values)
        assert not other.values[:, 2].any()
        np.testing.assert_allclose(other.residual, 0, atol=1e-9)


@pytest.mark.parametrize(("constant", "rounding"), [(0.0, 0.0), (0.2, 0.0), (0.2, 1e-12)])
@pytest.mark.parametrize("given", [False, True])
def test_a_class_whose_probability_was_always_the_same_keeps_it(constant, rounding, given):
    random = np.random.RandomState(0)
    X = random.normal(size=(120, 3))
    log = np.column_stack([(1 - constant) * classes(X), constant + rounding * random.rand(120)])
    explainer = LoggedExplainer(output="probability", **SMALL).fit(X, log)
    np.testing.assert_allclose(explainer.predict(X)[:, 3], constant, atol=1e-10)
    explanation = explainer.explain(X[:9], outputs=log[:9] if given else None)
    assert np.abs(explanation.values[..., 3]).max() < 1e-10
    assert np.abs(explanation.values).max() > 0.01
    np.testing.assert_allclose(explanation.values.sum(axis=2), 0, atol=1e-12)
    assert np.abs(explanation.residual).max() < 1e-9


def test_what_was_logged_of_a_row_goes_somewhere():
    explainer = LoggedExplainer(random_state=0).fit(np.full((20, 2), 7.0), np.arange(20.0))
    explanation = explainer.explain(np.array([[7.0, 8.0]]), outputs=[10.0])
    np.testing.assert_allclose(explanation.values[0, :, 0], [0.0, 0.5])


@pytest.mark.parametrize("given", [False, True])
def test_identifiers_of_rows_tell_nothing(given):
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(150, 2)), columns=["a", "b"])
    table.insert(1, "customer", [f"C-{place:04d}" for place in rng.permutation(150)])
    log = 2 * table["a"] - table["b"]
    explainer = LoggedExplainer(background=20, random_state=0).fit(table, log)
    assert explainer.score(table, log) > 0.9
    rows = table[:20]
    explanation = explainer.explain(rows, outputs=log[:20] if given else None)
    values = explanation.values[..., 0]
    assert (values[:, 1] == 0).all()
    assert (explanation.std[:, 1] == 0).all()
    means = explainer.background_[["a", "b"]].mean()
    truth = (rows[["a", "b"]] - means) * [2, -1]
    assert shapley_error(truth.to_numpy()[..., None], values[:, [0, 2], None]) < 0.02
    # Nor does one that was not logged.
    newcomer = rows.assign(customer="C-9999")
    unknown = explainer.explain(newcomer, outputs=log[:20] if given else None)
    np.testing.assert_array_equal(unknown.values, explanation.values)


def test_a_log_of_noise_is_not_learned_by_heart_from_rare_categories():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"town": [f"T{place % 75}" for place in range(150)]})
    table["x"] = rng.normal(size=150)
    log = rng.normal(size=150)
    with pytest.warns(LargeErrorWarning, match=r"150 logged rows tell little"):
        explainer = LoggedExplainer(background=20, random_state=0).fit(table, log)
    # By the mean of its town alone half of the variance of the log could be told.
    assert explainer.score(table, log) < 0.3


def test_a_log_of_identifiers_alone_tells_nothing():
    table = pd.DataFrame({"customer": [f"C-{row}" for row in range(40)]})
    log = np.arange(40.0)
    explainer = LoggedExplainer(background=10, random_state=0).fit(table, log)
    explanation = explainer.explain(table)
    assert (explanation.values == 0).all()
    np.testing.assert_allclose(explainer.predict(table), explanation.base_values[:, 0])


@pytest.mark.parametrize("dtype", ["float64", "float32", "Float32", "Float64"])
def test_outputs_of_any_type_are_copied_as_numbers_that_torch_takes(dtype):
    log = pd.Series([0.25, 0.5, 0.75], dtype=dtype)
    read = LoggedOutputs(log, "raw").read(log, 3)
    assert read.flags.writeable  # of others torch warns
    read[:] = 0.0
    assert log.tolist() == [0.25, 0.5, 0.75]
