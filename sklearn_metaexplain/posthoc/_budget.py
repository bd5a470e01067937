"""The budget and the tolerance that `explain` is given."""

from __future__ import annotations

from numbers import Integral, Real


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
        budget = default
    if budget is None:
        return None
    message = f"budget must be an int of at least {least} or None; got {budget!r}."
    if not isinstance(budget, Integral) or isinstance(budget, bool):
        raise TypeError(message)
    if budget < least:
        raise ValueError(message)
    return int(budget)


def resolve_tol(tol: float | None, default: float | None, budget: int) -> float | None:
    """Check a tolerance, and fall back on the explainer's own.

    Parameters
    ----------
    tol : float or None
        What `explain` was given.
    default : float or None
        The parameter of the explainer, for None.
    budget : int
        What a row may spend; without any, no tolerance can be met.
    """
    if tol is None:
        tol = default
    if tol is None:
        return None
    message = f"tol must be a positive number or None; got {tol!r}."
    if not isinstance(tol, Real) or isinstance(tol, bool):
        raise TypeError(message)
    if not tol > 0:
        raise ValueError(message)
    if budget == 0:
        raise ValueError(
            f"tol={tol} needs a budget: pass budget= too, the most evaluations a row may spend."
        )
    return float(tol)


def refuse_asking(budget: int, tol: float | None) -> None:
    """ValueError if there is anything to ask about rows that nothing is asked about."""
    wrong = f"budget=0, not {budget}" if budget > 0 else f"tol=None, not {tol}"
    if budget > 0 or tol is not None:
        raise ValueError(
            f'speed="fast" asks nothing about the rows: pass {wrong}, or speed="default".'
        )
