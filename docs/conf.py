"""How Sphinx builds the documentation; see `make docs`."""

import logging
import re
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
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "_templates", "benchmarks/*"]
suppress_warnings = [
    "config.cache",  # the order of the gallery is a class, which is not cached
]

myst_enable_extensions = ["amsmath", "dollarmath", "substitution"]
myst_heading_anchors = 3


def _report(name: str, command: str) -> str:
    """What a benchmark wrote, below its title, as sections of a page's section."""
    path = Path(__file__).parent / "benchmarks" / name
    if not path.exists():
        return f"*There is no report in this checkout: run* `{command}`."
    text = path.read_text(encoding="utf-8").partition("\n")[2]
    # Pictures lie beside the report, not beside the page that it becomes a part of.
    text = re.sub(r"\]\((\w+\.png)\)", r"](benchmarks/\1)", text)
    return re.sub(r"^#", "##", text, flags=re.MULTILINE)


myst_substitutions = {
    "benchmark_report": _report("README.md", "make bench"),
    **{
        f"{name}_report": _report(f"{name}.md", f"python benchmarks/{name}.py")
        for name in (
            "few_shot",
            "learners",
            "consistency",
            "stability",
            "task_vector",
            "mixed",
            "columns",
            "model_free",
        )
    },
}

default_role = "literal"
autosummary_generate = True
autosummary_ignore_module_all = False
autodoc_typehints = "none"
numpydoc_show_class_members = False
templates_path = ["_templates"]

# The gallery from the first example to read to the last.
_EXAMPLES = [
    "mixed_pipeline",
    "compare_explainers",
    "deletion_and_insertion",
    "ale_and_partial_dependence",
    "embedding_and_heatmap",
    "columns_rows_and_steps",
    "wide_table",
    "tuning",
    "out_of_fold",
    "report",
    "meta_training",
    "maml_sinusoid",
]


class _AsListed:
    """Sort key of sphinx-gallery: an example that is not listed is an error."""

    def __init__(self, folder):
        self.folder = folder

    def __call__(self, filename):
        return _EXAMPLES.index(filename.removeprefix("plot_").removesuffix(".py"))


sphinx_gallery_conf = {
    "examples_dirs": "../examples/gallery",
    "gallery_dirs": "auto_gallery",
    "within_subsection_order": _AsListed,
    # Examples that use a name are shown below it in the reference.
    "doc_module": ("sklearn_metaexplain",),
    "backreferences_dir": "api/generated/backreferences",
    "abort_on_example_error": True,
    # Tables and explanations are shown; that a Display is an object at an address is not.
    "capture_repr": ("_repr_html_",),
    "min_reported_time": 60,
    "write_computation_times": False,
    "show_memory": False,
    "show_signature": False,
    "download_all_examples": False,
    "remove_config_comments": True,
}

# A dependency of furo turns on every library's log; the examples' would fill the screen.
for _name in ("sklearn_metaexplain", "shap"):
    logging.getLogger(_name).setLevel(logging.WARNING)

html_theme = "furo"
html_static_path = ["_static"]
html_title = f"sklearn-metaexplain {version}"
