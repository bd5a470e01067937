"""Explanation: shapes, selections, tables, files."""

import pickle
import re
import warnings
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from sklearn_metaexplain import Explanation
from tests.small_explainers import N_FEATURES, N_SAMPLES, labelled_frame, made_up_explanation


class TestConstruction:
    def test_base_values_of_one_row_serve_all(self):
        explanation = made_up_explanation()
        assert explanation.base_values.shape == (N_SAMPLES, 3)
        assert (explanation.base_values == explanation.base_values[0]).all()

    def test_one_count_serves_all_rows(self):
        assert made_up_explanation(n_evaluations=7).n_evaluations.tolist() == [7] * N_SAMPLES

    def test_frozen_and_read_only(self):
        explanation = made_up_explanation()
        with pytest.raises(FrozenInstanceError):
            explanation.values = 0
        for copy in (explanation, pickle.loads(pickle.dumps(explanation))):
            with pytest.raises(ValueError, match="read-only"):
                copy.values[0] = 0

    @pytest.mark.parametrize("is_view", [False, True])
    def test_what_the_caller_writes_later_changes_nothing(self, is_view):
        given = {
            "values": np.ones((N_SAMPLES, N_FEATURES, 3)),
            "base_values": np.ones(3),
            "predictions": np.ones((N_SAMPLES, 3)),
            "std": np.ones((N_SAMPLES, N_FEATURES, 3)),
            "std_quantiles": np.ones((2, 2)),
            "feature_names": np.array(["a", "b", "c"], dtype=object),
            "output_names": np.array(["x", "y", "z"]),
            "n_evaluations": np.ones(N_SAMPLES, dtype=np.int64),
            "labels": np.array(list("xyzxyz")),
            "feature_of_column": np.array([1, 2, 0, 1]),
        }
        # A view may be read-only where the array is not.
        passed = {
            name: np.broadcast_to(array, array.shape) if is_view else array
            for name, array in given.items()
        }
        explanation = replace(made_up_explanation(), additive=False, **passed)
        before = {name: getattr(explanation, name).tolist() for name in given}
        for array in given.values():
            array[:] = array.flat[0] * 2  # what is the caller's stays writeable
        assert {name: getattr(explanation, name).tolist() for name in given} == before

    def test_what_nobody_can_write_into_is_not_copied(self):
        explanation = made_up_explanation()
        for other in (replace(explanation, index=list("uvwxyz")), replace(explanation, data=None)):
            assert other.values is explanation.values
            assert np.shares_memory(other.base_values, explanation.base_values)
        own = np.zeros((N_SAMPLES, N_FEATURES, 3))
        own.flags.writeable = False
        assert replace(explanation, values=own, additive=False).values is own

    def test_selections_are_the_rows_own(self):
        explanation = made_up_explanation()
        for part in (explanation[:2], explanation.for_output("x"), explanation.for_predicted()):
            assert not part.values.flags.writeable
            assert not np.shares_memory(part.values, explanation.values)

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"values": np.zeros((N_SAMPLES, N_FEATURES))}, "three dimensions"),
            ({"predictions": np.zeros((N_SAMPLES, 2))}, "predictions must have shape"),
            ({"base_values": np.zeros((N_SAMPLES, 2))}, "base_values must have shape"),
            ({"std": np.zeros((N_SAMPLES, N_FEATURES, 1))}, "std must have shape"),
            ({"std": np.full((N_SAMPLES, N_FEATURES, 3), -1.0)}, "std must not be negative"),
            ({"feature_names": ["a"]}, "feature_names must have shape"),
            ({"feature_names": ["a", "b", "a"]}, "feature_names must differ; 'a'"),
            ({"output_names": ["yes", "no", "no"]}, "output_names must differ; 'no'"),
            ({"output_names": ["a"]}, "output_names must have shape"),
            ({"n_evaluations": [1, 2]}, "n_evaluations must have shape"),
            ({"output": "logit"}, "output must be one of"),
            ({"estimator_type": "clusterer"}, "estimator_type"),
            ({"data": np.zeros((2, 3))}, "data has 2 rows"),
            ({"index": pd.RangeIndex(2)}, "index has 2 rows"),
            ({"support": {"nearest": np.zeros((2, 3))}}, "nearest has 2 rows"),
            ({"feature_of_column": [0, 1, 3]}, "feature_of_column must hold positions"),
            ({"feature_of_column": [-1, 1, 2]}, r"whole numbers from 0 to 2; got \[-1, 1, 2\]"),
            ({"feature_of_column": [0.0, 1.0, 2.0]}, "feature_of_column must hold positions"),
            (
                {"feature_of_column": [0, 1, 2], "data": np.zeros((N_SAMPLES, 4))},
                r"feature_of_column must have shape \(4,\)",
            ),
        ],
    )
    def test_parts_that_do_not_fit(self, changes, message):
        with pytest.raises(ValueError, match=message):
            replace(made_up_explanation(), **changes)


