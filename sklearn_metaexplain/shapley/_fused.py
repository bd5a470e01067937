"""The hot loop of explaining by a product kernel, compiled."""

from __future__ import annotations

import numba
import numpy as np

# Centers per inner loop; a constant lets the compiler vectorise.
_TILE = 64


def product_shapley(
    rows: np.ndarray, background: np.ndarray, nodes: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """Shapley values of products of factors, summed over background rows.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_tiles, n_players, tile)
        Factors u of explained rows, as `tile_centers` arranges them.
    background : ndarray of shape (n_background, n_tiles, n_players, tile)
        Factors v of background rows.
    nodes, weights : ndarray of shape (n_nodes,)
        Quadrature on [0, 1].

    Returns
    -------
    ndarray of shape (n_rows, n_tiles, n_players, tile)
        Sums over the background of the integrals of
        ``(u_j - v_j) * prod_{k != j} (t * u_k + (1 - t) * v_k)``.
    """
    return _product_shapley(rows, background, nodes, 1 - nodes, weights)


def tile_centers(factors: np.ndarray) -> np.ndarray:
    """Make tiles of centers contiguous: (n, n_players, n_centers) to (n, n_tiles, n_players, tile).

    The last tile is padded by zeros.
    """
    n_rows, n_players, n_centers = factors.shape
    padded = np.pad(factors, ((0, 0), (0, 0), (0, -n_centers % _TILE)))
    tiled = padded.reshape(n_rows, n_players, -1, _TILE).transpose(0, 2, 1, 3)
    return np.ascontiguousarray(tiled)


def untile_centers(tiled: np.ndarray, n_centers: int) -> np.ndarray:
    """Undo `tile_centers`."""
    n_rows, _, n_players, _ = tiled.shape
    return tiled.transpose(0, 2, 1, 3).reshape(n_rows, n_players, -1)[..., :n_centers]


@numba.njit(nogil=True, cache=True, fastmath={"contract", "reassoc", "nsz"})
def _product_shapley(rows, background, nodes, rests, weights):
    # Products of the factors before and after each player give "all others" without a
    # division; one tile of centers at a time stays in the first cache.
    n_rows, n_tiles, n_players, _ = rows.shape
    out = np.zeros_like(rows)
    mixed = np.empty((n_players, _TILE), rows.dtype)
    after = np.empty((n_players, _TILE), rows.dtype)
    before = np.empty(_TILE, rows.dtype)
    others = np.empty((n_players, _TILE), rows.dtype)
    for i in range(n_rows):
        for tile in range(n_tiles):
            u, total = rows[i, tile], out[i, tile]
            for b in range(len(background)):
                v = background[b, tile]
                others[:] = 0
                for node in range(len(nodes)):
                    t, rest = nodes[node], rests[node]
                    for c in range(_TILE):
                        after[n_players - 1, c] = weights[node]
                    for k in range(n_players - 1, 0, -1):
                        for c in range(_TILE):
                            mixed[k, c] = rest * v[k, c] + t * u[k, c]
                            after[k - 1, c] = after[k, c] * mixed[k, c]
                    for c in range(_TILE):
                        before[c] = rest * v[0, c] + t * u[0, c]
                        others[0, c] += after[0, c]
                    for k in range(1, n_players):
                        for c in range(_TILE):
                            others[k, c] += before[c] * after[k, c]
                            before[c] *= mixed[k, c]
                for k in range(n_players):
                    for c in range(_TILE):
                        total[k, c] += (u[k, c] - v[k, c]) * others[k, c]
    return out
