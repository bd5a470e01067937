"""The results as pictures, where matplotlib is installed."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from boosted import BOOSTED
from break_even import break_even, with_model_seconds
from fastshap import FASTSHAP
from leverage import LEVERAGE, LEVERAGE_ONE
from libraries import KERNEL, KERNEL_ONE, LIME, PERMUTATION
from measures import average, split_by_truth
from shapiq_peers import SHAPIQ
from surrogates import AVERAGE, NETWORK
from whole import FAST, META

ROWS = 1000
_LEAST_ERROR = 1e-5


class Picture(NamedTuple):
    """A file and what it shows."""

    name: str
    text: str


class Style(NamedTuple):
    """How a method is drawn: colours of Okabe and Ito, told apart by markers as well."""

    method: str
    label: str
    color: str
    marker: str
    line: str = "-"


_STYLES = (
    Style(META, "MetaExplainer", "#000000", "o"),
    Style(FAST, "MetaExplainer, fast", "#000000", "D", "--"),
    Style(BOOSTED, "HGB surrogate", "#E69F00", "s"),
    Style(NETWORK, "MLP surrogate", "#E69F00", "^", "--"),
    Style(AVERAGE, "three surrogates averaged", "#D55E00", "P"),
    Style(FASTSHAP, "FastSHAP", "#CC79A7", "X"),
    Style(KERNEL, "shap Kernel, 25 rows a coalition", "#0072B2", "s"),
    Style(KERNEL_ONE, "shap Kernel, 1 row", "#0072B2", "^", "--"),
    Style(LEVERAGE, "leverage scores, 25 rows", "#56B4E9", "P"),
    Style(LEVERAGE_ONE, "leverage scores, 1 row", "#56B4E9", "X", "--"),
    Style(SHAPIQ[0], "shapiq Kernel, 25 rows", "#009E73", "s"),
    Style(SHAPIQ[2], "shapiq kADD, 25 rows", "#009E73", "P", "--"),
    Style(SHAPIQ[4], "shapiq SVARM, 1 row", "#009E73", "X", ":"),
    Style(PERMUTATION, "shap Permutation", "#999999", "v"),
    Style(LIME, "LIME", "#999999", "*"),
)
_BARS = (
    ((META, 2048, 0), "MetaExplainer, 2,048"),
    ((META, 2048, 100), "MetaExplainer, 2,048 + 100 a row"),
    ((BOOSTED, 2048, 0), "HGB surrogate, 2,048"),
    ((AVERAGE, 2048, 0), "three surrogates averaged, 2,048"),
    ((KERNEL, 0, 800), "shap Kernel, 800 a row"),
    ((KERNEL, 0, 1600), "shap Kernel, 1,600 a row"),
)
_BAR_COLORS = ("#000000", "#7A7A7A", "#E69F00", "#D55E00", "#56B4E9", "#0072B2")


def draw_pictures(results: pd.DataFrame, folder: Path) -> Sequence[Picture]:
    """Draw what there is to draw into a folder.

    Parameters
    ----------
    results : DataFrame
        Lines of `measures.record`; only those whose truth was enumerated are drawn.
    folder : Path

    Returns
    -------
    pictures : sequence of Picture
        None without results or without matplotlib.
    """
    results, _ = split_by_truth(results)
    if results.empty:
        return ()
    if find_spec("matplotlib") is None:
        print('No pictures: matplotlib is not installed (extra "plots").', file=sys.stderr)
        return ()
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    averages = average(with_model_seconds(results))
    # Means over other tasks are not comparable: a method that lacks some is not drawn.
    averages = averages[averages["tasks"] == averages["tasks"].max()]
    pictures = []
    for draw, picture in (
        (
            lambda axes: _draw_evaluations(axes, averages),
            Picture("error_evaluations.png", "Mean error against evaluations for 1,000 rows"),
        ),
        (
            lambda axes: _draw_seconds(axes, averages),
            Picture("error_seconds.png", "Mean error against seconds for 1,000 rows"),
        ),
        (
            lambda axes: _draw_models(axes, results),
            Picture("error_models.png", "Mean error by kind of model"),
        ),
        (
            lambda axes: _draw_break_even(axes, break_even(results)),
            Picture("break_even.png", "Rows from which MetaExplainer is cheaper than KernelSHAP"),
        ),
    ):
        with pyplot.rc_context(
            {"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}
        ):
            figure, axes = pyplot.subplots(figsize=(8.0, 4.4), layout="constrained")
            draw(axes)
            axes.set_title(picture.text, loc="left", fontsize=10)
            figure.savefig(folder / picture.name, dpi=110)
            pyplot.close(figure)
        pictures.append(picture)
    return pictures


def _draw_evaluations(axes: Any, averages: pd.DataFrame) -> None:
    total = averages["n_support"] + ROWS * averages["evaluations"]
    _draw_lines(axes, averages.assign(x=total))
    axes.set_xlabel("evaluations at fit and for 1,000 rows together, without the rows' predictions")


def _draw_seconds(axes: Any, averages: pd.DataFrame) -> None:
    total = averages["seconds_fit"].fillna(0.0) + averages["seconds_per_1000"]
    _draw_lines(axes, averages.assign(x=total))
    axes.set_xlabel("CPU seconds of fit and of 1,000 rows together")


def _draw_lines(axes: Any, averages: pd.DataFrame) -> None:
    for style in _STYLES:
        mine = averages[averages["method"] == style.method]
        # Each budget a line of its own over the evaluations at fit, or one line over budgets.
        at_fit = (mine["n_support"] > 0).any()
        for at, (_, group) in enumerate(mine.groupby("budget" if at_fit else "n_support")):
            points = group.sort_values("x")
            axes.plot(
                points["x"],
                points["mean"],
                color=style.color,
                marker=style.marker,
                linestyle=style.line,
                markersize=5,
                markerfacecolor="white" if at else style.color,
                linewidth=1.2,
                label=style.label + (", + 100 a row" if at else ""),
            )
    axes.set(xscale="log", yscale="log", ylabel="mean relative error")
    axes.grid(which="major", color="#DDDDDD", linewidth=0.6)
    axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False, fontsize=8)


def _draw_models(axes: Any, results: pd.DataFrame) -> None:
    kinds = list(dict.fromkeys(results["task"].str.split("/").str[1]))
    kind_of = results["task"].str.split("/").str[1]
    places = np.arange(len(kinds))
    columns = results[["method", "n_support", "budget"]]
    measured = set(columns.itertuples(index=False, name=None))
    bars = [
        (*bar, color) for bar, color in zip(_BARS, _BAR_COLORS, strict=True) if bar[0] in measured
    ]
    width = 0.8 / max(1, len(bars))
    for at, ((method, n_support, budget), label, color) in enumerate(bars):
        mine = results[
            (results["method"] == method)
            & (results["n_support"] == n_support)
            & (results["budget"] == budget)
        ]
        errors = mine.groupby(kind_of)["error"].mean().reindex(kinds)
        shift = (at - (len(bars) - 1) / 2) * width
        axes.bar(places + shift, errors, width, color=color, label=label)
    axes.set_xticks(places, kinds)
    axes.set(yscale="log", ylabel="mean relative error")
    # Where coalitions are all enumerated, errors are rounding: bars that are not drawn.
    axes.set_ylim(bottom=max(_LEAST_ERROR, axes.get_ylim()[0]))
    axes.grid(axis="y", color="#DDDDDD", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.08), ncols=3, frameon=False, fontsize=8)


def _draw_break_even(axes: Any, table: pd.DataFrame) -> None:
    places = np.arange(len(table))
    for shift, column, color in ((-0.2, "evaluations", "#0072B2"), (0.2, "seconds", "#E69F00")):
        rows = table[column].replace(np.inf, np.nan)
        bars = axes.bar(places + shift, rows, 0.38, color=color, label=f"fewer {column}")
        labels = [f"{value:,.0f}" if value < np.inf else "never" for value in table[column]]
        axes.bar_label(
            bars, [label.replace("never", "") for label in labels], padding=2, fontsize=8
        )
        for place, label in zip(places + shift, labels, strict=True):
            if label == "never":
                below = axes.get_xaxis_transform()
                axes.text(place, 0.01, label, transform=below, ha="center", fontsize=8)
    names = [
        f"{budget:,} a row\nerror {error:.2g}"
        for budget, error in zip(table["budget"], table["error"], strict=True)
    ]
    axes.set_xticks(places, names)
    axes.set_xlabel("evaluations of KernelSHAP (the better of 25 rows and 1 row a coalition)")
    axes.set_ylabel("rows explained")
    if len(table) and np.isfinite(table[["evaluations", "seconds"]]).any(axis=None):
        axes.set_yscale("log")
    axes.margins(y=0.15)
    axes.set_xlim(-0.6, len(table) - 0.4)
    axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False, fontsize=8)
