"""Shapley values of small networks, by walks or by enumeration, compiled."""

from __future__ import annotations

import numba
import numpy as np

# Points at once: they stay in cache, and matrix products so small are not worth threads to BLAS.
_AT_ONCE = 256
_AT_ONCE_BITS = 8


@numba.njit(nogil=True, cache=True)
def _activate(units, bias):
    """Hardswish of ``units + bias``, in place."""
    three, six = np.float32(3), np.float32(6)
    for s in range(units.shape[0]):
        for i in range(units.shape[1]):
            unit = units[s, i] + bias[i]
            units[s, i] = unit * min(max(unit + three, np.float32(0)), six) / six


@numba.njit(nogil=True, cache=True)
def _buffers(n_points, width, n_outputs):
    """What `_run` works in."""
    units = np.empty((2, n_points, width), np.float32)
    return units[0], units[1], np.empty((n_points, n_outputs), np.float32)


@numba.njit(nogil=True, cache=True)
def _run(here, there, outputs, member, hidden, biases, last):
    """Take what reaches the first hidden layer of a network, (n, width), to `outputs`."""
    for layer in range(len(hidden)):
        _activate(here, biases[layer, member])
        np.dot(here, hidden[layer, member], there)
        here, there = there, here
    _activate(here, biases[len(hidden), member])
    np.dot(here, last[member], outputs)


@numba.njit(nogil=True, cache=True)
def walk_networks(rows, background, starts, orders, hidden, biases, last):
    """Mean marginal contributions of players to networks over walks.

    A walk starts at a background row and takes over the explained row's players one by one.

    Parameters
    ----------
    rows : ndarray of float32 of shape (n_rows, n_members, n_players, width)
        What the players of explained rows add to the first hidden layer.
    background : ndarray of float32 of shape (n_background, n_members, n_players, width)
        The same of background rows.
    starts : ndarray of int of shape (n_members, n_walks)
        The background rows where a network's walks start.
    orders : ndarray of int of shape (n_members, n_walks, n_players)
        In which order they take players over.
    hidden : ndarray of float32 of shape (n_layers, n_members, width, width)
        Weights between hidden layers.
    biases : ndarray of float32 of shape (n_layers + 1, n_members, width)
        Biases of the hidden layers.
    last : ndarray of float32 of shape (n_members, width, n_outputs)
        Weights of the outputs.

    Returns
    -------
    ndarray of float64 of shape (n_rows, n_players, n_outputs)
    """
    n_rows, n_members, n_players, width = rows.shape
    n_walks, n_outputs = starts.shape[1], last.shape[2]
    n_steps = n_players + 1
    values = np.zeros((n_rows, n_players, n_outputs))
    at_once = min(n_walks, max(1, _AT_ONCE // n_steps))
    here, there, outputs = _buffers(at_once * n_steps, width, n_outputs)
    first = background.sum(2)
    for row in range(n_rows):
        for member in range(n_members):
            for block in range(0, n_walks, at_once):
                n_block = min(at_once, n_walks - block)
                for walk in range(n_block):
                    start, order = starts[member, block + walk], orders[member, block + walk]
                    at = walk * n_steps
                    here[at] = first[start, member]
                    for step in range(n_players):
                        ours = rows[row, member, order[step]]
                        theirs = background[start, member, order[step]]
                        for i in range(width):
                            # Where both agree nothing moves, not even by rounding.
                            here[at + step + 1, i] = here[at + step, i] + (ours[i] - theirs[i])
                _run(here, there, outputs, member, hidden, biases, last)
                for walk in range(n_block):
                    order = orders[member, block + walk]
                    for step in range(n_players):
                        at = walk * n_steps + step
                        for o in range(n_outputs):
                            values[row, order[step], o] += outputs[at + 1, o] - outputs[at, o]
    return values / (n_members * n_walks)


@numba.njit(nogil=True, cache=True)
def enumerate_networks(rows, background, hidden, biases, last):
    """Mean outputs of networks for every coalition of players of explained rows.

    Parameters
    ----------
    rows, background, hidden, biases, last : ndarray
        As of `walk_networks`.

    Returns
    -------
    ndarray of float64 of shape (2**n_players, n_rows, n_outputs)
        Coalitions in the order of their bits.
    """
    n_rows, n_members, n_players, width = rows.shape
    n_background, n_outputs = len(background), last.shape[2]
    values = np.zeros((1 << n_players, n_rows, n_outputs))
    n_low = min(n_players, _AT_ONCE_BITS)
    here, there, outputs = _buffers(1 << n_low, width, n_outputs)
    first = background.sum(2)
    for row in range(n_rows):
        for member in range(n_members):
            for start in range(n_background):
                ours, theirs = rows[row, member], background[start, member]
                # Blocks differ in the players of high bits.
                for block in range(1 << (n_players - n_low)):
                    here[0] = first[start, member]
                    for player in range(n_low, n_players):
                        if block >> (player - n_low) & 1:
                            for i in range(width):
                                here[0, i] += ours[player, i] - theirs[player, i]
                    for player in range(n_low):
                        bit = 1 << player
                        for other in range(bit):
                            for i in range(width):
                                moved = ours[player, i] - theirs[player, i]
                                here[bit + other, i] = here[other, i] + moved
                    _run(here, there, outputs, member, hidden, biases, last)
                    values[block << n_low : (block + 1) << n_low, row] += outputs
    return values / (n_members * n_background)
