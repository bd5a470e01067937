"""The budget that `explain` is given."""

from __future__ import annotations

from numbers import Integral


def resolve_budget(budget: int | None, default: int | None, *, least: int) -> int | None:
    """Check what `explain` was given, and fall back on the explainer's own.

    Parameters
    ----------
    budget : int or None
        What `explain` was given.
    default : int or None
        The parameter of the explainer, for None.
    least : int
        The smallest that makes sense.
    """
    if budget is None:
        return default
    message = f"budget must be an int of at least {least} or None; got {budget!r}."
    if not isinstance(budget, Integral) or isinstance(budget, bool):
        raise TypeError(message)
    if budget < least:
        raise ValueError(message)
    return int(budget)
