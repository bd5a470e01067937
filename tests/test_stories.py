"""The stories of users that must come true, one or more tests each, in their order.

Where a story speaks of any explainer, all three are asked.
"""

import json
import os
import pickle
import subprocess
import sys
import textwrap
import warnings
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from sklearn_metaexplain import (
    Explanation,
    LimeExplainer,
    MetaExplainer,
    ShapExplainer,
    explain,
)
from sklearn_metaexplain.metrics import faithfulness_score, make_explanation_scorer, shapley_error
from tests.metrics.test_scorers import RandomExplainer
from tests.posthoc.tables import Recording, mixed_pipeline, mixed_table

ROOT = Path(__file__).parents[1]
EXPLAINERS = [MetaExplainer, ShapExplainer, LimeExplainer]
ADDITIVE = [MetaExplainer, ShapExplainer]
SMALL = {
    MetaExplainer: {"background": 10, "n_support": 96, "random_state": 0},
    ShapExplainer: {"background": 10, "random_state": 0},
    LimeExplainer: {"background": 10, "n_samples": 100, "random_state": 0},
}
VARIANTS = (
    (MetaExplainer, {}),
    (MetaExplainer, {"budget": 30}),
    (MetaExplainer, {"pretrained": None}),
    (MetaExplainer, {"max_epochs": 2}),
    (ShapExplainer, {"algorithm": "permutation", "budget": 100}),
    (LimeExplainer, {}),
)
SCORER = make_explanation_scorer(
    faithfulness_score, n_samples=15, n_background=10, metric_params={"n_coalitions": 30}
)

every_explainer = pytest.mark.parametrize("kind", EXPLAINERS)


def small(kind, model, **settings):
    return kind(model, **{**SMALL[kind], **settings})


