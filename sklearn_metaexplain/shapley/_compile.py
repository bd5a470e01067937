"""How loops are compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba

__all__ = ["compiled"]


def compiled(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Make a decorator that compiles a function which others may run beside.

    What is compiled is kept for the next process: beside the package, or in the user's cache.

    Parameters
    ----------
    **options : dict
        Of `numba.njit`, beside ``nogil=True`` and ``cache=True``.

    Returns
    -------
    decorator : callable
        Takes the function and returns what stands for it.
    """

    def decorate(function: Callable[..., Any]) -> Any:
        try:
            return numba.njit(nogil=True, cache=True, **options)(function)
        except RuntimeError:
            # Neither place can be written to, as in a container without a home: each process
            # compiles for itself.
            return numba.njit(nogil=True, **options)(function)

    return decorate
