"""Usual surrogates on the same evaluated hybrids, explained exactly, alone and averaged."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from measures import Result, Stopwatch
from sklearn.compose import TransformedTargetRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tasks import SEED, Task
from truth import MOST_ENUMERATED
from whole import Support, close

from sklearn_metaexplain.masking import MaskedModel
from sklearn_metaexplain.shapley._enumeration import enumerate_shapley, walk_shapley

NETWORK = "MLP surrogate, exact"
AVERAGE = "HGB, MLP and GP surrogates averaged, exact"
# Walks for a pair of rows where columns are too many for an enumeration.
_WALKS = 16


def explain_surrogates(
    task: Task, support: Support, process: Result, boosted: Result
) -> Iterator[Result]:
    """Explain by a network, and by the average of three surrogates.

    Parameters
    ----------
    task : Task
    support : Support
        What all surrogates learned from.
    process, boosted : Result
        Of the process with the default kernel and of boosted trees.
    """
    network = explain_network(task, support)
    yield network
    yield average_results(AVERAGE, [boosted, network, process])


def explain_network(task: Task, support: Support) -> Result:
    """Fit one network for all outputs, explain it exactly, close the gap."""
    with Stopwatch() as fit:
        model = fit_network(support.hybrids, support.outputs)
    with Stopwatch() as watch:
        values = close(task, surrogate_values(task, model))
    return Result(NETWORK, values, watch.seconds, len(support.outputs), seconds_fit=fit.seconds)


def surrogate_values(task: Task, model: Any) -> np.ndarray:
    """Shapley values of a fitted regressor on the task's rows and background.

    Enumerated; where columns are too many, by permutations, which cost the explained model nothing.
    """
    masked = MaskedModel(model, task.background)
    if masked.n_players <= MOST_ENUMERATED:
        return enumerate_shapley(masked, task.rows, masked.predict(task.rows))[0]
    values = [
        walk_shapley(
            np.random.default_rng(SEED),
            lambda *hybrids, output=output: masked.evaluate(task.rows, *hybrids)[:, output],
            n_rows=len(task.rows),
            n_background=len(task.background),
            n_players=masked.n_players,
            n_walks=_WALKS,
        )
        for output in range(masked.n_computed)
    ]
    return np.stack(values, axis=2)


def average_results(method: str, results: list[Result]) -> Result:
    """Equal weights: Shapley values are linear, so these are exact values of the average."""
    return Result(
        method,
        np.mean([result.values for result in results], axis=0),
        sum(result.seconds for result in results),
        results[0].n_support,
        seconds_fit=sum(result.seconds_fit for result in results),
    )


def fit_network(
    hybrids: Any, outputs: np.ndarray, prepare: Any = None
) -> TransformedTargetRegressor:
    """Fit a network on standardised columns and outputs, stopped early.

    Parameters
    ----------
    hybrids : table of shape (n, n_columns)
    outputs : ndarray of shape (n, n_outputs)
    prepare : transformer, default=None
        What makes numbers of the columns. None: they are standardised.
    """
    network = MLPRegressor(
        hidden_layer_sizes=(128, 128),
        batch_size=min(128, len(hybrids) // 2),
        early_stopping=True,
        n_iter_no_change=20,
        tol=1e-5,
        max_iter=300,
        random_state=SEED,
    )
    model = TransformedTargetRegressor(
        make_pipeline(prepare or StandardScaler(), network), transformer=StandardScaler()
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(hybrids, outputs[:, 0] if outputs.shape[1] == 1 else outputs)
