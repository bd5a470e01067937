"""A column's values against what they add."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sklearn_metaexplain.inspection._axis import ColumnAxis, draw_colored
from sklearn_metaexplain.inspection._base import ExplanationDisplay
from sklearn_metaexplain.inspection._choices import check_choice
from sklearn_metaexplain.inspection._column_view import ColumnView
from sklearn_metaexplain.inspection._quantity import several_outputs, what_is_drawn
from sklearn_metaexplain.inspection._read import feature_position, feature_view, select_outputs
from sklearn_metaexplain.inspection._style import (
    INK,
    LOWERS,
    check_axes,
    color_of_outputs,
    legend_above,
    legend_inside,
    make_facets,
    marker_size,
    tidy,
)
from sklearn_metaexplain.inspection._swarm import swarm_offsets
from sklearn_metaexplain.inspection._text import (
    fit_labels,
    set_labels,
)

__all__ = ["DependenceDisplay"]


class DependenceDisplay(ExplanationDisplay):
    """What a column adds, row by row, against its value.

    Numbers and dates have an axis; categories a place each, at most 12 of them, the rarer ones
    together. Missing values stand apart, infinite ones are left out. It is made by
    `from_explanation` or `from_explainer`; all parameters are stored as attributes.

    Parameters
    ----------
    column : ColumnView
        The column: its name, numbers or codes, and levels.
    values : array-like of shape (n_samples, n_outputs)
        Attributions of the column.
    output_names : list of str of length n_outputs
        Names of the outputs.
    quantities : list of str of length n_outputs
        What the attributions add to.
    color_by : ColumnView, default=None
        The column that points are coloured by.
    additive : bool, default=True
        Whether the attributions are meant to add up to the prediction.

    Attributes
    ----------
    ax_ : Axes or ndarray of Axes
        The axes; an array where there are facets.
    figure_ : Figure
        The figure.
    points_ : list of PathCollection
        The points.
    colorbar_ : Colorbar or None
        The scale of a second column of numbers.
    legend_ : Legend or None
        The outputs that share axes, or the categories of a second column.

    See Also
    --------
    ALEDisplay : The effect of a column on the model, without an explainer.
    ScatterDisplay : Two columns' values at once.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_metaexplain import Explanation
    >>> from sklearn_metaexplain.inspection import DependenceDisplay
    >>> X = np.array([[1.0], [2.0], [np.nan]])
    >>> explanation = Explanation(
    ...     [[[-0.5]], [[0.5]], [[0.0]]], [1.0], [[0.5], [1.5], [1.0]], data=X,
    ...     feature_names=["dose"], output_names=["y"], output="raw", n_evaluations=0,
    ...     estimator_type="regressor",
    ... )
    >>> display = DependenceDisplay.from_explanation(explanation, "dose")
    >>> display.column.numbers
    array([ 1.,  2., nan])
    """

    def __init__(
        self,
        *,
        column: ColumnView,
        values: Any,
        output_names: Sequence[str],
        quantities: Sequence[str],
        color_by: ColumnView | None = None,
        additive: bool = True,
    ) -> None:
        self.column = column
        self.values = values
        self.output_names = output_names
        self.quantities = quantities
        self.color_by = color_by
        self.additive = additive

    @classmethod
    def from_explanation(
        cls,
        explanation: Any,
        feature: Any,
        *,
        color_by: Any = None,
        output: Any = None,
        layout: str = "legend",
        ax: Any = None,
    ) -> DependenceDisplay:
        """Draw one column of an Explanation with `data`.

        Parameters
        ----------
        explanation : Explanation
            What is drawn.
        feature : str or int
            Name or position of the column.
        color_by : str or int, default=None
            Name or position of a column that the points are coloured by.
        output : label or list of labels, default=None
            What is explained. None: ``classes_[1]`` of a binary classifier, each row's predicted
            class where there are more, a regressor's only target.
        layout : {"legend", "facets"}, default="legend"
            Several outputs share axes, or have axes each.
        ax : Axes or array of Axes, default=None
            Where to draw; as many as outputs for facets. None: a new figure.

        Returns
        -------
        display : DependenceDisplay
            The Display, drawn.

        Raises
        ------
        ValueError
            If there is no such column, or several outputs and a second column both want colours.
        """
        outputs = select_outputs(explanation, output)
        position = feature_position(explanation, feature, "feature")
        second = None
        if color_by is not None:
            other = feature_position(explanation, color_by, "color_by")
            second = feature_view(explanation, other, "color_by")
        values = [one.explanation.values[:, position, 0] for one in outputs]
        return cls(
            column=feature_view(explanation, position, "feature"),
            values=np.stack(values, axis=1),
            output_names=[one.name for one in outputs],
            quantities=[one.quantity for one in outputs],
            color_by=second,
            additive=explanation.additive,
        ).plot(ax=ax, layout=layout)

    def plot(self, *, ax: Any = None, layout: str = "legend") -> DependenceDisplay:
        """Draw.

        Parameters
        ----------
        ax : Axes or array of Axes, default=None
            Where to draw; as many as outputs for facets. None: a new figure.
        layout : {"legend", "facets"}, default="legend"
            Several outputs share axes, or have axes each.

        Returns
        -------
        display : DependenceDisplay
            Itself.

        Raises
        ------
        ValueError
            If several outputs that share axes and a second column both want colours, or `layout` or
            the number of axes does not fit.
        """
        check_choice("layout", layout, ("legend", "facets"))
        caller = f"{type(self).__name__}.plot"
        values = np.asarray(self.values, dtype=float)
        n_outputs = values.shape[1]
        self.points_: list[Any] = []
        self.colorbar_ = self.legend_ = None
        if n_outputs > 1 and layout == "facets":
            self.ax_: Any = make_facets(caller, ax, n_outputs, size=(3.8, 3.2))
            self.figure_ = self.ax_[0].figure
            for k, one in enumerate(self.ax_):
                self._draw(one, values[:, k])
                self._dress(one, self.quantities[k], title=str(self.output_names[k]))
            return self
        if n_outputs > 1:
            if self.color_by is not None:
                raise ValueError(
                    "Outputs that share axes are told apart by colour, so points cannot be "
                    'coloured by a column as well; pass layout="facets", or one output.'
                )
            colors = color_of_outputs(self.output_names, 'labels as output, or layout="facets"')
        self.ax_ = check_axes(caller, ax, figsize=(6.4, 4.2))
        self.figure_ = self.ax_.figure
        if n_outputs == 1:
            self._draw(self.ax_, values[:, 0])
            self._dress(self.ax_, self.quantities[0])
            return self
        for k, color in enumerate(colors):
            self._draw(self.ax_, values[:, k], color)
        self._dress(self.ax_, several_outputs(self.quantities, self.output_names)[0])
        self.legend_ = legend_above(self.ax_, self.points_, self.output_names)
        return self

    def _draw(self, ax: Any, values: np.ndarray, color: str = LOWERS) -> None:
        axis = ColumnAxis(self.column)
        places = axis.positions()
        offsets = np.zeros(len(values))
        low, high = values.min(initial=0.0), values.max(initial=0.0)
        for place in np.unique(places) if self.column.levels is not None else []:
            offsets[places == place] = swarm_offsets(values[places == place], low, high)
        if self.column.levels is None:
            missing = self.column.missing
            offsets[missing] = swarm_offsets(values[missing], low, high)
        x, size = axis.spread(offsets), marker_size(ax, len(values))
        if self.color_by is None:
            self.points_.append(
                ax.scatter(
                    x,
                    values,
                    color=color,
                    s=size,
                    linewidths=0,
                    rasterized=len(x) > 5_000,
                    alpha=0.85,
                )
            )
            return
        place_legend = legend_inside if isinstance(self.ax_, np.ndarray) else legend_above
        points, self.colorbar_, self.legend_ = draw_colored(
            ax, x, values, self.color_by, size=size, place_legend=place_legend
        )
        self.points_ += points

    def _dress(self, ax: Any, quantity: str, title: str = "") -> None:
        ax.axhline(0, color=INK, linewidth=0.8, zorder=0.9)
        tidy(ax, grid="y")
        ColumnAxis(self.column).dress(ax, "x")
        name = fit_labels(ax, [self.column.label], share=0.6)[0]
        what = what_is_drawn(quantity, additive=self.additive)
        set_labels(ax, x=name, y=what, title=title)
