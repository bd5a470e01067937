"""A row beside the rows that its explanation names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd

from sklearn_metaexplain._names import name_of_label
from sklearn_metaexplain.base import explain
from sklearn_metaexplain.inspection._base import ExplanationDisplay
from sklearn_metaexplain.inspection._prototype_cells import (
    check_order_of_columns,
    compare_cells,
    table_frame,
)
from sklearn_metaexplain.inspection._prototype_key import draw_key, shades
from sklearn_metaexplain.inspection._prototype_support import read_support
from sklearn_metaexplain.inspection._prototype_table import BARS, OWN, write_table
from sklearn_metaexplain.inspection._read import (
    check_explanation,
    check_max_display,
    column_names_of,
    select_output,
)
from sklearn_metaexplain.inspection._row_labels import row_labels
from sklearn_metaexplain.inspection._style import LOWERS, RAISES, check_axes
from sklearn_metaexplain.inspection._text import set_labels

__all__ = ["PrototypeDisplay"]


class PrototypeDisplay(ExplanationDisplay):
    """A row next to the rows that its explanation names, and the weight of each of them.

    Bars are the other rows' weights; below them stand their cells, the darker the nearer they are
    to the row's own. It is made by `from_explanation`, `from_explainer` or `from_rows`; all
    parameters are stored as attributes.

    The weights of a `~sklearn_metaexplain.MatchingClassifier` are votes, of which its prediction is
    made. The prediction of a `~sklearn_metaexplain.PrototypeClassifier` rests on the prototype, a
    mean over all rows of the class, or of a cluster of them; the rows are those nearest to it and
    show what it is like, and their weights, which say how near they are, enter no prediction.

    Parameters
    ----------
    cells : DataFrame of str of shape (n_shown, 1 + n_rows)
        Columns of the table down; across, the row itself and the other rows under their labels.
    closeness : array-like of shape (n_shown, n_rows)
        Between 0 (far) and 1 (equal).
    weights : array-like of shape (n_rows,)
        Of each of the other rows.
    n_hidden : int, default=0
        Number of columns that are not shown.
    title : str, default=""
        What the other rows are.

    Attributes
    ----------
    ax_ : Axes
        The axes.
    figure_ : Figure
        The figure.
    bars_ : BarContainer
        The weights.
    image_ : AxesImage
        The closeness of the cells.
    texts_ : list of Text
        Weights and cells.
    legend_ : Legend
        What shades mean, and the colour of negative weights.

    See Also
    --------
    AttributionDisplay : The same prediction, by columns.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_metaexplain.inspection import PrototypeDisplay
    >>> X = pd.DataFrame({"age": [30, 31, 60], "port": ["C", "C", "S"]})
    >>> display = PrototypeDisplay.from_rows(X.iloc[[0]], X.iloc[1:], weights=[0.8, 0.2], X=X)
    >>> display.cells
         this row   1   2
    age        30  31  60
    port        C   C   S
    """

    def __init__(
        self,
        *,
        cells: pd.DataFrame,
        closeness: Any,
        weights: Any,
        n_hidden: int = 0,
        title: str = "",
    ) -> None:
        self.cells = cells
        self.closeness = closeness
        self.weights = weights
        self.n_hidden = n_hidden
        self.title = title

    @classmethod
    def from_explainer(
        cls,
        explainer: Any,
        X: Any,
        *,
        X_train: Any = None,
        explain_params: Mapping[str, Any] | None = None,
        **params: Any,
    ) -> PrototypeDisplay:
        """Explain a row and draw what the explanation names.

        Parameters
        ----------
        explainer : fitted estimator
            An explainer, or a Pipeline, search or FrozenEstimator around one.
        X : {array-like, sparse matrix, DataFrame} of shape (1, n_features)
            The row.
        X_train : table of shape (n_samples, n_columns), default=None
            The table that the explainer was fitted on, as the last step of a Pipeline sees it:
            `X` of `from_explanation`.
        explain_params : mapping, default=None
            Options of the explainer's `explain`.
        **params : dict
            Parameters of `from_explanation`.

        Returns
        -------
        display : PrototypeDisplay
            The Display, drawn.
        """
        explanation = explain(explainer, X, **(explain_params or {}))
        return cls.from_explanation(explanation, X=X_train, **params)

    @classmethod
    def from_explanation(
        cls,
        explanation: Any,
        *,
        rows: str = "prototypes",
        weights: str = "weights",
        labels: str | None = None,
        X: Any = None,
        output: Any = None,
        max_rows: int = 4,
        max_display: int | None = 10,
        ax: Any = None,
    ) -> PrototypeDisplay:
        """Draw what an explanation of one row names.

        Parameters
        ----------
        explanation : Explanation
            Of one row (``explanation[i]``), with `data` and `support`.
        rows : str, default="prototypes"
            Entry of ``explanation.support`` with the other rows: their cells, of shape
            (1, n_rows, n_columns), or their positions in `X`, of shape (1, n_rows).
        weights : str, default="weights"
            Entry of ``explanation.support`` with their weights, of shape (1, n_rows).
        labels : str, default=None
            Entry of ``explanation.support`` with their labels, of shape (1, n_rows). None: the
            index of `X`, or positions in it, or numbers where there are cells alone.
        X : table of shape (n_samples, n_columns), default=None
            The rows that positions refer to, and whose spread says how near cells are, as in
            `from_rows`.
        output : label, default=None
            The columns that add most to this output come first. None: ``classes_[1]`` of a binary
            classifier, the predicted class where there are more, a regressor's only target.
        max_rows : int, default=4
            Other rows shown, those of the largest weights.
        max_display : int or None, default=10
            Columns shown. None: all.
        ax : Axes, default=None
            Where to draw. None: a new figure.

        Returns
        -------
        display : PrototypeDisplay
            The Display, drawn.

        Raises
        ------
        ValueError
            If there are several rows, no data, or no such support, or `X` has the columns in
            another order.
        """
        explanation = check_explanation(explanation)
        if len(explanation) > 1:
            raise ValueError(
                f"One row is shown; the explanation has {len(explanation)}. Pass one of them, as "
                "in explanation[0]."
            )
        if explanation.data is None:
            raise ValueError("The explanation keeps no data to show beside its support.")
        support = read_support(explanation, rows=rows, weights=weights, labels=labels, X=X)
        sizes = None
        if explanation.data.shape[1] == len(explanation.feature_names):
            sizes = np.abs(select_output(explanation, output).explanation.values[0, :, 0])
        return cls.from_rows(
            table_frame(explanation.data).set_axis(column_names_of(explanation), axis=1),
            support.table,
            weights=support.weights,
            labels=support.labels,
            sizes=sizes,
            X=X,
            title=support.title,
            max_rows=max_rows,
            max_display=max_display,
            ax=ax,
        )

    @classmethod
    def from_rows(
        cls,
        row: Any,
        rows: Any,
        *,
        weights: Any,
        labels: Sequence[str] | None = None,
        sizes: Any = None,
        X: Any = None,
        title: str = "",
        max_rows: int = 4,
        max_display: int | None = 10,
        ax: Any = None,
    ) -> PrototypeDisplay:
        """Draw a row next to others.

        Parameters
        ----------
        row : table of shape (1, n_columns)
            The row: a DataFrame, an array or a sparse matrix.
        rows : table of shape (n_rows, n_columns)
            The other rows.
        weights : array-like of shape (n_rows,)
            Of each of them.
        labels : list of str of length n_rows, default=None
            Their names. None: the index of a DataFrame, or numbers.
        sizes : array-like of shape (n_columns,), default=None
            The columns with the largest come first. None: columns stay in order.
        X : table of shape (n_samples, n_columns), default=None
            Rows whose spread says how near cells are, such as the training rows: cells farther
            apart than 9 of 10 rows spread have no shade, nor have different categories. None:
            cells that read the same are shaded.
        title : str, default=""
            What the other rows are, written above them.
        max_rows : int, default=4
            Other rows shown, those of the largest weights.
        max_display : int or None, default=10
            Columns shown. None: all.
        ax : Axes, default=None
            Where to draw. None: a new figure.

        Returns
        -------
        display : PrototypeDisplay
            The Display, drawn.

        Raises
        ------
        ValueError
            If the shapes do not fit, or a DataFrame has the columns of `row` in another order.
        """
        check_max_display(max_display)
        if not isinstance(max_rows, Integral) or isinstance(max_rows, bool) or max_rows < 1:
            raise ValueError(f"max_rows must be an int of at least 1; got {max_rows!r}.")
        weights = np.asarray(weights, dtype=float)
        own, others = table_frame(row), table_frame(rows)
        if own.shape != (1, others.shape[1]) or weights.shape != (len(others),):
            raise ValueError(
                f"row, rows and weights must have shapes (1, n_columns), (n_rows, n_columns) and "
                f"(n_rows,); got {own.shape}, {others.shape} and {weights.shape}."
            )
        if X is not None and np.shape(X)[1:] != (own.shape[1],):
            raise ValueError(
                f"X has shape {np.shape(X)}; pass a table with the {own.shape[1]} columns of row."
            )
        if isinstance(row, pd.DataFrame):
            check_order_of_columns(own, X, "X")
            check_order_of_columns(own, rows, "rows")
            others.columns = own.columns  # an array of rows takes the names
        chosen = np.argsort(-np.abs(weights), kind="stable")[:max_rows]
        order = np.arange(own.shape[1])
        if sizes is not None:
            order = np.argsort(-np.asarray(sizes, dtype=float), kind="stable")
        kept = order[:max_display]
        names = row_labels(others.index) if labels is None else [str(label) for label in labels]
        texts, closeness = compare_cells(own, others.iloc[chosen], kept, X)
        table = pd.DataFrame(
            texts,
            index=[name_of_label(own.columns[j]) for j in kept],
            columns=[OWN, *(names[i] for i in chosen)],
        )
        return cls(
            cells=table,
            closeness=closeness,
            weights=weights[chosen],
            n_hidden=len(order) - len(kept),
            title=title,
        ).plot(ax=ax)

    def plot(self, *, ax: Any = None) -> PrototypeDisplay:
        """Draw.

        Parameters
        ----------
        ax : Axes, default=None
            Where to draw. None: a new figure.

        Returns
        -------
        display : PrototypeDisplay
            Itself.
        """
        weights = np.asarray(self.weights, dtype=float)
        n_shown, n_across = self.cells.shape
        height = 1.6 + 0.34 * (n_shown + BARS + bool(self.title))
        self.ax_ = ax = check_axes(
            f"{type(self).__name__}.plot", ax, figsize=(max(6.4, 1.4 + n_across), height)
        )
        self.figure_ = ax.figure
        hidden = f"{self.n_hidden} other columns are not shown" if self.n_hidden else ""
        set_labels(ax, x=hidden, title=self.title)
        own = np.full((n_shown, 1), np.nan)  # the row itself has no shade
        shade = np.concatenate([own, np.asarray(self.closeness, dtype=float)], axis=1)
        self.image_ = ax.imshow(shade, cmap=shades(), vmin=0, vmax=1, aspect="auto")
        largest = float(np.abs(weights).max(initial=0.0)) or 1.0
        heights = BARS * np.abs(weights) / largest
        self.bars_ = ax.bar(
            np.arange(1, n_across),
            -heights,
            bottom=-0.6,
            width=0.5,
            color=np.where(weights < 0, LOWERS, RAISES),
        )
        ax.set_xlim(-0.5, n_across - 0.5)
        ax.set_ylim(n_shown - 0.5, -0.6 - 1.6 * BARS)
        self.texts_ = write_table(ax, self.cells, weights, heights)
        self.legend_ = draw_key(ax, shade[:, 1:], weights)
        return self
