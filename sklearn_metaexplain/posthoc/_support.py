"""What MetaExplainer asks a model at fit."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from sklearn.utils import _safe_indexing

from sklearn_metaexplain._encoder import TableEncoder
from sklearn_metaexplain.masking import MaskedModel
from sklearn_metaexplain.masking._probes import Probes, draw_probes
from sklearn_metaexplain.posthoc._doubt import doubt
from sklearn_metaexplain.posthoc._dummy_players import (
    N_LAST,
    ask_and_compare,
    do_matter,
    join_probes,
)

_LEAST_PROBES = 16
# Surrogates of fewer rows do not know what they do not know.
_LEAST_ROUND = 64
# Hybrids for each of those that are chosen among them.
_CANDIDATES = 7
# Of the mean doubt, so that nothing is beyond choice.
_LEAST_DOUBT = 1e-6


class Support(NamedTuple):
    """Evaluated hybrids: the background rows, then the probes."""

    encoder: TableEncoder
    encoded: np.ndarray  # (n_support, m, 2)
    outputs: np.ndarray  # (n_support, n_computed)
    coalitions: np.ndarray  # (n_probes, n_players)
    background: np.ndarray  # (n_background, m, 2), encoded
    n_drawn: int  # hybrids that come first, before any that was chosen
    dummies: np.ndarray  # (n_players,), bool, players that changed nothing
    n_evaluations: int  # what it cost; comparisons that showed nothing new are not kept

    def shuffled(self, rng: np.random.RandomState) -> tuple[torch.Tensor, torch.Tensor]:
        """Encoded hybrids and their outputs in random order."""
        order = rng.permutation(len(self.outputs))
        return torch.from_numpy(self.encoded[order]), torch.from_numpy(self.outputs[order])

    def drawn(self) -> tuple[np.ndarray, np.ndarray]:
        """Hybrids that were not chosen for being doubtful, on first axes, and their outputs."""
        encoded = self.encoded[: self.n_drawn, ~self.encoder.is_further_]
        return encoded, self.outputs[: self.n_drawn]

    def whole_rows(self, most: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Real rows with known outputs, none chosen: probes of every player, then background."""
        n_background = len(self.background)
        n_probes = self.n_drawn - n_background
        whole = np.flatnonzero(self.coalitions[:n_probes].all(1)) + n_background
        taken = np.concatenate([whole, np.arange(n_background)])[:most]
        return torch.from_numpy(self.encoded[taken]), torch.from_numpy(self.outputs[taken])


def check_n_support(n_support: int, n_background: int) -> None:
    """ValueError with the least that serves, if that is more."""
    least = n_background + _LEAST_PROBES
    if n_support < least:
        raise ValueError(
            f"n_support={n_support} is too small for {n_background} background rows, which "
            f"it includes; pass n_support={least} or more, or a smaller background."
        )


