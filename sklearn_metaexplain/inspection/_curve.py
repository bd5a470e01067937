"""Deletion and insertion curves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from sklearn.metrics import auc

from sklearn_metaexplain._explanation import Explanation
from sklearn_metaexplain.inspection._read import check_explanation
from sklearn_metaexplain.inspection._style import (
    check_axes,
    color_of_outputs,
    legend_above,
    tidy,
)
from sklearn_metaexplain.inspection._text import (
    set_labels,
)
from sklearn_metaexplain.metrics import perturbation_curve

__all__ = ["CurveDisplay"]

_ORDERS = {"deletion": "removed", "insertion": "inserted"}


class CurveDisplay:
    """The model's mean output as columns are removed or inserted, those that matter first.

    A good explanation makes deletion fall early and insertion rise early. It is made by
    `from_explanation` or `from_curves`; all parameters are stored as attributes.

    Parameters
    ----------
    curves : mapping of str to tuple of two ndarray of shape (n_points,)
        By name: the share of columns that were removed or inserted, from 0 to 1, and mean outputs.
    order : {"deletion", "insertion"} or None, default=None
        What was done. None: not stated.
    quantity : str, default="output"
        What the outputs are.

    Attributes
    ----------
    aucs : dict of str to float
        Area under each curve by the trapezoidal rule.
    ax_ : Axes
        The axes.
    figure_ : Figure
        The figure.
    lines_ : list of Line2D
        The curves.
    fill_ : PolyCollection or None
        The area under a single curve.
    legend_ : Legend or None
        Names and areas.

    See Also
    --------
    sklearn_metaexplain.metrics.perturbation_curve : The numbers.

    Examples
    --------
    >>> from sklearn_metaexplain.inspection import CurveDisplay
    >>> curves = {"good": ([0, 0.5, 1], [1, 0.2, 0]), "random": ([0, 0.5, 1], [1, 0.5, 0])}
    >>> display = CurveDisplay.from_curves(curves, order="deletion")
    >>> {name: round(area, 6) for name, area in display.aucs.items()}
    {'good': 0.35, 'random': 0.5}
    """

    def __init__(
        self,
        *,
        curves: Mapping[str, tuple[np.ndarray, np.ndarray]],
        order: str | None = None,
        quantity: str = "output",
    ) -> None:
        self.curves = curves
        self.order = order
        self.quantity = quantity

    @property
    def aucs(self) -> dict[str, float]:
        """Area under each curve by the trapezoidal rule, a dict of str to float."""
        return {name: float(auc(x, y)) for name, (x, y) in self.curves.items()}

    @classmethod
    def from_explanation(
        cls,
        explanation: Any,
        predict: Callable[[Any], Any],
        *,
        background: Any,
        order: str = "deletion",
        n_steps: int | None = None,
        feature_groups: Any = None,
        batch_size: int = 10_000,
        random_state: Any = None,
        ax: Any = None,
    ) -> CurveDisplay:
        """Ask the model and draw the curve of one Explanation, or of several.

        Parameters
        ----------
        explanation : Explanation or mapping of str to Explanation
            What is judged; a mapping's keys name the curves.
        predict : callable
            Returns the model's outputs, in the units of ``explanation.output``; see
            `~sklearn_metaexplain.metrics.perturbation_curve` for this and what follows.
        background : {ndarray, DataFrame, sparse matrix} of shape (n_background, n_columns)
            Rows whose values replace those of the explained rows.
        order : {"deletion", "insertion"}, default="deletion"
            Whether columns are removed or inserted.
        n_steps : int, default=None
            Number of steps. None: one column a step.
        feature_groups : mapping or list of lists, default=None
            Columns that were explained, and are replaced, together.
        batch_size : int, default=10_000
            Largest number of rows passed to `predict` at once.
        random_state : int, RandomState or None, default=None
            Seed by which equal attributions are ordered.
        ax : Axes, default=None
            Where to draw. None: a new figure.

        Returns
        -------
        display : CurveDisplay
            The Display, drawn.
        """
        explanations = explanation if isinstance(explanation, Mapping) else {order: explanation}
        curves = {
            str(name): perturbation_curve(
                check_explanation(one),
                predict,
                background=background,
                order=order,
                n_steps=n_steps,
                feature_groups=feature_groups,
                batch_size=batch_size,
                random_state=random_state,
            )
            for name, one in explanations.items()
        }
        quantity = _mean_quantity(next(iter(explanations.values())))
        return cls.from_curves(curves, quantity=quantity, ax=ax)

    @classmethod
    def from_curves(
        cls,
        curves: Any,
        *,
        order: str | None = None,
        quantity: str = "output",
        ax: Any = None,
    ) -> CurveDisplay:
        """Draw curves that are known.

        Parameters
        ----------
        curves : curve or mapping of str to curves
            What `~sklearn_metaexplain.metrics.perturbation_curve` returns, or anything else with
            `fractions` and `outputs`, or pairs of such arrays; a mapping's keys are their names.
        order : {"deletion", "insertion"} or None, default=None
            What was done. None: as the curves say.
        quantity : str, default="output"
            What the outputs are.
        ax : Axes, default=None
            Where to draw. None: a new figure.

        Returns
        -------
        display : CurveDisplay
            The Display, drawn.

        Raises
        ------
        ValueError
            If a curve's arrays differ in length or have fewer than 2 points, or curves of deletion
            and insertion are mixed.
        """
        if not isinstance(curves, Mapping):
            curves = {str(order or getattr(curves, "order", None) or "curve"): curves}
        if not curves:
            raise ValueError("curves is empty; name at least one.")
        orders = {getattr(curve, "order", order) for curve in curves.values()}
        if len(orders) > 1 or (order is not None and orders != {order}):
            raise ValueError(
                "Curves of deletion and of insertion go different ways; draw them on different "
                "axes."
            )
        order = orders.pop()
        if order not in (None, *_ORDERS):
            raise ValueError(f"order must be one of {tuple(_ORDERS)} or None; got {order!r}.")
        parts = {str(name): _arrays(curve, name) for name, curve in curves.items()}
        return cls(curves=parts, order=order, quantity=quantity).plot(ax=ax)

    def plot(self, *, ax: Any = None) -> CurveDisplay:
        """Draw.

        Parameters
        ----------
        ax : Axes, default=None
            Where to draw. None: a new figure.

        Returns
        -------
        display : CurveDisplay
            Itself.
        """
        colors = color_of_outputs(list(self.curves), "curves")
        self.ax_ = ax = check_axes(f"{type(self).__name__}.plot", ax, figsize=(6.4, 4.2))
        self.figure_ = ax.figure
        self.lines_, self.fill_ = [], None
        done = _ORDERS[self.order] if self.order else "changed"
        set_labels(ax, x=f"share of columns {done}", y=f"mean {self.quantity}")
        for color, (fractions, outputs) in zip(colors, self.curves.values(), strict=True):
            # Few points are steps that can be counted.
            marker = "o" if len(fractions) <= 25 else None
            self.lines_ += ax.plot(
                fractions, outputs, color=color, marker=marker, markersize=4, linewidth=1.8
            )
        if len(self.curves) == 1:
            fractions, outputs = next(iter(self.curves.values()))
            base = min(0.0, float(np.min(outputs)))
            near = float(np.min(outputs)) > 3 * float(np.ptp(outputs))
            if not near:  # zero is far away: an area down to it would flatten the curve
                self.fill_ = ax.fill_between(
                    fractions, base, outputs, color=colors[0], alpha=0.12, linewidth=0
                )
        tidy(ax, grid="y")
        ax.set_xlim(0, 1)
        ax.xaxis.set_major_formatter(_percent())
        names = [f"{name}, area {area:.3g}" for name, area in self.aucs.items()]
        self.legend_ = legend_above(ax, self.lines_, names)
        return self


def _percent() -> Any:
    from matplotlib.ticker import PercentFormatter

    return PercentFormatter(1.0, decimals=0)


def _mean_quantity(explanation: Explanation) -> str:
    kinds = {"probability": "probability", "log_odds": "log-odds", "raw": "output"}
    kind = kinds[explanation.output]
    is_classifier = explanation.estimator_type == "classifier" or explanation.output != "raw"
    if is_classifier and len(explanation.output_names) > 1:
        return f"{kind} of the predicted class"
    return kind if explanation.output != "raw" else "prediction"


def _arrays(curve: Any, name: Any) -> tuple[np.ndarray, np.ndarray]:
    if hasattr(curve, "fractions") and hasattr(curve, "outputs"):
        pair: Any = (curve.fractions, curve.outputs)
    else:
        pair = curve
    try:
        fractions, outputs = (np.asarray(part, dtype=float) for part in pair)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"Curve {name!r} must have `fractions` and `outputs`, or be a pair of such arrays."
        ) from error
    if fractions.ndim != 1 or fractions.shape != outputs.shape or len(fractions) < 2:
        raise ValueError(
            f"Curve {name!r} has fractions of shape {fractions.shape} and outputs of shape "
            f"{outputs.shape}; both must be (n_points,), of at least 2 points."
        )
    return fractions, outputs
