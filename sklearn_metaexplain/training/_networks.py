"""The networks that can be meta-trained by name, with what belongs to each."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Mapping
from copy import deepcopy
from numbers import Integral
from os import PathLike
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import clone
from torch import nn

from sklearn_metaexplain._callers import stacklevel_of_caller
from sklearn_metaexplain._validation import draw_seed
from sklearn_metaexplain.learners import Episodic, InContext, Learner
from sklearn_metaexplain.learners._stored import load_learner
from sklearn_metaexplain.nets import _checkpoint, _classifier_weights
from sklearn_metaexplain.nets._device import check_device
from sklearn_metaexplain.nets._kernel_network import KernelNetwork
from sklearn_metaexplain.nets._labelled import LabelledEpisode
from sklearn_metaexplain.nets._seeded import seeded_torch
from sklearn_metaexplain.nets._table_objective import AttentionObjective, TableObjective
from sklearn_metaexplain.nets._weights_file import Registry
from sklearn_metaexplain.training._evaluated_model import Episode
from sklearn_metaexplain.training._learner_net import MetaLearned
from sklearn_metaexplain.training._objectives import KernelObjective


class NetworkKind(NamedTuple):
    """A network of this package."""

    network_class: type[nn.Module]
    objective: Callable[[], nn.Module]
    episode: type
    registry: Registry
    settings: Mapping[str, tuple[str, ...]]  # parameters beside sizes: they change no shape


_CLASSIFIERS: dict[str, tuple[type[nn.Module], dict[str, tuple[str, ...]]]] = {
    "prototype": (TableObjective, {}),
    "matching": (TableObjective, {"metric": ("euclidean", "cosine")}),
    "attention": (
        AttentionObjective,
        {"attention": ("shared", "per_class"), "gate": ("sigmoid", "sparsemax")},
    ),
}
KINDS: dict[str, NetworkKind] = {
    name: NetworkKind(
        _classifier_weights.NETWORKS[name],
        objective,
        LabelledEpisode,
        _classifier_weights.REGISTRIES[name],
        settings,
    )
    for name, (objective, settings) in _CLASSIFIERS.items()
} | {"kernel": NetworkKind(KernelNetwork, KernelObjective, Episode, _checkpoint.REGISTRY, {})}


def make_network(
    network: str | Callable[..., nn.Module],
    params: Mapping[str, Any] | None,
    init: str | PathLike[str] | None,
    seed: int,
) -> nn.Module:
    """Make the network where meta-training starts; the global generator is not touched.

    Parameters
    ----------
    network : str, callable or Module
        A name out of `KINDS`, what makes a network, or a network, which is copied.
    params : mapping of str to object or None
        Keyword arguments of what makes it.
    init : str, path or None
        Weights to start from.
    seed : int
        Of the initial values.

    Raises
    ------
    TypeError
        If what should make a network makes something else.
    ValueError
        If the parameters or `init` do not suit the network.
    """
    params = dict(params or {})
    if isinstance(network, nn.Module):
        if params or init is not None:
            raise ValueError(
                "network is a module, which has its sizes and its initial values; leave out "
                "network_params and init, or pass its class."
            )
        return deepcopy(network)
    if isinstance(network, str):
        for name, choices in KINDS[network].settings.items():
            if params.get(name, choices[0]) not in choices:
                raise ValueError(f"network_params: {name}={params[name]!r} is none of {choices}.")
    if init is not None:
        return _load(network, params, init)
    maker = KINDS[network].network_class if isinstance(network, str) else network
    sizes = params["encoder"] if isinstance(params.get("encoder"), Mapping) else {}
    if maker is KernelNetwork:
        _check_kernel_sizes(params)
    for name, size in {"width": 4, **sizes}.items():
        least = 0 if name == "n_layers" else 1
        is_number = isinstance(size, Integral) and int(size) >= least
        if not is_number or (name == "width" and size % 4):
            wanted = "a multiple of 4" if name == "width" else f"a whole number from {least} on"
            raise ValueError(f"network_params: the encoder's {name}={size!r} must be {wanted}.")
    name = getattr(maker, "__name__", repr(maker))
    with seeded_torch(seed):
        try:
            made = maker(**params)
        except TypeError as error:
            raise ValueError(f"network_params={params!r} do not suit {name}: {error}") from error
    if not isinstance(made, nn.Module):
        raise TypeError(
            f"network={name} makes no network but {type(made).__name__}; give what returns a "
            "torch.nn.Module."
        )
    return made


def _check_kernel_sizes(params: Mapping[str, Any]) -> None:
    sizes = {"width": 48, "n_layers": 3, "n_heads": 4, "max_support": 192, **params}
    for name, least in (("n_heads", 1), ("width", 1), ("n_layers", 0), ("max_support", 2)):
        size = sizes[name]
        if not isinstance(size, Integral) or size < least:
            raise ValueError(
                f"network_params: {name}={size!r} must be a whole number from {least} on."
            )
    if sizes.get("task_width"):
        raise ValueError(
            f"network_params: task_width={sizes['task_width']!r} is that of a network that is told "
            "task vectors, which no tasks of meta-training have; leave it out."
        )
    if sizes["width"] % sizes["n_heads"]:
        raise ValueError(
            f"network_params: width={sizes['width']} must be a multiple of "
            f"n_heads={sizes['n_heads']}."
        )


def _load(network: Any, params: dict[str, Any], init: str | PathLike[str]) -> nn.Module:
    if not isinstance(network, str):
        raise ValueError(
            f"init={str(init)!r} holds a network of this package; with one of your own, leave init "
            "out and have network make it with the values it should start from."
        )
    settings = KINDS[network].settings
    sizes = [name for name in params if name not in settings]
    if sizes:
        raise ValueError(
            f"network_params: {', '.join(sizes)} cannot be chosen with init={str(init)!r}, whose "
            "weights have sizes of their own."
        )
    if network == "kernel":
        loaded: nn.Module = _checkpoint.load_pretrained(init).kernel
    else:
        loaded, record = _classifier_weights.load_classifier(init, network)
        # Others than those of the file would start from a head that was never trained.
        params = {**record.get("settings", {}), **params}
    for name, value in params.items():
        setattr(loaded, name, value)
    return loaded.requires_grad_(True)


def make_module(
    network: str | Callable[..., nn.Module],
    params: Mapping[str, Any] | None,
    init: str | PathLike[str] | None,
    learner: Learner,
    seed: int,
) -> MetaLearned:
    """Make a network and what its learner learns, as of `make_network`.

    Where `init` comes with a learner of the same kind and size, what that has learned is taken
    over.

    Warns
    -----
    UserWarning
        If a learner of the same kind has learned something else than this one can take over.
    """
    if init is None:
        return MetaLearned(make_network(network, params, init, seed), learner)
    try:
        module = MetaLearned(make_network(network, params, init, seed), learner)
        assert isinstance(network, str)
        stored = load_learner(init, KINDS[network].registry, module.network)
    except ValueError as error:
        # Files are read as those of estimators are, whose parameter has another name.
        raise ValueError(re.sub(r"^pretrained\b", "init", str(error))) from error
    if stored is None or stored.state is None or type(stored.learner) is not type(learner):
        return module
    if module.state is not None and _lasting(module.state) == _lasting(stored.state):
        module.state.load_state_dict(stored.state.state_dict())
    else:
        warnings.warn(
            f"What the learner of init={str(init)!r}, {stored.learner}, has learned itself is not "
            f"taken over: learner={learner} learns nothing of its own, or something of another "
            "size or that reads gradients otherwise. Give it the parameters of the file's.",
            UserWarning,
            stacklevel=stacklevel_of_caller(),
        )
    return module


def _lasting(state: Any) -> dict[str, Any]:
    """What a learner's state was made with, without what training has replaced."""
    return {name: value for name, value in state.config.items() if name != "initial"}


