"""The look of the pictures; see `tests.inspection.pictures` for how to change it."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest
from matplotlib.testing.compare import compare_images

from tests.inspection.pictures import BASELINES, FACETS, ON_ONE_AXES, save

# Root mean square of the differences over all channels, of 255. Fonts are drawn a little
# differently from version to version of matplotlib.
TOLERANCE = 4.0


@pytest.mark.skipif(
    mpl.__version_info__ < (3, 11), reason="matplotlib draws text in another way before 3.11"
)
@pytest.mark.parametrize("name", [*ON_ONE_AXES, *FACETS])
def test_pictures_look_as_before(name, tmp_path):
    path = tmp_path / f"{name}.png"
    save(name, path)
    assert compare_images(str(BASELINES / path.name), str(path), tol=TOLERANCE) is None


def test_other_colours_or_lengths_would_be_seen(tmp_path, monkeypatch):
    path = tmp_path / "bar_of_a_row.png"
    draw = ON_ONE_AXES["bar_of_a_row"]

    def recoloured(ax):
        for bar in draw(ax).bars_[0]:
            bar.set_color("#009E73")

    def shortened(ax):
        for bar in draw(ax).bars_[0]:
            bar.set_width(0.5 * bar.get_width())

    for changed in (recoloured, shortened):
        monkeypatch.setitem(ON_ONE_AXES, "bar_of_a_row", changed)
        save("bar_of_a_row", path)
        assert compare_images(str(BASELINES / path.name), str(path), tol=TOLERANCE) is not None
    plt.close("all")


def test_baselines_are_few_and_small():
    files = sorted(BASELINES.glob("*.png"))
    assert {file.stem for file in files} == {*ON_ONE_AXES, *FACETS}
    assert sum(file.stat().st_size for file in files) < 600 * 1024
