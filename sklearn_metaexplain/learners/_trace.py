"""What an adaptation does to a network, step by step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from sklearn.base import clone
from torch import nn
from torch.func import grad

from sklearn_metaexplain.learners._base import Learner, detached
from sklearn_metaexplain.learners._inner_loop import InnerLoopLearner
from sklearn_metaexplain.learners._loss import EpisodeLoss


@dataclass(frozen=True, eq=False)
class AdaptationTrace:
    """What happened in an adaptation, as arrays.

    It is made by `trace_adaptation`. Entry 0 of what goes by step is before the first step.

    Parameters
    ----------
    layers : tuple of str
        The modules of the network that have parameters of their own, by their names in it. The
        network itself is called "".
    changes : ndarray of shape (n_steps + 1, n_layers)
        How far each layer is from its start: the Frobenius norm of the difference of its
        parameters over that of the parameters at the start; of a layer that starts at zero, the
        norm of the difference itself.
    support_loss : ndarray of shape (n_steps + 1,)
        What was descended; NaN where the objective has no `support_loss`.
    query_loss : ndarray of shape (n_steps + 1,)
        What adaptation is for.
    predictions : ndarray of shape (n_steps + 1, n_query, n_outputs) or None
        Outputs of the query rows; None where the objective has no `predict`.
    support_influence : ndarray of shape (n_support,) or None
        Derivative of the query loss after the last step with respect to the weight of each
        support row's loss, at weights of 1. Negative: more of this row would have lowered the
        query loss, and leaving it out raises it by about as much. Of the kernel network an
        approximation, see `trace_adaptation`. None for learners without an inner loop.
    gates : ndarray of shape (n_steps, n_layers, n_cells, 3) or None
        Of a learned optimiser, the mean activation of the input, forget and output gates of each
        cell of its LSTM, in [0, 1], over the coordinates of each layer. None for other learners,
        or where no step was taken.

    See Also
    --------
    sklearn_metaexplain.inspection.AdaptationDisplay : Draws `curves`.
    """

    layers: tuple[str, ...]
    changes: np.ndarray
    support_loss: np.ndarray
    query_loss: np.ndarray
    predictions: np.ndarray | None = None
    support_influence: np.ndarray | None = None
    gates: np.ndarray | None = None

    @property
    def steps(self) -> np.ndarray:
        """Numbers of the steps: 0, before the first, to n_steps."""
        return np.arange(len(self.query_loss))

    @property
    def curves(self) -> dict[str, np.ndarray]:
        """Losses by step under the names that Displays show, each of shape (n_steps + 1,)."""
        curves = {"support_loss": self.support_loss, "query_loss": self.query_loss}
        return {name: curve for name, curve in curves.items() if not np.isnan(curve).all()}


def trace_adaptation(
    learner: Learner,
    loss: EpisodeLoss,
    episode: Any,
    *,
    state: nn.Module | None = None,
    n_steps: int | None = None,
) -> AdaptationTrace:
    """Adapt a network to an episode and record every step.

    Parameters
    ----------
    learner : Learner
        How the network adapts.
    loss : EpisodeLoss
        The network, which is not changed, and its objective.
    episode : object
        What the objective takes. Its query is only read to judge by. For a learner with an inner
        loop ``len(episode.support)`` is the number of support rows.
    state : Module, default=None
        What ``learner.make_state(network)`` gave, where it gave anything.
    n_steps : int, default=None
        Inner steps. None: the learner's own number.

    Returns
    -------
    trace : AdaptationTrace
        What happened.

    Raises
    ------
    ValueError
        If `n_steps` or the state does not suit the learner.
    TypeError
        If the learner has an inner loop and the episode has no `support` to count.

    See Also
    --------
    sklearn_metaexplain.inspection.AdaptationDisplay : Draws the trace's `curves`.

    Notes
    -----
    `support_influence` passes through all steps that were taken, for which it is exact. Of the
    kernel network of `~sklearn_metaexplain.MetaExplainer` it is an approximation: that network
    refines its proposal by gradients of the likelihood, which count as constants.

    References
    ----------
    Koh and Liang, Understanding black-box predictions via influence functions, 2017.

    Examples
    --------
    A line that starts flat; two of three rows are on the line y = x, one is far off.

    >>> import torch
    >>> from torch import nn
    >>> from sklearn_metaexplain.learners import MAML, EpisodeLoss, SupervisedEpisode
    >>> from sklearn_metaexplain.learners import SupervisedObjective, trace_adaptation
    >>> network = nn.Linear(1, 1, bias=False)
    >>> _ = nn.init.zeros_(network.weight)
    >>> loss = EpisodeLoss(network, SupervisedObjective(nn.functional.mse_loss))
    >>> rows, targets = torch.ones(3, 1), torch.tensor([[1.0], [1.0], [-2.5]])
    >>> episode = SupervisedEpisode(rows, targets, rows[:1], targets[:1])
    >>> trace = trace_adaptation(MAML(inner_lr=0.5, n_inner_steps=1), loss, episode)
    >>> trace.layers, trace.changes.round(3).tolist()
    (('',), [[0.0], [0.167]])
    >>> trace.query_loss.round(3).tolist()
    [1.0, 1.361]
    >>> trace.support_influence.round(3).tolist()
    [-0.778, -0.778, 1.944]
    """
    recorder = _Recorder(loss, episode)
    learner.adapt(loss, episode, state=state, n_steps=n_steps, callback=recorder)
    influence = None
    if isinstance(learner, InnerLoopLearner):
        influence = _support_influence(learner, loss, episode, state, n_steps)
    return recorder.finish(influence)


class _Recorder:
    """The callback of `Learner.adapt` that keeps what each step did."""

    def __init__(self, loss: EpisodeLoss, episode: Any) -> None:
        self.loss, self.episode = loss, episode
        self.start = detached(loss.meta_parameters())
        self.names_of: dict[str, list[str]] = {}
        for name in self.start:
            layer = name.removeprefix("network.").rpartition(".")[0]
            self.names_of.setdefault(layer, []).append(name)
        self.changes: list[list[float]] = []
        self.losses: dict[str, list[float]] = {"support": [], "query": []}
        self.predictions: list[np.ndarray] = []
        self.gates: list[np.ndarray] = []

    def __call__(self, step: int, params: Mapping[str, torch.Tensor], **details: Any) -> None:
        with torch.no_grad():
            self.changes.append([self._change(params, names) for names in self.names_of.values()])
            for part, losses in self.losses.items():
                if part == "query" or hasattr(self.loss.objective, "support_loss"):
                    losses.append(float(self.loss.at(params, self.episode, part)))
            if hasattr(self.loss.objective, "predict"):
                self.predictions.append(_array(self.loss.at(params, self.episode, "predict")))
            if "gates" in details:
                self.gates.append(self._gates(details["gates"]))

    def finish(self, influence: np.ndarray | None) -> AdaptationTrace:
        n_entries = len(self.changes)
        support = self.losses["support"] or [np.nan] * n_entries
        return AdaptationTrace(
            layers=tuple(self.names_of),
            changes=np.array(self.changes),
            support_loss=np.array(support),
            query_loss=np.array(self.losses["query"]),
            predictions=np.stack(self.predictions) if self.predictions else None,
            support_influence=influence,
            gates=np.stack(self.gates) if self.gates else None,
        )

    def _change(self, params: Mapping[str, torch.Tensor], names: list[str]) -> float:
        start = _norm(self.start[name] for name in names)
        moved = _norm(params[name] - self.start[name] for name in names)
        return moved / start if start else moved

    def _gates(self, gates: Mapping[str, torch.Tensor]) -> np.ndarray:
        """Mean over each layer's coordinates: (n_layers, n_cells, 3)."""
        by_layer = (
            torch.cat([gates[name] for name in names], dim=1).mean(1)
            for names in self.names_of.values()
        )
        return _array(torch.stack(list(by_layer)))


def _support_influence(
    learner: InnerLoopLearner,
    loss: EpisodeLoss,
    episode: Any,
    state: nn.Module | None,
    n_steps: int | None,
) -> np.ndarray:
    """Gradient of the final query loss with respect to the support rows' weights."""
    if not hasattr(episode, "support"):
        raise TypeError(
            f"{type(episode).__name__} has no `support`, whose rows are what the influences are "
            "of: call the support rows of the episode so."
        )
    if "first_order" in learner.get_params():
        # First order approximates meta-training; the steps that are taken are the same.
        learner = clone(learner).set_params(first_order=False)
    start = detached(loss.meta_parameters())

    def final_query_loss(weights: torch.Tensor) -> torch.Tensor:
        adapted = learner.inner_loop(
            loss, episode, start, state=state, n_steps=n_steps, weights=weights
        )
        return loss.at(adapted, episode)

    like = next(iter(start.values()))
    with torch.no_grad():
        return _array(grad(final_query_loss)(like.new_ones(len(episode.support))))


def _norm(tensors: Any) -> float:
    return float(sum(float(tensor.double().square().sum()) for tensor in tensors)) ** 0.5


def _array(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().cpu().numpy().astype(np.float64)
