"""Accumulated local effects, drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.utils import Bunch

from sklearn_metaexplain.inspection._ale import accumulated_local_effects
from sklearn_metaexplain.inspection._axis import (
    levels_to_a_name,
    write_dates,
    write_levels,
    write_whole_numbers,
)
from sklearn_metaexplain.inspection._column_view import durations_to_read
from sklearn_metaexplain.inspection._read import listed_labels
from sklearn_metaexplain.inspection._style import (
    INK,
    LOWERS,
    OUTPUT_COLORS,
    color_of_outputs,
    diverging_map,
    legend_above,
    make_facets,
    tidy,
)
from sklearn_metaexplain.inspection._text import (
    fit_labels,
    fit_numbers,
    fit_text,
    set_labels,
)

__all__ = ["ALEDisplay"]

_KINDS = {"probability": "probability", "log_odds": "log-odds", "raw": "prediction"}


class ALEDisplay:
    """Accumulated local effects of columns, and of pairs of columns, on a model.

    Main effects of numbers are lines, with ticks where the intervals end; those of categories are
    points, of many of which some are named, as the axis says; interactions of two columns are maps,
    blue below zero and orange above. A missing value has no effect that ALE defines: rows without a
    value are left out, and the axis says how many.
    It is made by `from_estimator`; all parameters are stored as attributes.

    Parameters
    ----------
    results : list of Bunch
        What `accumulated_local_effects` returns, for each column or pair.
    outputs : list of int
        Positions of the outputs that are drawn.
    note : str, default=""
        Stands above the outputs in the legend.

    Attributes
    ----------
    ax_ : Axes or ndarray of Axes
        The axes; an array where there are several results.
    figure_ : Figure
        The figure.
    lines_ : list of Line2D
        Main effects.
    images_ : list of QuadMesh
        Interactions.
    colorbars_ : list of Colorbar
        Their scales.
    legend_ : Legend or None
        The outputs, where there are several.

    See Also
    --------
    accumulated_local_effects : The numbers.
    sklearn.inspection.PartialDependenceDisplay : Asks the model about unlikely rows as well.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> from sklearn_metaexplain.inspection import ALEDisplay
    >>> X = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 5.0], [3.0, 2.0]])
    >>> model = LinearRegression().fit(X, X @ [2.0, 10.0])
    >>> display = ALEDisplay.from_estimator(model, X, [0, 1])
    >>> [line.get_ydata().round(6).tolist() for line in display.lines_]
    [[-3.0, -1.0, 1.0, 3.0], [-20.0, -10.0, 0.0, 30.0]]
    """

    def __init__(self, *, results: Sequence[Bunch], outputs: Sequence[int], note: str = "") -> None:
        self.results = results
        self.outputs = outputs
        self.note = note

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        features: Sequence[Any],
        *,
        output: Any = None,
        n_bins: int = 20,
        level_orders: Mapping[Any, Sequence[Any]] | None = None,
        units: str = "auto",
        batch_size: int = 10_000,
        n_jobs: int | None = None,
        ax: Any = None,
    ) -> ALEDisplay:
        """Ask a model and draw effects.

        Parameters
        ----------
        estimator : fitted classifier or regressor
            The model, or a Pipeline that ends in one.
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Rows that effects are averaged over.
        features : list of str, int or pairs of them
            Columns by name or position, and pairs of columns for interactions; each has axes of
            its own.
        output : label or list of labels, default=None
            Classes or targets to draw, at most 7; pairs take one. None: ``classes_[1]`` of a
            binary classifier, all outputs otherwise, or of more than 7 those whose effects range
            widest, as the legend says.
        n_bins : int, default=20
            Most intervals of a column of numbers.
        level_orders : mapping of column to list, default=None
            The order of the levels of columns of categories.
        units : {"auto", "probability", "log_odds", "raw"}, default="auto"
            What the effects are measured in.
        batch_size : int, default=10_000
            Largest number of rows passed to the model at once.
        n_jobs : int, default=None
            Threads that ask the model.
        ax : Axes or array of Axes, default=None
            Where to draw, as many as columns and pairs. None: a new figure.

        Returns
        -------
        display : ALEDisplay
            The Display, drawn.

        Raises
        ------
        ValueError
            If there is no such column or output, more than 7 are named, or a pair is to be drawn
            of several outputs.
        """
        if isinstance(features, (str, int, np.integer)) or len(features) == 0:
            raise ValueError(f"features must be a list of columns or pairs; got {features!r}.")
        results = [
            accumulated_local_effects(
                estimator,
                X,
                feature,
                n_bins=n_bins,
                level_orders=level_orders,
                units=units,
                batch_size=batch_size,
                n_jobs=n_jobs,
            )
            for feature in features
        ]
        has_classes = hasattr(estimator, "classes_")
        labels = results[0].output_names.tolist()
        outputs, note = _chosen(labels, output, has_classes), ""
        if output is None and len(outputs) > len(OUTPUT_COLORS):
            outputs = _widest(results)
            note = f"widest {len(outputs)} of {len(labels)}"
        if len(outputs) > 1 and any(len(result.grid_values) == 2 for result in results):
            raise ValueError("The map of a pair shows one output; pass a label as output.")
        return cls(results=results, outputs=outputs, note=note).plot(ax=ax)

    def plot(self, *, ax: Any = None) -> ALEDisplay:
        """Draw.

        Parameters
        ----------
        ax : Axes or array of Axes, default=None
            Where to draw, as many as results. None: a new figure.

        Returns
        -------
        display : ALEDisplay
            Itself.
        """
        n = len(self.results)
        names = [str(self.results[0].output_names[k]) for k in self.outputs]
        colors = color_of_outputs(names, "labels as output") if len(names) > 1 else [LOWERS]
        size = (6.4, 4.2) if n == 1 else (4.0, 3.2)
        panels = make_facets(f"{type(self).__name__}.plot", ax, n, size=size)
        self.ax_ = panels if n > 1 else panels[0]
        self.figure_ = panels[0].figure
        self.lines_: list[Any] = []
        self.images_: list[Any] = []
        self.colorbars_: list[Any] = []
        self.legend_ = None
        for panel, result in zip(panels, self.results, strict=True):
            if len(result.grid_values) == 2:
                self._draw_pair(panel, result)
            else:
                self._draw_main(panel, result, colors)
        if len(names) > 1:
            lines = self.lines_[: len(names)]
            self.legend_ = legend_above(panels[0], lines, names, self.note)
        return self

    def _draw_main(self, ax: Any, result: Bunch, colors: Sequence[str]) -> None:
        grid, is_categorical = result.grid_values[0], result.is_categorical[0]
        note = _left_out(result)
        places = np.arange(len(grid)) if is_categorical else _numbers(result, 0)[0]
        for color, k in zip(colors, self.outputs, strict=True):
            self.lines_ += ax.plot(
                places,
                result.effects[:, k],
                color=color,
                linewidth=1.8,
                # Between levels there is nothing.
                linestyle="none" if is_categorical else "-",
                marker="o" if is_categorical else None,
                markersize=7,
            )
        ax.axhline(0, color=INK, linewidth=0.8, zorder=0.9)
        tidy(ax, grid="y")
        if is_categorical:
            ax.set_xlim(-0.5, len(grid) - 0.5)
            levels = list(grid)
            every = levels_to_a_name(ax, levels)
            write_levels(ax, ax.xaxis, "x", levels, every=every)
            if every > 1:
                note = f"\n{len(grid):,} levels, one in {every} is named{note}"
        else:
            # Where the intervals end there are data: about as many rows in each.
            ax.plot(
                places,
                np.zeros(len(grid)),
                transform=ax.get_xaxis_transform(),
                linestyle="none",
                marker="|",
                markersize=9,
                color=INK,
                clip_on=False,
            )
            _write_numbers(ax.xaxis, result, 0)
        set_labels(
            ax,
            x=fit_labels(ax, _labels(result), share=0.6)[0] + note,
            y=f"effect on the {self._quantity(result)}",
        )

    def _draw_pair(self, ax: Any, result: Bunch) -> None:
        effects = result.effects[:, :, self.outputs[0]]
        limit = float(np.abs(effects).max()) or 1.0
        image = ax.pcolormesh(
            *(_numbers(result, j)[0] for j in (0, 1)),
            effects.T,
            cmap=diverging_map(),
            vmin=-limit,
            vmax=limit,
            shading="gouraud",
        )
        self.images_.append(image)
        fit_numbers(ax.xaxis)
        names = fit_labels(ax, _labels(result), share=0.5)
        set_labels(ax, x=names[0] + _left_out(result), y=names[1])
        for j, axis in enumerate((ax.xaxis, ax.yaxis)):
            _write_numbers(axis, result, j)
        bar = self.figure_.colorbar(image, ax=ax, pad=0.02, aspect=30)
        label = fit_text(f"interaction in the {self._quantity(result)}", 44)
        bar.set_label(label, fontsize="small")
        bar.outline.set_visible(False)
        self.colorbars_.append(bar)

    def _quantity(self, result: Bunch) -> str:
        kind = _KINDS[result.units]
        names = [str(result.output_names[k]) for k in self.outputs]
        if len(names) > 1 or names == ["y"]:
            return kind
        return f"{kind} of {names[0]}"


def _write_numbers(axis: Any, result: Bunch, j: int) -> None:
    grid = _numbers(result, j)[0]
    if result.is_date[j]:
        write_dates(axis)
    elif (grid == np.round(grid)).all():  # years have no fractions
        write_whole_numbers(axis)


def _labels(result: Bunch) -> list[str]:
    """Names of the columns, with the unit of durations."""
    units = [_numbers(result, j)[1] for j in range(len(result.feature_names))]
    names = zip(result.feature_names, units, strict=True)
    return [f"{name} ({unit})" if unit else name for name, unit in names]


def _numbers(result: Bunch, j: int) -> tuple[np.ndarray, str]:
    """Where the ends of intervals stand, and the unit of durations."""
    grid, is_duration = result.grid_values[j], result.get("is_duration")
    return durations_to_read(grid) if is_duration and is_duration[j] else (grid, "")


def _left_out(result: Bunch) -> str:
    """A line below the column's name that says what the picture does not show."""
    n = result.get("n_left_out", 0)
    if n == 0:
        return ""
    return f"\n{n:,} {'row' if n == 1 else 'rows'} without a value left out"


def _chosen(labels: list[Any], output: Any, has_classes: bool) -> list[int]:
    if output is None:
        return [1] if has_classes and len(labels) == 2 else list(range(len(labels)))
    wanted = listed_labels(output, labels)
    absent = [label for label in wanted if label not in labels]
    if absent:
        raise ValueError(f"There are no outputs {absent}; there are {labels}.")
    return [labels.index(label) for label in wanted]


def _widest(results: Sequence[Bunch]) -> list[int]:
    """Positions, in order, of as many outputs as have colours: those whose effects range widest."""
    ranges = [np.ptp(result.effects.reshape(-1, result.effects.shape[-1]), 0) for result in results]
    order = np.argsort(-np.max(ranges, axis=0), kind="stable")
    return sorted(order[: len(OUTPUT_COLORS)].tolist())
