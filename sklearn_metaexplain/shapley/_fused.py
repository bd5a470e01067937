"""The hot loop of explaining by a product kernel, compiled."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from sklearn_metaexplain.shapley._compile import compiled

# Centers per inner loop; a constant lets the compiler vectorise.
_TILE = 64
# Beside the one in the middle nodes come in fours: the loop takes two and their mirror images.
_STEP = 4
# What the number of nodes may add to an integral, relative to the product of mean factors.
_TOLERANCES = {np.dtype(np.float64): 1e-14, np.dtype(np.float32): 1e-8}
# Of no weight beside a factor, and still a number in single precision.
_TINY = 1e-37
# Sizes of the Bernstein ellipses among which the error bound chooses.
_ELLIPSES = np.exp(np.linspace(0.3, 4.0, 16))


def product_shapley(rows: np.ndarray, background: np.ndarray) -> np.ndarray:
    r"""Shapley values of products of factors, summed over background rows.

    With :math:`a_k = (u_k - v_k) / (u_k + v_k)` and :math:`s = 2 t - 1` the value of player j is

    .. math:: \prod_k \frac{u_k + v_k}{2} \; a_j
        \int_{-1}^1 \prod_{k \ne j} (1 + s\, a_k) \, ds .

    Gauss-Legendre quadrature with ``ceil(n_players / 2)`` nodes is exact. A pair of rows takes
    fewer where that changes the integral by less than 1e-14 (of float32, 1e-8) of what it is with
    every factor at the mean of its two values (and as many where it does not): on the Bernstein
    ellipse of size :math:`\rho`, whose half axes are at most :math:`A = (\rho + 1 / \rho) / 2`, the
    integrand is at most :math:`M = \exp(A |\sum_{k \ne j} a_k| + A^2 \sum_k a_k^2 / 2)`, so that
    n nodes err by at most :math:`8 M \rho^{-2n} / (1 - 1 / \rho)`.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_tiles, n_players, tile)
        Factors u of explained rows, positive, as `tile_centers` arranges them; of float64 or, to be
        sooner, float32.
    background : ndarray of shape (n_background, n_tiles, n_players, tile)
        Factors v of background rows, of the same type.

    Returns
    -------
    ndarray of shape (n_rows, n_tiles, n_players, tile)
        Sums over the background of the integrals over t from 0 to 1 of
        ``(u_j - v_j) * prod_{k != j} (t * u_k + (1 - t) * v_k)``.

    References
    ----------
    Trefethen, Approximation Theory and Approximation Practice, 2013, theorems 8.1 and 19.3.
    """
    rules = _rules(rows.shape[2], rows.dtype)
    return _product_shapley(rows, background, *rules, *_bounds(rows.dtype))


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


class _Rules(NamedTuple):
    """Gauss-Legendre quadratures to choose from."""

    sizes: np.ndarray  # (n_rules,), numbers of nodes
    nodes: np.ndarray  # (n_rules, largest // 2), the positive ones, padded by zeros
    weights: np.ndarray  # (n_rules, largest // 2)
    middle: np.ndarray  # (n_rules,), weights of the node at 0


@lru_cache(maxsize=32)
def _rules(n_players: int, dtype: np.dtype[Any]) -> _Rules:
    """Quadratures for so many players, the last of which is exact.

    All have a node in the middle, where every factor is one, so that it costs nothing. The
    difference between neighbours is 4 nodes, or a quarter.
    """
    exact = (n_players + 1) // 2
    sizes = [1 + _STEP]
    while sizes[-1] < exact:
        step = max(_STEP, sizes[-1] // (4 * _STEP) * _STEP)
        sizes.append(min(1 + -(-(exact - 1) // _STEP) * _STEP, sizes[-1] + step))
    nodes, weights = np.zeros((2, len(sizes), sizes[-1] // 2))
    middle = np.empty(len(sizes))
    for rule, size in enumerate(sizes):
        node, weight = np.polynomial.legendre.leggauss(size)
        half = size // 2
        nodes[rule, :half], weights[rule, :half] = node[half + 1 :], weight[half + 1 :]
        middle[rule] = weight[half]
    return _Rules(np.array(sizes), *(part.astype(dtype) for part in (nodes, weights, middle)))


@lru_cache(maxsize=2)
def _bounds(dtype: np.dtype[Any]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each ellipse: half axis, logarithm of the constant, and what a node is worth."""
    half_axis = (_ELLIPSES + 1 / _ELLIPSES) / 2
    constant = np.log(8 / (1 - 1 / _ELLIPSES) / _TOLERANCES[dtype])
    return half_axis, constant, 2 * np.log(_ELLIPSES)


