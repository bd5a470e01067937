"""What importing the package brings along, and the names it offers."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

import sklearn_metaexplain

ROOT = Path(__file__).parents[1]

# Libraries that only some explainers, plots or extras need.
HEAVY = ("shap", "lime", "captum", "matplotlib")


def modules_after(statement: str) -> set[str]:
    """Top-level modules that a fresh interpreter has loaded after a statement."""
    program = f"import json, sys\n{statement}\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning", "-c", program],
        capture_output=True,
        text=True,
        check=True,
    )
    return {name.partition(".")[0] for name in json.loads(done.stdout.splitlines()[-1])}


def test_import_is_light():
    loaded = modules_after("import sklearn_metaexplain")
    assert "sklearn_metaexplain" in loaded
    assert loaded.isdisjoint(HEAVY)
    assert "torch" not in loaded


def test_modules_after_sees_what_is_loaded():
    assert "shap" in modules_after("import sys, types; sys.modules['shap'] = types")


def test_fitting_the_flagship_needs_neither_shap_nor_lime():
    loaded = modules_after("from sklearn_metaexplain import MetaExplainer")
    assert loaded.isdisjoint(HEAVY)


@pytest.mark.parametrize("name", ["LimeExplainer", "ShapExplainer"])
def test_baselines_import_their_library_only_when_used(name):
    assert modules_after(f"from sklearn_metaexplain import {name}").isdisjoint(HEAVY)


@pytest.mark.parametrize(
    "name",
    [
        "sklearn_metaexplain",
        "sklearn_metaexplain.datasets",
        "sklearn_metaexplain.inspection",
        "sklearn_metaexplain.learners",
        "sklearn_metaexplain.metrics",
        "sklearn_metaexplain.model_selection",
        "sklearn_metaexplain.pipeline",
        "sklearn_metaexplain.posthoc",
        "sklearn_metaexplain.prior",
        "sklearn_metaexplain.selfexplaining",
        "sklearn_metaexplain.tasks",
        "sklearn_metaexplain.testing",
        "sklearn_metaexplain.training",
    ],
)
def test_public_names_resolve_and_are_listed(name):
    module = import_module(name)
    assert module.__all__ == sorted(module.__all__)
    assert set(module.__all__) <= set(dir(module))
    for public in module.__all__:
        assert getattr(module, public).__doc__
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = module.no_such_name


def test_all_has_every_public_class_and_function_of_the_modules():
    """Whatever a subpackage offers publicly and is an explainer is offered at the top as well."""
    posthoc = import_module("sklearn_metaexplain.posthoc")
    explainers = {name for name in posthoc.__all__ if name != "PosthocExplainer"}
    assert explainers <= set(sklearn_metaexplain.__all__)
    # Names that `__init__` imports or resolves are public, or they would not be there.
    tree = ast.parse(Path(sklearn_metaexplain.__file__).read_text(encoding="utf-8"))
    imported = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sklearn_meta")
        for alias in node.names
    }
    assert imported == set(sklearn_metaexplain.__all__)


def test_version_is_written_once():
    version = sklearn_metaexplain.__version__
    assert re.fullmatch(r"\d+\.\d+\.\d+(\.dev\d+|rc\d+)?", version)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert "version" in project["project"]["dynamic"]
    dynamic = project["tool"]["setuptools"]["dynamic"]["version"]
    assert dynamic == {"attr": "sklearn_metaexplain.__version__"}
    # The changelog speaks of this version.
    assert f"## [{version}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
