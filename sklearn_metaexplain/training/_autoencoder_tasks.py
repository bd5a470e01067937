"""Tasks that the task autoencoder is trained on: rows of prior tasks, seen twice."""

from __future__ import annotations

import math
import warnings
from typing import NamedTuple

import numpy as np
import torch

from sklearn_metaexplain._encoder import TableEncoder
from sklearn_metaexplain.masking._probes import draw_probes
from sklearn_metaexplain.nets._prior_reference import KINDS, both_sides
from sklearn_metaexplain.prior import sample_task

MOST_READ = 256
_FEWEST_READ = 24
_KIND_SHARES = {"labels": 0.25, "targets": 0.15, "model": 0.3, "hybrids": 0.3}
_MOST_COLUMNS = 30
_MOST_CLASSES = 4


class DrawnTask(NamedTuple):
    """Rows of a prior task and what belongs to them."""

    rows: np.ndarray  # (n_rows, n_columns), raw
    outputs: np.ndarray  # (n_rows, n_outputs), each of them varying
    kind: str


class TwoViews(NamedTuple):
    """Two sets of rows of one task; the second also as if it were all there is."""

    read: torch.Tensor  # (n, m, 2), encoded
    read_outputs: torch.Tensor  # (n,), standardised
    judged: torch.Tensor  # (n_judged, m, 2), encoded as the rows that are read
    judged_outputs: torch.Tensor  # (n_judged,), in the units of those read
    own: torch.Tensor  # (n_judged, m_own, 2), the judged rows encoded by themselves
    own_outputs: torch.Tensor  # (n_judged,), standardised by themselves
    kind: str


def draw_task(
    rng: np.random.Generator,
    kind: str,
    *,
    n_rows: int,
    n_columns: int | None = None,
    families: tuple[str, ...] | None = None,
) -> DrawnTask:
    """Draw a prior task and ask its model, or have it label rows.

    Parameters
    ----------
    rng : numpy Generator
        Source of randomness.
    kind : str
        "model": the model's outputs on rows of its table. "hybrids": on hybrid rows. "targets":
        its outputs with noise. "labels": 2 to 4 classes, where noisy outputs are cut; a column
        of zeros and ones a class.
    n_rows : int
        Rows.
    n_columns : int or None, default=None
        Columns. None: 2 to 30, log-uniform.
    families : tuple of str or None, default=None
        Families of models.
    """
    if n_columns is None:
        n_columns = _draw_width(rng)
    while True:
        # A model that overflows on some rows is no fault of whoever trains.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            task = sample_task(rng, n_columns=n_columns, n_rows=max(n_rows, 64), families=families)
            rows = task.table[:n_rows]
            if kind == "hybrids":
                rows = _mix_rows(rng, task.table, n_rows)
            outputs = np.asarray(task.model(rows))[:, None]
        if not outputs.std() > 1e-6 * max(1.0, np.abs(outputs).mean()):
            continue
        if kind in ("labels", "targets"):
            noise = np.exp(rng.uniform(np.log(0.02), np.log(1.0)))
            outputs = outputs + noise * outputs.std() * rng.standard_normal(outputs.shape)
        if kind == "labels":
            outputs = _cut(rng, outputs[:, 0])
        # Of few rows, all may be of one class.
        if (np.ptp(outputs, axis=0) > 0).all():
            return DrawnTask(rows, both_sides(torch.from_numpy(outputs)).numpy(), kind)


def _draw_width(rng: np.random.Generator) -> int:
    return round(math.exp(rng.uniform(math.log(1.5), math.log(_MOST_COLUMNS + 0.5))))


def _mix_rows(rng: np.random.Generator, table: np.ndarray, n_rows: int) -> np.ndarray:
    n_background = int(rng.integers(8, 65))
    background = table[rng.permutation(len(table))[:n_background]]
    probes = draw_probes(
        np.random.RandomState(rng.integers(2**31)),
        n_rows,
        n_rows=len(table),
        n_background=len(background),
        n_players=table.shape[1],
    )
    return np.where(probes.coalitions, table[probes.rows], background[probes.backgrounds])


def _cut(rng: np.random.Generator, outputs: np.ndarray) -> np.ndarray:
    n_classes = int(rng.integers(2, _MOST_CLASSES + 1))
    shares = rng.dirichlet(np.full(n_classes, 4.0))
    rank = np.argsort(np.argsort(outputs, kind="stable")) / len(outputs)
    label = np.searchsorted(np.cumsum(shares)[:-1], rank, side="right")
    return (label[:, None] == np.unique(label)).astype(float)


def view_twice(rng: np.random.Generator, drawn: DrawnTask, n_read: int) -> TwoViews | None:
    """Split a task's rows; one of its outputs is kept. None if that is constant in a part."""
    outputs = drawn.outputs[:, rng.integers(drawn.outputs.shape[1])]
    first, second = (slice(0, n_read), slice(n_read, None))
    center, spread = outputs[first].mean(), outputs[first].std()
    if not min(spread, outputs[second].std()) > 1e-6 * max(1.0, abs(center)):
        return None

    def encode(encoder: TableEncoder, rows: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(encoder.encode(encoder.code(rows))).float()

    encoder, own = (TableEncoder().fit(drawn.rows[part]) for part in (first, second))
    own_outputs = (outputs[second] - outputs[second].mean()) / outputs[second].std()
    return TwoViews(
        encode(encoder, drawn.rows[first]),
        torch.from_numpy((outputs[first] - center) / spread).float(),
        encode(encoder, drawn.rows[second]),
        torch.from_numpy((outputs[second] - center) / spread).float(),
        encode(own, drawn.rows[second]),
        torch.from_numpy(own_outputs).float(),
        drawn.kind,
    )


def draw_group(rng: np.random.Generator, *, size: int) -> list[TwoViews]:
    """Draw tasks that are told apart.

    In half of the groups all tables are equally wide, so that width alone does not tell them
    apart.

    Parameters
    ----------
    rng : numpy Generator
        Source of randomness.
    size : int
        Tasks of the group.
    """
    n_columns = _draw_width(rng) if rng.random() < 0.5 else None
    group: list[TwoViews] = []
    while len(group) < size:
        kind = KINDS[rng.choice(len(KINDS), p=[_KIND_SHARES[kind] for kind in KINDS])]
        n_read, n_judged = np.exp(
            rng.uniform(np.log(_FEWEST_READ), np.log(MOST_READ), size=2)
        ).astype(int)
        drawn = draw_task(rng, kind, n_rows=n_read + n_judged, n_columns=n_columns)
        views = view_twice(rng, drawn, n_read)
        if views is not None:
            group.append(views)
    return group
