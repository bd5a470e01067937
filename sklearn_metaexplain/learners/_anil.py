"""MAML whose inner loop moves the head alone."""

from __future__ import annotations

from typing import Any, ClassVar

from torch import nn

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
        What adapts: names of modules or parameters of the network, with all that is inside.
        None: the own parameters of the module that is last, in the order of definition, among
        those that have any, as the last linear layer of a feed-forward network.

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
        if self.head is None:
            return _last_parameters(network)
        names = [name for name, _ in network.named_parameters()]
        heads = [self.head] if isinstance(self.head, str) else list(self.head)
        unknown = [head for head in heads if not any(_is_inside(name, head) for name in names)]
        if unknown or not heads:
            raise ValueError(
                f"head={self.head!r}: {type(network).__name__} has no parameters in "
                f"{unknown or heads}; its parameters are {', '.join(names)}."
            )
        return [name for name in names if any(_is_inside(name, head) for head in heads)]


def _is_inside(name: str, prefix: str) -> bool:
    return name == prefix or name.startswith(f"{prefix}.")


def _last_parameters(network: nn.Module) -> list[str]:
    names: list[str] = []
    for prefix, module in network.named_modules():
        own = [name for name, _ in module.named_parameters(prefix, recurse=False)]
        names = own or names
    return names
