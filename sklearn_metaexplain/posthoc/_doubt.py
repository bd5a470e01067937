"""Where answers of a model are doubtful, once some are known."""

from __future__ import annotations

import numpy as np
import torch

from sklearn_metaexplain._arrays import unit_of
from sklearn_metaexplain._encoder import TableEncoder
from sklearn_metaexplain.masking import MaskedModel
from sklearn_metaexplain.posthoc._output_scale import OutputScale
from sklearn_metaexplain.shapley._ambiguity import ambiguity
from sklearn_metaexplain.shapley._kernel import default_parameters
from sklearn_metaexplain.shapley._stack import SurrogateStack

# Who disagrees need not be as good as who explains.
_N_FOLDS = 5
_NETWORK_EFFORT, _TREE_EFFORT, _MAX_INDUCING = 1 / 6, 1 / 2, 64


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
    committee = SurrogateStack(
        default_parameters(len(encoder.source_)),
        torch.from_numpy(model.players.player_of_column[encoder.source_]),
        model.n_players,
        n_folds=_N_FOLDS,
        network_effort=_NETWORK_EFFORT,
        tree_effort=_TREE_EFFORT,
        bounds=scale.limits(probabilities=model.output == "probability"),
        max_inducing=_MAX_INDUCING,
    )
    committee.fit(torch.from_numpy(encoded[order]), scale.standardise(known), n_jobs=model.n_jobs)
    unit = unit_of(scale.spread.numpy())
    variance = ambiguity(committee, torch.from_numpy(candidates)) * (scale.spread / unit).square()
    return unit * variance.sum(1).sqrt().numpy()
