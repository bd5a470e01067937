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
            "1f2c1141d844e9d07cef6f0497fa01016aaddf6356ebf52d90c1fecbddc94e52",
        ),
    },
    "matching": {
        "default": (
            "matching.safetensors",
            "1e8090db1f6a99495b977e4af53f924e3569176210f33c9036fb01e2e9203eec",
        ),
    },
    "attention": {
        "default": (
            "attention.safetensors",
            "6201b7c012580d87df716613942186735b1f12e7f80d31a69857277a616b4399",
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
