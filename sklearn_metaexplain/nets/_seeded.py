"""Networks that start from the same values whenever their seed is the same."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock

import torch

__all__ = ["seeded_torch"]

_RNG_LOCK = RLock()


@contextmanager
def seeded_torch(seed: int) -> Iterator[None]:
    """Seed torch's global generator, from which networks draw; give its state back after.

    All threads draw from that generator, so they take turns: make a network inside and no more.

    Parameters
    ----------
    seed : int
        Of what is drawn.
    """
    with _RNG_LOCK, torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield
