"""A waterfall from the base value to the prediction."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklearn_metaexplain.inspection._bars import end_ticks_at_data, name_rows
from sklearn_metaexplain.inspection._style import (
    INK,
    LOWERS,
    NEUTRAL,
    RAISES,
)
from sklearn_metaexplain.inspection._text import (
    number_formatter,
    room_for_text,
    row_font,
    set_labels,
)

__all__ = ["draw_waterfall", "total_formatter"]

# Rounding in sums, in whatever unit; explainers may leave this part of what is drawn unexplained.
_ROUNDING = 1e-6


def total_formatter(display: Any) -> Any:
    """Function that writes predictions and base values."""
    return number_formatter([display.prediction, display.base_value])


def draw_waterfall(display: Any, ax: Any, values: np.ndarray) -> None:
    """Draw bars that begin where the one above ends, between base value and prediction."""
    base, prediction = display.base_value, display.prediction
    labels = list(display.labels)
    missed = prediction - base - values.sum()
    if abs(missed) > _ROUNDING * max(np.abs(values).sum(), abs(prediction), abs(base)):
        values = np.append(values, missed)
        labels.append("not explained")
    starts = base + np.concatenate([[0.0], np.cumsum(values)[:-1]])
    ends = starts + values
    ends[-1] = prediction  # rather than a rounding error beside it
    n = len(values)
    positions = np.arange(1, n + 1)
    display.bars_.append(
        ax.barh(
            positions,
            ends - starts,
            left=starts,
            height=0.7,
            color=np.where(values < 0, LOWERS, RAISES),
        )
    )
    levels = np.concatenate([[base], ends])
    joints = np.concatenate([[0], positions])
    display.connectors_ = ax.vlines(
        levels, joints, joints + 1, color=NEUTRAL, linewidth=0.8, zorder=0.5
    )
    display.totals_ = ax.scatter(
        [base, prediction], [0, n + 1], marker="D", s=32, color=INK, zorder=3
    )
    cells = [] if display.cells is None else list(display.cells)
    cells = [None, *cells, *[None] * (n + 1 - len(cells))]
    set_labels(ax, x=display.quantities[0])
    name_rows(ax, ["base value", *labels, "prediction"], cells)
    _write_numbers(display, ax, starts, ends, values)


def _write_numbers(
    display: Any, ax: Any, starts: np.ndarray, ends: np.ndarray, values: np.ndarray
) -> None:
    write, total = number_formatter(values, signed=True), total_formatter(display)
    n = len(values)
    written = [write(value) for value in values]
    written = [total(display.base_value), *written, total(display.prediction)]
    font = min(row_font(ax, n + 2), 9.0)
    low, high = min(starts.min(), ends.min()), max(starts.max(), ends.max())
    if low == high:
        low, high = low - 0.5, high + 0.5
    room = room_for_text(ax, low, high, written, font)
    ax.set_xlim(low - room, high + room)
    end_ticks_at_data(ax, low, high)
    at = [display.base_value, *ends, display.prediction]
    sides = [1, *np.where(values < 0, -1, 1), 1]
    for position, (place, side, text) in enumerate(zip(at, sides, written, strict=True)):
        is_total = position in (0, n + 1)
        display.texts_.append(
            ax.annotate(
                text,
                (place, position),
                xytext=(side * (7 if is_total else 4), 0),
                textcoords="offset points",
                ha="right" if side < 0 else "left",
                va="center",
                fontsize=font,
                fontweight="bold" if is_total else "normal",
                color=INK,
                # Lines between rows pass behind the numbers.
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6},
            )
        )
