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
            "3e41457b516e3e294e4d38f5fc45c2fe52006c803ba51c2f7c6911a1f0f4d4a6",
        ),
    },
    "matching": {
        "default": (
            "matching.safetensors",
            "2fe6ababd4117baaed49cf74afc2796d523e84655bde44aebe06d8a65f8a27d9",
        ),
    },
    "attention": {
        "default": (
            "attention.safetensors",
            "a91c2f39f56f41baba3e791b0e23eaa1c63b9ac7ab041f2427c3b5366a5897c5",
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