class TestRows:
    @pytest.mark.parametrize(
        ("rows", "positions"),
        [
            (2, [2]),
            (-1, [5]),
            (np.int64(3), [3]),
            (slice(1, 4), [1, 2, 3]),
            (slice(None, None, -2), [5, 3, 1]),
            ([4, 0, 0], [4, 0, 0]),
            (np.array([True, False, True, False, False, False]), [0, 2]),
            (pd.Series([False] * 5 + [True]), [5]),
            ([], []),
            (slice(3, 3), []),
        ],
    )
    @pytest.mark.parametrize(
        "data", [labelled_frame(), np.arange(18.0).reshape(6, 3), sparse.eye(6).tocoo()]
    )
    def test_every_index_keeps_three_dimensions(self, rows, positions, data):
        support = {
            "nearest": np.arange(2 * N_SAMPLES).reshape(N_SAMPLES, 2),
            "text": list("abcdef"),
        }
        explanation = made_up_explanation(data=data, support=support)
        part = explanation[rows]
        assert len(part) == len(positions)
        np.testing.assert_array_equal(part.values, explanation.values[positions])
        np.testing.assert_array_equal(part.std, explanation.std[positions])
        np.testing.assert_array_equal(part.base_values, explanation.base_values[positions])
        np.testing.assert_array_equal(part.predictions, explanation.predictions[positions])
        np.testing.assert_array_equal(part.n_evaluations, positions)
        np.testing.assert_array_equal(part.support["nearest"], support["nearest"][positions])
        assert part.support["text"].tolist() == [support["text"][i] for i in positions]
        assert part.data.shape[0] == len(positions)
        if isinstance(data, pd.DataFrame):
            pd.testing.assert_frame_equal(part.data, data.iloc[positions])
            pd.testing.assert_index_equal(part.index, data.index[positions])

    def test_iterating_gives_rows(self):
        rows = list(made_up_explanation())
        assert [row.values.shape for row in rows] == [(1, N_FEATURES, 3)] * N_SAMPLES

    @pytest.mark.parametrize("rows", [(0, 1), N_SAMPLES, [[0, 1]], "a", np.array([True])])
    def test_bad_index(self, rows):
        with pytest.raises(IndexError):
            made_up_explanation()[rows]

    @pytest.mark.parametrize("rows", ["std", ["row 1"], 1.5, None, slice("row 1", "row 2")])
    def test_names_are_no_rows(self, rows):
        with pytest.raises(IndexError, match=r"does not say which rows.*get_loc.*for_output.*std"):
            made_up_explanation(data=labelled_frame())[rows]


