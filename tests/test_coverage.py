"""How far a deviation reaches."""

import numpy as np
import pytest

from sklearn_metaexplain._coverage import reach, reach_of_rows


def test_reach_of_gaussian_errors():
    assert reach(0.9) == pytest.approx(1.6449, abs=1e-4)
    assert reach(0.5) == pytest.approx(0.6745, abs=1e-4)


def test_reach_goes_through_what_was_found():
    quantiles = np.array([[0.5, 0.4], [0.9, 1.2], [0.95, 2.0]])
    assert [reach(share, quantiles) for share in quantiles[:, 0]] == pytest.approx([0.4, 1.2, 2.0])
    # In between, as far as a Gaussian reach is between theirs; that of nothing is 0.
    share = (reach(0.7) - reach(0.5)) / (reach(0.9) - reach(0.5))
    assert reach(0.7, quantiles) == pytest.approx(0.4 + share * (1.2 - 0.4))
    assert reach(0.1, quantiles) == pytest.approx(0.4 * reach(0.1) / reach(0.5))
    with pytest.raises(ValueError, match=r"coverage=0\.99 is more than was .*: give at most 0\.95"):
        reach(0.99, quantiles)


@pytest.mark.parametrize("coverage", [0.0, 1.0, -1, 90])
def test_coverage_is_a_share(coverage):
    with pytest.raises(ValueError, match="coverage must be between 0 and 1"):
        reach(coverage)


def test_rows_have_reaches_of_their_own():
    kinds = np.array([[[0.5, 0.4], [0.9, 1.2]], [[0.5, 0.6], [0.9, 2.2]]])
    rows = kinds[[1, 0, 0, 1]]
    expected = [reach(0.8, quantiles) for quantiles in rows]
    np.testing.assert_array_equal(reach_of_rows(0.8, rows), expected)
    assert reach_of_rows(0.8, rows[:0]).shape == (0,)
