"""Model-agnostic meta-learning: initial values from which a few steps go far."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from typing import Any, ClassVar

import torch
from sklearn.utils._param_validation import Interval, StrOptions
from torch import nn

from sklearn_metaexplain.learners._base import StepCallback
from sklearn_metaexplain.learners._inner import INNER_OPTIMIZERS, descend
from sklearn_metaexplain.learners._inner_loop import InnerLoopLearner
from sklearn_metaexplain.learners._loss import EpisodeLoss, meta_names
from sklearn_metaexplain.learners._rates import InnerRates


class MAML(InnerLoopLearner):
    r"""Model-agnostic meta-learning, by gradients through the inner loop.

    On each task the inner loop takes steps on the support's loss from the shared parameters,

    .. math:: \theta_i' = \theta - \alpha \nabla_\theta L_i^{support}(\theta),

    and the outer loop minimises the mean over tasks of :math:`L_i^{query}(\theta_i')`, whose
    gradient with respect to :math:`\theta` looks through these steps.

    Parameters
    ----------
    inner_lr : float, default=0.01
        Learning rate alpha of the inner loop.
    n_inner_steps : int, default=1
        Steps of the inner loop, in meta-training and, where `adapt` is not told otherwise, at
        adaptation.
    meta_batch_size : int, default=4
        Episodes of an outer step; read by whoever trains.
    inner_optimizer : {"sgd", "momentum", "adam"}, default="sgd"
        What becomes of the inner gradients: themselves, a velocity with momentum 0.9, or Adam's
        directions. Its memory starts from zero on each task, and gradients go through it.
    outer_optimizer : {"adam", "adamw", "sgd"}, default="adam"
        Optimiser of the outer loop; read by whoever trains.
    first_order : bool, default=False
        Whether inner gradients are taken as constants, so that the meta-gradient is the gradient
        of the query loss at the adapted parameters (FOMAML): no second derivatives, and less
        memory and time.
    learn_lr : bool, default=False
        Meta-SGD: a learned rate for each element of each parameter, from `inner_lr` on. They are
        in the state that `make_state` gives, shared by all steps, and may become negative, as in
        the paper, which takes one step; with several, a task unlike the others may diverge.

    See Also
    --------
    ANIL : Only the head moves in the inner loop.
    Reptile : Needs no gradient through the inner loop at all.

    Notes
    -----
    The inner loop moves all parameters, those that require no gradient, too: to freeze a part of
    the network on a task, use `ANIL`; to freeze it in meta-training only, take its gradient away.

    With the kernel network of `~sklearn_metaexplain.MetaExplainer` the meta-gradient is an
    approximation: that network refines its proposal by gradients of the likelihood, which count
    as constants.

    References
    ----------
    Finn et al., Model-agnostic meta-learning for fast adaptation of deep networks, 2017,
    algorithms 1 and 2; first order in section 5.2. Li et al., Meta-SGD: learning to learn
    quickly for few-shot learning, 2017.

    Examples
    --------
    A task with the loss (theta - target) ** 2, where a step of rate 0.25 goes half the way.

    >>> import torch
    >>> from torch import nn
    >>> from sklearn_metaexplain.learners import MAML, EpisodeLoss, SupervisedEpisode
    >>> from sklearn_metaexplain.learners import SupervisedObjective
    >>> network = nn.Linear(1, 1, bias=False)
    >>> _ = nn.init.zeros_(network.weight)
    >>> loss = EpisodeLoss(network, SupervisedObjective(nn.functional.mse_loss))
    >>> one, target = torch.ones(1, 1), torch.full((1, 1), 4.0)
    >>> episode = SupervisedEpisode(one, target, one, target)
    >>> maml = MAML(inner_lr=0.25)
    >>> maml.adapt(loss, episode)["network.weight"].item()
    2.0
    >>> maml.accumulate(loss, episode)
    4.0
    >>> network.weight.grad.item()
    -2.0
    """

    name: ClassVar[str] = "maml"
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **InnerLoopLearner._parameter_constraints,
        "inner_lr": [Interval(Real, 0, None, closed="neither")],
        "inner_optimizer": [StrOptions(set(INNER_OPTIMIZERS))],
        "first_order": ["boolean"],
        "learn_lr": ["boolean"],
    }

    def __init__(
        self,
        *,
        inner_lr: float = 0.01,
        n_inner_steps: int = 1,
        meta_batch_size: int = 4,
        inner_optimizer: str = "sgd",
        outer_optimizer: str = "adam",
        first_order: bool = False,
        learn_lr: bool = False,
    ) -> None:
        super().__init__(
            n_inner_steps=n_inner_steps,
            meta_batch_size=meta_batch_size,
            outer_optimizer=outer_optimizer,
        )
        self.inner_lr = inner_lr
        self.inner_optimizer = inner_optimizer
        self.first_order = first_order
        self.learn_lr = learn_lr

    def make_state(self, network: nn.Module) -> InnerRates | None:
        """Make the learned rates.

        Parameters
        ----------
        network : Module
            The network that will learn; it is not changed.

        Returns
        -------
        state : InnerRates or None
            `inner_lr` for each element that the inner loop moves, if `learn_lr`.

        Raises
        ------
        ValueError
            If the network has no parameters.
        """
        self._validate_params()
        if not self.learn_lr:
            return None
        like = next(network.parameters(), None)
        if like is None:
            raise ValueError(
                f"{type(network).__name__} has no parameters, so there is nothing to adapt."
            )
        shapes = {name: network.get_parameter(name).shape for name in self._moving(network)}
        return InnerRates(shapes=shapes, initial=self.inner_lr).to(like)

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
        state : Module, default=None
            The learned rates, if `learn_lr`.
        n_steps : int, default=None
            Inner steps. None: `n_inner_steps`.
        weights : tensor of shape (n_support,), default=None
            Of the support rows' losses. None: all 1.
        callback : callable, default=None
            As of `adapt`.

        Returns
        -------
        params : dict of str to tensor
            Adapted; differentiable with respect to `params` (at first order if `first_order`),
            `weights` and the state.

        Raises
        ------
        ValueError
            If the state is missing or was made for another network.
        """
        return descend(
            lambda point: loss.at(point, episode, "support", weights),
            params,
            rates=self._rates(loss.network, state),
            optimizer=self.inner_optimizer,
            n_steps=self.n_inner_steps if n_steps is None else n_steps,
            first_order=self.first_order,
            callback=callback,
        )

    def _moving(self, network: nn.Module) -> list[str]:
        """Names, in the network, of the parameters that the inner loop moves."""
        return [name for name, _ in network.named_parameters()]

    def _rates(
        self, network: nn.Module, state: nn.Module | None
    ) -> Mapping[str, torch.Tensor | float]:
        moving = self._moving(network)
        if not self.learn_lr:
            self._refuse_state(state)
            return dict.fromkeys(meta_names(moving), self.inner_lr)
        if not isinstance(state, InnerRates):
            raise ValueError(
                f"state={type(state).__name__}: with learn_lr=True, give the learned rates that "
                "make_state(network) made."
            )
        rates = state.by_name()
        ours = {name: network.get_parameter(name).shape for name in moving}
        if ours != {name: rate.shape for name, rate in rates.items()}:
            raise ValueError(
                "state holds learned rates for other parameters than those of this network that "
                "the inner loop moves; make it with make_state(network)."
            )
        return dict(zip(meta_names(rates), rates.values(), strict=True))
