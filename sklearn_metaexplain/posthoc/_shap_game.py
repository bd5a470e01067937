"""One row as a game of its players, in the form that shap's samplers take."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import RLock
from typing import Any

import numpy as np

from sklearn_metaexplain.masking import MaskedModel
from sklearn_metaexplain.posthoc import _libraries

__all__ = ["ALGORITHMS", "MaskGame"]

# Hybrid rows that are prepared at once; the model is asked in its own, smaller batches.
HYBRIDS_AT_ONCE = 100_000
# Evaluations that shap's algorithms make where no budget is given, in coalitions.
PERMUTATION_COALITIONS = 500
KERNEL_COALITIONS = 2048
# A million coalitions: what shap holds of them fits into memory.
MOST_PLAYERS_ENUMERATED = 20

_RNG_LOCK = RLock()


class MaskGame:
    """Mean output over the background when some players of one row are kept.

    shap sees this function of 0/1 vectors, and neither the model nor the table.

    Parameters
    ----------
    model : MaskedModel
        The model.
    row : table of one row
        The explained row.
    prediction : ndarray of shape (n_computed,)
        Its outputs.
    differing : ndarray of bool of shape (n_background, n_players)
        Where the row differs from the background.

    Attributes
    ----------
    players : ndarray of int of shape (n_playing,)
        Players that differ from some background row; the others get exactly 0.
    n_evaluations : int
        Rows that the model was asked for. Hybrids that equal each other, the explained row or a
        background row are not asked for.
    """

    def __init__(
        self, model: MaskedModel, row: Any, prediction: np.ndarray, differing: np.ndarray
    ) -> None:
        self.model = model
        self.row = row
        self.prediction = prediction
        self.players = np.flatnonzero(differing.any(axis=0))
        self.differing = differing[:, self.players]
        self.n_evaluations = 0
        self._known: dict[bytes, np.ndarray] = {}

    @property
    def n_playing(self) -> int:
        return len(self.players)

    @property
    def unit(self) -> np.ndarray:
        """About the size of what there is to explain where that is small, (n_computed,).

        shap makes zeros of attributions below 1e-10, whatever the outputs' size.
        """
        outputs = np.concatenate([self.model.background_outputs, self.prediction[None]])
        size = np.ptp(outputs, axis=0)
        # Powers of two, which change no digit.
        return np.where((size > 0) & (size < 1), np.exp2(np.frexp(size)[1]), 1.0)

    def __call__(self, masks: np.ndarray) -> np.ndarray:
        """Mean outputs, shape (n, n_computed), of coalitions, shape (n, n_playing)."""
        masks = np.asarray(masks) > 0.5
        keys = [mask.tobytes() for mask in masks]
        new = {key: mask for key, mask in zip(keys, masks, strict=True) if key not in self._known}
        if new:
            means = self._mean_outputs(np.array(list(new.values())))
            self._known.update(zip(new, means, strict=True))
        return np.array([self._known[key] for key in keys])

    def _mean_outputs(self, masks: np.ndarray) -> np.ndarray:
        n_background = self.model.n_background
        total = np.zeros((len(masks), self.model.n_computed))
        step = max(1, HYBRIDS_AT_ONCE // len(masks))
        for start in range(0, n_background, step):
            rows = np.arange(start, min(start + step, n_background))
            total += self._outputs(masks, rows).sum(axis=0)
        return total / n_background

    def _outputs(self, masks: np.ndarray, background: np.ndarray) -> np.ndarray:
        differing = self.differing[background]
        coalitions = masks & differing[:, None, :]
        outputs = np.empty((*coalitions.shape[:2], self.model.n_computed))
        outputs[:] = self.model.background_outputs[background][:, None]
        whole = (coalitions == differing[:, None, :]).all(axis=2)
        outputs[whole] = self.prediction
        # Where row and background are equal, whole is also empty: both outputs are the same.
        asked = np.argwhere(~whole & coalitions.any(axis=2))
        if len(asked):
            hybrids = coalitions[asked[:, 0], asked[:, 1]]
            first, inverse = _distinct(asked[:, 0], hybrids)
            kept = np.zeros((len(first), self.model.n_players), dtype=bool)
            kept[:, self.players] = hybrids[first]
            answers = self.model.evaluate(
                self.row, np.zeros(len(first), dtype=int), background[asked[first, 0]], kept
            )
            outputs[asked[:, 0], asked[:, 1]] = answers[inverse]
            self.n_evaluations += len(first)
        return outputs


def _distinct(background: np.ndarray, hybrids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First position of each distinct hybrid, and which of them each one is."""
    packed = np.packbits(hybrids, axis=1)
    keys = np.column_stack([background.astype(np.int64).view(np.uint8).reshape(-1, 8), packed])
    keys = np.ascontiguousarray(keys)
    _, first, inverse = np.unique(
        keys.view(np.dtype((np.void, keys.shape[1]))).ravel(),
        return_index=True,
        return_inverse=True,
    )
    return first, inverse.ravel()


