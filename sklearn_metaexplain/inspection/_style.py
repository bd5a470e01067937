"""What all Displays share: colours, axes, legends."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import Any

import numpy as np
from sklearn.utils._optional_dependencies import check_matplotlib_support

from sklearn_metaexplain.inspection._text import (
    character_width,
    fit_labels,
    fit_numbers,
    place_across,
)

__all__ = [
    "INK",
    "LOWERS",
    "NEUTRAL",
    "OUTPUT_COLORS",
    "RAISES",
    "PointStyle",
    "check_axes",
    "color_of_outputs",
    "diverging_map",
    "hide_inner_names",
    "legend_above",
    "legend_inside",
    "make_facets",
    "marker_size",
    "require_matplotlib",
    "tidy",
    "value_map",
]

# Blue and orange stay apart for all common kinds of colour blindness (Okabe and Ito, 2008).
LOWERS, RAISES = "#0072B2", "#D55E00"
INK, NEUTRAL = "#333333", "#9A9A9A"
OUTPUT_COLORS = ("#0072B2", "#E69F00", "#CC79A7", "#009E73", "#56B4E9", "#D55E00", "#5F5F5F")


class PointStyle:
    """How rows without a place on a colour scale are drawn."""

    unordered = NEUTRAL
    missing = "#6E6E6E"
    missing_marker = "x"
    missing_width = 0.8


# Axes


def require_matplotlib(caller: str) -> None:
    """Raise an ImportError with the remedy if matplotlib is absent."""
    try:
        check_matplotlib_support(caller)
    except ImportError as error:
        raise ImportError(
            f"{caller} requires matplotlib. You can install it with "
            "`pip install sklearn-metaexplain[plots]`."
        ) from error


def check_axes(caller: str, ax: Any, *, figsize: tuple[float, float]) -> Any:
    """Return the caller's axes, or those of a new figure."""
    require_matplotlib(caller)
    import matplotlib.pyplot as plt
    from matplotlib.axes import Axes

    if ax is None:
        return plt.subplots(figsize=figsize, layout="constrained")[1]
    if not isinstance(ax, Axes):
        raise TypeError(f"ax must be matplotlib Axes or None; got {type(ax).__name__}.")
    return ax


def make_facets(
    caller: str, ax: Any, n: int, *, size: tuple[float, float], n_columns: int = 3
) -> np.ndarray:
    """Return as many axes as there are facets: the caller's, or those of a new figure."""
    require_matplotlib(caller)
    import matplotlib.pyplot as plt
    from matplotlib.axes import Axes

    if ax is not None:
        given = np.asarray(ax, dtype=object).ravel()
        if len(given) != n or not all(isinstance(one, Axes) for one in given):
            raise ValueError(f"ax must be {n} Axes, one for each facet, or None.")
        return given
    across = min(n, n_columns)
    down = ceil(n / across)
    _, grid = plt.subplots(
        down,
        across,
        figsize=(size[0] * across, size[1] * down),
        layout="constrained",
        squeeze=False,
    )
    for unused in grid.ravel()[n:]:
        unused.remove()
    return grid.ravel()[:n]


def hide_inner_names(panels: np.ndarray) -> None:
    """Write the names of rows beside the first of the facets that stand in a line only."""
    for ax in panels:
        spec = ax.get_subplotspec()
        if spec is not None and not spec.is_first_col():
            ax.tick_params(axis="y", labelleft=False)


def tidy(ax: Any, *, grid: str | None = None) -> None:
    """Keep of the frame what is read, and put a light grid behind the data."""
    fit_numbers(ax.xaxis)
    ax.spines[["top", "right"]].set_visible(False)
    ax.set_axisbelow(True)
    if grid is not None:
        ax.grid(axis=grid, color="#E6E6E6", linewidth=0.8)


# Colours


def diverging_map() -> Any:
    """Colour map for signed numbers: blue below zero, orange above."""
    from matplotlib.colors import LinearSegmentedColormap

    colors = ["#00406B", LOWERS, "#8FBFDC", "#F4F4F4", "#F0B48A", RAISES, "#7A3400"]
    return LinearSegmentedColormap.from_list("lowers_raises", colors)


def value_map() -> Any:
    """Colour map for the values of a column: from low in blue to high in orange."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("low_high", [LOWERS, "#B79BC4", RAISES])


def color_of_outputs(names: Sequence[str], remedy: str) -> list[str]:
    """Colours of what shares axes; no more than can be told apart.

    The error says to pass at most so many, and `remedy` goes on: what the Display calls them.
    """
    if len(names) > len(OUTPUT_COLORS):
        raise ValueError(
            f"{len(names)} cannot be told apart by colour; pass at most {len(OUTPUT_COLORS)} "
            f"{remedy}."
        )
    return list(OUTPUT_COLORS[: len(names)])


def marker_size(ax: Any, n: int) -> float:
    """Area of a point, in points squared, of a cloud of n."""
    return float(np.clip(6000 / max(n, 1), 6, 40) * np.clip(place_across(ax) / 6.4, 0.6, 1.6))


# Legends


def legend_above(
    ax: Any,
    artists: Sequence[Any],
    names: Sequence[Any],
    title: str = "",
    *,
    has_rows: bool = False,
) -> Any:
    """Put a legend above the axes, where it covers no data, in as many lines as it needs.

    The labels of rows take their part of the place.
    """
    width = place_across(ax) * (0.5 if has_rows else 0.78)
    texts = fit_labels(ax, names, share=0.4 if has_rows else 0.65)
    entry = character_width() * max(len(text) for text in texts) * 0.85 + 0.3
    # The power of ten of large and small numbers stands above theirs, not below the legend.
    ax.yaxis.get_offset_text().set_horizontalalignment("right")
    return ax.legend(
        artists,
        texts,
        title=fit_labels(ax, [title], share=0.6)[0] if title else None,
        ncols=int(np.clip(width / entry, 1, len(texts))),
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0),
        borderaxespad=0.2,
        frameon=False,
        fontsize="small",
        title_fontsize="small",
        alignment="left",
        handletextpad=0.3,
        handlelength=1.2,
        columnspacing=1.0,
    )


def legend_inside(ax: Any, artists: Sequence[Any], names: Sequence[Any], title: str = "") -> Any:
    """Put a legend where it covers least; for facets, which have a title above."""
    return ax.legend(
        artists,
        fit_labels(ax, names, share=0.3),
        title=fit_labels(ax, [title], share=0.4)[0] if title else None,
        loc="best",
        framealpha=0.9,
        edgecolor="none",
        fontsize="small",
        title_fontsize="small",
        handletextpad=0.3,
        handlelength=1.2,
    )
