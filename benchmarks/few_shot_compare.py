"""Means over tables and draws, their standard errors, and the benchmark's aims.

A method's accuracy is the mean over tables of its mean over draws. Two standard errors are given:

- over tables, the spread of the tables' means. It is large because tables differ in how hard they
  are, which all methods share;
- paired over draws, of the difference to the best method, which saw the very same rows: the tables
  are given, the draws are what was random. A method within it is as good as the best as far as
  these draws can tell. The aims are judged by it: with many draws it is far the smaller one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd
from few_shot_draws import ALL
from few_shot_methods import (
    ADAPTED,
    FOREST,
    KINDS,
    META,
    METRIC_KINDS,
    SCRATCH,
    TRAINED,
    name_of,
)
from few_shot_tables import FEW_CLASSES, MANY_CLASSES
from targets import Target

FEWEST_SHOTS = "5"
ALLOWED_POINTS = 2.0
# Shares of few rows that differ by less are the same, whatever they were added up from.
_DECIMALS = 12


class Difference(NamedTuple):
    """How much more accurate one method is than another on the same draws."""

    by_table: pd.Series  # mean over draws
    se_by_table: pd.Series  # standard error over draws

    @property
    def mean(self) -> float:
        """Mean over tables."""
        return float(self.by_table.mean())

    @property
    def se_draws(self) -> float:
        """Standard error over draws of the mean over these tables."""
        return float(np.sqrt(self.se_by_table.pow(2).sum(skipna=False)) / len(self.se_by_table))

    @property
    def se_tables(self) -> float:
        """Standard error over tables."""
        return float(self.by_table.sem())


def select(lines: pd.DataFrame, shots: str, tables: object) -> pd.DataFrame:
    """Accuracies of these tables: a line for each table and draw, a column for each method."""
    wanted = lines[(lines["shots"] == shots) & lines["table"].isin(list(tables))]
    return wanted.pivot(index=["table", "draw"], columns="method", values="accuracy")


def subtract(accuracies: pd.DataFrame, one: str, other: str) -> Difference:
    """Compare two columns of `select`."""
    by_table = (accuracies[one] - accuracies[other]).groupby(level="table", sort=False)
    return Difference(by_table.mean().round(_DECIMALS), by_table.sem())


def table_means(accuracies: pd.DataFrame) -> pd.DataFrame:
    """Mean over draws: a line for each table, a column for each method.

    What was measured on some draws only (`--trained-draws`) is held against the mean of the other
    methods on these, so that it does not matter whether they were the easy ones.
    """
    others = accuracies.loc[:, accuracies.notna().all()].mean(axis=1)
    gaps = accuracies.sub(others, axis=0).groupby(level="table").mean()
    return gaps.add(others.groupby(level="table").mean(), axis=0)


def summarise(accuracies: pd.DataFrame) -> pd.DataFrame:
    """Mean accuracy of each method with its standard errors, the best first.

    Parameters
    ----------
    accuracies : DataFrame
        As `select` makes it.

    Returns
    -------
    summary : DataFrame
        Indexed by method: "accuracy", "se_tables", "behind" (the best), "se_behind" (paired over
        draws).
    """
    by_table = table_means(accuracies)
    summary = pd.DataFrame({"accuracy": by_table.mean(), "se_tables": by_table.sem()})
    summary = summary.sort_values("accuracy", ascending=False, kind="stable")
    best = summary.index[0]
    behind = [subtract(accuracies, best, method) for method in summary.index]
    summary["behind"] = [difference.mean for difference in behind]
    summary["se_behind"] = [difference.se_draws for difference in behind]
    return summary


def check_aims(lines: pd.DataFrame) -> list[Target]:
    """Compare what was measured with the aims; what was not measured is left out."""
    groups = {"2 to 5 classes": FEW_CLASSES, **{name: [name] for name in MANY_CLASSES}}
    aims = []
    for group, tables in groups.items():
        accuracies = select(lines, FEWEST_SHOTS, tables)
        ours = [name for name in _metric_methods() if name in accuracies]
        if ours:
            aims.append(_is_best(accuracies, ours, f"{group}, {FEWEST_SHOTS} rows a class"))
    aims += [
        _beats_scratch(parts, name_of(kind, how))
        for how in (META, ADAPTED)
        for kind in KINDS
        if (parts := dict(gains(lines, kind, how, SCRATCH)))
    ]
    all_rows = select(lines, ALL, (*FEW_CLASSES, *MANY_CLASSES))
    if FOREST in all_rows:
        aims += _near_forest(all_rows)
    return aims


def _metric_methods() -> list[str]:
    return [name_of(kind, how) for how in (META, ADAPTED) for kind in METRIC_KINDS]


def _is_best(accuracies: pd.DataFrame, ours: list[str], where: str) -> Target:
    summary = summarise(accuracies)
    own = summary.loc[ours].iloc[summary.loc[ours, "accuracy"].argmax()]
    is_first = own.name == summary.index[0]
    # Not one standard error of zero: the best is behind nothing.
    measured = 0.0 if is_first else own["behind"] / own["se_behind"]
    return Target(
        f"{where}: best of Prototype and Matching, meta-trained, adapted or not, behind the best "
        "of all, in standard errors",
        measured,
        1.0,
        detail=f"{own.name} {own['accuracy']:.3f}; {summary.index[0]} "
        f"{summary['accuracy'].iloc[0]:.3f}; paired standard error {own['se_behind']:.4f}",
    )


def gains(lines: pd.DataFrame, kind: str, how: str, other: str) -> Iterator[tuple[str, Difference]]:
    """One of `KINDS`, come about in one way, minus in another, for each number of shots."""
    one, base = name_of(kind, how), name_of(kind, other)
    for shots in lines.loc[lines["shots"] != ALL, "shots"].unique():
        accuracies = select(lines, shots, (*FEW_CLASSES, *MANY_CLASSES))
        if {one, base} <= set(accuracies):
            difference = subtract(accuracies, one, base)
            measured = difference.by_table.notna()
            if measured.any():
                yield shots, Difference(*(part[measured] for part in difference))


def _beats_scratch(parts: dict[str, Difference], name: str) -> Target:
    points = pd.concat({shots: part.by_table for shots, part in parts.items()})
    errors = pd.concat({shots: part.se_by_table for shots, part in parts.items()})
    shots, table = points.idxmin()
    clearly = int((points < -2 * errors).sum())
    return Target(
        f"{name}: above its from-scratch self, share of tables and shots",
        float((points > 0).mean()),
        1.0,
        at_least=True,
        detail=f"{int((points > 0).sum())} of {len(points)}, level on {int((points == 0).sum())}; "
        f"on {clearly} more than two standard errors below; mean {100 * points.mean():+.2f} "
        f"points; least {table}, {shots} rows a class: {100 * points.min():+.2f}",
    )


def _near_forest(accuracies: pd.DataFrame) -> Iterator[Target]:
    for kind in KINDS:
        for how in (META, TRAINED):
            if name_of(kind, how) not in accuracies:
                continue
            difference = subtract(accuracies, name_of(kind, how), FOREST)
            yield Target(
                f"all rows: {name_of(kind, how)}, minus {FOREST}, points",
                100 * difference.mean,
                -ALLOWED_POINTS,
                at_least=True,
                detail=f"standard error over tables {100 * difference.se_tables:.2f}, paired over "
                f"draws {100 * difference.se_draws:.2f}; least "
                f"{difference.by_table.idxmin()}: {100 * difference.by_table.min():+.2f}",
            )
