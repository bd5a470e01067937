"""Which hybrids a model is asked about once some of its answers are known."""

from __future__ import annotations

import numpy as np
import torch

from sklearn_metaexplain._encoder import TableEncoder
from sklearn_metaexplain.masking import MaskedModel
from sklearn_metaexplain.posthoc._output_scale import OutputScale
from sklearn_metaexplain.posthoc._support import Doubt
from sklearn_metaexplain.shapley._committee import Committee


def doubt_of(model: MaskedModel, encoder: TableEncoder, rng: np.random.RandomState) -> Doubt:
    """How far quick surrogates of a model disagree, in the units of its outputs.

    Parameters
    ----------
    model : MaskedModel
        The model.
    encoder : TableEncoder
        Of its hybrids.
    rng : RandomState
        Deals evaluated hybrids to folds.
    """
    players = torch.from_numpy(model.players.player_of_column[encoder.source_])

    def doubt(encoded: np.ndarray, outputs: np.ndarray, candidates: np.ndarray) -> np.ndarray:
        order = rng.permutation(len(outputs))
        known = torch.from_numpy(outputs[order])
        scale = OutputScale.of(known)
        bounds = scale.limits(probabilities=model.output == "probability")
        committee = Committee(players, model.n_players, bounds=bounds)
        committee.fit(torch.from_numpy(encoded[order]), scale.standardise(known))
        ambiguity = committee.ambiguity(torch.from_numpy(candidates))
        return (ambiguity * scale.spread.square()).sum(1).sqrt().numpy()

    return doubt
