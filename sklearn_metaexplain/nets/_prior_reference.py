"""Where a task stands among tasks of the prior."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import nn

from sklearn_metaexplain.nets._task_autoencoder import SetAutoencoder, task_vector

#: What outputs are: classes one column each, numbers, a model's answers on rows of the table, and
#: a model's answers on hybrid rows.
KINDS = ("labels", "targets", "model", "hybrids")
#: Hybrid rows that are read, and as many that are judged: a model can be asked for any number.
N_HYBRIDS = 128
_LEAST_SPREAD = 1e-9


class Pass(NamedTuple):
    """One output of a task, with its rows encoded for it."""

    encoded: torch.Tensor  # (n_rows, m, 2)
    outputs: torch.Tensor  # (n_rows,), standardised


class Measured(NamedTuple):
    """What is compared with the prior."""

    vector: torch.Tensor  # (n_dims,)
    error: float  # share of variance unexplained on rows that were not read


def varying(outputs: torch.Tensor) -> torch.Tensor:
    """Which outputs are not constant up to rounding: (n_outputs,), bool."""
    return outputs.std(0, correction=0) > _LEAST_SPREAD * outputs.abs().amax(0)


def standardise(outputs: torch.Tensor) -> torch.Tensor:
    """Outputs with mean 0 and standard deviation 1, without those that do not vary."""
    centred = outputs - outputs.mean(0)
    return (centred / outputs.std(0, correction=0))[:, varying(outputs)]


def both_sides(outputs: torch.Tensor) -> torch.Tensor:
    """A single column of probabilities becomes two: which class is named must not matter."""
    if outputs.shape[1] == 1 and bool(((outputs >= 0) & (outputs <= 1)).all()):
        return torch.cat([1 - outputs, outputs], 1)
    return outputs


@torch.no_grad()
def measure_task(network: SetAutoencoder, passes: Sequence[Pass], n_read: int) -> Measured:
    """Read the first rows of a task, reconstruct the others.

    Parameters
    ----------
    network : SetAutoencoder
        The network.
    passes : sequence of Pass
        One for each output, rows in random order.
    n_read : int
        Rows read, fewer than there are.
    """
    codes = [network.encode(each.encoded[:n_read], each.outputs[:n_read]) for each in passes]
    missed, spread = 0.0, 0.0
    for code, each in zip(codes, passes, strict=True):
        truth = each.outputs[n_read:]
        mean = network.decode(code, each.encoded[n_read:]).mean
        missed += float((truth - mean).square().sum())
        spread += float((truth - truth.mean()).square().sum())
    return Measured(task_vector(codes), missed / max(spread, 1e-12))


class PriorReference(nn.Module):
    """Vectors and reconstruction errors of tasks drawn from the prior, by kind.

    Parameters
    ----------
    n_tasks : int
        Tasks of each kind.
    n_dims : int
        Numbers in a vector.
    """

    vectors: torch.Tensor
    errors: torch.Tensor

    def __init__(self, *, n_tasks: int, n_dims: int) -> None:
        super().__init__()
        self.config = {"n_tasks": n_tasks, "n_dims": n_dims}
        self.register_buffer("vectors", torch.zeros(len(KINDS), n_tasks, n_dims))
        self.register_buffer("errors", torch.zeros(len(KINDS), n_tasks))

    def error_quantile(self, kind: str, error: float) -> float:
        """Share of the prior's tasks of a kind that are reconstructed better.

        Parameters
        ----------
        kind : str
            Out of `KINDS`.
        error : float
            Share of variance unexplained.
        """
        errors = self.errors[KINDS.index(kind)].double()
        return float(_quantiles(torch.tensor([error], dtype=errors.dtype), errors))

    def score(self, kind: str, measured: Measured) -> float:
        """Share of the prior's tasks of a kind that are less strange than this one.

        A task is as strange as the higher of two quantiles: of its reconstruction error, and of
        its distance to the nearest vector of the prior. Tasks of the prior have scores that are
        uniform from 0 to 1.

        Parameters
        ----------
        kind : str
            Out of `KINDS`.
        measured : Measured
        """
        position = KINDS.index(kind)
        vectors, errors = self.vectors[position].double(), self.errors[position].double()
        among = torch.cdist(vectors, vectors).fill_diagonal_(torch.inf).amin(1)
        distance = torch.cdist(measured.vector[None].to(vectors), vectors).amin()
        theirs = torch.maximum(_quantiles(errors, errors), _quantiles(among, among))
        error = torch.tensor([measured.error], dtype=errors.dtype)
        own = torch.maximum(_quantiles(error, errors), _quantiles(distance[None], among))
        return float((theirs < own).double().mean())


def _quantiles(values: torch.Tensor, reference: torch.Tensor) -> torch.Tensor:
    """Share of the reference below each value."""
    below = torch.searchsorted(reference.sort().values, values.contiguous())
    return below.double() / len(reference)
