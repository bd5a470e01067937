"""Standard deviations of Shapley values, as more is known and as surrogates disagree."""

from __future__ import annotations

import torch

from sklearn_metaexplain.shapley._stack import StackValues


def shrink_std(
    std: torch.Tensor, explained: torch.Tensor, variance_scale: torch.Tensor
) -> torch.Tensor:
    """Take explained variance off standard deviations; a hundredth of the variance stays.

    Parameters
    ----------
    std : tensor of shape (n_rows, n_players, n_outputs)
        Standard deviations.
    explained : tensor of shape (n_rows, n_players)
        Explained variance, before `variance_scale`.
    variance_scale : tensor of shape (n_outputs,)
        Of the process.
    """
    left = 1 - explained[..., None] * variance_scale / std.square().clamp_min(1e-30)
    return std * left.clamp(0.01, 1.0).sqrt()


def widen_std(std: torch.Tensor, values: StackValues) -> torch.Tensor:
    """Add what process and trees disagree by, where both were fitted to rows that are no hybrids.

    On such rows they agree; where hybrids lie they are free to differ, and the truth is as far
    from either as they are from each other, or so it was found on prior tasks.

    Parameters
    ----------
    std : tensor of shape (n_rows, n_players, n_outputs)
        Standard deviations of the process.
    values : StackValues
        Shapley values of both.
    """
    return torch.hypot(std, values.process - values.trees)


def std_left(
    std: torch.Tensor,
    explained: torch.Tensor,
    explained_now: torch.Tensor,
    variance_scale: torch.Tensor,
) -> torch.Tensor:
    """Share of `shrink_std` that is left when more variance is explained, at most 1.

    Parameters
    ----------
    std : tensor of shape (n_rows, n_players, n_outputs)
        Standard deviations before anything is explained.
    explained, explained_now : tensor of shape (n_rows, n_players)
        Explained variance, before `variance_scale`.
    variance_scale : tensor of shape (n_outputs,)
        Of the process.
    """
    now = shrink_std(std, explained_now, variance_scale)
    return (now / shrink_std(std, explained, variance_scale).clamp_min(1e-30)).clamp(0.0, 1.0)
