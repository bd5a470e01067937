"""How much errors depend on which evaluations are drawn.

``python benchmarks/draws.py`` takes some minutes on two cores. Of scikit-learn's tables in the
benchmark, each task with several draws of the evaluations at fit: MetaExplainer beside the
surrogates that are its best peers. Models, background rows and explained rows stay the same.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Iterator

import pandas as pd
import torch
from boosted import explain_boosted
from joblib import Parallel, delayed
from measures import record
from models import MODEL_NAMES
from parts import Parts
from run import N_ROWS
from surrogates import explain_surrogates
from tables import OLD_NAMES, load_table
from tasks import make_task
from whole import META, explain_meta, fit_meta, support_of

from sklearn_metaexplain.exceptions import ExplanationWarning


def measure(
    table_name: str, model_name: str, n_support: int, seeds: range
) -> list[dict[str, object]]:
    """Errors of a task's values, draw by draw."""
    torch.set_num_threads(1)
    task = make_task(load_table(table_name), model_name, N_ROWS)

    def explained(seed: int) -> Iterator[object]:
        yield explain_meta(task, fit_meta(task, n_support, "default", random_state=seed), 0)
        drawn = fit_meta(task, n_support, "default", n_rounds=1, random_state=seed)
        support = support_of(task, drawn)
        process, _ = Parts(task, drawn.explainer, support).default_process()
        yield from explain_surrogates(task, support, process, explain_boosted(task, support))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExplanationWarning)
        return [
            {"draw": seed, **record(task, result)} for seed in seeds for result in explained(seed)
        ]


def main(argv: list[str] | None = None) -> None:
    """Print mean errors by draw, and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n-support", type=int, default=512, help="evaluations at fit")
    parser.add_argument("--draws", type=int, default=4)
    parser.add_argument("--tables", nargs="+", default=list(OLD_NAMES))
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    arguments = parser.parse_args(argv)
    measured = Parallel(n_jobs=arguments.jobs)(
        delayed(measure)(table, model, arguments.n_support, range(arguments.draws))
        for table in arguments.tables
        for model in MODEL_NAMES
    )
    results = pd.DataFrame([line for lines in measured for line in lines])
    means = results.pivot_table(index="draw", columns="method", values="error", sort=False)
    best = means.drop(columns=META).mean().idxmin()
    shown = means[[META, best]].assign(ratio=means[META] / means[best])
    print(shown.to_string(float_format="%.4f"))
    ratio = means[META].mean() / means[best].mean()
    spread = shown["ratio"].std() / len(shown) ** 0.5
    print(f"All draws: {ratio:.3f} of {best} (standard error over draws {spread:.3f}).")


if __name__ == "__main__":
    main()
