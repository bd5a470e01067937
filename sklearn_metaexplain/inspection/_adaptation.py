"""What happens to a network, step by step or epoch by epoch, as it adapts to a task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sklearn_metaexplain.base import _unwrap
from sklearn_metaexplain.inspection._style import (
    INK,
    check_axes,
    color_of_outputs,
    legend_above,
    tidy,
)
from sklearn_metaexplain.inspection._text import (
    set_labels,
)

__all__ = ["AdaptationDisplay"]

_LOSSES = ("train_loss", "valid_loss")


class AdaptationDisplay:
    """Losses, or predictions, by the inner step or epoch of an adaptation.

    It is made by `from_explainer` or `from_history`, or from arrays by the class itself. All
    parameters are stored as attributes.

    Parameters
    ----------
    curves : mapping of str to array-like of shape (n_steps,)
        By name, at most 7 of them; NaN where a step has no value.
    steps : array-like of shape (n_steps,), default=None
        Numbers of the steps. None: 1, 2, ...
    best : int, default=None
        Number of the step that was kept; 0 is the start, before the first. None: not marked.
    ylabel : str, default="loss"
        What the curves show.
    xlabel : str, default="inner step"
        What the steps are.

    Attributes
    ----------
    ax_ : Axes
        The axes.
    figure_ : Figure
        The figure.
    lines_ : list of Line2D
        The curves.
    best_line_ : Line2D or None
        The mark of the step that was kept; None where that step is not drawn.
    legend_ : Legend
        The curves' names.

    See Also
    --------
    sklearn_metaexplain.MetaExplainer : Adapts its network with ``max_epochs > 0``.

    Examples
    --------
    >>> from sklearn_metaexplain.inspection import AdaptationDisplay
    >>> display = AdaptationDisplay(curves={"train": [3.0, 1.0], "held out": [3.0, 2.0]}, best=2)
    >>> display.plot().lines_[1].get_ydata()
    array([3., 2.])
    """

    def __init__(
        self,
        *,
        curves: Mapping[str, Any],
        steps: Any = None,
        best: int | None = None,
        ylabel: str = "loss",
        xlabel: str = "inner step",
    ) -> None:
        self.curves = curves
        self.steps = steps
        self.best = best
        self.ylabel = ylabel
        self.xlabel = xlabel

    @classmethod
    def from_explainer(
        cls, explainer: Any, *, keys: Sequence[str] | None = None, ax: Any = None
    ) -> AdaptationDisplay:
        """Draw the adaptation of a fitted explainer.

        Parameters
        ----------
        explainer : fitted estimator
            A `~sklearn_metaexplain.MetaExplainer` that was fitted with ``max_epochs > 0``, or any
            estimator with a skorch net in `net_`, or a Pipeline or search around one.
        keys : list of str, default=None
            Entries of the history to draw. None: the losses of training and validation.
        ax : Axes, default=None
            Where to draw. None: a new figure.

        Returns
        -------
        display : AdaptationDisplay
            The Display, drawn.

        Raises
        ------
        ValueError
            If nothing was adapted.
        """
        final = _unwrap(explainer)[1]
        if not hasattr(final, "net_"):
            raise ValueError(
                f"{type(final).__name__} has no net_, so nothing was adapted; fit it with "
                "max_epochs=20, say."
            )
        kept = getattr(final.net_, "kept_epoch_", None)
        return cls.from_history(final.net_.history, keys=keys, kept_epoch=kept, ax=ax)

    @classmethod
    def from_history(
        cls,
        history: Any,
        *,
        keys: Sequence[str] | None = None,
        kept_epoch: int | None = None,
        ax: Any = None,
    ) -> AdaptationDisplay:
        """Draw the history of a skorch net.

        Parameters
        ----------
        history : skorch History or list of dict
            An entry for each epoch.
        keys : list of str, default=None
            Entries to draw, at most 7. None: those of "train_loss" and "valid_loss" that there are.
        kept_epoch : int, default=None
            Number of the epoch whose weights were kept, 0 for those at the start; a net of this
            package has it as `kept_epoch_`. None: where "valid_loss" is drawn and
            ``valid_loss_best`` recorded, the last best epoch.
        ax : Axes, default=None
            Where to draw. None: a new figure.

        Returns
        -------
        display : AdaptationDisplay
            The Display, drawn.

        Raises
        ------
        ValueError
            If the history is empty or has no such entries.
        """
        epochs = list(history)
        if not epochs:
            raise ValueError("history is empty: no epoch was trained.")
        recorded = {key for epoch in epochs for key in epoch}
        chosen = [key for key in _LOSSES if key in recorded] if keys is None else list(keys)
        unknown = [key for key in chosen if key not in recorded]
        if unknown or not chosen:
            raise ValueError(
                f"history has no {unknown or list(_LOSSES)}; it has {sorted(recorded)}."
            )
        steps = [int(epoch.get("epoch", k + 1)) for k, epoch in enumerate(epochs)]
        if kept_epoch is None and "valid_loss" in chosen:
            best = [k for k, epoch in enumerate(epochs) if epoch.get("valid_loss_best")]
            kept_epoch = steps[best[-1]] if best else None
        return cls(
            curves={key: [float(epoch.get(key, np.nan)) for epoch in epochs] for key in chosen},
            steps=steps,
            best=kept_epoch,
            ylabel="loss" if set(chosen) <= set(_LOSSES) else "value",
            xlabel="epoch",
        ).plot(ax=ax)

    def plot(self, *, ax: Any = None) -> AdaptationDisplay:
        """Draw.

        Parameters
        ----------
        ax : Axes, default=None
            Where to draw. None: a new figure.

        Returns
        -------
        display : AdaptationDisplay
            Itself.

        Raises
        ------
        ValueError
            If there are no curves, or curves and steps differ in length.
        """
        curves = {str(name): np.asarray(curve, float) for name, curve in self.curves.items()}
        if not curves:
            raise ValueError("curves is empty; there is nothing to draw.")
        n_steps = len(next(iter(curves.values())))
        steps = np.arange(1, n_steps + 1) if self.steps is None else np.asarray(self.steps)
        for name, curve in curves.items():
            if curve.shape != steps.shape:
                raise ValueError(
                    f"Curve {name!r} has shape {curve.shape}; there are {len(steps)} steps."
                )
        colors = color_of_outputs(list(curves), "curves")
        self.ax_ = ax = check_axes(f"{type(self).__name__}.plot", ax, figsize=(6.4, 4.0))
        self.figure_ = ax.figure
        self.lines_, self.best_line_ = [], None
        set_labels(ax, x=self.xlabel, y=self.ylabel)
        marker = "o" if n_steps <= 40 else None
        for color, curve in zip(colors, curves.values(), strict=True):
            self.lines_ += ax.plot(
                steps, curve, color=color, marker=marker, markersize=4, linewidth=1.8
            )
        artists, names = list(self.lines_), [name.replace("_", " ") for name in curves]
        if self.best is not None:
            if self.best in steps:
                self.best_line_ = ax.axvline(self.best, color=INK, linestyle=":", linewidth=1.2)
            # A start that no curve reaches has an entry in the legend without a mark.
            artists.append(self.best_line_ or ax.plot([], [], linestyle="none")[0])
            names.append(f"kept: {self.xlabel} {self.best}" if self.best else "kept: the start")
        ax.xaxis.get_major_locator().set_params(integer=True)
        tidy(ax, grid="y")
        self.legend_ = legend_above(ax, artists, names)
        return self
