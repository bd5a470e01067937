"""What MetaExplainer asks a model at fit."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from sklearn.utils import _safe_indexing

from sklearn_metaexplain._encoder import TableEncoder
from sklearn_metaexplain.masking import MaskedModel
from sklearn_metaexplain.masking._probes import Probes, draw_probes

_LEAST_PROBES = 16


class Support(NamedTuple):
    """Evaluated hybrids: the background rows, then the probes."""

    encoder: TableEncoder
    encoded: np.ndarray  # (n_support, m, 2)
    outputs: np.ndarray  # (n_support, n_computed)
    coalitions: np.ndarray  # (n_probes, n_players)
    background: np.ndarray  # (n_background, m, 2), encoded

    def shuffled(self, rng: np.random.RandomState) -> tuple[torch.Tensor, torch.Tensor]:
        """Encoded hybrids and their outputs in random order."""
        order = rng.permutation(len(self.outputs))
        return torch.from_numpy(self.encoded[order]), torch.from_numpy(self.outputs[order])

    def whole_rows(self, most: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Real rows whose outputs are known: probes of every player, then background rows."""
        n_background = len(self.background)
        whole = np.flatnonzero(self.coalitions.all(1)) + n_background
        chosen = np.concatenate([whole, np.arange(n_background)])[:most]
        return torch.from_numpy(self.encoded[chosen]), torch.from_numpy(self.outputs[chosen])


def ask_support(model: MaskedModel, X: Any, n_support: int, rng: np.random.RandomState) -> Support:
    """Evaluate a model on hybrid rows and encode them.

    Parameters
    ----------
    model : MaskedModel
        The model on its background.
    X : table of shape (n_samples, n_columns)
        Rows that hybrids are made of.
    n_support : int
        Evaluations to spend; those of the background are among them.
    rng : RandomState
        Source of randomness.

    Raises
    ------
    ValueError
        If `n_support` is too small; the message has the least that serves.
    """
    least = model.n_background + _LEAST_PROBES
    if n_support < least:
        raise ValueError(
            f"n_support={n_support} is too small for {model.n_background} background rows, which "
            f"it includes; pass n_support={least} or more, or a smaller background."
        )
    probes = deal_by_name(
        draw_probes(
            rng,
            n_support - model.n_background,
            n_rows=X.shape[0],
            n_background=model.n_background,
            n_players=model.n_players,
        ),
        model,
    )
    outputs = np.concatenate([model.background_outputs, model.evaluate(X, *probes)])
    encoder = TableEncoder().fit(X)
    used, positions = np.unique(probes.rows, return_inverse=True)
    rows = encoder.code(_safe_indexing(X, used))
    background = encoder.code(model.background)
    inside = probes.coalitions.T[model.players.player_of_column]
    hybrids = [
        np.concatenate([theirs, np.where(mine, ours[positions], theirs[probes.backgrounds])])
        for ours, theirs, mine in zip(rows, background, inside, strict=True)
    ]
    encoder.place_categories(hybrids, outputs)
    return Support(
        encoder, encoder.encode(hybrids), outputs, probes.coalitions, encoder.encode(background)
    )


def deal_by_name(probes: Probes, model: MaskedModel) -> Probes:
    """Deal coalitions to players in the order of their names, not of their columns."""
    coalitions = np.empty_like(probes.coalitions)
    order = np.argsort(model.players.names.astype(str), kind="stable")
    coalitions[:, order] = probes.coalitions
    return probes._replace(coalitions=coalitions)