def ask_support(
    model: MaskedModel, X: Any, n_support: int, rng: np.random.RandomState, *, n_rounds: int = 1
) -> Support:
    """Evaluate a model on hybrid rows and encode them.

    Those of the first round are drawn, and some of them compared, which finds dummy players; where
    these are suspected, the second round is the smaller. Those of later rounds are chosen among
    more that are drawn: in proportion to doubt, without replacement. A single round is drawn only.

    Parameters
    ----------
    model : MaskedModel
        The model on its background.
    X : table of shape (n_samples, n_columns)
        Rows that hybrids are made of.
    n_support : int
        Evaluations to spend; those of the background are among them.
    rng : RandomState
        Source of randomness.
    n_rounds : int, default=1
        Rounds of equal size, fewer where they would have fewer than 64 hybrids. Comparisons may
        take from the second.

    Raises
    ------
    ValueError
        If `n_support` is too small; the message has the least that serves.
    """
    check_n_support(n_support, model.n_background)
    n_probes = n_support - model.n_background
    hybrids = _Hybrids(model, X)
    # All are drawn at once, so that a first round begins as an only one does.
    probes = hybrids.draw(rng, n_probes)
    n_rounds = max(1, min(n_rounds, n_probes // _LEAST_ROUND))
    ends = [n_probes * (k + 1) // n_rounds for k in range(n_rounds)]
    first = _take(probes, np.arange(ends[0]))
    dummies = np.zeros(model.n_players, dtype=bool)
    n_drawn = ends[0]
    if n_rounds == 1:
        hybrids.ask(first)
    else:
        n_drawn, dummies = ask_and_compare(hybrids, first, _by_name(model), n_probes, rng)
        hybrids.ignore(dummies)
    n_kept = N_LAST if dummies.any() else 0
    for end in ends[1:]:
        n_more = model.n_background + end - hybrids.n_asked
        n_more -= n_kept if end == n_probes else 0
        if n_more <= 0:
            continue  # comparisons have taken them
        candidates = hybrids.draw(rng, _CANDIDATES * n_more)
        # Categories are placed before candidates are encoded.
        asked = hybrids.encode_asked()
        judged = hybrids.encode(candidates)
        doubts = doubt(model, hybrids.encoder, asked, hybrids.outputs, judged, rng)
        hybrids.ask(_take(candidates, _choose(rng, doubts, n_more)))
    # Where the first round had no output to be unusual, later ones may have.
    n_left = min(n_kept, n_support - hybrids.n_asked)
    if n_left > 0 and do_matter(hybrids, dummies, n_left):
        dummies = np.zeros_like(dummies)
        hybrids.ignore(dummies)
    encoded = hybrids.encode_asked()
    return Support(
        hybrids.encoder,
        encoded,
        hybrids.outputs,
        hybrids.probes.coalitions,
        encoded[: model.n_background],
        model.n_background + n_drawn,
        dummies,
        hybrids.n_asked,
    )


class _Hybrids:
    """Hybrids of a table's rows and a model's background; first the background itself."""

    def __init__(self, model: MaskedModel, X: Any) -> None:
        self._model, self._X = model, X
        self.encoder = TableEncoder(further_axes=True).fit(X)
        self._background = self.encoder.code(model.background)
        self._coded = self._background
        self.outputs = model.background_outputs
        self.n_asked = len(self.outputs)
        nothing = np.empty(0, dtype=np.intp)
        self.probes = Probes(nothing, nothing, np.empty((0, model.n_players), dtype=bool))

    def draw(self, rng: np.random.RandomState, n: int) -> Probes:
        """Draw hybrids; players are dealt to by name."""
        model = self._model
        probes = draw_probes(
            rng,
            n,
            n_rows=self._X.shape[0],
            n_background=model.n_background,
            n_players=model.n_players,
        )
        return deal_by_name(probes, model)

    def ask(self, probes: Probes) -> np.ndarray:
        """Evaluate the model on hybrids, and remember them and what it said: (n, n_outputs)."""
        outputs = self.evaluate(probes)
        self.remember(probes, outputs)
        return outputs

    def evaluate(self, probes: Probes) -> np.ndarray:
        """Evaluate the model on hybrids: (n, n_outputs)."""
        self.n_asked += len(probes.rows)
        return self._model.evaluate(self._X, *probes)

    def remember(self, probes: Probes, outputs: np.ndarray) -> None:
        """Keep hybrids and what the model said."""
        self.outputs = np.concatenate([self.outputs, outputs])
        self.probes = join_probes(self.probes, probes)
        more = self._code(probes)
        self._coded = [np.concatenate(parts) for parts in zip(self._coded, more, strict=True)]

    def differing(self, probes: Probes) -> np.ndarray:
        """Players in which a hybrid's row and its background row differ: (n, n_players)."""
        differing = np.zeros(probes.coalitions.shape, dtype=bool)
        columns = zip(*self._sides(probes), self._model.players.player_of_column, strict=True)
        for ours, theirs, player in columns:
            same = (ours == theirs) | ((ours != ours) & (theirs != theirs))  # both missing
            differing[:, player] |= ~same
        return differing

    def extremes(self, players: np.ndarray) -> np.ndarray:
        """Positions of `probes`, those with the least, largest or rarest cells of players first."""
        orders = []
        for column in np.flatnonzero(players[self._model.players.player_of_column]):
            cells = self._coded[column][self._model.n_background :]
            if cells.dtype.kind == "f":
                rank = np.argsort(np.argsort(cells, kind="stable"), kind="stable")
                orders += [np.argsort(rank), np.argsort(-rank)]
            else:
                _, code, count = np.unique(cells, return_inverse=True, return_counts=True)
                orders.append(np.argsort(count[code], kind="stable"))
        # In turn, each position where it comes first.
        dealt = np.stack(orders, axis=1).ravel()
        return dealt[np.sort(np.unique(dealt, return_index=True)[1])]

    def ignore(self, players: np.ndarray) -> None:
        """Leave players out of what is encoded."""
        self.encoder.ignore(players[self._model.players.player_of_column])

    def encode_asked(self) -> np.ndarray:
        """Encode what was asked, categories placed by what the model said."""
        self.encoder.place_categories(self._coded, self.outputs)
        return self.encoder.encode(self._coded)

    def encode(self, probes: Probes) -> np.ndarray:
        """Encode hybrids: (n, m, 2)."""
        return self.encoder.encode(self._code(probes))

    def _code(self, probes: Probes) -> list[np.ndarray]:
        inside = probes.coalitions.T[self._model.players.player_of_column]
        return [
            np.where(mine, ours, theirs)
            for ours, theirs, mine in zip(*self._sides(probes), inside, strict=True)
        ]

    def _sides(self, probes: Probes) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Coded columns of the rows and of the background rows of hybrids."""
        used, positions = np.unique(probes.rows, return_inverse=True)
        rows = self.encoder.code(_safe_indexing(self._X, used))
        return (
            [column[positions] for column in rows],
            [column[probes.backgrounds] for column in self._background],
        )


def _take(probes: Probes, positions: np.ndarray) -> Probes:
    return Probes(*(part[positions] for part in probes))


def _choose(rng: np.random.RandomState, doubts: np.ndarray, n: int) -> np.ndarray:
    """Positions of n candidates, each as likely as it is doubtful."""
    mean = doubts.mean()
    if not (np.isfinite(mean) and mean > 0):
        return np.arange(n)  # candidates come in random order
    shares = doubts + _LEAST_DOUBT * mean
    return rng.choice(len(doubts), n, replace=False, p=shares / shares.sum())


def deal_by_name(probes: Probes, model: MaskedModel) -> Probes:
    """Deal coalitions to players in the order of their names, not of their columns."""
    coalitions = np.empty_like(probes.coalitions)
    coalitions[:, _by_name(model)] = probes.coalitions
    return probes._replace(coalitions=coalitions)


def _by_name(model: MaskedModel) -> np.ndarray:
    """Players in the order of their names."""
    return np.argsort(model.players.names.astype(str), kind="stable")
