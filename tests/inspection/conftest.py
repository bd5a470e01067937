"""Every test here starts without figures and with matplotlib's own settings."""

import matplotlib as mpl
import pytest

mpl.use("agg")


@pytest.fixture(autouse=True)
def settings_stay_as_they_are():
    """Close the test's figures; nothing may have changed matplotlib's global settings."""
    import matplotlib.pyplot as plt

    plt.close("all")
    with mpl.rc_context(), mpl.style.context("default"):
        before = dict(mpl.rcParams)
        yield
        assert dict(mpl.rcParams) == before
    plt.close("all")
