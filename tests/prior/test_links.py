"""Links are monotone and stay within probabilities."""

import numpy as np
import pytest

from sklearn_metaexplain.prior._links import (
    ExponentialLink,
    IdentityLink,
    IsotonicLink,
    LogisticLink,
    SoftmaxLink,
    link_function,
    sample_link,
)

OUTPUTS = np.linspace(-100, 100, 2001)[:, None]


@pytest.fixture(scope="module")
def links():
    rng = np.random.default_rng(0)
    return [sample_link(rng, rng.normal(size=(100, 1))) for _ in range(300)]


def test_shares(links):
    for kind, share in [(LogisticLink, 0.6), (IdentityLink, 0.2), (IsotonicLink, 0.12)]:
        assert abs(np.mean([isinstance(link, kind) for link in links]) - share) < 0.09


def test_monotone_and_within_bounds(links):
    for link in links:
        levels = link(OUTPUTS)
        assert levels.shape == (2001,)
        assert (np.diff(levels) >= 0).all()
        if isinstance(link, (LogisticLink, IsotonicLink)):
            assert levels.min() > 0
            assert levels.max() < 1
        if isinstance(link, ExponentialLink):
            assert levels.min() > 0


def test_mild_and_saturated_links_occur(links):
    middle = np.linspace(-1, 1, 3)[:, None]
    rises = [np.ptp(link(middle)) for link in links if isinstance(link, LogisticLink)]
    assert min(rises) < 0.25
    assert max(rises) > 0.95


def test_softmax_sums_to_one_over_classes():
    rng = np.random.default_rng(1)
    outputs = rng.normal(size=(50, 3))
    offsets = rng.normal(size=3)
    total = sum(
        SoftmaxLink(1.7, np.roll(offsets, -k))(np.roll(outputs, -k, axis=1)) for k in range(3)
    )
    np.testing.assert_allclose(total, 1)
    extreme = SoftmaxLink(20.0, offsets)(outputs * 1e3)
    assert extreme.min() > 0
    assert extreme.max() < 1


def test_outputs_are_standardised_over_the_table():
    rng = np.random.default_rng(2)
    table = rng.normal(size=(200, 2)) * 30 + 5
    for _ in range(30):
        model = link_function(rng, lambda X: 100 + 7 * X[:, :1], table)
        if isinstance(model.link, IdentityLink):
            outputs = model(table)
            assert abs(outputs.mean()) < 1e-9
            assert abs(outputs.std() - 1) < 1e-9
            return
    raise AssertionError("no identity link was drawn")
