"""From what was found on many tasks to what is expected of the next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.linear_model import RidgeCV

from sklearn_metaexplain.calibration._cases import Case
from sklearn_metaexplain.shapley._error import log_evidence

_COVERAGES = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.925, 0.95, 0.975)
# Smaller errors than this say nothing that matters.
_LEAST_ERROR = 1e-5
# A mean of exponentials is ruled by its largest few; beyond this spread it is not trusted.
_MOST_SPREAD = 1.0


def fit_calibration(cases: Sequence[Case]) -> dict[str, Any]:
    """Fit what `MetaExplainer` says of its error.

    Parameters
    ----------
    cases : sequence of Case
        Tasks; a few hundred.

    Returns
    -------
    dict
        "task" for `estimate_task_error`, "row" for `estimate_error`; "quantiles" and
        "quantiles_asked", pairs of a share of errors and the multiple of `std` that covers it: the
        smallest that covers such a share of further, exchangeable tasks on average.

    References
    ----------
    Vovk, Gammerman and Shafer, Algorithmic Learning in a Random World, 2005, chapter 2 (the
    quantiles are those of split conformal prediction).
    """
    return {
        "task": _fit_task(cases),
        "row": _fit_row(cases),
        "quantiles": _quantiles([case.reach for case in cases]),
        "quantiles_asked": _quantiles([case.reach_asked for case in cases]),
        "n_tasks": len(cases),
    }


def _fit_task(cases: Sequence[Case]) -> dict[str, Any]:
    kept = [case for case in cases if case.error > _LEAST_ERROR and case.evidence["raw"] > 0]
    logs = np.array([log_evidence(case.evidence) for case in kept])
    actual = np.log([case.error for case in kept])
    model = RidgeCV(np.logspace(-2, 3, 12)).fit(logs, actual)
    spread = float(np.std(actual - model.predict(logs)))
    return {
        "intercept": float(model.intercept_),
        "slopes": [float(slope) for slope in model.coef_],
        "spread": spread,
        # Errors are judged by their mean, which is above the median.
        "log_factor": min(spread, _MOST_SPREAD) ** 2 / 2,
    }


def _fit_row(cases: Sequence[Case]) -> dict[str, float]:
    pairs = [
        (np.log(case.row_raw), np.log(case.row_error))
        for case in cases
        if case.row_error > _LEAST_ERROR and case.row_raw > 0
    ]
    expected, actual = np.array(pairs).T
    power, intercept = np.polyfit(expected, actual, 1)
    spread = float(np.std(actual - power * expected - intercept))
    factor = np.exp(intercept + min(spread, _MOST_SPREAD) ** 2 / 2)
    return {"factor": float(factor), "power": float(power), "spread": spread}


def _quantiles(reaches: Sequence[float]) -> list[list[float]]:
    found = np.sort([reach for reach in reaches if np.isfinite(reach)])
    ranks = {coverage: int(np.ceil((len(found) + 1) * coverage)) for coverage in _COVERAGES}
    return [[c, float(found[rank - 1])] for c, rank in ranks.items() if rank <= len(found)]
