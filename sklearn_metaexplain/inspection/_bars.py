"""Horizontal bars with error bars and numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklearn_metaexplain.inspection._quantity import several_outputs, what_is_drawn
from sklearn_metaexplain.inspection._style import (
    INK,
    LOWERS,
    RAISES,
    legend_above,
    tidy,
)
from sklearn_metaexplain.inspection._text import (
    fit_labels,
    number_formatter,
    place_across,
    room_for_text,
    row_font,
    set_labels,
    with_minus,
)

__all__ = [
    "draw_bars",
    "draw_grouped",
    "draw_stacked",
    "end_ticks_at_data",
    "label_bars",
    "name_rows",
]

_WHISKERS = {"ecolor": INK, "elinewidth": 1.0, "capsize": 2.5}


def draw_bars(display: Any, ax: Any, values: np.ndarray, std: np.ndarray | None) -> None:
    """Draw bars of one output, coloured by sign where there are signs."""
    positions = np.arange(len(values))
    colors = LOWERS if display.is_global else np.where(values < 0, LOWERS, RAISES)
    display.bars_.append(ax.barh(positions, values, color=colors, height=0.7))
    ends = np.zeros(len(values))
    if std is not None:
        known = np.isfinite(std)
        ends = np.where(known, std, 0.0)
        # A mean size is never negative.
        below = np.minimum(ends, np.abs(values)) if display.is_global else ends
        bars = ax.errorbar(
            values[known],
            positions[known],
            xerr=np.stack([below, ends])[:, known],
            fmt="none",
            **_WHISKERS,
        )
        display.errorbars_.append(bars)
    display.texts_ += label_bars(
        ax, positions, values, ends, number_formatter(values, signed=not display.is_global)
    )
    if not display.is_global:
        ax.axvline(0, color=INK, linewidth=0.8)
    name_rows(ax, display.labels, display.cells)


def draw_grouped(display: Any, ax: Any, values: np.ndarray, colors: list[str]) -> None:
    """Draw the bars of several outputs of one row beside each other."""
    n_shown, n_outputs = values.shape
    height = 0.8 / n_outputs
    for k, color in enumerate(colors):
        positions = np.arange(n_shown) + (k - (n_outputs - 1) / 2) * height
        bars = ax.barh(positions, values[:, k], height=height, color=color)
        display.bars_.append(bars)
        if display.std is not None:
            std = np.asarray(display.std, dtype=float)[:, k]
            known = np.isfinite(std)
            errors = ax.errorbar(
                values[known, k], positions[known], xerr=std[known], fmt="none", **_WHISKERS
            )
            display.errorbars_.append(errors)
    ax.axvline(0, color=INK, linewidth=0.8)
    quantity, _ = several_outputs(display.quantities, display.output_names)
    note = "" if display.std is None else "\n(± one standard deviation)"
    _finish(display, ax, f"{what_is_drawn(quantity, additive=display.additive)}{note}")


def draw_stacked(display: Any, ax: Any, values: np.ndarray, colors: list[str]) -> None:
    """Draw the importances of several outputs end to end; such bars have no error bars."""
    start = np.zeros(len(values))
    for k, color in enumerate(colors):
        bars = ax.barh(
            np.arange(len(values)),
            values[:, k],
            left=start,
            height=0.7,
            color=color,
        )
        display.bars_.append(bars)
        start = start + values[:, k]
    quantity, outputs = several_outputs(display.quantities, display.output_names)
    what = what_is_drawn(quantity, additive=display.additive, is_global=True)
    first, *note = what.split("\n")
    _finish(display, ax, "\n".join([f"{first},", f"summed over the {outputs}", *note]))


def label_bars(
    ax: Any, positions: np.ndarray, values: np.ndarray, ends: np.ndarray, write: Any
) -> list[Any]:
    """Write each bar's number beyond its end, and make room for it; a dash where there is none."""
    written = ["–" if np.isnan(value) else with_minus(write(value)) for value in values]
    values = np.nan_to_num(values)
    font = min(row_font(ax, len(values)), 9.0)
    low = min(0.0, float((values - ends).min(initial=0.0)))
    high = max(0.0, float((values + ends).max(initial=0.0)))
    if low == high:
        high = 1.0
    room = room_for_text(ax, low, high, written, font)
    has_negative = bool((values < 0).any())
    ax.set_xlim(low - room if has_negative else low, high + room)
    texts = []
    for position, value, end, text in zip(positions, values, ends, written, strict=True):
        side = -1 if value < 0 else 1
        texts.append(
            ax.annotate(
                text,
                (value + side * end, position),
                xytext=(4 * side, 0),
                textcoords="offset points",
                ha="right" if value < 0 else "left",
                va="center",
                fontsize=font,
                color=INK,
            )
        )
    return texts


def end_ticks_at_data(ax: Any, low: float, high: float) -> None:
    """Let no tick stand beyond the first that encloses the data, where numbers have their room.

    Steps of ticks divide 1, so that no score of at most 1, and no probability, has ticks above 1.
    """
    from matplotlib.ticker import MaxNLocator

    n_most = int(np.clip(1.6 * place_across(ax), 2, 8))
    locator = MaxNLocator(n_most, steps=[1, 2, 2.5, 5, 10])
    ticks = np.asarray(locator.tick_values(*ax.get_xlim()))
    # A hair, for a tick at 1 may be computed as a little less.
    hair = 1e-9 * (high - low)
    first = ticks[ticks <= low + hair].max(initial=ticks.min())
    last = ticks[ticks >= high - hair].min(initial=ticks.max())
    left, right = ax.get_xlim()
    ax.set_xticks(ticks[(ticks >= max(first, left) - hair) & (ticks <= min(last, right) + hair)])


def name_rows(ax: Any, labels: Any, cells: Any = None) -> None:
    """Write the labels of rows, the first on top."""
    texts = fit_labels(ax, labels, cells)
    ax.set_yticks(np.arange(len(labels)), texts, fontsize=row_font(ax, len(labels)))
    ax.set_ylim(len(labels) - 0.5, -0.5)
    ax.tick_params(axis="y", length=0)
    tidy(ax, grid="x")


def _finish(display: Any, ax: Any, label: str) -> None:
    set_labels(ax, x=label)
    name_rows(ax, display.labels, display.cells)
    display.legend_ = legend_above(ax, display.bars_, display.output_names, has_rows=True)
