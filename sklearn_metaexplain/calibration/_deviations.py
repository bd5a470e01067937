"""What `Explanation.std` is read off, found on tasks of the prior."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import Any, NamedTuple

import numpy as np
import torch
from sklearn.linear_model import QuantileRegressor

from sklearn_metaexplain.calibration._cases import (
    LEAST_ASKED,
    MOST_ASKED,
    draw_fitted,
    log_uniform,
    quietly,
)
from sklearn_metaexplain.posthoc._own import ask_about_rows
from sklearn_metaexplain.shapley._deviation import LEAST_VARIANCE, POWERS

_SEED = 10**6 + 11
_SHARE, _NORMAL = 0.9, 1.6449
# Values of a task, without and with evaluations.
_N_VALUES = 16


class SeenErrors(NamedTuple):
    """Squared errors of some values of a task, and what was seen of them."""

    seen: np.ndarray  # (n, n_powers), `DeviationEvidence.logs`
    squares: np.ndarray  # (n,), in units of the outputs' variance


def measure_deviations(
    number: int, pretrained: str | PathLike[str] | None = "default"
) -> SeenErrors | None:
    """Explain a task of the prior with and without evaluations of its rows.

    Parameters
    ----------
    number : int
        Which task; the same number gives the same one.
    pretrained : str, path or None, default="default"
        As in `MetaExplainer`.

    Returns
    -------
    SeenErrors or None
        None where there is nothing to explain.
    """
    with quietly():
        task = draw_fitted(_SEED, number, pretrained)
        if task is None:
            return None
        _, explainer, X, truth, rng = task
        model, surrogate = explainer._masked_model_, explainer._surrogate_
        predictions, can_matter = model.predict(X), model.can_matter(X)
        rows = explainer._encode(X), torch.from_numpy(predictions), torch.from_numpy(can_matter)
        own, _, _ = ask_about_rows(
            model,
            surrogate,
            X,
            rows[0],
            predictions,
            log_uniform(rng, LEAST_ASKED, MOST_ASKED),
            explainer._row_seed_,
        )
        seen, squares = [], []
        for answer in (surrogate.explain(*rows), surrogate.explain(*rows, own)):
            off = (answer.values - truth)[..., 0] / float(surrogate.scale.spread[0])
            able = np.flatnonzero(can_matter)
            chosen = rng.permutation(able)[:_N_VALUES]
            seen.append(answer.seen[..., 0, :].reshape(off.size, -1)[chosen])
            squares.append(np.square(off).ravel()[chosen])
        return SeenErrors(np.concatenate(seen), np.concatenate(squares))


def fit_deviations(tasks: Sequence[SeenErrors]) -> dict[str, Any]:
    """Fit powers for which 90% of errors are within 1.645 deviations; all tasks count alike.

    Parameters
    ----------
    tasks : sequence of SeenErrors
        A few hundred.

    Returns
    -------
    dict
        "powers" and "log_factor" as `shapley._deviation` has them, and "n_tasks".

    References
    ----------
    Koenker and Bassett, Regression quantiles, 1978, equation 3.1.
    """
    seen = np.concatenate([task.seen for task in tasks])
    squares = np.concatenate([task.squares for task in tasks])
    weight = np.concatenate([np.full(len(task.squares), 1 / len(task.squares)) for task in tasks])
    model = QuantileRegressor(quantile=_SHARE, alpha=0, solver="highs")
    model.fit(seen, np.log(squares + LEAST_VARIANCE), sample_weight=weight)
    return {
        "powers": dict(zip(POWERS, model.coef_.tolist(), strict=True)),
        "log_factor": float(model.intercept_ - 2 * np.log(_NORMAL)),
        "n_tasks": len(tasks),
    }
