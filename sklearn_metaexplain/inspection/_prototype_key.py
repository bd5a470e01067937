"""What the shades and bars beside a row mean."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklearn_metaexplain.inspection._style import LOWERS, NEUTRAL
from sklearn_metaexplain.inspection._text import place_across

__all__ = ["draw_key", "shades"]


def shades() -> Any:
    """Colour map for closeness: pale, so that cells can be read on it."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("closeness", ["#FFFFFF", "#BFD9EC"])


def draw_key(ax: Any, closeness: np.ndarray, weights: np.ndarray) -> Any:
    """Put a legend below the table, of its shades and of negative weights."""
    from matplotlib.patches import Patch

    colors = shades()
    # All words speak of the first, which stays where no cell is equal.
    entries = [(colors(1.0), "as in this row")]
    if ((closeness > 0) & (closeness < 1)).any():
        entries.append((colors(0.5), "near it"))
    entries.append((colors(0.0), "far from it, or different"))
    if (weights < 0).any():
        entries.append((LOWERS, "weight below zero"))
    lines_of_xlabel = (1 + ax.get_xlabel().count("\n")) * bool(ax.get_xlabel())
    return ax.legend(
        [Patch(facecolor=color, edgecolor=NEUTRAL, linewidth=0.5) for color, _ in entries],
        [text for _, text in entries],
        ncols=int(np.clip(place_across(ax) / 1.6, 1, len(entries))),
        loc="upper left",
        bbox_to_anchor=(0.0, 0.0),
        # The legend stands below the words on the axis.
        borderaxespad=0.4 + 1.9 * lines_of_xlabel,
        frameon=False,
        fontsize="small",
        alignment="left",
        handletextpad=0.4,
        handlelength=1.2,
        columnspacing=1.0,
    )
