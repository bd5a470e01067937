"""A row beside the rows that its prediction rests on."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd

from sklearn_metaexplain._explanation import Explanation
from sklearn_metaexplain._rows import take_rows
from sklearn_metaexplain.inspection._base import ExplanationDisplay
from sklearn_metaexplain.inspection._prototype_cells import compare_cells, table_frame
from sklearn_metaexplain.inspection._read import (
    check_explanation,
    check_max_display,
    select_output,
)
from sklearn_metaexplain.inspection._style import (
    INK,
    LOWERS,
    RAISES,
    check_axes,
)
from sklearn_metaexplain.inspection._text import (
    fit_labels,
    fit_text,
    number_formatter,
    row_font,
    set_labels,
)

__all__ = ["PrototypeDisplay"]

_OWN = "this row"
_BARS = 1.6  # height of the bars, in rows of the table


class PrototypeDisplay(ExplanationDisplay):
    """A row next to the rows that support its prediction, and how much each of them counts.

    Bars are the supporting rows' weights; below them stand their cells, the darker the nearer they
    are to the row's own. It is made by `from_explanation`, `from_explainer` or `from_rows`; all
    parameters are stored as attributes.

    Parameters
    ----------
    cells : DataFrame of str of shape (n_shown, 1 + n_rows)
        Columns of the table down; across, the row itself and the supporting rows under their
        labels.
    closeness : array-like of shape (n_shown, n_rows)
        Between 0 (far) and 1 (equal).
    weights : array-like of shape (n_rows,)
        What each supporting row counts.
    n_hidden : int, default=0
        Number of columns that are not shown.

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

    See Also
    --------
    AttributionDisplay : The same prediction, by columns.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_metaexplain.inspection import PrototypeDisplay
    >>> X = pd.DataFrame({"age": [30, 31, 60], "port": ["C", "C", "S"]})
    >>> display = PrototypeDisplay.from_rows(X.iloc[[0]], X.iloc[1:], weights=[0.8, 0.2])
    >>> display.cells
         this row   1   2
    age        30  31  60
    port        C   C   S
    """

    def __init__(
        self, *, cells: pd.DataFrame, closeness: Any, weights: Any, n_hidden: int = 0
    ) -> None:
        self.cells = cells
        self.closeness = closeness
        self.weights = weights
        self.n_hidden = n_hidden

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
        """Draw what supports an explanation of one row.

        Parameters
        ----------
        explanation : Explanation
            Of one row (``explanation[i]``), with `data` and `support`.
        rows : str, default="prototypes"
            Entry of ``explanation.support`` with the supporting rows: their cells, of shape
            (1, n_rows, n_columns), or their positions in `X`, of shape (1, n_rows).
        weights : str, default="weights"
            Entry of ``explanation.support`` with what they count, of shape (1, n_rows).
        labels : str, default=None
            Entry of ``explanation.support`` with their labels, of shape (1, n_rows). None: the
            index of `X`, or numbers.
        X : table of shape (n_samples, n_columns), default=None
            The rows that positions refer to.
        output : label, default=None
            The columns that add most to this output come first. None: ``classes_[1]`` of a binary
            classifier, the predicted class where there are more, a regressor's only target.
        max_rows : int, default=4
            Supporting rows shown, those of the largest weights.
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
            If there are several rows, no data, or no such support.
        """
        explanation = check_explanation(explanation)
        if len(explanation) > 1:
            raise ValueError(
                f"One row is shown; the explanation has {len(explanation)}. Pass one of them, as "
                "in explanation[0]."
            )
        if explanation.data is None:
            raise ValueError("The explanation keeps no data to show beside its support.")
        found = np.asarray(_support(explanation, rows, "rows")[0])
        if found.ndim == 1:
            if X is None:
                raise ValueError(
                    f"support[{rows!r}] holds positions of rows; pass the table they are in as X."
                )
            table = take_rows(X, found.astype(np.intp))
        else:
            table = found
        names = None
        if labels is not None:
            names = [str(name) for name in np.asarray(_support(explanation, labels, "labels")[0])]
        sizes = None
        if explanation.data.shape[1] == len(explanation.feature_names):
            sizes = np.abs(select_output(explanation, output).explanation.values[0, :, 0])
        return cls.from_rows(
            explanation.data,
            table,
            weights=_support(explanation, weights, "weights")[0],
            labels=names,
            sizes=sizes,
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
            The supporting rows.
        weights : array-like of shape (n_rows,)
            What each of them counts.
        labels : list of str of length n_rows, default=None
            Their names. None: the index of a DataFrame, or numbers.
        sizes : array-like of shape (n_columns,), default=None
            The columns with the largest come first. None: columns stay in order.
        max_rows : int, default=4
            Supporting rows shown, those of the largest weights.
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
            If the shapes do not fit.
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
        if isinstance(row, pd.DataFrame):
            others.columns = own.columns  # an array of rows takes the names
        chosen = np.argsort(-np.abs(weights), kind="stable")[:max_rows]
        order = np.arange(own.shape[1])
        if sizes is not None:
            order = np.argsort(-np.asarray(sizes, dtype=float), kind="stable")
        kept = order[:max_display]
        names = [str(label) for label in (others.index if labels is None else labels)]
        texts, closeness = compare_cells(own.iloc[:, kept], others.iloc[chosen, kept])
        table = pd.DataFrame(
            texts,
            index=[str(own.columns[j]) for j in kept],
            columns=[_OWN, *(names[i] for i in chosen)],
        )
        return cls(
            cells=table,
            closeness=closeness,
            weights=weights[chosen],
            n_hidden=len(order) - len(kept),
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
        height = 1.2 + 0.34 * (n_shown + _BARS)
        self.ax_ = ax = check_axes(f"{type(self).__name__}.plot", ax, figsize=(6.4, height))
        self.figure_ = ax.figure
        if self.n_hidden:
            set_labels(ax, x=f"{self.n_hidden} other columns are not shown")
        from matplotlib.colors import LinearSegmentedColormap

        shades = LinearSegmentedColormap.from_list("closeness", ["#FFFFFF", "#BFD9EC"])
        own = np.full((n_shown, 1), np.nan)  # the row itself has no shade
        shade = np.concatenate([own, np.asarray(self.closeness, dtype=float)], axis=1)
        self.image_ = ax.imshow(shade, cmap=shades, vmin=0, vmax=1, aspect="auto")
        largest = float(np.abs(weights).max(initial=0.0)) or 1.0
        self.bars_ = ax.bar(
            np.arange(1, n_across),
            -_BARS * np.abs(weights) / largest,
            bottom=-0.6,
            width=0.5,
            color=np.where(weights < 0, LOWERS, RAISES),
        )
        ax.set_xlim(-0.5, n_across - 0.5)
        ax.set_ylim(n_shown - 0.5, -0.6 - 1.6 * _BARS)
        self._write(ax, weights, largest)
        return self

    def _write(self, ax: Any, weights: np.ndarray, largest: float) -> None:
        n_shown, n_across = self.cells.shape
        font = row_font(ax, n_shown + round(1.6 * _BARS) + 1)
        width = 72 * ax.get_window_extent().width / ax.figure.dpi * 0.8 / n_across
        font = min(font, 9.0)
        fitting = max(int(width / (0.62 * font)), 3)
        write = number_formatter(weights)
        self.texts_ = [
            ax.text(
                k + 1,
                -0.7 - _BARS * abs(weight) / largest,
                fit_text(write(weight), fitting),
                ha="center",
                va="bottom",
                fontsize=font,
                color=INK,
            )
            for k, weight in enumerate(weights)
        ]
        for (i, k), text in np.ndenumerate(self.cells.to_numpy()):
            self.texts_.append(
                ax.text(
                    k,
                    i,
                    fit_text(text, fitting),
                    ha="center",
                    va="center",
                    fontsize=font,
                    fontweight="bold" if k == 0 else "normal",
                    color=INK,
                )
            )
        names = [fit_text(name, fitting) for name in self.cells.columns]
        if fitting < len(_OWN):
            names[0] = _OWN.replace(" ", "\n")
        ax.xaxis.tick_top()
        ax.set_xticks(np.arange(n_across), names, fontsize=font)
        ax.set_yticks(
            np.arange(n_shown), fit_labels(ax, list(self.cells.index), share=0.3), fontsize=font
        )
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)


def _support(explanation: Explanation, key: str, parameter: str) -> Any:
    support = explanation.support or {}
    if key not in support:
        raise ValueError(
            f"{parameter}={key!r} is no entry of the explanation's support; it has {list(support)}."
        )
    return support[key]
