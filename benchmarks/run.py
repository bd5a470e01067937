"""Accuracy and speed of MetaExplainer, its parts and its peers where the truth is known.

``python benchmarks/run.py --quick`` takes a few minutes on one core, the whole run hours. Results
of each task are kept in ``runs/benchmark`` as soon as they are there, so that a stopped run is not
lost: ``--resume`` skips the tasks that are there with every chosen method. Slices may run side by
side: ``--tasks 0:30`` and ``--tasks 30:60``; then ``--tasks 0:0`` makes the report of all.

A third of the tables is sealed: ``--sealed`` runs these, and only these, once nothing is to be
changed any more. The report shows both, apart.
"""

from __future__ import annotations

import argparse
import ctypes
import sys
import warnings
from itertools import product
from pathlib import Path
from time import monotonic

import pandas as pd
import torch
from measures import record
from methods import BUDGETS, GROUPS, explain_all
from models import MODEL_NAMES
from pictures import draw_pictures
from report import make_report
from sealed import SEALED
from speed import measure_speed
from tables import TABLE_NAMES, load_table
from targets import check_targets
from tasks import make_task
from threadpoolctl import threadpool_limits
from wheels import Unavailable

Names = tuple[tuple[str, str], ...]

TASKS: Names = tuple(product([name for name in TABLE_NAMES if name not in SEALED], MODEL_NAMES))
SEALED_TASKS: Names = tuple(product(SEALED, MODEL_NAMES))
QUICK_TASKS: Names = (
    ("iris", "forest"),
    ("moons", "svm"),
    ("breast_cancer", "boosting"),
    ("friedman1", "mlp"),
)
N_SUPPORT, QUICK_N_SUPPORT = (512, 2048, 8192), (512, 2048)
QUICK_PEER_BUDGETS = (100, 1600)
N_ROWS, QUICK_N_ROWS = 24, 8


def warm_up(pretrained: str, groups: set[str]) -> None:
    """Import and compile what groups of methods need, so that no task pays for it."""
    task = make_task(load_table("iris"), "bayes", 2)
    for _ in explain_all(task, groups - {"speed"}, (128,), pretrained):
        pass


def merge(path: Path, new: pd.DataFrame) -> None:
    """Write results of a task; those of methods that were not run again stay."""
    if path.exists():
        old = pd.read_csv(path)
        keys = ["method", "n_support", "budget"]
        again = pd.MultiIndex.from_frame(old[keys]).isin(pd.MultiIndex.from_frame(new[keys]))
        new = pd.concat([old[~again], new])
    new.to_csv(path, index=False)


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="few tasks, rows and evaluations")
    parser.add_argument(
        "--sealed", action="store_true", help="run the sealed tables instead of the others"
    )
    parser.add_argument(
        "--resume", action="store_true", help="only what is not in the kept results yet"
    )
    parser.add_argument(
        "--out", type=Path, help="folder of the report; default docs/benchmarks, if quick runs/..."
    )
    parser.add_argument(
        "--tasks", default=":", help="slice a:b of the tasks; the first also brings the speed"
    )
    parser.add_argument("--methods", nargs="+", choices=GROUPS, default=list(GROUPS))
    parser.add_argument(
        "--n-support", nargs="+", type=int, help="evaluations at fit; default: 512 2048 8192"
    )
    parser.add_argument("--pretrained", default="default", help="weights: a name or a file")
    options = parser.parse_args(arguments)
    if options.quick and options.sealed:
        parser.error("a quick run is for looking at often, sealed tables are not")
    options.kept = Path("runs/benchmark-quick" if options.quick else "runs/benchmark")
    if options.out is None:
        options.out = options.kept if options.quick else Path("docs/benchmarks")
    options.tasks = slice(*(int(part) if part else None for part in options.tasks.split(":")))
    return options


