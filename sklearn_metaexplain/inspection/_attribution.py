"""Bars and waterfalls: what each column adds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sklearn_metaexplain.inspection import _bars, _waterfall
from sklearn_metaexplain.inspection._base import ExplanationDisplay
from sklearn_metaexplain.inspection._choices import check_choice
from sklearn_metaexplain.inspection._quantity import what_is_drawn
from sklearn_metaexplain.inspection._read import (
    SelectedOutput,
    cells_of_row,
    largest_first,
    others_label,
    select_outputs,
)
from sklearn_metaexplain.inspection._sizes import added_by_features, errors_of_features
from sklearn_metaexplain.inspection._style import (
    check_axes,
    color_of_outputs,
    hide_inner_names,
    make_facets,
)
from sklearn_metaexplain.inspection._text import (
    set_labels,
)

__all__ = ["AttributionDisplay"]


class AttributionDisplay(ExplanationDisplay):
    """Attributions of one row, or mean absolute attributions of several, as bars.

    It is made by `from_explanation` or `from_explainer`. All parameters are stored as attributes.

    Parameters
    ----------
    values : array-like of shape (n_shown, n_outputs)
        Lengths of the bars, in the order in which they are shown.
    labels : list of str of length n_shown
        What the bars stand for.
    output_names : list of str of length n_outputs
        Names of the outputs.
    quantities : list of str of length n_outputs
        What the attributions add to, such as "probability of yes".
    cells : list of str or None of length n_shown, default=None
        What stands in the row's cells; None for what is no column.
    std : array-like of shape (n_shown, n_outputs), default=None
        Lengths of the error bars; NaN for none.
    kind : {"bar", "waterfall"}, default="bar"
        How they are drawn.
    is_global : bool, default=False
        Whether the values are means over several rows.
    base_value : float, default=None
        Where a waterfall begins.
    prediction : float, default=None
        Where a waterfall ends.
    additive : bool, default=True
        Whether the attributions are meant to add up to the prediction.

    Attributes
    ----------
    ax_ : Axes or ndarray of Axes
        The axes; an array where there are facets.
    figure_ : Figure
        The figure.
    bars_ : list of BarContainer
        The bars: one container, or one for each output.
    errorbars_ : list of ErrorbarContainer
        Error bars, empty where there are none.
    texts_ : list of Text
        The numbers beside the bars.
    legend_ : Legend or None
        The outputs, where they share axes.

    See Also
    --------
    BeeswarmDisplay : Every row, rather than means.
    ComparisonDisplay : Several explanations of the same thing.

    Examples
    --------
    >>> from sklearn_metaexplain import Explanation
    >>> from sklearn_metaexplain.inspection import AttributionDisplay
    >>> explanation = Explanation(
    ...     [[[-0.2, 0.2], [0.1, -0.1]]], [0.5, 0.5], [[0.4, 0.6]], output="probability",
    ...     feature_names=["age", "fare"], output_names=["died", "survived"], n_evaluations=0,
    ... )
    >>> display = AttributionDisplay.from_explanation(explanation, kind="waterfall")
    >>> display.labels
    ['age', 'fare']
    >>> display.prediction
    0.6
    """

    def __init__(
        self,
        *,
        values: Any,
        labels: Sequence[str],
        output_names: Sequence[str],
        quantities: Sequence[str],
        cells: Sequence[str | None] | None = None,
        std: Any = None,
        kind: str = "bar",
        is_global: bool = False,
        base_value: float | None = None,
        prediction: float | None = None,
        additive: bool = True,
    ) -> None:
        self.values = values
        self.labels = labels
        self.output_names = output_names
        self.quantities = quantities
        self.cells = cells
        self.std = std
        self.kind = kind
        self.is_global = is_global
        self.base_value = base_value
        self.prediction = prediction
        self.additive = additive

    @classmethod
    def from_explanation(
        cls,
        explanation: Any,
        *,
        kind: str = "bar",
        output: Any = None,
        max_display: int | None = 10,
        layout: str = "legend",
        ax: Any = None,
    ) -> AttributionDisplay:
        """Draw an Explanation: the attributions of its row, or the importance over its rows.

        Parameters
        ----------
        explanation : Explanation
            One row (``explanation[i]``) is drawn with signs and cells, several as the mean of
            their absolute values.
        kind : {"bar", "waterfall"}, default="bar"
            Bars from zero, with error bars from ``explanation.std``, or a waterfall from the base
            value to the prediction, of one row of an additive explanation.
        output : label or list of labels, default=None
            What is explained. None: ``classes_[1]`` of a binary classifier, each row's predicted
            class where there are more, a regressor's only target.
        max_display : int or None, default=10
            Columns shown, those that add most. The others are summed up in one bar, which has no
            error bar: errors of columns are not independent. None: all.
        layout : {"legend", "facets"}, default="legend"
            Several outputs share axes, or have axes each.
        ax : Axes or array of Axes, default=None
            Where to draw; as many as outputs for facets. None: a new figure.

        Returns
        -------
        display : AttributionDisplay
            The Display, drawn.

        Raises
        ------
        ValueError
            If a waterfall is asked of several rows or outputs, or of attributions that do not add
            up to the prediction.

        Notes
        -----
        The error bar of a mean of absolute values is the mean of the rows' standard deviations: an
        upper bound, reached if the errors of all rows agree.
        """
        check_choice("kind", kind, ("bar", "waterfall"))
        outputs = select_outputs(explanation, output)
        first = outputs[0].explanation
        is_global = len(first) > 1
        if kind == "waterfall":
            _check_waterfall(outputs, is_global)
        values = np.stack([added_by_features(one) for one in outputs], axis=1)
        errors = [errors_of_features(one) for one in outputs]
        known = [error for error in errors if error is not None and kind == "bar"]
        std = np.stack(known, axis=1) if known else None
        shown, others = largest_first(np.abs(values).sum(axis=1), max_display)
        labels = [str(first.feature_names[j]) for j in shown]
        has_cells = not is_global and first.data is not None
        cells = cells_of_row(first, shown) if has_cells else None
        lengths = values[shown]
        std = None if std is None else std[shown]
        if len(others):
            labels.append(others_label(others))
            cells = None if cells is None else [*cells, None]
            lengths = np.vstack([lengths, values[others].sum(axis=0)])
            std = None if std is None else np.vstack([std, np.full(len(outputs), np.nan)])
        one_row = not is_global and len(outputs) == 1
        return cls(
            values=lengths,
            labels=labels,
            output_names=[one.name for one in outputs],
            quantities=[one.quantity for one in outputs],
            cells=cells,
            std=std,
            kind=kind,
            is_global=is_global,
            base_value=float(first.base_values[0, 0]) if one_row else None,
            prediction=float(first.predictions[0, 0]) if one_row else None,
            additive=first.additive,
        ).plot(ax=ax, layout=layout)

    def plot(self, *, ax: Any = None, layout: str = "legend") -> AttributionDisplay:
        """Draw.

        Parameters
        ----------
        ax : Axes or array of Axes, default=None
            Where to draw; as many as outputs for facets. None: a new figure.
        layout : {"legend", "facets"}, default="legend"
            Several outputs share axes, or have axes each.

        Returns
        -------
        display : AttributionDisplay
            Itself.
        """
        check_choice("layout", layout, ("legend", "facets"))
        caller = f"{type(self).__name__}.plot"
        values = np.asarray(self.values, dtype=float)
        n_shown, n_outputs = values.shape
        height = 1.3 + 0.33 * (n_shown + 2 * (self.kind == "waterfall"))
        self.bars_: list[Any] = []
        self.errorbars_: list[Any] = []
        self.texts_: list[Any] = []
        self.legend_ = None
        if n_outputs > 1 and layout == "facets":
            self.ax_: Any = make_facets(caller, ax, n_outputs, size=(4.2, height))
            for k, one in enumerate(self.ax_):
                set_labels(one, title=str(self.output_names[k]))
                self._draw_one(one, k, values)
            hide_inner_names(self.ax_)
            self.figure_ = self.ax_[0].figure
            return self
        if n_outputs > 1:
            colors = color_of_outputs(self.output_names, 'labels as output, or layout="facets"')
            extra = 0.0 if self.is_global else 0.1 * n_shown * n_outputs
            self.ax_ = check_axes(caller, ax, figsize=(6.4, height + extra))
            draw = _bars.draw_stacked if self.is_global else _bars.draw_grouped
            draw(self, self.ax_, values, colors)
        else:
            self.ax_ = check_axes(caller, ax, figsize=(6.4, height))
            self._draw_one(self.ax_, 0, values)
        self.figure_ = self.ax_.figure
        return self

    def _draw_one(self, ax: Any, k: int, values: np.ndarray) -> None:
        if self.kind == "waterfall":
            _waterfall.draw_waterfall(self, ax, values[:, k])
            return
        std = None if self.std is None else np.asarray(self.std, dtype=float)[:, k]
        note = "" if std is None else "\n(± one standard deviation)"
        what = what_is_drawn(self.quantities[k], additive=self.additive, is_global=self.is_global)
        title = ""
        if self.prediction is not None and self.base_value is not None:
            numbers = _waterfall.total_formatter(self)
            title = (
                f"{self.quantities[k]}: {numbers(self.prediction)}, "
                f"base\N{NO-BREAK SPACE}value\N{NO-BREAK SPACE}{numbers(self.base_value)}"
            )
        set_labels(ax, x=f"{what}{note}", title=title)
        _bars.draw_bars(self, ax, values[:, k], std)


def _check_waterfall(outputs: list[SelectedOutput], is_global: bool) -> None:
    if is_global:
        raise ValueError(
            f"A waterfall shows one row; the explanation has {len(outputs[0].explanation)}. Pass "
            "one of them, as in explanation[0], or kind='bar'."
        )
    if len(outputs) > 1:
        raise ValueError("A waterfall shows one output; pass one label as output.")
    if not outputs[0].explanation.additive:
        raise ValueError(
            "The attributions are not meant to add up to the prediction, so there is no waterfall "
            "of them; pass kind='bar'."
        )
