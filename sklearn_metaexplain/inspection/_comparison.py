"""Several explanations, or the scores of several explainers, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from sklearn_metaexplain.inspection._bars import end_ticks_at_data, label_bars, name_rows
from sklearn_metaexplain.inspection._column_view import format_cell
from sklearn_metaexplain.inspection._comparison_frame import UNITS, chosen_scores
from sklearn_metaexplain.inspection._comparison_outputs import same_output
from sklearn_metaexplain.inspection._quantity import what_is_drawn
from sklearn_metaexplain.inspection._read import largest_first, others_label
from sklearn_metaexplain.inspection._sizes import added_by_features, errors_of_features
from sklearn_metaexplain.inspection._style import (
    INK,
    LOWERS,
    check_axes,
    color_of_outputs,
    hide_inner_names,
    legend_above,
    make_facets,
    tidy,
)
from sklearn_metaexplain.inspection._text import (
    set_labels,
)

__all__ = ["ComparisonDisplay"]


class ComparisonDisplay:
    """Bars of several explanations of the same thing, or of several explainers' scores.

    It is made by `from_explanations` or `from_frame`; all parameters are stored as attributes.

    Parameters
    ----------
    table : DataFrame
        Of explanations: features down and explanations across. Of scores: explainers down and
        scores across.
    errors : DataFrame of the same shape, default=None
        Lengths of error bars; NaN for none.
    facets : bool, default=False
        Whether columns have axes each, as scores in different units need.
    xlabel : str, default=""
        What the bars show.
    is_global : bool, default=False
        Whether the values are mean sizes over several rows, which are never negative.

    Attributes
    ----------
    ax_ : Axes or ndarray of Axes
        The axes; an array where there are facets.
    figure_ : Figure
        The figure.
    bars_ : list of BarContainer
        Bars of each column of the table.
    errorbars_ : list of ErrorbarContainer
        Error bars, where there are any.
    texts_ : list of Text
        The numbers beside the bars of scores.
    legend_ : Legend or None
        Names of explanations that share axes.

    See Also
    --------
    AttributionDisplay : One explanation.
    sklearn_metaexplain.model_selection.compare_explainers : Makes a table of scores.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_metaexplain.inspection import ComparisonDisplay
    >>> scores = pd.DataFrame({"faithfulness": [0.9, 0.1]}, index=["MetaExplainer", "random"])
    >>> display = ComparisonDisplay.from_frame(scores)
    >>> [float(bar.get_width()) for bar in display.bars_[0]]
    [0.9, 0.1]
    """

    def __init__(
        self,
        *,
        table: pd.DataFrame,
        errors: pd.DataFrame | None = None,
        facets: bool = False,
        xlabel: str = "",
        is_global: bool = False,
    ) -> None:
        self.table = table
        self.errors = errors
        self.facets = facets
        self.xlabel = xlabel
        self.is_global = is_global

    @classmethod
    def from_explanations(
        cls,
        explanations: Mapping[str, Any],
        *,
        output: Any = None,
        max_display: int | None = 8,
        ax: Any = None,
    ) -> ComparisonDisplay:
        """Draw several explanations of the same rows.

        Parameters
        ----------
        explanations : mapping of str to Explanation
            By name, at most 7. Of one row the attributions are drawn, of several the mean of their
            absolute values.
        output : label, default=None
            What is explained, by its name in all explanations. None: of the first explanation
            ``classes_[1]`` of a binary classifier, each row's predicted class where there are more,
            a regressor's only target; the same is taken of the others.
        max_display : int or None, default=8
            Columns shown, those that add most on average over the explanations; the others are
            summed up. None: all.
        ax : Axes, default=None
            Where to draw. None: a new figure.

        Returns
        -------
        display : ComparisonDisplay
            The Display, drawn.

        Raises
        ------
        TypeError
            If `explanations` is no mapping.
        ValueError
            If the explanations differ in features, units or number of rows, one of them does not
            have the output that is drawn of the first, or has the rows in another order where that
            is each row's predicted class.
        """
        if not isinstance(explanations, Mapping):
            raise TypeError(
                "explanations must be a mapping of names to Explanations, as in "
                f"{{'meta': ..., 'shap': ...}}; got {type(explanations).__name__}."
            )
        if not explanations:
            raise ValueError("explanations is empty; name at least one.")
        chosen = same_output(explanations, output)
        first = next(iter(chosen.values()))
        is_global = len(first.explanation) > 1
        table = pd.DataFrame(
            {str(name): added_by_features(one) for name, one in chosen.items()},
            index=[str(name) for name in first.explanation.feature_names],
        )
        stds = {str(name): errors_of_features(one) for name, one in chosen.items()}
        errors = pd.DataFrame(stds, index=table.index, dtype=float)
        shown, others = largest_first(table.abs().mean(axis=1).to_numpy(), max_display)
        kept, kept_errors = table.iloc[shown], errors.iloc[shown]
        if len(others):
            rest = table.iloc[others].sum().to_frame(others_label(others)).T
            kept = pd.concat([kept, rest])
            kept_errors = kept_errors.set_axis(kept.index[:-1]).reindex(kept.index)
        additive = {str(name): one.explanation.additive for name, one in chosen.items()}
        has_errors = bool(kept_errors.notna().any(axis=None))
        return cls(
            table=kept,
            errors=kept_errors if has_errors else None,
            xlabel=what_is_drawn(first.quantity, additive=additive, is_global=is_global),
            is_global=is_global,
        ).plot(ax=ax)

    @classmethod
    def from_frame(
        cls, frame: pd.DataFrame, *, metrics: Sequence[str] | None = None, ax: Any = None
    ) -> ComparisonDisplay:
        """Draw the table of `~sklearn_metaexplain.model_selection.compare_explainers`.

        Parameters
        ----------
        frame : DataFrame of shape (n_explainers, n_scores)
            Explainers down, scores across. A column ``{score}_std`` is the error bar of `score`.
        metrics : list of str, default=None
            Scores to draw, each on axes of its own; to be named where the table is not from
            `compare_explainers`. None: all columns that hold a number.
        ax : Axes or array of Axes, default=None
            Where to draw, as many as scores. None: a new figure.

        Returns
        -------
        display : ComparisonDisplay
            The Display, drawn.

        Raises
        ------
        TypeError
            If `frame` is no DataFrame.
        ValueError
            If the frame holds no explainers' scores, or a score is no column of it or not numeric.
        """
        names, columns = chosen_scores(frame, metrics), set(frame.columns)
        table = frame[names].astype(float)
        errors = pd.DataFrame(np.nan, index=table.index, columns=table.columns)
        for name in names:
            if f"{name}_std" in columns:
                errors[name] = frame[f"{name}_std"].astype(float)
        return cls(table=table, errors=errors, facets=True).plot(ax=ax)

    def plot(self, *, ax: Any = None) -> ComparisonDisplay:
        """Draw.

        Parameters
        ----------
        ax : Axes or array of Axes, default=None
            Where to draw; as many as columns of the table for facets. None: a new figure.

        Returns
        -------
        display : ComparisonDisplay
            Itself.
        """
        caller = f"{type(self).__name__}.plot"
        n_rows, n_columns = self.table.shape
        self.bars_: list[Any] = []
        self.errorbars_: list[Any] = []
        self.texts_: list[Any] = []
        self.legend_ = None
        if self.facets:
            size = (3.4, 1.2 + 0.36 * n_rows)
            panels = make_facets(caller, ax, n_columns, size=size)
            self.ax_ = panels if n_columns > 1 else panels[0]
            self.figure_ = panels[0].figure
            for k, panel in enumerate(panels):
                self._draw_score(panel, k)
            hide_inner_names(panels)
            return self
        names = [str(name) for name in self.table.columns]
        colors = color_of_outputs(names, "explanations")
        height = 1.4 + n_rows * max(0.33, 0.16 * n_columns)
        self.ax_ = ax = check_axes(caller, ax, figsize=(6.4, height))
        self.figure_ = ax.figure
        set_labels(ax, x=self.xlabel)
        thickness = 0.8 / n_columns
        for k, color in enumerate(colors):
            places = np.arange(n_rows) + (k - (n_columns - 1) / 2) * thickness
            lengths = self.table.iloc[:, k].to_numpy(dtype=float)
            self.bars_.append(ax.barh(places, lengths, height=thickness, color=color))
            self._draw_errors(ax, k, lengths, places)
        ax.axvline(0, color=INK, linewidth=0.8)
        name_rows(ax, [str(name) for name in self.table.index])
        self.legend_ = legend_above(ax, self.bars_, names, has_rows=True)
        return self

    def _draw_score(self, ax: Any, k: int) -> None:
        lengths = self.table.iloc[:, k].to_numpy(dtype=float)
        places = np.arange(len(lengths))
        name = str(self.table.columns[k])
        set_labels(ax, title=name, x=UNITS.get(name, ""))
        self.bars_.append(ax.barh(places, np.nan_to_num(lengths), height=0.7, color=LOWERS))
        ends = self._draw_errors(ax, k, lengths, places)
        self.texts_ += label_bars(ax, places, lengths, ends, format_cell)
        known = np.nan_to_num(lengths)
        end_ticks_at_data(ax, known.min(initial=0.0), known.max(initial=0.0))
        ax.axvline(0, color=INK, linewidth=0.8)
        name_rows(ax, [str(name) for name in self.table.index])
        tidy(ax)

    def _draw_errors(self, ax: Any, k: int, lengths: np.ndarray, places: np.ndarray) -> np.ndarray:
        """Draw error bars; return how far they go."""
        if self.errors is None:
            return np.zeros(len(lengths))
        errors = self.errors.iloc[:, k].to_numpy(dtype=float)
        known = np.isfinite(errors) & np.isfinite(lengths)
        if known.any():
            below = np.minimum(errors, lengths) if self.is_global else errors
            self.errorbars_.append(
                ax.errorbar(
                    lengths[known],
                    places[known],
                    xerr=np.stack([below, errors])[:, known],
                    fmt="none",
                    ecolor=INK,
                    elinewidth=1.0,
                    capsize=2.0,
                )
            )
        return np.where(known, errors, 0.0)
