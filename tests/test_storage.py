"""Explanations come back from their files as they were."""

from dataclasses import replace
from datetime import UTC, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction

import dateutil.tz
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from sklearn_metaexplain import Explanation
from tests.small_explainers import N_SAMPLES, labelled_frame, made_up_explanation


class TestFiles:
    def saved_and_loaded(self, explanation, tmp_path):
        path = tmp_path / "kept"
        explanation.save(path)
        assert path.exists(), "written as named"
        return Explanation.load(path)

    @pytest.mark.parametrize(
        "labels",
        [
            np.array(["no", "yes"]),
            np.array([3, 7]),
            np.array([False, True]),
            np.array([0.5, 1.5]),
            np.array(["no", 1], dtype=object),
            np.array(["no", "yes"], dtype=object),
        ],
    )
    def test_everything_comes_back(self, labels, tmp_path):
        support = {"nearest": np.arange(N_SAMPLES), "text": np.array(list("abcdef"), dtype=object)}
        explanation = made_up_explanation(
            2,
            labels,
            data=labelled_frame(),
            feature_of_column=[2, 0, 2],
            support=support,
            additive=False,
        )
        loaded = self.saved_and_loaded(explanation, tmp_path)
        for name in ("values", "base_values", "predictions", "std", "n_evaluations"):
            np.testing.assert_array_equal(getattr(loaded, name), getattr(explanation, name))
        assert loaded.output_names.dtype == labels.dtype
        assert loaded.output_names.tolist() == labels.tolist()
        assert [type(label) for label in loaded.output_names] == [type(label) for label in labels]
        assert loaded.feature_names.tolist() == ["a", "b", "c"]
        for name in ("output", "value_function", "additive", "estimator_type"):
            assert getattr(loaded, name) == getattr(explanation, name)
        pd.testing.assert_frame_equal(loaded.data, explanation.data)
        pd.testing.assert_index_equal(loaded.index, explanation.index)
        assert loaded.feature_of_column.tolist() == [2, 0, 2]
        assert loaded.support["text"].tolist() == list("abcdef")
        assert loaded.support["nearest"].dtype == support["nearest"].dtype

    def test_without_optional_parts(self, tmp_path):
        loaded = self.saved_and_loaded(made_up_explanation(std=None), tmp_path)
        assert loaded.std is None
        assert loaded.data is None
        assert loaded.feature_of_column is None
        assert loaded.support is None
        assert loaded.index is None

    def test_columns_of_every_kind(self, tmp_path):
        days = pd.date_range("2024-01-01", periods=N_SAMPLES)
        data = pd.DataFrame(
            {
                "float": [0.5, np.nan, np.inf, 1, 2, 3],
                "int": np.arange(N_SAMPLES, dtype=np.int8),
                "bool": [True, False] * 3,
                "text": ["a", None, "", "d", "e\n", "ü"],
                "object": np.array(["a", None, 1, 2.5, True, np.nan], dtype=object),
                "nullable": pd.array([1, None, 3, 4, 5, 2**62 + 1], dtype="Int64"),
                "boolean": pd.array([True, None] * 3, dtype="boolean"),
                "string": pd.array(["a", None] * 3, dtype="string"),
                "category": pd.Categorical(
                    ["lo", "hi", None] * 2, ["lo", "hi", "no"], ordered=True
                ),
                "numbers": pd.Categorical([1, 2, 3] * 2),
                "day": days,
                "zoned": days.tz_localize("Europe/Berlin"),
                "span": pd.to_timedelta(np.arange(N_SAMPLES), unit="h"),
            },
        )
        data.loc[1, "day"] = pd.NaT
        spread = pd.Series(np.arange(N_SAMPLES) * 1.5)
        data["cut"] = pd.cut(spread, [-1, 0, 3, 9], right=False)
        data["interval"] = data["cut"].astype("interval[float64, left]")
        data["month"] = days.to_period("M")
        data.loc[2, "month"] = pd.NaT
        cells = {
            "date": days.date,
            "datetime": days.to_pydatetime(),
            "aware": days.tz_localize("UTC").to_pydatetime(),
            "timedelta": (days - days[3]).to_pytimedelta(),
            "duration": list(days - days[3]),
            "decimal": [Decimal("0.10"), Decimal(-3), None] * 2,
            "time": [time(1, 2, 3, 4), None, time(5, tzinfo=UTC)] * 2,
            "fraction": [Fraction(1, 3), None, Fraction(7)] * 2,
        }
        for name, column in cells.items():
            data[name] = pd.Series(column, dtype=object)
        loaded = self.saved_and_loaded(made_up_explanation(data=data), tmp_path)
        pd.testing.assert_frame_equal(loaded.data, data)
        for name in cells:
            assert [type(cell) for cell in loaded.data[name]] == [type(cell) for cell in data[name]]

    @pytest.mark.parametrize(
        ("cells", "dtype"),
        [
            ([0, 1.5, np.nan, 0, 0, 2], pd.SparseDtype(float, 0.0)),
            ([0, 1.5, np.nan, 0, 0, 2], pd.SparseDtype(np.float32, 0.0)),
            ([0, 1.5, np.nan, 0, 0, 2], pd.SparseDtype(float, np.nan)),
            ([0, 1, 0, 0, 0, 2], pd.SparseDtype(np.int8, 1)),
            ([True, False] * 3, pd.SparseDtype(bool, False)),
            (["a", None, "", "", "", "b"], pd.SparseDtype(object, "")),
            (pd.date_range("2024-01-01", periods=N_SAMPLES), "Sparse[datetime64[ns]]"),
        ],
    )
    def test_sparse_columns(self, cells, dtype, tmp_path):
        data = pd.DataFrame({"thin": pd.arrays.SparseArray(cells, dtype=dtype)})
        loaded = self.saved_and_loaded(made_up_explanation(data=data), tmp_path)
        pd.testing.assert_frame_equal(loaded.data, data)
        assert loaded.data["thin"].sparse.density == data["thin"].sparse.density

    @pytest.mark.parametrize(
        "zone",
        [
            "Europe/Berlin",
            "dateutil/Europe/Berlin",
            dateutil.tz.tzutc(),
            dateutil.tz.tzoffset("X", 3600),
            timezone(timedelta(hours=2), "CEST"),
            timezone(timedelta(hours=2), "EST"),
            timezone(timedelta(hours=-5, minutes=-30)),
        ],
    )
    def test_zones_are_found_again_or_refused(self, zone, tmp_path):
        moments = pd.date_range("2024-03-01", periods=N_SAMPLES, freq="18D", tz=zone)
        explanation = made_up_explanation(data=pd.DataFrame({"t": moments}))
        if zone == "dateutil/Europe/Berlin":
            with pytest.raises(TypeError, match=r"times in the zone .*tz_convert to a zone by its"):
                explanation.save(tmp_path / "one.npz")
            return
        loaded = self.saved_and_loaded(explanation, tmp_path).data["t"]
        assert loaded.dt.tz_localize(None).tolist() == list(moments.tz_localize(None))
        assert (loaded == moments).all()

    @pytest.mark.parametrize(
        "index",
        [
            pd.RangeIndex(3, 3 + N_SAMPLES, name="number"),
            pd.Index(list("abcdef"), name="letter"),
            pd.Index(list("abcdef"), dtype=object),
            pd.date_range("2024-01-01", periods=N_SAMPLES, tz="UTC").rename("day"),
            pd.MultiIndex.from_product([["a", "b"], [1, 2, 3]], names=["letter", None]),
            pd.MultiIndex.from_arrays([list("abcdef")], names=["letter"]),
        ],
    )
    def test_indexes(self, index, tmp_path):
        loaded = self.saved_and_loaded(made_up_explanation(index=index), tmp_path)
        assert type(loaded.index) is type(index)
        assert loaded.index.equals(index)
        assert loaded.index.dtype == index.dtype
        assert loaded.index.names == index.names

    @pytest.mark.parametrize(
        "data",
        [
            np.arange(18, dtype=np.float32).reshape(6, 3),
            np.array([["a", "b"]] * N_SAMPLES),
            np.array([["a", 1, None]] * N_SAMPLES, dtype=object),
        ],
    )
    def test_arrays(self, data, tmp_path):
        loaded = self.saved_and_loaded(made_up_explanation(data=data), tmp_path).data
        assert loaded.dtype == data.dtype
        assert loaded.tolist() == data.tolist()

    @pytest.mark.parametrize("container", [sparse.csr_matrix, sparse.csc_array])
    def test_sparse_data_comes_back_as_csr(self, container, tmp_path):
        data = container(np.eye(N_SAMPLES))
        loaded = self.saved_and_loaded(made_up_explanation(data=data), tmp_path).data
        assert loaded.format == "csr"
        assert isinstance(loaded, sparse.sparray) == isinstance(data, sparse.sparray)
        np.testing.assert_array_equal(loaded.toarray(), np.eye(N_SAMPLES))

    def test_objects_that_would_need_pickle_are_named(self, tmp_path):
        data = pd.DataFrame({"fine": range(N_SAMPLES), "odd": [{}] * N_SAMPLES})
        with pytest.raises(TypeError, match="data, column 'odd' holds an object of type dict"):
            made_up_explanation(data=data).save(tmp_path / "x.npz")

    def test_files_of_others(self, tmp_path):
        np.savez(tmp_path / "other.npz", a=np.zeros(3))
        (tmp_path / "text.npz").write_text("no")
        made_up_explanation().save(tmp_path / "whole.npz")
        whole = (tmp_path / "whole.npz").read_bytes()
        (tmp_path / "cut.npz").write_bytes(whole[: len(whole) // 2])
        np.save(tmp_path / "pickled.npy", np.array([{}], dtype=object), allow_pickle=True)
        for name in ("other.npz", "text.npz", "cut.npz", "pickled.npy"):
            with pytest.raises(ValueError, match=f"{name} cannot be read") as refusal:
                Explanation.load(tmp_path / name)
            assert "allow_pickle" not in str(refusal.value)
        with pytest.raises(FileNotFoundError):
            Explanation.load(tmp_path / "absent.npz")


@pytest.mark.parametrize("seed", range(12))
def test_files_with_a_wrong_byte_are_refused_or_right(seed, tmp_path):
    explanation = made_up_explanation(data=labelled_frame())
    explanation.save(tmp_path / "kept.npz")
    content = bytearray((tmp_path / "kept.npz").read_bytes())
    content[np.random.RandomState(seed).randint(len(content))] ^= 0xFF
    (tmp_path / "kept.npz").write_bytes(content)
    refusal, loaded = None, explanation
    try:
        loaded = Explanation.load(tmp_path / "kept.npz")
    except ValueError as error:
        refusal = str(error)
    assert refusal is None or "cannot be read as a saved explanation" in refusal
    np.testing.assert_array_equal(loaded.values, explanation.values)


@pytest.mark.parametrize(
    "labels",
    [
        pd.MultiIndex.from_tuples([("flow", 1), ("flow", 2)]),
        pd.period_range("2024-01", periods=2, freq="Q"),
    ],
)
def test_targets_that_a_table_labels_otherwise_than_by_text(labels, tmp_path):
    # As the columns of a DataFrame of targets name them.
    outputs = labels.to_numpy()
    name = ("horizon", pd.Period("2024", "Y"))
    index = pd.RangeIndex(N_SAMPLES, name=name)
    explanation = made_up_explanation(2, outputs, index=index)
    cells = np.empty(N_SAMPLES, dtype=object)
    cells[:] = list(pd.period_range("2024-01-01", periods=N_SAMPLES, freq="2W-SUN"))
    cells[1] = ("a", (None, Decimal("1.5")))
    explanation = replace(explanation, support={"cells": cells})
    explanation.save(tmp_path / "kept.npz")
    loaded = Explanation.load(tmp_path / "kept.npz")
    assert loaded.output_names.tolist() == outputs.tolist()
    assert loaded.index.names == [name]
    assert loaded.support["cells"].tolist() == cells.tolist()
    np.testing.assert_array_equal(
        loaded.for_output(outputs[1]).values, explanation.values[:, :, 1:]
    )