def make_learner(learner: Learner | None) -> Learner:
    """Copy a learner; an int, drawn from it, takes the place of a RandomState.

    It then draws the same from the same task at each validation, and can be written to a file.

    Raises
    ------
    TypeError
        If it is a class.
    """
    if learner is None:
        return InContext()
    if isinstance(learner, type):
        name = learner.__name__
        raise TypeError(f"learner={name} is a class; pass what it makes, {name}().")
    made = clone(learner)
    for name, value in made.get_params(deep=False).items():
        if isinstance(value, np.random.RandomState):
            made.set_params(**{name: draw_seed(value)})
    return made


def check_episode(network: str | Callable[..., nn.Module], learner: Learner, episode: Any) -> None:
    """Refuse tasks that a network or a learner cannot read.

    Raises
    ------
    ValueError
        If they are of another kind.
    """
    found = f"these tasks are {type(episode).__name__}s"
    if isinstance(network, str) and not isinstance(episode, KINDS[network].episode):
        remedy = (
            "models: give SyntheticModels, ModelTasks or pairs (X, fitted model)"
            if network == "kernel"
            else "labelled tables: give SyntheticTables, TableTasks or pairs (X, y)"
        )
        raise ValueError(f"network={network!r} learns from {remedy}; {found}.")
    if isinstance(learner, Episodic) and not isinstance(episode, LabelledEpisode):
        raise ValueError(
            f"Episodic draws classes out of labelled tables; {found}, for which InContext is what "
            "is left of it."
        )


def check_network_device(network: Any, device: str) -> str:
    """Refuse a device that is not there, or on which a network is not trained."""
    if network == "kernel" and device.partition(":")[0] != "cpu":
        raise ValueError(
            f'device={device!r}: network="kernel" is trained on the CPU, where its Gaussian '
            'processes are; use device="cpu", and n_jobs to draw tasks meanwhile.'
        )
    return check_device(device)


def make_objective(
    network: str | Callable[..., nn.Module], objective: nn.Module | None
) -> nn.Module:
    """Copy an objective, or make that of a network.

    Raises
    ------
    TypeError
        If it is no module.
    ValueError
        If there is none, and the network is one of one's own.
    """
    if objective is not None:
        if not isinstance(objective, nn.Module):
            found = objective.__name__ if isinstance(objective, type) else repr(objective)
            remedy = (
                f"pass what it makes, {found}(...)"
                if isinstance(objective, type)
                else "make a function the forward of a module, or wrap a loss of outputs and "
                "targets in learners.SupervisedObjective"
            )
            raise TypeError(f"objective={found} must be a torch.nn.Module: {remedy}.")
        # It takes notes, such as the accuracy.
        return deepcopy(objective)
    if not isinstance(network, str):
        raise ValueError(
            "objective is needed for a network of one's own: a module called with the network "
            "and an episode, such as learners.SupervisedObjective."
        )
    return KINDS[network].objective()


def settings_of(network: str, module: nn.Module) -> dict[str, Any]:
    """What a file has to say of a network beside its sizes."""
    return {name: getattr(module, name) for name in KINDS[network].settings}
