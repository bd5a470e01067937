"""Validate the docstring of every public name, and of its public methods and properties.

``python docs/validate_docstrings.py`` prints what is wrong and exits with 1 if anything is. The
checks are those of ``[tool.numpydoc_validation]`` in pyproject.toml. numpydoc's own command reads
source files, where it sees neither which names are public nor the parameters of dataclasses, so
names are imported here.
"""

import inspect
import sys
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

from numpydoc.validate import ERROR_MSGS, validate

PACKAGE = "sklearn_metaexplain"


def public_modules() -> Iterator[str]:
    """Names of the modules that have no underscore in front and declare what is public."""
    yield PACKAGE
    for module in walk_packages(import_module(PACKAGE).__path__, f"{PACKAGE}."):
        is_public = not any(part.startswith("_") for part in module.name.split("."))
        if is_public and hasattr(import_module(module.name), "__all__"):
            yield module.name


def public_names() -> dict[str, object]:
    """Objects of `__all__` by their shortest dotted name."""
    names: dict[str, object] = {}
    seen: set[int] = set()
    for module in public_modules():
        for name in import_module(module).__all__:
            thing = getattr(import_module(module), name)
            if not name.startswith("_") and id(thing) not in seen:
                seen.add(id(thing))
                names[f"{module}.{name}"] = thing
    return names


def documented_names() -> Iterator[str]:
    """Public functions and classes, and what the package's own classes add to them."""
    seen = set()
    for name, thing in public_names().items():
        if not callable(thing):
            continue  # a constant: its comment is its documentation
        yield name
        if not inspect.isclass(thing):
            continue
        for member in dir(thing):
            owner = next((c for c in thing.__mro__ if member in vars(c)), object)
            is_ours = owner.__module__.split(".")[0] == PACKAGE
            if member.startswith("_") or not is_ours or (owner, member) in seen:
                continue
            seen.add((owner, member))
            raw = inspect.getattr_static(thing, member)
            if isinstance(raw, property) or callable(getattr(thing, member, None)):
                yield f"{name}.{member}"


def settings() -> tuple[set[str], list[str]]:
    """Codes of the checks, where "all" is all but those beside it, and names left out."""
    path = Path(__file__).parents[1] / "pyproject.toml"
    table = tomllib.loads(path.read_text(encoding="utf-8"))["tool"]["numpydoc_validation"]
    listed = set(table["checks"])
    return (set(ERROR_MSGS) - listed if "all" in listed else listed), table["exclude"]


def main() -> int:
    """Print what is wrong; return the exit status."""
    checks, excluded = settings()
    functions = {name for name, thing in public_names().items() if inspect.isfunction(thing)}
    names = [name for name in documented_names() if name not in excluded]
    errors = [
        f"{name}: {code} {message}"
        for name in names
        for code, message in validate(name)["errors"]
        # A function is shown at work; a method is where its class is.
        if code in checks | ({"EX01"} if name in functions else set())
    ]
    print(*errors, sep="\n", end="\n" if errors else "")
    print(f"{len(names)} docstrings, {len(errors)} errors")
    return int(bool(errors))


if __name__ == "__main__":
    sys.exit(main())
