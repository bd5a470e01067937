"""What README and documentation show is true: code runs as it stands, links lead somewhere."""

import doctest
import re
import sys
import warnings
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from types import ModuleType
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import pandas as pd
import pytest

import sklearn_metaexplain
from sklearn_metaexplain.testing import check_explainer

ROOT = Path(__file__).parents[1]
PAGES = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"]
DOCS = sorted(
    str(page.relative_to(ROOT))
    for page in (ROOT / "docs").rglob("*.md")
    if not {"_build", "auto_gallery", "benchmarks"} & set(page.relative_to(ROOT / "docs").parts)
)
SESSIONS = [page for page in DOCS if "```pycon" in (ROOT / page).read_text(encoding="utf-8")]


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
    assert (tmp_path / "penguins.html").stat().st_size > 20_000
    comparison = names["comparison"]
    assert comparison.index.tolist() == ["meta", "shap", "lime", "random"]
    assert comparison["faithfulness"].idxmin() == "random"
    assert "neg_infidelity" in capsys.readouterr().out


def test_explainer_of_the_documentation_passes_the_checks(monkeypatch):
    names = run_code_of("docs/extending.md", monkeypatch)
    for explainer in names["EXPLAINERS"]:
        check_explainer(explainer)


@pytest.mark.slow
@pytest.mark.parametrize("page", SESSIONS)
def test_sessions_print_what_they_show(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    mpl.use("agg")
    session = "\n".join(re.findall(r"```pycon\n(.*?)```", read(page), flags=re.DOTALL))
    test = doctest.DocTestParser().get_doctest(session, {}, page, page, 0)
    assert len(test.examples) > 5
    report: list[str] = []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(test, out=report.append)
    plt.close("all")
    assert "".join(report) == ""


def test_every_page_with_python_is_run():
    plain = [page for page in DOCS if "```python" in read(page)]
    assert plain == ["docs/extending.md"]


def public_names() -> set[str]:
    """Dotted names without the package: of what is public twice, all are accepted."""
    prefix = f"{sklearn_metaexplain.__name__}."
    modules = {"": sklearn_metaexplain}
    for module in walk_packages(sklearn_metaexplain.__path__, prefix):
        path = module.name.removeprefix(prefix)
        if not any(part.startswith("_") for part in path.split(".")):
            modules[f"{path}."] = import_module(module.name)
    return {
        f"{path}{name}"
        for path, module in modules.items()
        for name in getattr(module, "__all__", ())
        if not name.startswith("_")
    }


def test_reference_lists_what_is_public():
    listed = re.findall(r"^   (\w[\w.]*)$", read("docs/api/index.rst"), re.MULTILINE)
    assert len(listed) == len(set(listed))
    assert set(listed) - public_names() == set()
    resolved = {id(resolve(name)) for name in listed}
    missing = [name for name in sorted(public_names()) if id(resolve(name)) not in resolved]
    assert missing == []


def resolve(name: str) -> Any:
    module, _, attribute = f"{sklearn_metaexplain.__name__}.{name}".rpartition(".")
    return getattr(import_module(module), attribute)


@pytest.mark.parametrize("page", [*PAGES, *DOCS])
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", read(page))
    local = [link for link in links if "://" not in link]
    assert [link for link in local if not exists((ROOT / page).parent / link)] == []


def exists(path: Path) -> bool:
    """Whether a file is there, or will be when the gallery is built."""
    if path.parent.name == "auto_gallery":
        path = ROOT / "examples" / "gallery" / f"{path.stem}.py"
    return path.exists()


def test_every_page_is_in_the_table_of_contents():
    contents = re.findall(r"```{toctree}\n(.*?)```", read("docs/index.md"), flags=re.DOTALL)
    listed = {line for block in contents for line in block.split("\n") if line and line[0] != ":"}
    pages = {page.removeprefix("docs/").removesuffix(".md") for page in DOCS} - {"index"}
    assert pages | {"api/index", "auto_gallery/index"} == listed


@pytest.mark.parametrize("page", PAGES)
def test_commands_are_targets_of_the_makefile(page):
    commands = set(re.findall(r"(?:`|^)make (\w[\w-]*)", read(page), re.MULTILINE))
    makefile = read("Makefile")
    assert [name for name in commands if not re.search(rf"^{name}:", makefile, re.MULTILINE)] == []


def test_readme_names_the_two_commands():
    assert "\nmake demo " in read("README.md")
    assert "\nmake test " in read("README.md")


@pytest.fixture(scope="module")
def results():
    return pd.read_csv(ROOT / "docs" / "benchmarks" / "results.csv")


def flat(page: str) -> str:
    return " ".join(read(page).split())


def test_how_pessimistic_the_guide_says_error_estimates_are(results):
    ours = results[(results["method"] == "MetaExplainer") & (results["budget"] == 0)]
    shares = (ours["error"] / ours["error_expected"]).groupby([ours["sealed"], ours["n_support"]])
    opened, sealed = shares.median().round(2).unstack().to_numpy().tolist()
    assert ours["n_support"].unique().tolist() == [512, 2048, 8192]
    text = flat("docs/guide/reading.md")
    (told,) = re.findall(r"an error of less than ([\d., and]+) of it \(512, 2,048 and 8,192", text)
    assert numbers_in(told) == opened
    (told,) = re.findall(r"on the sealed tables of less than ([\d., and]+) \(medians of", text)
    assert numbers_in(told) == sealed


def test_what_the_guide_says_a_search_costs(results):
    fits = results.pivot_table("seconds_fit", "n_support", "method", sort=False)
    meta, searched = "MetaExplainer, n_rounds=1", "MetaExplainer, n_rounds=1, pretrained=None"
    ratios = (fits[searched] / fits[meta]).dropna().round(1)
    (told,) = re.findall(
        r"([\d., and]+) times the seconds of `fit` with 512, 2,048 and 8,192 evaluations",
        flat("docs/guide/tuning.md"),
    )
    assert ratios.index.tolist() == [512, 2048, 8192]
    assert numbers_in(told) == ratios.tolist()


def test_how_many_models_the_guide_says_were_explained(results):
    opened = results[(results["sealed"] == 0) & (results["truth_error"] == 0)]
    (told,) = re.findall(r"do on (\d+) models whose exact values", flat("docs/guide/choosing.md"))
    assert int(told) == opened["task"].nunique()


def test_how_much_of_its_budget_the_readme_says_shap_makes(results):
    made = results.groupby(["method", "budget"])["evaluations"].mean()
    kernel = made["shap Kernel, 25 background rows a coalition"]
    told = re.findall(
        r"Kernel made ([\d,]+) a row on average \(of 800: (\d+)\) and shap Permutation ([\d,]+):",
        flat("README.md"),
    )
    numbers = [int(number.replace(",", "")) for number in told[0]]
    expected = [kernel[1600], kernel[800], made["shap Permutation"][1600]]
    assert numbers == pytest.approx(expected, abs=0.5)


def numbers_in(text: str) -> list[float]:
    return [float(number) for number in re.findall(r"\d+\.\d+", text)]


def test_errors_the_readme_gives_of_tables_with_categories():
    results = pd.read_csv(ROOT / "docs" / "benchmarks" / "mixed.csv")
    means = results.groupby(["method", "n_support", "budget"])["error"].mean()
    text = flat("README.md")
    (told,) = re.findall(r"its lead is smaller: mean errors of ([\d., and]+) \(512, 2,048", text)
    assert numbers_in(told) == means["MetaExplainer", :, 0].round(3).tolist()
    (told,) = re.findall(
        r"evaluations at fit\), ([\d.]+ to [\d.]+) of those of boosted trees", text
    )
    peers = means["both surrogates averaged, exact", :, 0]
    ratios = (means["MetaExplainer", :, 0] / peers).round(1)
    assert numbers_in(told.replace(" to ", ", ")) == [ratios.min(), ratios.max()]
    told = re.findall(
        r"With 100 evaluations a row ([\d.]+) is left, .* leaves ([\d.]+) with 1,600", text
    )
    sampled = means["shap Kernel", 0, 1600]
    assert [float(number) for number in told[0]] == [
        round(error, 4) for error in (means["MetaExplainer", 2048, 100], sampled)
    ]
