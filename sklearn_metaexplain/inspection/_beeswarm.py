"""Every row's attributions, column by column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sklearn_metaexplain.inspection._bars import name_rows
from sklearn_metaexplain.inspection._base import ExplanationDisplay
from sklearn_metaexplain.inspection._column_view import MISSING, column_view
from sklearn_metaexplain.inspection._quantity import what_is_drawn
from sklearn_metaexplain.inspection._read import (
    SelectedOutput,
    column_of,
    largest_first,
    others_label,
    select_outputs,
)
from sklearn_metaexplain.inspection._style import (
    INK,
    PointStyle,
    check_axes,
    hide_inner_names,
    legend_above,
    legend_inside,
    make_facets,
    marker_size,
    value_map,
)
from sklearn_metaexplain.inspection._swarm import swarm_offsets
from sklearn_metaexplain.inspection._text import character_width, set_labels

__all__ = ["BeeswarmDisplay"]


class BeeswarmDisplay(ExplanationDisplay):
    """Attributions of all rows, a line of points for each column.

    A point's colour is the value of the column in its row, from the lowest (blue) to the highest
    (orange) between its 5th and 95th percentile. Categories without an order are grey; missing
    values are marked by a cross. It is made by `from_explanation` or `from_explainer`; all
    parameters are stored as attributes.

    Parameters
    ----------
    values : array-like of shape (n_samples, n_shown, n_outputs)
        Attributions, in the order in which columns are shown.
    colors : array-like of shape (n_samples, n_shown)
        Values of the columns between 0 and 1; NaN where there is no order.
    missing : array-like of bool of shape (n_samples, n_shown)
        Where the column's value is missing.
    labels : list of str of length n_shown
        Names of the columns.
    output_names : list of str of length n_outputs
        Names of the outputs.
    quantities : list of str of length n_outputs
        What the attributions add to.
    additive : bool, default=True
        Whether the attributions are meant to add up to the prediction.

    Attributes
    ----------
    ax_ : Axes or ndarray of Axes
        The axes; an array where there are several outputs.
    figure_ : Figure
        The figure.
    points_ : list of PathCollection
        Points with a colour from the scale, one collection for each output.
    unordered_ : list of PathCollection
        Points without.
    missing_ : list of PathCollection
        Points of missing values.
    colorbar_ : Colorbar or None
        The scale, where any column has one.
    legend_ : Legend or None
        What grey points and crosses mean, where there are any.

    See Also
    --------
    AttributionDisplay : Means over the rows.
    DependenceDisplay : One column, with its values on an axis.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_metaexplain import Explanation
    >>> from sklearn_metaexplain.inspection import BeeswarmDisplay
    >>> X = np.array([[1.0, 5.0], [2.0, np.nan], [3.0, 6.0]])
    >>> values = np.array([[-1.0, 3.0], [0.0, 0.5], [1.0, -3.0]])[:, :, None]
    >>> explanation = Explanation(
    ...     values, [0.0], values.sum(axis=1), data=X, feature_names=["a", "b"],
    ...     output_names=["y"], output="raw", n_evaluations=0, estimator_type="regressor",
    ... )
    >>> BeeswarmDisplay.from_explanation(explanation).labels
    ['b', 'a']
    """

    def __init__(
        self,
        *,
        values: Any,
        colors: Any,
        missing: Any,
        labels: Sequence[str],
        output_names: Sequence[str],
        quantities: Sequence[str],
        additive: bool = True,
    ) -> None:
        self.values = values
        self.colors = colors
        self.missing = missing
        self.labels = labels
        self.output_names = output_names
        self.quantities = quantities
        self.additive = additive

    @classmethod
    def from_explanation(
        cls,
        explanation: Any,
        *,
        output: Any = None,
        max_display: int | None = 10,
        ax: Any = None,
    ) -> BeeswarmDisplay:
        """Draw the attributions of all rows.

        Parameters
        ----------
        explanation : Explanation
            What is drawn. Without `data` all points are grey.
        output : label or list of labels, default=None
            What is explained; several outputs have axes each. None: ``classes_[1]`` of a binary
            classifier, each row's predicted class where there are more, a regressor's only target.
        max_display : int or None, default=10
            Columns shown, those with the largest mean absolute attribution; the others are summed
            up, row by row. None: all.
        ax : Axes or array of Axes, default=None
            Where to draw, as many as outputs. None: a new figure.

        Returns
        -------
        display : BeeswarmDisplay
            The Display, drawn.
        """
        outputs = select_outputs(explanation, output)
        values = np.concatenate([one.explanation.values for one in outputs], axis=2)
        shown, others = largest_first(np.abs(values).mean(axis=0).sum(axis=1), max_display)
        colors, missing = _column_colors(outputs[0], shown)
        labels = [str(explanation.feature_names[j]) for j in shown]
        drawn = values[:, shown]
        if len(others):
            labels.append(others_label(others))
            drawn = np.concatenate([drawn, values[:, others].sum(axis=1, keepdims=True)], axis=1)
            colors = np.column_stack([colors, np.full(len(colors), np.nan)])
            missing = np.column_stack([missing, np.zeros(len(missing), dtype=bool)])
        return cls(
            values=drawn,
            colors=colors,
            missing=missing,
            labels=labels,
            output_names=[one.name for one in outputs],
            quantities=[one.quantity for one in outputs],
            additive=explanation.additive,
        ).plot(ax=ax)

    def plot(self, *, ax: Any = None) -> BeeswarmDisplay:
        """Draw.

        Parameters
        ----------
        ax : Axes or array of Axes, default=None
            Where to draw, as many as outputs. None: a new figure.

        Returns
        -------
        display : BeeswarmDisplay
            Itself.
        """
        caller = f"{type(self).__name__}.plot"
        values = np.asarray(self.values, dtype=float)
        _, n_shown, n_outputs = values.shape
        self.points_: list[Any] = []
        self.unordered_: list[Any] = []
        self.missing_: list[Any] = []
        height = 1.3 + 0.36 * n_shown
        if n_outputs == 1:
            self.ax_ = check_axes(caller, ax, figsize=(6.4, height))
            panels = np.array([self.ax_], dtype=object)
        else:
            self.ax_ = panels = make_facets(caller, ax, n_outputs, size=(4.6, height))
        self.figure_ = panels[0].figure
        for k, panel in enumerate(panels):
            title = str(self.output_names[k]) if n_outputs > 1 else ""
            what = what_is_drawn(self.quantities[k], additive=self.additive)
            set_labels(panel, x=what, title=title)
            self._draw(panel, values[:, :, k])
        hide_inner_names(panels[1:])
        self._explain_colors(panels)
        return self

    def _draw(self, ax: Any, values: np.ndarray) -> None:
        n_samples, n_shown = values.shape
        colors = np.asarray(self.colors, dtype=float)
        missing = np.asarray(self.missing, dtype=bool)
        low, high = min(0.0, values.min()), max(0.0, values.max())
        offsets = np.stack([swarm_offsets(values[:, j], low, high) for j in range(n_shown)], axis=1)
        places = np.arange(n_shown) + 0.4 * offsets
        scaled = np.isfinite(colors) & ~missing
        unordered = ~scaled & ~missing
        size = marker_size(ax, n_samples)
        # A file of vectors would be large, and slow to show.
        common = {"s": size, "linewidths": 0, "rasterized": n_samples > 500}
        ax.axvline(0, color=INK, linewidth=0.8, zorder=0.9)
        self.unordered_.append(
            ax.scatter(values[unordered], places[unordered], color=PointStyle.unordered, **common)
        )
        self.points_.append(
            ax.scatter(
                values[scaled],
                places[scaled],
                c=colors[scaled],
                cmap=value_map(),
                vmin=0.0,
                vmax=1.0,
                **common,
            )
        )
        self.missing_.append(
            ax.scatter(
                values[missing],
                places[missing],
                color=PointStyle.missing,
                marker=PointStyle.missing_marker,
                s=1.2 * size,
                linewidths=PointStyle.missing_width,
                # Beneath the values: thousands of crosses would hide them.
                zorder=0.95,
                rasterized=n_samples > 500,
            )
        )
        name_rows(ax, self.labels)
        ax.margins(x=0.04)

    def _explain_colors(self, panels: np.ndarray) -> None:
        colors, missing = np.asarray(self.colors, dtype=float), np.asarray(self.missing, dtype=bool)
        self.colorbar_ = self.legend_ = None
        if np.isfinite(colors).any():
            self.colorbar_ = self.figure_.colorbar(
                self.points_[0], ax=list(panels), ticks=[0, 1], aspect=30, pad=0.02, shrink=0.9
            )
            self.colorbar_.ax.set_yticklabels(["low", "high"])
            label = "value of the column"
            height = 0.9 * panels[0].get_window_extent().height / self.figure_.dpi
            # Beside axes of few columns it would run into the words at the ends.
            if len(label) * character_width() + 0.4 > height:
                label = "value"
            self.colorbar_.set_label(label, labelpad=-12)
            self.colorbar_.outline.set_visible(False)
        marks = []
        if (np.isnan(colors) & ~missing).any():
            marks.append((self.unordered_[0], "no order"))
        if missing.any():
            marks.append((self.missing_[0], MISSING))
        if marks:
            artists, texts = zip(*marks, strict=True)
            place = legend_above if len(panels) == 1 else legend_inside
            self.legend_ = place(panels[-1], artists, texts)


def _column_colors(one: SelectedOutput, shown: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    explanation = one.explanation
    colors = np.full((len(explanation), len(shown)), np.nan)
    missing = np.zeros(colors.shape, dtype=bool)
    for place, j in enumerate(shown):
        column = column_of(explanation, j)
        if column is not None:
            view = column_view(column, str(explanation.feature_names[j]))
            colors[:, place], missing[:, place] = view.scaled(), view.missing
    return colors, missing
