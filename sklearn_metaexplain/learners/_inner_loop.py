"""Learners with an inner loop: steps on the support that the outer loop may look through."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from numbers import Integral
from typing import Any, ClassVar

import torch
from sklearn.utils._param_validation import Interval, StrOptions
from torch import nn

from sklearn_metaexplain.learners._base import Learner, StepCallback, add_gradient, detached
from sklearn_metaexplain.learners._loss import EpisodeLoss


class InnerLoopLearner(Learner):
    """A learner that takes steps on the support's loss.

    A subclass writes `inner_loop`; the meta-gradient is then that of the query loss at its
    result, by automatic differentiation.

    Parameters
    ----------
    n_inner_steps : int, default=1
        Steps of the inner loop.
    meta_batch_size : int, default=4
        Episodes of an outer step, for whoever trains.
    outer_optimizer : {"adam", "adamw", "sgd"}, default="adam"
        Optimiser of the outer loop, for whoever trains.
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "n_inner_steps": [Interval(Integral, 1, None, closed="left")],
        "meta_batch_size": [Interval(Integral, 1, None, closed="left")],
        "outer_optimizer": [StrOptions({"adam", "adamw", "sgd"})],
    }

    def __init__(
        self, *, n_inner_steps: int = 1, meta_batch_size: int = 4, outer_optimizer: str = "adam"
    ) -> None:
        self.n_inner_steps = n_inner_steps
        self.meta_batch_size = meta_batch_size
        self.outer_optimizer = outer_optimizer

    @abstractmethod
    def inner_loop(
        self,
        loss: EpisodeLoss,
        episode: Any,
        params: Mapping[str, torch.Tensor],
        *,
        state: nn.Module | None = None,
        n_steps: int | None = None,
        weights: torch.Tensor | None = None,
        callback: StepCallback | None = None,
    ) -> dict[str, torch.Tensor]:
        """Take steps on the support's loss: a function that can be differentiated.

        Parameters
        ----------
        loss : EpisodeLoss
            The network and its objective.
        episode : object
            What the objective takes; its query is not read.
        params : mapping of str to tensor
            Where to start, by the names of ``loss.meta_parameters()``.
        state : Module, default=None
            What `make_state` gave, where it gave anything.
        n_steps : int, default=None
            Inner steps. None: `n_inner_steps`.
        weights : tensor of shape (n_support,), default=None
            Of the support rows' losses. None: all 1.
        callback : callable, default=None
            As of `adapt`.

        Returns
        -------
        params : dict of str to tensor
            Adapted; differentiable with respect to `params`, `weights` and the state. Over
            stacked episodes of one size `torch.func.vmap` maps it.
        """

    def adapt(
        self,
        loss: EpisodeLoss,
        episode: Any,
        *,
        state: nn.Module | None = None,
        n_steps: int | None = None,
        callback: StepCallback | None = None,
    ) -> dict[str, torch.Tensor]:
        """Take the inner steps from the network's parameters.

        Parameters
        ----------
        loss : EpisodeLoss
            The network, which is not changed, and its objective.
        episode : object
            What the objective takes; its query is not read.
        state : Module, default=None
            What `make_state` gave, where it gave anything.
        n_steps : int, default=None
            Inner steps. None: `n_inner_steps`.
        callback : callable, default=None
            ``callback(step, params, **details)``, called with step 0 and the parameters before
            the first step, then after every step.

        Returns
        -------
        params : dict of str to tensor
            Adapted, by the names of ``loss.meta_parameters()``; detached copies.

        Raises
        ------
        ValueError
            If `n_steps` is negative, or the state is missing or another learner's.
        """
        self._check(n_steps)
        start = detached(loss.meta_parameters())
        with torch.no_grad():
            adapted = self.inner_loop(
                loss, episode, start, state=state, n_steps=n_steps, callback=callback
            )
        self._check_adapted(loss, episode, adapted)
        return adapted

    def accumulate(
        self,
        loss: EpisodeLoss,
        episode: Any,
        *,
        state: nn.Module | None = None,
        scale: float = 1.0,
    ) -> float:
        """Add the gradient of the query loss after the inner loop.

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
            If no parameter of the network or the state requires a gradient, or the state is
            missing or another learner's.
        """
        self._check(None)
        adapted = self.inner_loop(loss, episode, loss.meta_parameters(), state=state)
        self._check_adapted(loss, episode, adapted)
        query_loss = loss.at(adapted, episode)
        add_gradient(query_loss, loss, state, scale)
        return float(query_loss.detach())

    def _check_adapted(
        self, loss: EpisodeLoss, episode: Any, adapted: Mapping[str, torch.Tensor]
    ) -> None:
        """Refuse what the inner loop cannot move; a subclass may know."""

    def _check(self, n_steps: int | None) -> None:
        self._validate_params()
        if n_steps is not None and (not isinstance(n_steps, Integral) or n_steps < 0):
            raise ValueError(
                f"n_steps={n_steps!r}: give a whole number from 0 on, or None for n_inner_steps."
            )
