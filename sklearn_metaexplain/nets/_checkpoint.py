"""Weights with their configuration in one safetensors file."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from importlib.resources import files
from os import PathLike
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import nn

from sklearn_metaexplain.nets._corrector import Corrector
from sklearn_metaexplain.nets._kernel_network import KernelNetwork

#: Shipped weights: name -> file and sha256 of its bytes.
REGISTRY: dict[str, tuple[str, str]] = {
    "default": (
        "default.safetensors",
        "22e8c4e8025cccdbc27aad47203df8703fe519b36ac4f53e74fefa735ffe8e68",
    ),
}
_FORMAT = 1
_PARTS: dict[str, type[nn.Module]] = {"kernel": KernelNetwork, "corrector": Corrector}


@dataclass(frozen=True)
class Pretrained:
    """Networks of `MetaExplainer`, as one file holds them.

    Attributes
    ----------
    kernel : KernelNetwork
        Proposes kernels.
    corrector : Corrector or None
        Corrects the stack, where it was trained.
    calibration : dict
        Coefficients that turn the networks' own scale of error into what was found on tasks
        held out.
    training : dict
        On what and how long the networks were trained.
    """

    kernel: KernelNetwork
    corrector: Corrector | None = None
    calibration: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)


def save_pretrained(pretrained: Pretrained, path: str | Path) -> str:
    """Write networks to a file that carries their configuration; return its sha256."""
    tensors, config = {}, {}
    for name in _PARTS:
        module = getattr(pretrained, name)
        if module is not None:
            config[name] = module.config
            for key, value in module.state_dict().items():
                tensors[f"{name}.{key}"] = value.detach().cpu().contiguous()
    record = {
        "format": _FORMAT,
        "networks": config,
        "calibration": pretrained.calibration,
        "training": pretrained.training,
        "digest": _digest(tensors),
    }
    content = save_tensors(tensors, metadata={"sklearn_metaexplain": json.dumps(record)})
    Path(path).write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def load_pretrained(pretrained: str | PathLike[str]) -> Pretrained:
    """Load networks by registered name or by path; every call makes modules of its own.

    Raises
    ------
    ValueError
        If there is no such name or file, or the file is truncated, altered, or holds another
        architecture. The message names the file and the reason.
    """
    if str(pretrained) in REGISTRY:
        filename, expected = REGISTRY[str(pretrained)]
        content = files("sklearn_metaexplain.nets").joinpath("weights", filename).read_bytes()
        if hashlib.sha256(content).hexdigest() != expected:
            raise ValueError(
                f"pretrained={str(pretrained)!r}: the shipped file {filename} was altered (its "
                "sha256 differs from the registered one); reinstall sklearn-metaexplain."
            )
        return _parse(content, filename)
    path = Path(pretrained)
    if not path.is_file():
        raise ValueError(
            f"pretrained={str(pretrained)!r} is neither a registered name "
            f"({sorted(REGISTRY)}) nor a file."
        )
    return _parse(path.read_bytes(), str(path))


def _parse(content: bytes, name: str) -> Pretrained:
    try:
        tensors = load_tensors(content)
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        record = json.loads(header["__metadata__"]["sklearn_metaexplain"])
    except (SafetensorError, KeyError, ValueError) as error:
        raise ValueError(
            f"pretrained: {name} is truncated or no weights file of sklearn-metaexplain "
            f"({type(error).__name__}: {error}); train one with "
            "'python -m sklearn_metaexplain.training train'."
        ) from error
    if record.get("format") != _FORMAT:
        raise ValueError(
            f"pretrained: {name} has format {record.get('format')}; this version of "
            f"sklearn-metaexplain reads format {_FORMAT}."
        )
    if record["digest"] != _digest(tensors):
        raise ValueError(f"pretrained: {name} was altered: its tensors do not match its digest.")
    networks: dict[str, Any] = {}
    for part, config in record["networks"].items():
        prefix = f"{part}."
        state = {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
        try:
            # Without storage, so that no random numbers are drawn to initialise it.
            with torch.device("meta"):
                networks[part] = _PARTS[part](**config)
            networks[part].load_state_dict(state, strict=True, assign=True)
        except (KeyError, TypeError, RuntimeError) as error:
            raise ValueError(
                f"pretrained: {name} holds another architecture ({part}: {error})."
            ) from error
        networks[part].eval().requires_grad_(False)
    if "kernel" not in networks:
        raise ValueError(f"pretrained: {name} holds no kernel network.")
    return Pretrained(
        networks["kernel"], networks.get("corrector"), record["calibration"], record["training"]
    )


def _digest(tensors: dict[str, torch.Tensor]) -> str:
    digest = hashlib.sha256()
    for key in sorted(tensors):
        digest.update(key.encode() + str(tuple(tensors[key].shape)).encode())
        digest.update(tensors[key].numpy().tobytes())
    return digest.hexdigest()
