"""Tables with text, categories and gaps: MetaExplainer beside surrogates and sampling.

The truth is enumerated, raw columns are explained, and every method has the same background rows;
surrogates learn from as many hybrids as MetaExplainer asks about, all drawn.
``python benchmarks/mixed.py`` keeps results in ``runs/mixed``, a file a task, and writes
``docs/benchmarks/mixed.csv`` and ``mixed.md`` once all are there; ``--tasks 0:15`` runs a slice.
``--own`` measures MetaExplainer again where results are kept, and other lines stay.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from measures import Result, Stopwatch, average, geometric_mean, record, side_by_side
from mixed_tables import (
    CLASSIFIERS,
    MODEL_NAMES,
    REGRESSORS,
    SOURCES,
    TABLE_NAMES,
    MixedTable,
    load_mixed_table,
    one_hot,
)
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.multioutput import MultiOutputRegressor
from surrogates import average_results, fit_network, surrogate_values
from tasks import N_BACKGROUND, SEED, Task, make_task_of
from threadpoolctl import threadpool_limits
from whole import META, close, explain_meta, fit_meta

from sklearn_metaexplain import ShapExplainer
from sklearn_metaexplain.masking import MaskedModel
from sklearn_metaexplain.posthoc._support import ask_support

SUPPORTS = (512, 2048, 8192)
# Of fewer evaluations both methods refuse rows of eight columns and 25 background rows.
BUDGETS = (800, 1600)
N_ROWS = 20
UNTRAINED = "MetaExplainer, pretrained=None"
OWN = (META, UNTRAINED)
BOOSTED = "HGB surrogate with native categories, exact"
NETWORK = "MLP surrogate on indicators, exact"
AVERAGE = "both surrogates averaged, exact"
KERNEL, PERMUTATION = "shap Kernel", "shap Permutation"
PEERS = (BOOSTED, NETWORK, AVERAGE)
OUT = Path(__file__).parents[1] / "docs" / "benchmarks"
RUNS = Path("runs/mixed")


def make_mixed_task(table: MixedTable, model_name: str) -> Task:
    """Fit a pipeline, choose rows, and enumerate the truth."""
    estimator = (CLASSIFIERS if table.is_classification else REGRESSORS)[model_name]()
    return make_task_of(table, model_name, estimator, N_ROWS)


def explain_all(task: Task) -> Iterator[Result]:
    """Every method's answers."""
    for n_support in SUPPORTS:
        yield from explain_own(task, n_support)
        hybrids = draw_hybrids(task, n_support)
        boosted = explain_surrogate(task, BOOSTED, hybrids)
        network = explain_surrogate(task, NETWORK, hybrids)
        yield from (boosted, network, average_results(AVERAGE, [boosted, network]))
    for method, algorithm in ((KERNEL, "kernel"), (PERMUTATION, "permutation")):
        for budget in BUDGETS:
            yield explain_sampled(task, method, algorithm, budget)


def explain_own(task: Task, n_support: int) -> Iterator[Result]:
    """Answers of MetaExplainer, meta-trained and by likelihood search."""
    fitted = fit_meta(task, n_support, "default")
    yield explain_meta(task, fitted, 0)
    if n_support == 2048:
        yield explain_meta(task, fitted, 100)
    yield explain_meta(task, fit_meta(task, n_support, None), 0, UNTRAINED)


def draw_hybrids(task: Task, n_support: int) -> pd.DataFrame:
    """The background and drawn hybrids, as MetaExplainer draws its first."""
    task.model.asked = []
    masked = MaskedModel(task.model, task.background)
    ask_support(masked, task.X_train, n_support, np.random.RandomState(SEED))
    hybrids, task.model.asked = pd.concat(task.model.asked, ignore_index=True), None
    return hybrids


