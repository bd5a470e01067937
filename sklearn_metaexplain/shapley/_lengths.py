"""How long a kernel's lengths had better be."""

from __future__ import annotations

import torch

from sklearn_metaexplain.shapley._gp import HybridProcess

_STEP, _MOST_STEPS = 2**0.5, 4


def fit_best_lengths(
    process: HybridProcess, encoded: torch.Tensor, outputs: torch.Tensor
) -> HybridProcess:
    """Fit a process whose kernel's lengths are all too long, or too short, by one factor.

    Of few rows, a proposed kernel does not know how smooth the model is, and leave-one-out errors
    tell it. They are followed by factors of a square root of 2, down or else up, as long as they
    fall; the least factor is a quarter, the largest four.

    Parameters
    ----------
    process : HybridProcess
        Unfitted, with the proposed kernel.
    encoded : tensor of shape (n_rows, n_encoded, 2)
        Encoded hybrid rows.
    outputs : tensor of shape (n_rows, n_outputs)
        Centred outputs.

    Returns
    -------
    HybridProcess
        `process`, or another with other lengths; fitted.

    References
    ----------
    Rasmussen and Williams, Gaussian Processes for Machine Learning, 2006, section 5.4.2 (choice of
    hyperparameters by leave-one-out errors).
    """
    best = process.fit(encoded, outputs)
    for step in (1 / _STEP, _STEP):
        for n_steps in range(1, _MOST_STEPS + 1):
            other = process.with_lengths(step**n_steps).fit(encoded, outputs)
            if not _error(other) < _error(best):
                break
            best = other
        if best is not process:
            break
    return best


def _error(process: HybridProcess) -> float:
    return float(process.loo_residuals.square().mean())
