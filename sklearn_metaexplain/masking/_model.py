"""A fitted model, a background table, and the outputs of the model on hybrid rows."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import Any

import numpy as np

from sklearn_metaexplain._names import names_of_table
from sklearn_metaexplain.masking._asked_model import AskedModel
from sklearn_metaexplain.masking._mixer import RowPool, hybrid_index
from sklearn_metaexplain.masking._outputs import NotFiniteError
from sklearn_metaexplain.masking._players import (
    FeatureGroups,
    Players,
    players_that_can_matter,
    resolve_feature_groups,
)

__all__ = ["MaskedModel"]


class MaskedModel(AskedModel):
    """A fitted estimator, a background, and the one way by which rows reach the estimator.

    Constructing it passes the background to the model once (``n_background`` rows); the outputs
    are kept in `background_outputs`. A classifier that gives several decision values a row also
    predicts one row, which tells whether they are targets instead of classes. A MaskedModel never
    changes afterwards and does not count: every method passes exactly as many rows to the model as
    it returns outputs for, and passes copies, which a model may write over.

    Parameters
    ----------
    estimator : fitted classifier or regressor
        The model. It is neither copied nor changed.
    background : ndarray, DataFrame or CSR of shape (n_background, n_columns)
        Rows that stand for columns being left out. Hybrid rows are tables of this kind.
    output : {"auto", "probability", "log_odds", "raw"}, default="auto"
        "probability" is `predict_proba`, "log_odds" is log(p / (1 - p)) for each class with p
        clipped to [1e-6, 1 - 1e-6], "raw" is `decision_function`, or a regressor's `predict`.
        "auto" is "probability" where there is `predict_proba`, otherwise "raw".
    feature_groups : None, mapping or list of lists, default=None
        Columns that move together, see `resolve_feature_groups`.
    feature_names : array-like of str of shape (n_columns,), default=None
        Names of the columns. None: those of the background, or x0, x1, ...
    target_names : ndarray of shape (n_targets,), default=None
        Names of a regressor's targets. None, or another number of them: y, or y0, y1, ...
    batch_size : int, default=10_000
        Largest number of rows passed to the model at once; bounds memory.
    n_jobs : int, default=None
        Number of threads over batches.
    verbose : int, default=0
        Shows a bar over several batches if positive.

    Attributes
    ----------
    output : {"probability", "log_odds", "raw"}
        The output resolved.
    output_names : ndarray of shape (n_outputs,)
        Classes in the order of ``classes_``; for a regressor `target_names`.
    n_outputs : int
        Number of outputs explained: 2 for binary classifiers, 1 for a single class.
    n_computed : int
        Number of outputs computed: 1 for binary classifiers (``classes_[1]``), else `n_outputs`.
    players : Players
        What is attributed to.
    n_players, n_background, n_columns : int
        Sizes.
    background_outputs : ndarray of float64 of shape (n_background, n_computed)
        Outputs of the model on the background.

    Raises
    ------
    TypeError
        If the estimator is no classifier or regressor, or lacks the method that the output needs.
    ValueError
        If the output does not suit the estimator, the estimator has several classification
        targets, or what it returns is not finite or has a wrong shape.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> from sklearn_metaexplain.masking import MaskedModel
    >>> X = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 5.0]])
    >>> model = MaskedModel(LinearRegression().fit(X, X @ [1.0, 10.0]), X[:1])
    >>> model.evaluate(X, [2, 2], [0, 0], np.array([[True, False], [True, True]])).round(6)
    array([[12.],
           [52.]])
    """

    def __init__(
        self,
        estimator: Any,
        background: Any,
        *,
        output: str = "auto",
        feature_groups: FeatureGroups = None,
        feature_names: Sequence[str] | np.ndarray | None = None,
        target_names: np.ndarray | None = None,
        batch_size: int = 10_000,
        n_jobs: int | None = None,
        verbose: int = 0,
    ) -> None:
        self.background = background
        self.n_background, self.n_columns = background.shape
        if self.n_background == 0:
            raise ValueError("The background has no rows; at least one is needed.")
        if feature_names is None:
            feature_names = names_of_table(background)
        self.players: Players = resolve_feature_groups(feature_groups, feature_names)
        self.n_players = len(self.players.names)
        self._dummies = np.zeros(self.n_players, dtype=bool)
        super().__init__(
            estimator, output=output, batch_size=batch_size, n_jobs=n_jobs, verbose=verbose
        )
        self.background_outputs = self._ask_first(background, target_names)

    def evaluate(
        self,
        rows: Any,
        row_index: np.ndarray,
        background_index: np.ndarray,
        coalitions: np.ndarray,
    ) -> np.ndarray:
        """Outputs of the model on hybrid rows, built batch by batch.

        Parameters
        ----------
        rows : ndarray, DataFrame or CSR of shape (n_rows, n_columns)
            Explained rows.
        row_index, background_index : array-like of int of shape (n,)
            Which explained row and which background row each hybrid is made of.
        coalitions : array-like of bool of shape (n, n_players)
            True where the player's columns come from the explained row.

        Returns
        -------
        outputs : ndarray of float64 of shape (n, n_computed)
            Costs n evaluations.

        Raises
        ------
        ValueError
            If the model returns NaN or infinite values, or no array of one number an output.
        """
        pool = RowPool(self.background, rows)
        row_positions = np.asarray(row_index, dtype=np.intp) + self.n_background
        background_positions = np.asarray(background_index, dtype=np.intp)
        coalitions = np.asarray(coalitions, dtype=bool)

        def hybrids(batch: slice) -> Any:
            return pool.take(
                hybrid_index(
                    row_positions[batch],
                    background_positions[batch],
                    coalitions[batch],
                    self.players.player_of_column,
                )
            )

        try:
            return self._outputs_in_batches(len(row_positions), hybrids)
        except NotFiniteError as error:
            raise ValueError(
                f"{error} It was asked about rows that mix an explained row with a background row; "
                "if it cannot answer for some combinations of values, group the columns that "
                "belong together (feature_groups=)."
            ) from error

    def with_dummies(self, dummies: np.ndarray) -> MaskedModel:
        """Return the same model, some players of which are known never to matter.

        Parameters
        ----------
        dummies : ndarray of bool of shape (n_players,)
            Players that `differing` and `can_matter` leave out.

        Returns
        -------
        known : MaskedModel
            A copy, around the same estimator and background.
        """
        known = copy(self)
        known._dummies = np.asarray(dummies, dtype=bool)
        return known

    def differing(self, rows: Any) -> np.ndarray:
        """Players whose columns differ between explained and background rows.

        Parameters
        ----------
        rows : ndarray, DataFrame or CSR of shape (n_rows, n_columns)
            Explained rows.

        Returns
        -------
        differing : ndarray of bool of shape (n_rows, n_background, n_players)
            The others cannot change the output of the pair. NaN equals NaN.
        """
        codes = RowPool(self.background, rows).codes()
        ours, theirs = codes[self.n_background :], codes[: self.n_background]
        differing = np.zeros((len(ours), self.n_background, self.n_players), dtype=bool)
        for column, player in enumerate(self.players.player_of_column):
            differing[:, :, player] |= ours[:, None, column] != theirs[None, :, column]
        return differing & ~self._dummies

    def can_matter(self, rows: Any) -> np.ndarray:
        """Players that differ from at least one background row.

        Parameters
        ----------
        rows : ndarray, DataFrame or CSR of shape (n_rows, n_columns)
            Explained rows.

        Returns
        -------
        can_matter : ndarray of bool of shape (n_rows, n_players)
            ``differing(rows).any(axis=1)`` without its memory. The attribution of the others is
            zero.
        """
        return players_that_can_matter(self.players, self.background, rows) & ~self._dummies
