"""Shapley values of small networks, by walks or by enumeration, compiled."""

from __future__ import annotations

import numpy as np

from sklearn_metaexplain.shapley._compile import compiled

# Points at once: they stay in cache, and matrix products so small are not worth threads to BLAS.
_AT_ONCE = 512
_AT_ONCE_BITS = 8


# Loops over elements become vector instructions; what is not finite stays so.
elementwise = compiled(
    error_model="numpy",
    fastmath={"contract", "arcp", "nsz", "reassoc"},
)


@elementwise
def activate(units, bias):
    """Hardswish of ``units + bias``, in place."""
    three, six = np.float32(3), np.float32(6)
    for s in range(units.shape[0]):
        for i in range(units.shape[1]):
            unit = units[s, i] + bias[i]
            units[s, i] = unit * min(max(unit + three, np.float32(0)), six) / six


@compiled()
def copy(units, to):
    """Write units, (n, width), to another array."""
    for s in range(units.shape[0]):
        for i in range(units.shape[1]):
            to[s, i] = units[s, i]


@compiled()
def _sum_players(units):
    """Sums over players, (n, n_members, width), of what each adds."""
    n, n_members, n_players, width = units.shape
    total = np.zeros((n, n_members, width), np.float32)
    for s in range(n):
        for member in range(n_members):
            for player in range(n_players):
                for i in range(width):
                    total[s, member, i] += units[s, member, player, i]
    return total


@compiled()
def _buffers(n_points, width, n_outputs):
    """What `_run` works in."""
    units = np.empty((2, n_points, width), np.float32)
    return units[0], units[1], np.empty((n_points, n_outputs), np.float32)


@compiled()
def _run(here, there, outputs, member, hidden, biases, last, last_biases, bounded):
    """Take what reaches the first hidden layer of a network, (n, width), to `outputs`."""
    for layer in range(len(hidden)):
        activate(here, biases[layer, member])
        np.dot(here, hidden[layer, member], there)
        here, there = there, here
    activate(here, biases[len(hidden), member])
    np.dot(here, last[member], outputs)
    if bounded:
        one = np.float32(1)
        for s in range(outputs.shape[0]):
            for o in range(outputs.shape[1]):
                outputs[s, o] = one / (one + np.exp(-(outputs[s, o] + last_biases[member, o])))


@compiled()
def _run_apart(reached, outputs, member, hidden, biases, last, last_biases, bounded):
    """Take what reaches the first hidden layer, (n, width), to `outputs`, leaving it as it is."""
    here, there, _ = _buffers(len(reached), reached.shape[1], outputs.shape[1])
    copy(reached, here)
    _run(here, there, outputs, member, hidden, biases, last, last_biases, bounded)