class TestOutputs:
    def test_for_output(self):
        explanation = made_up_explanation()
        one = explanation.for_output("y")
        np.testing.assert_array_equal(one.values, explanation.values[:, :, 1:2])
        np.testing.assert_array_equal(one.std, explanation.std[:, :, 1:2])
        np.testing.assert_array_equal(one.predictions, explanation.predictions[:, 1:2])
        np.testing.assert_array_equal(one.residual, explanation.residual[:, 1:2])
        assert one.output_names.tolist() == ["y"]

    @pytest.mark.parametrize(
        ("labels", "label"),
        [(["no", "yes"], "yes"), ([0, 1], 1), ([False, True], True), ([0.5, 2.0], 2)],
    )
    def test_labels_of_any_type(self, labels, label):
        explanation = made_up_explanation(2, np.array(labels))
        np.testing.assert_array_equal(
            explanation.for_output(label).values, explanation.values[:, :, 1:]
        )

    def test_unknown_output(self):
        with pytest.raises(ValueError, match=r"No output 'q'; there are \['x', 'y', 'z'\]"):
            made_up_explanation().for_output("q")

    @pytest.mark.parametrize("several", [np.array(["x", "y"]), pd.Series(["x"]), ["x"]], ids=str)
    def test_several_outputs(self, several):
        with pytest.raises(TypeError, match=r"one of \['x', 'y', 'z'\].*for_predicted\(\)"):
            made_up_explanation().for_output(several)

    def test_for_predicted_takes_each_rows_largest_output(self):
        explanation = made_up_explanation()
        one = explanation.for_predicted()
        assert one.values.shape == (N_SAMPLES, N_FEATURES, 1)
        assert len(set(explanation.predicted_labels)) > 1
        for i, label in enumerate(explanation.predicted_labels):
            expected = explanation[i].for_output(label)
            np.testing.assert_array_equal(one[i].values, expected.values)
            np.testing.assert_array_equal(one[i].base_values, expected.base_values)
            assert one[i].predictions == explanation.predictions[i].max()

    def test_predicted_labels_are_kept_with_the_predicted_outputs(self, tmp_path):
        explanation = made_up_explanation()
        labels = explanation.predicted_labels
        one = explanation.for_predicted()
        one.save(tmp_path / "one.npz")
        for kept in (
            one,
            one.for_predicted(),
            one.for_output("predicted"),
            pickle.loads(pickle.dumps(one)),
            Explanation.load(tmp_path / "one.npz"),
        ):
            assert kept.predicted_labels.tolist() == labels.tolist()
            assert kept[[4, 0]].predicted_labels.tolist() == labels[[4, 0]].tolist()
        with pytest.raises(ValueError, match="read-only"):
            one.labels[0] = "x"

    def test_names_of_outputs_stay_what_they_are(self):
        mixed = replace(made_up_explanation(), output_names=["a", 1, None])
        assert mixed.output_names.tolist() == ["a", 1, None]
        assert mixed.for_output(1).output_names.tolist() == [1]
        assert made_up_explanation().output_names.dtype.kind == "U"

    @pytest.mark.parametrize("unit", ["ns", "us", "s"])
    @pytest.mark.parametrize("kind", ["dates", "durations"])
    def test_outputs_are_known_by_dates_and_durations_of_any_unit(self, unit, kind):
        days = (
            pd.date_range("2024-01-01", periods=3)
            if kind == "dates"
            else pd.to_timedelta([1, 2, 3], unit="D")
        )
        given = days.as_unit(unit).to_numpy()
        explanation = made_up_explanation(labels=given)
        for k, label in enumerate(days):
            for named in (label, label.to_numpy(), given[k]):
                one = explanation.for_output(named)
                np.testing.assert_array_equal(one.values[..., 0], explanation.values[..., k])
        assert explanation.to_frame().columns.levels[0].tolist() == days.tolist()
        largest = explanation.predictions.argmax(axis=1)
        assert (explanation.predicted_labels == given[largest]).all()
        told = replace(explanation, labels=given[[2, 1, 0, 0, 2, 1]])
        np.testing.assert_array_equal(
            told.for_predicted().values[0, :, 0], explanation.values[0, :, 2]
        )

    def test_labels_are_those_of_one_output(self):
        one = made_up_explanation(1)
        with pytest.raises(ValueError, match=r"labels must have shape \(6,\)"):
            replace(one, labels=["x"])
        with pytest.raises(
            ValueError, match=r"labels must be among the outputs .*; got \['p', 'q', 'r'"
        ):
            replace(made_up_explanation(), labels=list("pqrpqr"))

    @pytest.mark.parametrize(
        ("names", "labels"),
        [
            ([False, True], np.array([1, 0, 1])),
            (np.array([0, 1]), np.array([True, False, True])),
            (np.array([0, 1]), np.array([1.0, 0.0, 1.0])),
            (["a", 1], [1, "a", 1]),
        ],
    )
    def test_labels_of_another_type_name_the_outputs_that_equal_them(self, names, labels):
        values = np.array([[[1.0, -1.0]], [[2.0, -2.0]], [[3.0, -3.0]]])
        explanation = Explanation(
            values,
            [0.5, 0.5],
            np.full((3, 2), 0.5),
            feature_names=["x"],
            output_names=names,
            output="probability",
            n_evaluations=0,
            labels=labels,
            additive=False,
        )
        assert explanation.for_predicted().values.ravel().tolist() == [-1.0, 2.0, -3.0]

    def test_labels_say_what_a_model_predicts_whose_largest_output_is_another(self):
        explanation = made_up_explanation()
        names = explanation.output_names
        labels = names[[2, 1, 0, 0, 2, 1]]
        told = replace(explanation, labels=labels)
        assert told.predicted_labels.tolist() == labels.tolist()
        one = told.for_predicted()
        for i, label in enumerate(labels):
            expected = explanation.for_output(label)
            np.testing.assert_array_equal(one.values[i], expected.values[i])
            np.testing.assert_array_equal(one.predictions[i], expected.predictions[i])
        assert one[[3, 0]].predicted_labels.tolist() == labels[[3, 0]].tolist()
        # Of one output there is nothing else to predict.
        assert set(told.for_output(names[0]).predicted_labels) == {names[0]}

    def test_for_predicted_of_a_regressor(self):
        explanation = made_up_explanation(1, ["target"], estimator_type="regressor")
        assert explanation.for_predicted().output_names.tolist() == ["target"]
        with pytest.raises(ValueError, match="several targets"):
            made_up_explanation(2, estimator_type="regressor").for_predicted()

    def test_predicted_labels_of_a_regressor(self):
        explanation = made_up_explanation(1, ["target"], estimator_type="regressor")
        assert explanation.predicted_labels.tolist() == ["target"] * N_SAMPLES
        # The largest of several targets, each in its own units, means nothing.
        with pytest.raises(ValueError, match=r"several targets .* one of \['x', 'y'\]"):
            _ = made_up_explanation(2, estimator_type="regressor").predicted_labels