def measure(options: argparse.Namespace, tasks: Names) -> None:
    """Run the chosen methods on the chosen tasks, one by one, and keep what comes out."""
    chosen, groups = tasks[options.tasks], set(options.methods)
    timings_path = options.kept / "speed.csv"
    if len(chosen) == len(tasks) and groups == set(GROUPS) and not options.resume:
        for table, model in tasks:
            (options.kept / f"{table}-{model}.csv").unlink(missing_ok=True)
    if chosen:
        warm_up(options.pretrained, groups)
    for position, (table_name, model_name) in enumerate(chosen, start=1):
        start = monotonic()
        path = options.kept / f"{table_name}-{model_name}.csv"
        left = groups - {"speed"} - (groups_in(path) if options.resume else set())
        if left:
            try:
                measure_task(path, table_name, model_name, left, options)
            except Unavailable as error:
                print(f"{table_name} is left out: {error}", file=sys.stderr, flush=True)
                continue
        timed = options.resume and timings_path.exists()
        if "speed" in groups and (table_name, model_name) == TASKS[0] and not timed:
            pd.DataFrame(measure_speed(options.pretrained)).to_csv(timings_path, index=False)
        seconds = monotonic() - start
        done = f"{position}/{len(chosen)} {table_name}/{model_name}: {seconds:.0f} s"
        print(done, file=sys.stderr, flush=True)


def measure_task(
    path: Path, table_name: str, model_name: str, groups: set[str], options: argparse.Namespace
) -> None:
    """Run groups of methods on one task and add what comes out to what is kept of it."""
    n_rows = QUICK_N_ROWS if options.quick else N_ROWS
    n_support = tuple(options.n_support or (QUICK_N_SUPPORT if options.quick else N_SUPPORT))
    peer_budgets = QUICK_PEER_BUDGETS if options.quick else BUDGETS
    task = make_task(load_table(table_name), model_name, n_rows)
    results = explain_all(task, groups, n_support, options.pretrained, peer_budgets)
    merge(path, pd.DataFrame([record(task, result) for result in results]))


def groups_in(path: Path) -> set[str]:
    """Groups of methods of which results are kept."""
    if not path.exists():
        return set()
    kept = pd.read_csv(path)
    return set(kept["group"].dropna()) if "group" in kept else set()


def collect(kept: Path, tasks: Names) -> pd.DataFrame:
    """Results that are kept of tasks, in the order of the tasks and of the groups of methods."""
    paths = [kept / f"{table}-{model}.csv" for table, model in tasks]
    frames = [_in_order(pd.read_csv(path)) for path in paths if path.exists()]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def _in_order(results: pd.DataFrame) -> pd.DataFrame:
    """Results of a task in the order in which one run makes them; merging may have changed it."""
    groups = pd.Categorical(results["group"], GROUPS).codes if "group" in results else 0
    learns_first = results["n_support"].where(results["n_support"] > 0, float("inf"))
    order = results.assign(at_fit=learns_first, place=groups).sort_values(
        ["at_fit", "place"], kind="stable"
    )
    return results.loc[order.index]


def report(options: argparse.Namespace) -> str:
    """Collect what was kept, write the tables and draw the pictures, return the page."""
    results = collect(options.kept, QUICK_TASKS if options.quick else TASKS)
    sealed = pd.DataFrame() if options.quick else collect(options.kept, SEALED_TASKS)
    timings_path = options.kept / "speed.csv"
    timings = pd.read_csv(timings_path) if timings_path.exists() else pd.DataFrame()
    options.out.mkdir(parents=True, exist_ok=True)
    pictures = draw_pictures(results, options.out)
    page = make_report(
        results,
        timings,
        check_targets(results, timings),
        sealed=sealed,
        sealed_targets=check_targets(sealed, pd.DataFrame()),
        pictures=pictures,
    )
    both = [frame.assign(sealed=at) for at, frame in enumerate((results, sealed)) if len(frame)]
    written = pd.concat(both, ignore_index=True) if both else results
    written.to_csv(options.out / "results.csv", index=False, float_format="%.6g")
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
    tasks = QUICK_TASKS if options.quick else SEALED_TASKS if options.sealed else TASKS
    keep_memory()
    torch.set_num_threads(1)
    with threadpool_limits(1), warnings.catch_warnings():
        # At 100 evaluations KernelSHAP has four coalitions: meant.
        warnings.filterwarnings("ignore", message="Linear regression equation is singular")
        measure(options, tasks)
    print(report(options))


if __name__ == "__main__":
    main()
