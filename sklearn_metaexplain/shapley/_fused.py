"""The hot loop of explaining by a product kernel, compiled."""

from __future__ import annotations

import numba
import numpy as np

# Centers per inner loop; a constant lets the compiler vectorise.
_TILE = 64


def mean_product_shapley(
    rows: np.ndarray, background: np.ndarray, nodes: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """Shapley values of products of factors, averaged over background rows.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_players, n_centers)
        Factors u of explained rows.
    background : ndarray of shape (n_background, n_players, n_centers)
        Factors v of background rows.
    nodes, weights : ndarray of shape (n_nodes,)
        Quadrature on [0, 1].

    Returns
    -------
    ndarray of shape (n_rows, n_players, n_centers)
        Means over the background of the integrals of
        ``(u_j - v_j) * prod_{k != j} (t * u_k + (1 - t) * v_k)``.
    """
    n_centers = rows.shape[2]
    padding = ((0, 0), (0, 0), (0, -n_centers % _TILE))
    padded = _mean_product_shapley(
        np.pad(rows, padding), np.pad(background, padding), nodes, weights
    )
    return padded[..., :n_centers]


@numba.njit(nogil=True, cache=True, fastmath={"contract", "reassoc", "nsz"})
def _mean_product_shapley(rows, background, nodes, weights):
    # One tile of centers at a time stays in the first cache: products of the factors before
    # and after each player give "all others" without a division.
    n_rows, n_players, n_centers = rows.shape
    n_background = background.shape[0]
    out = np.empty_like(rows)
    difference = np.empty((n_players, _TILE), rows.dtype)
    mixed = np.empty((n_players, _TILE), rows.dtype)
    after = np.empty((n_players, _TILE), rows.dtype)
    before = np.empty(_TILE, rows.dtype)
    total = np.empty((n_players, _TILE), rows.dtype)
    for i in range(n_rows):
        for start in range(0, n_centers, _TILE):
            total[:] = 0.0
            u = rows[i, :, start : start + _TILE]
            for b in range(n_background):
                v = background[b, :, start : start + _TILE]
                for k in range(n_players):
                    for c in range(_TILE):
                        difference[k, c] = u[k, c] - v[k, c]
                for node in range(len(nodes)):
                    t = nodes[node]
                    weight = weights[node]
                    for c in range(_TILE):
                        after[n_players - 1, c] = weight
                        before[c] = 1.0
                    for k in range(n_players - 1, 0, -1):
                        for c in range(_TILE):
                            mixed[k, c] = v[k, c] + t * difference[k, c]
                            after[k - 1, c] = after[k, c] * mixed[k, c]
                    for c in range(_TILE):
                        mixed[0, c] = v[0, c] + t * difference[0, c]
                    for k in range(n_players):
                        for c in range(_TILE):
                            total[k, c] += difference[k, c] * before[c] * after[k, c]
                            before[c] *= mixed[k, c]
            out[i, :, start : start + _TILE] = total / n_background
    return out