def exact(game: MaskGame, budget: int | None, seed: int) -> np.ndarray:
    """Enumerate all coalitions."""
    if game.n_playing > MOST_PLAYERS_ENUMERATED:
        raise ValueError(
            f'algorithm="exact" enumerates at most {MOST_PLAYERS_ENUMERATED} columns; this row '
            f"differs from the background in {game.n_playing}. Group columns by feature_groups, or "
            'use algorithm="permutation".'
        )
    _check_budget(exact_cost(game), budget, "exact")
    explainer = _libraries.shap().ExactExplainer(game, _masker(game))
    explanation = explainer(_everyone(game), max_evals=2**game.n_playing, silent=True)
    return explanation.values


def permutation(game: MaskGame, budget: int | None, seed: int) -> np.ndarray:
    """Walk through permutations of the players, there and back."""
    cost = 2 * (game.n_playing - 1) * game.model.n_background
    _check_budget(cost, budget, "permutation")
    coalitions = 2 * game.n_playing + 1
    n_permutations = (
        max(1, PERMUTATION_COALITIONS // coalitions) if budget is None else budget // cost
    )
    with _numpy_seeded(seed):
        explainer = _libraries.shap().PermutationExplainer(game, _masker(game), seed=seed)
        explanation = explainer(_everyone(game), max_evals=n_permutations * coalitions, silent=True)
    return explanation.values


def kernel(game: MaskGame, budget: int | None, seed: int) -> np.ndarray:
    """Regress on sampled coalitions, without shap's selection of ten columns."""
    everything = 2**game.n_playing - 2
    n_background = game.model.n_background
    _check_budget(min(2 * game.n_playing, everything) * n_background, budget, "kernel")
    n_coalitions = (
        2 * game.n_playing + KERNEL_COALITIONS if budget is None else budget // n_background
    )
    unit = game.unit

    def in_units(masks: np.ndarray) -> np.ndarray:
        return game(masks) / unit

    with _numpy_seeded(seed):
        explainer = _libraries.shap().KernelExplainer(in_units, np.zeros((1, game.n_playing)))
        values = explainer.shap_values(
            _everyone(game), nsamples=min(n_coalitions, everything), l1_reg=False, silent=True
        )
    return np.reshape(values, (game.n_playing, -1)) * unit


def automatic(game: MaskGame, budget: int | None, seed: int) -> np.ndarray:
    """Enumerate where that costs no more than the budget, else walk through permutations."""
    affordable = PERMUTATION_COALITIONS * game.model.n_background if budget is None else budget
    few = game.n_playing <= MOST_PLAYERS_ENUMERATED
    algorithm = exact if few and exact_cost(game) <= affordable else permutation
    return algorithm(game, budget, seed)


def exact_cost(game: MaskGame) -> int:
    """Evaluations that enumeration needs at most."""
    return (2**game.n_playing - 2) * game.model.n_background


ALGORITHMS: dict[str, Callable[[MaskGame, int | None, int], np.ndarray]] = {
    "auto": automatic,
    "exact": exact,
    "kernel": kernel,
    "permutation": permutation,
}


def _check_budget(least: int, budget: int | None, algorithm: str) -> None:
    if budget is not None and budget < least:
        raise ValueError(
            f"budget={budget} is too small for algorithm={algorithm!r}: this row needs at least "
            f"{least} evaluations. Raise the budget or use fewer background rows."
        )


def _masker(game: MaskGame) -> Any:
    return _libraries.shap().maskers.Independent(np.zeros((1, game.n_playing)), max_samples=1)


def _everyone(game: MaskGame) -> np.ndarray:
    return np.ones((1, game.n_playing))


@contextmanager
def _numpy_seeded(seed: int) -> Iterator[None]:
    """Give shap, which draws from numpy's global generator, a seed; restore the state after."""
    with _RNG_LOCK:
        state = np.random.get_state()  # noqa: NPY002
        np.random.seed(seed)  # noqa: NPY002
        try:
            yield
        finally:
            np.random.set_state(state)  # noqa: NPY002
