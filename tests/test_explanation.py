"""Explanation: rows and outputs are selected."""

import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from sklearn_metaexplain import Explanation
from tests.small_explainers import N_FEATURES, N_SAMPLES, labelled_frame, made_up_explanation


class TestRows:
    def test_selections_are_the_rows_own(self):
        explanation = made_up_explanation()
        for part in (explanation[:2], explanation.for_output("x"), explanation.for_predicted()):
            assert not part.values.flags.writeable
            assert not np.shares_memory(part.values, explanation.values)

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

    def test_a_mask_is_not_read_in_the_order_of_other_rows(self):
        data = labelled_frame()
        explanation = made_up_explanation(data=data)
        mask = pd.Series(np.arange(N_SAMPLES) > 3, index=data.index)
        reordered = mask[::-1]
        with pytest.raises(IndexError, match=r"labels of the rows in another order.*reindex"):
            explanation[reordered]
        with pytest.raises(IndexError, match=r"in another order"):
            explanation[reordered.astype("boolean")]
        for same in (mask, reordered.reindex(explanation.index), mask.reset_index(drop=True)):
            assert explanation[same].index.tolist() == data.index[mask].tolist()
        assert len(explanation[pd.Series([1, 0], index=["row 1", "row 0"])]) == 2


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
