"""What an explainer can say of its own error on a task."""

from __future__ import annotations

import json
import warnings
from importlib.resources import files
from typing import Any

import numpy as np
import torch

from sklearn_metaexplain._callers import stacklevel_of_caller
from sklearn_metaexplain.exceptions import LargeErrorWarning
from sklearn_metaexplain.nets._checkpoint import Pretrained
from sklearn_metaexplain.posthoc._surrogate import TaskSurrogate
from sklearn_metaexplain.shapley._deviation import sparsity
from sklearn_metaexplain.shapley._error import raw_error

_ROWS = 64
# From ``python -m sklearn_metaexplain.calibration --weights none --tasks 400``.
_OF_SEARCH = "calibration_of_search.json"
# Off by half of their size.
_LARGE = 0.25


def calibration_of(pretrained: Pretrained | None) -> dict[str, Any]:
    """Figures that the error is told by: those of the networks or, without any, of the search.

    Parameters
    ----------
    pretrained : Pretrained or None
        Networks; some are not calibrated.
    """
    if pretrained is not None:
        return pretrained.calibration
    found: dict[str, Any] = json.loads(files(__package__).joinpath(_OF_SEARCH).read_text("utf-8"))
    return found


def n_rows_judged(n_background: int) -> int:
    """Rows that the error is estimated on; of many background rows, each row is dear."""
    return max(8, min(_ROWS, _ROWS * 100 // n_background))


def task_evidence(
    surrogate: TaskSurrogate, encoded: torch.Tensor, outputs: torch.Tensor
) -> dict[str, float]:
    """Collect what the error of a task is estimated from.

    Parameters
    ----------
    surrogate : TaskSurrogate
        Fitted.
    encoded : tensor of shape (n_rows, m, 2)
        Whole rows.
    outputs : tensor of shape (n_rows, n_outputs)
        The model's outputs for them.

    Returns
    -------
    dict
        For `estimate_error`: what the stack misses, and networks alone, is of folds and of leaving
        one out.
    """
    values, std, *_ = surrogate.explain(encoded, outputs, surrogate.able(len(encoded)))
    stack = surrogate.stack
    return {
        "raw": raw_error(values, std),
        "residual": float(stack.residuals.square().mean()),
        "roughness": float(stack.network_residuals.square().mean()),
        "sparsity": sparsity(surrogate.n_rows_seen),
    }


def quantiles_of(
    calibration: dict, asked: np.ndarray, *, categories: bool = False
) -> np.ndarray | None:
    """Shares of errors and the multiples of `std` that cover them, where there are any.

    Parameters
    ----------
    calibration : dict
        Of `calibration_of`.
    asked : ndarray of bool of shape (n_rows,)
        Rows on which evaluations were spent.
    categories : bool, default=False
        Whether the table has columns of categories, of which multiples are others.

    Returns
    -------
    ndarray of shape (n_levels, 2) or (n_rows, n_levels, 2), or None
        For each row unless all are alike.
    """
    found = [calibration.get(name) for name in ("quantiles_asked", "quantiles")]
    if categories:
        names = ("quantiles_asked_categories", "quantiles_categories")
        found = [calibration.get(name, own) for name, own in zip(names, found, strict=True)]
    spent, unspent = (None if table is None else np.array(table) for table in found)
    if not asked.any():
        return unspent
    if asked.all() or spent is None or unspent is None:
        return spent
    # The largest shares are missing where calibration saw too few tasks for them.
    n_levels = min(len(spent), len(unspent))
    return np.where(asked[:, None, None], spent[:n_levels], unspent[:n_levels])


def warn_if_large(what: str, error: float, remedy: str) -> None:
    """Say that attributions are expected to be of little use, and what may help.

    Parameters
    ----------
    what : str
        Which attributions.
    error : float
        Estimate of their relative squared error.
    remedy : str
        Why it is large, and what to do.
    """
    if error > _LARGE:
        warnings.warn(
            f"{what} are expected to be off by {error**0.5:.0%} of their size: {remedy}",
            LargeErrorWarning,
            stacklevel=stacklevel_of_caller(),
        )