class TestReading:
    def test_residual(self):
        explanation = made_up_explanation()
        off = replace(explanation, predictions=explanation.predictions + np.array([0.0, 0.5, 0.0]))
        np.testing.assert_allclose(off.residual, np.tile([0, 0.5, 0], (N_SAMPLES, 1)), atol=1e-12)
        assert np.isnan(replace(off, additive=False).residual).all()

    def test_to_frame(self):
        explanation = made_up_explanation(data=labelled_frame())
        table = explanation.to_frame()
        assert table.index.tolist() == labelled_frame().index.tolist()
        assert table.columns.names == ["output", "feature"]
        for k, label in enumerate("xyz"):
            np.testing.assert_array_equal(table[label], explanation.values[:, :, k])
            pd.testing.assert_frame_equal(explanation.to_frame(label), table[label])

    def test_to_frame_without_rows(self):
        none = made_up_explanation(data=labelled_frame())[[]]
        pd.testing.assert_frame_equal(
            none.to_frame(), made_up_explanation(data=labelled_frame()).to_frame().iloc[:0]
        )

    def test_to_frame_without_labels(self):
        assert made_up_explanation().to_frame().index.tolist() == list(range(N_SAMPLES))

    def test_index_outlives_the_data(self):
        explanation = replace(made_up_explanation(data=labelled_frame()), data=None)
        assert explanation.to_frame().index.tolist() == labelled_frame().index.tolist()

    def test_global_importance(self):
        explanation = made_up_explanation()
        importance = explanation.global_importance()
        assert importance.shape == (N_FEATURES, 3)
        assert importance.loc["b", "z"] == pytest.approx(np.abs(explanation.values[:, 1, 2]).mean())

    def test_no_rows_have_no_importance_and_can_be_shown(self):
        none = made_up_explanation(data=labelled_frame())[[]]
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert none.global_importance().isna().all(axis=None)
            assert none.global_importance().shape == (N_FEATURES, 3)
            assert "0 rows" in none._repr_html_()

    def test_missing_cells_read_missing(self):
        data = labelled_frame()
        data.loc["row 1", "a"] = np.nan
        data.loc["row 2", "b"] = None
        explanation = made_up_explanation(data=data)
        assert explanation.display_data[1].tolist() == ["missing", "t", 1]
        assert explanation.display_data[2, 1] == "missing"
        assert explanation.to_shap("x").display_data[1, 0] == "missing"

    def test_to_shap(self):
        explanation = made_up_explanation(data=labelled_frame())
        of_label = explanation.to_shap("z")
        np.testing.assert_array_equal(of_label.values, explanation.values[:, :, 2])
        np.testing.assert_array_equal(of_label.base_values, explanation.base_values[:, 2])
        assert list(of_label.feature_names) == ["a", "b", "c"]
        of_predicted = explanation.to_shap()
        np.testing.assert_array_equal(
            of_predicted.values, explanation.for_predicted().values[:, :, 0]
        )
        assert of_predicted.display_data is None
        np.testing.assert_array_equal(of_predicted[0].data, labelled_frame().iloc[0].to_numpy())
        # What shap gets is its own to change.
        of_label.values[:] = of_label.base_values[:] = 0.0
        assert explanation.values[:, :, 2].all()

    def test_shap_gets_nan_for_missing_nullable_numbers(self):
        data = pd.DataFrame(
            {
                "a": pd.array([1, None, 3, 4, 5, 6], dtype="Int64"),
                "b": pd.array([0.5, 1.5, None, 3.5, 4.5, 5.5], dtype="Float64"),
                "c": pd.array([True, False, True, None, True, False], dtype="boolean"),
            }
        )
        handed = made_up_explanation(data=data).to_shap("x")
        assert handed.data.dtype == np.float64
        np.testing.assert_array_equal(np.isnan(handed.data), data.isna())
        assert handed.display_data[1].tolist() == ["missing", 1.5, False]
        mixed = made_up_explanation(data=data.assign(c=list("uvwxyz"))).to_shap("x").data
        assert np.isnan(mixed[1, 0])
        assert mixed[1, 2] == "v"

    def test_repr_is_short(self):
        explanation = made_up_explanation()
        assert repr(explanation) == "Explanation(6 rows, 3 features, outputs x, y, z in raw)"
        many = made_up_explanation(6)
        assert repr(many).count(",") < 10
        assert "<table" in explanation._repr_html_()

    def test_notebooks_show_the_largest_columns_and_escape_names(self):
        n_features = 12
        values = np.arange(7 * n_features * 2.0).reshape(7, n_features, 2)
        explanation = Explanation(
            values,
            [0.0, 0.0],
            values.sum(axis=1),
            feature_names=["least", *(f"c{j}" for j in range(1, 11)), "<script>alert(1)</script>"],
            output_names=["no", "<b>yes</b>"],
            output="raw",
            n_evaluations=0,
        )
        page = explanation._repr_html_()
        assert "<script>" not in page
        assert "<b>" not in page
        assert "&lt;b&gt;yes&lt;/b&gt;" in page
        assert "&lt;script&gt;alert(1)" in page
        # The two smallest columns, the first ones, are left out.
        assert "least" not in page
        assert "<th>c1</th>" not in page
        assert "and 2 more rows and 2 more features" in page
        cells = [float(cell) for cell in re.findall(r"<td>([^<]*)</td>", page)]
        first = values[0, :, 1]
        np.testing.assert_allclose(cells[:12], [first.sum(), 0, *first[:1:-1]], rtol=1e-2)


