"""What MetaExplainer costs, and how far off it is, with 10 to 200 columns.

``python benchmarks/columns.py`` takes about five minutes on one core and writes
``docs/benchmarks/columns.md``: seconds of fit and of 1,000 rows, peak memory and the relative error
of the values of three models whose Shapley values are known in closed form, against the number of
columns, and the exponent of time between 64 and 200 columns.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.frozen import FrozenEstimator

from sklearn_metaexplain import MetaExplainer

COLUMNS = (10, 30, 64, 100, 200)
_COMMAND = "python benchmarks/columns.py"
_N_ROWS, _N_BACKGROUND = 2000, 25
_LEAST = 64  # from where the exponent of time is fitted
_MODELS = ("linear", "additive", "interaction")


class Known(NamedTuple):
    """A function of a table, and its interventional Shapley values (rows, background)."""

    function: Callable[[np.ndarray], np.ndarray]
    shapley: Callable[[np.ndarray, np.ndarray], np.ndarray]


class KnownModel(RegressorMixin, BaseEstimator):
    """A function as a fitted regressor."""

    def __init__(self, known: Known | None = None) -> None:
        self.known = known

    def fit(self, X: np.ndarray, y: np.ndarray) -> KnownModel:
        """Learn nothing."""
        self.n_features_in_ = X.shape[1]
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Values of the function."""
        return self.known.function(np.asarray(X))


def known_model(name: str, n_columns: int, rng: np.random.RandomState) -> Known:
    """Linear and additive in every column, or two products among six columns."""
    if name == "interaction":
        return Known(_products, _products_shapley)
    weights = rng.randn(n_columns)

    def terms(X: np.ndarray) -> np.ndarray:
        return weights * (X if name == "linear" else np.sin(2 * X) + 0.5 * X**2)

    return Known(
        lambda X: terms(X).sum(1),
        lambda X, background: terms(X) - terms(background).mean(0),
    )


def _products(X: np.ndarray) -> np.ndarray:
    return X[:, 0] + X[:, 1] * X[:, 2] + X[:, 3] * np.tanh(X[:, 4]) - X[:, 5]


def _products_shapley(X: np.ndarray, background: np.ndarray) -> np.ndarray:
    mean = background.mean(0)
    values = np.zeros_like(X)
    values[:, 0], values[:, 5] = X[:, 0] - mean[0], mean[5] - X[:, 5]
    for j, k, bent in ((1, 2, lambda z: z), (3, 4, np.tanh)):
        ours, other = X[:, j], bent(X[:, k])
        theirs, others = background[:, j], bent(background[:, k])
        # A player of a product of two is paid its difference times the mean of the other's two.
        first = (ours[:, None] - theirs) * (other[:, None] + others) / 2
        second = (other[:, None] - others) * (ours[:, None] + theirs) / 2
        values[:, j], values[:, k] = first.mean(1), second.mean(1)
    return values


def measure(name: str, n_columns: int, n_support: int, n_explained: int) -> dict[str, object]:
    """Explain one model of one table."""
    torch.set_num_threads(1)
    rng = np.random.RandomState(n_columns)
    # Half of each column's variance is shared with its neighbours.
    X = rng.randn(_N_ROWS, n_columns)
    X = (X + np.roll(X, 1, axis=1)) / 2**0.5
    known = known_model(name, n_columns, rng)
    background, rows = X[:_N_BACKGROUND], X[_N_BACKGROUND : _N_BACKGROUND + n_explained]
    model = KnownModel(known).fit(X, known.function(X))
    explainer = MetaExplainer(
        FrozenEstimator(model), background=background, n_support=128, random_state=0
    )
    explainer.fit(X).explain(rows[:2])  # loads what is compiled
    explainer.set_params(n_support=n_support)
    start = time.process_time()
    explainer.fit(X)
    fitted = time.process_time()
    explanation = explainer.explain(rows)
    done = time.process_time()
    exact = known.shapley(rows, background)
    values = explanation.values[:, :, 0]
    gap = np.abs(values.sum(1) - exact.sum(1)).max()
    return {
        "columns": n_columns,
        "model": name,
        "fit": fitted - start,
        "explain": (done - fitted) * 1000 / n_explained,
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
        "error": np.square(values - exact).sum() / np.square(exact).sum(),
        "believed": explainer.shapley_error_,
        "gap": gap / np.abs(exact.sum(1)).max(),
    }


def exponent(results: pd.DataFrame, seconds: str, least: int = _LEAST) -> float:
    """Slope of the logarithm of time in that of the number of columns, from `least` on."""
    means = results[results["columns"] >= least].groupby("columns")[seconds].mean()
    return float(np.polyfit(np.log(means.index), np.log(means), 1)[0])


def report(results: pd.DataFrame, n_support: int) -> str:
    """Costs and errors by number of columns, as markdown."""
    errors = results.pivot(index="columns", columns="model", values="error")[list(_MODELS)]
    believed = results.groupby("columns")["believed"].mean()
    costs = results.groupby("columns").agg({"fit": "mean", "explain": "mean", "memory": "max"})
    lines = [
        "# Many columns",
        "",
        f"`{_COMMAND}`: `MetaExplainer` with {n_support:,} evaluations, {_N_BACKGROUND} background",
        "rows and the shipped weights, on one core: seconds of processor time, means over three",
        "models, with the model's own; peak memory of the whole process, imports included; and",
        r"relative errors $\lVert\hat\varphi - \varphi\rVert^2 / \lVert\varphi\rVert^2$ of models",
        "whose Shapley values are known: linear and additive in all columns, and two products",
        "among six columns, the others irrelevant. Beside them the mean of `shapley_error_`.",
        "",
        "| columns | fit, s | 1,000 rows, s | memory, GiB | linear | additive | interaction |"
        " believed |",
        "|-|" + "-|" * 7,
    ]
    for columns, cost in costs.iterrows():
        found = " | ".join(f"{error:.2g}" for error in errors.loc[columns])
        lines.append(
            f"| {columns} | {cost['fit']:.1f} | {cost['explain']:.1f} | {cost['memory']:.2f} | "
            f"{found} | {believed[columns]:.2g} |"
        )
    if results.loc[results["columns"] >= _LEAST, "columns"].nunique() > 1:
        lines += [
            "",
            f"Between {_LEAST} and {results['columns'].max()} columns time grows with the number",
            f"of columns to the power of {exponent(results, 'fit'):.2f} (fit) and "
            f"{exponent(results, 'explain'):.2f} (explain).",
        ]
    lines += [
        "",
        f"Values sum to what they must within {results['gap'].max():.0e} of the largest sum.",
        "With a fixed number of evaluations the error grows with the number of columns: raise",
        "`n_support`, or group columns (`feature_groups`).",
    ]
    return "\n".join(lines) + "\n"


def main(argv: list[str] | None = None) -> None:
    """Parse the command line and run it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="two sizes, few evaluations")
    parser.add_argument("--out", default="docs/benchmarks", help="folder of the report")
    arguments = parser.parse_args(argv)
    sizes = (10, 70) if arguments.quick else COLUMNS
    n_support, n_explained = (256, 8) if arguments.quick else (2048, 100)
    measured = []
    for n_columns in sizes:
        for name in _MODELS:
            # Peak memory is a process's; a new one does not remember the others.
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                measured.append(pool.apply(measure, (name, n_columns, n_support, n_explained)))
            print(measured[-1], flush=True)
    text = report(pd.DataFrame(measured), n_support)
    Path(arguments.out).mkdir(parents=True, exist_ok=True)
    (Path(arguments.out) / "columns.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
