"""Players that change nothing, found by comparing hybrids that differ in them alone."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from sklearn_metaexplain.masking._probes import Probes

# Comparisons of each player alone.
_ALONE = 2
# Of all suspects at once, before they are taken for dummies; the first of them usually show it if
# one matters. A suspect that differs in fewer than so many of them is not.
_TOGETHER, _FIRST, _LEAST = 64, 16, 48
# At most so many probes are spent in all.
_MOST_SHARE = 0.25
# Outputs that differ by less, in units of their standard deviation, are rounded.
_ROUNDED = 1e-6


class Hybrids(Protocol):
    """Hybrids of a table, of which a model can be asked."""

    def ask(self, probes: Probes) -> np.ndarray:
        """Evaluate the model on hybrids: (n, n_outputs)."""

    def differing(self, probes: Probes) -> np.ndarray:
        """Players in which a hybrid's row and its background row differ: (n, n_players)."""


def ask_and_compare(
    hybrids: Hybrids, probes: Probes, order: np.ndarray, n_probes: int, rng: np.random.RandomState
) -> tuple[int, np.ndarray]:
    """Evaluate probes, the last of them replaced by comparisons, and find dummy players.

    Two hybrids that differ in one player alone say whether it matters there, which rows at large
    do not: the model has outputs of training rows by heart, and through these a column that it
    never read may be correlated with them. A player that changed nothing is a suspect. All
    suspects are then replaced at once in 64 hybrids. If nothing changes, those that differed in 48
    of them are dummies; else suspects are looked at one by one where it did, and what is left of
    them again.

    Parameters
    ----------
    hybrids : Hybrids
        What is asked.
    probes : Probes
        Those of the first round.
    order : ndarray of int of shape (n_players,)
        Players, in an order that does not depend on that of columns.
    n_probes : int
        Evaluations of all rounds, a quarter of which may go into comparisons.
    rng : RandomState
        Source of randomness.

    Returns
    -------
    n_drawn : int
        Probes that were evaluated as they were drawn.
    dummies : ndarray of bool of shape (n_players,)
        None of them where evaluations do not suffice to tell.
    """
    most = int(_MOST_SHARE * n_probes)
    nobody = np.zeros(len(order), dtype=bool)
    n_drawn = len(probes.rows) - _ALONE * len(order)
    if _ALONE * len(order) + _TOGETHER > most or n_drawn < _TOGETHER:
        hybrids.ask(probes)
        return len(probes.rows), nobody
    drawn = Probes(*(part[:n_drawn] for part in probes))
    differing = hybrids.differing(drawn)
    base, players = _pairs(differing, order, rng)
    alone = np.eye(len(order), dtype=bool)
    outputs = hybrids.ask(_join(drawn, _replace(drawn, base, alone[players])))
    outputs, compared = outputs[:n_drawn], outputs[n_drawn:]
    unit = outputs.std(0)
    comparable: np.ndarray = np.asarray(differing.any(axis=0))
    suspects = comparable.copy()
    n_asked = len(base)

    def changes(now: np.ndarray, base: np.ndarray) -> np.ndarray:
        return np.asarray((np.abs(now - outputs[base]) > _ROUNDED * unit).any(axis=1))

    suspects[players[changes(compared, base)]] = False
    while suspects.any() and unit.any():
        n_differing = differing[:, suspects].sum(1)
        base = rng.permutation(np.flatnonzero(n_differing))
        base = base[np.argsort(-n_differing[base], kind="stable")][:_TOGETHER]
        if len(base) < _TOGETHER:
            return n_drawn, nobody
        for part in (base[:_FIRST], base[_FIRST:]):
            if n_asked + len(part) > most:
                return n_drawn, nobody
            together = np.tile(suspects, (len(part), 1))
            changed = part[changes(hybrids.ask(_replace(drawn, part, together)), part)]
            n_asked += len(part)
            if len(changed):
                break
        else:
            # A model that hardly ever changes is not one that reads nothing.
            if suspects[comparable].all():
                return n_drawn, nobody
            return n_drawn, suspects & (differing[base].sum(0) >= _LEAST)
        where = np.zeros_like(differing)
        where[changed] = differing[changed]
        left = order[suspects[order]]
        base, players = _pairs(where, left, rng)
        if n_asked + len(base) > most:
            return n_drawn, nobody
        n_asked += len(base)
        compared = hybrids.ask(_replace(drawn, base, alone[players]))
        suspects[players[changes(compared, base)]] = False
    return n_drawn, nobody


def _pairs(
    differing: np.ndarray, players: np.ndarray, rng: np.random.RandomState
) -> tuple[np.ndarray, np.ndarray]:
    """Hybrids in which each of some players is replaced, and the players."""
    base, whom = [], []
    for player in players:
        # As many draws for each, so that a player does not depend on the others.
        draws = rng.permutation(len(differing))
        chosen = draws[differing[draws, player]][:_ALONE]
        base.append(chosen)
        whom.append(np.full(len(chosen), player))
    return np.concatenate(base), np.concatenate(whom)


def _replace(probes: Probes, base: np.ndarray, whom: np.ndarray) -> Probes:
    """Hybrids whose row and background row change places in some players."""
    return Probes(probes.rows[base], probes.backgrounds[base], probes.coalitions[base] ^ whom)


def _join(first: Probes, then: Probes) -> Probes:
    return Probes(*(np.concatenate(parts) for parts in zip(first, then, strict=True)))