def explain_surrogate(task: Task, method: str, hybrids: pd.DataFrame) -> Result:
    """Fit a usual model to evaluated hybrids, explain it exactly, close the gap."""
    outputs = task.masked.predict(hybrids)
    with Stopwatch() as fit:
        if method == BOOSTED:
            model = _fit_boosting(hybrids, outputs)
        else:
            model = fit_network(hybrids, outputs, one_hot())
    with Stopwatch() as watch:
        values = close(task, surrogate_values(task, model))
    return Result(method, values, watch.seconds, len(hybrids), seconds_fit=fit.seconds)


def _fit_boosting(hybrids: pd.DataFrame, outputs: np.ndarray) -> Any:
    boosting = HistGradientBoostingRegressor(
        max_iter=300,
        early_stopping=False,
        categorical_features="from_dtype",
        random_state=SEED,
    )
    if outputs.shape[1] == 1:
        return boosting.fit(hybrids, outputs[:, 0])
    return MultiOutputRegressor(boosting).fit(hybrids, outputs)


def explain_sampled(task: Task, method: str, algorithm: str, budget: int) -> Result:
    """Sample coalitions or permutations of each row by the shap library."""
    explainer = ShapExplainer(
        task.frozen,
        algorithm=algorithm,
        background=task.background,
        budget=budget,
        random_state=SEED,
    ).fit(task.X_train)
    with Stopwatch() as watch:
        explanation = explainer.explain(task.rows)
    values = task.computed(explanation.values)
    spent = float(np.mean(explanation.n_evaluations))
    return Result(method, values, watch.seconds, 0, budget, spent)


def best_peer(results: pd.DataFrame) -> pd.DataFrame:
    """Mean errors of MetaExplainer and of the best surrogate, a line for each number at fit."""
    means = average(results).set_index(["method", "n_support", "budget"])["mean"]
    lines = []
    for n_support in SUPPORTS:
        peers = {method: means[method, n_support, 0] for method in PEERS}
        best = min(peers, key=lambda method: peers[method])
        own = means[META, n_support, 0]
        lines.append((n_support, own, best, peers[best], own / peers[best]))
    return pd.DataFrame(lines, columns=["n_support", "own", "peer", "error", "ratio"])


