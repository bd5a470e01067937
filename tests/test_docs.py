"""What README and documentation show is true: code runs as it stands, links lead somewhere."""

import re
import sys
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

import matplotlib as mpl
import pytest

from sklearn_metaexplain.testing import check_explainer

ROOT = Path(__file__).parents[1]
PAGES = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"]


def read(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def run_code_of(page: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Run a page's Python from the first line to the last; return its names."""
    module = ModuleType("code_of_a_page")
    # Classes are pickled by the name of a module that can be found.
    monkeypatch.setitem(sys.modules, module.__name__, module)
    blocks = re.findall(r"```python\n(.*?)```", read(page), flags=re.DOTALL)
    assert blocks
    for number, block in enumerate(blocks):
        exec(compile(block, f"{page}, block {number}", "exec"), module.__dict__)
    return module.__dict__


@pytest.mark.slow
def test_readme_runs_without_a_warning(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    mpl.use("agg")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        names = run_code_of("README.md", monkeypatch)
    assert (tmp_path / "one-penguin.png").stat().st_size > 5_000
    assert names["explainer"].explain(names["X_test"]).values.shape == (86, 7, 3)
    assert names["search"].best_params_["n_support"] in (64, 1024)
    printed = capsys.readouterr().out
    assert all(name in printed for name in ("MetaExplainer", "ShapExplainer", "LimeExplainer"))


def test_explainer_of_the_documentation_passes_the_checks(monkeypatch):
    names = run_code_of("docs/extending.md", monkeypatch)
    for explainer in names["EXPLAINERS"]:
        check_explainer(explainer)


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\(([^)#]+)\)", read(page))
    local = [link for link in links if "://" not in link]
    assert [link for link in local if not (ROOT / link).exists()] == []


@pytest.mark.parametrize("page", PAGES)
def test_commands_are_targets_of_the_makefile(page):
    commands = set(re.findall(r"(?:`|^)make (\w[\w-]*)", read(page), re.MULTILINE))
    makefile = read("Makefile")
    assert [name for name in commands if not re.search(rf"^{name}:", makefile, re.MULTILINE)] == []


def test_readme_names_the_two_commands():
    assert "\nmake demo " in read("README.md")
    assert "\nmake test " in read("README.md")
