"""Text that fits: labels, numbers, sizes."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from functools import partial
from math import ceil, floor, log10
from typing import Any

import numpy as np

__all__ = [
    "character_width",
    "fit_labels",
    "fit_numbers",
    "fit_text",
    "fit_texts",
    "number_formatter",
    "place_across",
    "room_for_text",
    "row_font",
    "set_labels",
    "with_minus",
]

_CHARACTER = 0.6  # mean width of a character of DejaVu Sans over its size
_MINUS = "\N{MINUS SIGN}"
_DOLLAR = re.compile(r"(?<!\\)\$")
_NUMBER = re.compile(r"-?(\d+(\.\d+)?(e[+-]\d+)?|inf)")


def fit_text(text: Any, width: int) -> str:
    """One line of at most `width` characters, shortened in the middle.

    A column's name may hold line breaks, and dollar signs that are no mathematics.
    """
    return _shortened(text, width).replace("$", r"\$")


def fit_texts(texts: Sequence[Any], width: int) -> list[str]:
    """Lines as of `fit_text`, that keep what tells them apart."""
    lines = [" ".join(str(text).split()) for text in texts]
    return _distinct_texts(lines, [width] * len(lines))


def fit_labels(
    ax: Any, labels: Sequence[Any], cells: Sequence[Any] | None = None, share: float = 0.42
) -> list[str]:
    """Shorten labels beside the axes so that they take at most a share of the axes' place.

    Where there are cells they are added, as in "island = Biscoe", and names give way to them.
    """
    width = int(np.clip(share * place_across(ax) / character_width(), 8, 45))
    names = [str(label) for label in labels]
    if cells is None:
        return _distinct_texts(names, [width] * len(names))
    shown = [
        ""
        if cell is None
        else fit_text(with_minus(cell), max(width - 3 - min(len(name), 2 * width // 5), 4))
        for name, cell in zip(names, cells, strict=True)
    ]
    widths = [max(width - 3 - len(cell), 4) if cell else width for cell in shown]
    texts = _distinct_texts(names, widths)
    return [f"{text} = {cell}" if cell else text for text, cell in zip(texts, shown, strict=True)]


def fit_numbers(axis: Any) -> None:
    """Leave out ticks of an axis across where their numbers would run into each other.

    Matplotlib asks the axis how many ticks have room, which takes numbers to be three characters
    long. What has room is known when a layout has been found, hence not now.
    """
    axis.get_tick_space = partial(_n_with_room, axis)


def set_labels(ax: Any, *, x: str = "", y: str = "", title: str = "") -> None:
    """Label axes with lines that are no longer than the axes."""
    height = ax.get_window_extent().height / ax.figure.dpi
    across = max(int(0.62 * place_across(ax) / character_width()), 14)
    if x:
        ax.set_xlabel(_wrapped(x, across))
    if y:
        ax.set_ylabel(_wrapped(y, max(int(height / character_width()), 14)))
    if title:
        ax.set_title(_wrapped(title, max(int(0.9 * across), 14)), loc="left", fontsize="medium")


def row_font(ax: Any, n_rows: int) -> float:
    """Font size at which so many lines fit over the height of the axes.

    A constrained layout takes the height of title and labels, which are set before, from the axes.
    """
    height = 72 * ax.get_window_extent().height / ax.figure.dpi
    texts = (ax.get_xlabel(), ax.get_title(loc="left"))
    n_lines = 1.5 + sum(1 + text.count("\n") for text in texts if text)
    height = min(height, height / 0.77 - 1.35 * _font_size() * n_lines)
    return float(min(_font_size(), max(4.0, 0.8 * height / max(n_rows, 1))))


def number_formatter(numbers: Any, *, signed: bool = False) -> Any:
    """Make a function that writes numbers with the digits that the largest of them needs."""
    finite = np.abs(np.asarray(numbers, dtype=float))
    finite = finite[np.isfinite(finite)]
    largest = float(finite.max()) if finite.size else 0.0
    size = floor(log10(largest)) if largest > 0 else 0
    if not -6 <= size <= 8:
        form = "+.2e" if signed else ".2e"
    else:
        decimals = max(0, 2 - size) if largest > 0 else 0
        form = f"{'+' if signed else ''},.{decimals}f"
    # Nothing that is taken away is still nothing.
    return lambda number: format(number + 0.0, form).replace("-", _MINUS)


def room_for_text(ax: Any, low: float, high: float, texts: Sequence[str], font: float) -> float:
    """How far an axis must go beyond its data for texts to stand at the end of bars."""
    longest = max((len(text) for text in texts), default=0)
    needed = (longest * _CHARACTER * font + 8) / 72
    # Row labels take part of the place.
    width = 0.48 * place_across(ax)
    needed = min(needed, 0.3 * width)
    return (high - low) * needed / (width - 2 * needed)


def with_minus(text: Any) -> str:
    """Text of a cell, with a minus sign where it is a negative number, as on the axes.

    Hyphens of dates and words stay.
    """
    written = str(text)
    return written.replace("-", _MINUS) if _NUMBER.fullmatch(written) else written


def _font_size() -> float:
    import matplotlib as mpl

    return float(mpl.rcParams["font.size"])


def character_width() -> float:
    return _CHARACTER * _font_size() / 72


def place_across(ax: Any) -> float:
    """Inches across that the axes and what belongs to them have."""
    return ax.get_window_extent().width / ax.figure.dpi / 0.775


def _n_with_room(axis: Any) -> int:
    """Most intervals between numbers of an axis across that leave room for the numbers."""
    from matplotlib.ticker import MaxNLocator

    inches = axis.axes.bbox.width / axis.axes.figure.dpi
    low, high = sorted(axis.get_view_interval())
    for n_most in range(9, 1, -1):
        ticks = MaxNLocator(n_most, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
        longest = max(map(len, axis.get_major_formatter().format_ticks(ticks)))
        # Digits are a little wider than letters; one more keeps them apart.
        needed = 1.1 * (longest + 1) * character_width()
        if needed * (high - low) <= inches * (ticks[1] - ticks[0]):
            return n_most
    return 1


def _wrapped(text: str, width: int) -> str:
    # Dollars in names of classes are no mathematics; those of columns may be escaped already.
    text = _DOLLAR.sub(r"\\$", text)
    lines: list[str] = []
    for line in text.split("\n"):
        # Columns' names may be long words, which are not broken.
        parts = textwrap.wrap(line, width, break_long_words=False, break_on_hyphens=False)
        lines += parts or [""]
    return "\n".join(lines)


def _shortened(text: Any, width: int) -> str:
    line = " ".join(str(text).split())
    if len(line) <= width:
        return line
    kept = max(width - 1, 2)
    return f"{line[: ceil(kept / 2)]}…{line[len(line) - floor(kept / 2) :]}"


def _distinct_texts(names: list[str], widths: list[int]) -> list[str]:
    """Shorten names; of those that look alike then, keep what tells them apart."""
    texts = [_shortened(name, width) for name, width in zip(names, widths, strict=True)]
    families: dict[tuple[str, str], list[int]] = {}
    for i, (name, text) in enumerate(zip(names, texts, strict=True)):
        if text != name:
            families.setdefault((text[:4], text[-4:]), []).append(i)
    for alike in families.values():
        group = [names[i] for i in alike]
        if len(set(group)) == 1:
            continue
        start = _n_shared(group)
        end = min(_n_shared([name[::-1] for name in group]), min(map(len, group)) - start)
        for i in alike:
            name = names[i]
            core = _shortened(name[start : len(name) - end], widths[i] - 2)
            kept = max(widths[i] - len(core) - 2, 0)
            n_head = min(kept - min(kept // 2, end), start)
            n_tail = min(kept - n_head, end)
            head = name[:n_head] + "…" * (n_head < start)
            texts[i] = head + core + "…" * (n_tail < end) + name[len(name) - n_tail :]
    return [text.replace("$", r"\$") for text in texts]


def _n_shared(names: list[str]) -> int:
    """Number of characters that all names begin with."""
    columns = zip(*names, strict=False)
    return next((n for n, letters in enumerate(columns) if len(set(letters)) > 1), 0)
