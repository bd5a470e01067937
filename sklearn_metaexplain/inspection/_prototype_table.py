"""The texts of a row beside others."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from sklearn_metaexplain.inspection._style import INK
from sklearn_metaexplain.inspection._text import (
    fit_labels,
    fit_text,
    fit_texts,
    number_formatter,
    row_font,
    with_minus,
)

__all__ = ["BARS", "OWN", "write_table"]

OWN = "this row"
BARS = 1.6  # height of the bars, in rows of the table
_LEAST_FONT = 0.6  # of cells such as times, over that of the others; longer ones are shortened


def write_table(
    ax: Any, cells: pd.DataFrame, weights: np.ndarray, heights: np.ndarray
) -> list[Any]:
    """Write weights above the bars, cells below, names of rows and columns; return the texts."""
    n_shown, n_across = cells.shape
    font = row_font(ax, n_shown + round(1.6 * BARS) + 1)
    width = 72 * ax.get_window_extent().width / ax.figure.dpi * 0.8 / n_across
    font = min(font, 9.0)
    fitting = max(int(width / (0.62 * font)), 3)
    write = number_formatter(weights)
    texts = [
        ax.text(
            k + 1,
            -0.7 - height,
            fit_text(write(weight), fitting),
            ha="center",
            va="bottom",
            fontsize=font,
            color=INK,
        )
        for k, (weight, height) in enumerate(zip(weights, heights, strict=True))
    ]
    for (i, k), text in np.ndenumerate(cells.to_numpy()):
        smaller = float(np.clip(fitting / max(len(text), 1), _LEAST_FONT, 1.0))
        texts.append(
            ax.text(
                k,
                i,
                fit_text(with_minus(text), int(fitting / smaller)),
                ha="center",
                va="center",
                fontsize=smaller * font,
                fontweight="bold" if k == 0 else "normal",
                color=INK,
            )
        )
    names = fit_texts(list(cells.columns), fitting)
    if fitting < len(OWN):
        names[0] = OWN.replace(" ", "\n")
    ax.xaxis.tick_top()
    ax.set_xticks(np.arange(n_across), names, fontsize=font)
    columns = fit_labels(ax, list(cells.index), share=0.3)
    # The bars are named where rows of the table are, at their feet.
    ax.set_yticks([-0.9, *range(n_shown)], ["weight", *columns], fontsize=font)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return texts
