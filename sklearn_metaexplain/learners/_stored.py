"""Learners in weights files, and their inner steps when an estimator is fitted."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from os import PathLike
from typing import Any, NamedTuple

import torch
from torch import nn

from sklearn_metaexplain._callers import stacklevel_of_caller
from sklearn_metaexplain.exceptions import ExplanationWarning
from sklearn_metaexplain.learners._base import Learner
from sklearn_metaexplain.learners._inner_loop import InnerLoopLearner
from sklearn_metaexplain.learners._loss import EpisodeLoss
from sklearn_metaexplain.learners._record import learner_from_record
from sklearn_metaexplain.nets._weights_file import LEARNER_PART, Registry, load_part


class StoredLearner(NamedTuple):
    """How the weights of a file were meta-trained."""

    learner: Learner
    state: nn.Module | None  # what it has learned itself
    training: Mapping[str, Any]  # the file's record

    @property
    def adapts(self) -> bool:
        """Whether it takes steps on a task; others read the task in context only."""
        return isinstance(self.learner, InnerLoopLearner)


def load_learner(
    pretrained: str | PathLike[str], registry: Registry, network: nn.Module
) -> StoredLearner | None:
    """Load the learner that a weights file was meta-trained with.

    Parameters
    ----------
    pretrained : str or Path
        Registered name or file.
    registry : mapping of str to (str, str)
        Registered files.
    network : Module
        The network of the file; gives the type and the device of the learner's numbers.

    Returns
    -------
    stored : StoredLearner or None
        None: the file names no learner, so its network reads tasks in context.

    Raises
    ------
    ValueError
        As `load_networks`, or if what the learner has learned is missing or another network's.
    """
    tensors, record = load_part(pretrained, LEARNER_PART, registry)
    training = record.get("training", {})
    if "learner" not in training:
        return None
    learner = learner_from_record(training["learner"])
    state = learner.make_state(network)
    try:
        if state is not None:
            state.load_state_dict(tensors)
            state.requires_grad_(False)
    except RuntimeError as error:
        raise ValueError(
            f"pretrained: {pretrained} says that its network learns by {learner}, but what that "
            f"has learned is not in the file as it should be ({error})."
        ) from error
    return StoredLearner(learner, state, training)


def take_inner_steps(stored: StoredLearner, loss: EpisodeLoss, episode: Any) -> bool:
    """Adapt a network to an episode's support, in place.

    A network whose steps lead out of all bounds stays as it was, with a warning.

    Parameters
    ----------
    stored : StoredLearner
        How it adapts.
    loss : EpisodeLoss
        The network and its objective.
    episode : object
        What the objective takes; its query is not read.

    Returns
    -------
    taken : bool
        Whether the network has been adapted.
    """
    try:
        adapted = stored.learner.adapt(loss, episode, state=stored.state)
        with torch.no_grad():
            found = [*adapted.values(), loss.at(adapted, episode, "support")]
        is_finite = all(bool(value.isfinite().all()) for value in found)
    except torch.linalg.LinAlgError:  # a kernel that is not positive definite
        is_finite = False
    if not is_finite:
        warnings.warn(
            f"The inner steps of {stored.learner} left the range of numbers on this task; the "
            "network stays as it was meta-trained.",
            ExplanationWarning,
            stacklevel=stacklevel_of_caller(),
        )
        return False
    with torch.no_grad():
        for name, value in loss.meta_parameters().items():
            value.copy_(adapted[name])
    return True
