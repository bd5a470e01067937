"""The loss of a network on an episode, as a function of the network's parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.func import functional_call

_PARTS = ("query", "support", "predict")
_PREFIX = "network."


class EpisodeLoss(nn.Module):
    """A network with its objective: what learners differentiate.

    All goes through `forward`, so that `torch.func.functional_call` puts parameters in the place
    of the network's own whatever methods of the network the objective calls.

    Parameters
    ----------
    network : Module
        The network that learns.
    objective : Module
        Without parameters of its own. ``objective(network, episode)`` is the loss on the
        episode's query; ``objective.support_loss(network, episode, weights)``, which learners
        with an inner loop need, that on its support, each row's loss times its weight;
        ``objective.predict(network, episode)``, where there is one, the outputs of the query
        rows.

    See Also
    --------
    SupervisedObjective : The objective of networks that map rows to outputs.

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> from sklearn_metaexplain.learners import EpisodeLoss, SupervisedEpisode
    >>> from sklearn_metaexplain.learners import SupervisedObjective
    >>> network = nn.Linear(1, 1)
    >>> loss = EpisodeLoss(network, SupervisedObjective(nn.functional.mse_loss))
    >>> rows = torch.tensor([[1.0], [2.0]])
    >>> episode = SupervisedEpisode(rows, rows, rows, rows)
    >>> identity = {"network.weight": torch.ones(1, 1), "network.bias": torch.zeros(1)}
    >>> loss.at(identity, episode, "support")
    tensor(0.)
    >>> sorted(loss.meta_parameters())
    ['network.bias', 'network.weight']
    """

    def __init__(self, network: nn.Module, objective: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.objective = objective

    def forward(
        self, episode: Any, part: str = "query", weights: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Loss on a part of an episode, or the predictions of its query rows.

        Parameters
        ----------
        episode : object
            What the objective takes.
        part : {"query", "support", "predict"}, default="query"
            Which loss; "predict" asks for the query rows' outputs instead.
        weights : tensor of shape (n_support,), default=None
            Of the support rows' losses. None: all 1.

        Returns
        -------
        value : tensor
            Of shape (), or (n_query, n_outputs) for predictions.

        Raises
        ------
        ValueError
            If there is no such part, or weights are given for another part than the support.
        TypeError
            If the objective does not have what is asked for.
        """
        if part not in _PARTS:
            raise ValueError(f"part={part!r}: choose among {', '.join(map(repr, _PARTS))}.")
        if part == "support":
            return self._method("support_loss")(self.network, episode, weights)
        if weights is not None:
            raise ValueError(f"weights are those of support rows: leave them out at part={part!r}.")
        if part == "predict":
            return self._method("predict")(self.network, episode)
        return self.objective(self.network, episode)

    def at(
        self,
        params: Mapping[str, torch.Tensor],
        episode: Any,
        part: str = "query",
        weights: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Do what `forward` does, with other parameters than the network's own.

        Parameters
        ----------
        params : mapping of str to tensor
            By the names of `meta_parameters`; those left out are the network's own.
        episode : object
            What the objective takes.
        part : {"query", "support", "predict"}, default="query"
            Which loss; "predict" asks for the query rows' outputs instead.
        weights : tensor of shape (n_support,), default=None
            Of the support rows' losses. None: all 1.

        Returns
        -------
        value : tensor
            As of `forward`; a pure function of `params` and `weights`, to be differentiated.
            Buffers, such as the running statistics of batch normalisation, stay as they are.
        """
        buffers = {name: value.clone() for name, value in self.named_buffers()}
        return functional_call(self, {**buffers, **params}, (episode, part, weights))

    def meta_parameters(self) -> dict[str, nn.Parameter]:
        """Parameters of the network by their names in this module.

        Returns
        -------
        params : dict of str to Parameter
            ``"network." + name`` for each of the network's names, shared parameters once.
        """
        return {_PREFIX + name: value for name, value in self.network.named_parameters()}

    def _method(self, name: str) -> Callable[..., torch.Tensor]:
        method = getattr(self.objective, name, None)
        if method is None:
            raise TypeError(
                f"{type(self.objective).__name__} has no {name}(network, episode, ...), which this "
                "learner or trace needs: add it to the objective."
            )
        return method


def meta_names(names: Iterable[str]) -> list[str]:
    """The names that parameters of a network have in its `EpisodeLoss`."""
    return [_PREFIX + name for name in names]


class SupervisedEpisode(NamedTuple):
    """A task of a network that maps rows to outputs.

    Parameters
    ----------
    support : tensor of shape (n_support, ...)
        Rows to learn from.
    targets : tensor of shape (n_support, ...)
        Of the support, as the loss function takes them.
    query : tensor of shape (n_query, ...)
        Rows to judge by.
    query_targets : tensor of shape (n_query, ...)
        Of the query.

    See Also
    --------
    SupervisedObjective : Its losses.
    """

    support: torch.Tensor
    targets: torch.Tensor
    query: torch.Tensor
    query_targets: torch.Tensor


class SupervisedObjective(nn.Module):
    """Mean loss of ``network(rows)`` on the rows of a `SupervisedEpisode`.

    Parameters
    ----------
    loss_function : callable
        ``loss_function(outputs, targets, reduction="none")`` gives the losses one by one, as
        `torch.nn.functional.mse_loss` and `torch.nn.functional.cross_entropy` do; several of a
        row are averaged.

    See Also
    --------
    EpisodeLoss : Joins it with a network; has an example.
    """

    def __init__(self, loss_function: Callable[..., torch.Tensor]) -> None:
        super().__init__()
        self.loss_function = loss_function

    def forward(self, network: nn.Module, episode: SupervisedEpisode) -> torch.Tensor:
        """Mean loss of the query rows.

        Parameters
        ----------
        network : Module
            Maps rows to outputs.
        episode : SupervisedEpisode
            The task.

        Returns
        -------
        loss : tensor of shape ()
            Differentiable.
        """
        return self._row_losses(network, episode.query, episode.query_targets).mean()

    def support_loss(
        self, network: nn.Module, episode: SupervisedEpisode, weights: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Mean of the support rows' losses, each times its weight.

        Parameters
        ----------
        network : Module
            Maps rows to outputs.
        episode : SupervisedEpisode
            The task.
        weights : tensor of shape (n_support,), default=None
            None: all 1. The sum is divided by the number of rows, whatever the weights.

        Returns
        -------
        loss : tensor of shape ()
            Differentiable.
        """
        losses = self._row_losses(network, episode.support, episode.targets)
        return losses.mean() if weights is None else (weights * losses).mean()

    def predict(self, network: nn.Module, episode: SupervisedEpisode) -> torch.Tensor:
        """Outputs of the query rows.

        Parameters
        ----------
        network : Module
            Maps rows to outputs.
        episode : SupervisedEpisode
            The task.

        Returns
        -------
        outputs : tensor of shape (n_query, n_outputs)
            What the network says.
        """
        return network(episode.query)

    def _row_losses(
        self, network: nn.Module, rows: torch.Tensor, targets: torch.Tensor
    ) -> torch.Tensor:
        losses = self.loss_function(network(rows), targets, reduction="none")
        return losses.reshape(len(rows), -1).mean(1)
