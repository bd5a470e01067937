"""Learning rates that are learned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn


class InnerRates(nn.Module):
    """One learned rate for each element of the parameters that an inner loop moves.

    Parameters
    ----------
    shapes : mapping of str to sequence of int
        Shapes of the parameters by name.
    initial : float, default=0.01
        What every rate starts from. Rates are not constrained; one that has become negative
        climbs.

    References
    ----------
    Li et al., Meta-SGD: learning to learn quickly for few-shot learning, 2017, equation 2.
    """

    def __init__(self, *, shapes: Mapping[str, Sequence[int]], initial: float = 0.01) -> None:
        super().__init__()
        self._names = list(shapes)
        # Whole numbers would make rates that have no gradient, numpy's cannot be written.
        initial = float(initial)
        self.config: dict[str, Any] = {
            "shapes": {name: list(shape) for name, shape in shapes.items()},
            "initial": initial,
        }
        for name, shape in shapes.items():
            rate = torch.full(tuple(shape), initial)
            self.register_parameter(_without_dots(name), nn.Parameter(rate))

    def by_name(self) -> dict[str, torch.Tensor]:
        """Rates by the names of the parameters they move.

        Returns
        -------
        rates : dict of str to tensor
            Of the parameters' shapes.
        """
        return {name: self.get_parameter(_without_dots(name)) for name in self._names}


def _without_dots(name: str) -> str:
    # Parameters of a module cannot have a dot in their names.
    return name.replace(".", "/")
