"""Networks with their configuration in one safetensors file."""

from __future__ import annotations

import hashlib
import json
import pickle
from collections.abc import Callable, Mapping
from functools import lru_cache
from importlib.resources import files
from os import PathLike
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import nn

from sklearn_metaexplain._files import open_whole

_FORMAT = 1
#: Registered weights: name -> file in ``nets/weights`` and sha256 of its bytes.
Registry = Mapping[str, tuple[str, str]]
#: The part that holds what a learner has learned beside the network; `learners` makes it again.
LEARNER_PART = "learner"


def save_networks(
    path: str | PathLike[str], networks: Mapping[str, nn.Module], record: Mapping[str, Any]
) -> str:
    """Write networks to a file that carries their configuration.

    Parameters
    ----------
    path : str or Path
        The file; its folder is made if need be.
    networks : mapping of str to Module
        Each has `config`, the keyword arguments that build it.
    record : mapping
        What else the file says, for JSON.

    Returns
    -------
    sha256 : str
        Of the file's bytes.
    """
    tensors = {
        f"{name}.{key}": value.detach().cpu().contiguous()
        for name, module in networks.items()
        for key, value in module.state_dict().items()
    }
    header = {
        "format": _FORMAT,
        "networks": {name: module.config for name, module in networks.items()},
        **record,
        "digest": _digest(tensors),
    }
    content = save_tensors(tensors, metadata={"sklearn_metaexplain": json.dumps(header)})
    with open_whole(path, make_folder=True) as file:
        file.write(content)
    return hashlib.sha256(content).hexdigest()


def load_networks(
    pretrained: str | PathLike[str],
    classes: Mapping[str, type[nn.Module]],
    registry: Registry,
) -> tuple[dict[str, nn.Module], dict[str, Any]]:
    """Load networks by registered name or by path; every call makes modules of its own.

    Parameters
    ----------
    pretrained : str or Path
        The name or the file.
    classes : mapping of str to type
        Classes of the networks that may be in the file, by name.
    registry : mapping of str to (str, str)
        Registered files.

    Returns
    -------
    networks : dict of str to Module
        In evaluation mode, without gradients.
    record : dict
        What else the file says.

    Raises
    ------
    ValueError
        If there is no such name or file, or the file is truncated, altered, or holds other
        networks. The message names the file and the reason.
    """
    tensors, record, name = _open(pretrained, registry)
    networks = {
        part: _build(part, config, tensors, classes, name)
        for part, config in record["networks"].items()
        if part != LEARNER_PART
    }
    return networks, record


def load_part(
    pretrained: str | PathLike[str], part: str, registry: Registry
) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Load the tensors of one part, for a module that is built elsewhere.

    Parameters
    ----------
    pretrained : str or Path
        As in `load_networks`.
    part : str
        Its name.
    registry : mapping of str to (str, str)
        Registered files.

    Returns
    -------
    tensors : dict of str to tensor
        By their names in the part; empty if the file has no such part.
    record : dict
        What else the file says.

    Raises
    ------
    ValueError
        As `load_networks`.
    """
    tensors, record, _ = _open(pretrained, registry)
    return _tensors_of(part, tensors), record


def _open(
    pretrained: str | PathLike[str], registry: Registry
) -> tuple[dict[str, torch.Tensor], dict[str, Any], str]:
    if str(pretrained) in registry:
        name, expected = registry[str(pretrained)]
        content = files("sklearn_metaexplain.nets").joinpath("weights", name).read_bytes()
        if hashlib.sha256(content).hexdigest() != expected:
            raise ValueError(
                f"pretrained={str(pretrained)!r}: the shipped file {name} was altered (its "
                "sha256 differs from the registered one); reinstall sklearn-metaexplain."
            )
    else:
        path = Path(pretrained)
        name = str(path)
        if not path.is_file():
            raise ValueError(
                f"pretrained={str(pretrained)!r} is neither a registered name "
                f"({sorted(registry)}) nor a file."
            )
        content = path.read_bytes()
    return *_read(content, name), name


def _read(content: bytes, name: str) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    try:
        tensors = load_tensors(content)
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        record = json.loads(header["__metadata__"]["sklearn_metaexplain"])
    except (SafetensorError, KeyError, ValueError) as error:
        raise ValueError(
            f"pretrained: {name} is truncated or no weights file of sklearn-metaexplain "
            f"({type(error).__name__}: {error}); train one with "
            "'python -m sklearn_metaexplain.training'."
        ) from error
    if record.get("format") != _FORMAT:
        raise ValueError(
            f"pretrained: {name} has format {record.get('format')}; this version of "
            f"sklearn-metaexplain reads format {_FORMAT}."
        )
    if record["digest"] != _digest(tensors):
        raise ValueError(f"pretrained: {name} was altered: its tensors do not match its digest.")
    return tensors, record


def _build(
    part: str,
    config: dict[str, Any],
    tensors: dict[str, torch.Tensor],
    classes: Mapping[str, type[nn.Module]],
    name: str,
) -> nn.Module:
    if part not in classes:
        raise ValueError(
            f"pretrained: {name} holds another architecture: {part!r}, where {sorted(classes)} "
            "is needed; it was made for another estimator."
        )
    state = _tensors_of(part, tensors)
    try:
        make: Callable[..., nn.Module] = classes[part]
        network = pickle.loads(_skeleton(make, json.dumps(config)))
        network.load_state_dict(state, strict=True, assign=True)
    except (TypeError, RuntimeError) as error:
        raise ValueError(
            f"pretrained: {name} holds another architecture ({part}: {error})."
        ) from error
    return network.eval().requires_grad_(False)


@lru_cache(maxsize=16)
def _skeleton(make: Callable[..., nn.Module], config: str) -> bytes:
    """Pickle a network without numbers, which is read far sooner than it is made."""
    # Without storage, so that no random numbers are drawn to initialise it.
    with torch.device("meta"):
        return pickle.dumps(make(**json.loads(config)))


def _tensors_of(part: str, tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    prefix = f"{part}."
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


def _digest(tensors: dict[str, torch.Tensor]) -> str:
    digest = hashlib.sha256()
    for key in sorted(tensors):
        digest.update(key.encode() + str(tuple(tensors[key].shape)).encode())
        digest.update(tensors[key].numpy().tobytes())
    return digest.hexdigest()