def in_a_fresh_process(code, *arguments):
    """Run code in a Python of its own, without a GPU; return what it prints as JSON."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module", name="fresh_process")
def _fresh_process(tmp_path_factory):
    """What a new Python says of explainers fitted anew and of those saved here."""
    folder = tmp_path_factory.mktemp("saved")
    X, y = mixed_table()
    for number, (kind, settings) in enumerate(VARIANTS):
        explainer = small(kind, mixed_pipeline(), **settings).fit(X, y)
        (folder / f"{number}.pkl").write_bytes(pickle.dumps(explainer))
        joblib.dump(explainer, folder / f"{number}.joblib")
        explainer.explain(X[:15]).save(folder / f"{number}.npz")
    return in_a_fresh_process(
        """
        import json, pickle, sys
        from pathlib import Path
        import joblib, numpy as np
        from sklearn_metaexplain import Explanation
        from tests.posthoc.tables import mixed_pipeline, mixed_table
        from tests.test_stories import VARIANTS, small

        folder = Path(sys.argv[1])
        X, y = mixed_table()
        differences, equal = [], {}
        for number, (kind, settings) in enumerate(VARIANTS):
            before = Explanation.load(folder / f"{number}.npz")
            # Another order of rows and another number of threads, too.
            explainer = small(kind, mixed_pipeline(), n_jobs=2, **settings).fit(X, y)
            values = explainer.explain(X[:15][::-1]).values[::-1]
            differences.append(float(np.abs(values - before.values).max()))
            saved = (
                pickle.loads((folder / f"{number}.pkl").read_bytes()),
                joblib.load(folder / f"{number}.joblib"),
            )
            after = [loaded.explain(X[:15]) for loaded in saved]
            for name in ("values", "base_values", "predictions", "std", "n_evaluations"):
                arrays = [getattr(explanation, name) for explanation in (before, *after)]
                equal[f"{name} {number}"] = all(array is None for array in arrays) or all(
                    np.array_equal(arrays[0], array) for array in arrays
                )
            for name in ("index", "data"):
                equal[f"{name} {number}"] = all(
                    getattr(before, name).equals(getattr(explanation, name))
                    for explanation in after
                )
        print(json.dumps({"differences": differences, "equal": equal}))
        """,
        folder,
    )


class TestStory1RawColumnsOfAPipeline:
    """Two numeric and two string columns through a ColumnTransformer."""

    @every_explainer
    @pytest.mark.parametrize("model", [LogisticRegression(), RandomForestClassifier(5)])
    def test_columns_are_those_of_the_table_and_nothing_warns(self, kind, model):
        X, y = mixed_table()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            explainer = small(kind, mixed_pipeline(model)).fit(X, y)
            explanation = explainer.explain(X[:20])
            frame = explanation.to_frame()
            transformed = explainer.set_output(transform="pandas").transform(X[:20])
        assert explanation.values.shape == (20, 4, 2)
        assert explanation.feature_names.tolist() == X.columns.tolist()
        assert frame.columns.get_level_values(1).unique().tolist() == X.columns.tolist()
        assert frame["yes"].columns.tolist() == X.columns.tolist()
        assert frame.index.tolist() == X.index[:20].tolist()
        assert transformed.columns.tolist() == X.columns.tolist()
        np.testing.assert_array_equal(transformed, frame["yes"])
        pd.testing.assert_frame_equal(explanation.data, X[:20])

    @every_explainer
    def test_the_model_gets_columns_and_dtypes_as_it_was_fitted_on_them(self, kind):
        X, y = mixed_table()
        X = X.assign(
            member=X["age"] > 40,
            deck=pd.Categorical(X["port"]),
            visits=pd.array(X["age"] // 10, dtype="Int64"),
            born=pd.Timestamp("2000-01-01") - pd.to_timedelta(X["age"] * 365, unit="D"),
        )
        asked = []

        def look(table):
            asked.append(table.dtypes.to_dict())
            return table

        model = make_pipeline(FunctionTransformer(look), mixed_pipeline()).fit(X, y)
        asked.clear()
        small(kind, FrozenEstimator(model), background=5).fit(X).explain(X[:2])
        assert asked
        assert all(list(dtypes.items()) == list(X.dtypes.items()) for dtypes in asked)


class TestStory2SameRowSameAnswer:
    """Alone, in a batch, in another order, in another process, with one or two threads."""

    @pytest.mark.parametrize(("kind", "settings"), VARIANTS)
    def test_alone_permuted_and_in_threads(self, kind, settings):
        X, y = mixed_table()
        explainer = small(kind, mixed_pipeline(), **settings).fit(X, y)
        batch = explainer.explain(X[:40])
        for i in (0, 17, 39):
            alone = explainer.explain(X.iloc[[i]])
            np.testing.assert_allclose(alone.values[0], batch.values[i], atol=1e-6)
            np.testing.assert_allclose(alone.predictions[0], batch.predictions[i], atol=1e-6)
            if batch.std is not None:
                np.testing.assert_allclose(alone.std[0], batch.std[i], atol=1e-6)
        order = np.random.default_rng(0).permutation(40)
        permuted = explainer.explain(X.iloc[order])
        np.testing.assert_allclose(permuted.values, batch.values[order], atol=1e-6)
        for n_jobs in (1, 2):
            other = small(kind, mixed_pipeline(), n_jobs=n_jobs, batch_size=50, **settings)
            values = other.fit(X, y).explain(X[:40]).values
            np.testing.assert_allclose(values, batch.values, atol=1e-6)

    def test_in_a_fresh_process(self, fresh_process):
        differences = fresh_process["differences"]
        assert len(differences) == len(VARIANTS)
        assert max(differences) < 1e-6


class TestStory3NothingLeaks:
    """Noise labels: a clone of what was fitted on all rows knows no more than a new one."""

    @pytest.fixture
    def noise(self):
        rng = np.random.default_rng(0)
        return rng.normal(size=(60, 4)), rng.integers(0, 2, 60)

    @pytest.mark.parametrize(
        ("kind", "settings"),
        [
            (MetaExplainer, {}),
            (MetaExplainer, {"max_epochs": 2}),
            (ShapExplainer, {"budget": 200}),
            (LimeExplainer, {}),
        ],
    )
    def test_scores_of_a_clone(self, noise, kind, settings):
        X, y = noise
        forest = RandomForestClassifier(5, random_state=0)
        never_fitted = small(kind, forest, **settings)
        fitted = small(kind, forest, **settings).fit(X, y)
        assert fitted.score(X, y) > 0.9  # the labels were learned by heart
        for scoring in (None, SCORER):
            scores = cross_val_score(clone(fitted), X, y, cv=3, scoring=scoring)
            expected = cross_val_score(never_fitted, X, y, cv=3, scoring=scoring)
            np.testing.assert_array_equal(scores, expected)
            if scoring is None:
                assert scores.mean() < 0.7

    def test_the_shipped_networks_stay_as_they_are(self, noise):
        """Adapted networks are copies: what is fitted after them does not change."""
        X, y = noise
        before = small(MetaExplainer, LogisticRegression()).fit(X, y).explain(X[:5])
        small(MetaExplainer, LogisticRegression(), max_epochs=3, lr=0.1).fit(X, y)
        after = small(MetaExplainer, LogisticRegression()).fit(X, y).explain(X[:5])
        np.testing.assert_array_equal(before.values, after.values)


class TestStory4Search:
    """GridSearchCV over a Pipeline that ends in an explainer."""

    GRIDS = (
        (MetaExplainer, {"budget": [0, 20]}),
        (ShapExplainer, {"algorithm": ["exact", "permutation"]}),
        (LimeExplainer, {"n_samples": [20, 100]}),
    )

    @pytest.mark.parametrize(("kind", "grid"), GRIDS)
    def test_refit_explains_as_the_settings_alone_do(self, kind, grid):
        X, y = mixed_table()
        encode = make_column_transformer(
            (OneHotEncoder(sparse_output=False), ["port"]),
            (StandardScaler(), ["age", "fare"]),
            verbose_feature_names_out=False,
        ).set_output(transform="pandas")
        steps = [("encode", encode), ("explainer", small(kind, LogisticRegression()))]
        search = GridSearchCV(
            Pipeline(steps),
            {
                "explainer__estimator__C": [0.1, 1.0],
                **{f"explainer__{name}": values for name, values in grid.items()},
            },
            cv=3,
            scoring={"accuracy": "accuracy", "faithfulness": SCORER},
            refit="faithfulness",
            error_score="raise",
        ).fit(X, y)
        for name in ("accuracy", "faithfulness"):
            for statistic in ("mean", "std"):
                assert np.isfinite(search.cv_results_[f"{statistic}_test_{name}"]).all()
        alone = clone(Pipeline(steps)).set_params(**search.best_params_).fit(X, y)
        ours, theirs = explain(search, X[:10]), explain(alone, X[:10])
        np.testing.assert_array_equal(ours.values, theirs.values)
        assert ours.feature_names.tolist() == ["port_C", "port_Q", "port_S", "age", "fare"]
        np.testing.assert_array_equal(search.predict(X), alone.predict(X))


class TestStory5Missing:
    """A model that takes missing values, trained and asked with them."""

    @every_explainer
    def test_values_are_finite_and_the_cell_reads_missing(self, kind):
        X, y = mixed_table()
        X = X.astype({"age": float})
        X.iloc[::5, 0] = np.nan
        X.iloc[::7, 2] = None
        encode = make_column_transformer(
            (OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["port", "sex"]),
            remainder="passthrough",
        )
        boosting = HistGradientBoostingClassifier(max_iter=10, min_samples_leaf=5, random_state=0)
        explainer = small(kind, make_pipeline(encode, boosting)).fit(X, y)
        explanation = explainer.explain(X[:11])
        assert np.isfinite(explanation.values).all()
        assert np.isfinite(explanation.predictions).all()
        missing = X[:11].isna().to_numpy()
        assert missing.sum() == 5
        assert ((explanation.display_data == "missing") == missing).all()
        if explanation.additive:
            assert np.abs(explanation.residual).max() < 1e-6
        else:
            conditions = explanation.support["conditions"]
            assert conditions[0, 0] == "age=missing"
            assert conditions[7, 2] == "port=missing"

    @every_explainer
    def test_a_missing_value_is_attributed_what_it_does(self, kind):
        rng = np.random.default_rng(0)
        X = rng.normal(size=(200, 3))
        X[::2, 1] = np.nan
        y = np.isnan(X[:, 1]).astype(int)
        boosting = HistGradientBoostingClassifier(max_iter=10, random_state=0)
        settings = {"n_samples": 1000} if kind is LimeExplainer else {}
        explainer = small(kind, boosting, background=20, **settings).fit(X, y)
        explanation = explainer.explain(X[:10]).for_output(1)
        assert (explanation.values[::2, 1] > 0.2).all()
        assert (explanation.values[1::2, 1] < -0.2).all()
        assert np.abs(explanation.values[:, [0, 2]]).max() < 0.1

    @every_explainer
    def test_missing_only_where_it_is_explained(self, kind):
        X = np.random.default_rng(0).normal(size=(80, 3))
        boosting = HistGradientBoostingClassifier(max_iter=5, random_state=0)
        explainer = small(kind, boosting).fit(X, X[:, 0] > 0)
        odd = X[:2].copy()
        odd[0, 0] = np.nan
        explanation = explainer.explain(odd)
        assert np.isfinite(explanation.values).all()
        assert explanation.display_data[0, 0] == "missing"


class TestStory6Classes:
    """String classes, two or three of them."""

    @every_explainer
    @pytest.mark.parametrize("labels", [["zebra", "ant"], ["zebra", "ant", "mole"]])
    def test_last_axis_is_in_the_order_of_classes(self, kind, labels):
        X, _ = mixed_table()
        # The first row has the label that comes last in the alphabet.
        y = np.array(labels)[np.argsort(X["age"].to_numpy()).argsort() * len(labels) // len(X)]
        explainer = small(kind, mixed_pipeline()).fit(X, y)
        assert explainer.classes_.tolist() == sorted(labels)
        explanation = explainer.explain(X[:12])
        assert explanation.values.shape == (12, 4, len(labels))
        assert explanation.output_names.tolist() == sorted(labels)
        probabilities = explainer.predict_proba(X[:12])
        np.testing.assert_allclose(explanation.predictions, probabilities, atol=1e-12)
        assert explanation.predicted_labels.tolist() == explainer.predict(X[:12]).tolist()
        np.testing.assert_allclose(explanation.values.sum(axis=2), 0, atol=1e-6)
        # Alone, too, and of one label.
        assert explanation[0].values.shape == (1, 4, len(labels))
        assert explanation.for_output("zebra").values.shape == (12, 4, 1)

    @pytest.mark.parametrize("kind", ADDITIVE)
    @pytest.mark.parametrize("labels", [["zebra", "ant"], ["zebra", "ant", "mole"]])
    def test_base_and_sum_are_the_probability(self, kind, labels):
        X, _ = mixed_table()
        y = np.array(labels)[(X["age"] // 10 % len(labels)).to_numpy()]
        explainer = small(kind, mixed_pipeline(RandomForestClassifier(5, random_state=0)))
        explanation = explainer.fit(X, y).explain(X[:20])
        missed = explainer.predict_proba(X[:20]) - (
            explanation.base_values + explanation.values.sum(axis=1)
        )
        np.testing.assert_allclose(missed, explanation.residual, atol=1e-12)
        assert np.abs(explanation.residual).max() < 1e-6
        background = explainer.predict_proba(explainer.background_)
        np.testing.assert_allclose(explanation.base_values, [background.mean(axis=0)] * 20)

    def test_what_does_not_add_up_says_so(self):
        X, y = mixed_table()
        explanation = small(LimeExplainer, mixed_pipeline()).fit(X, y).explain(X[:3])
        assert not explanation.additive
        assert np.isnan(explanation.residual).all()


class TestStory7Persistence:
    """Saved, and loaded in another process on a CPU."""

    def test_identical_arrays_in_another_process(self, fresh_process):
        equal = fresh_process["equal"]
        assert len(equal) == 7 * len(VARIANTS)
        assert [name for name, same in equal.items() if not same] == []

    def test_an_explanation_is_loaded_as_it_was_saved(self, tmp_path):
        X, y = mixed_table()
        explanation = small(MetaExplainer, mixed_pipeline()).fit(X, y).explain(X[:10])
        explanation.save(tmp_path / "explanation.npz")
        loaded = Explanation.load(tmp_path / "explanation.npz")
        pd.testing.assert_frame_equal(loaded.to_frame(), explanation.to_frame())
        pd.testing.assert_frame_equal(loaded.data, explanation.data)

    @pytest.mark.parametrize(
        ("kind", "settings", "documented"),
        [
            (MetaExplainer, {}, 0),
            (MetaExplainer, {"budget": 12}, 12),
            (ShapExplainer, {"algorithm": "permutation", "budget": 40}, 40),
            (LimeExplainer, {"n_samples": 20}, 19),
        ],
    )
    def test_a_thousand_rows_cost_what_is_documented(self, kind, settings, documented):
        X = np.random.default_rng(0).normal(size=(1000, 3))
        explainer = small(kind, Recording(), **settings).fit(X)
        model = explainer.estimator_
        at_fit = {MetaExplainer: 96, ShapExplainer: 10, LimeExplainer: 10}[kind]
        assert model.n_asked == explainer.n_evaluations_ == at_fit
        model.asked_.clear()
        explanation = explainer.explain(X)
        assert model.n_asked == 1000 + explanation.n_evaluations.sum()
        assert explanation.n_evaluations.max() <= documented
        assert explanation.n_evaluations.max() > 0.8 * documented - 1
        if kind is MetaExplainer:  # not once a row
            assert len(model.asked_) <= 3 + 1000 * documented // 8000


@pytest.fixture(scope="module", name="scores")
def _scores():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(240, 5))
    y = (X[:, 0] * X[:, 1] + X[:, 2] + 0.3 * X[:, 3] > 0).astype(int)
    model = FrozenEstimator(RandomForestClassifier(30, random_state=0).fit(X, y))
    contenders = {
        "meta": small(MetaExplainer, model, n_support=240, background=20),
        "meta, hardly asked": small(MetaExplainer, model, n_support=36, background=20),
        "shap": small(ShapExplainer, model, algorithm="exact", background=20),
        "lime": small(LimeExplainer, model, n_samples=500),
        "random": RandomExplainer(model, background=20, random_state=0),
    }
    # One call: the steps of a search are candidates like any others.
    search = GridSearchCV(
        Pipeline([("explainer", contenders["random"])]),
        {"explainer": list(contenders.values())},
        cv=3,
        scoring=SCORER,
        error_score="raise",
    ).fit(X, y)
    return dict(zip(contenders, search.cv_results_["mean_test_score"], strict=True))


class TestStory8Scores:
    """Meta, LIME, SHAP and random attributions of one model, on the same perturbations."""

    def test_random_loses(self, scores):
        assert abs(scores["random"]) < 0.5
        for name in ("meta", "shap", "lime"):
            assert scores[name] > scores["random"] + 0.2

    def test_where_meta_loses_is_shown(self, scores):
        """Exact values are the better ones, and few evaluations the worse: scores say it."""
        assert scores["meta, hardly asked"] < scores["meta"] - 0.01
        assert scores["meta, hardly asked"] < scores["shap"] - 0.01

    def test_all_were_judged_by_the_same_perturbations(self):
        X, y = mixed_table()
        asked = []

        def look(explanation, predict, *, background, feature_groups, random_state):
            asked.append((explanation.data, background, random_state))
            return 0.0

        for kind in EXPLAINERS:
            explainer = small(kind, mixed_pipeline()).fit(X[:50], y[:50])
            make_explanation_scorer(look)(explainer, X[50:])
        for data, background, random_state in asked[1:]:
            pd.testing.assert_frame_equal(data, asked[0][0])
            pd.testing.assert_frame_equal(background, asked[0][1])
            assert random_state == asked[0][2]

    def test_errors_where_truth_is_known(self):
        X = np.random.default_rng(0).normal(size=(100, 4))
        exact, meta, random = (
            explainer.fit(X).explain(X[:30])
            for explainer in (
                small(ShapExplainer, Recording(), background=X[:10]),
                small(MetaExplainer, Recording(), background=X[:10]),
                RandomExplainer(Recording(), background=X[:10], random_state=0),
            )
        )
        assert 0 < shapley_error(exact, meta) < 0.2
        assert shapley_error(exact, random) > 1


class TestStory9OddTables:
    """One row, a constant column, CSR, an unseen category, wrong columns."""

    @every_explainer
    def test_one_row(self, kind):
        X, y = mixed_table()
        explanation = small(kind, mixed_pipeline()).fit(X, y).explain(X[:1])
        assert explanation.values.shape == (1, 4, 2)
        assert np.abs(explanation.values).max() > 0

    @pytest.mark.parametrize(
        ("kind", "settings"),
        [
            (MetaExplainer, {}),
            (MetaExplainer, {"budget": 20}),
            (MetaExplainer, {"budget": 10_000}),
            (ShapExplainer, {}),
            (LimeExplainer, {"n_samples": 4000}),
        ],
    )
    def test_constant_and_ignored_columns(self, kind, settings):
        rng = np.random.default_rng(0)
        X = pd.DataFrame(rng.normal(size=(100, 3)), columns=["matters", "too", "ignored"])
        X["constant"] = "same"
        encode = make_column_transformer(("passthrough", ["matters", "too"]))
        explainer = small(kind, make_pipeline(encode, LogisticRegression()), **settings)
        explanation = explainer.fit(X, X["matters"] + X["too"] > 0).explain(X[:30])
        values = dict(zip(X.columns, explanation.values.transpose(1, 0, 2), strict=True))
        assert (values["constant"] == 0).all()
        size = np.abs(values["matters"]).mean()
        assert size > 0.1
        assert np.abs(values["ignored"]).mean() < 0.05 * size
        if kind is ShapExplainer or settings.get("budget") == 10_000:
            np.testing.assert_allclose(values["ignored"], 0, atol=1e-9)

    @every_explainer
    @pytest.mark.parametrize("container", [sparse.csr_array, sparse.csr_matrix])
    def test_sparse(self, kind, container):
        X = np.random.default_rng(0).normal(size=(80, 4))
        X[np.abs(X) < 0.5] = 0
        model = FrozenEstimator(LogisticRegression().fit(X, X[:, 0] > 0))
        dense = small(kind, model).fit(X).explain(X[:5])
        thin = small(kind, model).fit(container(X)).explain(container(X[:5]))
        assert thin.values.shape == (5, 4, 2)
        # The model's own last digits differ, and networks make more of them in training.
        np.testing.assert_allclose(thin.values, dense.values, atol=1e-5)

    @every_explainer
    def test_an_unseen_category(self, kind):
        X, y = mixed_table()
        explainer = small(kind, mixed_pipeline()).fit(X, y)
        odd = X[:3].assign(port=["Z", "another", "S"])
        explanation = explainer.explain(odd)
        assert np.isfinite(explanation.values).all()
        np.testing.assert_allclose(explanation.predictions, explainer.predict_proba(odd))

    @every_explainer
    def test_an_unseen_category_that_the_model_refuses(self, kind):
        X, y = mixed_table()
        encode = make_column_transformer((OneHotEncoder(), ["port", "sex"]))
        explainer = small(kind, make_pipeline(encode, LogisticRegression())).fit(X, y)
        with pytest.raises(ValueError, match="Found unknown categories"):
            explainer.explain(X[:3].assign(port="Z"))

    @every_explainer
    def test_wrong_columns(self, kind):
        X, y = mixed_table()
        explainer = small(kind, mixed_pipeline()).fit(X, y)
        with pytest.raises(ValueError, match=r"now missing:\n- fare"):
            explainer.explain(X.drop(columns="fare"))
        with pytest.raises(ValueError, match="must be in the same order"):
            explainer.explain(X[X.columns[::-1]])


LARGE_BACKGROUND = """
    import json, resource, sys
    import numpy as np
    from sklearn.frozen import FrozenEstimator
    from sklearn.linear_model import LogisticRegression
    from sklearn_metaexplain import LimeExplainer, MetaExplainer, ShapExplainer
    from tests.test_stories import small

    def peak():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

    kind, settings = globals()[sys.argv[1]], json.loads(sys.argv[2])
    X = np.random.default_rng(0).normal(size=(20_000, 30))
    model = FrozenEstimator(LogisticRegression().fit(X, X[:, 0] > 0))
    small(kind, model, **{**settings, "background": 5}).fit(X[:200]).explain(X[:1])  # imports
    before = peak()
    explanation = small(kind, model, background=X, **settings).fit(X).explain(X[:2])
    assert np.abs(explanation.for_output(True).values[:, 0]).max() > 0.01
    print(json.dumps(peak() - before))
