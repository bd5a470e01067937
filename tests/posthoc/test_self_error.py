"""Multiples of deviations, by what was spent on rows."""

import numpy as np
import pytest

from sklearn_metaexplain.posthoc._self_error import n_rows_judged, quantiles_of

FREE = [[0.5, 0.7], [0.9, 1.6], [0.95, 2.1]]
ASKED = [[0.5, 0.6], [0.9, 1.4]]
CALIBRATION = {"quantiles": FREE, "quantiles_asked": ASKED}


@pytest.mark.parametrize(("asked", "expected"), [(False, FREE), (True, ASKED)])
def test_all_rows_alike_have_one_table(asked, expected):
    assert quantiles_of(CALIBRATION, np.full(3, asked)).tolist() == expected


def test_rows_have_as_many_levels_as_both_tables():
    found = quantiles_of(CALIBRATION, np.array([True, False, True]))
    assert found.tolist() == [ASKED, FREE[:2], ASKED]
    turned = {"quantiles": ASKED, "quantiles_asked": FREE}
    assert quantiles_of(turned, np.array([True, False])).tolist() == [FREE[:2], ASKED]


@pytest.mark.parametrize("asked", [[False, False], [True, True]])
def test_without_calibration_there_are_none(asked):
    assert quantiles_of({}, np.array(asked)) is None


@pytest.mark.parametrize(("n_background", "n_rows"), [(1, 64), (100, 64), (200, 32), (5000, 8)])
def test_of_many_background_rows_fewer_rows_are_judged(n_background, n_rows):
    assert n_rows_judged(n_background) == n_rows