@compiled(error_model="numpy")
def _choose_rule(sizes, largest_sum, largest_squares, half_axis, constant, per_node):
    # A player's own a_j, which its integrand lacks, is at most 1 and at most sqrt(squares).
    drift = largest_sum + min(1.0, np.sqrt(largest_squares))
    least = np.inf
    for e in range(len(half_axis)):
        height = half_axis[e] * (drift + half_axis[e] * largest_squares / 2)
        least = min(least, (height + constant[e]) / per_node[e])
    rule = 0
    while rule < len(sizes) - 1 and sizes[rule] < least:
        rule += 1
    return rule


@compiled(error_model="numpy", fastmath={"contract", "reassoc", "nsz"})
def _product_shapley(
    rows, background, sizes, all_nodes, all_weights, middle, half_axis, constant, per_node
):
    # Literals would turn what is single into double.
    kind = rows.dtype.type
    one, half, tiny = kind(1.0), kind(0.5), kind(_TINY)
    # Dividing the product of all factors by one is safe: |s a| < 1. One division serves four
    # nodes. One tile of centers at a time stays in the first caches.
    n_rows, n_tiles, n_players, _ = rows.shape
    out = np.zeros_like(rows)
    a = np.empty((n_players, _TILE), rows.dtype)
    others = np.empty((n_players, _TILE), rows.dtype)
    scale, total, squares = np.empty((3, _TILE), rows.dtype)
    up, down, up2, down2 = np.empty((4, _TILE), rows.dtype)
    for i in range(n_rows):
        for tile in range(n_tiles):
            u, values = rows[i, tile], out[i, tile]
            for b in range(len(background)):
                v = background[b, tile]
                scale[:] = one
                for k in range(n_players):
                    for c in range(_TILE):
                        both = u[k, c] + v[k, c]
                        a[k, c] = (u[k, c] - v[k, c]) / (both + tiny)
                        scale[c] *= both * half
                rule = 0
                if len(sizes) > 1:
                    total[:] = 0
                    squares[:] = 0
                    for k in range(n_players):
                        for c in range(_TILE):
                            total[c] += a[k, c]
                            squares[c] += a[k, c] * a[k, c]
                    largest_sum = largest_squares = 0.0
                    for c in range(_TILE):
                        largest_sum = max(largest_sum, abs(total[c]))
                        largest_squares = max(largest_squares, squares[c])
                    rule = _choose_rule(
                        sizes, largest_sum, largest_squares, half_axis, constant, per_node
                    )
                nodes, weights = all_nodes[rule], all_weights[rule]
                others[:] = middle[rule]
                for node in range(0, sizes[rule] // 2, 2):
                    s, s2 = nodes[node], nodes[node + 1]
                    ss, ss2 = s * s, s2 * s2
                    up[:] = weights[node]
                    down[:] = weights[node]
                    up2[:] = weights[node + 1]
                    down2[:] = weights[node + 1]
                    # Two players a turn, for fewer trips to memory.
                    for k in range(0, n_players - 1, 2):
                        for c in range(_TILE):
                            both, product = a[k, c] + a[k + 1, c], a[k, c] * a[k + 1, c]
                            even, even2 = one + ss * product, one + ss2 * product
                            up[c] *= even + s * both
                            down[c] *= even - s * both
                            up2[c] *= even2 + s2 * both
                            down2[c] *= even2 - s2 * both
                    if n_players % 2:
                        for c in range(_TILE):
                            x, y = s * a[n_players - 1, c], s2 * a[n_players - 1, c]
                            up[c] *= one + x
                            down[c] *= one - x
                            up2[c] *= one + y
                            down2[c] *= one - y
                    # up / (1 + s a) + down / (1 - s a), on one denominator.
                    for c in range(_TILE):
                        x, y = up[c] - down[c], up2[c] - down2[c]
                        up[c] += down[c]
                        up2[c] += down2[c]
                        down[c] = s * x
                        down2[c] = s2 * y
                    for k in range(n_players):
                        for c in range(_TILE):
                            square = a[k, c] * a[k, c]
                            under, under2 = one - ss * square, one - ss2 * square
                            over = (up[c] - a[k, c] * down[c]) * under2
                            over += (up2[c] - a[k, c] * down2[c]) * under
                            others[k, c] += over / (under * under2)
                for k in range(n_players):
                    for c in range(_TILE):
                        values[k, c] += scale[c] * a[k, c] * others[k, c]
    return out
