"""Accuracy of the self-explaining classifiers with few labelled rows, and with all.

``python benchmarks/few_shot.py`` labels 5 and 20 rows of each class; ``--all-rows`` learns from 70%
of the tables instead. Both keep what they measure in ``runs/few-shot``, table by table, and write
``docs/benchmarks/few_shot.md`` and ``few_shot.csv`` from all that is kept there, so a stopped run
is not lost: ``--tables wine moons`` measures these again, ``--tables`` with no name only writes the
report. ``--how meta-trained`` measures only what came about so, and other lines stay as they are;
``--first-draw 4`` leaves the four draws before as they are. ``--quick`` takes minutes: three
tables, three draws.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from time import monotonic

import pandas as pd
from few_shot_draws import ALL, measure_draw
from few_shot_methods import ADAPTED, HOWS, SCRATCH, how_of
from few_shot_page import make_page
from few_shot_tables import TABLES, load_table
from joblib import Parallel, delayed

QUICK_TABLES = ("iris", "penguins", "moons")
N_DRAWS, N_SPLITS, QUICK_N_DRAWS = 20, 5, 3


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="few tables and draws")
    parser.add_argument("--all-rows", action="store_true", help="learn from 70%% of the rows")
    parser.add_argument("--tables", nargs="*", choices=TABLES, help="default: all")
    parser.add_argument(
        "--draws", type=int, help=f"of rows, default {N_DRAWS}; splits of all rows, {N_SPLITS}"
    )
    parser.add_argument("--first-draw", type=int, default=0, help="number of the first; default: 0")
    parser.add_argument(
        "--trained-draws",
        type=int,
        help="draws on which networks are also trained, from scratch and adapted, which takes most "
        "of the time; default: all",
    )
    parser.add_argument(
        "--how",
        nargs="+",
        choices=HOWS,
        default=list(HOWS),
        help="how the methods came about that are measured; default: all",
    )
    parser.add_argument("--n-jobs", type=int, default=1, help="processes, a draw each")
    parser.add_argument(
        "--weights", type=Path, help="folder of prototype.safetensors and others; default: shipped"
    )
    parser.add_argument(
        "--out", type=Path, help="folder of the report; default docs/benchmarks, if quick runs/..."
    )
    options = parser.parse_args(arguments)
    options.kept = Path("runs/few-shot-quick" if options.quick else "runs/few-shot")
    if options.out is None:
        options.out = options.kept if options.quick else Path("docs/benchmarks")
    if options.tables is None:
        options.tables = QUICK_TABLES if options.quick else TABLES
    if options.draws is None:
        options.draws = N_SPLITS if options.all_rows else N_DRAWS
        options.draws = min(options.draws, QUICK_N_DRAWS) if options.quick else options.draws
    if options.trained_draws is None:
        options.trained_draws = options.draws
    return options


def measure(options: argparse.Namespace) -> None:
    """Measure the chosen tables, one by one, and keep what comes out."""
    for position, name in enumerate(options.tables, start=1):
        table = load_table(name)
        for shots in (ALL,) if options.all_rows else map(str, table.shots):
            start = monotonic()
            draws = Parallel(n_jobs=options.n_jobs)(
                delayed(measure_draw)(
                    table, shots, draw, options.weights, hows=hows_of(draw, options)
                )
                for draw in range(options.first_draw, options.draws)
            )
            lines = pd.DataFrame([line for draw in draws for line in draw])
            lines["weights"] = str(options.weights or "shipped")
            path = options.kept / f"{name}-{shots}.csv"
            keep(lines, path, options.how, options.first_draw)
            seconds = monotonic() - start
            done = f"{position}/{len(options.tables)} {name}, {shots}: {seconds:.0f} s"
            print(done, file=sys.stderr, flush=True)


def hows_of(draw: int, options: argparse.Namespace) -> list[str]:
    """What is measured on a draw."""
    trained = () if draw < options.trained_draws else (SCRATCH, ADAPTED)
    return [how for how in options.how if how not in trained]


def keep(lines: pd.DataFrame, path: Path, hows: list[str], first_draw: int) -> None:
    """Write lines in the place of those of these draws that came about in the same ways."""
    if path.exists():
        earlier = pd.read_csv(path, dtype={"shots": str})
        replaced = earlier["method"].map(how_of).isin(hows) & (earlier["draw"] >= first_draw)
        lines = pd.concat([earlier[~replaced], lines])
    lines.to_csv(path, index=False)


def report(options: argparse.Namespace) -> str:
    """Collect what was kept, write the table, return the page."""
    paths = [
        path for name in TABLES for path in sorted(options.kept.glob(f"{name}-*.csv"), reverse=True)
    ]
    frames = [pd.read_csv(path, dtype={"shots": str}) for path in paths]
    lines = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()
    page = make_page(lines)
    options.out.mkdir(parents=True, exist_ok=True)
    if len(lines):
        wide = lines.pivot(
            index=["shots", "table", "draw"], columns="method", values="accuracy"
        ).round(4)
        wide.to_csv(options.out / "few_shot.csv")
    (options.out / "few_shot.md").write_text(page)
    return page


def main(arguments: list[str] | None = None) -> None:
    """Measure, keep, report."""
    options = parse(arguments)
    options.kept.mkdir(parents=True, exist_ok=True)
    measure(options)
    print(report(options))


if __name__ == "__main__":
    main()
