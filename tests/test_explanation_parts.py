"""Explanation: what its parts must be, and that they cannot change."""

import pickle
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pandas as pd
import pytest

from tests.small_explainers import N_FEATURES, N_SAMPLES, made_up_explanation


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

    def test_names_of_outputs_stay_what_they_are(self):
        mixed = replace(made_up_explanation(), output_names=["a", 1, None])
        assert mixed.output_names.tolist() == ["a", 1, None]
        assert mixed.for_output(1).output_names.tolist() == [1]
        assert made_up_explanation().output_names.dtype.kind == "U"

    def test_names_of_several_levels_are_taken_from_lists(self):
        features, outputs = [("a", 1), ("a", 2), ("b", 1)], [("x", "day"), ("x", "night")]
        named = replace(made_up_explanation(2), feature_names=features, output_names=outputs)
        assert named.feature_names.tolist() == features
        assert named.for_output(("x", "night")).output_names.tolist() == outputs[1:]
        assert named.global_importance().shape == (3, 2)

    def test_labels_are_those_of_one_output(self):
        one = made_up_explanation(1)
        with pytest.raises(ValueError, match=r"labels must have shape \(6,\)"):
            replace(one, labels=["x"])
        with pytest.raises(
            ValueError, match=r"labels must be among the outputs .*; got \['p', 'q', 'r'"
        ):
            replace(made_up_explanation(), labels=list("pqrpqr"))
