"""Attributions as a table of colours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.cluster.hierarchy import leaves_list, linkage

from sklearn_metaexplain.inspection._base import ExplanationDisplay
from sklearn_metaexplain.inspection._choices import check_choice
from sklearn_metaexplain.inspection._quantity import what_is_drawn
from sklearn_metaexplain.inspection._read import largest_first, others_label, select_output
from sklearn_metaexplain.inspection._row_labels import row_labels
from sklearn_metaexplain.inspection._style import (
    check_axes,
    diverging_map,
)
from sklearn_metaexplain.inspection._text import (
    fit_labels,
    fit_text,
    fit_texts,
    row_font,
    set_labels,
)

__all__ = ["HeatmapDisplay"]

# Distances between all pairs of rows are held at once.
_MOST_CLUSTERED = 5_000
_LEAST_FONT = 6.0  # of row labels


class HeatmapDisplay(ExplanationDisplay):
    """Attributions of all rows as a table of colours, columns down and rows across.

    Colours go from blue (lowers) through white (zero) to orange (raises). It is made by
    `from_explanation` or `from_explainer`; all parameters are stored as attributes.

    Parameters
    ----------
    values : array-like of shape (n_samples, n_shown)
        Attributions, in the order in which rows and columns are shown.
    labels : list of str of length n_shown
        Names of the columns.
    row_labels : list of str of length n_samples
        Names of the rows.
    quantity : str
        What the attributions add to.
    additive : bool, default=True
        Whether the attributions are meant to add up to it.

    Attributes
    ----------
    ax_ : Axes
        The axes.
    figure_ : Figure
        The figure.
    image_ : AxesImage
        The table.
    colorbar_ : Colorbar
        Its scale.

    See Also
    --------
    BeeswarmDisplay : The same numbers as points.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_metaexplain import Explanation
    >>> from sklearn_metaexplain.inspection import HeatmapDisplay
    >>> values = np.array([[1.0, 9.0], [-1.0, -9.0], [1.0, 8.0]])[:, :, None]
    >>> explanation = Explanation(
    ...     values, [0.0], values.sum(axis=1), feature_names=["a", "b"], output_names=["y"],
    ...     output="raw", n_evaluations=0, estimator_type="regressor", index=["p", "q", "r"],
    ... )
    >>> display = HeatmapDisplay.from_explanation(explanation, order="prediction")
    >>> display.labels, display.row_labels
    (['b', 'a'], ['q', 'r', 'p'])
    """

    def __init__(
        self,
        *,
        values: Any,
        labels: Sequence[str],
        row_labels: Sequence[str],
        quantity: str,
        additive: bool = True,
    ) -> None:
        self.values = values
        self.labels = labels
        self.row_labels = row_labels
        self.quantity = quantity
        self.additive = additive

    @classmethod
    def from_explanation(
        cls,
        explanation: Any,
        *,
        output: Any = None,
        order: str | None = "cluster",
        max_display: int | None = 10,
        ax: Any = None,
    ) -> HeatmapDisplay:
        """Draw the attributions of all rows.

        Parameters
        ----------
        explanation : Explanation
            What is drawn.
        output : label, default=None
            What is explained. None: ``classes_[1]`` of a binary classifier, each row's predicted
            class where there are more, a regressor's only target.
        order : {"cluster", "prediction"} or None, default="cluster"
            Rows explained alike stand together (Ward's linkage of their attributions), or rows
            ascend by prediction, or stay as they are.
        max_display : int or None, default=10
            Columns shown, those with the largest mean absolute attribution; the others are summed
            up, row by row. None: all.
        ax : Axes, default=None
            Where to draw. None: a new figure.

        Returns
        -------
        display : HeatmapDisplay
            The Display, drawn.

        Raises
        ------
        ValueError
            If more than 5,000 rows are to be clustered.
        """
        if order is not None:
            check_choice("order", order, ("cluster", "prediction"))
        one = select_output(explanation, output)
        values = one.explanation.values[:, :, 0]
        shown, others = largest_first(np.abs(values).mean(axis=0), max_display)
        labels = [str(explanation.feature_names[j]) for j in shown]
        table = values[:, shown]
        if len(others):
            labels.append(others_label(others))
            table = np.column_stack([table, values[:, others].sum(axis=1)])
        rows = _row_order(values, one.explanation.predictions[:, 0], order)
        index = explanation.index
        names = row_labels(pd.RangeIndex(len(rows)) if index is None else index)
        return cls(
            values=table[rows],
            labels=labels,
            row_labels=[names[i] for i in rows],
            quantity=one.quantity,
            additive=explanation.additive,
        ).plot(ax=ax)

    def plot(self, *, ax: Any = None) -> HeatmapDisplay:
        """Draw.

        Parameters
        ----------
        ax : Axes, default=None
            Where to draw. None: a new figure.

        Returns
        -------
        display : HeatmapDisplay
            Itself.
        """
        values = np.asarray(self.values, dtype=float)
        n_samples, n_shown = values.shape
        self.ax_ = ax = check_axes(
            f"{type(self).__name__}.plot", ax, figsize=(6.4, 1.5 + 0.3 * n_shown)
        )
        self.figure_ = ax.figure
        # A few extreme cells would leave all others pale.
        limit = float(np.percentile(np.abs(values), 99)) or float(np.abs(values).max()) or 1.0
        self.image_ = ax.imshow(
            values.T,
            aspect="auto",
            cmap=diverging_map(),
            vmin=-limit,
            vmax=limit,
            interpolation="nearest" if n_samples < 500 else "antialiased",
        )
        font = row_font(ax, n_shown)
        ax.set_yticks(np.arange(n_shown), fit_labels(ax, self.labels, share=0.36), fontsize=font)
        ax.tick_params(axis="y", length=0)
        # Labels take part of the width.
        across = 0.5 * 72 * ax.get_window_extent().width / ax.figure.dpi / n_samples
        if across >= _LEAST_FONT:
            names = [fit_text(name, 12) for name in self.row_labels]
            if len(set(names)) < len(set(self.row_labels)):  # as of times on several days
                names = fit_texts(self.row_labels, 20)
            ax.set_xticks(np.arange(n_samples), names, rotation=90, fontsize=min(font, across, 8.0))
            ax.tick_params(axis="x", length=0)
        else:
            ax.set_xticks([])
            set_labels(ax, x=f"{n_samples:,} rows")
        ax.spines[:].set_visible(False)
        beyond = np.abs(values) > limit
        extend = ["neither", "min", "max", "both"][
            int((beyond & (values < 0)).any()) + 2 * int((beyond & (values > 0)).any())
        ]
        self.colorbar_ = self.figure_.colorbar(
            self.image_, ax=ax, extend=extend, pad=0.02, aspect=25, shrink=0.95
        )
        what = what_is_drawn(self.quantity, additive=self.additive)
        set_labels(self.colorbar_.ax, y="\n".join(fit_text(line, 70) for line in what.split("\n")))
        self.colorbar_.ax.yaxis.label.set_size("small")
        self.colorbar_.ax.tick_params(labelsize="small")
        self.colorbar_.outline.set_visible(False)
        return self


def _row_order(values: np.ndarray, predictions: np.ndarray, order: str | None) -> np.ndarray:
    n = len(values)
    if order == "prediction":
        return np.argsort(predictions, kind="stable")
    if order is None or n < 3:  # no more than two rows make no clusters
        return np.arange(n)
    if n > _MOST_CLUSTERED:
        raise ValueError(
            f"{n:,} rows are too many to cluster, {_MOST_CLUSTERED:,} are not; pass "
            'order="prediction", or a sample of the rows.'
        )
    return leaves_list(linkage(values, method="ward"))
