"""How Sphinx builds the documentation; see `make docs`."""

from pathlib import Path

import sklearn_metaexplain

project = "sklearn-metaexplain"
author = "The sklearn-metaexplain developers"
copyright = "2026, The sklearn-metaexplain developers"
version = release = sklearn_metaexplain.__version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx.ext.viewcode",
]
exclude_patterns = ["_build", "_templates", "benchmarks/*"]

myst_enable_extensions = ["amsmath", "dollarmath", "substitution"]
myst_heading_anchors = 3
# What `make bench` wrote, below a page's own title.
_report = Path(__file__).parent / "benchmarks" / "README.md"
myst_substitutions = {
    "benchmark_report": (
        _report.read_text(encoding="utf-8").partition("\n")[2]
        if _report.exists()
        else "*There is no report in this checkout: run* `make bench`."
    )
}

autosummary_generate = True
autosummary_ignore_module_all = False
autodoc_typehints = "none"
numpydoc_show_class_members = False
templates_path = ["_templates"]

html_theme = "furo"
html_static_path = ["_static"]
html_title = f"sklearn-metaexplain {version}"
