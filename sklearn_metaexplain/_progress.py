"""What long work says while it goes on: bars where asked for, records for the standard logging."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any

from tqdm.auto import tqdm

__all__ = ["logger", "progress_bar", "stage"]

#: Durations of the stages of a fit, at level INFO; silent unless the user configures logging.
logger = logging.getLogger("sklearn_metaexplain")


def progress_bar(
    iterable: Iterable[Any] | None = None, *, desc: str, verbose: int, **options: Any
) -> tqdm:
    """Make a tqdm bar, shown if `verbose` is positive.

    Parameters
    ----------
    iterable : iterable or None, default=None
        What is gone through; None: the bar is updated by hand.
    desc : str
        What is being done.
    verbose : int
        Silent at 0.
    **options : dict
        Of tqdm.
    """
    return tqdm(iterable, desc=desc, disable=not verbose > 0, **options)


@contextmanager
def stage(name: str, *, verbose: int) -> Iterator[None]:
    """Announce a stage of long work, and log how long it took.

    Parameters
    ----------
    name : str
        What is being done.
    verbose : int
        Shows a bar with the seconds if positive.
    """
    start = perf_counter()
    with progress_bar(desc=name, verbose=verbose, total=1, unit="stage") as bar:
        yield
        bar.update()
    logger.info("%s: %.3g s", name, perf_counter() - start)
