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
    # That of the CPU alone, where networks are made; a GPU's stays as it is.
    generator = torch.default_generator
    with _RNG_LOCK:
        state = generator.get_state()
        generator.manual_seed(seed)
        try:
            yield
        finally:
            generator.set_state(state)
