"""Explanation: what is read off it, tables, intervals, notebooks."""

import pickle
import re
import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sklearn_metaexplain import Explanation
from tests.small_explainers import N_FEATURES, N_SAMPLES, labelled_frame, made_up_explanation


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

    @pytest.mark.parametrize(
        ("dtype", "first"), [("M8[ns]", pd.Timestamp), ("m8[ns]", pd.Timedelta)]
    )
    def test_nanoseconds_are_shown_as_the_times_that_they_are(self, dtype, first):
        data = np.arange(N_SAMPLES * 3).reshape(-1, 3).astype(dtype)
        data[1, 0] = "NaT"
        shown = made_up_explanation(data=data).display_data
        assert isinstance(shown[0, 0], first)
        assert shown[2, 1] == data[2, 1]
        assert shown[1, 0] == "missing"

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

    def test_predicted_labels_of_a_regressor(self):
        explanation = made_up_explanation(1, ["target"], estimator_type="regressor")
        assert explanation.predicted_labels.tolist() == ["target"] * N_SAMPLES
        # The largest of several targets, each in its own units, means nothing.
        with pytest.raises(ValueError, match=r"several targets .* one of \['x', 'y'\]"):
            _ = made_up_explanation(2, estimator_type="regressor").predicted_labels


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