class TestInterval:
    QUANTILES = ((0.5, 0.4), (0.9, 2.0))

    def test_half_widths_are_multiples_of_std(self):
        std = np.full(made_up_explanation().values.shape, 0.1)
        gaussian = replace(made_up_explanation(), std=std)
        low, high = gaussian.interval(0.9)
        np.testing.assert_allclose((low + high) / 2, gaussian.values)
        np.testing.assert_allclose(high - low, 2 * 0.1 * 1.644854, rtol=1e-6)
        calibrated = replace(gaussian, std_quantiles=self.QUANTILES)
        low, high = calibrated.interval(0.9)
        np.testing.assert_allclose(high - low, 2 * 0.1 * 2.0)

    def test_it_is_kept_with_rows_outputs_and_files(self, tmp_path):
        std = np.full(made_up_explanation().values.shape, 0.1)
        explanation = replace(made_up_explanation(), std=std, std_quantiles=self.QUANTILES)
        explanation.save(tmp_path / "one.npz")
        label = explanation.output_names[0]
        for part in (
            explanation[1:2],
            explanation.for_output(label),
            pickle.loads(pickle.dumps(explanation)),
            Explanation.load(tmp_path / "one.npz"),
        ):
            low, high = part.interval(0.5)
            assert low.shape == part.values.shape
            np.testing.assert_allclose(high - low, 2 * 0.1 * 0.4)

    def test_what_cannot_be_said(self):
        with pytest.raises(ValueError, match="no std, hence no intervals: MetaExplainer gives one"):
            replace(made_up_explanation(), std=None).interval()
        std = np.ones(made_up_explanation().values.shape)
        calibrated = replace(made_up_explanation(), std=std, std_quantiles=self.QUANTILES)
        for wrong in ("90%", None, np.array([0.5, 0.9])):
            with pytest.raises(TypeError, match="coverage must be a number between 0 and 1, like"):
                calibrated.interval(wrong)
        with pytest.raises(ValueError, match=r"give at most 0\.9"):
            calibrated.interval(0.95)
        with pytest.raises(ValueError, match="std_quantiles must have shape"):
            replace(made_up_explanation(), std_quantiles=[1.0, 2.0, 3.0])
        with pytest.raises(ValueError, match=r"std_quantiles must have shape \(6, 2, 2\)"):
            replace(made_up_explanation(), std_quantiles=np.ones((N_SAMPLES - 1, 2, 2)))

    def test_rows_may_have_multiples_of_their_own(self, tmp_path):
        nines = np.array([2.0, 3.0, 2.0, 5.0, 3.0, 2.0])
        quantiles = np.array([[[0.5, 0.4], [0.9, nine]] for nine in nines])
        std = np.full(made_up_explanation().values.shape, 0.1)
        explanation = replace(made_up_explanation(), std=std, std_quantiles=quantiles)
        explanation.save(tmp_path / "one.npz")
        label = explanation.output_names[0]
        every = np.arange(N_SAMPLES)
        for part, rows in (
            (explanation, every),
            (explanation[1:4], every[1:4]),
            (explanation[::-1], every[::-1]),
            (explanation[3], [3]),
            (explanation[[]], []),
            (explanation.for_output(label), every),
            (explanation.for_predicted(), every),
            (pickle.loads(pickle.dumps(explanation)), every),
            (Explanation.load(tmp_path / "one.npz"), every),
        ):
            low, high = part.interval(0.9)
            assert low.shape == part.values.shape
            expected = 2 * 0.1 * nines[rows][:, None, None]
            np.testing.assert_allclose(high - low, np.broadcast_to(expected, low.shape))
        with pytest.raises(ValueError, match=r"give at most 0\.9"):
            explanation.interval(0.95)
