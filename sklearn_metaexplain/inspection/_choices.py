"""Checks of parameters with a few choices."""

from __future__ import annotations

from typing import Any

__all__ = ["check_choice"]


def check_choice(name: str, value: Any, choices: tuple[str, ...]) -> None:
    """ValueError if the value is none of the choices."""
    if not isinstance(value, str) or value not in choices:
        raise ValueError(f"{name} must be one of {choices}; got {value!r}.")
