"""Optimisers of the inner loop as functions, so that an outer loop can look through them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping

import torch
from torch.func import grad
from torch.nn.attention import SDPBackend, sdpa_kernel

from sklearn_metaexplain.learners._base import StepCallback

Tensors = dict[str, torch.Tensor]

_MOMENTUM = 0.9
_BETAS = (0.9, 0.999)
# Inside Adam's root: where a gradient is zero, as that of a dead unit, the root's own
# derivative would be infinite and the meta-gradient not a number.
_EPS_ROOT = 1e-12


class InnerOptimizer(ABC):
    """Turns the gradients of one inner loop into directions; a fresh one for every loop."""

    @abstractmethod
    def direction(self, gradients: Tensors) -> Tensors:
        """What to subtract, up to the learning rate; called once a step."""


class GradientDescent(InnerOptimizer):
    """The gradient itself."""

    def direction(self, gradients: Tensors) -> Tensors:
        """Return the gradients."""
        return gradients


class Momentum(InnerOptimizer):
    """A velocity, the sum of all gradients so far, each older one times 0.9 once more."""

    def __init__(self) -> None:
        self._velocity: Tensors | None = None

    def direction(self, gradients: Tensors) -> Tensors:
        """Return the velocity."""
        if self._velocity is None:
            self._velocity = gradients
        else:
            self._velocity = {
                name: _MOMENTUM * self._velocity[name] + value for name, value in gradients.items()
            }
        return self._velocity


class Adam(InnerOptimizer):
    """Means of gradients over root mean squares, both corrected for their start at zero.

    References
    ----------
    Kingma and Ba, Adam: a method for stochastic optimization, 2015, algorithm 1; its epsilon is
    inside the root here.
    """

    def __init__(self) -> None:
        self._step = 0
        self._mean: Tensors = {}
        self._square: Tensors = {}

    def direction(self, gradients: Tensors) -> Tensors:
        """Return the corrected mean over the corrected root mean square."""
        self._step += 1
        first, second = _BETAS
        directions = {}
        for name, value in gradients.items():
            zero = torch.zeros_like(value)
            mean = first * self._mean.get(name, zero) + (1 - first) * value
            square = second * self._square.get(name, zero) + (1 - second) * value.square()
            self._mean[name], self._square[name] = mean, square
            corrected = square / (1 - second**self._step)
            directions[name] = mean / (1 - first**self._step) / (corrected + _EPS_ROOT).sqrt()
        return directions


#: Optimisers of the inner loop by the names that learners take.
INNER_OPTIMIZERS: dict[str, type[InnerOptimizer]] = {
    "sgd": GradientDescent,
    "momentum": Momentum,
    "adam": Adam,
}


def descend(
    loss_of: Callable[[Tensors], torch.Tensor],
    params: Mapping[str, torch.Tensor],
    *,
    rates: Mapping[str, torch.Tensor | float],
    optimizer: str,
    n_steps: int,
    first_order: bool = False,
    callback: StepCallback | None = None,
) -> Tensors:
    """Take steps downhill, as a function that can be differentiated.

    Parameters
    ----------
    loss_of : callable
        The loss of a dict of parameters.
    params : mapping of str to tensor
        Where to start.
    rates : mapping of str to (tensor or float)
        Learning rates of the parameters that move, a number or one for each element; all other
        parameters stay.
    optimizer : {"sgd", "momentum", "adam"}
        What becomes of the gradients.
    n_steps : int
        Number of steps.
    first_order : bool, default=False
        Whether gradients are taken as constants of the parameters.
    callback : callable, default=None
        Called with step 0 and `params`, then with each step and the parameters after it.

    Returns
    -------
    params : dict of str to tensor
        After the last step.
    """
    params, directions_of = dict(params), INNER_OPTIMIZERS[optimizer]()
    if callback is not None:
        callback(0, params)
    for step in range(1, n_steps + 1):
        point = {name: value.detach() for name, value in params.items()} if first_order else params
        gradients = _gradients(loss_of, point, list(rates), twice=not first_order)
        directions = directions_of.direction(gradients)
        moved = {name: params[name] - rate * directions[name] for name, rate in rates.items()}
        params = {**params, **moved}
        if callback is not None:
            callback(step, params)
    return params


def _gradients(
    loss_of: Callable[[Tensors], torch.Tensor], point: Tensors, names: list[str], *, twice: bool
) -> Tensors:
    def loss_of_moving(moving: Tensors) -> torch.Tensor:
        return loss_of({**point, **moving})

    moving = {name: point[name] for name in names}
    if not twice:
        return grad(loss_of_moving)(moving)
    # Fused attention has no second derivative.
    with sdpa_kernel(SDPBackend.MATH):
        return grad(loss_of_moving)(moving)
