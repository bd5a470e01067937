"""True Shapley values: enumerated, or sampled until hardly any error is left."""

from __future__ import annotations

import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor

from sklearn_metaexplain.masking import MaskedModel
from sklearn_metaexplain.masking._probes import draw_probes
from sklearn_metaexplain.posthoc._shap_tree import TreeValues
from sklearn_metaexplain.shapley._enumeration import enumerate_shapley, walk_shapley

SEED = 0
MOST_ENUMERATED = 13
# Sampling ends at this squared standard error over the squared size of the values.
GOAL = 1e-4
LEAST_ROUNDS, MOST_ROUNDS = 4, 60
_CONTROL_ROWS = 20_000


def true_values(
    masked: MaskedModel,
    X_train: np.ndarray,
    rows: np.ndarray,
    predictions: np.ndarray,
    *,
    goal: float = GOAL,
) -> tuple[np.ndarray, float]:
    """Enumerate where columns are few, sample where they are many.

    Parameters
    ----------
    masked : MaskedModel
        Model and background.
    X_train : ndarray of shape (n_train, n_columns)
        Rows from which a control variate learns.
    rows : ndarray of shape (n_rows, n_columns)
        Explained rows.
    predictions : ndarray of shape (n_rows, n_outputs)
    goal : float
        Error at which sampling ends.

    Returns
    -------
    truth : ndarray of shape (n_rows, n_columns, n_outputs)
    error : float
        Its own expected relative error, squared standard errors over squared size; 0 if enumerated.
    """
    if masked.n_players <= MOST_ENUMERATED:
        return enumerate_shapley(masked, rows, predictions)[0], 0.0
    return sample_shapley(masked, X_train, rows, predictions, goal)


def sample_shapley(
    masked: MaskedModel,
    X_train: np.ndarray,
    rows: np.ndarray,
    predictions: np.ndarray,
    goal: float,
) -> tuple[np.ndarray, float]:
    """Sample permutations of the difference between the model and trees whose values are known."""
    rng = np.random.default_rng(SEED)
    controls = _fit_controls(masked, X_train)
    known = [
        TreeValues(MaskedModel(control, masked.background)).explain(rows) for control in controls
    ]
    rounds: list[np.ndarray] = []
    n_players = masked.n_players

    def error() -> tuple[np.ndarray, float]:
        truth = np.concatenate(known, axis=2) + np.mean(rounds, axis=0)
        # Additive exactly: permutations of differences are, trees in single precision almost.
        base = masked.background_outputs.mean(0)
        truth += ((predictions - base - truth.sum(1)) / n_players)[:, None]
        squared = np.var(rounds, axis=0, ddof=1) / len(rounds)
        return truth, float(squared.sum() / max((truth**2).sum(), 1e-300))

    while True:
        # One draw of permutations serves all outputs.
        state = rng.bit_generator.state
        differences = []
        for output, control in enumerate(controls):
            rng.bit_generator.state = state
            differences.append(_walk(rng, masked, control, rows, output))
        rounds.append(np.stack(differences, axis=2))
        if len(rounds) >= LEAST_ROUNDS:
            truth, left = error()
            if left <= goal or len(rounds) >= MOST_ROUNDS:
                return truth, left


def _walk(
    rng: np.random.Generator,
    masked: MaskedModel,
    control: HistGradientBoostingRegressor,
    rows: np.ndarray,
    output: int,
) -> np.ndarray:
    def difference(
        row_index: np.ndarray, background_index: np.ndarray, coalitions: np.ndarray
    ) -> np.ndarray:
        hybrids = np.where(coalitions, rows[row_index], masked.background[background_index])
        return masked.predict(hybrids)[:, output] - control.predict(hybrids)

    return walk_shapley(
        rng,
        difference,
        n_rows=len(rows),
        n_background=masked.n_background,
        n_players=masked.n_players,
        n_walks=2,
    )


def _fit_controls(masked: MaskedModel, X_train: np.ndarray) -> list[HistGradientBoostingRegressor]:
    probes = draw_probes(
        np.random.RandomState(SEED),
        _CONTROL_ROWS,
        n_rows=len(X_train),
        n_background=masked.n_background,
        n_players=masked.n_players,
    )
    hybrids = np.where(
        probes.coalitions, X_train[probes.rows], masked.background[probes.backgrounds]
    )
    return [
        HistGradientBoostingRegressor(max_iter=500, early_stopping=False, random_state=SEED).fit(
            hybrids, output
        )
        for output in masked.predict(hybrids).T
    ]
