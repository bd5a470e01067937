"""What is expected of an error, and its spread."""

import numpy as np
import pytest

from sklearn_metaexplain.shapley._error import (
    estimate_error,
    raw_error,
    scaled_error,
    share_of_error,
)

CALIBRATION = {
    "intercept": np.log(2.0),
    "slopes": {"raw": 1.0, "roughness": 0.0},
    "spread": 0.5,
    "log_factor": 0.0,
}


def test_raw_error_is_variance_over_size():
    values, std = np.full((3, 2, 1), 2.0), np.full((3, 2, 1), 0.2)
    assert raw_error(values, std) == pytest.approx(0.01)
    assert raw_error(0 * values, 0 * std) == 0.0
    assert raw_error(0 * values, std) == np.inf


def test_estimates_follow_their_calibration():
    error, standard_error = estimate_error({"raw": 0.03, "roughness": 0.5}, CALIBRATION)
    assert error == pytest.approx(0.06)
    # Of a log-normal with this spread.
    draws = error * np.exp(0.5 * np.random.default_rng(0).normal(size=10**6) - 0.125)
    assert standard_error == pytest.approx(draws.std(), rel=0.01)
    both = {**CALIBRATION, "slopes": {"raw": 0.5, "roughness": 0.5}, "log_factor": np.log(3.0)}
    assert estimate_error({"raw": 0.04, "roughness": 0.01}, both)[0] == pytest.approx(0.12)


def test_without_calibration_the_raw_error_stands():
    assert estimate_error({"raw": 0.03, "roughness": 0.5}) == (0.03, 0.03)
    assert estimate_error({"raw": 0.0, "roughness": 0.5}, CALIBRATION) == (0.0, 0.0)


@pytest.mark.parametrize("calibration", [None, CALIBRATION])
def test_zeros_that_are_not_known_to_be_true_miss_everything(calibration):
    error, standard_error = estimate_error({"raw": np.inf, "roughness": 0.5}, calibration)
    assert error == 1.0
    assert 0 < standard_error < np.inf
    zeros, std = np.zeros((3, 2, 1)), np.full((3, 2, 1), 0.2)
    assert scaled_error(zeros, std, {"factor": 0.1, "power": 0.5}) == 1.0
    assert scaled_error(zeros, zeros, {"factor": 0.1, "power": 0.5}) == 0.0


def test_errors_of_logs_follow_the_share_that_deviations_expect():
    values, std = np.full((3, 2, 1), 2.0), np.full((3, 2, 1), 1.0)
    assert share_of_error(raw_error(values, std)) == pytest.approx(0.25 / 1.25)
    calibration = {"factor": 0.7, "power": 2.0}
    assert scaled_error(values, std, calibration) == pytest.approx(0.7 * 0.2**2)
    # However wide, no more is expected than of values that mean nothing.
    assert scaled_error(values, 1e6 * std, calibration) == pytest.approx(0.7)
