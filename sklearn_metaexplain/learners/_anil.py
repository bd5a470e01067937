"""MAML whose inner loop moves the head alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import nn

from sklearn_metaexplain.learners._loss import EpisodeLoss, meta_names
from sklearn_metaexplain.learners._maml import MAML


class ANIL(MAML):
    """Almost no inner loop: as `MAML`, but only the network's head adapts to a task.

    The rest of the network, its body, keeps its values in the inner loop, and is meta-trained
    as the head is: by the gradient of the query loss, through the head's inner steps.

    Parameters
    ----------
    inner_lr : float, default=0.01
        Learning rate of the inner loop.
    n_inner_steps : int, default=1
        Steps of the inner loop.
    meta_batch_size : int, default=4
        Episodes of an outer step; read by whoever trains.
    inner_optimizer : {"sgd", "momentum", "adam"}, default="sgd"
        What becomes of the inner gradients, as in `MAML`.
    outer_optimizer : {"adam", "adamw", "sgd"}, default="adam"
        Optimiser of the outer loop; read by whoever trains.
    first_order : bool, default=False
        Whether inner gradients are taken as constants.
    learn_lr : bool, default=False
        Whether there is a learned rate for each element of the head's parameters.
    head : str or list of str, default=None
        What adapts: names of modules or parameters of the network, with all that is inside. A
        parameter that is shared with the body moves there, too. None: what the network's method
        ``head_names()`` lists, as those of this package have it for their metric or gate; of a
        network without one, the own parameters of the module that is last, in the order of
        definition, among those that have any, as the last linear layer of a feed-forward network.

    Raises
    ------
    ValueError
        When it adapts, if the network has no such head, or if the support's loss does not depend
        on it.

    See Also
    --------
    MAML : All parameters adapt.

    References
    ----------
    Raghu et al., Rapid learning or feature reuse? Towards understanding the effectiveness of
    MAML, 2020, section 4.

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> from sklearn_metaexplain.learners import ANIL, EpisodeLoss, SupervisedEpisode
    >>> from sklearn_metaexplain.learners import SupervisedObjective
    >>> network = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    >>> loss = EpisodeLoss(network, SupervisedObjective(nn.functional.mse_loss))
    >>> rows, targets = torch.eye(2), torch.ones(2, 1)
    >>> params = ANIL().adapt(loss, SupervisedEpisode(rows, targets, rows, targets))
    >>> before = loss.meta_parameters()
    >>> [name for name in before if not params[name].equal(before[name])]
    ['network.1.weight', 'network.1.bias']
    """

    name: ClassVar[str] = "anil"
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **MAML._parameter_constraints,
        "head": [str, list, tuple, None],
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
        head: str | list[str] | None = None,
    ) -> None:
        super().__init__(
            inner_lr=inner_lr,
            n_inner_steps=n_inner_steps,
            meta_batch_size=meta_batch_size,
            inner_optimizer=inner_optimizer,
            outer_optimizer=outer_optimizer,
            first_order=first_order,
            learn_lr=learn_lr,
        )
        self.head = head

    def _moving(self, network: nn.Module) -> list[str]:
        heads = self._heads(network)
        # All names of a shared parameter count; it is moved by its first, as learners know it.
        first: dict[int, str] = {}
        moving: dict[str, None] = {}
        unknown = set(heads)
        for name, value in network.named_parameters(remove_duplicate=False):
            first.setdefault(id(value), name)
            inside = {head for head in heads if name == head or name.startswith(f"{head}.")}
            unknown -= inside
            if inside:
                moving[first[id(value)]] = None
        if unknown or not heads:
            raise ValueError(
                f"head={self.head!r}: {type(network).__name__} has no parameters in "
                f"{[head for head in heads if head in unknown]}; its parameters are "
                f"{', '.join(name for name, _ in network.named_parameters())}."
            )
        return list(moving)

    def _heads(self, network: nn.Module) -> list[str]:
        if self.head is not None:
            return [self.head] if isinstance(self.head, str) else list(self.head)
        declared = getattr(network, "head_names", None)
        if declared is not None:
            return list(declared())
        heads: list[str] = []
        for prefix, module in network.named_modules():
            own = [name for name, _ in module.named_parameters(prefix, recurse=False)]
            heads = own or heads
        return heads

    def _check_adapted(
        self, loss: EpisodeLoss, episode: Any, adapted: Mapping[str, torch.Tensor]
    ) -> None:
        """Refuse a head that has no part in the loss; a loss that is constant is no fault of it."""
        moving = meta_names(self._moving(loss.network))
        start = loss.meta_parameters()
        if any(not adapted[name].equal(start[name]) for name in moving):
            return
        with torch.enable_grad():
            point = {name: value.detach().requires_grad_() for name, value in start.items()}
            support_loss = loss.at(point, episode, "support")
            if not support_loss.requires_grad:
                return
            slopes = torch.autograd.grad(
                support_loss, [point[name] for name in moving], allow_unused=True
            )
        if all(slope is None for slope in slopes):
            raise ValueError(
                f"head={self.head!r}: the support's loss does not depend on "
                f"{', '.join(name.removeprefix('network.') for name in moving)}, so nothing would "
                "adapt; name as head a layer that the network uses with its present settings."
            )
