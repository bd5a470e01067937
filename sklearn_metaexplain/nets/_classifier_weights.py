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
from sklearn_metaexplain.nets._weights_file import (
    LEARNER_PART,
    Registry,
    load_networks,
    save_networks,
)

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
            "9f41eef2584553881055561e7ba5af4b620ccc461260d6e73bf67f9a9a196041",
        ),
    },
    "matching": {
        "default": (
            "matching.safetensors",
            "176d388408a640192d3c7e5c9920f3d3e01a2f69201fb1740968400a5808aa5d",
        ),
    },
    "attention": {
        "default": (
            "attention.safetensors",
            "6d4f55d83f3f4ffc680ec1af93063b8f7b2f67ddd3cc68f1cd4afe4073db53fe",
        ),
    },
}


def save_classifier(
    path: str | PathLike[str],
    kind: str,
    network: nn.Module,
    record: dict[str, Any],
    learned: nn.Module | None = None,
) -> str:
    """Write one network and how it was trained to a file; return its sha256.

    Parameters
    ----------
    path : str or Path
        The file.
    kind : str
        A name out of `NETWORKS`.
    network : Module
        The network.
    record : dict
        How it was trained, for JSON.
    learned : Module, default=None
        What a learner has learned beside it.
    """
    networks = {kind: network} if learned is None else {kind: network, LEARNER_PART: learned}
    return save_networks(path, networks, {"training": record})


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
