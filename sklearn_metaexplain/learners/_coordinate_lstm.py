"""One small LSTM that steps every coordinate of a network, each with a memory of its own."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
from torch import nn

#: The gates of an LSTM cell, in the order of `CoordinateLSTM.forward`.
GATES = ("input", "forget", "output")
# Brings a first, rough output near the size of a useful step.
_OUTPUT_SCALE = 0.1


class Memory(NamedTuple):
    """What the LSTM carries from step to step, for each coordinate."""

    hidden: torch.Tensor  # (n_layers, n_coordinates, hidden_size)
    cell: torch.Tensor  # (n_layers, n_coordinates, hidden_size)


def preprocess_gradient(gradient: torch.Tensor, p: float) -> torch.Tensor:
    """Split gradients into magnitude and sign, so that all magnitudes can be read.

    Parameters
    ----------
    gradient : tensor of shape (n_coordinates,)
        Gradients of any size.
    p : float
        Gradients below exp(-p) count as small: their magnitude is no longer told apart by its
        logarithm.

    Returns
    -------
    inputs : tensor of shape (n_coordinates, 2)
        (log|g| / p, sign g) where |g| >= exp(-p), else (-1, exp(p) g).

    References
    ----------
    Andrychowicz et al., Learning to learn by gradient descent by gradient descent, 2016,
    appendix A.
    """
    smallest = math.exp(-p)
    magnitude = gradient.abs()
    is_large = magnitude >= smallest
    # The floor is inside the logarithm, where it also keeps its derivative finite.
    first = magnitude.clamp_min(smallest).log() / p
    second = torch.where(is_large, gradient.sign(), gradient * math.exp(p))
    return torch.stack([first, second], dim=-1)


class CoordinateLSTM(nn.Module):
    """Turn gradients into steps, each coordinate by itself, all with the same weights.

    Its last layer starts at zero: untrained, it stays where it is.

    Parameters
    ----------
    hidden_size : int, default=20
        Numbers of memory of a coordinate in each layer.
    n_layers : int, default=2
        Cells on top of each other.
    preprocess : float, default=10.0
        `p` of `preprocess_gradient`.

    References
    ----------
    Andrychowicz et al., Learning to learn by gradient descent by gradient descent, 2016,
    section 2.1.
    """

    def __init__(
        self, *, hidden_size: int = 20, n_layers: int = 2, preprocess: float = 10.0
    ) -> None:
        super().__init__()
        self.config: dict[str, Any] = {
            "hidden_size": hidden_size,
            "n_layers": n_layers,
            "preprocess": preprocess,
        }
        self.hidden_size = hidden_size
        self.preprocess = preprocess
        self.cells = nn.ModuleList(
            nn.Linear((hidden_size if layer else 2) + hidden_size, 4 * hidden_size)
            for layer in range(n_layers)
        )
        self.output = nn.Linear(hidden_size, 1)
        nn.init.zeros_(self.output.weight)
        nn.init.zeros_(self.output.bias)

    def start(self, n_coordinates: int) -> Memory:
        """Memory before the first step: zeros."""
        shape = (len(self.cells), n_coordinates, self.hidden_size)
        return Memory(self.output.weight.new_zeros(shape), self.output.weight.new_zeros(shape))

    def forward(
        self, gradient: torch.Tensor, memory: Memory
    ) -> tuple[torch.Tensor, Memory, torch.Tensor]:
        """Step all coordinates.

        Parameters
        ----------
        gradient : tensor of shape (n_coordinates,)
            Of the loss to lower.
        memory : Memory
            Of the same coordinates.

        Returns
        -------
        update : tensor of shape (n_coordinates,)
            What is added to the coordinates.
        memory : Memory
            For the next step.
        gates : tensor of shape (n_layers, n_coordinates, 3)
            Mean activation in [0, 1] of the gates of `GATES`.
        """
        signal = preprocess_gradient(gradient, self.preprocess)
        hiddens, cells, opened = [], [], []
        for linear, hidden, cell in zip(self.cells, memory.hidden, memory.cell, strict=True):
            put, keep, candidate, show = linear(torch.cat([signal, hidden], -1)).chunk(4, -1)
            put, keep, show = put.sigmoid(), keep.sigmoid(), show.sigmoid()
            cell = keep * cell + put * candidate.tanh()
            signal = show * cell.tanh()
            hiddens.append(signal)
            cells.append(cell)
            opened.append(torch.stack([gate.mean(-1) for gate in (put, keep, show)], -1))
        update = _OUTPUT_SCALE * self.output(signal)[..., 0]
        return update, Memory(torch.stack(hiddens), torch.stack(cells)), torch.stack(opened)
