"""The results as one page of markdown."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from boosted import BOOSTED
from fastshap import FASTSHAP
from interval_coverage import LEVELS, summarise_coverage
from leverage import LEVERAGE
from libraries import KERNEL, LIME, PERMUTATION
from measures import Target, average, geometric_mean, side_by_side, split_by_truth
from parts import (
    DEFAULT,
    DEFAULT_STACK,
    FIXED_STACK,
    LEARNED,
    NETWORKS,
    SEARCHED,
    STACK,
    TREES,
    UNTRAINED,
    WITHOUT_NETWORKS,
)
from pictures import Picture
from sealed import SEALED
from shapiq_peers import SHAPIQ
from surrogates import AVERAGE
from tables import TABLE_NAMES, load_table
from targets import BUDGET
from tasks import N_BACKGROUND
from wheels import Unavailable
from whole import FAST, META, ONE_ROUND

_PARTS = (TREES, NETWORKS, DEFAULT, SEARCHED, LEARNED, WITHOUT_NETWORKS, STACK, ONE_ROUND)
_MAIN = (META, FAST, BOOSTED, AVERAGE, FASTSHAP, UNTRAINED, KERNEL, LEVERAGE, SHAPIQ[0])
_MAIN += (PERMUTATION, LIME)
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


def make_report(
    results: pd.DataFrame,
    timings: pd.DataFrame,
    targets: Sequence[Target],
    *,
    sealed: pd.DataFrame | None = None,
    sealed_targets: Sequence[Target] = (),
    pictures: Sequence[Picture] = (),
) -> str:
    """Write all tables.

    Parameters
    ----------
    results : DataFrame
        Lines of `measures.record`.
    timings : DataFrame
        Lines of `speed.measure_speed`.
    targets : sequence of Target
    sealed : DataFrame, default=None
        Lines of the sealed tables.
    sealed_targets : sequence of Target
        What these show.
    pictures : sequence of Picture
        Shown by their file names.
    """
    sections = ["# Benchmark", _introduction(results)]
    sections += [f"![{picture.text}]({picture.name})" for picture in pictures]
    sections += _sections(results)
    if len(timings):
        sections += [
            "## Explaining 1,000 rows of a forest of 100 trees, 10 columns",
            "TreeExplainer is exact and needs no evaluations, but it explains bare trees only: no "
            "Pipeline around them, no calibration, no other model. It stands apart.",
            _lines(_speed_lines(timings)),
        ]
    sections += ["## Targets", _lines(_target_lines(targets))]
    if sealed is not None and len(sealed):
        sections += [
            "## Sealed tables",
            "A third of the tables, chosen by the hashes of the names of those that were never "
            "looked at before, run once with `--sealed`.",
            _list_tables(sealed),
            *(section.replace("## ", "### ", 1) for section in _sections(sealed)),
            "### Targets on sealed tables",
            _lines(_target_lines(sealed_targets)),
        ]
    else:
        sections += [
            "## Sealed tables",
            f"Not run: {', '.join(SEALED)} (`python benchmarks/run.py --sealed`).",
        ]
    return "\n\n".join(sections) + "\n"


def _sections(results: pd.DataFrame) -> list[str]:
    """All tables of the results of some tasks."""
    results, sampled = split_by_truth(results)
    if not len(results):
        return _sampled_truths(sampled)
    averages = average(results)
    is_part = averages["method"].isin(_PARTS)
    coverage = summarise_coverage(results)
    return [
        "## Whole methods",
        _lines(averages[~is_part][list(_COLUMNS)].rename(columns=_COLUMNS)),
        "## Parts of MetaExplainer alone",
        "All see the same evaluations, none of them chosen, and the gap to the prediction is "
        "closed for all.",
        _lines(
            averages[is_part][[*_COLUMNS, "seconds_kernel"]]
            .drop(columns=["budget", "evaluations"])
            .rename(columns={**_COLUMNS, "seconds_kernel": "of which kernel"})
        ),
        "## What each part is worth",
        "Ratio of errors for each task, geometric mean: below 1 it helps. Corrector and kernel are "
        "meta-trained; the networks are not, but the kernel tells them which columns matter.",
        _lines(_ablations(results)),
        "## Mean error by model",
        _lines(_by_model(results)),
        "## Mean error by table",
        _lines(_by_table(results)),
        *_coverage_section(coverage),
        *_sampled_truths(sampled),
    ]


def _coverage_section(coverage: pd.DataFrame) -> list[str]:
    if not len(coverage):
        return []
    lines = []
    for names, group in coverage.groupby(["method", "n_support", "budget"], sort=False):
        line = dict(zip(("method", "evaluations at fit", "a row"), names, strict=True))
        for level, (_, one) in zip(LEVELS, group.iterrows(), strict=True):
            line[f"{level}%"] = f"{one['mean']:.3f} ({one['low']:.3f} to {one['high']:.3f})"
        lines.append(line)
    return [
        "## Do intervals hold the truth?",
        "Share of values (a row and a column) whose truth is within the interval of a level: mean "
        "of tasks, and the tenth to the ninetieth percentile of tasks.",
        _lines(pd.DataFrame(lines)),
    ]


def _sampled_truths(results: pd.DataFrame) -> list[str]:
    """Results on tables of many columns, and how far their truths are to be trusted."""
    if not len(results):
        return []
    tasks = results.groupby("task", sort=False)
    table = tasks.agg(truth=("truth_error", "first"), least=("error", "min")).reset_index()
    table["share"] = table["truth"] / table["least"]
    names = {"truth": "error of the truth", "least": "least error of a method"}
    return [
        "## Many columns: the truth is sampled",
        "Not in any mean above. Expected relative error of the truth itself, from the standard "
        "errors of its permutations; a share below 0.1 leaves the comparison as it is.",
        _lines(table.rename(columns=names)),
        _lines(average(results)[list(_COLUMNS)].rename(columns=_COLUMNS)),
    ]


def _list_tables(results: pd.DataFrame) -> str:
    used = {name.split("/")[0] for name in results.get("task", [])}
    lines = []
    for name in TABLE_NAMES:
        if name not in used:
            continue
        try:
            table = load_table(name)
        except Unavailable as error:
            lines.append(f"- {name}: {error}")
            continue
        n_rows, n_columns = table.X.shape
        lines.append(f"- {name}: {n_rows:,} rows, {n_columns} columns ({table.columns})")
    return "\n".join(lines)


def _introduction(results: pd.DataFrame) -> str:
    n_rows = int(results["n_rows"].max()) if len(results) else 0
    return f"""\
