"""Which tables are only looked at in the end: nobody chose them."""

from __future__ import annotations

from hashlib import sha256

import more_tables
from tables import TABLE_NAMES


def choose_sealed(candidates: tuple[str, ...], n_tables: int) -> tuple[str, ...]:
    """Take a third of all tables, rounded down, by the hashes of the candidates' names.

    Parameters
    ----------
    candidates : tuple of str
        Tables that were never looked at.
    n_tables : int
        All tables.
    """
    by_hash = sorted(candidates, key=lambda name: sha256(name.encode()).hexdigest())
    return tuple(sorted(by_hash[: n_tables // 3]))


CANDIDATES = tuple(
    name
    for name in (*more_tables.CLASSIFICATION, *more_tables.REGRESSION)
    if name not in more_tables.SEEN_IN_PART
)
SEALED = choose_sealed(CANDIDATES, len(TABLE_NAMES))
