"""A surrogate of a model, from rows of a table and what the model logged of them."""

from __future__ import annotations

from os import PathLike
from typing import Any

import numpy as np
import torch

from sklearn_metaexplain._encoder import TableEncoder
from sklearn_metaexplain._own_rows import OwnRows
from sklearn_metaexplain.masking import Players, RowPool
from sklearn_metaexplain.posthoc._logged_outputs import LoggedOutputs
from sklearn_metaexplain.posthoc._proposal import KernelProposal, load_weights
from sklearn_metaexplain.posthoc._surrogate import TaskSurrogate
from sklearn_metaexplain.shapley._error import logged_calibration, scaled_error

__all__ = ["LoggedSurrogate", "logged_of"]

_ERROR_ROWS = 64
# Beside the output that varies most, what is smaller is rounding.
_ROUNDING = 1e-9


class LoggedSurrogate:
    """Process and trees on real rows, with errors calibrated for what these do not show.

    Outputs are those that `LoggedOutputs.computed` holds. The surrogate is shifted by a constant,
    so that its mean over the background is that of the outputs that are known there.

    Parameters
    ----------
    players : Players
        What is attributed to.
    logged : LoggedOutputs
        Of the rows of `fit`.
    pretrained : str, path or None
        Networks that propose the kernel. None: a likelihood search.
    device : str
        Where the network runs.

    Attributes
    ----------
    base : ndarray of shape (n_computed,)
        Mean output of the background.
    tells : ndarray of bool of shape (n_columns,)
        Columns that are no identifiers: not all of their categories have a single row.
    moving : ndarray of bool of shape (n_computed,)
        Outputs that vary over the log.
    """

    def __init__(
        self,
        players: Players,
        logged: LoggedOutputs,
        *,
        pretrained: str | PathLike[str] | None,
        device: str,
    ) -> None:
        self.players = players
        self.logged = logged
        self.pretrained = pretrained
        self.device = device

    def fit(
        self,
        X: Any,
        outputs: np.ndarray,
        background: Any,
        logged_background: np.ndarray,
        *,
        n_jobs: int | None = None,
    ) -> LoggedSurrogate:
        """Fit both surrogates.

        Parameters
        ----------
        X : {ndarray, CSR, DataFrame} of shape (n_rows, n_columns)
            Logged rows, in random order.
        outputs : ndarray of shape (n_rows, n_computed)
            Their outputs.
        background : {ndarray, CSR, DataFrame} of shape (n_background, n_columns)
            Background rows.
        logged_background : ndarray of shape (n_background, n_computed)
            Their outputs; rows of NaN where these are not known.
        n_jobs : int or None, default=None
            Threads, one for each surrogate.
        """
        self._n_logged = len(outputs)
        spread = outputs.std(axis=0)
        self.moving = spread > _ROUNDING * spread.max()
        self.encoder = TableEncoder().fit(X)
        self._own = OwnRows(self.encoder, self.encoder.code(X))
        encoded = torch.from_numpy(self._own.place(outputs))
        self.tells = np.array(
            [codes.dtype.kind == "f" or codes.max() >= 0 for codes in self._own.coded]
        )
        player_of_column = torch.from_numpy(self.players.player_of_column[self.encoder.source_])
        n_players = len(self.players.names)
        self.surrogate = TaskSurrogate(player_of_column, n_players, hybrids=False).fit(
            encoded,
            torch.from_numpy(outputs),
            self.encode(background),
            None,
            propose=KernelProposal(
                load_weights(self.pretrained), player_of_column, n_players, device=self.device
            ),
            n_jobs=n_jobs,
        )
        own = self._project(self.surrogate.predict(self.surrogate.stack.background))
        known = np.where(np.isnan(logged_background), own, logged_background)
        self.base = known.mean(0)
        self.shift = self.base - own.mean(0)
        self.surrogate.set_base(torch.from_numpy(self.base))
        self.error = self._estimate_error(encoded[:_ERROR_ROWS])
        return self

    def _calibration(self, known: str) -> dict[str, float]:
        kernel = "searched" if self.pretrained is None else "proposed"
        return logged_calibration(self._n_logged, kernel, known)

    def _estimate_error(self, encoded: torch.Tensor) -> tuple[float, float]:
        able = torch.ones(len(encoded), len(self.players.names), dtype=torch.bool)
        values, std, *_ = self.surrogate.explain(encoded, None, able)
        calibration = self._calibration("outputs unknown")
        error = scaled_error(values, std, calibration)
        return error, error * float(np.sqrt(np.expm1(calibration["spread"] ** 2)))

    def encode(self, X: Any) -> torch.Tensor:
        """Encode rows: (n_rows, n_encoded, 2)."""
        return torch.from_numpy(self._own.encode(self.encoder.code(X)))

    def predict(self, encoded: torch.Tensor) -> np.ndarray:
        """Outputs of encoded rows: ndarray of shape (n_rows, n_computed)."""
        return self._project(self.surrogate.predict(encoded)) + self.shift

    def _project(self, outputs: np.ndarray) -> np.ndarray:
        """Let probabilities of several classes, of which each has its surrogate, sum to one."""
        if self.logged.output != "probability" or self.logged.is_binary:
            return outputs
        # A class whose probability was always the same keeps it.
        share = self.moving / max(self.moving.sum(), 1)
        return outputs + (1 - outputs.sum(1, keepdims=True)) * share

    def explain(
        self,
        encoded: torch.Tensor,
        outputs: np.ndarray | None,
        can_matter: np.ndarray,
        *,
        n_jobs: int | None = None,
        verbose: int = 0,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Explain encoded rows.

        Parameters
        ----------
        encoded : tensor of shape (n_rows, n_encoded, 2)
            Rows.
        outputs : ndarray of shape (n_rows, n_computed) or None
            Their outputs, where they are known.
        can_matter : ndarray of bool of shape (n_rows, n_players)
            Players that differ from some background row.
        n_jobs, verbose
            As in `TaskSurrogate.explain`.

        Returns
        -------
        values, std : ndarray of shape (n_rows, n_players, n_computed)
            Attributions, not yet made to sum to zero over classes; `std` is calibrated.
        """
        if outputs is not None:
            self._refuse_contradictions(outputs, can_matter)
        values, std, *_ = self.surrogate.explain(
            encoded,
            None if outputs is None else torch.from_numpy(outputs),
            torch.from_numpy(can_matter),
            n_jobs=n_jobs,
            verbose=verbose,
        )
        known = "outputs unknown" if outputs is None else "outputs given"
        return values, std * self._calibration(known)["std"]

    def _refuse_contradictions(self, outputs: np.ndarray, can_matter: np.ndarray) -> None:
        gap = np.abs(outputs - self.base).max(axis=1)
        scale = np.maximum(np.abs(outputs), np.abs(self.base)).max(axis=1)
        rows = np.flatnonzero(~can_matter.any(axis=1) & (gap > 1e-9 * scale))
        if len(rows):
            raise ValueError(
                f"Row {rows[0]} equals every background row, yet its output is not their mean "
                f"output: no column can account for the {gap[rows[0]]:.3g} between them. Give a "
                "background of several different rows, or leave out the row's output."
            )


def logged_of(rows: Any, X: Any, outputs: np.ndarray) -> np.ndarray:
    """What was logged of rows: ndarray of shape (n_rows, n_computed).

    Parameters
    ----------
    rows : {ndarray, CSR, DataFrame} of shape (n_rows, n_columns)
        Rows.
    X : {ndarray, CSR, DataFrame} of shape (n_logged, n_columns)
        The log.
    outputs : ndarray of shape (n_logged, n_computed)
        Its outputs; of a row that was logged several times their mean counts.

    Returns
    -------
    logged : ndarray of shape (n_rows, n_computed)
        Rows of NaN for those that are not in the log.
    """
    codes = RowPool(X, rows).codes()
    _, row_of = np.unique(codes, axis=0, return_inverse=True)
    ours, theirs = np.split(row_of.ravel(), [X.shape[0]])
    counts = np.bincount(ours, minlength=row_of.max() + 1)
    total = np.zeros((len(counts), outputs.shape[1]))
    np.add.at(total, ours, outputs)
    with np.errstate(invalid="ignore"):  # of what is not in the log
        return (total / counts[:, None])[theirs]