@compiled()
def walk_networks(rows, background, starts, orders, hidden, biases, last, last_biases, bounded):
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
    last_biases : ndarray of float32 of shape (n_members, n_outputs)
        Biases of the outputs, which matter only to bounded ones.
    bounded : bool
        Whether outputs go through a logistic function.

    Returns
    -------
    ndarray of float64 of shape (n_rows, n_players, n_outputs)
    """
    n_rows, n_members, n_players, width = rows.shape
    n_walks, n_outputs = starts.shape[1], last.shape[2]
    values = np.zeros((n_rows, n_players, n_outputs))
    # All walks of a row end where those of the others do, and start at few places.
    n_between = n_players - 1
    n_blocks = -(-n_walks // max(1, _AT_ONCE // max(1, n_between)))
    # Blocks as equal as can be, for what is not filled is run as well.
    at_once = -(-n_walks // n_blocks)
    here, there, outputs = _buffers(at_once * n_between, width, n_outputs)
    network = (hidden, biases, last, last_biases, bounded)
    reached = np.empty(width, np.float32)
    first, ends = _sum_players(background), _sum_players(rows)
    at_start = np.empty((n_members, len(background), n_outputs), np.float32)
    at_end = np.empty((n_members, n_rows, n_outputs), np.float32)
    for member in range(n_members):
        _run_apart(first[:, member], at_start[member], member, *network)
        _run_apart(ends[:, member], at_end[member], member, *network)
    # Rows innermost: what a block of walks reads of the background then stays in cache. And indices
    # rather than views, whose references would be counted.
    for member in range(n_members):
        for block in range(0, n_walks, at_once):
            n_block = min(at_once, n_walks - block)
            for row in range(n_rows):
                for walk in range(n_block):
                    start = starts[member, block + walk]
                    for i in range(width):
                        reached[i] = first[start, member, i]
                    for step in range(n_between):
                        player = orders[member, block + walk, step]
                        for i in range(width):
                            # Where both agree nothing moves, not even by rounding.
                            ours = rows[row, member, player, i]
                            reached[i] += ours - background[start, member, player, i]
                        for i in range(width):
                            here[walk * n_between + step, i] = reached[i]
                if n_between > 0:
                    _run(here, there, outputs, member, *network)
                for walk in range(n_block):
                    start = starts[member, block + walk]
                    for o in range(n_outputs):
                        before = at_start[member, start, o]
                        for step in range(n_between):
                            after = outputs[walk * n_between + step, o]
                            values[row, orders[member, block + walk, step], o] += after - before
                            before = after
                        last_player = orders[member, block + walk, n_between]
                        values[row, last_player, o] += at_end[member, row, o] - before
    return values / (n_members * n_walks)


@compiled()
def enumerate_networks(rows, background, n_asked, hidden, biases, last, last_biases, bounded):
    """Mean outputs of networks for every coalition of players of explained rows.

    Parameters
    ----------
    rows, background, hidden, biases, last, last_biases, bounded : ndarray, bool
        As of `walk_networks`.
    n_asked : int
        Networks asked of each background row: all, or different ones in turn.

    Returns
    -------
    ndarray of float64 of shape (2**n_players, n_rows, n_outputs)
        Coalitions in the order of their bits.
    """
    n_rows, n_members, n_players, width = rows.shape
    n_background, n_outputs = len(background), last.shape[2]
    values = np.zeros((1 << n_players, n_rows, n_outputs))
    n_low = min(n_players, _AT_ONCE_BITS)
    n_coalitions = 1 << n_low
    # Of few players the coalitions of several background rows fill the cache.
    at_once = min(max(1, _AT_ONCE >> n_low), n_background)
    here, there, outputs = _buffers(at_once * n_coalitions, width, n_outputs)
    network = (hidden, biases, last, last_biases, bounded)
    reached, moved = np.empty(width, np.float32), np.empty(width, np.float32)
    first = _sum_players(background)
    for member in range(n_members):
        # Background rows of which it is this network's turn.
        turns = (member - np.arange(n_background)) % n_members
        starts = np.flatnonzero(turns < n_asked)
        for begin in range(0, len(starts), at_once):
            asked = starts[begin : begin + at_once]
            n_points = len(asked) * n_coalitions
            for row in range(n_rows):
                # Blocks differ in the players of high bits.
                for block in range(1 << (n_players - n_low)):
                    for place, start in enumerate(asked):
                        at = place * n_coalitions
                        for i in range(width):
                            reached[i] = first[start, member, i]
                        for player in range(n_low, n_players):
                            if block >> (player - n_low) & 1:
                                for i in range(width):
                                    ours = rows[row, member, player, i]
                                    reached[i] += ours - background[start, member, player, i]
                        for i in range(width):
                            here[at, i] = reached[i]
                        for player in range(n_low):
                            for i in range(width):
                                ours = rows[row, member, player, i]
                                moved[i] = ours - background[start, member, player, i]
                            bit = 1 << player
                            for other in range(at, at + bit):
                                for i in range(width):
                                    here[other + bit, i] = here[other, i] + moved[i]
                    _run(here[:n_points], there[:n_points], outputs[:n_points], member, *network)
                    for place in range(len(asked)):
                        at = place * n_coalitions
                        for k in range(n_coalitions):
                            for o in range(n_outputs):
                                values[block << n_low | k, row, o] += outputs[at + k, o]
    return values / (n_asked * n_background)
