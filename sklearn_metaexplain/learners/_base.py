"""What every learner is: a strategy by which a network learns from a task."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import torch
from sklearn.base import BaseEstimator
from torch import nn

from sklearn_metaexplain.learners._loss import EpisodeLoss

#: Called with the number of a step, the parameters after it, and details of the learner.
StepCallback = Callable[..., None]


class Learner(BaseEstimator, ABC):
    """A strategy by which any network learns from a task, and is meta-trained for it.

    A learner holds parameters only, no tensors: what it learns itself is in the module that
    `make_state` gives. The optimiser of the outer loop belongs to whoever trains; `accumulate`
    adds the meta-gradient of one task to ``.grad``.

    Attributes
    ----------
    name : str
        Of the strategy, in weights files.

    See Also
    --------
    EpisodeLoss : What learners take.
    InContext : The simplest learner.
    """

    name: ClassVar[str]
    _parameter_constraints: ClassVar[dict[str, Any]] = {}

    def make_state(self, network: nn.Module) -> nn.Module | None:
        """Make what the learner itself learns, to be trained beside the network.

        Parameters
        ----------
        network : Module
            The network that will learn; it is not changed.

        Returns
        -------
        state : Module or None
            At its initial values. None: the learner has nothing of its own.
        """
        self._validate_params()
        return None

    @abstractmethod
    def adapt(
        self,
        loss: EpisodeLoss,
        episode: Any,
        *,
        state: nn.Module | None = None,
        n_steps: int | None = None,
        callback: StepCallback | None = None,
    ) -> dict[str, torch.Tensor]:
        """Adapt the network's parameters to an episode's support, and to nothing else.

        Parameters
        ----------
        loss : EpisodeLoss
            The network, which is not changed, and its objective.
        episode : object
            What the objective takes; its query is not read.
        state : Module, default=None
            What `make_state` gave, where it gave anything.
        n_steps : int, default=None
            Inner steps. None: the learner's own number.
        callback : callable, default=None
            ``callback(step, params, **details)``, called with step 0 and the parameters before
            the first step, then after every step.

        Returns
        -------
        params : dict of str to tensor
            Adapted, by the names of ``loss.meta_parameters()``; detached copies.
        """

    @abstractmethod
    def accumulate(
        self,
        loss: EpisodeLoss,
        episode: Any,
        *,
        state: nn.Module | None = None,
        scale: float = 1.0,
    ) -> float:
        """Add an episode's meta-gradient to ``.grad`` of the network and of the state.

        Parameters
        ----------
        loss : EpisodeLoss
            The network, whose parameters are not changed, and its objective.
        episode : object
            What the objective takes.
        state : Module, default=None
            What `make_state` gave, where it gave anything.
        scale : float, default=1.0
            What the meta-gradient is multiplied by: 1 / `meta_batch_size` for a mean over tasks.

        Returns
        -------
        query_loss : float
            After adaptation to this episode, not scaled.

        Raises
        ------
        ValueError
            If no parameter of the network or the state requires a gradient.
        """

    def query_loss(
        self, loss: EpisodeLoss, episode: Any, *, state: nn.Module | None = None
    ) -> float:
        """Adapt to an episode's support and judge by its query; no gradient is left behind.

        Parameters
        ----------
        loss : EpisodeLoss
            The network, which is not changed, and its objective.
        episode : object
            What the objective takes.
        state : Module, default=None
            What `make_state` gave, where it gave anything.

        Returns
        -------
        query_loss : float
            After adaptation.
        """
        params = self.adapt(loss, episode, state=state)
        with torch.no_grad():
            return float(loss.at(params, episode))

    def _refuse_state(self, state: nn.Module | None) -> None:
        if state is not None:
            raise ValueError(
                f"state={type(state).__name__}: {self} learns nothing of its own; leave it out."
            )


def detached(params: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Copies of tensors that share neither memory nor history with them."""
    return {name: value.detach().clone() for name, value in params.items()}


def add_gradient(
    value: torch.Tensor, loss: EpisodeLoss, state: nn.Module | None, scale: float
) -> None:
    """Add `scale` times the gradient of `value` to what is trained, and to nothing else."""
    (scale * value).backward(inputs=trained_parameters(loss, state))


def trained_parameters(loss: EpisodeLoss, state: nn.Module | None) -> list[torch.Tensor]:
    """Parameters of the network and the state that require gradients.

    Raises
    ------
    ValueError
        If there are none.
    """
    modules = [loss.network] if state is None else [loss.network, state]
    trained: list[torch.Tensor] = [
        value for module in modules for value in module.parameters() if value.requires_grad
    ]
    if not trained:
        raise ValueError(
            "No parameter of the network requires a gradient, so nothing can be meta-trained; "
            "call network.requires_grad_(True) first (loaded networks are frozen)."
        )
    return trained