Made by `python benchmarks/run.py`. Error: squared distance of a task's Shapley values to the
enumerated ones over the squared size of these (`metrics.shapley_error`), all outputs together, of a
binary classifier the probability of `classes_[1]`; {n_rows} rows a task, held out from the model's
training. {N_BACKGROUND} background rows, the same for every method. Columns and rows were chosen by
position or a fixed seed. Seconds are CPU seconds on one thread,
extrapolated from the explained rows, the model's own included; seconds to fit are without the
model's. Freed memory is kept, so that the operating system's seconds are not among them.

KernelSHAP with {N_BACKGROUND} background rows a coalition has 4, 32 and 64 coalitions at 100, 800
and 1,600 evaluations (at 100 its regression is singular: what shap returns is shown), and with 1
background row as many as evaluations, or all coalitions and more background rows. Permutation is
left out where the evaluations do not allow one permutation: compare its number of tasks. LIME's
coefficients do not estimate Shapley values. The search for a kernel reads 700 evaluations at most;
beyond 2,048 that of 2,048 is taken over. Surrogates, and the parts of MetaExplainer, learn from as
many hybrids as MetaExplainer asks about, drawn as the first half of its own are (it chooses the
second itself), and are explained exactly, with the gap closed as MetaExplainer closes it; FastSHAP
spends as many evaluations in its own way.

{_list_tables(results)}"""


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
        return f"{value:,.0f}" if 1000 <= abs(value) < 1e6 else f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _ablations(results: pd.DataFrame) -> pd.DataFrame:
    pairs = (
        ("evaluations: half of them chosen / all drawn", META, ONE_ROUND),
        ("corrector: with / without", ONE_ROUND, STACK),
        ("networks: with / without", STACK, WITHOUT_NETWORKS),
        ("kernel: meta-trained / default", LEARNED, DEFAULT),
        ("kernel: meta-trained / likelihood search", LEARNED, SEARCHED),
        ("meta-trained / pretrained=None, n_rounds=1", ONE_ROUND, UNTRAINED),
        (
            "meta-trained / stack with the default kernel, both with n_rounds=1",
            ONE_ROUND,
            DEFAULT_STACK,
        ),
        (
            "meta-trained / stack with the default kernel and its lengths, both with n_rounds=1",
            ONE_ROUND,
            FIXED_STACK,
        ),
        (f"{BUDGET} evaluations of each row / none", META, META),
    )
    lines = []
    for n_support in sorted(set(results["n_support"]) - {0}):
        for text, one, other in pairs:
            at = {"n_support": n_support, "budget": 0}
            # Where a method stands beside itself, the one has asked about rows.
            more = {**at, "budget": BUDGET if one == other else 0}
            both = side_by_side(results, {"method": one, **more}, {"method": other, **at})
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
    wanted = results[results["method"].isin(_MAIN)]
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
