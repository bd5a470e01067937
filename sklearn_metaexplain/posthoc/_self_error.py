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
        For `estimate_error`; residuals are those of folds and of leaving one out.
    """
    able = torch.ones(len(encoded), surrogate.n_players, dtype=torch.bool)
    values, std = surrogate.explain(encoded, outputs, able)
    residual = float(surrogate.stack.residuals.square().mean())
    return {"raw": raw_error(values, std), "residual": residual}


def quantiles_of(calibration: dict, *, asked: bool) -> np.ndarray | None:
    """Shares of errors and the multiples of `std` that cover them, where there are any."""
    found = calibration.get("quantiles_asked" if asked else "quantiles")
    return None if found is None else np.array(found)
