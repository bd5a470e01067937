"""What attributions miss of the sum that they must have."""

from __future__ import annotations

import torch

# Values so much smaller than the gap are rounding, and tell nothing of whose it is.
_ROUNDED = 1e-9


def close_gap(values: torch.Tensor, gap: torch.Tensor, can_matter: torch.Tensor) -> torch.Tensor:
    """Distribute what is missing to the sum: half equally, half in proportion to ``|values|``.

    Parameters
    ----------
    values : tensor of shape (n_rows, n_players, n_outputs)
        Attributions.
    gap : tensor of shape (n_rows, n_outputs)
        Prediction minus base value minus the sum of `values`.
    can_matter : tensor of bool of shape (n_rows, n_players)
        Players among which it is distributed; the others' values must be 0.
    """
    able = can_matter[..., None].to(values)
    equal = able / able.sum(1, keepdim=True).clamp_min(1)
    size = values.abs() * able
    total = size.sum(1, keepdim=True)
    told = total > _ROUNDED * gap.abs()[:, None]
    proportional = torch.where(told, size / total.clamp_min(1e-300), equal)
    return values + gap[:, None] * (equal + proportional) / 2


def gap_std(values: torch.Tensor, gap: torch.Tensor, can_matter: torch.Tensor) -> torch.Tensor:
    """Deviations of values among which a gap was distributed that is one player's, unknown whose.

    It is each player's with the probability that is its share: the deviations are those of
    Bernoulli variables.

    Parameters
    ----------
    values, gap, can_matter : tensor
        As of `close_gap`.
    """
    shares = close_gap(values, torch.ones_like(gap), can_matter) - values
    # The share of one alone is 1, whatever rounding makes of it.
    uncertain = are_uncertain(can_matter)[..., None]
    return gap.abs()[:, None] * (shares * (1 - shares)).clamp_min(0).sqrt() * uncertain


def who_can_matter(
    gap: torch.Tensor, can_matter: torch.Tensor, may_matter: torch.Tensor, rounding: torch.Tensor
) -> torch.Tensor:
    """Players among whom a gap is distributed, bool (n_rows, n_players).

    Parameters
    ----------
    gap : tensor of shape (n_rows, n_outputs)
        Prediction minus base value.
    can_matter : tensor of bool of shape (n_rows, n_players)
        Players that are taken to matter.
    may_matter : tensor of bool of shape (n_rows, n_players)
        Those who can account for the gap of a row in which none of these could.
    rounding : tensor of shape (n_outputs,)
        What is no gap.
    """
    nobody = ~can_matter.any(1) & (gap.abs() > rounding).any(1)
    return can_matter | (may_matter & nobody[:, None])


def are_uncertain(can_matter: torch.Tensor) -> torch.Tensor:
    """Players whose values may be off, bool (n_rows, n_players): one alone has the whole gap."""
    return can_matter & (can_matter.sum(1, keepdim=True) > 1)
