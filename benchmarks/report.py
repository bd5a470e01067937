"""The results as one page of markdown."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from boosted import BOOSTED
from libraries import KERNEL, LIME, PERMUTATION
from measures import average, geometric_mean, side_by_side
from parts import DEFAULT, LEARNED, SEARCHED, STACK, TREES, UNTRAINED
from tables import TABLE_NAMES, load_table
from targets import Target
from tasks import N_BACKGROUND
from whole import META

_PARTS = (TREES, DEFAULT, SEARCHED, LEARNED, STACK)
_COLUMNS = {
    "method": "method",
    "n_support": "evaluations at fit",
    "budget": "allowed a row",
    "evaluations": "made a row",
    "mean": "mean error",
    "median": "median",
    "geometric": "geometric mean",
    "tasks": "tasks",
    "seconds_per_1000": "s per 1,000 rows",
    "seconds_fit": "s to fit",
}


def make_report(results: pd.DataFrame, timings: pd.DataFrame, targets: Sequence[Target]) -> str:
    """Write all tables.

    Parameters
    ----------
    results : DataFrame
        Lines of `measures.record`.
    timings : DataFrame
        Lines of `speed.measure_speed`.
    targets : sequence of Target
    """
    sections = ["# Benchmark", _introduction(results)]
    if len(results):
        averages = average(results)
        is_part = averages["method"].isin(_PARTS)
        sections += [
            "## Whole methods",
            _lines(averages[~is_part][list(_COLUMNS)].rename(columns=_COLUMNS)),
            "## Parts of MetaExplainer alone",
            "All see the same evaluations, and the gap to the prediction is closed for all.",
            _lines(
                averages[is_part][[*_COLUMNS, "seconds_kernel"]]
                .drop(columns=["budget", "evaluations"])
                .rename(columns={**_COLUMNS, "seconds_kernel": "of which kernel"})
            ),
            "## What is meta-trained, against its ablation",
            "Ratio of errors for each task, geometric mean: below 1 it helps.",
            _lines(_ablations(results)),
            "## Mean error by model",
            _lines(_by_model(results)),
            "## Mean error by table",
            _lines(_by_table(results)),
        ]
    if len(timings):
        sections += [
            "## Explaining 1,000 rows of a forest of 100 trees, 10 columns",
            _lines(_speed_lines(timings)),
        ]
    sections += ["## Targets", _lines(_target_lines(targets))]
    return "\n\n".join(sections) + "\n"


def _introduction(results: pd.DataFrame) -> str:
    used = {name.split("/")[0] for name in results.get("task", [])}
    tables = [load_table(name) for name in TABLE_NAMES if name in used]
    listed = "\n".join(
        f"- {table.name}: {len(table.X)} rows, {table.X.shape[1]} columns ({table.columns})"
        for table in tables
    )
    n_rows = int(results["n_rows"].max()) if len(results) else 0
    return f"""\
Made by `python benchmarks/run.py`. Error: squared distance of a task's Shapley values to the
enumerated ones over the squared size of these (`metrics.shapley_error`), all outputs together, of a
binary classifier the probability of `classes_[1]`; {n_rows} rows a task, held out from the model's
training. {N_BACKGROUND} background rows, the same for every method. Columns and rows were chosen by
position or a fixed seed; nothing was tuned on these tables. Seconds are CPU seconds on one thread,
extrapolated from the explained rows, the model's own included; seconds to fit are without the
model's. Freed memory is kept, so that the operating system's seconds are not among them.

KernelSHAP with {N_BACKGROUND} background rows a coalition has 4, 32 and 64 coalitions at 100, 800
and 1,600 evaluations (at 100 its regression is singular: what shap returns is shown), and with 1
background row as many as evaluations, or all coalitions and more background rows. Permutation is
left out where the evaluations do not allow one permutation: compare its number of tasks. LIME's
coefficients do not estimate Shapley values. The search for a kernel reads 700 evaluations at most;
beyond 2,048 that of 2,048 is taken over.

{listed}"""


def _lines(frame: pd.DataFrame) -> str:
    """Markdown table; numbers to three digits."""
    header = [str(column) for column in frame.columns]
    cells = [[_cell(value) for value in line] for line in frame.itertuples(index=False)]
    rows = [header, ["-"] * len(header), *cells]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _cell(value: object) -> str:
    if isinstance(value, float):
        if pd.isna(value):
            return ""
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _ablations(results: pd.DataFrame) -> pd.DataFrame:
    pairs = (
        ("corrector: with / without", META, STACK),
        ("kernel: meta-trained / default", LEARNED, DEFAULT),
        ("kernel: meta-trained / likelihood search", LEARNED, SEARCHED),
        ("all: MetaExplainer / pretrained=None", META, UNTRAINED),
    )
    lines = []
    for n_support in sorted(set(results["n_support"]) - {0}):
        for text, one, other in pairs:
            at = {"n_support": n_support, "budget": 0}
            both = side_by_side(results, {"method": one, **at}, {"method": other, **at})
            if len(both):
                lines.append(
                    {
                        "comparison": text,
                        "evaluations at fit": n_support,
                        "ratio": geometric_mean(both["one"] / both["other"]),
                        "lower on": f"{(both['one'] < both['other']).sum()} of {len(both)} tasks",
                        "mean error": both["one"].mean(),
                        "against": both["other"].mean(),
                    }
                )
    return pd.DataFrame(lines)


def _main_methods(results: pd.DataFrame) -> pd.DataFrame:
    wanted = results[results["method"].isin((META, BOOSTED, UNTRAINED, KERNEL, PERMUTATION, LIME))]
    name = (
        wanted["method"]
        + ", "
        + wanted["n_support"].where(wanted["n_support"] > 0, wanted["budget"]).astype(str)
    )
    extra = (wanted["n_support"] > 0) & (wanted["budget"] > 0)
    return wanted.assign(name=name + (" + " + wanted["budget"].astype(str)).where(extra, ""))


def _by_model(results: pd.DataFrame) -> pd.DataFrame:
    main = _main_methods(results)
    return _pivot(main, main["task"].str.split("/").str[1])


def _by_table(results: pd.DataFrame) -> pd.DataFrame:
    main = _main_methods(results)
    return _pivot(main, main["task"].str.split("/").str[0])


def _pivot(main: pd.DataFrame, group: pd.Series) -> pd.DataFrame:
    errors = main.groupby(["name", group], sort=False)["error"].mean().unstack()
    return errors.reset_index().rename(columns={"name": "method"})


def _speed_lines(timings: pd.DataFrame) -> pd.DataFrame:
    shown = timings[["method", "n_background", "n_timed", "seconds_per_1000"]]
    return shown.rename(
        columns={
            "n_background": "background rows",
            "n_timed": "rows timed",
            "seconds_per_1000": "s per 1,000 rows",
        }
    )


def _target_lines(targets: Sequence[Target]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "target": target.text,
                "measured": float(target.measured),
                "wanted": f"{'>=' if target.at_least else '<='} {target.limit:g}",
                "": "reached" if target.reached else "NOT reached",
                "detail": target.detail,
            }
            for target in targets
        ],
        columns=["target", "measured", "wanted", "", "detail"],
    )
