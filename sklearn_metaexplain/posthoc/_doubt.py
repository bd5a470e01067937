"""Where answers of a model are doubtful, once some are known."""

from __future__ import annotations

import numpy as np
import torch

from sklearn_metaexplain._encoder import TableEncoder
from sklearn_metaexplain.masking import MaskedModel
from sklearn_metaexplain.posthoc._output_scale import OutputScale
from sklearn_metaexplain.shapley._committee import Committee


def doubt(
    model: MaskedModel,
    encoder: TableEncoder,
    encoded: np.ndarray,
    outputs: np.ndarray,
    candidates: np.ndarray,
    rng: np.random.RandomState,
) -> np.ndarray:
    """How far quick surrogates of a model disagree on hybrids.

    Parameters
    ----------
    model : MaskedModel
        The model, which is not asked.
    encoder : TableEncoder
        Of its hybrids.
    encoded : ndarray of shape (n_asked, m, 2)
        Encoded hybrids that the model was asked about.
    outputs : ndarray of shape (n_asked, n_computed)
        What it said.
    candidates : ndarray of shape (n_candidates, m, 2)
        Encoded hybrids that are judged.
    rng : RandomState
        Deals hybrids to folds.

    Returns
    -------
    ndarray of shape (n_candidates,)
        Standard deviations, of all outputs together, in their units.
    """
    order = rng.permutation(len(outputs))
    known = torch.from_numpy(outputs[order])
    scale = OutputScale.of(known)
    committee = Committee(
        torch.from_numpy(model.players.player_of_column[encoder.source_]),
        model.n_players,
        bounds=scale.limits(probabilities=model.output == "probability"),
    )
    committee.fit(torch.from_numpy(encoded[order]), scale.standardise(known))
    ambiguity = committee.ambiguity(torch.from_numpy(candidates))
    return (ambiguity * scale.spread.square()).sum(1).sqrt().numpy()
