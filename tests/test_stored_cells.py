"""Cells come back from JSON as they were."""

import json

import numpy as np
import pandas as pd
import pytest

from sklearn_metaexplain._stored_cells import decode_cell, encode_cell


def kept(cell):
    return decode_cell(json.loads(json.dumps(encode_cell(cell, "data"))))


@pytest.mark.parametrize("zone", ["Europe/Berlin", "UTC", None])
def test_moments_keep_their_zones(zone):
    moment = pd.Timestamp("2024-07-01", tz=zone)
    assert kept(moment) == moment
    assert str(kept(moment).tz) == str(zone)


def test_dates_and_durations_of_numpy():
    moment = np.datetime64("2020-01-01T00:00:00.000000001", "ns")
    assert kept(moment) == pd.Timestamp(moment)
    assert kept(np.timedelta64(5, "ns")) == pd.Timedelta(5, "ns")
    assert pd.Timestamp(kept(np.datetime64("2020-01-01", "D"))) == pd.Timestamp("2020-01-01")
    assert pd.isna(kept(np.datetime64("NaT", "ns")))


def test_other_cells():
    assert kept(np.int64(3)) == 3
    assert kept("x") == "x"
    assert kept(None) is None
    assert kept(pd.NA) is pd.NA
    assert kept(pd.NaT) is pd.NaT


def test_what_json_cannot_hold_is_named():
    with pytest.raises(TypeError, match="data holds an object of type dict"):
        encode_cell({}, "data")
