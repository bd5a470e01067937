"""Values of a column on an axis, and as colours: numbers, dates, categories, missing ones."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np

from sklearn_metaexplain.inspection._column_view import MISSING, ColumnView
from sklearn_metaexplain.inspection._style import (
    INK,
    NEUTRAL,
    OUTPUT_COLORS,
    PointStyle,
    value_map,
)
from sklearn_metaexplain.inspection._text import (
    character_width,
    fit_text,
    fit_texts,
    with_minus,
)

__all__ = [
    "ColumnAxis",
    "draw_colored",
    "levels_to_a_name",
    "write_dates",
    "write_levels",
    "write_whole_numbers",
]

_MOST_LEVELS = 12
_OTHERS = "others"
# In points, of a name aslant: its height over the sine of 40 degrees.
_WIDTH_ASLANT = 16.0
# Since 1970: 0001-01-01 and the end of 9999-12-31, as far as a float tells it from the next day.
_FIRST_AND_LAST_DAY = (-719_162.0, 2_932_896.99)


@dataclass(frozen=True)
class ColumnAxis:
    """Where the values of a column stand on an axis.

    Parameters
    ----------
    view : ColumnView
        The column.
    """

    view: ColumnView

    @property
    def _kept(self) -> np.ndarray:
        """Codes of the levels that have a place of their own, in order."""
        assert self.view.levels is not None
        codes = self.view.numbers[~self.view.missing].astype(int)
        counts = np.bincount(codes, minlength=len(self.view.levels))
        if len(counts) <= _MOST_LEVELS:
            return np.arange(len(counts))
        return np.sort(np.argsort(-counts, kind="stable")[: _MOST_LEVELS - 1])

    @property
    def _finite(self) -> np.ndarray:
        return self.view.numbers[np.isfinite(self.view.numbers)]

    @property
    def ticks(self) -> list[str]:
        """Texts of the places of a column of categories, without the missing ones."""
        levels = self.view.levels or []
        kept = self._kept
        texts = [levels[code] for code in kept]
        return texts + [self.name_of_rest] * (len(kept) < len(levels))

    @property
    def name_of_rest(self) -> str:
        """What levels without a place of their own are called together, unlike any level."""
        return _OTHERS if _OTHERS not in (self.view.levels or []) else "all others"

    def positions(self) -> np.ndarray:
        """Places of the values; missing values stand apart, beyond the largest.

        Infinite ones have none, which is NaN.
        """
        view = self.view
        if view.levels is None:
            places = np.where(np.isinf(view.numbers), np.nan, view.numbers)
            return np.where(view.missing, self.place_of_missing(), places)
        kept = self._kept
        place = np.full(max(len(view.levels), 1), len(kept), dtype=float)
        place[kept] = np.arange(len(kept))
        codes = np.where(view.missing, 0, view.numbers).astype(int)
        return np.where(view.missing, self.place_of_missing(), place[codes])

    def place_of_missing(self) -> float:
        """Where missing values stand."""
        if self.view.levels is not None:
            return float(len(self.ticks))
        if not len(self._finite):
            return 0.0
        low, high = self._finite.min(), self._finite.max()
        return float(high + 0.1 * ((high - low) or 1.0))

    def spread(self, offsets: np.ndarray) -> np.ndarray:
        """Places with points of one place beside each other, `offsets` between -1 and 1."""
        if self.view.levels is not None:
            return self.positions() + 0.32 * offsets
        # Only the missing ones share a place.
        places = self.positions()
        drawn = places[~np.isnan(places)]
        width = 0.025 * ((np.ptp(drawn) if len(drawn) else 0.0) or 1.0)
        return places + np.where(self.view.missing, width * offsets, 0.0)

    def dress(self, ax: Any, which: str) -> None:
        """Name the places on an axis of a plot, "x" or "y"."""
        view, axis = self.view, getattr(ax, f"{which}axis")
        set_limits = getattr(ax, f"set_{which}lim")
        has_missing = bool(view.missing.any())
        if view.levels is not None:
            texts = self.ticks + [MISSING] * has_missing
            set_limits(-0.5, max(len(texts), 1) - 0.5)
            write_levels(ax, axis, which, texts)
            return
        if view.is_date:
            write_dates(axis)
        elif is_whole(view) and not has_missing:  # which take the place of the last tick
            write_whole_numbers(axis)
        if not has_missing:
            return
        at = self.place_of_missing()
        if not len(self._finite):
            axis.set_ticks([at], [MISSING])
            set_limits(at - 0.5, at + 0.5)
            return
        low, high = self._finite.min(), self._finite.max()
        span = (high - low) or 1.0
        set_limits(low - 0.04 * span, at + 0.05 * span)
        line = ax.axvline if which == "x" else ax.axhline
        line(high + 0.05 * span, color=NEUTRAL, linewidth=0.8, linestyle=":")
        inside = [tick for tick in axis.get_majorticklocs() if low - 0.04 * span <= tick <= high]
        if which == "x":
            inside = _with_room(axis, inside, at, _points_across(ax) / (1.19 * span))
        # Dates are not written without any.
        axis.set_ticks(inside or [low] * view.is_date)
        vertical = which == "y"
        ax.annotate(
            MISSING,
            (0, at) if vertical else (at, 0),
            xycoords=("axes fraction", "data") if vertical else ("data", "axes fraction"),
            xytext=(-4, 0) if vertical else (0, -4),
            textcoords="offset points",
            ha="right" if vertical else "center",
            va="center" if vertical else "top",
            fontsize="small",
            color=INK,
        )


def _with_room(axis: Any, ticks: list[float], at: float, unit: float) -> list[float]:
    """Ticks whose numbers run neither into each other nor into the word for missing values.

    Numbers are written in another way where the last is left out, with which they had a power of
    ten. `unit` is the length of a unit of the axis, in points.
    """

    def lengths() -> list[float]:
        texts = axis.get_major_formatter().format_ticks(ticks)
        return [72 * character_width() * (len(text) + 1) for text in texts]

    word = 0.833 * 72 * character_width() * len(MISSING)  # it is small
    # Half of both is between their places.
    while ticks and (at - ticks[-1]) * unit < (lengths()[-1] + word) / 2:
        ticks = ticks[:-1]
    while len(ticks) > 1 and (ticks[1] - ticks[0]) * unit < max(lengths()):
        ticks = ticks[::2]
    return ticks


def draw_colored(
    ax: Any, x: np.ndarray, y: np.ndarray, view: ColumnView, *, size: float, place_legend: Any
) -> tuple[list[Any], Any, Any]:
    """Draw points coloured by a column.

    Returns
    -------
    points : list of PathCollection
        In as many parts as there are markers or entries of the legend.
    colorbar : Colorbar or None
        For numbers.
    legend : Legend or None
        For categories and missing values.
    """
    points, named = [], []
    common = {"s": size, "linewidths": 0, "rasterized": len(x) > 5_000}
    colorbar = None
    known = ~view.missing
    if view.levels is None:
        cloud = ax.scatter(x[known], y[known], c=view.numbers[known], cmap=value_map(), **common)
        points.append(cloud)
        if known.any():
            colorbar = ax.figure.colorbar(cloud, ax=ax, pad=0.02, aspect=30)
            colorbar.set_label(fit_text(view.label, 36))
            colorbar.outline.set_visible(False)
            if view.is_date:
                write_dates(colorbar.ax.yaxis)
            elif is_whole(view):
                write_whole_numbers(colorbar.ax.yaxis)
    else:
        axis = ColumnAxis(view)
        places = axis.positions()
        ticks, most = axis.ticks, len(OUTPUT_COLORS)
        n_named = len(ticks) if len(ticks) <= most else most - 1
        for place, text in enumerate(ticks):
            at = known & (places == place)
            color = OUTPUT_COLORS[place] if place < n_named else NEUTRAL
            cloud = ax.scatter(x[at], y[at], color=color, **common)
            points.append(cloud)
            # One grey entry stands for all the rest. Places tell, as a level may be called so too.
            if place <= n_named:
                named.append((cloud, text if place < n_named else axis.name_of_rest))
    if view.missing.any():
        crosses = ax.scatter(
            x[view.missing],
            y[view.missing],
            color=PointStyle.missing,
            marker=PointStyle.missing_marker,
            s=1.2 * size,
            linewidths=PointStyle.missing_width,
        )
        points.append(crosses)
        named.append((crosses, MISSING))
    legend = None
    if named:
        artists, texts = zip(*named, strict=True)
        title = view.name if view.levels is not None else ""
        legend = place_legend(ax, artists, texts, title)
    return points, colorbar, legend


def is_whole(view: ColumnView) -> bool:
    """Whether a column holds whole numbers, such as years, and nothing else."""
    known = view.numbers[~view.missing]
    return bool(known.size and (known == np.round(known)).all())


def write_whole_numbers(axis: Any) -> None:
    """Write no fractions, as of years; otherwise as matplotlib does."""
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator("auto", steps=[1, 2, 2.5, 5, 10], integer=True))


def write_dates(axis: Any) -> None:
    """Write days since 1970 as dates."""
    from matplotlib.dates import ConciseDateFormatter

    locator = _date_locator()
    axis.set_major_locator(locator)
    axis.set_major_formatter(ConciseDateFormatter(locator))


def _date_locator() -> Any:
    """Make what chooses the ticks of an axis of dates."""
    from matplotlib.dates import MINUTELY, SECONDLY, AutoDateLocator, num2date

    class DateLocator(AutoDateLocator):
        """Also for axes that end beyond the years 1 and 9999, which matplotlib has no dates for."""

        def __call__(self) -> Any:
            own: Any = self.axis
            limits = np.clip(sorted(own.get_view_interval()), *_FIRST_AND_LAST_DAY)
            return self.tick_values(*num2date(limits, self.tz))

        def __reduce__(self) -> Any:
            # Figures are pickled, and a class in a function is not found by its name.
            return _date_locator, (), vars(self)

    # Of 3 to 35 months every 6th gives at most 7 ticks, and so on. Other numbers of ticks leave
    # spans that no interval fits, of which matplotlib warns.
    locator = DateLocator(minticks=3, maxticks=7)
    # Its own go from 1 to 5: 8 minutes would have one tick.
    for unit in (MINUTELY, SECONDLY):
        locator.intervald[unit] = [1, 2, 5, 10, 15, 30]
    return locator


def levels_to_a_name(ax: Any, texts: list[str]) -> int:
    """Of how many levels below an axis one is named, so that names do not run together.

    It is 1 where all have room.
    """
    if _fit_upright(ax, texts):
        return 1
    return ceil(_WIDTH_ASLANT * len(texts) / _width(ax))


def _fit_upright(ax: Any, texts: list[str]) -> bool:
    room = int(_width(ax) / max(len(texts), 1) / (0.62 * 10))
    return max(len(text) for text in texts) <= room


def _width(ax: Any) -> float:
    """Width of axes, in points; of axes beside others a layout takes a part for their labels."""
    share = 1.0 if len(ax.figure.axes) == 1 else 0.8
    return share * _points_across(ax)


def _points_across(ax: Any) -> float:
    return float(72 * ax.get_window_extent().width / ax.figure.dpi)


def write_levels(ax: Any, axis: Any, which: str, texts: list[str], *, every: int = 1) -> None:
    """Write the levels of a column of categories, or one of `every`, aslant where they are long."""
    at, texts = np.arange(0, len(texts), every), texts[::every]
    if which == "y":
        axis.set_ticks(at, fit_texts([with_minus(text) for text in texts], 16))
        return
    if _fit_upright(ax, texts):
        axis.set_ticks(at, fit_texts([with_minus(text) for text in texts], 40))
    else:
        axis.set_ticks(
            at,
            fit_texts([with_minus(text) for text in texts], 16),
            rotation=40,
            ha="right",
            rotation_mode="anchor",
        )
        narrow = float(np.clip(_width(ax) / len(texts) / _WIDTH_ASLANT, 0.6, 1.0))
        for label in axis.get_ticklabels():
            label.set_fontsize(narrow * label.get_fontsize())
