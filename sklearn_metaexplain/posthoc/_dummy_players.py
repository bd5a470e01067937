"""Players that change nothing, found by comparing hybrids that differ in them alone."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from sklearn_metaexplain._arrays import unit_of
from sklearn_metaexplain.masking._probes import Probes

# Comparisons of each player alone.
_ALONE = 2
# Of all suspects at once, before they are taken for dummies: anywhere, of which the first usually
# show it if one matters, and where outputs are unusual, which may be by one that hardly ever does.
# A suspect that differs in fewer than so many of the former is not a dummy.
_UNUSUAL, _TOGETHER, _FIRST, _LEAST = 8, 64, 16, 48
#: Comparisons of dummies, once all else has been asked.
N_LAST = 16
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


class AskedHybrids(Hybrids, Protocol):
    """Hybrids that remember what was asked."""

    probes: Probes
    outputs: np.ndarray  # (n_others + n_asked, n_outputs), those of the probes last

    def evaluate(self, probes: Probes) -> np.ndarray:
        """Evaluate the model on hybrids, and do not remember them: (n, n_outputs)."""

    def remember(self, probes: Probes, outputs: np.ndarray) -> None:
        """Keep hybrids and what the model said."""

    def extremes(self, players: np.ndarray) -> np.ndarray:
        """Positions of `probes`, those with the least, largest or rarest cells of players first."""


def ask_and_compare(
    hybrids: Hybrids, probes: Probes, order: np.ndarray, n_probes: int, rng: np.random.RandomState
) -> tuple[int, np.ndarray]:
    """Evaluate probes, the last of them replaced by comparisons, and find dummy players.

    Two hybrids that differ in one player alone say whether it matters there, which rows at large
    do not: the model has outputs of training rows by heart, and through these a column that it
    never read may be correlated with them. A player that changed nothing is a suspect. All
    suspects are then replaced at once in the 8 hybrids with the most unusual outputs and in 64
    others. If nothing changes, those that differed in 48 of the latter are dummies; else suspects
    are looked at one by one where it did, and what is left of them again.

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
    if _ALONE * len(order) + _UNUSUAL + _TOGETHER > most or n_drawn < _TOGETHER:
        hybrids.ask(probes)
        return len(probes.rows), nobody
    drawn = Probes(*(part[:n_drawn] for part in probes))
    differing = hybrids.differing(drawn)
    base, players = _pairs(differing, order, rng)
    alone = np.eye(len(order), dtype=bool)
    outputs = hybrids.ask(join_probes(drawn, _replace(drawn, base, alone[players])))
    outputs, compared = outputs[:n_drawn], outputs[n_drawn:]
    unit = _spread(outputs)
    oddity = _oddity(outputs)
    comparable: np.ndarray = np.asarray(differing.any(axis=0))
    suspects = comparable.copy()
    n_asked = len(base)

    def changes(now: np.ndarray, base: np.ndarray) -> np.ndarray:
        return np.asarray((np.abs(now - outputs[base]) > _ROUNDED * unit).any(axis=1))

    suspects[players[changes(compared, base)]] = False
    while suspects.any() and unit.any():
        n_differing = differing[:, suspects].sum(1)
        base = rng.permutation(np.flatnonzero(n_differing))
        base = base[np.argsort(-n_differing[base], kind="stable")]
        base, rest = base[:_TOGETHER], base[_TOGETHER:]
        unusual = rest[np.argsort(-oddity[rest], kind="stable")][:_UNUSUAL]
        if len(base) < _TOGETHER:
            return n_drawn, nobody
        for part in (base[:_FIRST], unusual, base[_FIRST:]):
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


def do_matter(hybrids: AskedHybrids, dummies: np.ndarray, n: int) -> bool:
    """Whether players that were taken for dummies change anything where it is most likely.

    They are replaced in hybrids of which half have the most unusual outputs of all, and half the
    most extreme cells of these players.

    Parameters
    ----------
    hybrids : AskedHybrids
        What is asked, and was before.
    dummies : ndarray of bool of shape (n_players,)
        The players.
    n : int
        How many evaluations that costs, as far as there are hybrids.
    """
    probes = hybrids.probes
    outputs = hybrids.outputs[len(hybrids.outputs) - len(probes.rows) :]
    differs: np.ndarray = np.asarray(hybrids.differing(probes)[:, dummies].any(axis=1))
    unusual = np.lexsort([-_oddity(outputs), ~differs])
    extreme = hybrids.extremes(dummies)
    first = unusual[: n // 2]
    extreme = extreme[differs[extreme] & ~np.isin(extreme, first)]
    base = np.concatenate([first, extreme[: n - len(first)]])
    rest = unusual[~np.isin(unusual, base)]
    base = np.concatenate([base, rest[: n - len(base)]])
    replaced = _replace(probes, base, np.tile(dummies, (len(base), 1)))
    now = hybrids.evaluate(replaced)
    changed = bool((np.abs(now - outputs[base]) > _ROUNDED * _spread(outputs)).any())
    if changed:
        # To surrogates that ignore dummies they would be rows known twice.
        hybrids.remember(replaced, now)
    return changed


def _spread(outputs: np.ndarray) -> np.ndarray:
    """Standard deviation of each output, (n_outputs,), also where outputs have no squares."""
    unit = unit_of(outputs)
    return np.asarray((outputs / unit).std(0) * unit)


def _oddity(outputs: np.ndarray) -> np.ndarray:
    """How far outputs are from what they usually are, (n,)."""
    unit = _spread(outputs)
    deviation = np.abs(outputs - np.median(outputs, axis=0))
    return np.asarray((deviation / np.where(unit > 0, unit, 1.0)).max(axis=1))


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


def join_probes(first: Probes, then: Probes) -> Probes:
    """Probes, and others after them."""
    return Probes(*(np.concatenate(parts) for parts in zip(first, then, strict=True)))
