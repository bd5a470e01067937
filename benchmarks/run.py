"""Accuracy and speed of MetaExplainer, its parts, shap and lime where the truth is known.

``python benchmarks/run.py --quick`` takes a few minutes on one core, the whole run about 40.
Results of each task are kept in ``OUT/partial`` as soon as they are there. Slices may run side by
side: ``--tasks 0:30`` and ``--tasks 30:60``; then ``--tasks 0:0`` makes the report of all.
"""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from time import monotonic

# Before numpy is imported: seconds are those of one thread.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_variable] = "1"

import pandas as pd
import torch
from boosted import explain_boosted
from libraries import explain_kernel, explain_kernel_one, explain_lime, explain_permutation
from measures import Result, record
from models import MODEL_NAMES
from parts import MOST_SEARCHED, Parts, explain_parts
from report import make_report
from speed import measure_speed
from tables import TABLE_NAMES, load_table
from targets import BUDGET, check_targets
from tasks import Task, make_task
from whole import explain_meta, fit_meta, support_of

GROUPS = ("meta", "parts", "boosted", "kernel", "kernel-one", "permutation", "lime", "speed")
TASKS = tuple(product(TABLE_NAMES, MODEL_NAMES))
QUICK_TASKS = (
    ("iris", "forest"),
    ("moons", "svm"),
    ("breast_cancer", "boosting"),
    ("friedman1", "mlp"),
    ("diabetes", "neighbours"),
)
N_SUPPORT, QUICK_N_SUPPORT = (512, 2048, 8192), (512, 2048)
BUDGETS = (100, 800, 1600)
N_ROWS, QUICK_N_ROWS = 24, 8


def explain_all(
    task: Task, groups: set[str], n_support: tuple[int, ...], pretrained: str
) -> Iterator[Result]:
    """Explain a task's rows by every method of the chosen groups."""
    search = None
    for n_evaluations in n_support if groups & {"meta", "parts", "boosted"} else ():
        explainer, seconds_fit = fit_meta(task, n_evaluations, pretrained)
        if "meta" in groups:
            for budget in (0, BUDGET):
                yield explain_meta(task, explainer, seconds_fit, budget)
        support = support_of(task, explainer)
        if "parts" in groups:
            parts = Parts(task, explainer, support)
            if search is None or n_evaluations <= MOST_SEARCHED:
                search = parts.search()
            yield from explain_parts(parts, pretrained, search)
        if "boosted" in groups:
            yield explain_boosted(task, support)
    by_budget = {
        "kernel": explain_kernel,
        "kernel-one": explain_kernel_one,
        "permutation": explain_permutation,
    }
    for group, explain in by_budget.items():
        for budget in BUDGETS if group in groups else ():
            result = explain(task, budget)
            if result is not None:
                yield result
    if "lime" in groups:
        yield explain_lime(task)


def warm_up(pretrained: str) -> None:
    """Import and compile everything, so that no task pays for it."""
    task = make_task(load_table("iris"), "bayes", 2)
    for _ in explain_all(task, set(GROUPS) - {"speed"}, (128,), pretrained):
        pass


def merge(path: Path, new: pd.DataFrame) -> None:
    """Write results of a task; those of methods that were not run again stay."""
    if path.exists():
        old = pd.read_csv(path)
        new = pd.concat([old[~old["method"].isin(new["method"])], new])
    new.to_csv(path, index=False)


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="few tasks, rows and evaluations")
    parser.add_argument(
        "--out",
        type=Path,
        default=None,
        help="folder; default docs/benchmarks, runs/quick if quick",
    )
    parser.add_argument(
        "--tasks", default=":", help="slice a:b of the tasks; the speed is measured where a is 0"
    )
    parser.add_argument("--methods", nargs="+", choices=GROUPS, default=list(GROUPS))
    parser.add_argument("--pretrained", default="default", help="weights: a name or a file")
    options = parser.parse_args(arguments)
    if options.out is None:
        options.out = Path("runs/benchmark-quick" if options.quick else "docs/benchmarks")
    options.tasks = slice(*(int(part) if part else None for part in options.tasks.split(":")))
    return options


def main(arguments: list[str] | None = None) -> None:
    """Measure, keep, report."""
    options = parse(arguments)
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore", message="Linear regression equation is singular")
    groups = set(options.methods)
    partial = options.out / "partial"
    partial.mkdir(parents=True, exist_ok=True)
    timings_path = options.out / "speed.csv"
    tasks = QUICK_TASKS if options.quick else TASKS
    chosen = tasks[options.tasks]
    if len(chosen) == len(tasks) and groups == set(GROUPS):
        for path in (*partial.glob("*.csv"), timings_path):
            path.unlink(missing_ok=True)
    if chosen:
        warm_up(options.pretrained)
    for position, (table_name, model_name) in enumerate(chosen, start=1):
        start = monotonic()
        n_rows = QUICK_N_ROWS if options.quick else N_ROWS
        task = make_task(load_table(table_name), model_name, n_rows)
        n_support = QUICK_N_SUPPORT if options.quick else N_SUPPORT
        results = explain_all(task, groups, n_support, options.pretrained)
        lines = [record(task, result) for result in results]
        if lines:
            merge(partial / f"{table_name}-{model_name}.csv", pd.DataFrame(lines))
        seconds = monotonic() - start
        print(f"{position}/{len(chosen)} {task.name}: {seconds:.0f} s", file=sys.stderr, flush=True)
    if "speed" in groups and chosen and chosen[0] == tasks[0]:
        pd.DataFrame(measure_speed(options.pretrained)).to_csv(timings_path, index=False)

    paths = [partial / f"{table}-{model}.csv" for table, model in tasks]
    frames = [pd.read_csv(path) for path in paths if path.exists()]
    results = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()
    timings = pd.read_csv(timings_path) if timings_path.exists() else pd.DataFrame()
    results.to_csv(options.out / "results.csv", index=False)
    targets = check_targets(results, timings) if len(results) else []
    page = make_report(results, timings, targets)
    (options.out / "README.md").write_text(page)
    print(page)


if __name__ == "__main__":
    main()
