"""Accuracy and speed of MetaExplainer, its parts, shap and lime where the truth is known.

``python benchmarks/run.py --quick`` takes a few minutes on one core, the whole run about 40.
Results of each task are kept in ``runs/benchmark`` as soon as they are there, so that a stopped run
is not lost. Slices may run side by side: ``--tasks 0:30`` and ``--tasks 30:60``; then
``--tasks 0:0`` makes the report of all.
"""

from __future__ import annotations

import argparse
import ctypes
import sys
import warnings
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from time import monotonic

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
from threadpoolctl import threadpool_limits
from whole import explain_meta, fit_meta, support_of

GROUPS = ("meta", "parts", "boosted", "kernel", "kernel-one", "permutation", "lime", "speed")
TASKS = tuple(product(TABLE_NAMES, MODEL_NAMES))
QUICK_TASKS = (
    ("iris", "forest"),
    ("moons", "svm"),
    ("breast_cancer", "boosting"),
    ("friedman1", "mlp"),
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
        fitted = fit_meta(task, n_evaluations, pretrained)
        if "meta" in groups:
            for budget in (0, BUDGET):
                yield explain_meta(task, fitted, budget)
        support = support_of(task, fitted)
        if "parts" in groups:
            parts = Parts(task, fitted.explainer, support)
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
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="few tasks, rows and evaluations")
    parser.add_argument(
        "--out", type=Path, help="folder of the report; default docs/benchmarks, if quick runs/..."
    )
    parser.add_argument(
        "--tasks", default=":", help="slice a:b of the tasks; the first also brings the speed"
    )
    parser.add_argument("--methods", nargs="+", choices=GROUPS, default=list(GROUPS))
    parser.add_argument("--pretrained", default="default", help="weights: a name or a file")
    options = parser.parse_args(arguments)
    options.kept = Path("runs/benchmark-quick" if options.quick else "runs/benchmark")
    if options.out is None:
        options.out = options.kept if options.quick else Path("docs/benchmarks")
    options.tasks = slice(*(int(part) if part else None for part in options.tasks.split(":")))
    return options


def measure(options: argparse.Namespace, tasks: tuple[tuple[str, str], ...]) -> None:
    """Run the chosen methods on the chosen tasks, one by one, and keep what comes out."""
    chosen, groups = tasks[options.tasks], set(options.methods)
    timings_path = options.kept / "speed.csv"
    if len(chosen) == len(tasks) and groups == set(GROUPS):
        for path in options.kept.glob("*.csv"):
            path.unlink()
    if chosen:
        warm_up(options.pretrained)
    n_rows = QUICK_N_ROWS if options.quick else N_ROWS
    n_support = QUICK_N_SUPPORT if options.quick else N_SUPPORT
    for position, (table_name, model_name) in enumerate(chosen, start=1):
        start = monotonic()
        if groups != {"speed"}:
            task = make_task(load_table(table_name), model_name, n_rows)
            results = explain_all(task, groups, n_support, options.pretrained)
            lines = pd.DataFrame([record(task, result) for result in results])
            merge(options.kept / f"{table_name}-{model_name}.csv", lines)
        if "speed" in groups and (table_name, model_name) == tasks[0]:
            pd.DataFrame(measure_speed(options.pretrained)).to_csv(timings_path, index=False)
        seconds = monotonic() - start
        done = f"{position}/{len(chosen)} {table_name}/{model_name}: {seconds:.0f} s"
        print(done, file=sys.stderr, flush=True)


def report(options: argparse.Namespace, tasks: tuple[tuple[str, str], ...]) -> str:
    """Collect what was kept, write the tables, return the page."""
    paths = [options.kept / f"{table}-{model}.csv" for table, model in tasks]
    frames = [pd.read_csv(path) for path in paths if path.exists()]
    results = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()
    timings_path = options.kept / "speed.csv"
    timings = pd.read_csv(timings_path) if timings_path.exists() else pd.DataFrame()
    page = make_report(results, timings, check_targets(results, timings))
    options.out.mkdir(parents=True, exist_ok=True)
    results.to_csv(options.out / "results.csv", index=False)
    timings.to_csv(options.out / "timings.csv", index=False)
    (options.out / "README.md").write_text(page)
    return page


def keep_memory() -> None:
    """Let the C library keep freed memory, where it is glibc.

    Else it gives large arrays back at once, and where the system is slow to hand them out again,
    as in a container, this is what would be timed, most of all of the likelihood search.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return
    # M_MMAP_MAX, M_TRIM_THRESHOLD, M_TOP_PAD
    for parameter, value in ((-4, 0), (-1, 2**31 - 1), (-2, 2**26)):
        mallopt(parameter, value)


def main(arguments: list[str] | None = None) -> None:
    """Measure, keep, report."""
    options = parse(arguments)
    options.kept.mkdir(parents=True, exist_ok=True)
    tasks = QUICK_TASKS if options.quick else TASKS
    keep_memory()
    torch.set_num_threads(1)
    with threadpool_limits(1), warnings.catch_warnings():
        # At 100 evaluations KernelSHAP has four coalitions: meant.
        warnings.filterwarnings("ignore", message="Linear regression equation is singular")
        measure(options, tasks)
    print(report(options, tasks))


if __name__ == "__main__":
    main()