def make_page(results: pd.DataFrame) -> str:
    """Write the page."""
    n_tasks = results["task"].nunique()
    sources = "; ".join(f"*{name}*: {source}" for name, source in SOURCES.items())
    lines = [
        "# Tables with text, categories and gaps",
        "",
        f"Made by `python benchmarks/mixed.py`: {len(TABLE_NAMES)} tables, each explained behind "
        f"{len(MODEL_NAMES)} pipelines of scikit-learn:",
        f"{', '.join(MODEL_NAMES)}. Raw columns are explained; the truth is enumerated, for "
        f"{N_ROWS} rows and {N_BACKGROUND}",
        "background rows. Surrogates learn from as many hybrids, all drawn, and are explained "
        "exactly.",
        "",
        f"{sources}.",
        "",
        "*Error*: squared error over squared size.",
        "",
        "| evaluations at fit | MetaExplainer | best surrogate | its error | ratio | geometric "
        "mean of ratios |",
        "|-|-|-|-|-|-|",
    ]
    for row in best_peer(results).itertuples():
        pairs = side_by_side(results, *(_line(name, row.n_support) for name in (META, row.peer)))
        ratio = geometric_mean(pairs["one"] / pairs["other"].clip(lower=1e-12))
        lines.append(
            f"| {row.n_support:,} | {row.own:.4f} | {row.peer} | {row.error:.4f} | "
            f"{row.ratio:.2f} | {ratio:.2f} |"
        )
    lines += [
        "",
        f"All methods, means over {n_tasks} tasks:",
        "",
        "| method | evaluations at fit | allowed a row | made a row | mean error | median | "
        "s to fit | s per 1,000 rows |",
        "|-|-|-|-|-|-|-|-|",
    ]
    for row in average(results).sort_values(["n_support", "budget"], kind="stable").itertuples():
        lines.append(
            f"| {row.method} | {row.n_support:,} | {row.budget:,} | {row.evaluations:,.0f} | "
            f"{row.mean:.4f} | {row.median:.4f} | {row.seconds_fit:.2f} | "
            f"{row.seconds_per_1000:.1f} |"
        )
    lines += ["", "## By table and by model", "", "2,048 evaluations at fit, mean errors.", ""]
    one = results[(results["n_support"] == 2048) & (results["budget"] == 0)]
    table, model = one["task"].str.split("/").str[0], one["task"].str.split("/").str[1]
    for name, groups in (("table", table), ("model", model)):
        means = one.groupby([groups, "method"], sort=False)["error"].mean().unstack("method")
        methods = [*OWN, *PEERS]
        lines += [f"| {name} | {' | '.join(methods)} |", "|-" * (1 + len(methods)) + "|"]
        for group, errors in means[methods].iterrows():
            lines.append(f"| {group} | {' | '.join(f'{error:.4f}' for error in errors)} |")
        lines.append("")
    unasked = results[results["budget"] == 0]
    lines += [
        "## What MetaExplainer says of its error",
        "",
        "Coverage of its intervals of 90%, and the share of tasks whose error is within a factor "
        "of five of",
        "`shapley_error_`.",
        "",
        "| method | evaluations at fit | coverage | within a factor of five |",
        "|-|-|-|-|",
    ]
    for method, n_support in product(OWN, SUPPORTS):
        some = unasked[(unasked["method"] == method) & (unasked["n_support"] == n_support)]
        factor = some["error"] / some["error_expected"]
        within = ((factor > 0.2) & (factor < 5)).mean()
        told = f"{some['covered_90'].mean():.3f} | {within:.2f}"
        lines.append(f"| {method} | {n_support:,} | {told} |")
    return "\n".join([*lines, ""])


def _line(method: str, n_support: int) -> dict[str, object]:
    return {"method": method, "n_support": n_support, "budget": 0}


def main() -> None:
    """Run what is not kept yet, and write the page of all that is."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", default=":", help='a slice of the tasks, as "0:15"')
    parser.add_argument("--own", action="store_true", help="only MetaExplainer, also where kept")
    parser.add_argument("--runs", type=Path, default=RUNS, help="folder that results are kept in")
    parser.add_argument("--out", type=Path, default=OUT, help="folder of the page")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    start, end = (int(part) if part else None for part in arguments.tasks.split(":"))
    names = [(table, model) for table in TABLE_NAMES for model in MODEL_NAMES]
    arguments.runs.mkdir(parents=True, exist_ok=True)
    for table_name, model_name in names[start:end]:
        path = arguments.runs / f"{table_name}-{model_name.replace(' ', '_')}.csv"
        if path.exists() != arguments.own:
            continue
        with threadpool_limits(1):
            task = make_mixed_task(load_mixed_table(table_name), model_name)
            if arguments.own:
                found = [result for n in SUPPORTS for result in explain_own(task, n)]
            else:
                found = list(explain_all(task))
            results = pd.DataFrame([record(task, result) for result in found])
        if arguments.own:
            earlier = pd.read_csv(path)
            results = pd.concat([results, earlier[~earlier["method"].isin(OWN)]])
        partial = path.with_suffix(".part")
        results.to_csv(partial, index=False)
        os.replace(partial, path)
        print(f"{task.name}: {len(results)} lines", flush=True)
    kept = [pd.read_csv(path) for path in sorted(arguments.runs.glob("*.csv"))]
    if len(kept) == len(names):
        results = pd.concat(kept, ignore_index=True)
        results.to_csv(arguments.out / "mixed.csv", index=False, float_format="%.4g")
        (arguments.out / "mixed.md").write_text(make_page(results))


if __name__ == "__main__":
    main()
