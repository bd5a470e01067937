"""The network that a classifier starts from."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike

from sklearn_metaexplain.nets._classifier_weights import NETWORKS, load_classifier
from sklearn_metaexplain.nets._classifiers import SelfExplainingNetwork
from sklearn_metaexplain.nets._seeded import seeded_torch


def make_network(
    kind: str,
    pretrained: str | PathLike | None,
    sizes: Mapping[str, int | None],
    *,
    is_trained: bool,
    seed: int,
) -> SelfExplainingNetwork:
    """Load a network, or make one from scratch; the global generator is not touched.

    Parameters
    ----------
    kind : str
        Of the classifier.
    pretrained : str, path or None
        Weights. None: from scratch.
    sizes : mapping of str to (int or None)
        Of the encoder, by name; None where the user has chosen none.
    is_trained : bool
        Whether the network will be trained.
    seed : int
        Of the initial values.

    Raises
    ------
    ValueError
        If sizes are given for weights that have their own, one does not fit, or a network from
        scratch would not be trained.
    """
    given = {name: value for name, value in sizes.items() if value is not None}
    if pretrained is not None:
        if given:
            raise ValueError(
                f"{', '.join(given)} cannot be chosen for pretrained={str(pretrained)!r}: weights "
                "have sizes of their own. Leave it at None, or use pretrained=None with "
                "max_epochs > 0."
            )
        return load_classifier(pretrained, kind)[0]
    if not is_trained:
        raise ValueError(
            "pretrained=None needs max_epochs > 0: a network that was never trained has nothing "
            "to say."
        )
    width = given.get("width", 32)
    if width % 4:
        raise ValueError(f"width={width} must be a multiple of 4.")
    with seeded_torch(seed):
        return NETWORKS[kind](encoder={"width": 32, **given})
