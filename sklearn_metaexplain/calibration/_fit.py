"""From what was found on many tasks to what is expected of the next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import compress
from typing import Any

import numpy as np
from sklearn.linear_model import LinearRegression

from sklearn_metaexplain.calibration._cases import Case
from sklearn_metaexplain.shapley._error import (
    ROW_EVIDENCE,
    TASK_EVIDENCE,
    estimate_error,
    log_evidence,
)

# Endings of the names of what is found of tables without and with columns of categories.
_KINDS = {"": False, "_categories": True}
_COVERAGES = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.925, 0.95, 0.975)
# Smaller errors than this say nothing that matters.
_LEAST_ERROR = 1e-5
_STANDARD_ERRORS = 1.64
# Where evaluations tell nothing, any of them are as good as all.
_LEAST_TAKEN = 0.01


def fit_calibration(cases: Sequence[Case]) -> dict[str, Any]:
    """Fit what `MetaExplainer` says of its error.

    Parameters
    ----------
    cases : sequence of Case
        Tasks; a few hundred.

    Returns
    -------
    dict
        "task" and "row" for `estimate_error`, of a task without and of a row with evaluations;
        "quantiles" and "quantiles_asked", pairs of a share of errors and the multiple of `std`
        that covers it, of a random value of a further, exchangeable task with a table of numbers,
        and "quantiles_categories" and "quantiles_asked_categories", of one with columns of
        categories, where there are such cases; "usually_taken", what evaluations take off a row's
        raw error, the median share.

    References
    ----------
    Vovk, Gammerman and Shafer, Algorithmic Learning in a Random World, 2005, chapters 2 and 4
    (split conformal prediction; Mondrian, for each kind of tasks); Dunn, Wasserman and Ramdas,
    Distribution-free prediction sets for two-layer hierarchical models, 2023 (pooling the
    distributions of tasks).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_metaexplain.calibration import Case, fit_calibration
    >>> rng = np.random.default_rng(0)
    >>> cases = []
    >>> for _ in range(200):
    ...     names = ["raw", "roughness", "sparsity", "residual"]
    ...     evidence = dict(zip(names, rng.uniform(0.01, 0.1, 4)))
    ...     error, (reach, asked) = 3 * evidence["raw"], abs(rng.normal(size=(2, 1)))
    ...     cases.append(Case("made up", evidence, error, reach, asked, 0.01, 0.02))
    >>> calibration = fit_calibration(cases)
    >>> {name: round(slope, 6) for name, slope in calibration["task"]["slopes"].items()}
    {'raw': 1.0, 'roughness': 0.0, 'sparsity': 0.0}
    >>> dict(calibration["quantiles"])[0.9] < 2
    True
    """
    # Rows that were enumerated are exact, and say nothing of others.
    asked = [case for case in cases if case.row_raw > 0]
    quantiles = {}
    for kind, has_categories in _KINDS.items():
        # Tasks of one kind alone are taken for those of the other, too.
        alike = [case for case in cases if case.categories == has_categories]
        if alike or not has_categories:
            alike = alike or list(cases)
            quantiles[f"quantiles{kind}"] = _quantiles([case.reach for case in alike])
            quantiles[f"quantiles_asked{kind}"] = _quantiles([case.reach_asked for case in alike])
    return {
        "task": _fit_error(
            [case.evidence for case in cases], [case.error for case in cases], TASK_EVIDENCE
        ),
        "row": _fit_error(
            [{**case.evidence, "raw": case.row_raw} for case in asked],
            [case.row_error for case in asked],
            ROW_EVIDENCE,
        ),
        **quantiles,
        "usually_taken": _usually_taken(asked),
        "n_tasks": len(cases),
    }


def summarise(cases: Sequence[Case], calibration: Mapping[str, Any]) -> dict[str, float]:
    """Say how large the errors of tasks are, and how often their estimates hold them.

    Parameters
    ----------
    cases : sequence of Case
        Tasks.
    calibration : mapping
        Of `fit_calibration`.

    Returns
    -------
    dict
        "mean_error" and "median_error", relative and squared; "covered", the share of tasks whose
        error is within 1.64 standard errors of its estimate.
    """
    errors = np.array([case.error for case in cases])
    told = np.array([estimate_error(case.evidence, calibration["task"]) for case in cases])
    within = np.abs(told[:, 0] - errors) <= _STANDARD_ERRORS * told[:, 1]
    return {
        "mean_error": float(errors.mean()),
        "median_error": float(np.median(errors)),
        "covered": float(within.mean()),
    }


def _usually_taken(cases: Sequence[Case]) -> float:
    left = [
        case.row_raw / case.evidence["raw"]
        for case in cases
        if 0 < case.evidence["raw"] < np.inf and np.isfinite(case.row_raw)
    ]
    return float(np.clip(1 - np.median(left), _LEAST_TAKEN, 1.0))


def _fit_error(
    evidence: Sequence[Mapping[str, float]], errors: Sequence[float], names: Sequence[str]
) -> dict[str, Any]:
    # Where nothing is attributed for want of knowledge no size tells of the error.
    finite = [np.isfinite(one["raw"]) for one in evidence]
    evidence, errors = list(compress(evidence, finite)), list(compress(errors, finite))
    logs = np.array([log_evidence(one, names) for one in evidence])
    # A value that is off by more than its size is as good as none.
    actual = np.minimum(errors, 1.0)
    kept = (actual > _LEAST_ERROR) & (np.array([one["raw"] for one in evidence]) > 0)
    # Who has seen more that is wrong must not expect less of it.
    model = LinearRegression(positive=True).fit(logs[kept], np.log(actual[kept]))
    middle = model.predict(logs)
    return {
        "intercept": float(model.intercept_),
        "slopes": dict(zip(names, model.coef_.tolist(), strict=True)),
        "spread": float(np.std(np.log(actual[kept]) - middle[kept])),
        # Errors are judged by their mean, which is above the median.
        "log_factor": float(np.log(actual.mean() / np.exp(middle).mean())),
    }


def _quantiles(reaches: Sequence[Sequence[float]]) -> list[list[float]]:
    reaches = [task for task in reaches if len(task)]
    if not reaches:
        return []
    found = np.concatenate(reaches)
    order = np.argsort(found)
    # Values of a task count as one, for they are alike; the next task is as likely above all.
    share = np.concatenate([np.full(len(task), 1 / len(task)) for task in reaches])[order]
    below = np.cumsum(share) / (len(reaches) + 1)
    places = np.searchsorted(below, np.array(_COVERAGES) * (1 - 1e-12))
    pairs = zip(_COVERAGES, places.tolist(), strict=True)
    return [[c, float(found[order[place]])] for c, place in pairs if place < len(found)]
