"""Weights of the self-explaining classifiers."""

from __future__ import annotations

from os import PathLike
from typing import Any

from torch import nn

from sklearn_metaexplain.nets._attention_network import AttentionNetwork
from sklearn_metaexplain.nets._classifiers import (
    MatchingNetwork,
    PrototypeNetwork,
    SelfExplainingNetwork,
)
from sklearn_metaexplain.nets._weights_file import Registry, load_networks, save_networks

#: Networks of the classifiers by name.
NETWORKS: dict[str, type[SelfExplainingNetwork]] = {
    "prototype": PrototypeNetwork,
    "matching": MatchingNetwork,
    "attention": AttentionNetwork,
}
#: Shipped weights of each.
REGISTRIES: dict[str, Registry] = {
    "prototype": {
        "default": (
            "prototype.safetensors",
            "f1e31999f7027020aaad294570827ddec5d1b55157d564a1ae8555430d41eefe",
        ),
    },
    "matching": {
        "default": (
            "matching.safetensors",
            "dcb64c99472ead79c46413cc4ee9a2d3264575036f50dbcd34bfa9fae6152385",
        ),
    },
    "attention": {
        "default": (
            "attention.safetensors",
            "826379b9ce06b983cfb3d188ae93519577783b8a3fbc7994b9dd3b1a6610a66b",
        ),
    },
}


def save_classifier(
    path: str | PathLike[str], kind: str, network: nn.Module, record: dict[str, Any]
) -> str:
    """Write one network and how it was trained to a file; return its sha256."""
    return save_networks(path, {kind: network}, {"training": record})


def load_classifier(
    pretrained: str | PathLike[str], kind: str
) -> tuple[SelfExplainingNetwork, dict[str, Any]]:
    """Load one network by registered name or by path, and how it was trained.

    Raises
    ------
    ValueError
        As `load_networks`; also where the file holds another kind of network.
    """
    networks, record = load_networks(pretrained, {kind: NETWORKS[kind]}, REGISTRIES[kind])
    network = networks[kind]
    assert isinstance(network, SelfExplainingNetwork)
    return network, record["training"]
