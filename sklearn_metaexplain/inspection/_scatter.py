"""Two columns' values and what they add together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sklearn_metaexplain.inspection._axis import ColumnAxis
from sklearn_metaexplain.inspection._base import ExplanationDisplay
from sklearn_metaexplain.inspection._column_view import ColumnView
from sklearn_metaexplain.inspection._read import feature_position, feature_view, select_output
from sklearn_metaexplain.inspection._style import (
    check_axes,
    diverging_map,
    marker_size,
    tidy,
)
from sklearn_metaexplain.inspection._text import (
    fit_labels,
    fit_text,
    set_labels,
)

__all__ = ["ScatterDisplay"]


class ScatterDisplay(ExplanationDisplay):
    """Rows by the values of two columns, coloured by what the two columns add.

    Blue lowers the output, orange raises it. Where the colour changes along both axes the columns
    act together; where it changes along one, the other matters little. Infinite values are left
    out. It is made by `from_explanation` or `from_explainer`; all parameters are stored as
    attributes.

    Parameters
    ----------
    columns : tuple of two ColumnView
        The columns on the horizontal and the vertical axis.
    values : array-like of shape (n_samples,)
        What colours show.
    quantity : str
        What they add to.
    additive : bool, default=True
        Whether the attributions are meant to add up to it.

    Attributes
    ----------
    ax_ : Axes
        The axes.
    figure_ : Figure
        The figure.
    points_ : PathCollection
        The points.
    colorbar_ : Colorbar
        The scale.

    See Also
    --------
    DependenceDisplay : One column's values against what it adds.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_metaexplain import Explanation
    >>> from sklearn_metaexplain.inspection import ScatterDisplay
    >>> X = np.array([[1.0, 3.0], [2.0, 4.0]])
    >>> values = np.array([[-1.0, 0.5], [1.0, 0.25]])[:, :, None]
    >>> explanation = Explanation(
    ...     values, [0.0], values.sum(axis=1), data=X, feature_names=["a", "b"],
    ...     output_names=["y"], output="raw", n_evaluations=0, estimator_type="regressor",
    ... )
    >>> ScatterDisplay.from_explanation(explanation, ("a", "b")).values
    array([-0.5 ,  1.25])
    """

    def __init__(
        self,
        *,
        columns: tuple[ColumnView, ColumnView],
        values: Any,
        quantity: str,
        additive: bool = True,
    ) -> None:
        self.columns = columns
        self.values = values
        self.quantity = quantity
        self.additive = additive

    @classmethod
    def from_explanation(
        cls, explanation: Any, features: Sequence[Any], *, output: Any = None, ax: Any = None
    ) -> ScatterDisplay:
        """Draw two columns of an Explanation with `data`.

        Parameters
        ----------
        explanation : Explanation
            What is drawn.
        features : pair of str or int
            Names or positions of the columns on the horizontal and on the vertical axis. Points
            are coloured by the sum of the two columns' attributions.
        output : label, default=None
            What is explained. None: ``classes_[1]`` of a binary classifier, each row's predicted
            class where there are more, a regressor's only target.
        ax : Axes, default=None
            Where to draw. None: a new figure.

        Returns
        -------
        display : ScatterDisplay
            The Display, drawn.
        """
        one = select_output(explanation, output)
        if isinstance(features, str) or len(features) != 2:
            raise ValueError(f"features must be two columns, as in ('a', 'b'); got {features!r}.")
        positions = [feature_position(explanation, name, "features") for name in features]
        if positions[0] == positions[1]:
            raise ValueError(f"features must be two columns; {features[0]!r} is given twice.")
        views = [feature_view(explanation, position, "features") for position in positions]
        return cls(
            columns=(views[0], views[1]),
            values=one.explanation.values[:, positions, 0].sum(axis=1),
            quantity=one.quantity,
            additive=explanation.additive,
        ).plot(ax=ax)

    def plot(self, *, ax: Any = None) -> ScatterDisplay:
        """Draw.

        Parameters
        ----------
        ax : Axes, default=None
            Where to draw. None: a new figure.

        Returns
        -------
        display : ScatterDisplay
            Itself.
        """
        self.ax_ = ax = check_axes(f"{type(self).__name__}.plot", ax, figsize=(6.4, 4.6))
        self.figure_ = ax.figure
        values = np.asarray(self.values, dtype=float)
        axes = [ColumnAxis(column) for column in self.columns]
        x, y = (
            axis.spread(offsets) for axis, offsets in zip(axes, _jitter(len(values)), strict=True)
        )
        limit = float(np.abs(values).max()) or 1.0
        self.points_ = ax.scatter(
            x,
            y,
            c=values,
            cmap=diverging_map(),
            vmin=-limit,
            vmax=limit,
            s=1.5 * marker_size(ax, len(values)),
            # Points near zero are pale: a rim keeps them visible.
            edgecolors="#B0B0B0",
            linewidths=0.3,
            rasterized=len(values) > 5_000,
        )
        tidy(ax)
        for which, axis in zip("xy", axes, strict=True):
            axis.dress(ax, which)
        names = fit_labels(ax, [column.label for column in self.columns], share=0.5)
        set_labels(ax, x=names[0], y=names[1])
        self.colorbar_ = self.figure_.colorbar(self.points_, ax=ax, pad=0.02, aspect=30)
        what = "both add to" if self.additive else "both attributions, summed, to"
        set_labels(self.colorbar_.ax, y=fit_text(f"{what} the {self.quantity}", 70))
        self.colorbar_.ax.yaxis.label.set_size("small")
        self.colorbar_.outline.set_visible(False)
        return self


def _jitter(n: int) -> np.ndarray:
    """Offsets between -1 and 1, (2, n), for rows that share a place; even rather than random."""
    # Multiples of irrational numbers cover the square evenly (Roberts' sequence).
    steps = np.array([[0.7548776662466927], [0.5698402909980532]])
    return 2 * ((0.5 + steps * np.arange(n)) % 1.0) - 1
