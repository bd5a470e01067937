"""A learned optimiser in the place of gradient descent."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any, ClassVar

import torch
from sklearn.utils._param_validation import Interval
from torch import nn
from torch.func import grad
from torch.nn.attention import SDPBackend, sdpa_kernel

from sklearn_metaexplain._validation import draw_seed
from sklearn_metaexplain.learners._base import StepCallback, add_gradient, detached
from sklearn_metaexplain.learners._coordinate_lstm import CoordinateLSTM, Memory
from sklearn_metaexplain.learners._inner_loop import InnerLoopLearner
from sklearn_metaexplain.learners._loss import EpisodeLoss
from sklearn_metaexplain.nets._seeded import seeded_torch


class LearnedOptimizer(InnerLoopLearner):
    """Adapt by the steps of a meta-trained LSTM that reads gradients.

    Every coordinate of the network is stepped by itself, by the same small LSTM, which reads the
    gradient of the support's loss with respect to that coordinate and remembers earlier ones. It
    so learns a rate, momentum and a schedule of its own from the tasks, and serves networks of
    any size. An untrained one leaves the network as it is.

    What is minimised in meta-training is the query loss after the last step plus the mean of the
    support loss after each step. Gradients are inputs of the LSTM like any other: the
    meta-gradient does not pass through them, so there are no second derivatives.

    Parameters
    ----------
    n_inner_steps : int, default=10
        Steps of the inner loop.
    hidden_size : int, default=20
        Numbers of memory that each layer of the LSTM keeps for a coordinate.
    n_layers : int, default=2
        Layers of the LSTM.
    preprocess : float, default=10.0
        Gradients below exp(-preprocess) count as small: the LSTM is told their value, and of
        larger ones the logarithm and the sign. At most 80.
    meta_batch_size : int, default=4
        Episodes of an outer step, for whoever trains.
    outer_optimizer : {"adam", "adamw", "sgd"}, default="adam"
        Optimiser of the outer loop, for whoever trains.
    truncation : int, default=None
        The meta-gradient passes through the memory and the steps of at most so many steps, which
        bounds the memory that long inner loops take. None: of all steps.
    learn_init : bool, default=True
        Whether the network's initial values are meta-trained too. False: the LSTM only, as in
        the paper.
    random_state : int or RandomState, default=0
        Of the LSTM's initial weights.

    See Also
    --------
    MAML : Adapts by gradient descent; the initial values are what is learned.

    References
    ----------
    Andrychowicz et al., Learning to learn by gradient descent by gradient descent, 2016: the
    update is equation 1, the loss along the way equation 3 with equal weights, the preprocessing
    of appendix A. The query loss, and that the initial values are learned, are not the paper's.

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> from sklearn_metaexplain.learners import EpisodeLoss, LearnedOptimizer
    >>> from sklearn_metaexplain.learners import SupervisedEpisode, SupervisedObjective
    >>> network = nn.Linear(2, 1)
    >>> for values in network.parameters():
    ...     _ = nn.init.zeros_(values)
    >>> loss = EpisodeLoss(network, SupervisedObjective(nn.functional.mse_loss))
    >>> rows, targets = torch.eye(2), torch.tensor([[1.0], [-1.0]])
    >>> episode = SupervisedEpisode(rows, targets, rows, targets)
    >>> learner = LearnedOptimizer(n_inner_steps=5)
    >>> state = learner.make_state(network)
    >>> before = learner.query_loss(loss, episode, state=state)
    >>> outer = torch.optim.Adam([*network.parameters(), *state.parameters()], lr=0.01)
    >>> for _ in range(30):
    ...     outer.zero_grad()
    ...     query_loss = learner.accumulate(loss, episode, state=state)
    ...     outer.step()
    >>> learner.query_loss(loss, episode, state=state) < 0.5 * before
    True
    """

    name: ClassVar[str] = "learned_optimizer"
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **InnerLoopLearner._parameter_constraints,
        "hidden_size": [Interval(Integral, 1, None, closed="left")],
        "n_layers": [Interval(Integral, 1, None, closed="left")],
        # exp(80) is about as large as single precision goes.
        "preprocess": [Interval(Real, 0, 80, closed="right")],
        "truncation": [Interval(Integral, 1, None, closed="left"), None],
        "learn_init": ["boolean"],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        *,
        n_inner_steps: int = 10,
        hidden_size: int = 20,
        n_layers: int = 2,
        preprocess: float = 10.0,
        meta_batch_size: int = 4,
        outer_optimizer: str = "adam",
        truncation: int | None = None,
        learn_init: bool = True,
        random_state: Any = 0,
    ) -> None:
        super().__init__(
            n_inner_steps=n_inner_steps,
            meta_batch_size=meta_batch_size,
            outer_optimizer=outer_optimizer,
        )
        self.hidden_size = hidden_size
        self.n_layers = n_layers
        self.preprocess = preprocess
        self.truncation = truncation
        self.learn_init = learn_init
        self.random_state = random_state

    def make_state(self, network: nn.Module) -> CoordinateLSTM:
        """Make the LSTM, to be trained beside the network.

        Parameters
        ----------
        network : Module
            Gives the type and the device of the LSTM's numbers; any other network may be stepped
            by the same LSTM.

        Returns
        -------
        state : CoordinateLSTM
            Untrained.

        Raises
        ------
        ValueError
            If the network has no parameters.
        """
        self._validate_params()
        like = next(network.parameters(), None)
        if like is None:
            raise ValueError(
                f"{type(network).__name__} has no parameters, so there is nothing to adapt."
            )
        with seeded_torch(draw_seed(self.random_state)):
            state = CoordinateLSTM(
                hidden_size=self.hidden_size, n_layers=self.n_layers, preprocess=self.preprocess
            )
        return state.to(like)

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
        """Take the LSTM's steps: a function that can be differentiated.

        Parameters
        ----------
        loss : EpisodeLoss
            The network and its objective.
        episode : object
            What the objective takes; its query is not read.
        params : mapping of str to tensor
            Where to start, by the names of ``loss.meta_parameters()``.
        state : CoordinateLSTM
            What `make_state` gave.
        n_steps : int, default=None
            Inner steps. None: `n_inner_steps`.
        weights : tensor of shape (n_support,), default=None
            Of the support rows' losses. None: all 1.
        callback : callable, default=None
            ``callback(step, params, gates=gates)``; `gates`, which step 0 has not, are mean
            activations by name of the parameter, of shape (n_layers, n_coordinates, 3) in the
            order input, forget, output.

        Returns
        -------
        params : dict of str to tensor
            Adapted. The derivative passes through the gradients that were read too, as
            influences ask for, other than in `accumulate`.

        Raises
        ------
        ValueError
            If the state is missing or another learner's.
        """
        lstm = _check_state(state)
        params = dict(params)
        memory = lstm.start(sum(value.numel() for value in params.values()))
        if callback is not None:
            callback(0, params)
        for step in range(self.n_inner_steps if n_steps is None else n_steps):
            # Fused attention has no second derivative.
            with sdpa_kernel(SDPBackend.MATH):
                gradient = _flat(grad(loss.at)(params, episode, "support", weights))
            update, memory, gates = lstm(gradient, memory)
            params = _plus(params, update)
            if callback is not None:
                callback(step + 1, params, gates=_by_name(gates, params))
        return params

    def accumulate(
        self,
        loss: EpisodeLoss,
        episode: Any,
        *,
        state: nn.Module | None = None,
        scale: float = 1.0,
    ) -> float:
        """Add the gradient of the query loss and of the support loss along the inner loop.

        Parameters
        ----------
        loss : EpisodeLoss
            The network, whose parameters are not changed, and its objective.
        episode : object
            What the objective takes.
        state : CoordinateLSTM
            What `make_state` gave.
        scale : float, default=1.0
            What the meta-gradient is multiplied by: 1 / `meta_batch_size` for a mean over tasks.

        Returns
        -------
        query_loss : float
            After adaptation to this episode, not scaled.

        Raises
        ------
        ValueError
            If the state is missing or another learner's.
        """
        self._check(None)
        lstm = _check_state(state)
        start: Mapping[str, torch.Tensor] = loss.meta_parameters()
        if not self.learn_init:
            start = detached(start)
        path = torch.zeros_like(_flat(detached(start)))
        memory = lstm.start(len(path))
        pending = path.new_zeros(())
        for step in range(1, self.n_inner_steps + 1):
            # What the LSTM reads is a constant to the meta-gradient.
            here = detached(_plus(start, path))
            gradient = _flat(grad(loss.at)(here, episode, "support"))
            update, memory, _ = lstm(gradient, memory)
            path = path + update
            params = _plus(start, path)
            pending = pending + loss.at(params, episode, "support") / self.n_inner_steps
            if self._cuts_after(step):
                add_gradient(pending, loss, lstm, scale)
                # Only the path is cut: initial values get the gradient of every step.
                path, pending = path.detach(), path.new_zeros(())
                memory = Memory(memory.hidden.detach(), memory.cell.detach())
        query_loss = loss.at(params, episode)
        add_gradient(pending + query_loss, loss, lstm, scale)
        return float(query_loss.detach())

    def _cuts_after(self, step: int) -> bool:
        if self.truncation is None or step == self.n_inner_steps:
            return False
        return step % self.truncation == 0


def _check_state(state: nn.Module | None) -> CoordinateLSTM:
    if not isinstance(state, CoordinateLSTM):
        raise ValueError(
            f"state={type(state).__name__}: LearnedOptimizer needs its own, as "
            "make_state(network) gives it; pass state=."
        )
    return state


def _flat(params: Mapping[str, torch.Tensor]) -> torch.Tensor:
    return torch.cat([value.reshape(-1) for value in params.values()])


def _plus(params: Mapping[str, torch.Tensor], path: torch.Tensor) -> dict[str, torch.Tensor]:
    """Parameters moved along a vector of all their coordinates."""
    moves = path.split([value.numel() for value in params.values()])
    return {
        name: value + move.reshape(value.shape)
        for (name, value), move in zip(params.items(), moves, strict=True)
    }


def _by_name(gates: torch.Tensor, params: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    parts = gates.split([value.numel() for value in params.values()], dim=1)
    return dict(zip(params, parts, strict=True))
