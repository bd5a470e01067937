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
            "aaefe5c89dfccf4a4eb8ba2433e3476f3e466cb0cade5804a71790c56dfd1cec",
        ),
    },
    "matching": {
        "default": (
            "matching.safetensors",
            "f2d66c88f4f0753dc6a3ce82716c497f1dfb22fadb5b58d7eb6e0ef35292ce3c",
        ),
    },
    "attention": {
        "default": (
            "attention.safetensors",
            "57213c1d508622470011d7bf2d2b31c9243cc8296984d8984c1402e6af96b5d1",
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