"""


class TestStory10NothingIsTouched:
    """The user's parameters and model stay as they are, and memory is bounded."""

    @every_explainer
    def test_parameters_and_the_users_model(self, kind):
        X, y = mixed_table()
        background = X[:12].copy()
        model = mixed_pipeline()
        explainer = small(kind, model, background=background)
        before = explainer.get_params()
        hashed = joblib.hash(before)
        explainer.fit(X, y).explain(X[:3])
        explainer.transform(X[:3])
        after = explainer.get_params()
        assert list(after) == list(before)
        assert all(after[name] is before[name] for name in before)
        assert joblib.hash(after) == hashed
        assert not hasattr(model[-1], "coef_")
        pd.testing.assert_frame_equal(background, X[:12])

    @every_explainer
    def test_a_frozen_model(self, kind):
        X, y = mixed_table()
        model = mixed_pipeline(RandomForestClassifier(3, random_state=0)).fit(X, y)
        hashed = joblib.hash(model)
        explainer = small(kind, FrozenEstimator(model)).fit(X[:50], y[:50][::-1])
        explainer.explain(X[:3])
        assert joblib.hash(model) == hashed

    @every_explainer
    def test_the_table_and_the_targets(self, kind):
        X, y = mixed_table()
        numbers = X[["age", "fare"]].to_numpy(dtype=float)
        hashed = joblib.hash((X, y, numbers))
        small(kind, mixed_pipeline()).fit(X, y).explain(X[:3])
        explanation = small(kind, Ridge()).fit(numbers, numbers[:, 0]).explain(numbers[:3])
        assert joblib.hash((X, y, numbers)) == hashed
        with pytest.raises(ValueError, match="read-only"):
            explanation.values[0] = 0

    @every_explainer
    def test_explaining_changes_no_attribute(self, kind):
        X, y = mixed_table()
        explainer = small(kind, mixed_pipeline()).fit(X, y)
        hashed = joblib.hash(pickle.dumps(explainer))
        explainer.explain(X[:3])
        assert joblib.hash(pickle.dumps(explainer)) == hashed

    @pytest.mark.slow
    @pytest.mark.parametrize(
        ("kind", "settings"),
        [
            (MetaExplainer, {"n_support": 20_128}),
            (ShapExplainer, {"algorithm": "permutation", "budget": 58 * 20_000}),
            (LimeExplainer, {}),
        ],
    )
    def test_a_background_of_twenty_thousand_rows(self, kind, settings):
        if sys.platform != "linux":
            pytest.skip("ru_maxrss is in kilobytes on Linux only")
        used = in_a_fresh_process(LARGE_BACKGROUND, kind.__name__, json.dumps(settings))
        assert used < 2**30
