"""The networks of `TaskAutoencoder` in one file."""

from __future__ import annotations

from dataclasses import dataclass, field
from os import PathLike
from typing import Any

from torch import nn

from sklearn_metaexplain.nets._prior_reference import PriorReference
from sklearn_metaexplain.nets._task_autoencoder import SetAutoencoder
from sklearn_metaexplain.nets._weights_file import load_networks, save_networks

#: Shipped weights: name -> file and sha256 of its bytes.
REGISTRY: dict[str, tuple[str, str]] = {
    "default": (
        "task_autoencoder.safetensors",
        "bc8f6f2bbd071802aa78decb4e061ae004436835935d97d344531ab6dca1655b",
    ),
}
_PARTS: dict[str, type[nn.Module]] = {"autoencoder": SetAutoencoder, "reference": PriorReference}


@dataclass(frozen=True)
class PretrainedAutoencoder:
    """What one file of `TaskAutoencoder` holds.

    Attributes
    ----------
    network : SetAutoencoder
        Turns tasks into vectors and back.
    reference : PriorReference
        What it makes of tasks of the prior.
    training : dict
        On what and how long the network was trained.
    """

    network: SetAutoencoder
    reference: PriorReference
    training: dict[str, Any] = field(default_factory=dict)


def save_autoencoder(pretrained: PretrainedAutoencoder, path: str | PathLike[str]) -> str:
    """Write the network and its reference to one file; return its sha256."""
    networks = {"autoencoder": pretrained.network, "reference": pretrained.reference}
    return save_networks(path, networks, {"training": pretrained.training})


def load_autoencoder(pretrained: str | PathLike[str]) -> PretrainedAutoencoder:
    """Load the network and its reference by registered name or by path.

    Raises
    ------
    ValueError
        As `load_networks`, or if one of the two is not in the file.
    """
    networks, record = load_networks(pretrained, _PARTS, REGISTRY)
    network, reference = networks.get("autoencoder"), networks.get("reference")
    if not isinstance(network, SetAutoencoder) or not isinstance(reference, PriorReference):
        raise ValueError(
            f"pretrained: {pretrained} lacks the autoencoder or its reference; train one with "
            "'python -m sklearn_metaexplain.training train-autoencoder'."
        )
    return PretrainedAutoencoder(network, reference, record["training"])
