"""Do models of the same function on different samples get the same explanation?

A table is split into two samples, without a row in common, and rows to explain. A model of the
same kind is fitted on each sample, and each explainer explains the same rows of both, with a
background from the model's own sample. How alike two explanations are is the cosine of the columns'
mean absolute values (`metrics.consistency`), and the mean over rows of the cosine of their values.
The first model is also explained twice with other seeds: there only the explainer can differ.

``python benchmarks/consistency.py`` takes less than ten minutes on one core, ``--quick`` one, and
writes ``docs/benchmarks/consistency.md``.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from itertools import product
from pathlib import Path
from time import monotonic
from typing import Any

import pandas as pd
import torch
from consistency_explainers import (
    LARGE,
    MEASURES,
    MODELS,
    N_BACKGROUND,
    OTHER_SAMPLE,
    OTHER_SEED,
    RIVALS,
    compare_posthoc,
    compare_selfexplaining,
    draw_samples,
)
from report import _lines, _target_lines
from targets import Target
from threadpoolctl import threadpool_limits

N_ROWS = 50
#: Each table with half of the models, by turns.
PAIRS = tuple(
    (table, model)
    for position, table in enumerate(
        ("iris", "wine", "breast_cancer", "digits", "hastie", "classification")
    )
    for model in (("forest", "svm"), ("mlp", "hist boosting"))[position % 2]
)
QUICK_PAIRS = (("iris", "forest"), ("classification", "svm"))


def measure(pairs: tuple[tuple[str, str], ...], n_rows: int = N_ROWS) -> pd.DataFrame:
    """Compare on every table and model: a line for each explainer and what was changed."""
    lines: list[dict[str, Any]] = []
    for table, model in pairs:
        start = monotonic()
        samples = draw_samples(table, n_rows)
        for line in compare_posthoc(samples, MODELS[model]):
            lines.append({"table": table, "model": model, **line})
        print(f"{table}/{model}: {monotonic() - start:.0f} s", file=sys.stderr, flush=True)
    for table in dict.fromkeys(table for table, _ in pairs):
        for line in compare_selfexplaining(draw_samples(table, n_rows)):
            lines.append({"table": table, "model": "itself", **line})
    return pd.DataFrame(lines)


def average(results: pd.DataFrame) -> pd.DataFrame:
    """Mean over tables and models, "mean", and standard error, "sem", a line for each explainer.

    Columns have three levels: what was changed, the measure, and which of the two.
    """
    order = results["explainer"].unique()
    groups = results.groupby(["explainer", "changed"])[list(MEASURES)]
    averages = groups.agg(["mean", "sem"]).unstack("changed")
    return averages.reorder_levels([2, 0, 1], axis=1).reindex(order)


def check_aims(results: pd.DataFrame) -> list[Target]:
    """MetaExplainer's cosines minus those of LIME and KernelSHAP, on the same models."""
    wide = results.pivot(
        index=["table", "model"], columns=["changed", "explainer"], values=list(MEASURES)
    )
    aims = []
    for changed, measure_name, rival in product((OTHER_SAMPLE, OTHER_SEED), MEASURES, RIVALS):
        both = wide[measure_name][changed][[LARGE, rival]].dropna()
        more = both[LARGE] - both[rival]
        aims.append(
            Target(
                f"{changed}, {MEASURES[measure_name]}: {LARGE} minus {rival}",
                float(more.mean()),
                0.0,
                at_least=True,
                detail=f"{both[LARGE].mean():.3f} and {both[rival].mean():.3f}; paired standard "
                f"error {more.sem():.3f}; higher on {int((more > 0).sum())} of {len(more)}",
            )
        )
    return aims


def _shown(results: pd.DataFrame) -> pd.DataFrame:
    averages = average(results)
    shown = pd.DataFrame(index=averages.index)
    compared = results[results["changed"] == OTHER_SAMPLE]
    shown["pairs of models"] = compared["explainer"].value_counts()
    for changed, measure_name in product((OTHER_SAMPLE, OTHER_SEED), MEASURES):
        both = averages[changed][measure_name]
        texts = both["mean"].map("{:.3f}".format) + " ± " + both["sem"].map("{:.3f}".format)
        shown[f"{changed}: {MEASURES[measure_name]}"] = texts.where(both["mean"].notna(), "")
    return shown.reset_index()


def make_page(results: pd.DataFrame, minutes: float) -> str:
    """Write the page."""
    compared = results[results["changed"] == OTHER_SAMPLE]
    by_task = compared.pivot(index="explainer", columns=["table", "model"], values="importances")
    by_task.columns = ["/".join(task) for task in by_task.columns]
    introduction = f"""\
Made by `python benchmarks/consistency.py`. A table is split into two samples and {N_ROWS} rows to
explain, with no row in common. Two models of the same kind, one of each sample, are explained on
the same rows, with {N_BACKGROUND} background rows of their own sample ("{OTHER_SAMPLE}"); and the
first model twice with other seeds and the same background ("{OTHER_SEED}"). Cosines of the columns'
mean absolute values for the predicted class, and of each row's values for the class that the first
model predicts: 1 is the same. Means over tables and models ± standard errors.

Models of different samples do differ, so exact Shapley values are not the same either: an explainer
that is above them has smoothed away differences that there are. Numbers after a name are model
evaluations; MetaExplainer spends them once, the others on every row. The classifiers at the end of
the table explain themselves and are compared on the tables alone."""
    sections = [
        "# Consistency across samples",
        introduction,
        _lines(_shown(results)),
        "## Aims",
        "Differences on the same models; positive: MetaExplainer's explanations are more alike.",
        _lines(_target_lines(check_aims(results))),
        f"## By table and model: {OTHER_SAMPLE}, {MEASURES['importances']}",
        _lines(by_task.reindex(compared["explainer"].unique()).reset_index()),
        f"Took {minutes:.0f} minutes.",
    ]
    return "\n\n".join(sections) + "\n"


def main(arguments: list[str] | None = None) -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="two tables and models")
    parser.add_argument("--out", type=Path, default=Path("docs/benchmarks"), help="folder")
    options = parser.parse_args(arguments)
    start = monotonic()
    torch.set_num_threads(1)
    with threadpool_limits(1), warnings.catch_warnings():
        # With few evaluations KernelSHAP has few coalitions: meant.
        warnings.filterwarnings("ignore", message="Linear regression equation is singular")
        results = measure(QUICK_PAIRS if options.quick else PAIRS)
    page = make_page(results, (monotonic() - start) / 60)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "consistency.md").write_text(page)
    print(page)


if __name__ == "__main__":
    main()
