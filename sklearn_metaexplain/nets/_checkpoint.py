"""The networks of `MetaExplainer` in one file."""

from __future__ import annotations

from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

from torch import nn

from sklearn_metaexplain.nets._corrector import Corrector
from sklearn_metaexplain.nets._kernel_network import KernelNetwork
from sklearn_metaexplain.nets._weights_file import LEARNER_PART, load_networks, save_networks

#: Shipped weights: name -> file and sha256 of its bytes.
REGISTRY: dict[str, tuple[str, str]] = {
    "default": (
        "default.safetensors",
        "f692a1b2d77af46eba4f7975edb82bfc21299c1d08b54ddf9afc0f7e0988194c",
    ),
}
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


def save_pretrained(
    pretrained: Pretrained, path: str | Path, learned: nn.Module | None = None
) -> str:
    """Write networks to a file that carries their configuration; return its sha256.

    Parameters
    ----------
    pretrained : Pretrained
        The networks.
    path : str or Path
        The file.
    learned : Module, default=None
        What a learner has learned beside the kernel network.
    """
    networks: dict[str, nn.Module] = {
        name: network for name in _PARTS if (network := getattr(pretrained, name)) is not None
    }
    if learned is not None:
        networks[LEARNER_PART] = learned
    record = {"calibration": pretrained.calibration, "training": pretrained.training}
    return save_networks(path, networks, record)


def load_pretrained(pretrained: str | PathLike[str]) -> Pretrained:
    """Load networks by registered name or by path; every call makes modules of its own.

    Raises
    ------
    ValueError
        As `load_networks`, or if there is no kernel network.
    """
    networks, record = load_networks(pretrained, _PARTS, REGISTRY)
    kernel, corrector = networks.get("kernel"), networks.get("corrector")
    if not isinstance(kernel, KernelNetwork):
        raise ValueError(f"pretrained: {pretrained} holds no kernel network.")
    assert corrector is None or isinstance(corrector, Corrector)
    return Pretrained(kernel, corrector, record["calibration"], record["training"])
