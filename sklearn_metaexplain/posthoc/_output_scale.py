"""The units in which surrogates learn."""

from __future__ import annotations

from typing import NamedTuple

import torch

# Less is rounding.
_LEAST_SPREAD = 1e-12
_ROUNDING = 1e-12


class OutputScale(NamedTuple):
    """What a model's outputs are centred and divided by."""

    center: torch.Tensor  # (n_outputs,)
    spread: torch.Tensor  # (n_outputs,), 1 where outputs are constant
    varies: torch.Tensor  # (n_outputs,), bool

    @classmethod
    def of(cls, outputs: torch.Tensor) -> OutputScale:
        """Find the scale of outputs (n_rows, n_outputs)."""
        # Squares of the largest and smallest numbers there are would be none.
        factor = torch.exp2((torch.frexp(outputs.abs().amax(0)).exponent - 1).to(outputs))
        scaled = outputs / factor
        center, spread = scaled.mean(0) * factor, scaled.std(0, correction=0) * factor
        varies = spread > _LEAST_SPREAD * center.abs()
        return cls(center, torch.where(varies, spread, 1.0), varies)

    @property
    def rounding(self) -> torch.Tensor:
        """How far standardised outputs may be off by rounding alone, (n_outputs,)."""
        return _ROUNDING * (1 + self.center.abs() / self.spread)

    def standardise(self, outputs: torch.Tensor) -> torch.Tensor:
        """Turn outputs of the model into the surrogates' units."""
        return (outputs - self.center) / self.spread

    def restore(self, outputs: torch.Tensor) -> torch.Tensor:
        """Turn outputs of the surrogates into the model's units."""
        return outputs * self.spread + self.center

    def limits(self, *, probabilities: bool) -> torch.Tensor | None:
        """Least and largest output in the surrogates' units, (2, n_outputs), where there are."""
        if not probabilities:
            return None
        return self.standardise(self.center.new_tensor([[0.0], [1.0]]))
