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
            "12b867c63e55a6bd05f5f664e37cd95e004f51787d6d555035f88de5d7c778bd",
        ),
    },
    "matching": {
        "default": (
            "matching.safetensors",
            "f416a46e33a75906597ceba5f1d9f878f6395b7fcaa70d9a17a46fda2374bc6b",
        ),
    },
    "attention": {
        "default": (
            "attention.safetensors",
            "ecf47f60edd83613b68c4d57566304bbaef7ed82837a4a986af2e1821e8da406",
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
