"""The few-shot results as one page of markdown."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
from few_shot_compare import (
    ALLOWED_POINTS,
    check_aims,
    gains,
    select,
    subtract,
    summarise,
    table_means,
)
from few_shot_draws import ALL, MOST_CELLS, MOST_TEST
from few_shot_methods import (
    ADAPTED,
    FOREST,
    KINDS,
    META,
    SCRATCH,
    SCRATCH_EPOCHS,
    TABLE_EPOCHS,
    how_of,
)
from few_shot_tables import FEW_CLASSES, MANY_CLASSES, TABLES, load_table
from report import _lines, _target_lines


def make_page(lines: pd.DataFrame) -> str:
    """Write the page.

    Parameters
    ----------
    lines : DataFrame
        Lines of `few_shot_draws.measure_draw`, and which "weights" were used.
    """
    sections = ["# Few labelled rows", _introduction(lines)]
    if len(lines):
        sections += ["## Aims", _lines(_target_lines(check_aims(lines)))]
        sections += [part for shots in _shots_of(lines) for part in _few_rows(lines, shots)]
        sections += _gains(lines)
        sections += _all_rows(lines)
    return "\n\n".join(sections) + "\n"


def _introduction(lines: pd.DataFrame) -> str:
    used = [name for name in TABLES if name in set(lines.get("table", []))]
    listed = "\n".join(_describe(name) for name in used)
    few = lines[lines["shots"] != ALL] if len(lines) else lines
    n_draws = few["draw"].nunique() if len(few) else 0
    weights = ", ".join(sorted(set(lines.get("weights", []))))
    return f"""\
Made by `python benchmarks/few_shot.py`; weights: {weights}. Each class gives 5 or 20 rows, drawn
anew {n_draws} times ({_draws_of(few)}); judged is the accuracy on
at most {MOST_TEST} of the other rows. All methods see the same rows. "Meta-trained" reads the rows
in context; "from scratch" is a network of the same size, trained on these rows alone for at most
{SCRATCH_EPOCHS} epochs with the classifier's own
early stopping, and nothing pretrained; "meta-trained and adapted" is trained in the same way
from the meta-trained weights on. The usual classifiers are scikit-learn's with its
defaults, columns scaled, of mixed tables strings one-hot encoded and missing values filled in.
None of the tables comes from the prior of the meta-training; classes, columns and seeds were fixed
beforehand.

Where a method was measured on some of the draws only, "accuracy", also by table, is adjusted for
those that were not run: it is the mean over all draws of the methods that were measured on all of
them, and what the method is ahead of or behind these on its own draws. "behind", the points and
their standard errors compare two methods on the draws that both saw, and nothing is adjusted.

"se, tables" is the standard error of a mean over tables. "behind" is how far a method is behind the
best, with its standard error paired over draws, for these tables: the aims are judged by this one,
with many draws the stricter of the two. Seconds are CPU seconds to fit and to predict on one
thread; where methods were measured at different times, they are of unlike machines.

{listed}"""


def _draws_of(lines: pd.DataFrame) -> str:
    """On how many draws methods were measured, by how they came about."""
    if not len(lines):
        return "none"
    counts = lines["draw"].groupby(lines["method"].map(how_of)).nunique()
    return ", ".join(f"{how} {count}" for how, count in counts.items())


def _describe(name: str) -> str:
    table = load_table(name)
    return f"- {name}: {len(table.y)} rows, {table.X.shape[1]} columns, {table.n_classes} classes"


def _shots_of(lines: pd.DataFrame) -> list[str]:
    return sorted(set(lines["shots"]) - {ALL}, key=int)


def _few_rows(lines: pd.DataFrame, shots: str) -> Iterator[str]:
    accuracies = select(lines, shots, FEW_CLASSES)
    if len(accuracies):
        yield f"## {shots} rows a class, 2 to 5 classes"
        yield _lines(_summary(lines, shots, accuracies))
        yield f"### By table, {shots} rows a class"
        yield _lines(_by_table(accuracies))
    for name in MANY_CLASSES:
        accuracies = select(lines, shots, [name])
        if len(accuracies):
            yield f"## {name}, {shots} rows a class"
            yield _lines(_summary(lines, shots, accuracies).drop(columns="se, tables"))


def _summary(lines: pd.DataFrame, shots: str, accuracies: pd.DataFrame) -> pd.DataFrame:
    summary = summarise(accuracies)
    shown = lines[(lines["shots"] == shots) & lines["table"].isin(accuracies.index.unique("table"))]
    summary["seconds"] = shown.groupby("method")["seconds"].mean()
    columns = {"se_tables": "se, tables", "se_behind": "se, paired over draws"}
    return summary.rename(columns=columns).rename_axis("method").reset_index()


def _by_table(accuracies: pd.DataFrame) -> pd.DataFrame:
    means = table_means(accuracies)
    return means[summarise(accuracies).index].T.rename_axis("method").reset_index()


def _gains(lines: pd.DataFrame) -> Iterator[str]:
    for title, how, other in (
        ("What meta-training is worth: points more than from scratch", META, SCRATCH),
        ("What adapting is worth: points more than in context", ADAPTED, META),
    ):
        cells: dict[str, dict[str, str]] = {}
        for kind in KINDS:
            for shots, part in gains(lines, kind, how, other):
                points, errors = 100 * part.by_table, 100 * part.se_by_table
                cells[f"{kind}, {shots}"] = {
                    "mean": f"{points.mean():+.1f} ({points.sem():.1f})",
                    **{name: f"{points[name]:+.1f} ({errors[name]:.1f})" for name in points.index},
                }
        if cells:
            yield f"## {title}"
            yield (
                "On the draws that both saw, with rows a class after the name; in brackets the "
                "standard error over draws, of the mean over tables."
            )
            frame = pd.DataFrame.from_dict(cells, orient="index").fillna("")
            yield _lines(frame.rename_axis("classifier").reset_index())


def _all_rows(lines: pd.DataFrame) -> Iterator[str]:
    accuracies = select(lines, ALL, (*FEW_CLASSES, *MANY_CLASSES))
    if FOREST not in accuracies:
        return
    every = lines[lines["shots"] == ALL]
    yield "## All rows"
    yield (
        "70% of the rows to learn from, 30% to judge, "
        f"{accuracies.index.unique('draw').size} splits ({_draws_of(every)}); of larger tables so "
        f'many rows that they have {MOST_CELLS:,} cells. "Meta-trained" reads them in context; '
        '"trained on the table" '
        f"adds at most {TABLE_EPOCHS} epochs to the meta-trained weights. Aim: within "
        f"{ALLOWED_POINTS:g} points of {FOREST} on average."
    )
    summary = _summary(lines, ALL, accuracies)
    points = []
    for method in summary["method"]:
        difference = subtract(accuracies, method, FOREST)
        points.append((100 * difference.mean, 100 * difference.se_tables))
    summary[f"points to {FOREST}"], summary["se of points, tables"] = zip(*points, strict=True)
    yield _lines(summary)
    yield "### By table, all rows"
    yield _lines(_by_table(accuracies))
