"""Kernels of hybrids from factors, against the kernel of the hybrids themselves."""

import numpy as np
import pytest
import torch

from sklearn_metaexplain.masking._probes import draw_probes
from sklearn_metaexplain.shapley._gp import HybridProcess
from sklearn_metaexplain.shapley._hybrids import predict_hybrids
from sklearn_metaexplain.shapley._kernel import default_parameters
from tests.shapley.test_gp import M, fitted


@pytest.mark.parametrize("players", [[0, 1, 2, 3, 4], [0, 1, 0, 2, 1]])
def test_predictions_are_those_of_the_hybrids(players):
    _, encoded, outputs = fitted(n=80)
    players = torch.tensor(players)
    n_players = int(players.max()) + 1
    process = HybridProcess(default_parameters(M), players, n_players).fit(encoded, outputs)
    background = encoded[60:67]
    probes = draw_probes(
        np.random.RandomState(0), 2100, n_rows=60, n_background=7, n_players=n_players
    )
    inside = torch.from_numpy(probes.coalitions)[:, players]
    hybrids = torch.where(
        inside[..., None], encoded[:60][probes.rows], background[probes.backgrounds]
    )
    predicted = predict_hybrids(process, encoded[:60], background, probes, inside)
    torch.testing.assert_close(predicted, process.predict(hybrids))
