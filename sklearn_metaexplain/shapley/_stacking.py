"""Weights of stacked surrogates."""

from __future__ import annotations

import torch
from scipy.optimize import nnls

# Standard deviations of the outputs.
_EXTREME = 3.0
# Of the largest eigenvalue, so that rounding makes none negative.
_LEAST_EIGENVALUE = 1e-12
# Of the mean squares of a surrogate's errors and of what it says: those of the bag are positive.
_MOST_EXCESS = 0.5
_N_CROSSED, _SEED = 512, 0


def stacking_weights(
    guesses: torch.Tensor, targets: torch.Tensor, excess: torch.Tensor
) -> torch.Tensor:
    """Non-negative weights of surrogates, from what they say of rows that they have not seen.

    A few extreme outputs must not decide: from three standard deviations on, rows count as much
    less as their squares are larger.

    Of a bag of surrogates, each of which leaves out a fold, one member has not seen a row, but the
    mean of all will be asked, whose error is smaller by their variance. Weights from the members'
    errors would be too small for bags.

    Parameters
    ----------
    guesses : tensor of shape (n_rows, n_outputs, n_surrogates)
        Centred.
    targets : tensor of shape (n_rows, n_outputs)
        Centred outputs.
    excess : tensor of shape (n_outputs, n_surrogates)
        By how much the mean square of the errors of `guesses` is above that of the surrogates; at
        most half of it counts.

    Returns
    -------
    tensor of shape (n_outputs, n_surrogates)

    References
    ----------
    Breiman, Stacked regressions, 1996 (non-negative weights); Krogh and Vedelsby, Neural network
    ensembles, cross validation, and active learning, 1995, equation 4 (the variance of a bag).
    """
    limit = _EXTREME * targets.square().mean(0).sqrt()
    share = (limit / targets.abs().clamp_min(1e-300)).clamp_max(1.0)
    targets, guesses = (targets * share).T, (guesses * share[..., None]).transpose(0, 1)
    products = guesses.mT @ guesses / guesses.shape[1]
    errors = (guesses - targets[..., None]).square().mean(1)
    most = _MOST_EXCESS * torch.minimum(errors, products.diagonal(dim1=1, dim2=2))
    products -= torch.diag_embed(torch.minimum(excess, most))
    aims = (guesses.mT @ targets[..., None])[..., 0] / guesses.shape[1]
    return torch.stack(list(map(_least_squares, products, aims)))


def _least_squares(products: torch.Tensor, aims: torch.Tensor) -> torch.Tensor:
    """Least ``w @ products @ w - 2 * aims @ w`` of all non-negative w."""
    sizes, directions = torch.linalg.eigh(products)
    largest = float(sizes[-1])
    if largest <= 0:
        return torch.zeros_like(aims)
    roots = sizes.clamp_min(_LEAST_EIGENVALUE * largest).sqrt()
    weights, _ = nnls((directions * roots).T.numpy(), (directions.T @ aims / roots).numpy())
    return torch.from_numpy(weights)


def cross(encoded: torch.Tensor, order: torch.Tensor) -> torch.Tensor:
    """Rows that no model was asked about: some of these, each crossed with the next.

    Parameters
    ----------
    encoded : tensor of shape (n_rows, n_encoded, 2)
        Encoded rows, in random order.
    order : tensor of shape (n_encoded,)
        In which columns are dealt with.

    Returns
    -------
    tensor of shape (n_crossed, n_encoded, 2)
    """
    some = encoded[:_N_CROSSED]
    generator = torch.Generator().manual_seed(_SEED)
    mine = torch.rand(some.shape[:2], generator=generator, dtype=torch.float32) < 0.5
    mine = mine[:, order.argsort()]
    return torch.where(mine[..., None], some, some.roll(1, 0))
