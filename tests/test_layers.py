"""A module imports only from the layers above its own, and never inside a function."""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import sklearn_metaexplain

PACKAGE = "sklearn_metaexplain"

# The order of the design, from the top: an entry is a module or a subpackage.
LAYERS = [
    "exceptions",
    "_callers",
    "_files",
    "_fitted",
    "_progress",
    "_rows",
    "_arrays",
    "_read_only",
    "_stored_cells",
    "_storage",
    "_explanation_parts",
    "_coverage",
    "_explanation_views",
    "_explanation",
    "_containers",
    "_names",
    "_validation",
    "_culprits",
    "_resolve",
    "base",
    "pipeline",
    "_columns",
    "_cells",
    "_numeric_column",
    "_category_axes",
    "_categories",
    "_encoder",
    "_own_rows",
    "masking",
    "shapley",
    "nets",
    "learners",
    "prior",
    "training",
    "tasks",
    "posthoc",
    "calibration",
    "selfexplaining",
    "metrics",
    "model_selection",
    "inspection",
    "datasets",
    "testing",
]

# Training is above, but what explains must not need what trains.
FORBIDDEN = {(layer, "training") for layer in ("tasks", "posthoc", "selfexplaining")}


def read_package() -> dict[str, str]:
    """Source text of each module of the package by its dotted name."""
    root = Path(sklearn_metaexplain.__file__).parent
    sources = {}
    for path in sorted(root.rglob("*.py")):
        parts = [PACKAGE, *path.relative_to(root).with_suffix("").parts]
        sources[".".join(parts)] = path.read_text(encoding="utf-8")
    return sources


def imported_names(node: ast.AST, module: str) -> list[str]:
    """Dotted names that a node imports, down to the names in ``from ... import ...``."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        origin = node.module or ""
        if node.level:
            parents = module.split(".")[: -node.level]
            origin = ".".join([*parents, *([origin] if origin else [])])
        return [f"{origin}.{alias.name}" for alias in node.names]
    if isinstance(node, ast.Call):
        function = node.func
        called = getattr(function, "attr", getattr(function, "id", None))
        if called in ("import_module", "__import__") and node.args:
            name = node.args[0]
            if isinstance(name, ast.Constant) and isinstance(name.value, str):
                return [name.value]
    return []


def own_imports(source: str, module: str) -> Iterator[tuple[str, int, bool]]:
    """Each import of the package: (dotted name, line, whether it is inside a function)."""

    def visit(node: ast.AST, inside: bool) -> Iterator[tuple[str, int, bool]]:
        for name in imported_names(node, module):
            if name == PACKAGE or name.startswith(f"{PACKAGE}."):
                yield name, getattr(node, "lineno", 0), inside
        inside = inside or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for child in ast.iter_child_nodes(node):
            yield from visit(child, inside)

    return visit(ast.parse(source), False)


def target_module(name: str, sources: dict[str, str]) -> str | None:
    """The module that an imported name is or lies in; None for the package itself."""
    parts = name.split(".")
    for stop in range(len(parts), 1, -1):
        candidate = ".".join(parts[:stop])
        if candidate in sources:
            return candidate
        if f"{candidate}.__init__" in sources:
            return f"{candidate}.__init__"
    return None


def layer_of(module: str) -> str:
    return module.split(".")[1]


def find_violations(sources: dict[str, str]) -> list[str]:
    """What breaks the rules, in words."""
    found = []
    edges: dict[str, set[str]] = {}
    for module, source in sources.items():
        if module == f"{PACKAGE}.__init__":
            continue
        if layer_of(module) not in LAYERS:
            found.append(f"{module} has no place among the layers")
            continue
        for name, line, inside in own_imports(source, module):
            where = f"{module}:{line} imports {name}"
            target = target_module(name, sources)
            # `__init__` modules may resolve public names lazily.
            if inside and not module.endswith(".__init__"):
                found.append(f"{where} inside a function")
            if target is None or target == f"{PACKAGE}.__init__":
                # What the package re-exports comes from below, unless it is a layer by name.
                layer = name.split(".")[1] if "." in name else None
                if layer not in LAYERS:
                    found.append(f"{where} through the package's own __init__")
                continue
            if layer_of(target) not in LAYERS:
                continue
            own, other = layer_of(module), layer_of(target)
            if LAYERS.index(other) > LAYERS.index(own):
                found.append(f"{where}, which is below it")
            if (own, other) in FORBIDDEN:
                found.append(f"{where}: {own} must not need {other}")
            if not module.endswith("__init__") and not target.endswith("__init__"):
                edges.setdefault(module, set()).add(target)
    try:
        TopologicalSorter(edges).prepare()
    except CycleError as error:
        found.append("cycle: " + " -> ".join(error.args[1]))
    return found


def test_package_keeps_its_layers():
    assert find_violations(read_package()) == []


@pytest.mark.parametrize(
    ("module", "line", "complaint"),
    [
        ("base", "from sklearn_metaexplain.posthoc._base import PosthocExplainer", "below it"),
        ("base", "from sklearn_metaexplain import posthoc", "below it"),
        ("base", "import sklearn_metaexplain.posthoc._base", "below it"),
        ("base", "from .posthoc import _base", "below it"),
        ("masking._model", "from ..shapley import _gp", "below it"),
        ("base", "from sklearn_metaexplain import explain", "own __init__"),
        ("base", "import sklearn_metaexplain", "own __init__"),
        ("posthoc._base", "from sklearn_metaexplain.training import _trainer", "must not need"),
        (
            "posthoc._base",
            "def f():\n    from sklearn_metaexplain import base",
            "inside a function",
        ),
        (
            "posthoc._base",
            "f = lambda: __import__('sklearn_metaexplain.base')",
            "inside a function",
        ),
        (
            "posthoc._base",
            "class A:\n    def f(self):\n        import_module('sklearn_metaexplain.base')",
            "inside a function",
        ),
        ("masking._mixer", "from sklearn_metaexplain.masking._model import Model", "cycle"),
        ("newcomer", "import numpy", "no place"),
    ],
)
def test_violations_are_found(module, line, complaint):
    made_up = {
        f"{PACKAGE}.__init__": "from sklearn_metaexplain.base import explain",
        f"{PACKAGE}.base": "import numpy",
        f"{PACKAGE}.masking.__init__": "",
        f"{PACKAGE}.masking._mixer": "from sklearn_metaexplain.base import explain",
        f"{PACKAGE}.masking._model": "from sklearn_metaexplain.masking._mixer import RowPool",
        f"{PACKAGE}.shapley.__init__": "",
        f"{PACKAGE}.shapley._gp": "from sklearn_metaexplain import masking",
        f"{PACKAGE}.training.__init__": "",
        f"{PACKAGE}.training._trainer": "from ..shapley._gp import Process",
        f"{PACKAGE}.posthoc.__init__": "from sklearn_metaexplain.posthoc._base import A",
        f"{PACKAGE}.posthoc._base": "from sklearn_metaexplain import base",
    }
    assert find_violations(made_up) == []
    name = f"{PACKAGE}.{module}"
    made_up[name] = made_up.get(name, "") + "\n" + line
    found = [text for text in find_violations(made_up) if complaint in text]
    assert found
    assert "cycle" in complaint or name in found[0]
