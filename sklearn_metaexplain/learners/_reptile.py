"""Reptile: move toward where training on a task leads."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from typing import Any, ClassVar

import torch
from sklearn.utils._param_validation import Interval, StrOptions
from torch import nn

from sklearn_metaexplain.learners._base import StepCallback, detached, trained_parameters
from sklearn_metaexplain.learners._inner import INNER_OPTIMIZERS, descend
from sklearn_metaexplain.learners._inner_loop import InnerLoopLearner
from sklearn_metaexplain.learners._loss import EpisodeLoss


class Reptile(InnerLoopLearner):
    r"""First-order meta-learning that only ever trains on tasks.

    In meta-training the inner loop takes `n_inner_steps` steps on the mean of the support's and
    the query's losses, all of the task's labelled rows, and the meta-gradient is
    :math:`\theta - \theta'`: an outer step of plain gradient descent with rate epsilon moves
    :math:`\theta` by :math:`\epsilon (\theta' - \theta)`. Nothing is differentiated through the
    inner loop. `adapt` steps on the support's loss alone.

    With one inner step this is joint training on all tasks; what makes it meta-learning are the
    later steps.

    Parameters
    ----------
    inner_lr : float, default=0.01
        Learning rate of the inner loop.
    n_inner_steps : int, default=5
        Steps of the inner loop.
    meta_batch_size : int, default=4
        Episodes of an outer step; read by whoever trains.
    inner_optimizer : {"sgd", "momentum", "adam"}, default="sgd"
        What becomes of the inner gradients; its memory starts from zero on each task.
    outer_optimizer : {"adam", "adamw", "sgd"}, default="sgd"
        Optimiser of the outer loop; read by whoever trains. The paper's is "sgd" with its rate
        epsilon going from 1 to 0.

    See Also
    --------
    MAML : Differentiates through the inner loop.

    Notes
    -----
    The paper's inner steps draw minibatches of the task's rows; here each step sees all rows of
    the episode, of which there are few.

    References
    ----------
    Nichol et al., On first-order meta-learning algorithms, 2018, algorithms 1 and 2.

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> from sklearn_metaexplain.learners import EpisodeLoss, Reptile, SupervisedEpisode
    >>> from sklearn_metaexplain.learners import SupervisedObjective
    >>> network = nn.Linear(1, 1, bias=False)
    >>> _ = nn.init.zeros_(network.weight)
    >>> loss = EpisodeLoss(network, SupervisedObjective(nn.functional.mse_loss))
    >>> one, target = torch.ones(1, 1), torch.full((1, 1), 4.0)
    >>> episode = SupervisedEpisode(one, target, one, target)
    >>> Reptile(inner_lr=0.25, n_inner_steps=2).accumulate(loss, episode)
    1.0
    >>> network.weight.grad.item()
    -3.0
    """

    name: ClassVar[str] = "reptile"
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **InnerLoopLearner._parameter_constraints,
        "inner_lr": [Interval(Real, 0, None, closed="neither")],
        "inner_optimizer": [StrOptions(set(INNER_OPTIMIZERS))],
    }

    def __init__(
        self,
        *,
        inner_lr: float = 0.01,
        n_inner_steps: int = 5,
        meta_batch_size: int = 4,
        inner_optimizer: str = "sgd",
        outer_optimizer: str = "sgd",
    ) -> None:
        super().__init__(
            n_inner_steps=n_inner_steps,
            meta_batch_size=meta_batch_size,
            outer_optimizer=outer_optimizer,
        )
        self.inner_lr = inner_lr
        self.inner_optimizer = inner_optimizer

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
        """Take gradient steps on the support's loss.

        Parameters
        ----------
        loss : EpisodeLoss
            The network and its objective.
        episode : object
            What the objective takes; its query is not read.
        params : mapping of str to tensor
            Where to start, by the names of ``loss.meta_parameters()``.
        state : None, default=None
            This learner has none.
        n_steps : int, default=None
            Inner steps. None: `n_inner_steps`.
        weights : tensor of shape (n_support,), default=None
            Of the support rows' losses. None: all 1.
        callback : callable, default=None
            As of `adapt`.

        Returns
        -------
        params : dict of str to tensor
            Adapted; differentiable with respect to `params` and `weights`.

        Raises
        ------
        ValueError
            If there is a state.
        """
        self._refuse_state(state)
        return descend(
            lambda point: loss.at(point, episode, "support", weights),
            params,
            rates=dict.fromkeys(params, self.inner_lr),
            optimizer=self.inner_optimizer,
            n_steps=self.n_inner_steps if n_steps is None else n_steps,
            callback=callback,
        )

    def accumulate(
        self,
        loss: EpisodeLoss,
        episode: Any,
        *,
        state: nn.Module | None = None,
        scale: float = 1.0,
    ) -> float:
        """Add the way from where training on the task leads back to the start.

        Parameters
        ----------
        loss : EpisodeLoss
            The network, whose parameters are not changed, and its objective.
        episode : object
            What the objective takes.
        state : None, default=None
            This learner has none.
        scale : float, default=1.0
            What it is multiplied by: 1 / `meta_batch_size` for a mean over tasks.

        Returns
        -------
        query_loss : float
            After the inner loop, which has seen the query, too: a loss of training. That of
            adaptation to the support alone is what the method `query_loss` gives.

        Raises
        ------
        ValueError
            If no parameter of the network requires a gradient, or there is a state.
        """
        self._check(None)
        self._refuse_state(state)
        trained_parameters(loss, None)
        start = loss.meta_parameters()
        with torch.no_grad():
            end = descend(
                lambda point: 0.5 * (loss.at(point, episode, "support") + loss.at(point, episode)),
                detached(start),
                rates=dict.fromkeys(start, self.inner_lr),
                optimizer=self.inner_optimizer,
                n_steps=self.n_inner_steps,
                first_order=True,
            )
            for name, value in start.items():
                if value.requires_grad:
                    way = scale * (value - end[name])
                    value.grad = way if value.grad is None else value.grad + way
            return float(loss.at(end, episode))
