"""Reading a task as the network takes it, and judging what the network makes of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from sklearn_metaexplain._encoder import TableEncoder
from sklearn_metaexplain._own_rows import OwnRows
from sklearn_metaexplain._rows import take_rows
from sklearn_metaexplain.nets._prior_reference import Measured, Pass, measure_task, varying
from sklearn_metaexplain.nets._task_autoencoder import SetAutoencoder
from sklearn_metaexplain.tasks._table import TaskTable

__all__ = ["Reading", "judge_task", "read_task"]


@dataclass(frozen=True)
class Reading:
    """The rows of a task that are read, as the network takes them.

    Attributes
    ----------
    passes : list of Pass
        One for each output that varies over the rows read.
    to_reconstruct : list of tensor of shape (n_others, m, 2)
        The other rows, encoded for each of these outputs.
    center, spread : ndarray of shape (n_outputs,)
        Mean and standard deviation of the outputs over the rows read.
    varies : ndarray of bool of shape (n_outputs,)
        Which outputs vary.
    """

    passes: list[Pass]
    to_reconstruct: list[torch.Tensor]
    center: np.ndarray
    spread: np.ndarray
    varies: np.ndarray


def read_task(table: TaskTable, rows: np.ndarray, others: np.ndarray) -> Reading:
    """Encode rows with their outputs, and others without.

    Categories are placed by each output in turn, and by the rows read alone: then neither the
    order of the outputs nor what is to be reconstructed has any influence. What rows read tell of
    their own outputs by that is left out, as `OwnRows` has it.

    Parameters
    ----------
    table : TaskTable
        The task.
    rows, others : ndarray of int
        Positions of the rows that are read and of those to be reconstructed.

    Raises
    ------
    ValueError
        If no output varies over the rows read.
    """
    encoder = TableEncoder().fit(table.X)
    coded, unread = (encoder.code(take_rows(table.X, part)) for part in (rows, others))
    read = OwnRows(encoder, coded)
    outputs = table.outputs(rows)
    varies = varying(torch.from_numpy(outputs)).numpy()
    if not varies.any():
        raise ValueError(
            f"all outputs are constant over the {len(rows)} rows read, so there is nothing to "
            "describe; pass rows with different outputs, or raise max_rows."
        )
    center, spread = outputs.mean(0), outputs.std(0)
    passes, to_reconstruct = [], []
    for k in np.flatnonzero(varies):
        encoded = torch.from_numpy(read.place(outputs[:, [k]]))
        standardised = (outputs[:, k] - center[k]) / spread[k]
        passes.append(Pass(encoded, torch.from_numpy(standardised)))
        to_reconstruct.append(torch.from_numpy(read.encode(unread)))
    return Reading(passes, to_reconstruct, center, spread, varies)


def judge_task(network: SetAutoencoder, table: TaskTable, max_rows: int, seed: int) -> Measured:
    """Read half of a task's rows, at most `max_rows`, and reconstruct as many others.

    Parameters
    ----------
    network : SetAutoencoder
        In double precision.
    table : TaskTable
        The task.
    max_rows : int
        Most rows read, and most rows judged.
    seed : int
        Seed of which rows are read.

    Raises
    ------
    ValueError
        If the outputs do not vary over the rows read, or over those judged.
    """
    order = np.random.RandomState(seed).permutation(len(table))
    n_read = min(max_rows, len(table) // 2)
    judged = order[n_read : n_read + max_rows]
    reading = read_task(table, order[:n_read], judged)
    truth = (table.outputs(judged) - reading.center)[:, reading.varies]
    if not (np.ptp(truth, axis=0) > 0).any():
        raise ValueError(
            f"all outputs are constant over the {len(judged)} rows judged, so there is no variance "
            "to explain; pass more rows, or another random_state."
        )
    truth = torch.from_numpy(truth / reading.spread[reading.varies])
    passes = [
        Pass(torch.cat([read.encoded, rows]), torch.cat([read.outputs, column]))
        for read, rows, column in zip(reading.passes, reading.to_reconstruct, truth.T, strict=True)
    ]
    return measure_task(network, passes, n_read)
