"""What the code of a task tells of it: reconstruction, and whether the task is off the prior."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from sklearn_metaexplain.nets._autoencoder_file import PretrainedAutoencoder
from sklearn_metaexplain.tasks._read import judge_task, read_task
from sklearn_metaexplain.tasks._table import TaskTable


class JudgingMixin:
    """Mixin of what turns tasks into codes: judges a task by its code, without a library."""

    max_rows: int
    off_prior_quantile: float

    if TYPE_CHECKING:

        def _prepare(self, task: Any) -> tuple[PretrainedAutoencoder, TaskTable, int]:
            raise NotImplementedError

        def _rows_read(self, n_rows: int, seed: int) -> np.ndarray:
            raise NotImplementedError

    def reconstruct(self, task: Any) -> np.ndarray:
        """Predict the outputs of a task's rows from its code alone.

        Parameters
        ----------
        task : pair
            ``(X, y)`` or ``(X, fitted model)``.

        Returns
        -------
        outputs : ndarray of shape (n_rows, n_outputs)
            In the outputs' units: for labels a column for each class in sorted order, near 1
            where the row is of that class; not cut to the range from 0 to 1.

        Raises
        ------
        TypeError, ValueError
            As `fit`.
        """
        pretrained, table, seed = self._prepare(task)
        everything = np.arange(len(table))
        reading = read_task(table, self._rows_read(len(table), seed), everything)
        outputs = np.tile(reading.center, (len(table), 1))
        network = pretrained.network
        with torch.no_grad():
            for k, own, rows in zip(
                np.flatnonzero(reading.varies), reading.passes, reading.to_reconstruct, strict=True
            ):
                mean = network.decode(network.encode(*own), rows).mean
                outputs[:, k] += reading.spread[k] * mean.numpy()
        return outputs

    def reconstruction_error(self, task: Any) -> float:
        """Share of the outputs' variance that the code does not explain, on rows not read.

        Half of the rows, at most `max_rows`, are read; as many of the others are judged.

        Parameters
        ----------
        task : pair
            ``(X, y)`` or ``(X, fitted model)``.

        Returns
        -------
        error : float
            0: the code tells everything; 1: no more than the outputs' mean.

        Raises
        ------
        TypeError, ValueError
            As `fit`.
        """
        pretrained, table, seed = self._prepare(task)
        return judge_task(pretrained.network, table, self.max_rows, seed).error

    def off_prior_score(self, task: Any) -> float:
        """Quantile of a task's strangeness among tasks of the prior of its kind.

        A task is strange if the code explains little of it (`reconstruction_error`), or if its
        vector is far from those of all tasks of the prior; the higher quantile of the two counts.

        Parameters
        ----------
        task : pair
            ``(X, y)`` or ``(X, fitted model)``.

        Returns
        -------
        score : float
            Uniform from 0 to 1 over tasks of the prior (of 64 rows and more: fewer are
            reconstructed less well); 1 if the task is stranger than all that were measured.

        Raises
        ------
        TypeError, ValueError
            As `fit`.
        """
        pretrained, table, seed = self._prepare(task)
        measured = judge_task(pretrained.network, table, self.max_rows, seed)
        return pretrained.reference.score(table.kind, measured)

    def is_off_prior(self, task: Any) -> bool:
        """Whether the score of a task is above `off_prior_quantile`.

        Parameters
        ----------
        task : pair
            ``(X, y)`` or ``(X, fitted model)``.

        Returns
        -------
        is_off : bool
            True where what was learned from the prior may not serve.

        Raises
        ------
        TypeError, ValueError
            As `fit`.
        """
        return self.off_prior_score(task) > self.off_prior_quantile
