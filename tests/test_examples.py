"""The examples run as their readers run them."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread

from sklearn_metaexplain.datasets import load_penguins

EXAMPLES = Path(__file__).parents[1] / "examples"
GALLERY = sorted((EXAMPLES / "gallery").glob("plot_*.py"))


def run(name: str, *arguments: str, folder: Path) -> str:
    """Run a script in a folder of its own; return what it prints."""
    done = subprocess.run(
        [sys.executable, "-W", "error::UserWarning", str(EXAMPLES / name), *arguments],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, "MPLBACKEND": "agg"},
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def test_demo_leaves_a_table_and_a_picture(tmp_path):
    printed = run("explain_a_pipeline.py", "out", folder=tmp_path)
    assert str(Path("out", "explanations.csv")) in printed
    table = pd.read_csv(tmp_path / "out" / "explanations.csv", index_col="penguin")
    X, y = load_penguins(return_X_y=True)
    attributions = table[X.columns]
    # Four decimals a cell, eight cells a row.
    explained = table["base value"] + attributions.sum(axis=1)
    np.testing.assert_allclose(explained, table["probability"], atol=8 * 5e-5)
    assert (table["true species"] == y[table.index]).all()
    assert (table["predicted"] == table["true species"]).mean() > 0.9
    picture = imread(tmp_path / "out" / "explanation.png")
    assert picture.shape[1] > picture.shape[0] > 500
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("explain_inside_a_pipeline.py", "island_Biscoe"),
        ("tune_with_grid_search.py", "The most faithful: {'budget': 100"),
        ("compare_with_lime_and_shap.py", "LimeExplainer"),
    ],
)
def test_example_runs(name, expected, tmp_path):
    assert expected in run(name, folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("path", GALLERY, ids=[path.stem for path in GALLERY])
def test_gallery_runs(path, tmp_path):
    run(str(path), folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", GALLERY, ids=[path.stem for path in GALLERY])
def test_gallery_has_titles_and_text(path):
    source = path.read_text(encoding="utf-8")
    title, underline, *rest = source.removeprefix('"""\n').splitlines()
    assert underline == "=" * len(title)
    assert rest[0] == ""
    assert "\n# %%\n# " in source
    assert "plt.show(" not in source


def test_every_example_is_tested():
    source = Path(__file__).read_text(encoding="utf-8")
    assert [path.name for path in EXAMPLES.glob("*.py") if path.name not in source] == []
