"""Learning without an inner loop: the network reads the support."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import nn

from sklearn_metaexplain.learners._base import Learner, StepCallback, add_gradient, detached
from sklearn_metaexplain.learners._loss import EpisodeLoss


class InContext(Learner):
    """Model-based meta-learning: the network reads the support, nothing is adapted.

    The meta-gradient is that of the query loss given the support, which the objective hands to
    the network as its context.

    See Also
    --------
    Episodic : The same on N-way K-shot episodes.
    MAML : Adapts the network's parameters instead.

    References
    ----------
    Santoro et al., Meta-learning with memory-augmented neural networks, 2016. Garnelo et al.,
    Conditional neural processes, 2018.

    Examples
    --------
    >>> from sklearn_metaexplain.learners import InContext
    >>> InContext().get_params()
    {}
    """

    name: ClassVar[str] = "in_context"

    def adapt(
        self,
        loss: EpisodeLoss,
        episode: Any,
        *,
        state: nn.Module | None = None,
        n_steps: int | None = None,
        callback: StepCallback | None = None,
    ) -> dict[str, torch.Tensor]:
        """Give the network's parameters as they are.

        Parameters
        ----------
        loss : EpisodeLoss
            The network, which is not changed, and its objective.
        episode : object
            Not read: the support has its effect when the network reads it.
        state : None, default=None
            This learner has none.
        n_steps : int, default=None
            None or 0: there is no inner loop.
        callback : callable, default=None
            Called once, with step 0 and the parameters.

        Returns
        -------
        params : dict of str to tensor
            Detached copies, by the names of ``loss.meta_parameters()``.

        Raises
        ------
        ValueError
            If there are steps to take, or a state.
        """
        if n_steps:
            raise ValueError(
                f"n_steps={n_steps!r}: {type(self).__name__} has no inner loop; leave n_steps out."
            )
        self._refuse_state(state)
        params = detached(loss.meta_parameters())
        if callback is not None:
            callback(0, params)
        return params

    def accumulate(
        self,
        loss: EpisodeLoss,
        episode: Any,
        *,
        state: nn.Module | None = None,
        scale: float = 1.0,
    ) -> float:
        """Add the gradient of the query loss.

        Parameters
        ----------
        loss : EpisodeLoss
            The network, whose parameters are not changed, and its objective.
        episode : object
            What the objective takes.
        state : None, default=None
            This learner has none.
        scale : float, default=1.0
            What the gradient is multiplied by: 1 / number of episodes for a mean over tasks.

        Returns
        -------
        query_loss : float
            Of this episode, not scaled.

        Raises
        ------
        ValueError
            If no parameter of the network requires a gradient, or there is a state.
        """
        self._validate_params()
        self._refuse_state(state)
        query_loss = loss(episode)
        add_gradient(query_loss, loss, None, scale)
        return float(query_loss.detach())
