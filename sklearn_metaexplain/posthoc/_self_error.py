"""What an explainer can say of its own error on a task."""

from __future__ import annotations

import numpy as np
import torch

from sklearn_metaexplain.posthoc._surrogate import TaskSurrogate
from sklearn_metaexplain.shapley._error import raw_error

_ROWS = 64


def n_judged(n_background: int) -> int:
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
        For `estimate_task_error`. "residual" comes from evaluations held out: from folds and
        leaving one out.
    """
    stack = surrogate.stack
    able = torch.ones(len(encoded), surrogate.n_players, dtype=torch.bool)
    values, std = surrogate.explain(encoded, outputs, able)
    with torch.no_grad():
        apart = stack.shapley(encoded, able)
    size = float(stack.combine(apart).square().sum())
    difference = float((apart.process - apart.trees).square().sum())
    return {
        "raw": raw_error(values, std),
        "residual": float(stack.residuals.square().mean()),
        "disagreement": difference / size if size > 0 else 0.0,
        "n_players": float(surrogate.n_players),
        "n_support": float(len(stack.residuals)),
    }


def quantiles_of(calibration: dict, *, asked: bool) -> np.ndarray | None:
    """Shares of errors and the multiples of `std` that cover them, where there are any."""
    found = calibration.get("quantiles_asked" if asked else "quantiles")
    return None if found is None else np.array(found)
