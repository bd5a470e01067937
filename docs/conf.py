"""How Sphinx builds the documentation; see `make docs`."""

import sklearn_metaexplain

project = "sklearn-metaexplain"
author = "The sklearn-metaexplain developers"
copyright = "2026, The sklearn-metaexplain developers"  # noqa: A001
version = release = sklearn_metaexplain.__version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx.ext.viewcode",
]
exclude_patterns = ["_build", "benchmarks/partial"]
# No benchmark was run in this checkout: its page says how.
suppress_warnings = ["toc.empty_glob"]

myst_enable_extensions = ["dollarmath", "amsmath", "deflist"]
myst_heading_anchors = 3

autosummary_generate = True
autosummary_ignore_module_all = False
autodoc_default_options = {"members": True, "inherited-members": True}
autodoc_typehints = "none"
numpydoc_show_class_members = False

html_theme = "furo"
html_static_path = ["_static"]
html_title = f"sklearn-metaexplain {version}"
