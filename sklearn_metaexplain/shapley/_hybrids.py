"""Kernels of hybrid rows, from the factors of what they are made of."""

from __future__ import annotations

import numpy as np
import torch

from sklearn_metaexplain.masking._probes import Probes
from sklearn_metaexplain.shapley._compile import compiled
from sklearn_metaexplain.shapley._gp import HybridProcess

_AT_ONCE = 2048


@compiled()
def hybrid_products(of_rows, of_background, rows, backgrounds, coalitions):
    """Products of the factors of hybrids at centers.

    A hybrid's factor is its row's inside the coalition and its background row's outside.

    Parameters
    ----------
    of_rows : ndarray of shape (n_rows, n_players, n_centers)
        Factors of explained rows.
    of_background : ndarray of shape (n_background, n_players, n_centers)
        Factors of background rows.
    rows, backgrounds : ndarray of int of shape (n,)
        What each hybrid is made of.
    coalitions : ndarray of bool of shape (n, n_players)
        Players that the row gives.

    Returns
    -------
    ndarray of shape (n, n_centers)
    """
    n_players, n_centers = of_rows.shape[1:]
    out = np.ones((len(rows), n_centers))
    for i in range(len(rows)):
        mine, theirs = of_rows[rows[i]], of_background[backgrounds[i]]
        for j in range(n_players):
            factor = mine[j] if coalitions[i, j] else theirs[j]
            for center in range(n_centers):
                out[i, center] *= factor[center]
    return out


def predict_hybrids(
    process: HybridProcess,
    encoded: torch.Tensor,
    background: torch.Tensor,
    probes: Probes,
    inside: torch.Tensor,
) -> torch.Tensor:
    """Posterior mean of hybrids; as `HybridProcess.predict`, but with the few factors there are.

    Parameters
    ----------
    process : HybridProcess
        Fitted.
    encoded : tensor of shape (n_rows, n_encoded, 2)
        Encoded rows.
    background : tensor of shape (n_background, n_encoded, 2)
        Encoded background rows.
    probes : Probes
        What hybrids are made of.
    inside : tensor of bool of shape (n, n_encoded)
        Encoded columns that the row gives.

    Returns
    -------
    tensor of shape (n, n_outputs)
    """
    kernel = process.kernel
    rows, theirs = kernel.warp(encoded), kernel.warp(background)
    of_rows = kernel.factors(rows, process.inducing).numpy()
    of_background = kernel.factors(theirs, process.inducing).numpy()
    amplitude = float(kernel.parameters.amplitude)
    slopes = kernel.linear(torch.eye(rows.shape[1], dtype=rows.dtype), process.inducing)
    slopes = slopes @ process.alpha
    outputs = []
    for start in range(0, len(inside), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        row, other = probes.rows[part], probes.backgrounds[part]
        products = hybrid_products(of_rows, of_background, row, other, probes.coalitions[part])
        hybrids = torch.where(inside[part], rows[row], theirs[other])
        outputs.append(amplitude * torch.from_numpy(products) @ process.alpha + hybrids @ slopes)
    return torch.cat(outputs)
